//! What stands behind the verbs: mailboxes, paths, parameters, xtext and the attributes of XCLIENT. The grammars of the
//! standards agree about what is one, what is read is read again when it is written anew, and it holds no control character.
//!
//! The input is a text that is taken for each of these.

use smtp_edge::envelope::{Mailbox, ReversePath};
use smtp_edge::smtp::path::{self, ForwardPath};
use smtp_edge::smtp::xclient::Forward;
use smtp_edge::smtp::{params, xtext};

#[path = "../rfc5321/parameters.rs"]
mod parameters;
#[path = "../rfc5321/mailbox.rs"]
mod rfc5321;

pub(crate) fn check(input: &[u8]) {
    check_split(input);
    if let Ok(forward) = Forward::read(input) {
        let written = parameters::forward(&forward);
        assert!(!written.chars().any(char::is_control), "{written:?}");
        assert_eq!(
            Forward::read(written.as_bytes()),
            Ok(forward),
            "{written:?}"
        );
    }
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    check_mailbox(text);
    check_forward_path(text);
    check_xtext(text);
    check_params(text);
}

fn check_mailbox(text: &str) {
    let parsed = text.parse::<Mailbox>();
    if let Some(expected) = rfc5321::is_mailbox(text) {
        assert_eq!(parsed.is_ok(), expected, "{text:?}: {parsed:?}");
    }
    let Ok(mailbox) = parsed else {
        return;
    };
    let shown = mailbox.to_string();
    assert_eq!(
        shown.parse::<Mailbox>().ok(),
        Some(mailbox.clone()),
        "{shown:?}"
    );
    assert!(text.starts_with(mailbox.local_part()));
    assert!((1..=64).contains(&mailbox.local_part().len()));
    let domain = mailbox.domain().to_string();
    let lower =
        |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || b".-".contains(&octet);
    assert!(
        domain.len() <= 253 && domain.bytes().all(lower),
        "{domain:?}"
    );
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
    assert_eq!(mailbox.needs_smtputf8(), !shown.is_ascii());
    // In a command, nothing of it can be taken for the end of the path or for a parameter.
    let line = format!("<{shown}> SIZE=1");
    let split = path::split(line.as_bytes());
    let expected = (shown.len() <= 254).then_some((shown.as_str(), "SIZE=1"));
    assert_eq!(split.ok(), expected, "{line:?}");
}

fn check_split(input: &[u8]) {
    let Ok((inside, params)) = path::split(input) else {
        return;
    };
    assert!(inside.len() <= 254);
    for part in [inside, params] {
        let blank = [' ', '\t'];
        assert!(
            !part.starts_with(blank) && !part.ends_with(blank),
            "{part:?}"
        );
        let text = part.as_bytes();
        assert!(text.is_empty() || input.windows(text.len()).any(|window| window == text));
    }
    match path::reverse(inside) {
        Ok(ReversePath::Mailbox(mailbox)) => check_mailbox(&mailbox.to_string()),
        Ok(ReversePath::Null) => assert!(inside.is_empty()),
        Err(_) => assert!(!inside.is_empty()),
    }
}

fn check_forward_path(text: &str) {
    match path::forward(text) {
        Ok(ForwardPath::Postmaster) => assert!(text.eq_ignore_ascii_case("postmaster")),
        // A route may stand before it (RFC 5321 appendix C).
        Ok(ForwardPath::Mailbox(mailbox)) => {
            assert!(text.contains(mailbox.local_part()));
            assert!(text.starts_with(mailbox.local_part()) || text.starts_with('@'));
        }
        Err(_) => assert!(text.parse::<Mailbox>().is_err(), "{text:?}"),
    }
}

fn check_xtext(text: &str) {
    let plain = rfc5321::from_xtext(text);
    assert_eq!(
        xtext::decode(text).ok().as_deref(),
        plain.as_deref(),
        "{text:?}"
    );
    let printable = text.bytes().all(|octet| (b' '..=b'~').contains(&octet));
    let again = xtext::decode(&parameters::xtext(text));
    assert_eq!(again.ok().as_deref(), printable.then_some(text));
}

fn check_params(text: &str) {
    let mut words: Vec<&str> = text.split([' ', '\t']).collect();
    words.reverse();
    let reversed = words.join(" ");
    let mail = params::mail(text).ok();
    assert_eq!(mail, params::mail(&reversed).ok(), "{text:?}");
    if let Some(params) = mail {
        let written = parameters::mail_params(&params);
        assert!(!written.chars().any(char::is_control), "{written:?}");
        assert!(
            params
                .envelope_id
                .as_ref()
                .is_none_or(|id| (1..=100).contains(&id.len()))
        );
        let twice = params::mail(&format!("{written}{written}"));
        let flags = ["", " SMTPUTF8", " REQUIRETLS", " SMTPUTF8 REQUIRETLS"];
        assert_eq!(
            twice.is_ok(),
            flags.contains(&written.as_str()),
            "{written:?} twice"
        );
        assert_eq!(params::mail(&written), Ok(params), "{written:?}");
    }
    let rcpt = params::rcpt(text).ok();
    assert_eq!(rcpt, params::rcpt(&reversed).ok(), "{text:?}");
    if let Some(params) = rcpt {
        let written = parameters::rcpt_params(&params);
        assert!(!written.chars().any(char::is_control), "{written:?}");
        assert!(
            params
                .original
                .as_ref()
                .is_none_or(|one| one.address.len() < 500)
        );
        assert_eq!(
            params::rcpt(&format!("{written}{written}")).is_ok(),
            written.is_empty()
        );
        assert_eq!(params::rcpt(&written), Ok(params), "{written:?}");
    }
}
