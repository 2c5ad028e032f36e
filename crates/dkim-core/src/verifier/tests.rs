use super::*;
use crate::{HeaderLists, HeaderSet, SignatureParams, SigningKey, sign};
use proptest::prelude::*;

const NOW: u64 = 1_800_000_000;
const MESSAGE: &[u8] = b"Received: by a\r\nFrom: Joe <joe@example.com>\r\nSubject: dinner\r\n\r\nHi.\r\n\r\nWe lost.\r\n";

fn key() -> SigningKey {
    SigningKey::from_ed25519_seed(&[5; 32]).unwrap()
}

fn params() -> SignatureParams {
    SignatureParams::new("example.com".parse().unwrap(), "sel".parse().unwrap()).timestamp(NOW)
}

fn signed(params: SignatureParams) -> Vec<u8> {
    let headers = sign(MESSAGE, &[(params, key())]).unwrap();
    [&headers[0].text, MESSAGE].concat()
}

fn judge(message: &[u8], record: &str, now: u64) -> Verification {
    let mut results = verify(
        message,
        |_| Ok(vec![record.to_owned()]),
        now,
        &Limits::default(),
    );
    assert_eq!(results.len(), 1);
    results.remove(0)
}

#[track_caller]
fn check(message: &[u8], record: &str, expected: VerifyResult) {
    assert_eq!(judge(message, record, NOW).result, expected);
}

#[test]
fn our_own_signatures_hold_under_every_canonicalization() {
    use Canonicalization::{Relaxed, Simple};
    for key in [
        key(),
        SigningKey::generate_rsa(1024).unwrap(),
        SigningKey::generate_rsa(2048).unwrap(),
    ] {
        for header in [Simple, Relaxed] {
            for body in [Simple, Relaxed] {
                let headers = sign(
                    MESSAGE,
                    &[(params().canonicalization(header, body), key.clone())],
                )
                .unwrap();
                let message = [&headers[0].text, MESSAGE].concat();
                check(&message, &key.record().to_value(), VerifyResult::Pass);
            }
        }
    }
}

#[test]
fn facts_are_reported() {
    let report = judge(
        &signed(params().identity("sub.example.com".parse().unwrap())),
        &key().record().testing().to_value(),
        NOW,
    );
    assert_eq!(
        report.key.as_ref().unwrap().record_name(),
        "sel._domainkey.example.com"
    );
    assert_eq!(report.algorithm, Some(Algorithm::Ed25519Sha256));
    assert_eq!(
        report.identity.as_ref().unwrap().as_str(),
        "sub.example.com"
    );
    assert_eq!(
        (report.timestamp, report.expires, report.key_bits),
        (Some(NOW), None, Some(256))
    );
    assert!(
        report.testing
            && report.body_length.is_none()
            && report.headers.contains(&"From".to_owned())
    );
    assert_eq!(
        report.to_string(),
        "pass sel._domainkey.example.com ed25519-sha256: the signature holds; the domain says it is testing (t=y)"
    );
}

#[test]
fn key_records_decide() {
    let message = signed(params());
    let record = key().record().to_value();
    let tagged = |tag: &str| record.replacen(" k=", &format!(" {tag}; k="), 1);
    check(&message, "v=DKIM1; k=ed25519; p=", VerifyResult::KeyRevoked);
    check(&message, &tagged("h=sha1"), VerifyResult::HashNotAllowed);
    check(&message, &tagged("s=web"), VerifyResult::NotForEmail);
    check(&message, &tagged("t=s"), VerifyResult::Pass);
    let other = SigningKey::from_ed25519_seed(&[6; 32])
        .unwrap()
        .record()
        .to_value();
    check(&message, &other, VerifyResult::SignatureMismatch);
    let rsa = SigningKey::generate_rsa(1024).unwrap().record().to_value();
    check(
        &message,
        &rsa,
        VerifyResult::KeyOfOtherType {
            published: KeyType::Rsa,
        },
    );
    check(
        &message,
        "v=DKIM1",
        VerifyResult::KeyMalformed(crate::RecordError::NoPublicKey),
    );
    let below = signed(params().identity("sub.example.com".parse().unwrap()));
    check(&below, &tagged("t=s"), VerifyResult::IdentityNotDomain);
    check(&below, &record, VerifyResult::Pass);
}

#[test]
fn the_right_one_of_several_records_is_found() {
    let message = signed(params());
    let records = || {
        Ok(vec![
            "v=spf1 -all".to_owned(),
            "v=DKIM1; p=".to_owned(),
            key().record().to_value(),
        ])
    };
    assert!(
        verify(&message, |_| records(), NOW, &Limits::default())[0]
            .result
            .is_pass()
    );
}

#[test]
fn lookups_that_fail_are_told_apart() {
    let message = signed(params());
    let result = |error: fn() -> LookupError| {
        verify(&message, |_| Err(error()), NOW, &Limits::default())
            .remove(0)
            .result
    };
    assert_eq!(result(|| LookupError::NoRecord), VerifyResult::NoKey);
    let late = result(|| LookupError::Temporary("timed out".into()));
    assert_eq!(
        late,
        VerifyResult::KeyUnavailable {
            detail: "timed out".to_owned()
        }
    );
    assert_eq!(late.status(), Status::TempError);
}

#[test]
fn dates_are_checked_within_the_skew() {
    let record = key().record().to_value();
    let message = signed(params().expires(NOW + 100));
    let at = |now| judge(&message, &record, now).result;
    assert_eq!(at(NOW + 400), VerifyResult::Pass);
    assert_eq!(at(NOW + 401), VerifyResult::Expired { at: NOW + 100 });
    assert_eq!(at(NOW - 300), VerifyResult::Pass);
    assert_eq!(at(NOW - 301), VerifyResult::FromTheFuture { at: NOW });
}

#[test]
fn short_keys_prove_nothing() {
    // A modulus of 512 bits; nobody needs the private half to see it refused.
    let record = "k=rsa; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAL3lE0JXUMHCLyJ3cYXLbLyUGZfkq1DRyrGVcGUH8FJZ6YHqNvfXBPLL\
                  M5kL2bJvyNJvDVMgkmX3OFFjEYbr4I0CAwEAAQ==";
    let message = signed(params());
    let text = String::from_utf8(message)
        .unwrap()
        .replace("ed25519-sha256", "rsa-sha256");
    check(
        text.as_bytes(),
        record,
        VerifyResult::KeyTooShort { bits: 512 },
    );
}

#[test]
fn algorithms_that_may_not_be_verified() {
    let text = String::from_utf8(signed(params())).unwrap();
    let record = key().record().to_value();
    check(
        text.replace("ed25519-sha256", "rsa-sha1").as_bytes(),
        &record,
        VerifyResult::AlgorithmRetired,
    );
    let unknown = VerifyResult::AlgorithmUnknown {
        stated: "dsa-sha9".to_owned(),
    };
    check(
        text.replace("ed25519-sha256", "dsa-sha9").as_bytes(),
        &record,
        unknown,
    );
}

#[test]
fn signatures_are_capped() {
    let one = String::from_utf8(signed(params())).unwrap();
    let field = one.split("Received").next().unwrap();
    let message = format!("{}{one}", field.repeat(11));
    let mut lookups = 0;
    let results = verify(
        message.as_bytes(),
        |_| {
            lookups += 1;
            Ok(vec![key().record().to_value()])
        },
        NOW,
        &Limits::default(),
    );
    assert_eq!((results.len(), lookups), (12, 10));
    assert!(results[9].result.is_pass());
    assert_eq!(results[10].result, VerifyResult::TooManySignatures);
}

/// A signature with `l=`, which this crate never writes: made from the pieces it is built of.
#[test]
fn partial_bodies_are_reported() {
    let sum = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"Hi.\r\n");
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(sum.as_ref());
    let (header, _) = HeaderBlock::parse(MESSAGE).unwrap();
    let sign_with_length = |length: u64| {
        let unsigned = crate::fold::opening(&params(), Algorithm::Ed25519Sha256, &["From"])
            .unsigned(&sha256)
            .replace("v=1;", &format!("v=1; l={length};"));
        let (name, value) = unsigned.split_once(':').unwrap();
        let digest = HeaderHash::new(Canonicalization::Relaxed, header.named("From")).finish(
            name.as_bytes(),
            unsigned.as_bytes(),
            value.as_bytes(),
        );
        let text = crate::fold::signed(unsigned.clone(), &key().sign_sha256(&digest).unwrap());
        [&text, MESSAGE].concat()
    };
    let record = key().record().to_value();
    let report = judge(&sign_with_length(5), &record, NOW);
    assert_eq!(report.result, VerifyResult::Pass);
    assert_eq!(
        report.body_length,
        Some(BodyLength {
            signed: 5,
            total: 17
        })
    );
    assert!(
        report
            .to_string()
            .ends_with("only 5 of 17 octets of the body are signed (l=)")
    );
    check(&sign_with_length(18), &record, VerifyResult::BodyTooShort);
    check(&sign_with_length(6), &record, VerifyResult::BodyAltered);
}

#[test]
fn oversigned_fields_cannot_be_added() {
    let message = signed(params());
    let record = key().record().to_value();
    for added in [
        "From: Eve <eve@example.org>\r\n",
        "Subject: other\r\n",
        "Content-Type: text/html\r\n",
    ] {
        let text = String::from_utf8(message.clone()).unwrap();
        check(
            text.replace("Received:", &format!("{added}Received:"))
                .as_bytes(),
            &record,
            VerifyResult::SignatureMismatch,
        );
    }
    let listed = String::from_utf8(message)
        .unwrap()
        .replace("Received:", "List-Id: <x>\r\nReceived:");
    check(listed.as_bytes(), &record, VerifyResult::Pass);
}

#[test]
fn other_signatures_may_be_signed_but_not_this_one() {
    let lists = HeaderLists {
        signed: &["From", "DKIM-Signature"],
        ..HeaderLists::default()
    };
    let params = params().headers(HeaderSet::new(&lists).unwrap());
    let first = signed(params.clone());
    let headers = sign(&first, &[(params, key())]).unwrap();
    let both = [&headers[0].text, first.as_slice()].concat();
    let results = verify(
        &both,
        |_| Ok(vec![key().record().to_value()]),
        NOW,
        &Limits::default(),
    );
    assert!(
        results.iter().all(|report| report.result.is_pass()),
        "{results:?}"
    );
}

#[test]
fn a_message_without_signatures_has_no_results() {
    assert!(
        verify(
            MESSAGE,
            |_| Err(LookupError::NoRecord),
            NOW,
            &Limits::default()
        )
        .is_empty()
    );
}

#[test]
fn every_signed_octet_counts() {
    use Canonicalization::Simple;
    let message = signed(params().canonicalization(Simple, Simple));
    let record = key().record().to_value();
    // Received is not signed, and neither is the signature itself; every other octet is.
    let find = |what: &[u8]| {
        message
            .windows(what.len())
            .position(|window| window == what)
            .unwrap()
    };
    let received = find(b"Received: by a\r\n");
    let value = find(b" b=") + 3..received - 2;
    let line = received..received + 16;
    for place in (0..message.len()).filter(|place| !value.contains(place) && !line.contains(place))
    {
        for flip in [0x01, 0x20, 0x80] {
            let mut altered = message.clone();
            altered[place] ^= flip;
            let results = verify(
                &altered,
                |_| Ok(vec![record.clone()]),
                NOW,
                &Limits::default(),
            );
            assert!(
                !results.iter().any(|report| report.result.is_pass()),
                "octet {place} xor {flip:#x} passes"
            );
        }
    }
}

/// Both algorithms are deterministic: the RFCs' keys over the RFCs' messages must give the RFCs' signatures.
#[test]
fn the_keys_of_the_rfcs_reproduce_their_signatures() {
    let check = |case: &str, expected: usize| {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("testdata")
            .join(case);
        let message = crate::crlf(&std::fs::read(folder.join("message.eml")).unwrap()).into_owned();
        let (header, _) = HeaderBlock::parse(&message).unwrap();
        let signatures = header
            .fields()
            .iter()
            .enumerate()
            .filter(|(_, field)| field.is("DKIM-Signature"));
        let mut reproduced = 0;
        for (place, field) in signatures {
            let candidate = Candidate::read(place, *field, true);
            let (signature, _) = candidate.signature.as_ref().unwrap();
            let pem = folder.join(format!("{}.pem", signature.key.selector().as_str()));
            let key = SigningKey::from_pem(&std::fs::read_to_string(pem).unwrap()).unwrap();
            assert_eq!(
                key.sign_sha256(&candidate.digest(signature, &header))
                    .unwrap(),
                signature.value
            );
            reproduced += 1;
        }
        assert_eq!(reproduced, expected);
    };
    check("01-rfc6376-a", 1);
    check("02-rfc8463-a", 2);
}

proptest! {
    #[test]
    fn any_octets_are_survived(message in proptest::collection::vec(any::<u8>(), 0..400)) {
        let field = [b"DKIM-Signature: v=1; a=rsa-sha256; ".as_slice(), &message].concat();
        for message in [&message, &field] {
            for report in verify(message, |_| Ok(vec![String::new()]), NOW, &Limits::default()) {
                prop_assert!(!report.result.is_pass());
            }
        }
    }
}
