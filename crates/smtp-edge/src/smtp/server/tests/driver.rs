//! A driver without sockets: users, verdicts and handshakes of the test's choice.

use std::sync::Arc;

use router_config::Network;

use crate::ids::QueueId;
use crate::smtp::replies;
use crate::smtp::sasl::sample::SampleUsers;
use crate::smtp::sasl::{ServerNonce, Users};
use crate::smtp::server::{
    Client, Event, Handshake, Limits, Policy, Received, Rejection, Session, SessionSettings,
    TlsFacts, TlsVersion, Verdict,
};
use crate::spool::memory::MemorySpool;

/// What a test's session is told, and who its client is.
#[derive(Clone)]
pub(super) struct Stage {
    pub(super) settings: SessionSettings,
    pub(super) client: Client,
    /// Whether the client may relay whoever it is; a user of ours always may.
    pub(super) relays: bool,
}

impl Stage {
    /// A client in a listed network, small limits, TLS and users at hand.
    pub(super) fn new() -> Self {
        Self {
            settings: SessionSettings {
                hostname: "edge.example".into(),
                limits: Limits {
                    message_size: 1000,
                    recipients: 3,
                    messages: 10,
                    line_length: 512,
                    errors: 8,
                    idle_commands: 10,
                    unrecognized: 5,
                    auth_failures: 3,
                    discarded: 3000,
                },
                postmaster: "pm@internal.example".parse().unwrap(),
                starttls: true,
                auth: true,
                xclient_from: Arc::new([]),
            },
            client: Client::direct("192.0.2.1".parse().unwrap()),
            relays: true,
        }
    }

    /// The client's network is not listed.
    pub(super) fn stranger() -> Self {
        Self {
            relays: false,
            ..Self::new()
        }
    }

    /// The client is on this machine.
    pub(super) fn loopback() -> Self {
        Self {
            client: Client::direct("127.0.0.1".parse().unwrap()),
            ..Self::new()
        }
    }

    /// The client may speak for others.
    pub(super) fn proxy(address: &str) -> Self {
        let network: Network = address.parse().unwrap();
        let mut stage = Self::new();
        stage.client = Client::direct(address.parse().unwrap());
        stage.settings.xclient_from = Arc::new([network]);
        stage
    }

    /// Changes the limits.
    pub(super) fn with(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.settings.limits);
        self
    }

    pub(super) fn driver(&self) -> Driver {
        let policy = Arc::new(ByList(self.relays));
        let settings = Arc::new(self.settings.clone());
        Driver::new(Session::new(settings, self.client.clone(), policy))
    }
}

/// Whether the client's address may relay. `192.0.2.99` never may, nor may an address that nobody knows.
struct ByList(bool);

impl Policy for ByList {
    fn may_relay(&self, client: &Client) -> bool {
        let proved = client.proved();
        let listed = self.0
            && !proved.address.is_unspecified()
            && proved.address.to_string() != "192.0.2.99";
        listed || proved.identity.is_some() || proved.certificate.is_some()
    }

    fn takes_mail(&self) -> bool {
        true
    }

    fn may_begin(&self, client: &Client) -> bool {
        client.address.to_string() != "192.0.2.98"
    }
}

/// Drives a session, and keeps what comes of it.
pub(super) struct Driver {
    pub(super) session: Session,
    pub(super) messages: Vec<Received>,
    pub(super) rejections: Vec<Rejection>,
    /// What was sent and not yet taken.
    output: Vec<u8>,
    spool: MemorySpool,
}

impl Driver {
    pub(super) fn new(session: Session) -> Self {
        let mut driver = Self {
            session,
            messages: Vec::new(),
            rejections: Vec::new(),
            output: Vec::new(),
            spool: MemorySpool::default(),
        };
        driver.settle();
        driver
    }

    /// What a connection does with octets that came.
    pub(super) fn hear(&mut self, octets: &[u8]) {
        self.session.handle_input(octets);
        self.settle();
    }

    fn settle(&mut self) {
        let mut handshake = false;
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Message(message) => {
                    let verdict = self.verdict(&message);
                    self.messages.push(*message);
                    self.session.handle_verdict(verdict);
                }
                Event::StartTls => handshake = true,
                Event::Verifier { name } => {
                    let nonce = ServerNonce("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0".into());
                    self.session
                        .handle_verifier(SampleUsers.verifier(&name), &nonce);
                }
                Event::CheckPassword { name, password } => {
                    let verdict = SampleUsers.check(&name, &password);
                    self.session.handle_password_checked(verdict);
                }
                Event::Authenticated { client, .. } => assert!(client.identity.is_some()),
                Event::Rejected { why, .. } => self.rejections.push(why),
            }
        }
        self.output.extend(self.session.take_output());
        if handshake {
            self.session.handle_tls_started(tls());
        }
    }

    /// A message that says `refuse` is refused.
    fn verdict(&self, message: &Received) -> Verdict {
        if contains(&message.content, b"refuse") {
            return Verdict::Refused(replies::storage_unavailable());
        }
        let number = 1 + self.messages.len() as u64;
        Verdict::Accepted(self.spool.promise(QueueId::from_number(number)))
    }

    /// The octets that were sent since the last time.
    pub(super) fn take_output(&mut self) -> String {
        let output = String::from_utf8(std::mem::take(&mut self.output)).unwrap();
        assert!(output.is_empty() || output.ends_with("\r\n"), "{output:?}");
        output
    }

    /// The codes of the replies since the last time.
    pub(super) fn take_codes(&mut self) -> String {
        let output = self.take_output();
        let codes = output
            .lines()
            .filter(|line| line.as_bytes()[3] == b' ')
            .map(|line| &line[..3]);
        codes.collect::<Vec<_>>().join(" ")
    }
}

/// What every handshake here leads to.
pub(super) fn tls() -> Handshake {
    Handshake {
        facts: TlsFacts {
            version: TlsVersion::Tls13,
            cipher: "TLS13_AES_256_GCM_SHA384".into(),
        },
        certificate: None,
    }
}

/// Sends a script, in which each line end is a CRLF, whole and cut in two at every octet. The codes of the replies must be
/// these each time. Gives the driver of the first run.
pub(super) fn check(stage: &Stage, script: &str, expected: &str) -> Driver {
    check_octets(stage, script.replace('\n', "\r\n").as_bytes(), expected)
}

/// The same for octets.
pub(super) fn check_octets(stage: &Stage, script: &[u8], expected: &str) -> Driver {
    let mut whole = stage.driver();
    whole.hear(script);
    let shown = String::from_utf8_lossy(script);
    assert_eq!(whole.take_codes(), expected, "{shown}");
    for cut in 1..script.len() {
        let (first, second) = script.split_at(cut);
        let mut driver = stage.driver();
        driver.hear(first);
        driver.hear(second);
        assert_eq!(driver.take_codes(), expected, "{shown} cut at {cut}");
        let contents = |driver: &Driver| -> Vec<Vec<u8>> {
            let messages = driver.messages.iter();
            messages.map(|message| message.content.clone()).collect()
        };
        assert_eq!(contents(&driver), contents(&whole), "{shown} cut at {cut}");
    }
    whole
}

/// Sends lines one after the other, as a client that waits for replies does. Gives the replies.
pub(super) fn converse(driver: &mut Driver, lines: &[&str]) -> String {
    driver.take_output();
    for line in lines {
        driver.hear(format!("{line}\r\n").as_bytes());
    }
    driver.take_output()
}

fn contains(content: &[u8], word: &[u8]) -> bool {
    content.windows(word.len()).any(|window| window == word)
}
