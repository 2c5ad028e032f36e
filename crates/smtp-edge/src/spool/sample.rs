//! Messages for tests.

use std::time::{Duration, SystemTime};

use dkim_core::{BodyHashes, Canonicalization};
use router_config::{Client, ProfileName};

use super::message::{Fault, Held, HeldFor, Message, MessageState, Orders, RecipientState};
use crate::envelope::{Envelope, Needs, ReversePath, Source};
use crate::ids::QueueId;
use crate::signing::state::{
    FaultClass, ProfileSigning, Signatures, Signing, SigningFault, Signings, Terms, UsedKey,
};

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
        body_hashes: BodyHashes::from_sha256([
            (Canonicalization::Relaxed, [1; 32]),
            (Canonicalization::Simple, [2; 32]),
        ]),
        state: fresh(3),
    }
}

/// The state of a message with so many recipients before its first round.
pub(crate) fn fresh(recipients: usize) -> MessageState {
    MessageState {
        recipients: vec![RecipientState::Pending(None); recipients],
        signings: for_all(Signing::NotNeeded),
        attempts: 0,
        next_attempt: accepted(),
        orders: Orders::default(),
        delay_told: None,
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
        signings: [
            ("default", Signing::Deferred(fault_of_signing())),
            ("unsigned", Signing::NotNeeded),
            (
                "one-rsa",
                Signing::Done(signatures(b"DKIM-Signature: v=1\r\n")),
            ),
        ]
        .into_iter()
        .map(|(profile, signing)| ProfileSigning {
            profile: profile.parse().unwrap(),
            terms: Terms([7; 16]),
            signing,
        })
        .collect(),
        attempts: 3,
        next_attempt: accepted() + Duration::new(2100, 500),
        orders: Orders {
            held: Some(Held {
                since: accepted() + Duration::new(300, 7),
                why: HeldFor::Order,
            }),
            next_hop: Some("[2001:db8::25]:2525".parse().unwrap()),
        },
        delay_told: Some(accepted() + Duration::new(1800, 9)),
    }
}

fn fault_of_signing() -> SigningFault {
    SigningFault {
        class: FaultClass::StoreAway,
        domain: Some("renovations.com".parse().unwrap()),
        key: Some("12345._domainkey.renovations.com".parse().unwrap()),
    }
}

/// Signatures of one key, with these fields.
pub(crate) fn signatures(header: &[u8]) -> Signatures {
    Signatures {
        header: header.to_vec(),
        keys: vec![UsedKey {
            name: "12345._domainkey.renovations.com".parse().unwrap(),
            fingerprint: [9; 32],
        }],
        made: 1_790_000_000,
        expires: Some(1_790_604_800),
    }
}

/// The same outcome for everybody outside.
pub(crate) fn for_all(signing: Signing) -> Signings {
    std::iter::once(ProfileSigning {
        profile: ProfileName::default(),
        terms: Terms([0; 16]),
        signing,
    })
    .collect()
}
