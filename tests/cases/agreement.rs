//! What `explain` says and what the edge does, for 10,000 generated pairs of settings and messages: the running edge is asked,
//! then sent the message, and what arrives, what is refused and what is reported must be as it said.

mod cases;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use cases::{Author, INSIDE, Message, Settings};
use edge_tests::admin;
use edge_tests::client::RawClient;
use edge_tests::judges::{Judge, judge_files};
use edge_tests::mock_mta::{Arrived, MockMta, PATIENCE};
use edge_tests::setup::{ALIAS, OTHER, PARTNER, PRIMARY, SUBDOMAIN, Setup};
use edge_tests::world::World;
use serde_json::Value;

const SETTINGS: usize = 40;
const MESSAGES: usize = 250;
const CONNECTIONS: usize = 16;

/// A signature by its selector and its `d=`.
type Signatures = BTreeSet<(String, String)>;

#[tokio::test]
async fn explain_says_what_the_edge_does() {
    let mut random = fastrand::Rng::with_seed(8463);
    let mut world = World::start(setup()).await;
    publish_for_the_alias(&world);
    let keymgmt = world.home.keymgmt();
    keymgmt.ok(&["revoke", "DKIM", PRIMARY, "r"]).await;
    let mut seen = BTreeMap::new();
    for number in 0..SETTINGS {
        let settings = Settings::generate(&mut random);
        world.home.change(|setup| settings.apply(setup));
        let event = world.edge.reload().await;
        assert_eq!(event["message"], "reloaded", "{settings:#?}");
        let messages: Vec<Message> = (0..MESSAGES)
            .map(|place| Message::generate(&mut random, number * MESSAGES + place))
            .collect();
        let answers = Answers::ask(&world, &messages).await;
        let expected: Vec<Expected> = messages.iter().map(|one| answers.expect(one)).collect();
        let before = Before::of(&world, number * MESSAGES);
        let replies = submit(world.edge.address(), messages.clone()).await;
        let came = before.wait(&world, &expected).await;
        for ((message, expected), reply) in messages.iter().zip(&expected).zip(replies) {
            *seen.entry(expected.kind()).or_insert(0) += 1;
            let found = came.of(message, reply);
            assert_eq!(found, *expected, "{message:#?}\n{settings:#?}");
        }
    }
    println!("{seen:#?}");
    assert!(seen.len() >= 6, "all sorts of outcomes: {seen:?}");
    every_signature_verifies(&world).await;
}

fn setup() -> Setup {
    Setup::default()
        .key(PRIMARY, "a", "Ed25519")
        .key(PRIMARY, "b", "RSA 2048")
        .key(PRIMARY, "r", "Ed25519")
        .key(PRIMARY, "short", "RSA 1024")
        .key(SUBDOMAIN, "a", "Ed25519")
        .key("acme.example", "a", "Ed25519")
        .with("admin", "listen", "\"127.0.0.1:0\"")
        .with("message", "second_from", "\"pass\"")
        .with("smtp", "max_errors", "10000")
        .with("signing", "self_check", "\"off\"")
        // What is held back waits until all is over.
        .with("delivery", "retry_first", "\"1h\"")
        .with("delivery", "retry_max", "\"1h\"")
}

/// With `aligned_aliases`, verifiers look for the primary's keys below the alias.
fn publish_for_the_alias(world: &World) {
    for selector in ["a", "b"] {
        let exported = world.home.data().join(format!("{selector}.{PRIMARY}.txt"));
        let record = std::fs::read_to_string(exported).unwrap();
        world.dns.change(|zone| {
            let owner = format!("{selector}._domainkey.{ALIAS}");
            zone.txt(&owner, record.trim_end());
        });
    }
}

/// What the edge says of each author's mail.
struct Answers(BTreeMap<Author, Value>);

impl Answers {
    async fn ask(world: &World, messages: &[Message]) -> Self {
        let address = admin::address(&world.edge).await;
        let authors: BTreeSet<Author> = messages.iter().map(|one| one.author.clone()).collect();
        let mut answers = BTreeMap::new();
        for author in authors {
            let answer = match &author {
                Author::Of(domain) => {
                    let query = format!(
                        "/explain?format=json&address=u@{domain}&to=x@{PARTNER}&to=x@{OTHER}"
                    );
                    let answer = admin::get(address, &query).await;
                    assert_eq!(answer.status, 200, "{}", answer.body);
                    serde_json::from_str(&answer.body).expect("JSON")
                }
                // A whole message is explained by keymgmt alone.
                Author::Unknown(_) => {
                    let message = messages.iter().find(|one| one.author == author).unwrap();
                    let file = world.home.path().join("explained.eml");
                    std::fs::write(&file, message.text()).unwrap();
                    let file = file.to_str().unwrap();
                    let words = [
                        "explain",
                        "--message",
                        file,
                        "--to",
                        "x@other.test",
                        "--json",
                    ];
                    serde_json::from_str(&world.home.keymgmt().ok(&words).await).expect("JSON")
                }
            };
            answers.insert(author, answer);
        }
        Self(answers)
    }

    fn expect(&self, message: &Message) -> Expected {
        let answer = &self.0[&message.author];
        let mut expected = Expected {
            refused: false,
            inside: message.recipients.contains(&INSIDE),
            reported: BTreeSet::new(),
            outside: BTreeMap::new(),
        };
        for recipient in message.outside() {
            let outcome = outcome_for(answer, recipient);
            let fate = match outcome["quiet"].is_null() {
                true => outcome["fate"].as_str().expect("a word"),
                false => "leave_unsigned",
            };
            match fate {
                "sign" | "sign_partly" => {
                    expected
                        .outside
                        .insert(recipient, signatures(answer, outcome));
                }
                "send_unsigned" | "leave_unsigned" => {
                    expected.outside.insert(recipient, Signatures::new());
                }
                "defer" => expected.refused |= message.sender.is_none(),
                "report" => {
                    expected.refused |= message.sender.is_none();
                    expected.reported.insert(recipient);
                }
                "reject" => expected.refused = true,
                other => panic!("no word for a fate: {other}"),
            }
        }
        match expected.refused {
            true => Expected::refused(),
            false => expected,
        }
    }
}

/// What is said of the copy for a recipient: by the profile of its destination, or else by the usual one.
fn outcome_for<'a>(answer: &'a Value, recipient: &str) -> &'a Value {
    let domain = recipient.split('@').nth(1);
    let list = |name: &str| {
        answer[name]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
    };
    let route = list("to")
        .iter()
        .find(|route| route["domain"].as_str() == domain);
    let profile = route.map(|route| &route["profile"]["name"]);
    let own = list("profiles")
        .iter()
        .find(|one| Some(&one["profile"]["name"]) == profile);
    own.unwrap_or(answer)
}

fn signatures(answer: &Value, outcome: &Value) -> Signatures {
    let by = outcome["signed_by"].as_array().expect("a list");
    let all = answer["signatures"].as_array().expect("a list");
    let signed = all.iter().filter(|one| by.contains(&one["key"]));
    signed
        .map(|one| {
            let key = one["key"].as_str().expect("a name");
            let selector = key.split("._domainkey.").next().unwrap().to_owned();
            (
                selector,
                one["signing_domain"].as_str().expect("a name").to_owned(),
            )
        })
        .collect()
}

/// What becomes of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Expected {
    refused: bool,
    inside: bool,
    /// Those of whom the sender is told.
    reported: BTreeSet<&'static str>,
    /// The copies that leave, and their signatures.
    outside: BTreeMap<&'static str, Signatures>,
}

impl Expected {
    fn refused() -> Self {
        Self {
            refused: true,
            inside: false,
            reported: BTreeSet::new(),
            outside: BTreeMap::new(),
        }
    }

    fn kind(&self) -> String {
        let signed: Vec<usize> = self.outside.values().map(BTreeSet::len).collect();
        match self.refused {
            true => "refused".to_owned(),
            false => format!(
                "{} reported, copies with {signed:?} signatures",
                self.reported.len()
            ),
        }
    }

    fn copies_to(&self, domain: &str) -> usize {
        self.outside
            .keys()
            .filter(|to| to.ends_with(domain))
            .count()
    }
}

/// How many messages each host had, and the first of the batch that follows.
struct Before {
    arrived: [usize; 3],
    first: usize,
}

impl Before {
    fn of(world: &World, first: usize) -> Self {
        Self {
            arrived: hosts(world).map(|host| host.arrived().len()),
            first,
        }
    }

    /// Waits for all copies and reports that are expected.
    async fn wait(self, world: &World, expected: &[Expected]) -> Came {
        let sum = |count: &dyn Fn(&Expected) -> usize| expected.iter().map(count).sum::<usize>();
        let inside = sum(&|one| usize::from(one.inside) + usize::from(!one.reported.is_empty()));
        let counts = [
            sum(&|one| one.copies_to(PARTNER)),
            sum(&|one| one.copies_to(OTHER)),
            inside,
        ];
        let mut came = Came::default();
        for ((host, before), count) in hosts(world).into_iter().zip(self.arrived).zip(counts) {
            let mut watch = host.watch();
            // What earlier settings held back, and these let go, is not of this batch.
            let is_of_batch = |one: &&Arc<Arrived>| cases::number(&one.text()) >= self.first;
            let waited =
                watch.wait_for(|all| all.iter().skip(before).filter(is_of_batch).count() >= count);
            // What does not come is found missing, message by message.
            let _ = tokio::time::timeout(PATIENCE, waited).await;
            for arrived in host.arrived().iter().skip(before).filter(is_of_batch) {
                came.take(arrived);
            }
        }
        came
    }
}

fn hosts(world: &World) -> [&MockMta; 3] {
    [&world.partner, &world.other, &world.internal]
}

/// What has come of a batch, by the number of the message.
#[derive(Default)]
struct Came(BTreeMap<usize, Vec<Arc<Arrived>>>);

impl Came {
    /// A report holds the header of what it is about.
    fn take(&mut self, arrived: &Arc<Arrived>) {
        let number = cases::number(&arrived.text());
        self.0.entry(number).or_default().push(Arc::clone(arrived));
    }

    fn of(&self, message: &Message, refused: bool) -> Expected {
        let mut found = Expected {
            refused,
            ..Expected::refused()
        };
        for arrived in self.0.get(&message.number).into_iter().flatten() {
            if is_report(arrived) {
                let text = arrived.text();
                let told = message
                    .outside()
                    .filter(|to| text.contains(&format!("Final-Recipient: rfc822; {to}")));
                found.reported.extend(told);
                continue;
            }
            for to in arrived.to() {
                if to == INSIDE {
                    assert!(!found.inside, "twice");
                    found.inside = true;
                    continue;
                }
                let to = message
                    .outside()
                    .find(|one| *one == to)
                    .expect("one of its recipients");
                let earlier = found.outside.insert(to, cases::signatures(arrived));
                assert_eq!(earlier, None, "twice");
            }
        }
        found
    }
}

fn is_report(arrived: &Arrived) -> bool {
    let kind = arrived.values("Content-Type").concat();
    kind.contains("multipart/report")
}

/// Sends the messages on several connections, and says of each whether it was refused.
async fn submit(edge: SocketAddr, messages: Vec<Message>) -> Vec<bool> {
    let messages = Arc::new(messages);
    let parts: Vec<_> = (0..CONNECTIONS)
        .map(|part| {
            let messages = Arc::clone(&messages);
            tokio::spawn(async move {
                let mut client = RawClient::connect(edge).await;
                client.expect("EHLO client.renovations.com", 250).await;
                let mut refused = Vec::new();
                for message in messages.iter().skip(part).step_by(CONNECTIONS) {
                    let sender = message.sender.unwrap_or_default();
                    client.expect(&format!("MAIL FROM:<{sender}>"), 250).await;
                    for recipient in &message.recipients {
                        client.expect(&format!("RCPT TO:<{recipient}>"), 250).await;
                    }
                    client.expect("DATA", 354).await;
                    client.write(message.text().as_bytes()).await;
                    client.write(b".\r\n").await;
                    let reply = client.reply().await;
                    refused.push((message.number, reply.code != 250));
                }
                refused
            })
        })
        .collect();
    let mut refused = BTreeMap::new();
    for part in parts {
        refused.extend(part.await.unwrap());
    }
    refused.into_values().collect()
}

/// One in twenty of the signed messages, judged from outside.
async fn every_signature_verifies(world: &World) {
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for (number, arrived) in world.partner.arrived().iter().step_by(20).enumerate() {
        let file = folder.path().join(number.to_string());
        std::fs::write(&file, &arrived.data).unwrap();
        files.push(file);
    }
    for verdicts in judge_files(&[Judge::MailAuth], world.dns.address(), &files).await {
        let failed = verdicts.iter().find(|verdict| !verdict.passed());
        assert!(failed.is_none(), "{failed:#?}");
    }
}
