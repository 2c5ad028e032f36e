//! Folds header lines that are too long (RFC 5322 §2.2.3). A line end goes only before white space that is there, so that
//! unfolding gives back what stood there, octet for octet.

use crate::smtp::data::LONGEST_LINE;

/// The offsets in `header` before which a CRLF is to go so that its long lines become short ones. Where a line has no white
/// space to fold at, it stays long.
pub(in crate::intake) fn folds(header: &[u8]) -> Vec<usize> {
    let mut folds = Vec::new();
    let mut at = 0;
    for line in header.split_inclusive(|octet| *octet == b'\n') {
        if line.len() > LONGEST_LINE + 2 {
            fold_line(line, at, &mut folds);
        }
        at += line.len();
    }
    folds
}

/// Folds one line at the last place within [`USUAL_LINE`] octets, or else at the first one behind.
fn fold_line(line: &[u8], at: usize, folds: &mut Vec<usize>) {
    let mut places = places(line).peekable();
    let mut start = 0;
    let mut last = None;
    // A name without anything behind it parts readers; only a word that is too long to stand beside it leaves no choice.
    if let Some(place) = places.next_if(|place| line.get(..*place).is_some_and(is_name)) {
        let word_ends = places.peek().copied().unwrap_or(line.len() - 2);
        if word_ends > LONGEST_LINE {
            folds.push(at + place);
            start = place;
        }
    }
    for place in places {
        if place - start > USUAL_LINE
            && let Some(fold) = last.take()
        {
            folds.push(at + fold);
            start = fold;
        }
        if place - start > USUAL_LINE {
            folds.push(at + place);
            start = place;
        } else {
            last = Some(place);
        }
    }
    if line.len() - start > USUAL_LINE + 2
        && let Some(fold) = last
    {
        folds.push(at + fold);
    }
}

fn is_name(text: &[u8]) -> bool {
    text.ends_with(b":") && !text.contains(&b' ')
}

/// Where white space begins that has text on either side. A line of white space alone would be taken for the end of the
/// header by some, and a backslash belongs to the blank behind it (RFC 5322 §3.2.1).
fn places(line: &[u8]) -> impl Iterator<Item = usize> {
    let blank = |octet: &u8| matches!(octet, b' ' | b'\t');
    let text_ends = line
        .iter()
        .rposition(|octet| !blank(octet) && !matches!(octet, b'\r' | b'\n'))
        .unwrap_or(0);
    let pairs = line.iter().zip(line.iter().skip(1)).enumerate();
    pairs
        .filter(move |(_, (before, octet))| blank(octet) && !blank(before) && **before != b'\\')
        .map(|(index, _)| index + 1)
        .take_while(move |place| *place < text_ends)
}

/// What a line should not exceed (RFC 5322 §2.1.1).
const USUAL_LINE: usize = 78;

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(header: &str) -> String {
        let mut folded = header.to_owned();
        for place in folds(header.as_bytes()).into_iter().rev() {
            folded.insert_str(place, "\r\n");
        }
        assert_eq!(folded.replace("\r\n ", " "), header.replace("\r\n ", " "));
        folded
    }

    /// The lengths of the lines that become of it.
    fn check(header: &str, lengths: &[usize]) {
        let folded = folded(header);
        let lines: Vec<usize> = folded.split_terminator("\r\n").map(str::len).collect();
        assert_eq!(lines, lengths, "{folded}");
    }

    #[test]
    fn lines_of_up_to_998_octets_stay() {
        check(&format!("A: {}\r\n", "b ".repeat(497)), &[997]);
        check(&format!("A: {} b\r\nC: d\r\n", "b".repeat(993)), &[998, 4]);
    }

    #[test]
    fn long_lines_are_folded_before_white_space() {
        // 3 + 9 * 111 octets; eight words of nine octets each fill a line.
        let words = format!("A:{}\r\n", " 12345678".repeat(111));
        check(&words, &[&[74; 1][..], &[72; 12], &[63]].concat());
        let word = "x".repeat(500);
        check(&format!("A: {word} {word}\r\nB: c\r\n"), &[503, 501, 4]);
        check(&format!("A: b\r\n {word} {word} c\r\n"), &[4, 501, 501, 2]);
        check(&format!("A: {word}{word:.497}\r\n"), &[2, 998]);
    }

    #[test]
    fn what_has_no_place_to_fold_stays_long() {
        let long = "x".repeat(1000);
        check(&format!("A:{long}\r\n"), &[1002]);
        check(&format!("A:{long}  \r\n"), &[1004]); // only blanks would follow
        check(&format!("A:{long}\\ x\r\n"), &[1005]); // a quoted pair
        check(&format!("A: x{}y\r\n", " ".repeat(1000)), &[4, 1001]);
    }
}
