//! Quiet mode (`signing.quiet`): the step does all its work and changes nothing; the log tells what it would have done.

use common_config::name::KeyName;
use router_config::{FailureAction, Fate};

use super::policy::Consequence;
use super::sign::Outcome;
use super::state::Signing;

/// What would have become of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quiet {
    /// In one word.
    pub would: Fate,
    /// The keys that signed.
    pub keys: Vec<KeyName>,
}

impl Quiet {
    /// What an outcome would have meant.
    pub(super) fn of(outcome: &Outcome) -> Self {
        let keys = outcome.keys();
        let over_faults = match &outcome.consequence {
            Consequence::Send => outcome.has_failures().then_some(FailureAction::Send),
            Consequence::Defer(_) => Some(FailureAction::Defer),
            Consequence::Report(_) => Some(FailureAction::Report),
            Consequence::Reject(_) => Some(FailureAction::Reject),
        };
        let would = match &outcome.record.signing {
            Signing::NotNeeded => Fate::LeaveUnsigned,
            Signing::Done(_) | Signing::Deferred(_) | Signing::Refused(_) => {
                Fate::of(over_faults, keys.len())
            }
        };
        Self { would, keys }
    }
}
