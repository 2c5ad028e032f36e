//! BDAT (RFC 3030): whatever is refused, the session stays in step with its client, and no message has a gap.

use super::driver::{Driver, Stage, check, check_octets};
use crate::smtp::server::{Limit, Rejection};

const BEGUN: &str = "EHLO x\nMAIL FROM:<a@example.com>\nRCPT TO:<b@example.net>\n";

/// Sends chunks behind [`BEGUN`]; `expected` are the codes from the first chunk on.
fn check_begun(script: &str, expected: &str) -> Driver {
    let script = format!("{BEGUN}{script}");
    check(
        &Stage::new(),
        &script,
        &format!("220 250 250 250 {expected}"),
    )
}

fn contents(driver: &Driver) -> Vec<&str> {
    let messages = driver.messages.iter();
    messages
        .map(|message| std::str::from_utf8(&message.content).unwrap())
        .collect()
}

#[test]
fn chunks_are_joined() {
    let check = |script: &str, expected: &str, messages: &[&str]| {
        assert_eq!(
            contents(&check_begun(script, expected)),
            messages,
            "{script}"
        );
    };
    check("BDAT 4 LAST\nab\nNOOP\n", "250 250", &["ab\r\n"]);
    check(
        "bdat 4\nab\nBDAT 4 last\ncd\n",
        "250 250",
        &["ab\r\ncd\r\n"],
    );
    check(
        "BDAT 4\nab\nBDAT 0 LAST\nQUIT\n",
        "250 250 221",
        &["ab\r\n"],
    );
    check(
        "BDAT 0\nBDAT 3\nabcBDAT 3 LAST\ndefNOOP\n",
        "250 250 250 250",
        &["abcdef"],
    );
    check("BDAT 0 LAST\nNOOP\n", "250 250", &[""]);
    check("BDAT 7 LAST\n.\n..\nNOOP\n", "250 250", &[".\r\n..\r\n"]); // no dots are unstuffed
    check("BDAT 6 LAST\nQUIT\nNOOP\n", "250 250", &["QUIT\r\n"]); // and no commands obeyed
    let twice = "BDAT 3 LAST\nabcMAIL FROM:<>\nRCPT TO:<b@example.net>\nDATA\nx\n.\n";
    check(twice, "250 250 250 354 250", &["abc", "x\r\n"]); // one of each in a session
}

#[test]
fn the_same_is_noted_as_with_data() {
    let check = |content: &[u8], noted: [bool; 3]| {
        let begun = BEGUN.replace('\n', "\r\n");
        let chunk = format!("BDAT {} LAST\r\n", content.len());
        let script = [begun.as_bytes(), chunk.as_bytes(), content].concat();
        let driver = check_octets(&Stage::new(), &script, "220 250 250 250 250");
        let notes = driver.messages[0].notes;
        assert_eq!(
            [notes.bare_cr_or_lf, notes.nul, notes.eight_bit],
            noted,
            "{content:?}"
        );
    };
    check(b"a\r\n", [false, false, false]);
    check(b"a\nb", [true, false, false]);
    check(b"a\0\r\n", [false, true, false]);
    check(b"\xc3\xa9\r\n", [false, false, true]);
}

#[test]
fn a_refused_chunk_is_thrown_away_and_refuses_the_rest_of_its_message() {
    let stage = Stage::new().with(|limits| limits.message_size = 5);
    // Each chunk holds what would be a command, if it were not read as a chunk.
    let after = "BDAT 6\nQUIT\nBDAT 6 LAST\nQUIT\nDATA\nRCPT TO:<c@example.net>\n";
    let next = "MAIL FROM:<>\nRCPT TO:<d@example.net>\nBDAT 1 LAST\nxQUIT\n";
    let check = |first: &str, codes: &str| {
        for (way_out, codes_out) in [("RSET\n", "250 "), ("EHLO x\n", "250 "), ("", "")] {
            let script = format!("{BEGUN}{first}{after}{way_out}{next}");
            let codes =
                format!("220 250 250 250 {codes} 503 503 503 503 {codes_out}250 250 250 221");
            let driver = check(&stage, &script, &codes);
            assert_eq!(contents(&driver), ["x"], "{script}");
            let [message] = driver.messages.as_slice() else {
                panic!("{script}");
            };
            assert_eq!(message.recipients.len(), 1, "{script}");
        }
    };
    check("BDAT 6\nQUIT\n", "552");
    check("BDAT 6 LAST\nQUIT\n", "552");
    check("BDAT 4\nab\nBDAT 6\nQUIT\n", "250 552");
    check("BDAT 6 LSAT\nQUIT\n", "501");
    check("BDAT 4\nab\nBDAT 6 LAST LAST\nQUIT\n", "250 501");
    check("BDAT 4\nab\nDATA\n", "250 503"); // mixed
}

#[test]
fn chunks_out_of_order_are_thrown_away() {
    let check = |script: &str, expected: &str| {
        let driver = check(&Stage::new(), script, expected);
        assert!(driver.messages.is_empty());
    };
    check("BDAT 6 LAST\nQUIT\nNOOP\n", "220 503 250");
    check(
        "EHLO x\nBDAT 6\nQUIT\nBDAT 6 LAST\nQUIT\nNOOP\n",
        "220 250 503 503 250",
    );
    let unanswered = "EHLO x\nMAIL FROM:<a@example.com>\nBDAT 6\nQUIT\nRCPT TO:<b@example.net>\nBDAT 6 LAST\nQUIT\nNOOP\n";
    check(unanswered, "220 250 250 554 503 503 250"); // the second half alone must not become a message
}

#[test]
fn a_size_that_cannot_be_read_closes_the_session() {
    for command in [
        "BDAT",
        "BDAT x",
        "BDAT -6",
        "BDAT 6x LAST",
        "BDAT 99999999999999999999",
    ] {
        let driver = check_begun(&format!("{command}\nQUIT\nNOOP\n"), "501");
        assert!(driver.session.is_closed(), "{command}");
        assert!(driver.messages.is_empty());
    }
}

#[test]
fn a_message_of_chunks_is_bounded_as_a_whole() {
    let stage = Stage::new();
    let chunk = |size: usize, last: &str| format!("BDAT {size}{last}\n{}", "x".repeat(size));
    let begun = "220 250 250 250";
    let script = format!("{BEGUN}{}{}", chunk(600, ""), chunk(400, " LAST"));
    assert_eq!(
        check(&stage, &script, &format!("{begun} 250 250"))
            .messages
            .len(),
        1
    );
    let script = format!("{BEGUN}{}{}NOOP\n", chunk(600, ""), chunk(401, " LAST"));
    let driver = check(&stage, &script, &format!("{begun} 250 552 250"));
    assert!(driver.messages.is_empty());
    assert!(matches!(driver.rejections.as_slice(), [Rejection::TooBig]));
}

#[test]
fn more_than_may_be_thrown_away_closes_the_session_before_it_is_read() {
    let check = |script: &str, expected: &str| {
        let driver = check(&Stage::new(), script, expected);
        assert!(driver.session.is_closed(), "{script}");
        let last = driver.rejections.last();
        assert!(
            matches!(last, Some(Rejection::Limit(Limit::Discarded))),
            "{script}"
        );
    };
    check("BDAT 3001\n", "220 503 421");
    check(
        "EHLO x\nBDAT 18446744073709551615 LAST\nQUIT\n",
        "220 250 503 421",
    );
    let chunk = format!("BDAT 1500\n{}", "x".repeat(1500));
    check(&format!("{chunk}{chunk}BDAT 1\n"), "220 503 503 503 421");
}

#[test]
fn the_session_may_end_or_begin_anew_between_chunks() {
    let check = |script: &str, expected: &str| {
        let driver = check_begun(script, expected);
        assert!(driver.messages.is_empty(), "{script}");
    };
    check("BDAT 4\nab\nQUIT\n", "250 221");
    check("BDAT 4\nab\nRSET\nBDAT 4 LAST\nab\n", "250 250 503");
    check("BDAT 4\nab\nEHLO x\nBDAT 4 LAST\nab\n", "250 250 503");
    check(
        "BDAT 4\nab\nMAIL FROM:<>\nRCPT TO:<c@example.net>\n",
        "250 503 503",
    );
    let noop = check_begun(
        "BDAT 4\nab\nNOOP\nVRFY x\nBDAT 4 LAST\ncd\n",
        "250 250 252 250",
    );
    assert_eq!(contents(&noop), ["ab\r\ncd\r\n"]);
}

#[test]
fn a_shortage_of_memory_costs_the_message_and_not_the_session() {
    let next = b"MAIL FROM:<>\r\nRCPT TO:<c@example.net>\r\nBDAT 1 LAST\r\nx";
    let check = |first: &str, held: usize, second: &str, codes: &str| {
        let mut driver = Stage::new().driver();
        driver.hear(format!("{BEGUN}{first}").replace('\n', "\r\n").as_bytes());
        assert_eq!(driver.session.held_octets(), held, "{first}");
        driver.session.handle_shortage();
        assert_eq!(driver.session.held_octets(), 0, "{first}");
        driver.hear(second.replace('\n', "\r\n").as_bytes());
        driver.hear(next);
        let expected = format!("220 250 250 250 {codes} 250 250 250");
        assert_eq!(driver.take_codes(), expected, "{first}");
        assert_eq!(contents(&driver), ["x"], "{first}");
    };
    check("DATA\nabc\n", 5, "d\n.\n", "354 452");
    check("BDAT 10\nabc", 3, "defghijBDAT 6 LAST\nQUIT\n", "452 452");
    check("BDAT 3\nabc", 3, "BDAT 6 LAST\nQUIT\n", "250 452");
    // Where there is no message under way, there is nothing to give up.
    let mut driver = Stage::new().driver();
    driver.session.handle_shortage();
    driver.hear(b"EHLO x\r\n");
    driver.session.handle_shortage();
    driver.hear(next);
    assert_eq!(driver.take_codes(), "220 250 250 250 250");
}
