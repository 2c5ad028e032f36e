//! Messages for tests.

use std::time::{Duration, SystemTime};

use router_config::Client;

use super::message::{Fault, Message, MessageState, RecipientState};
use crate::envelope::{Envelope, Needs, ReversePath, Source};
use crate::ids::QueueId;
use crate::signing::state::{FaultClass, Signing, SigningFault};

/// When samples are accepted.
pub(crate) fn accepted() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000)
}

/// A message that uses every part of the record.
pub(crate) fn message(number: u64) -> Message {
    Message {
        id: QueueId::from_number((1_790_000_000_000 << 20) + number),
        envelope: Envelope {
            source: Source::Client {
                client: Client::at("192.0.2.10".parse().unwrap()),
                helo: "domino.renovations.com".into(),
            },
            reverse_path: ReversePath::Mailbox("samantha@renovations.com".parse().unwrap()),
            recipients: vec![
                "inside@renovations.com".parse().unwrap(),
                "\"quoted @ one\"@example.net".parse().unwrap(),
                "m\u{fc}ller@xn--bcher-kva.example".parse().unwrap(),
            ],
            needs: Needs {
                eight_bit: true,
                smtputf8: true,
            },
            accepted: accepted(),
        },
        trace: b"Received: from domino.renovations.com\r\n".to_vec(),
        content: b"From: samantha@renovations.com\r\nSubject: .\r\n\r\n.a dot\r\n\0\xff\r\n"
            .to_vec(),
        state: fresh(3),
    }
}

/// The state of a message with so many recipients before its first round.
pub(crate) fn fresh(recipients: usize) -> MessageState {
    MessageState {
        recipients: vec![RecipientState::Pending(None); recipients],
        signing: Signing::NotNeeded,
        attempts: 0,
        next_attempt: accepted(),
    }
}

/// The state of [`message`] after some rounds.
pub(crate) fn worked_on() -> MessageState {
    let fault = Fault {
        status: "4.2.1".into(),
        remote: Some("mx.example.net [192.0.2.25]:25".into()),
        text: "450 4.2.1 mailbox busy".into(),
    };
    MessageState {
        recipients: vec![
            RecipientState::Delivered,
            RecipientState::Pending(Some(fault.clone())),
            RecipientState::Failed(Fault {
                remote: None,
                ..fault
            }),
        ],
        signing: Signing::Deferred(SigningFault {
            class: FaultClass::StoreAway,
            domain: Some("renovations.com".parse().unwrap()),
            key: Some("12345._domainkey.renovations.com".parse().unwrap()),
        }),
        attempts: 3,
        next_attempt: accepted() + Duration::new(2100, 500),
    }
}
