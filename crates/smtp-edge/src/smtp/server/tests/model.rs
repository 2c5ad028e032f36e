//! Random conversations, cut at random octets, against a reference that was written from the RFCs and not from the session.
//!
//! A conversation is a list of lines. Each is a command where commands are awaited, a response within AUTH, a line of the
//! message within DATA, and a part of a chunk behind BDAT. So every command is tried as text, and every text as a command.

mod line;
mod reference;

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use line::{Line, Word, lines};
use reference::Reference;

use super::driver::Stage;
use crate::smtp::server::{Client, Limits};

/// Who the client is: whether it may relay, whether it is on this machine, whether it may speak for others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    pub(super) relays: bool,
    pub(super) loopback: bool,
    pub(super) proxy: bool,
}

fn stage(standing: Standing) -> Stage {
    let mut stage = Stage::new().with(|limits| {
        limits.message_size = 80;
        limits.discarded = 1_000_000; // more than any conversation has
        limits.messages = 6;
    });
    let address = if standing.loopback {
        "127.0.0.1"
    } else {
        "192.0.2.1"
    };
    stage.client = Client::direct(address.parse().unwrap());
    stage.relays = standing.relays;
    if standing.proxy {
        stage.settings.xclient_from = vec![address.parse().unwrap()].into();
    }
    stage
}

/// The offsets behind which the stream is cut: some by chance, and the end of each STARTTLS that wants to stand alone.
fn cuts(lines: &[Line], chance: &[Index]) -> BTreeSet<usize> {
    let length: usize = lines.iter().map(|line| line.octets.len()).sum();
    let mut cuts: BTreeSet<usize> = chance.iter().map(|index| index.index(length + 1)).collect();
    let mut offset = 0;
    for line in lines {
        offset += line.octets.len();
        if line.word == Word::StartTlsAlone {
            cuts.insert(offset);
        }
    }
    cuts.insert(length);
    cuts
}

fn check(standing: Standing, words: &[Word], chance: &[Index]) -> Result<(), TestCaseError> {
    let lines = lines(words);
    let cuts = cuts(&lines, chance);
    let stage = stage(standing);
    let mut reference = Reference::new(standing, stage.settings.limits.clone());
    let mut offset = 0;
    for line in &lines {
        offset += line.octets.len();
        reference.hear(line, cuts.contains(&offset));
    }
    let stream: Vec<u8> = lines.iter().flat_map(|line| line.octets.clone()).collect();
    let mut driver = stage.driver();
    let mut begin = 0;
    for cut in cuts {
        driver.hear(&stream[begin..cut]);
        begin = cut;
    }
    let shown = String::from_utf8_lossy(&stream);
    prop_assert_eq!(driver.take_codes(), reference.codes.join(" "), "{}", shown);
    prop_assert_eq!(driver.session.state.name(), reference.awaits(), "{}", shown);
    let messages: Vec<_> = driver
        .messages
        .iter()
        .map(|message| {
            let recipients = message.recipients.iter();
            (
                message.reverse_path.to_string(),
                recipients.map(|one| one.mailbox.to_string()).collect(),
                String::from_utf8_lossy(&message.content).into_owned(),
            )
        })
        .collect();
    prop_assert_eq!(messages, reference.messages, "{}", shown);
    Ok(())
}

/// Words by themselves seldom get beyond MAIL, so whole phrases are drawn as well.
fn phrases() -> impl Strategy<Value = Vec<Word>> {
    use Word::*;
    let begun = vec![Ehlo, Mail, Rcpt(0)];
    let phrases = [
        vec![Ehlo],
        begun.clone(),
        vec![Mail, Rcpt(1)],
        vec![Mail, RcptSloppy, Data, Text, Dot],
        vec![MailNull, Postmaster, Data, Refuse, Dot],
        vec![Mail, Rcpt(0), Bdat(1), Text, BdatLast(1), Text],
        [begun.clone(), vec![BdatLast(2), Quit, Dot]].concat(),
        [begun, vec![Data, Quit, DotDot, BareLf, Dot, Text, Dot]].concat(),
        vec![Ehlo, StartTlsAlone, Ehlo, AuthRight],
        vec![Ehlo, StartTlsAlone, Ehlo, AuthPlain, Wrong],
        vec![Ehlo, AuthPlain, Right, Mail, Rcpt(2)],
    ];
    let phrase = prop_oneof![
        3 => select(phrases.to_vec()),
        4 => select(Word::ALL).prop_map(|word| vec![word]),
    ];
    proptest::collection::vec(phrase, 0..12).prop_map(|phrases| phrases.concat())
}

fn standings() -> impl Strategy<Value = Standing> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(relays, loopback, proxy)| Standing {
        relays,
        loopback,
        proxy,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn random_conversations_agree_with_the_reference(
        standing in standings(),
        words in phrases(),
        chance in proptest::collection::vec(any::<Index>(), 0..6),
    ) {
        check(standing, &words, &chance)?;
    }
}

/// The conversations are worth nothing if they never get anywhere.
#[test]
fn the_conversations_reach_every_state_and_most_replies() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut awaited = BTreeSet::new();
    let mut codes = BTreeSet::new();
    let mut messages = 0;
    for _ in 0..2000 {
        let (standing, words) = (standings(), phrases())
            .new_tree(&mut runner)
            .unwrap()
            .current();
        let mut reference = Reference::new(standing, stage(standing).settings.limits);
        for line in lines(&words) {
            reference.hear(&line, line.word == Word::StartTlsAlone);
        }
        awaited.insert(reference.awaits());
        codes.extend(reference.codes.iter().copied());
        messages += reference.messages.len();
    }
    let states = [
        "AwaitingChunk",
        "AwaitingData",
        "AwaitingDiscard",
        "AwaitingHello",
        "AwaitingMail",
        "AwaitingOctets",
        "AwaitingRecipient",
        "AwaitingReset",
        "AwaitingResponse",
        "Closed",
    ];
    assert_eq!(awaited, BTreeSet::from(states));
    let expected = [
        "214", "220", "221", "235", "250", "252", "334", "354", "421", "452", "500", "501", "502",
        "503", "504", "521", "535", "538", "550", "552", "554",
    ];
    assert_eq!(codes, BTreeSet::from(expected));
    assert!(messages > 500, "{messages}");
}
