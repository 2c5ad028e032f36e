//! Answers about the queue, as JSON: written by the server, read by its commands and by administrators' own tools.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use common_config::user_name::UserName;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::envelope::{ReversePath, Source};
use crate::ids::QueueId;
use crate::mail_log::Chain;
use crate::queue::filter::{ClientName, Stage, is_wanted};
use crate::queue::order::Obeyed;
use crate::signing::state::{ProfileSigning, Signing};
use crate::spool::message::{Fault, Head, HeldFor, RecipientState};

/// A page of the queue.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Page {
    /// The messages, the first accepted first.
    pub messages: Vec<Listed>,
    /// Messages that cannot be read, whatever the filter says.
    pub unreadable: Vec<Unreadable>,
    /// How many messages were looked at.
    pub examined: u64,
    /// Behind which name the next page begins; none when this is the last.
    #[serde(serialize_with = "as_text", deserialize_with = "from_text")]
    pub next: Option<QueueId>,
}

/// A message that cannot be read.
#[derive(Debug, Serialize, Deserialize)]
pub struct Unreadable {
    /// Its name.
    pub id: String,
    /// Why.
    pub why: String,
}

/// A message of the queue. Times are as RFC 3339 writes them.
#[derive(Debug, Serialize, Deserialize)]
pub struct Listed {
    /// Its name.
    pub id: String,
    /// `new`, `deferred`, `active` or `held`.
    pub state: String,
    /// When it was accepted.
    pub accepted: String,
    /// How long ago that was.
    pub age_seconds: u64,
    /// Octets, without the fields that we put before it.
    pub size: u64,
    /// The sender; empty for a report.
    pub sender: String,
    /// The address of who handed it in; `ourselves` for reports that we wrote.
    pub client: String,
    /// The user who handed it in, if one had authenticated.
    pub identity: Option<String>,
    /// How many rounds have ended.
    pub attempts: u32,
    /// When the next round is due, unless it is held.
    pub next_attempt: Option<String>,
    /// Since when it is held.
    pub held_since: Option<String>,
    /// Why it is held, when nobody has ordered it: `damage`.
    pub held_for: Option<String>,
    /// The next hop that it was given in place of those of the settings.
    pub next_hop: Option<String>,
    /// Who is to have it; in a list, those only who do not have it yet.
    pub recipients: Vec<ListedRecipient>,
    /// What only a single message is shown with.
    #[serde(flatten)]
    pub details: Option<Details>,
}

/// A message is held since what became of it is not known.
pub const DAMAGE: &str = "damage";

/// A recipient.
#[derive(Debug, Serialize, Deserialize)]
pub struct ListedRecipient {
    /// Its address.
    pub address: String,
    /// `pending`, `delivered`, `failed` (and not reported yet) or `reported`.
    pub state: String,
    /// The enhanced status code of the last failure.
    pub status: Option<String>,
    /// Who answered so, when somebody did.
    pub remote: Option<String>,
    /// The answer.
    pub text: Option<String>,
}

/// What there is to see of a message besides.
#[derive(Debug, Serialize, Deserialize)]
pub struct Details {
    /// The name that the client gave.
    pub helo: Option<String>,
    /// Whether a next hop must offer 8BITMIME.
    pub eight_bit: bool,
    /// Whether a next hop must offer SMTPUTF8.
    pub smtputf8: bool,
    /// The header fields that we put before the message.
    pub trace: String,
    /// What signing came to, for each profile.
    pub signing: Vec<ListedSigning>,
}

/// What signing came to for the copies of a profile.
#[derive(Debug, Serialize, Deserialize)]
pub struct ListedSigning {
    /// The profile.
    pub profile: String,
    /// `not_needed`, `done`, `deferred` or `refused`.
    pub result: String,
    /// The keys that signed.
    pub keys: Vec<String>,
    /// Why it was not done.
    pub fault: Option<String>,
    /// The header fields that signing made.
    pub header: String,
}

/// How old the messages of each domain are.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Shape {
    /// For each domain, how many messages there are up to each of [`Shape::MINUTES`], and older ones last.
    pub domains: BTreeMap<String, [u64; Self::COLUMNS]>,
    /// How many messages were looked at.
    pub examined: u64,
    /// Behind which name the next page begins; none when this is the last.
    pub next: Option<String>,
}

impl Shape {
    /// Columns of the table.
    pub const COLUMNS: usize = 10;
    /// Where the columns end, but for the last, which has no end.
    pub const MINUTES: [u64; Self::COLUMNS - 1] = [5, 10, 20, 40, 80, 160, 320, 640, 1280];

    /// The column of an age.
    #[must_use]
    pub fn column(age: Duration) -> usize {
        let ends = Self::MINUTES.iter();
        ends.filter(|minutes| age > Duration::from_secs(**minutes * 60))
            .count()
    }

    /// Adds another page.
    pub fn add(&mut self, other: Self) {
        for (domain, counts) in other.domains {
            let row = self.domains.entry(domain).or_default();
            for (sum, count) in row.iter_mut().zip(counts) {
                *sum += count;
            }
        }
        self.examined += other.examined;
        self.next = other.next;
    }
}

/// How full the queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueLevel {
    /// Whether no mail of clients is taken.
    pub draining: bool,
    /// Messages in the queue.
    pub messages: usize,
    /// Those under way.
    pub active: usize,
    /// Those that are held.
    pub held: usize,
}

/// What came of an order.
#[derive(Debug, Serialize, Deserialize)]
pub struct Results {
    /// For each message, in no order.
    pub results: Vec<ObeyedLine>,
}

/// What came of an order for one message.
#[derive(Debug, Serialize, Deserialize)]
pub struct ObeyedLine {
    /// Its name.
    pub id: String,
    /// `done`, `unneeded`, `held`, `unlike`, `gone`, `busy` or `failed`.
    pub result: String,
    /// Why it failed.
    pub why: Option<String>,
}

impl ObeyedLine {
    pub(super) fn new(id: QueueId, obeyed: &Obeyed) -> Self {
        let why = match obeyed {
            Obeyed::Failed(error) => Some(Chain(error).to_string()),
            Obeyed::Done
            | Obeyed::Unneeded
            | Obeyed::Held
            | Obeyed::Unlike
            | Obeyed::Gone
            | Obeyed::Busy => None,
        };
        Self {
            id: id.to_string(),
            result: obeyed.label().to_owned(),
            why,
        }
    }
}

impl Listed {
    /// A message in a list.
    pub(super) fn in_short(head: &Head, stage: Stage, now: SystemTime) -> Self {
        let mut listed = Self::with_recipients(head, stage, now, is_wanted);
        listed.details = None;
        listed
    }

    /// All there is to see of a message, but for the message itself.
    #[must_use]
    pub fn whole(head: &Head, stage: Stage, now: SystemTime) -> Self {
        let helo = match &head.envelope.source {
            Source::Client { helo, .. } => Some(helo.to_string()),
            Source::Ourselves => None,
        };
        let details = Details {
            helo,
            eight_bit: head.envelope.needs.eight_bit,
            smtputf8: head.envelope.needs.smtputf8,
            trace: String::from_utf8_lossy(&head.trace).into_owned(),
            signing: head.state.signings.iter().map(signing).collect(),
        };
        Self {
            details: Some(details),
            ..Self::with_recipients(head, stage, now, |_| true)
        }
    }

    fn with_recipients(
        head: &Head,
        stage: Stage,
        now: SystemTime,
        wanted: impl Fn(&RecipientState) -> bool,
    ) -> Self {
        let (envelope, state) = (&head.envelope, &head.state);
        let identity = match &envelope.source {
            Source::Client { client, .. } => client.identity.as_ref(),
            Source::Ourselves => None,
        };
        let recipients = envelope.recipients.iter().zip(&state.recipients);
        let held = state.orders.held;
        Self {
            id: head.id.to_string(),
            state: stage.label().to_owned(),
            accepted: moment(envelope.accepted),
            age_seconds: now
                .duration_since(envelope.accepted)
                .map_or(0, |age| age.as_secs()),
            size: head.size,
            sender: match &envelope.reverse_path {
                ReversePath::Null => String::new(),
                ReversePath::Mailbox(mailbox) => mailbox.to_string(),
            },
            client: ClientName(&envelope.source).to_string(),
            identity: identity.map(UserName::as_str).map(str::to_owned),
            attempts: state.attempts,
            next_attempt: held.is_none().then(|| moment(state.next_attempt)),
            held_since: held.map(|held| moment(held.since)),
            held_for: held.and_then(|held| match held.why {
                HeldFor::Order => None,
                HeldFor::Damage => Some(DAMAGE.to_owned()),
            }),
            next_hop: state.orders.next_hop.as_ref().map(ToString::to_string),
            recipients: recipients
                .filter(|(_, state)| wanted(state))
                .map(|(mailbox, state)| recipient(mailbox.to_string(), state))
                .collect(),
            details: None,
        }
    }
}

fn recipient(address: String, state: &RecipientState) -> ListedRecipient {
    let (state, fault): (_, Option<&Fault>) = match state {
        RecipientState::Pending(fault) => ("pending", fault.as_ref()),
        RecipientState::Delivered => ("delivered", None),
        RecipientState::Failed(fault) => ("failed", Some(fault)),
        RecipientState::Reported => ("reported", None),
    };
    ListedRecipient {
        address,
        state: state.to_owned(),
        status: fault.map(|fault| fault.status.to_string()),
        remote: fault.and_then(|fault| fault.remote.as_deref().map(str::to_owned)),
        text: fault.map(|fault| fault.text.to_string()),
    }
}

fn signing(one: &ProfileSigning) -> ListedSigning {
    let (result, fault) = match &one.signing {
        Signing::NotNeeded => ("not_needed", None),
        Signing::Done(_) => ("done", None),
        Signing::Deferred(fault) => ("deferred", Some(fault)),
        Signing::Refused(fault) => ("refused", Some(fault)),
    };
    let signatures = match &one.signing {
        Signing::Done(signatures) => Some(signatures),
        Signing::NotNeeded | Signing::Deferred(_) | Signing::Refused(_) => None,
    };
    let keys = signatures.map(|signatures| signatures.keys.iter());
    let header = signatures.map(|signatures| String::from_utf8_lossy(&signatures.header));
    ListedSigning {
        profile: one.profile.to_string(),
        result: result.to_owned(),
        keys: keys
            .into_iter()
            .flatten()
            .map(|key| key.name.to_string())
            .collect(),
        fault: fault.map(|fault| fault.class.explanation().to_owned()),
        header: header.unwrap_or_default().into_owned(),
    }
}

/// To the second.
fn moment(time: SystemTime) -> String {
    let seconds = crate::clock::unix_seconds(time);
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds)
        .unwrap_or(Timestamp::MAX)
        .to_string()
}

fn as_text<S: serde::Serializer>(id: &Option<QueueId>, to: S) -> Result<S::Ok, S::Error> {
    id.map(|id| id.to_string()).serialize(to)
}

fn from_text<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<QueueId>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    let id = text.map(|text| text.parse()).transpose();
    id.map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::sample;

    #[test]
    fn an_age_is_in_one_column() {
        let check = |seconds, expected| {
            assert_eq!(Shape::column(Duration::from_secs(seconds)), expected);
        };
        check(0, 0);
        check(300, 0);
        check(301, 1);
        check(1280 * 60, 8);
        check(1280 * 60 + 1, 9);
    }

    #[test]
    fn a_list_leaves_out_who_has_the_message() {
        let mut head = Head::from(sample::message(1));
        head.state = sample::worked_on();
        let now = sample::accepted() + Duration::from_secs(90);
        let short = Listed::in_short(&head, Stage::Held, now);
        assert_eq!(short.recipients.len(), 2);
        assert_eq!(short.age_seconds, 90);
        assert_eq!(short.accepted, "2026-09-21T14:13:20Z");
        assert_eq!(short.held_since.as_deref(), Some("2026-09-21T14:18:20Z"));
        assert_eq!(short.next_attempt, None);
        assert_eq!(short.next_hop.as_deref(), Some("[2001:db8::25]:2525"));
        let whole = Listed::whole(&head, Stage::Held, now);
        let states: Vec<&str> = (whole.recipients.iter())
            .map(|recipient| recipient.state.as_str())
            .collect();
        assert_eq!(states, ["delivered", "pending", "failed"]);
        let read: Listed = serde_json::from_str(&serde_json::to_string(&whole).unwrap()).unwrap();
        let details = read.details.unwrap();
        assert_eq!(details.trace, "Received: from domino.renovations.com\r\n");
        let results: Vec<&str> = (details.signing.iter())
            .map(|signing| signing.result.as_str())
            .collect();
        assert_eq!(results, ["deferred", "not_needed", "done"]);
    }
}
