//! One mail transaction: what MAIL and RCPT have said so far (RFC 5321 §3.3).

use crate::envelope::{Mailbox, ReversePath};
use crate::smtp::dsn_params::{Notify, OriginalRecipient};
use crate::smtp::params::{MailParams, RcptParams};

/// A transaction that MAIL has opened.
#[derive(Debug)]
pub(super) struct Transaction {
    pub(super) reverse_path: ReversePath,
    pub(super) params: MailParams,
    /// In the order given, each once.
    pub(super) recipients: Vec<Recipient>,
    /// RCPT commands that were taken (RFC 9422 `RCPTMAX`): those that name a recipient again count, too.
    pub(super) named: usize,
    /// RCPT commands that were refused because there were too many.
    pub(super) overshoot: usize,
}

/// Who is to have the message, and what its sender said about reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Where the message goes.
    pub mailbox: Mailbox,
    /// When the sender wants a report; its absence means failures and, perhaps, delays (RFC 3461 §4.1).
    pub notify: Option<Notify>,
    /// Whom the sender wrote to.
    pub original: Option<OriginalRecipient>,
}

impl Transaction {
    pub(super) fn new(reverse_path: ReversePath, params: MailParams) -> Self {
        Self {
            reverse_path,
            params,
            recipients: Vec::new(),
            named: 0,
            overshoot: 0,
        }
    }

    /// Adds a recipient. One that is there already is not to have the message twice, and gets every report that was asked
    /// for either time.
    pub(super) fn add(&mut self, mailbox: Mailbox, params: RcptParams) {
        self.named += 1;
        match self
            .recipients
            .iter_mut()
            .find(|known| known.mailbox == mailbox)
        {
            Some(known) => {
                known.notify = match (known.notify, params.notify) {
                    (None, None) => None,
                    (one, other) => Some(one.unwrap_or(UNSAID).either(other.unwrap_or(UNSAID))),
                };
            }
            None => self.recipients.push(Recipient {
                mailbox,
                notify: params.notify,
                original: params.original,
            }),
        }
    }
}

/// What a sender gets that says nothing of reports.
const UNSAID: Notify = Notify {
    success: false,
    failure: true,
    delay: true,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::params;

    #[test]
    fn a_recipient_that_is_named_twice_misses_no_report() {
        let check = |first: &str, second: &str, expected: &str| {
            let mut transaction = Transaction::new(ReversePath::Null, MailParams::default());
            for text in [first, second] {
                transaction.add(
                    "a@example.com".parse().unwrap(),
                    params::rcpt(text).unwrap(),
                );
            }
            let expected = params::rcpt(expected).unwrap().notify;
            let notify: Vec<_> = transaction
                .recipients
                .iter()
                .map(|known| known.notify)
                .collect();
            assert_eq!(notify, [expected], "{first} {second}");
        };
        check("NOTIFY=NEVER", "NOTIFY=FAILURE", "NOTIFY=FAILURE");
        check("NOTIFY=SUCCESS", "NOTIFY=DELAY", "NOTIFY=SUCCESS,DELAY");
        check("NOTIFY=NEVER", "NOTIFY=NEVER", "NOTIFY=NEVER");
        check("NOTIFY=NEVER", "", "NOTIFY=FAILURE,DELAY");
        check("", "NOTIFY=SUCCESS", "NOTIFY=SUCCESS,FAILURE,DELAY");
        check("", "", "");
    }
}
