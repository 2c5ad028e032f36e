//! One page of the queue: as many messages as are looked at in a moment, and where the next page begins.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use router_config::Parameters;

use super::answer::AskError;
use super::listed::{Listed, Page, Shape, Unreadable};
use crate::admin::Server;
use crate::envelope::ReversePath;
use crate::ids::QueueId;
use crate::mail_log::Chain;
use crate::queue::filter::{Filter, Stage, is_wanted};
use crate::spool::SpoolError;
use crate::spool::message::Head;

/// The messages that the filter means, from the one behind `after`.
pub(super) async fn list(
    server: &Server,
    filter: &Filter,
    after: Option<QueueId>,
) -> Result<Page, AskError> {
    let mut page = Page::default();
    let mut recipients = 0;
    page.next = walk(server, after, |shown| match shown {
        Ok((head, stage, now)) => {
            page.examined += 1;
            if filter.matches(head, stage, now) {
                recipients += head.envelope.recipients.len();
                page.messages.push(Listed::in_short(head, stage, now));
            }
            if page.messages.len() >= MESSAGES || recipients >= RECIPIENTS {
                More::Enough
            } else {
                More::Wanted
            }
        }
        Err((id, error)) => {
            page.examined += 1;
            page.unreadable.push(Unreadable {
                id: id.to_string(),
                why: Chain(error).to_string(),
            });
            More::Wanted
        }
    })
    .await?;
    Ok(page)
}

/// Whose domains a shape is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Recipient,
    Sender,
}

impl Side {
    pub(super) fn take(parameters: &mut Parameters) -> Result<Self, AskError> {
        match parameters.take("by").as_deref() {
            None | Some("recipient") => Ok(Self::Recipient),
            Some("sender") => Ok(Self::Sender),
            Some(_) => Err(AskError::Side),
        }
    }

    /// The domains of a message, each once.
    fn domains(self, head: &Head) -> Vec<&str> {
        let mut domains: Vec<&str> = match (self, &head.envelope.reverse_path) {
            (Self::Sender, ReversePath::Null) => vec!["<>"],
            (Self::Sender, ReversePath::Mailbox(mailbox)) => vec![mailbox.domain().as_str()],
            (Self::Recipient, _) => {
                let recipients = head.envelope.recipients.iter().zip(&head.state.recipients);
                let wanted = recipients.filter(|(_, state)| is_wanted(state));
                wanted
                    .map(|(mailbox, _)| mailbox.domain().as_str())
                    .collect()
            }
        };
        domains.sort_unstable();
        domains.dedup();
        domains
    }
}

/// How old the messages of each domain are, of those that the filter means, from the one behind `after`.
pub(super) async fn shape(
    server: &Server,
    filter: &Filter,
    side: Side,
    after: Option<QueueId>,
) -> Result<Shape, AskError> {
    let mut domains: BTreeMap<String, [u64; Shape::COLUMNS]> = BTreeMap::new();
    let mut examined = 0;
    let next = walk(server, after, |shown| {
        examined += 1;
        let Ok((head, stage, now)) = shown else {
            return More::Wanted; // the list tells of it
        };
        if filter.matches(head, stage, now) {
            let age = now.duration_since(head.envelope.accepted);
            let column = Shape::column(age.unwrap_or_default());
            for domain in side.domains(head) {
                let row = domains.entry(domain.to_owned()).or_default();
                if let Some(count) = row.get_mut(column) {
                    *count += 1;
                }
            }
        }
        More::Wanted
    })
    .await?;
    let next = next.map(|id| id.to_string());
    Ok(Shape {
        domains,
        examined,
        next,
    })
}

/// Takes the name behind which a page begins out of the parameters.
pub(super) fn after(parameters: &mut Parameters) -> Result<Option<QueueId>, AskError> {
    let after = parameters.take("after").map(|id| id.parse());
    after.transpose().map_err(AskError::Id)
}

/// Whether a page has room.
enum More {
    Wanted,
    Enough,
}

/// A message as a page sees it.
type Seen<'a> = Result<(&'a Head, Stage, SystemTime), (QueueId, &'a SpoolError)>;

/// Looks at messages until there is enough, or time is up, and says where to go on: nowhere, when there are no more.
async fn walk(
    server: &Server,
    mut after: Option<QueueId>,
    mut look: impl FnMut(Seen<'_>) -> More,
) -> Result<Option<QueueId>, AskError> {
    let started = server.instant();
    loop {
        let shown = server.queue().page(after, AT_ONCE);
        let shown = tokio::time::timeout(PATIENCE, shown).await;
        let shown = shown.ok().flatten().ok_or(AskError::Unready)?;
        if shown.is_empty() {
            return Ok(None);
        }
        let now = server.now();
        for one in &shown {
            after = Some(one.id);
            let more = match &one.head {
                Ok(head) => look(Ok((head, one.stage(head), now))),
                Err(SpoolError::NotFound { .. }) => More::Wanted, // done meanwhile
                Err(error) => look(Err((one.id, error))),
            };
            match more {
                More::Wanted => {}
                More::Enough => return Ok(after),
            }
        }
        if server.instant().saturating_duration_since(started) > MOMENT {
            return Ok(after);
        }
    }
}

/// Messages that are read at once.
const AT_ONCE: usize = 256;
/// Messages, and recipients of them, in one page.
const MESSAGES: usize = 1000;
const RECIPIENTS: usize = 5000;
/// How long a page is looked for.
const MOMENT: Duration = Duration::from_secs(1);
/// How long the queue may take to answer: it does so at once, unless it has not started.
const PATIENCE: Duration = Duration::from_secs(3);
