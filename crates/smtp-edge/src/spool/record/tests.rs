//! Records, written and read; octets that were cut off or altered; the versions that were released.

use std::time::{Duration, SystemTime};

use dkim_core::BodyHashes;
use proptest::prelude::*;
use router_config::{CertificateFingerprint, Client, ClientCertificate, Issuer};

use super::*;
use crate::envelope::{Needs, Source};
use crate::signing::state::{
    FaultClass, ProfileSigning, Signatures, Signing, SigningFault, Signings, Terms, UsedKey,
};
use crate::spool::message::{Fault, Held, HeldFor, Orders, RecipientState};
use crate::spool::sample;

#[test]
fn version_1_still_loads() {
    let message = include_bytes!("../../../testdata/spool-v1/message.msg");
    let state = include_bytes!("../../../testdata/spool-v1/message.state");
    // What it says of signing is passed over, so that the step is run again.
    let now = sample::message(1);
    let then = Message {
        body_hashes: BodyHashes::default(),
        state: without_signing(now.state.clone()),
        ..now
    };
    assert_eq!(decode_message(message).unwrap(), then);
    let worked_on = without_signing(without_orders(sample::worked_on()));
    assert_eq!(decode_state(state).unwrap(), (then.id, worked_on));
}

fn without_orders(state: MessageState) -> MessageState {
    MessageState {
        orders: Orders::default(),
        ..without_notice(state)
    }
}

fn without_notice(state: MessageState) -> MessageState {
    MessageState {
        delay_told: None,
        ..state
    }
}

fn without_signing(state: MessageState) -> MessageState {
    MessageState {
        signings: Signings::default(),
        ..state
    }
}

#[test]
fn version_2_still_loads() {
    let message = include_bytes!("../../../testdata/spool-v2/message.msg");
    let state = include_bytes!("../../../testdata/spool-v2/message.state");
    assert_eq!(decode_message(message).unwrap(), sample::message(1));
    let worked_on = without_orders(sample::worked_on());
    assert_eq!(
        decode_state(state).unwrap(),
        (sample::message(1).id, worked_on)
    );
}

#[test]
fn version_3_still_loads() {
    let message = include_bytes!("../../../testdata/spool-v3/message.msg");
    let state = include_bytes!("../../../testdata/spool-v3/message.state");
    assert_eq!(decode_message(message).unwrap(), sample::message(1));
    let worked_on = without_notice(sample::worked_on());
    assert_eq!(
        decode_state(state).unwrap(),
        (sample::message(1).id, worked_on)
    );
}

#[test]
fn version_4_still_loads() {
    let message = include_bytes!("../../../testdata/spool-v4/message.msg");
    let state = include_bytes!("../../../testdata/spool-v4/message.state");
    assert_eq!(decode_message(message).unwrap(), sample::message(1));
    assert_eq!(
        decode_state(state).unwrap(),
        (sample::message(1).id, sample::worked_on())
    );
    // And is what is written: a change of the form must become version 5.
    assert_eq!(encode_message(&sample::message(1)), message);
    assert_eq!(
        encode_state(sample::message(1).id, &sample::worked_on()),
        state
    );
}

#[test]
fn another_version_is_refused_by_name() {
    let mut record = encode_message(&sample::message(1));
    for version in [0, 5] {
        record[5] = version;
        let error = decode_message(&record).unwrap_err();
        assert_eq!(error, RecordError::Version { version });
        assert!(error.to_string().contains(&format!("version {version}")));
    }
}

#[test]
fn a_record_cut_short_or_with_any_bit_flipped_is_damaged() {
    let record = encode_message(&sample::message(1));
    for length in 0..record.len() {
        assert!(
            decode_message(&record[..length]).is_err(),
            "cut at {length}"
        );
    }
    for place in 0..record.len() {
        for bit in 0..8 {
            let mut flipped = record.clone();
            flipped[place] ^= 1 << bit;
            // The two reserved octets are covered by the checksum as well.
            assert!(
                decode_message(&flipped).is_err(),
                "octet {place}, bit {bit}"
            );
        }
    }
    assert!(
        decode_message(&[record, vec![0]].concat()).is_err(),
        "an octet too many"
    );
}

#[test]
fn a_record_of_the_other_kind_is_damaged() {
    let state = encode_state(sample::message(1).id, &sample::worked_on());
    assert_eq!(
        decode_message(&state),
        Err(RecordError::Damaged { offset: 0 })
    );
    assert_eq!(
        decode_state(&encode_message(&sample::message(1))),
        Err(RecordError::Damaged { offset: 0 })
    );
}

/// A payload with a valid checksum, as a defect of ours or a forger would write it.
fn sealed(payload: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new(MESSAGE, 0);
    writer.0.extend_from_slice(payload);
    writer.finish()
}

fn fault() -> impl Strategy<Value = Fault> {
    let remote = proptest::option::of("[a-z.]{1,20}");
    ("[245]\\.[0-9]\\.[0-9]", remote, "\\PC{0,40}").prop_map(|(status, remote, text)| Fault {
        status: status.into(),
        remote: remote.map(Into::into),
        text: text.into(),
    })
}

fn recipient() -> impl Strategy<Value = RecipientState> {
    prop_oneof![
        proptest::option::of(fault()).prop_map(RecipientState::Pending),
        Just(RecipientState::Delivered),
        fault().prop_map(RecipientState::Failed),
        Just(RecipientState::Reported),
    ]
}

fn signing() -> impl Strategy<Value = Signing> {
    let fault = (
        proptest::sample::select(FaultClass::ALL.to_vec()),
        proptest::option::of(Just("renovations.com".parse().unwrap())),
        proptest::option::of(Just("12345._domainkey.renovations.com".parse().unwrap())),
    )
        .prop_map(|(class, domain, key)| SigningFault { class, domain, key });
    let done = (
        any::<Vec<u8>>(),
        0..3_usize,
        any::<[u8; 32]>(),
        any::<(u64, Option<u64>)>(),
    );
    prop_oneof![
        Just(Signing::NotNeeded),
        done.prop_map(|(header, keys, fingerprint, (made, expires))| {
            let key = UsedKey {
                name: "a.b._domainkey.example.org".parse().unwrap(),
                fingerprint,
            };
            let keys = vec![key; keys];
            Signing::Done(Signatures {
                header,
                keys,
                made,
                expires,
            })
        }),
        fault.clone().prop_map(Signing::Deferred),
        fault.prop_map(Signing::Refused),
    ]
}

fn client() -> impl Strategy<Value = Client> {
    let address = prop_oneof![Just("2001:db8::1"), Just("192.0.2.1")];
    let issuer = prop_oneof![Just(Issuer::Authority), Just(Issuer::Unknown)];
    let certificate = (any::<[u8; 32]>(), issuer).prop_map(|(digest, issuer)| ClientCertificate {
        fingerprint: CertificateFingerprint::from_sha256(digest),
        issuer,
    });
    let identity = proptest::option::of(Just("m\u{fc}ller@renovations.com"));
    (address, identity, proptest::option::of(certificate)).prop_map(
        |(address, identity, certificate)| Client {
            address: address.parse().unwrap(),
            identity: identity.map(|name| name.parse().unwrap()),
            certificate,
        },
    )
}

fn orders() -> impl Strategy<Value = Orders> {
    let why = prop_oneof![Just(HeldFor::Order), Just(HeldFor::Damage)];
    let held = proptest::option::of((0..4_000_000_000_u64, 0..1_000_000_000_u32, why));
    let hops = ["mail.example.com:25", "192.0.2.1:2525", "[2001:db8::1]:25"];
    let next_hop = proptest::option::of(proptest::sample::select(hops.to_vec()));
    (held, next_hop).prop_map(|(held, next_hop)| Orders {
        held: held.map(|(seconds, rest, why)| Held {
            since: SystemTime::UNIX_EPOCH + Duration::new(seconds, rest),
            why,
        }),
        next_hop: next_hop.map(|hop| hop.parse().unwrap()),
    })
}

fn signings() -> impl Strategy<Value = Signings> {
    let one = ("[a-z0-9_-]{1,64}", any::<[u8; 16]>(), signing());
    let one = one.prop_map(|(profile, terms, signing)| ProfileSigning {
        profile: profile.parse().unwrap(),
        terms: Terms(terms),
        signing,
    });
    proptest::collection::vec(one, 0..4).prop_map(Signings::from_iter)
}

proptest! {
    #[test]
    fn states_read_back_as_written(
        recipients in proptest::collection::vec(recipient(), 0..5),
        signings in signings(),
        attempts in any::<u32>(),
        seconds in 0..4_000_000_000_u64,
        nanoseconds in 0..1_000_000_000_u32,
        orders in orders(),
        told in any::<bool>(),
    ) {
        let next_attempt = SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds);
        let delay_told = told.then_some(next_attempt);
        let state = MessageState { recipients, signings, attempts, next_attempt, orders, delay_told };
        let id = QueueId::from_number(seconds);
        prop_assert_eq!(decode_state(&encode_state(id, &state)), Ok((id, state)));
    }

    #[test]
    fn messages_read_back_as_written(
        trace in any::<Vec<u8>>(),
        content in any::<Vec<u8>>(),
        helo in "[ -~]{0,30}",
        client in client(),
        needs in any::<(bool, bool)>(),
    ) {
        let mut message = sample::message(7);
        message.trace = trace;
        message.content = content;
        message.envelope.source = Source::Client { client, helo: helo.into() };
        message.envelope.needs = Needs { eight_bit: needs.0, smtputf8: needs.1 };
        prop_assert_eq!(decode_message(&encode_message(&message)), Ok(message));
    }

    #[test]
    fn no_payload_makes_the_reader_fall_over(payload in any::<Vec<u8>>()) {
        let _ = decode_message(&sealed(&payload));
    }
}
