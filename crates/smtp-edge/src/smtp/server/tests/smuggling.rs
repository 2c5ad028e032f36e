//! Smuggling: no sequence but CRLF.CRLF ends DATA, nothing but its size ends a chunk, and what stands behind is never
//! obeyed, wherever the octets are cut.

use super::driver::{Stage, check_octets};
use crate::smtp::data::tests::MARKS;

const BEGUN: &[u8] = b"EHLO x\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\n";
const SMUGGLED: &[u8] =
    b"MAIL FROM:<ceo@example.com>\r\nRCPT TO:<c@example.net>\r\nDATA\r\nsmuggled\r\n";

/// A line of two dots, which is a line of one within DATA.
const STUFFED: &[u8] = b"\r\n..\r\n";

#[test]
fn data_ends_at_its_end() {
    for mark in MARKS.into_iter().chain([STUFFED]) {
        let data = [b"DATA\r\nbefore", mark, SMUGGLED, b".\r\nNOOP\r\n"].concat();
        let script = [BEGUN, &data].concat();
        let driver = check_octets(&Stage::new(), &script, "220 250 250 250 354 250 250");
        let [message] = driver.messages.as_slice() else {
            panic!("{mark:?}: {:?}", driver.messages);
        };
        assert!(message.content.ends_with(SMUGGLED), "{mark:?}");
        let notes = message.notes;
        let stuffed = mark == STUFFED;
        assert_eq!(notes.bare_cr_or_lf || notes.nul, !stuffed, "{mark:?}");
    }
}

#[test]
fn chunks_end_at_their_size() {
    for mark in MARKS.into_iter().chain([STUFFED, b"\r\n.\r\n"]) {
        let content = [b"before", mark, SMUGGLED].concat();
        let whole = [
            format!("BDAT {} LAST\r\n", content.len()).as_bytes(),
            &content,
            b"NOOP\r\n",
        ]
        .concat();
        let script = [BEGUN, &whole].concat();
        let driver = check_octets(&Stage::new(), &script, "220 250 250 250 250 250");
        let [message] = driver.messages.as_slice() else {
            panic!("{mark:?}: {:?}", driver.messages);
        };
        assert_eq!(message.content, content, "{mark:?}");
        // The same in two chunks, with their border at each octet of the mark.
        for border in 6..=6 + mark.len() {
            let (first, second) = content.split_at(border);
            let chunks = [
                format!("BDAT {}\r\n", first.len()).as_bytes(),
                first,
                format!("BDAT {} LAST\r\n", second.len()).as_bytes(),
                second,
                b"NOOP\r\n",
            ]
            .concat();
            let mut driver = Stage::new().driver();
            driver.hear(&[BEGUN, &chunks].concat());
            assert_eq!(
                driver.take_codes(),
                "220 250 250 250 250 250 250",
                "{mark:?} at {border}"
            );
            assert_eq!(driver.messages[0].content, content);
            assert_eq!(
                driver.messages[0].notes, message.notes,
                "{mark:?} at {border}"
            );
        }
    }
}

#[test]
fn refused_chunks_hide_nothing() {
    for begun in [
        &b"EHLO x\r\n"[..],
        b"EHLO x\r\nMAIL FROM:<a@example.com>\r\n",
    ] {
        let chunk = format!("BDAT {} LAST\r\n", SMUGGLED.len());
        let script = [begun, chunk.as_bytes(), SMUGGLED, b"NOOP\r\n"].concat();
        let codes = if begun.len() == 8 {
            "220 250 503 250"
        } else {
            "220 250 250 554 250"
        };
        let driver = check_octets(&Stage::new(), &script, codes);
        assert!(driver.messages.is_empty());
    }
}
