//! Which messages somebody means: by their envelope, their age, their client and their stage. Pure.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use common_config::units;
use common_config::user_name::UserName;
use router_config::{Network, Parameters};
use wildmatch::WildMatch;

use crate::envelope::{Mailbox, ReversePath, Source};
use crate::spool::message::{Head, MessageState, RecipientState};

/// Where a message stands in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// No round of it has ended yet.
    New,
    /// It waits for its next round.
    Deferred,
    /// A round of it is under way.
    Active,
    /// An administrator holds it.
    Held,
}

impl Stage {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::New, Self::Deferred, Self::Active, Self::Held];

    /// Where a message whose round is not under way stands, by its record.
    #[must_use]
    pub fn by_record(state: &MessageState) -> Self {
        if state.orders.held.is_some() {
            Self::Held
        } else if state.attempts == 0 && state.signings.deferred().next().is_none() {
            Self::New
        } else {
            Self::Deferred
        }
    }

    /// Its name.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Deferred => "deferred",
            Self::Active => "active",
            Self::Held => "held",
        }
    }
}

impl FromStr for Stage {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let known = Self::ALL.into_iter().find(|stage| stage.label() == text);
        known.ok_or(FilterError::Stage)
    }
}

/// Which messages are meant: those for which all that is set holds. The empty one means every message.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// The sender; `<>` is the null one.
    pub sender: Option<WildMatch>,
    /// One of the recipients who do not have it yet.
    pub recipient: Option<WildMatch>,
    /// The domain of one of them.
    pub domain: Option<WildMatch>,
    /// Who handed it in.
    pub client: Option<ClientPattern>,
    /// How long ago it was accepted, at least.
    pub older: Option<Duration>,
    /// The same, at most.
    pub newer: Option<Duration>,
    /// Where it stands.
    pub stage: Option<Stage>,
}

/// Who handed a message in.
#[derive(Debug, Clone)]
pub enum ClientPattern {
    /// This server.
    Ourselves,
    /// A machine.
    Network(Network),
    /// A user who authenticated.
    User(WildMatch),
}

/// A filter cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// An age is none.
    #[error("an age is a number with a unit: \"30m\", \"12h\", \"3d\"")]
    Age,
    /// A stage is none.
    #[error("a state is new, deferred, active or held")]
    Stage,
}

impl Filter {
    /// The names of what may be set, as requests and commands have them.
    pub const NAMES: [&'static str; 7] = [
        "sender",
        "recipient",
        "domain",
        "client",
        "older",
        "newer",
        "state",
    ];

    /// Takes a filter out of the parameters of a request.
    ///
    /// # Errors
    /// [`FilterError`].
    pub fn take(parameters: &mut Parameters) -> Result<Self, FilterError> {
        let mut pattern = |name| parameters.take(name).map(|text| glob(&text));
        let (sender, recipient) = (pattern("sender"), pattern("recipient"));
        let domain = pattern("domain");
        let client = parameters.take("client");
        let mut age = |name| {
            let text = parameters.take(name);
            text.map(|text| age(&text)).transpose()
        };
        Ok(Self {
            sender,
            recipient,
            domain,
            client: client.map(|text| ClientPattern::from(text.as_str())),
            older: age("older")?,
            newer: age("newer")?,
            stage: parameters
                .take("state")
                .map(|text| text.parse())
                .transpose()?,
        })
    }

    /// Whether the filter means this message, which stands there at `now`.
    #[must_use]
    pub fn matches(&self, head: &Head, stage: Stage, now: SystemTime) -> bool {
        let envelope = &head.envelope;
        let age = now.duration_since(envelope.accepted).unwrap_or_default();
        let waiting = |wanted: &dyn Fn(&Mailbox) -> bool| {
            let recipients = envelope.recipients.iter().zip(&head.state.recipients);
            recipients
                .filter(|(_, state)| is_wanted(state))
                .any(|(mailbox, _)| wanted(mailbox))
        };
        let text = |pattern: &WildMatch, text: &str| pattern.matches(text);
        self.stage.is_none_or(|wanted| wanted == stage)
            && self.older.is_none_or(|least| age >= least)
            && self.newer.is_none_or(|most| age <= most)
            && (self.sender.as_ref()).is_none_or(|pattern| {
                let sender = match &envelope.reverse_path {
                    ReversePath::Null => "<>".to_owned(),
                    ReversePath::Mailbox(mailbox) => mailbox.to_string(),
                };
                text(pattern, &sender)
            })
            && (self.recipient.as_ref()).is_none_or(|pattern| {
                waiting(&|mailbox: &Mailbox| text(pattern, &mailbox.to_string()))
            })
            && (self.domain.as_ref()).is_none_or(|pattern| {
                waiting(&|mailbox: &Mailbox| text(pattern, mailbox.domain().as_str()))
            })
            && (self.client.as_ref()).is_none_or(|pattern| pattern.matches(&envelope.source))
    }

    /// The same filter for the moment when an order is carried out: a message that was under way then is so no longer.
    #[must_use]
    pub fn when_obeyed(self) -> Self {
        Self {
            stage: self.stage.filter(|stage| *stage != Stage::Active),
            ..self
        }
    }
}

impl ClientPattern {
    fn matches(&self, source: &Source) -> bool {
        match (self, source) {
            (Self::Ourselves, Source::Ourselves) => true,
            (Self::Network(network), Source::Client { client, .. }) => {
                network.contains(client.address)
            }
            (Self::User(pattern), Source::Client { client, .. }) => {
                let name = client.identity.as_ref().map(UserName::as_str);
                name.is_some_and(|name| pattern.matches(name))
            }
            (Self::Ourselves, Source::Client { .. })
            | (Self::Network(_) | Self::User(_), Source::Ourselves) => false,
        }
    }
}

impl From<&str> for ClientPattern {
    /// An address or a network, `ourselves`, or else a user.
    fn from(text: &str) -> Self {
        if text == OURSELVES {
            return Self::Ourselves;
        }
        match text.parse::<Network>() {
            Ok(network) => Self::Network(network),
            Err(_) => Self::User(glob(text)),
        }
    }
}

/// The client of a message, as [`ClientPattern`] reads it.
#[derive(Debug, Clone, Copy)]
pub struct ClientName<'a>(pub &'a Source);

impl ClientName<'_> {
    /// Its address, if it has one.
    fn address(&self) -> Option<IpAddr> {
        match self.0 {
            Source::Client { client, .. } => Some(client.address),
            Source::Ourselves => None,
        }
    }
}

impl fmt::Display for ClientName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address() {
            Some(address) => write!(f, "{address}"),
            None => f.write_str(OURSELVES),
        }
    }
}

/// Whether a recipient is one that something is still to be done for.
pub(crate) fn is_wanted(state: &RecipientState) -> bool {
    match state {
        RecipientState::Pending(_) | RecipientState::Failed(_) => true,
        RecipientState::Delivered | RecipientState::Reported => false,
    }
}

/// `*` stands for any characters, `?` for one; case does not matter.
fn glob(text: &str) -> WildMatch {
    WildMatch::new_case_insensitive(text)
}

fn age(text: &str) -> Result<Duration, FilterError> {
    let age = text.parse::<units::Duration>();
    age.map(|age| age.std()).map_err(|_| FilterError::Age)
}

const OURSELVES: &str = "ourselves";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::sample;

    /// The sample went to three recipients, the first of whom has it; it is an hour old.
    fn check(query: &str, expected: bool) {
        let mut head = Head::from(sample::message(1));
        head.state = sample::worked_on();
        let filter = Filter::take(&mut Parameters::decode(query)).unwrap();
        let now = sample::accepted() + Duration::from_secs(3600);
        let stage = Stage::by_record(&head.state);
        assert_eq!(filter.matches(&head, stage, now), expected, "{query}");
    }

    #[test]
    fn all_that_is_set_must_hold() {
        check("", true);
        check("sender=samantha@renovations.com", true);
        check("sender=*@RENOVATIONS.com", true);
        check("sender=renovations.com", false); // the whole address
        check("sender=<>", false);
        check("recipient=*quoted*@example.net", true);
        check("recipient=inside@renovations.com", false); // has it
        check("domain=example.net", true);
        check("domain=*.example", true);
        check("domain=*.net.example", false);
        check("client=192.0.2.0/24", true);
        check("client=192.0.2.10", true);
        check("client=192.0.2.11", false);
        check("client=app*", false);
        check("client=ourselves", false);
        check("older=1h", true);
        check("older=61m", false);
        check("newer=1h", true);
        check("newer=59m", false);
        check("state=held", true);
        check("state=deferred", false);
        check("state=held&sender=*&domain=example.net&older=1m", true);
        check("state=held&sender=*&domain=example.org&older=1m", false);
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        let refused = |query: &str, why: FilterError| {
            let filter = Filter::take(&mut Parameters::decode(query));
            assert_eq!(filter.err(), Some(why), "{query}");
        };
        refused("older=soon", FilterError::Age);
        refused("newer=-1h", FilterError::Age);
        refused("state=lost", FilterError::Stage);
    }

    #[test]
    fn a_message_stands_where_its_record_says() {
        assert_eq!(Stage::by_record(&sample::fresh(1)), Stage::New);
        let mut state = sample::worked_on();
        assert_eq!(Stage::by_record(&state), Stage::Held);
        state.orders.held = None;
        assert_eq!(Stage::by_record(&state), Stage::Deferred);
    }
}
