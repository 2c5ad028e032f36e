//! The states of a session, each named for what it awaits.

use super::transaction::Transaction;
use crate::smtp::data::DataReader;

/// What the session waits for.
#[derive(Debug)]
pub(super) enum State {
    /// EHLO or HELO.
    AwaitingHello,
    /// MAIL.
    AwaitingMail,
    /// RCPT, or DATA when there is a recipient.
    AwaitingRecipient(Transaction),
    /// The octets of the message.
    AwaitingData(Transaction, DataReader),
    /// The driver's verdict about a message.
    AwaitingVerdict,
    /// Nothing: the connection is to be closed once the output is sent.
    Closed,
}
