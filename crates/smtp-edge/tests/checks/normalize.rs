//! Messages of any octets: what they become on their way in has CRLF for line ends and nothing else, no NUL, no line that is
//! too long unless the settings let it pass, and stays as it is when it comes in again.
//!
//! The first octet of the input is the settings, the rest the message.

use smtp_edge::envelope::ReversePath;
use smtp_edge::intake::form::{
    BareLineEnds, DuplicateFields, EightBit, LongLines, MessageSettings, Missing, SecondFrom,
};
use smtp_edge::intake::normalize::{Malformed, Mending, Normalized, Rules, normalize};
use smtp_edge::smtp::data::DataNotes;

pub(crate) fn check(input: &[u8]) {
    if let Some((bits, message)) = input.split_first() {
        check_message(&settings(*bits), message);
    }
}

fn check_message(form: &MessageSettings, message: &[u8]) {
    let shown = |octets: &[u8]| octets.escape_ascii().to_string();
    let after = match normalized(form, message) {
        Ok(after) => after,
        Err(why) => return check_refusal(form, message, &why),
    };
    assert!(!message.contains(&0));
    check_lines(form, &after);
    assert_eq!(after.eight_bit, !after.content.is_ascii());
    let (size, grown) = (message.len(), after.content.len());
    assert!(grown <= 2 * size + 300, "{grown} of {size}");
    assert_eq!(
        [after.header(), b"\r\n", after.body()].concat(),
        after.content
    );
    assert!(after.values("Bcc").next().is_none() && after.values("Return-Path").next().is_none());
    if after.mendings.is_empty() {
        let body = after.body();
        let end = if message.ends_with(b"\r\n") {
            &b""[..]
        } else {
            b"\r\n"
        };
        assert!([message, end].concat().ends_with(body), "{}", shown(body));
    }
    let again = normalized(form, &after.content).expect("what was taken is taken again");
    assert_eq!(shown(&again.content), shown(&after.content));
    assert_eq!(again.mendings, []);
}

fn check_lines(form: &MessageSettings, after: &Normalized) {
    let notes = DataNotes::of(&after.content);
    assert!(!notes.bare_cr_or_lf && !notes.nul && after.content.ends_with(b"\r\n"));
    let is_text = |line: &[u8]| {
        line.is_empty() || line.starts_with(b" ") || line.starts_with(b"\t") || line.contains(&b':')
    };
    let header = after.header().split(|octet| *octet == b'\n');
    assert!(header.into_iter().all(is_text), "a header of fields alone");
    if form.long_lines == LongLines::Mend {
        let mut lines = after.content.split(|octet| *octet == b'\n');
        assert!(lines.all(|line| line.len() <= 999), "998 octets and the CR");
    }
}

/// Each refusal has its reason in the message and in the settings.
fn check_refusal(form: &MessageSettings, message: &[u8], why: &Malformed) {
    let notes = DataNotes::of(message);
    assert!(match why {
        Malformed::Nul => message.contains(&0),
        Malformed::BareLineEnds => {
            notes.bare_cr_or_lf && form.bare_line_ends == BareLineEnds::Refuse
        }
        Malformed::TooManyFields { limit } =>
            message.iter().filter(|octet| **octet == b':').count() > *limit,
        Malformed::Missing(_) => form.missing_from == Missing::Refuse,
        Malformed::Repeated("From") => form.second_from == SecondFrom::Refuse,
        Malformed::Repeated(_) => form.duplicate_fields == DuplicateFields::Refuse,
        Malformed::LongHeaderLine | Malformed::LongLine =>
            notes.long_line && form.long_lines == LongLines::Mend,
        other => panic!("{other}"),
    });
}

fn normalized(form: &MessageSettings, message: &[u8]) -> Result<Normalized, Malformed> {
    let rules = Rules {
        form,
        max_fields: 100,
        sender: &ReversePath::Mailbox("rita@renovations.com".parse().expect("a mailbox")),
    };
    let notes = DataNotes::of(message);
    let normalized = normalize(message.to_vec(), notes, &rules)?;
    let order = |mending: &Mending| Mending::ALL.iter().position(|one| one == mending);
    assert!(
        normalized.mendings.is_sorted_by_key(order),
        "{:?}",
        normalized.mendings
    );
    Ok(normalized)
}

/// The settings that the bits stand for; those of 0 are the default.
fn settings(bits: u8) -> MessageSettings {
    let has = |bit: u8| bits & bit != 0;
    MessageSettings {
        bare_line_ends: if has(1) {
            BareLineEnds::Refuse
        } else {
            BareLineEnds::Mend
        },
        eight_bit: if has(2) {
            EightBit::Pass
        } else {
            EightBit::Reencode
        },
        long_lines: match bits & 12 {
            0 => LongLines::Mend,
            4 => LongLines::MendOrPass,
            _ => LongLines::Pass,
        },
        missing_from: match (has(16), has(32)) {
            (true, true) => Missing::Refuse,
            (true, false) => Missing::Add,
            (false, _) => Missing::Pass,
        },
        second_from: if has(32) {
            SecondFrom::Pass
        } else {
            SecondFrom::Refuse
        },
        duplicate_fields: match bits & 192 {
            0 => DuplicateFields::DropIdentical,
            64 => DuplicateFields::Pass,
            _ => DuplicateFields::Refuse,
        },
        ..MessageSettings::default()
    }
}
