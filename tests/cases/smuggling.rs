//! SMTP smuggling: the data ends at CRLF.CRLF and nowhere else, and what leaves gives the next server no other end to see.

use std::collections::BTreeSet;
use std::sync::Arc;

use edge_tests::client::RawClient;
use edge_tests::messages;
use edge_tests::mock_mta::Arrived;
use edge_tests::setup::Setup;
use edge_tests::world::World;

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";
const KEY: &str = "s1._domainkey.renovations.com";

/// What would be obeyed if the data had ended before it.
const SMUGGLED: &[u8] =
    b"MAIL FROM:<ceo@renovations.com>\r\nRCPT TO:<client@partner.test>\r\nDATA\r\nsmuggled\r\n";

/// What servers have taken for the end of the data, a dot that is doubled, and, in chunks, the end itself.
const MARKS: [&[u8]; 10] = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r.\r",
    b"\r.\r\n",
    b"\r\n.\n",
    b"\r\n.\r",
    b"\r\n.\r\r\n",
    b"\r\r\n.\r\r\n",
    b"\r\n..\r\n",
    b"\r\n.\r\n",
];

/// Each mark, how it was sent, and the body that the next server must get, octet for octet.
const GOLDEN: &str = include_str!("smuggling/golden.txt");

/// Sends each mark over `way`, cut at each of its octets, each time in a message that must get the one reply of a message;
/// gives how many were sent.
async fn smuggle(client: &mut RawClient, way: Way, from: &str, to: &str) -> usize {
    client.expect("EHLO client.renovations.com", 250).await;
    let mut sent = 0;
    for mark in MARKS.iter().filter(|mark| way.may_hold(mark)) {
        let before = messages::with_from(from, to, "before");
        let message = [&before, *mark, SMUGGLED].concat();
        for cut in before.len()..=before.len() + mark.len() {
            client.expect(&format!("MAIL FROM:<{from}>"), 250).await;
            client.expect(&format!("RCPT TO:<{to}>"), 250).await;
            let (first, second) = message.split_at(cut);
            match way {
                Way::Data => {
                    client.expect("DATA", 354).await;
                    client.write(first).await;
                    client.write(second).await;
                    client.write(b".\r\n").await;
                }
                Way::Chunk => {
                    let size = format!("BDAT {} LAST\r\n", message.len());
                    client.write(&[size.as_bytes(), first].concat()).await;
                    client.write(second).await;
                }
                Way::Chunks => {
                    let size = format!("BDAT {}\r\n", first.len());
                    client.write(&[size.as_bytes(), first].concat()).await;
                    assert_eq!(client.reply().await.code, 250);
                    let size = format!("BDAT {} LAST\r\n", second.len());
                    client.write(&[size.as_bytes(), second].concat()).await;
                }
            }
            let reply = client.reply().await;
            let at = cut - before.len();
            assert_eq!(
                reply.code,
                250,
                "{way:?} {} at {at}: {reply:?}",
                mark.escape_ascii()
            );
            // Had the data ended at the mark, more replies would stand before this one.
            assert_eq!(client.expect("NOOP", 250).await.text(), "2.0.0 OK");
            sent += 1;
        }
    }
    sent
}

/// How a message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Data,
    /// In one chunk.
    Chunk,
    /// In two, with the border where the octets are cut.
    Chunks,
}

impl Way {
    const ALL: [Self; 3] = [Self::Data, Self::Chunk, Self::Chunks];

    /// Whether the mark is no end to it.
    fn may_hold(self, mark: &[u8]) -> bool {
        self != Self::Data || mark != b"\r\n.\r\n"
    }

    fn name(self) -> &'static str {
        match self {
            Self::Data => "DATA",
            Self::Chunk | Self::Chunks => "BDAT",
        }
    }
}

/// The bodies of the golden file for what is sent over `way`, each as often as [`smuggle`] sends it.
fn golden(way: Way) -> Vec<String> {
    let mut bodies = Vec::new();
    for mark in MARKS.iter().filter(|mark| way.may_hold(mark)) {
        let begin = format!("{:22}{:6}", mark.escape_ascii().to_string(), way.name());
        let mut lines = GOLDEN.lines().filter_map(|line| line.strip_prefix(&begin));
        let body = lines
            .next()
            .unwrap_or_else(|| panic!("no line begins with {begin}"));
        bodies.extend(vec![body.to_owned(); mark.len() + 1]);
    }
    bodies
}

/// Requires that what arrived is what the golden file says and has no line end but CRLF.
fn assert_golden(arrived: &[Arc<Arrived>], mut expected: Vec<String>, who: &str) {
    let body = |arrived: &Arc<Arrived>| arrived.body().escape_ascii().to_string();
    let mut found: Vec<String> = arrived.iter().map(body).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "{who}");
    for one in arrived {
        assert_only_crlf(&one.data);
    }
}

/// Trusted clients get no other framing than strangers, who may write to the postmaster alone.
#[tokio::test]
async fn no_other_sequence_ends_the_data() {
    let setup = Setup::signing("2", "s1").with("router", "relay_networks", "[\"127.0.0.1/32\"]");
    let world = World::start(setup).await;
    let mut expected = Vec::new();
    let mut sent = 0;
    for way in Way::ALL {
        let mut trusted = RawClient::connect(world.edge.address()).await;
        sent += smuggle(&mut trusted, way, FROM, TO).await;
        let mut stranger =
            RawClient::connect_from([127, 0, 0, 9].into(), world.edge.address()).await;
        let from = "x@stranger.example";
        smuggle(&mut stranger, way, from, "postmaster@renovations.com").await;
        expected.extend(golden(way));
    }
    assert_eq!(sent, expected.len());
    for (exchanger, who) in [(&world.partner, "trusted"), (&world.internal, "stranger")] {
        exchanger.arrival(sent).await;
        assert_golden(&exchanger.arrived(), expected.clone(), who);
    }
    let mut judged = BTreeSet::new();
    for arrived in world.partner.arrived() {
        if judged.insert(arrived.body().to_vec()) {
            world.assert_signed(&arrived, &[KEY]).await;
        }
    }
}

#[tokio::test]
async fn nul_is_refused() {
    let world = World::start(Setup::signing("2", "s1")).await;
    for mark in [&b"\r\n\0.\r\n"[..], b"\r\n.\0\r\n"] {
        let message = messages::with_from(FROM, TO, "before");
        let message = [&message, mark, SMUGGLED].concat();
        for cut in message.len() - SMUGGLED.len() - mark.len()..=message.len() - SMUGGLED.len() {
            let (first, second) = message.split_at(cut);
            let mut client = RawClient::connect(world.edge.address()).await;
            client.begin_data(FROM, TO).await;
            client.write(first).await;
            client.write(second).await;
            client.write(b".\r\n").await;
            assert_eq!(client.reply().await.code, 554, "{mark:?} at {cut}");
            client.expect(&format!("MAIL FROM:<{FROM}>"), 250).await;
            client.expect(&format!("RCPT TO:<{TO}>"), 250).await;
            let size = format!("BDAT {} LAST\r\n", message.len());
            client.write(&[size.as_bytes(), first].concat()).await;
            client.write(second).await;
            assert_eq!(client.reply().await.code, 554, "{mark:?} at {cut}");
            client.expect("QUIT", 221).await;
        }
    }
    world.edge.stop().await;
    assert_eq!(world.partner.transcripts().len(), 0);
}

#[tokio::test]
async fn dots_at_the_start_of_lines_arrive_as_they_were_sent() {
    let world = World::start(Setup::signing("2", "s1")).await;
    let body = ".\r\n..\r\n.a\r\n\r\n.\r\n";
    let message = messages::with_from(FROM, TO, body);
    world.send(FROM, &[TO], &message).await;
    let arrived = world.partner.arrival(1).await;
    assert_eq!(arrived.body(), body.as_bytes(), "{}", arrived.text());
    world.assert_signed(&arrived, &[KEY]).await;
}

#[tokio::test]
async fn commands_that_stand_behind_data_or_quit_are_not_mixed_up() {
    let world = World::start(Setup::signing("2", "s1")).await;
    let mut client = RawClient::connect(world.edge.address()).await;
    let message = messages::plain(FROM, TO);
    let all = [
        format!("EHLO c.renovations.com\r\nMAIL FROM:<{FROM}>\r\nRCPT TO:<{TO}>\r\nDATA\r\n")
            .as_bytes(),
        &message,
        b".\r\nNOOP\r\nQUIT\r\nMAIL FROM:<late@renovations.com>\r\n",
    ]
    .concat();
    client.write(&all).await;
    let mut codes = Vec::new();
    while let Some(reply) = client.next_reply().await {
        codes.push(reply.code);
    }
    assert_eq!(codes, [250, 250, 250, 354, 250, 250, 221]);
    world.partner.arrival(1).await;
}

#[tokio::test]
async fn another_protocol_is_told_so_and_hears_nothing_of_itself() {
    let world = World::start(Setup::signing("2", "s1")).await;
    let mut client = RawClient::connect(world.edge.address()).await;
    client
        .write(b"POST /secret HTTP/1.1\r\nHost: renovations.com\r\n\r\nMAIL FROM:<a@renovations.com>\r\n")
        .await;
    let reply = client.reply().await;
    assert_eq!(reply.code, 521);
    assert!(!reply.text().contains("secret"), "{reply:?}");
    assert_eq!(client.next_reply().await, None);
}

fn assert_only_crlf(data: &[u8]) {
    let rest = String::from_utf8_lossy(data).replace("\r\n", "");
    assert!(!rest.contains(['\r', '\n']), "{rest:?}");
}
