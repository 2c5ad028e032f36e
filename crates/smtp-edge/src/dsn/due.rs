//! Which recipients the sender is to be told of now. Pure.

use crate::envelope::{Mailbox, ReversePath};
use crate::spool::message::{Fault, RecipientState};

/// What is to be done about failed recipients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// Nobody has failed, or all who have are reported.
    Nothing,
    /// These have failed and nobody is told: the sender is null (RFC 5321 §4.5.5: never a report about a report).
    Silent {
        /// Their places in the envelope.
        recipients: Vec<usize>,
    },
    /// One report tells the sender of all of these.
    Report {
        /// The sender.
        to: Mailbox,
        /// Their places in the envelope, and why.
        recipients: Vec<(usize, Fault)>,
    },
}

/// Decides from the reverse-path and where the recipients stand.
#[must_use]
pub fn due(reverse_path: &ReversePath, recipients: &[RecipientState]) -> Due {
    let failed: Vec<(usize, Fault)> = recipients
        .iter()
        .enumerate()
        .filter_map(|(place, state)| match state {
            RecipientState::Failed(fault) => Some((place, fault.clone())),
            RecipientState::Pending(_) | RecipientState::Delivered | RecipientState::Reported => {
                None
            }
        })
        .collect();
    match reverse_path {
        _ if failed.is_empty() => Due::Nothing,
        ReversePath::Null => Due::Silent {
            recipients: failed.into_iter().map(|(place, _)| place).collect(),
        },
        ReversePath::Mailbox(sender) => Due::Report {
            to: sender.clone(),
            recipients: failed,
        },
    }
}

/// Whom to tell of a delay: a sender, and nobody when it is null. Nothing that a client can say switches it off: RFC 3461's
/// NOTIFY is not offered.
#[must_use]
pub fn delay_told_to(reverse_path: &ReversePath) -> Option<&Mailbox> {
    match reverse_path {
        ReversePath::Null => None,
        ReversePath::Mailbox(sender) => Some(sender),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failed_recipient_is_reported_once_and_never_to_nobody() {
        let fault = Fault {
            status: "5.1.1".into(),
            remote: None,
            text: "no such user".into(),
        };
        let failed = || RecipientState::Failed(fault.clone());
        let pending = || RecipientState::Pending(Some(fault.clone()));
        let sender: Mailbox = "sender@renovations.com".parse().unwrap();
        let from = ReversePath::Mailbox(sender.clone());
        let check = |path: &ReversePath, states: &[RecipientState], expected: Due, reason: &str| {
            assert_eq!(due(path, states), expected, "{reason}");
        };
        let report = |places: &[usize]| Due::Report {
            to: sender.clone(),
            recipients: places.iter().map(|place| (*place, fault.clone())).collect(),
        };
        check(&from, &[], Due::Nothing, "no recipients");
        check(
            &from,
            &[RecipientState::Delivered, pending()],
            Due::Nothing,
            "none failed",
        );
        check(
            &from,
            &[RecipientState::Reported, pending()],
            Due::Nothing,
            "reported before",
        );
        check(
            &from,
            &[failed(), pending(), failed()],
            report(&[0, 2]),
            "all failures in one report",
        );
        check(
            &from,
            &[RecipientState::Reported, failed()],
            report(&[1]),
            "only the new one",
        );
        check(
            &ReversePath::Null,
            &[pending()],
            Due::Nothing,
            "null sender, none failed",
        );
        let silent = Due::Silent {
            recipients: vec![1],
        };
        check(
            &ReversePath::Null,
            &[pending(), failed()],
            silent,
            "null sender",
        );
    }
}
