//! Conversations of known lines: the session says what the reference says that was written from the RFCs and apart from it,
//! and takes the same messages.
//!
//! The first octet of the input says who the client is. Each that follows is a line ([`line::Word`]) or, from 192 on, a
//! cut within the line behind it.

use std::collections::BTreeSet;

use smtp_edge::smtp::server::Limits;

#[path = "../sessions/driver.rs"]
mod driver;
#[path = "../../src/smtp/server/tests/model/line.rs"]
mod line;
#[path = "../../src/smtp/server/tests/model/reference.rs"]
mod reference;
#[path = "../sessions/replies.rs"]
mod replies;
#[path = "../sessions/scene.rs"]
mod scene;

use driver::{Driver, Mood, Question};
use line::{Line, Word, lines};
use reference::Reference;
use scene::Scene;

pub(crate) fn check(input: &[u8]) {
    let Some((bits, rest)) = input.split_first() else {
        return;
    };
    let (words, cuts) = read(rest);
    let lines = lines(&words);
    let cuts = offsets(&lines, &cuts);
    let standing = Standing {
        relays: bits & 1 != 0,
        loopback: bits & 2 != 0,
        proxy: bits & 4 != 0,
    };
    let mut reference = Reference::new(standing, limits());
    let mut driver = Driver::new(standing.scene().open(limits()));
    let mut messages = Vec::new();
    let (mut offset, mut packet) = (0, Vec::new());
    for line in &lines {
        for octet in &line.octets {
            packet.push(*octet);
            offset += 1;
            if cuts.contains(&offset) {
                driver.hear(&std::mem::take(&mut packet));
                settle(&mut driver, &mut messages);
            }
        }
        reference.hear(line, cuts.contains(&offset));
    }
    let shown = driver.output.escape_ascii().to_string();
    let said = replies::read(&driver.output);
    let codes: Vec<String> = said.iter().map(|reply| reply.code.to_string()).collect();
    assert_eq!(codes, reference.codes, "{words:?} {shown}");
    let state = format!("{:?}", driver.session);
    assert!(
        state.contains(&format!("\"{}\"", reference.awaits())),
        "{words:?} {state}"
    );
    assert_eq!(messages, reference.messages, "{words:?}");
}

/// The words, and for each cut the word behind it and an offset in that.
fn read(octets: &[u8]) -> (Vec<Word>, Vec<(usize, usize)>) {
    let (mut words, mut cuts) = (Vec::new(), Vec::new());
    for octet in octets.iter().copied().map(usize::from) {
        match Word::ALL.get(octet % 64) {
            _ if octet >= 192 => cuts.push((words.len(), octet - 192)),
            Some(word) => words.push(*word),
            None => {}
        }
    }
    (words, cuts)
}

/// The offsets in the stream behind which it is cut: those of the cuts, the end of each STARTTLS that is to stand alone, and
/// the end of all.
fn offsets(lines: &[Line], cuts: &[(usize, usize)]) -> BTreeSet<usize> {
    let mut offsets = BTreeSet::new();
    let mut offset = 0;
    for (number, line) in lines.iter().enumerate() {
        let within = cuts.iter().filter(|(word, _)| *word == number);
        offsets.extend(within.map(|(_, at)| offset + at.min(&line.octets.len())));
        offset += line.octets.len();
        if line.word == Word::StartTlsAlone {
            offsets.insert(offset);
        }
    }
    offsets.insert(offset);
    offsets
}

fn settle(driver: &mut Driver, messages: &mut Vec<reference::Message>) {
    while let Some(question) = &driver.question {
        if let Question::Message(message) = question {
            let recipients = message.recipients.iter();
            messages.push((
                message.reverse_path.to_string(),
                recipients.map(|one| one.mailbox.to_string()).collect(),
                String::from_utf8_lossy(&message.content).into_owned(),
            ));
        }
        driver.answer(Mood::Fair);
    }
}

/// Who the client is, as the reference asks.
#[derive(Debug, Clone, Copy)]
struct Standing {
    relays: bool,
    loopback: bool,
    proxy: bool,
}

impl Standing {
    fn scene(self) -> Scene {
        Scene {
            relays: self.relays,
            loopback: self.loopback,
            proxy: self.proxy,
            starttls: true,
            auth: true,
        }
    }
}

/// The limit of what is thrown away depends on how the stream is cut, and the reference knows nothing of it.
fn limits() -> Limits {
    Limits {
        discarded: 1_000_000,
        ..scene::limits()
    }
}
