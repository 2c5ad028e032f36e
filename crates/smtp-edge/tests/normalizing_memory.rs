//! What bringing a message into normal form allocates beside the message: nothing when nothing is to be done, and otherwise a
//! small multiple, whatever the message is made of. Alone in its file, so that nothing else allocates meanwhile.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop there"
)]

use std::hint::black_box;

use peak_alloc::PeakAlloc;
use smtp_edge::envelope::ReversePath;
use smtp_edge::intake::form::{LongLines, MessageSettings};
use smtp_edge::intake::normalize::{Rules, normalize};
use smtp_edge::smtp::data::DataNotes;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Octets of a message.
const SIZE: usize = 4 * 1024 * 1024;

/// For each octet of the message. The worst seen is text whose lines start with dots (3.1): what it becomes outgrows the room
/// that was made for it.
const MULTIPLE: usize = 4;
/// What small messages may take beyond that.
const BASE: usize = 64 * 1024;

#[test]
fn normal_form_takes_a_multiple_of_the_message_and_nothing_where_nothing_is_to_be_done() {
    let mixed = "Content-Type: multipart/mixed; boundary=b\r\n";
    let part = format!("--b\r\n\r\nü{}\r\n", "x".repeat(400));
    let nothing = peak(format!(
        "From: a\r\n\r\n{}",
        lines("The kitchen is done.\r\n")
    ));
    assert!(nothing < BASE, "{nothing}");
    for (what, message) in [
        ("bare line ends", format!("From: a\n\n{}", lines("a\n"))),
        (
            "8-bit lines",
            format!("From: a\r\n\r\n{}", lines("Die Küche ist schön.\r\n")),
        ),
        (
            "8-bit octets",
            format!("Content-Type: image/png\r\n\r\n{}", lines("üöä\r\n")),
        ),
        ("one line", format!("From: a\r\n\r\n{}\r\n", lines("x"))),
        (
            "guarded lines",
            format!("From: a\r\n\r\nü\r\n{}\r\n", lines(".\r\n")),
        ),
        (
            "guarded dots",
            format!("From: a\r\n\r\nü\r\n{}\r\n", lines(".")),
        ),
        (
            "base64 in one line",
            format!(
                "Content-Transfer-Encoding: base64\r\n\r\n{}\r\n",
                lines("QUJD")
            ),
        ),
        (
            "quoted-printable in one line",
            format!(
                "Content-Transfer-Encoding: quoted-printable\r\n\r\n{}\r\n",
                lines("=C3=BC")
            ),
        ),
        ("parts", format!("{mixed}\r\n{}", lines("--b\r\n\r\nü\r\n"))),
        (
            "as many parts as there may be",
            format!("{mixed}\r\n{}", part.repeat(9_990)),
        ),
        (
            "fields of a part",
            format!("{mixed}\r\n--b\r\n{}", lines("a:\r\n")),
        ),
        (
            "delimiters of nothing",
            format!("{mixed}\r\nü\r\n{}", lines("--\r\n")),
        ),
        ("fields", lines("a:\r\n")),
        (
            "folds",
            format!("To: {}\r\n\r\n", lines(&format!("{} ", "a".repeat(39)))),
        ),
    ] {
        let size = message.len();
        let peak = peak(message);
        assert!(peak <= MULTIPLE * size + BASE, "{what}: {peak} for {size}");
    }
}

fn lines(line: &str) -> String {
    line.repeat(SIZE / line.len())
}

/// The most that was allocated at once beside the message.
fn peak(message: String) -> usize {
    let form = MessageSettings {
        long_lines: LongLines::MendOrPass,
        ..MessageSettings::default()
    };
    let rules = Rules {
        form: &form,
        max_fields: 1000,
        sender: &ReversePath::Null,
    };
    let message = message.into_bytes();
    let notes = DataNotes::of(&message);
    ALLOCATOR.reset_peak_usage();
    let before = ALLOCATOR.current_usage();
    let normalized = black_box(normalize(black_box(message), notes, &rules));
    let peak = ALLOCATOR.peak_usage().saturating_sub(before);
    drop(normalized);
    peak
}
