//! Writes the parts of a record.

use std::time::SystemTime;

use common_config::user_name::UserName;
use dkim_core::{BodyHashes, Canonicalization};
use router_config::{Client, Issuer};

use super::{HEAD, MAGIC, VERSION};
use crate::envelope::{Envelope, ReversePath, Source};
use crate::signing::state::{FaultClass, Signing, SigningFault};
use crate::spool::message::{Fault, HeldFor, MessageState, RecipientState};

/// A record being written.
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn new(kind: u8, capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(capacity);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[kind, VERSION, 0, 0]);
        bytes.extend_from_slice(&[0; 8]); // the length, known in `finish`
        Self(bytes)
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        let length = (self.0.len() - HEAD) as u64;
        if let Some(place) = self.0.get_mut(8..HEAD) {
            place.copy_from_slice(&length.to_le_bytes());
        }
        let checksum = crc32fast::hash(&self.0);
        self.0.extend_from_slice(&checksum.to_le_bytes());
        self.0
    }

    pub(super) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// A count or length. Nothing that is counted here comes near 2^32: recipients, keys and header fields have
    /// caps far below, and message bytes are counted in 64 bits.
    pub(super) fn count(&mut self, value: usize) {
        self.u32(u32::try_from(value).unwrap_or(u32::MAX));
    }

    pub(super) fn bytes(&mut self, value: &[u8]) {
        self.count(value.len());
        self.0.extend_from_slice(value);
    }

    pub(super) fn text(&mut self, value: &str) {
        self.bytes(value.as_bytes());
    }

    pub(super) fn optional_text(&mut self, value: Option<&str>) {
        self.u8(u8::from(value.is_some()));
        if let Some(value) = value {
            self.text(value);
        }
    }

    pub(super) fn time(&mut self, value: SystemTime) {
        let since = value
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        self.u64(since.as_secs());
        self.u32(since.subsec_nanos());
    }

    pub(super) fn optional_time(&mut self, value: Option<SystemTime>) {
        self.u8(u8::from(value.is_some()));
        if let Some(value) = value {
            self.time(value);
        }
    }

    pub(super) fn envelope(&mut self, envelope: &Envelope) {
        match &envelope.source {
            Source::Client { client, helo } if is_only_an_address(client) => {
                self.u8(0);
                self.text(&client.address.to_string());
                self.text(helo);
            }
            Source::Client { client, helo } => {
                self.u8(2);
                self.client(client);
                self.text(helo);
            }
            Source::Ourselves => self.u8(1),
        }
        match &envelope.reverse_path {
            ReversePath::Null => self.u8(0),
            ReversePath::Mailbox(mailbox) => {
                self.u8(1);
                self.text(&mailbox.to_string());
            }
        }
        self.count(envelope.recipients.len());
        for recipient in &envelope.recipients {
            self.text(&recipient.to_string());
        }
        self.u8(u8::from(envelope.needs.eight_bit) | u8::from(envelope.needs.smtputf8) << 1);
        self.time(envelope.accepted);
    }

    fn client(&mut self, client: &Client) {
        self.text(&client.address.to_string());
        self.optional_text(client.identity.as_ref().map(UserName::as_str));
        let fingerprint = client.certificate.map(|held| held.fingerprint.to_string());
        self.optional_text(fingerprint.as_deref());
        match client.certificate.map(|held| held.issuer) {
            None | Some(Issuer::Unknown) => self.u8(0),
            Some(Issuer::Authority) => self.u8(1),
        }
    }

    pub(super) fn state(&mut self, state: &MessageState) {
        self.count(state.recipients.len());
        for recipient in &state.recipients {
            match recipient {
                RecipientState::Pending(None) => self.u8(0),
                RecipientState::Pending(Some(fault)) => {
                    self.u8(1);
                    self.fault(fault);
                }
                RecipientState::Delivered => self.u8(2),
                RecipientState::Failed(fault) => {
                    self.u8(3);
                    self.fault(fault);
                }
                RecipientState::Reported => self.u8(4),
            }
        }
        self.count(state.signings.iter().len());
        for one in state.signings.iter() {
            self.text(one.profile.as_str());
            self.0.extend_from_slice(&one.terms.0);
            self.signing(&one.signing);
        }
        self.u32(state.attempts);
        self.time(state.next_attempt);
        self.u8(match state.orders.held.map(|held| held.why) {
            None => 0,
            Some(HeldFor::Order) => 1,
            Some(HeldFor::Damage) => 2,
        });
        if let Some(held) = state.orders.held {
            self.time(held.since);
        }
        let next_hop = state.orders.next_hop.as_ref().map(ToString::to_string);
        self.optional_text(next_hop.as_deref());
        self.optional_time(state.delay_told);
    }

    fn signing(&mut self, signing: &Signing) {
        match signing {
            Signing::NotNeeded => self.u8(0),
            Signing::Done(signatures) => {
                self.u8(1);
                self.bytes(&signatures.header);
                self.count(signatures.keys.len());
                for key in &signatures.keys {
                    self.text(&key.name.to_string());
                    self.0.extend_from_slice(&key.fingerprint);
                }
                self.u64(signatures.made);
                self.u8(u8::from(signatures.expires.is_some()));
                if let Some(expires) = signatures.expires {
                    self.u64(expires);
                }
            }
            Signing::Deferred(fault) => {
                self.u8(2);
                self.signing_fault(fault);
            }
            Signing::Refused(fault) => {
                self.u8(3);
                self.signing_fault(fault);
            }
        }
    }

    pub(super) fn body_hashes(&mut self, hashes: &BodyHashes) {
        self.count(hashes.iter().count());
        for (canonicalization, sha256) in hashes.iter() {
            self.u8(match canonicalization {
                Canonicalization::Simple => 0,
                Canonicalization::Relaxed => 1,
            });
            self.0.extend_from_slice(&sha256);
        }
    }

    pub(super) fn fault(&mut self, fault: &Fault) {
        self.text(&fault.status);
        self.optional_text(fault.remote.as_deref());
        self.text(&fault.text);
    }

    pub(super) fn signing_fault(&mut self, fault: &SigningFault) {
        self.u8(match fault.class {
            FaultClass::StoreAway => 0,
            FaultClass::NekAway => 1,
            FaultClass::KeyMissing => 2,
            FaultClass::KeyRevoked => 3,
            FaultClass::KeyUnreadable => 4,
            FaultClass::KeyTooShort => 5,
            FaultClass::CannotSign => 6,
            FaultClass::NoSuitableKey => 7,
            FaultClass::SelfCheckFailed => 8,
            FaultClass::PublishedKeyMismatch => 9,
            FaultClass::SenderRule => 10,
        });
        self.optional_text(fault.domain.as_ref().map(ToString::to_string).as_deref());
        self.optional_text(fault.key.as_ref().map(ToString::to_string).as_deref());
    }
}

/// Such a client is written as it was before clients had more.
fn is_only_an_address(client: &Client) -> bool {
    client.identity.is_none() && client.certificate.is_none()
}
