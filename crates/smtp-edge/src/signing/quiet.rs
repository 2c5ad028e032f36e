//! Quiet mode (`signing.quiet`): the step does all its work and changes nothing; the log tells what it would have done.

use common_config::name::KeyName;

use super::policy::Consequence;
use super::sign::Outcome;
use super::state::Signing;

/// What would have become of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quiet {
    /// In one word.
    pub would: Would,
    /// The keys that signed.
    pub keys: Vec<KeyName>,
}

/// The closed set of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Would {
    /// Sent with every signature that the policy asks for.
    Sign,
    /// Sent with some of them.
    SignPartly,
    /// Sent without any, since signing failed.
    SendUnsigned,
    /// Sent without any, since no entry covers its domain, or its client may not sign for it.
    LeaveUnsigned,
    /// Held back until it can be signed.
    Defer,
    /// Taken, and reported to its sender.
    Report,
    /// Refused at the end of its data.
    Reject,
}

impl Would {
    /// The word in the log.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Sign => "sign",
            Self::SignPartly => "sign_partly",
            Self::SendUnsigned => "send_unsigned",
            Self::LeaveUnsigned => "leave_unsigned",
            Self::Defer => "defer",
            Self::Report => "report",
            Self::Reject => "reject",
        }
    }
}

impl Quiet {
    /// What an outcome would have meant.
    pub(super) fn of(outcome: &Outcome) -> Self {
        let failed = outcome.has_failures();
        let would = match (&outcome.consequence, &outcome.record.signing) {
            (Consequence::Defer(_), _) => Would::Defer,
            (Consequence::Report(_), _) => Would::Report,
            (Consequence::Reject(_), _) => Would::Reject,
            (Consequence::Send, Signing::Done(signatures)) if signatures.keys.is_empty() => {
                Would::SendUnsigned
            }
            (Consequence::Send, Signing::Done(_)) if failed => Would::SignPartly,
            (Consequence::Send, Signing::Done(_)) => Would::Sign,
            (Consequence::Send, _) => Would::LeaveUnsigned,
        };
        Self {
            would,
            keys: outcome.keys(),
        }
    }
}
