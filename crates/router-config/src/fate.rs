//! What becomes of a message for the outside, in one word: the log, the metrics and `explain` use the same words.

use serde::Serialize;

use crate::failure::FailureAction;

/// The closed set of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Sent with every signature that the policy asks for.
    Sign,
    /// Sent with some of them.
    SignPartly,
    /// Sent without any, since signing failed.
    SendUnsigned,
    /// Sent without any, since nothing asks for one: signing is off, or no entry covers its domain.
    LeaveUnsigned,
    /// Held back until it can be signed.
    Defer,
    /// Taken, and reported to its sender.
    Report,
    /// Refused at the end of its data.
    Reject,
}

impl Fate {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Sign,
        Self::SignPartly,
        Self::SendUnsigned,
        Self::LeaveUnsigned,
        Self::Defer,
        Self::Report,
        Self::Reject,
    ];

    /// What becomes of a message that keys are to sign: by the action over the faults that were met, if there were any,
    /// and by how many signatures were made.
    #[must_use]
    pub fn of(over_faults: Option<FailureAction>, signatures: usize) -> Self {
        match (over_faults, signatures) {
            (Some(FailureAction::Defer), _) => Self::Defer,
            (Some(FailureAction::Report), _) => Self::Report,
            (Some(FailureAction::Reject), _) => Self::Reject,
            (Some(FailureAction::Send) | None, 0) => Self::SendUnsigned,
            (Some(FailureAction::Send), _) => Self::SignPartly,
            (None, _) => Self::Sign,
        }
    }

    /// The word.
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
