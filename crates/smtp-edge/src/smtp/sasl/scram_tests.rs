//! SCRAM against the example of RFC 7677 §3, and against what a client may get wrong.

use super::super::Mechanism;
use super::super::sample::verifier;
use super::*;

const CLIENT_FIRST: &str = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
const SERVER_FIRST: &str =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const CLIENT_FINAL: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                            p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const SERVER_FINAL: &str = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

fn nonce() -> ServerNonce {
    ServerNonce("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0".into())
}

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

/// The step after client-first, when the verifier is found.
fn challenged(client_first: &str) -> Step {
    match Exchange::begin(Mechanism::ScramSha256, Some(secret(client_first))) {
        Step::Verifier(_, scram) => scram.challenge(Lookup::Verifier(verifier("pencil")), &nonce()),
        other => other,
    }
}

fn exchange(step: Step, expected: &str) -> Exchange {
    let Step::Challenge(challenge, exchange) = step else {
        panic!("{expected:?} was expected: {step:?}");
    };
    assert_eq!(String::from_utf8(challenge).unwrap(), expected);
    exchange
}

fn fault(step: Step) -> Option<Fault> {
    match step {
        Step::Failed(_, fault) => Some(fault),
        Step::Challenge(..) | Step::Verifier(..) | Step::Check { .. } | Step::Done(_) => None,
    }
}

#[test]
fn the_example_of_rfc_7677() {
    let first = Exchange::begin(Mechanism::ScramSha256, None);
    let first = exchange(first, "").respond(secret(CLIENT_FIRST));
    let Step::Verifier(name, scram) = first else {
        panic!("the verifier is asked for: {first:?}");
    };
    assert_eq!(name.as_str(), "user");
    let step = scram.challenge(Lookup::Verifier(verifier("pencil")), &nonce());
    let step = exchange(step, SERVER_FIRST).respond(secret(CLIENT_FINAL));
    let step = exchange(step, SERVER_FINAL).respond(secret(""));
    assert!(matches!(step, Step::Done(name) if name.as_str() == "user"));
}

#[test]
fn a_wrong_password_and_an_unknown_user_fail_alike() {
    for other in ["Pencil", "made up for a name that nobody has"] {
        let Step::Verifier(_, scram) =
            Exchange::begin(Mechanism::ScramSha256, Some(secret(CLIENT_FIRST)))
        else {
            panic!("the verifier is asked for");
        };
        let step = scram.challenge(Lookup::Verifier(verifier(other)), &nonce());
        let step = exchange(step, SERVER_FIRST).respond(secret(CLIENT_FINAL));
        assert_eq!(fault(step), Some(Fault::Wrong), "{other}");
    }
}

#[test]
fn client_first_is_read_strictly() {
    let check = |message: &str, expected: Option<Fault>| {
        assert_eq!(fault(challenged(message)), expected, "{message:?}");
    };
    check(CLIENT_FIRST, None);
    check("y,,n=user,r=abc", None);
    check("n,a=user,n=user,r=abc", None);
    check("n,,n=user,r=abc,x=unknown", None); // extensions at the end are read over
    check("n,,n=a=2Cb=3Dc,r=abc", None);
    check("n,a=other,n=user,r=abc", Some(Fault::OtherIdentity));
    check("p=tls-exporter,,n=user,r=abc", Some(Fault::ChannelBinding));
    check("n,,m=must,n=user,r=abc", Some(Fault::Malformed)); // a mandatory extension
    check("n,,n=a=2cb,r=abc", Some(Fault::Malformed)); // RFC 5802 §7 has upper case
    check("n,,n=a=,r=abc", Some(Fault::Malformed));
    check("n,,n=,r=abc", Some(Fault::Malformed));
    check("n,,n=user,r=", Some(Fault::Malformed));
    let nonce = |length: usize| format!("n,,n=user,r={}", "x".repeat(length));
    check(&nonce(1024), None);
    check(&nonce(1025), Some(Fault::Malformed)); // the challenge repeats it
    check("n,,n=user,r=a b", Some(Fault::Malformed));
    check("n,,n=user", Some(Fault::Malformed));
    check("n,n=user,r=abc", Some(Fault::Malformed));
    check("x,,n=user,r=abc", Some(Fault::Malformed));
    check("", Some(Fault::Malformed));
}

#[test]
fn client_final_must_continue_what_was_begun() {
    let check = |client_final: &str, expected: Fault| {
        let step = exchange(challenged(CLIENT_FIRST), SERVER_FIRST).respond(secret(client_final));
        assert_eq!(fault(step), Some(expected), "{client_final:?}");
    };
    check(&CLIENT_FINAL.replace("biws", "eSws"), Fault::Malformed); // another header: y,,
    check(
        &CLIENT_FINAL.replace("hNlF$k0", "hNlF$k1"),
        Fault::Malformed,
    );
    check(&CLIENT_FINAL.replace("dHzb", "dHzc"), Fault::Wrong);
    check(&CLIENT_FINAL.replace("AndVQ=", ""), Fault::Malformed);
    check(&CLIENT_FINAL.replace(",p=", ",q="), Fault::Malformed);
    check("c=biws", Fault::Malformed);
    check("", Fault::Malformed);
}

#[test]
fn the_users_may_be_out_of_reach() {
    let Step::Verifier(_, scram) =
        Exchange::begin(Mechanism::ScramSha256, Some(secret(CLIENT_FIRST)))
    else {
        panic!("the verifier is asked for");
    };
    let step = scram.challenge(Lookup::Unavailable, &nonce());
    assert_eq!(fault(step), Some(Fault::Unavailable));
}
