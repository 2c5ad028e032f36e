//! Looks on while a session hears octet by octet, and knows from what it said what the client may expect of it.

use smtp_edge::smtp::server::{Client, Limits, Received};
use smtp_edge::smtp::timers::Awaited;

use super::driver::{Driver, Question};
use super::replies::{self, Reply};
use super::scene::{POSTMASTER, Scene};
use super::{content, data};

pub(crate) struct Witness {
    scene: Scene,
    limits: Limits,
    /// How much of the output has been read.
    read: usize,
    replies: usize,
    lines: usize,
    /// EHLO or HELO has been answered, and neither TLS nor XCLIENT has come since.
    greeted: bool,
    /// MAIL has been answered, and its message is not over.
    open: bool,
    /// Recipients that were taken since.
    taken: usize,
    /// Somebody has been authenticated at some time.
    known: bool,
    /// The command line that is being heard.
    line: Vec<u8>,
    place: Place,
    /// Octets of content that have come in all.
    heard: u64,
    /// What has come of the message.
    content: Vec<u8>,
    /// A question is known that the session has asked.
    asked: bool,
}

/// What the octets are that come.
enum Place {
    Lines,
    /// Behind 354.
    Data(Vec<u8>),
    /// Behind BDAT, and how many are still to come.
    Chunk(Vec<u8>, u64),
}

impl Witness {
    pub(crate) fn new(scene: Scene, limits: Limits) -> Self {
        Self {
            scene,
            limits,
            read: 0,
            replies: 0,
            lines: 0,
            greeted: false,
            open: false,
            taken: 0,
            known: false,
            line: Vec::new(),
            place: Place::Lines,
            heard: 0,
            content: Vec::new(),
            asked: false,
        }
    }

    /// The session is about to hear an octet.
    pub(crate) fn before(&mut self, octet: u8, driver: &Driver) {
        self.lines += usize::from(octet == b'\n');
        let content = matches!(driver.session.awaited(), Awaited::Octets(_));
        assert_eq!(
            content,
            !matches!(self.place, Place::Lines) && !driver.session.is_closed()
        );
        self.heard += u64::from(content);
        match &mut self.place {
            Place::Lines => self.line.push(octet),
            Place::Data(data) => data.push(octet),
            Place::Chunk(chunk, left) => {
                chunk.push(octet);
                *left = left
                    .checked_sub(1)
                    .expect("a chunk is not longer than it was said to be");
            }
        }
    }

    /// The session has heard it.
    pub(crate) fn after(&mut self, octet: u8, driver: &Driver) {
        let answered = self.read < driver.output.len() || driver.question.is_some();
        let closed = driver.session.is_closed();
        match std::mem::replace(&mut self.place, Place::Lines) {
            Place::Data(heard) => {
                let ends = heard == b".\r\n" || heard.ends_with(b"\r\n.\r\n");
                let too_much = closed && self.heard > self.limits.discarded;
                assert_eq!(answered, ends || too_much, "{}", heard.escape_ascii());
                if answered {
                    let end = data::end(&heard);
                    assert!(
                        too_much || end == Some(heard.len()),
                        "{}",
                        heard.escape_ascii()
                    );
                    self.content = data::unstuffed(&heard);
                } else {
                    self.place = Place::Data(heard);
                }
            }
            Place::Chunk(chunk, left) => {
                assert_eq!(answered, left == 0 || closed);
                if answered {
                    self.content.extend(chunk);
                } else {
                    self.place = Place::Chunk(chunk, left);
                }
            }
            Place::Lines if octet == b'\n' => {
                let line = std::mem::take(&mut self.line);
                self.open &= !line.eq_ignore_ascii_case(b"RSET\r\n");
                if matches!(driver.session.awaited(), Awaited::Octets(_)) && !answered {
                    self.place = Place::Chunk(Vec::new(), size(&line).expect("BDAT and a size"));
                }
            }
            Place::Lines => {}
        }
        self.look(driver);
    }

    /// Looks at what there is.
    pub(crate) fn look(&mut self, driver: &Driver) {
        self.known |= driver.session.client().identity.is_some();
        let unread = driver.output.get(self.read..).unwrap_or_default();
        self.read = driver.output.len();
        for reply in replies::read(unread) {
            self.hear(&reply, driver);
        }
        // A message that is too long is refused before its end when the session ends with it.
        let last = if driver.session.is_closed() { 2 } else { 0 };
        assert!(
            self.replies <= 1 + self.lines + last,
            "one reply a line, and the last ones"
        );
        assert!(driver.session.held_octets() <= self.limits.message_size);
        match &driver.question {
            Some(Question::Message(message)) if !self.asked => self.see(message),
            Some(Question::Verifier(_) | Question::Password(..)) => {
                assert!(self.is_private(driver.session.client()));
            }
            Some(Question::Message(_) | Question::Handshake) | None => {}
        }
        self.asked = driver.question.is_some();
    }

    /// A message has been handed over.
    fn see(&mut self, message: &Received) {
        assert!(
            self.open && message.content == self.content,
            "{}",
            message.content.escape_ascii()
        );
        assert_eq!(message.notes, content::notes(&message.content));
        assert!(message.content.len() <= self.limits.message_size);
        assert!((1..=self.taken).contains(&message.recipients.len()));
        assert!(self.taken <= self.limits.recipients);
        let mut shown = format!("{} {}", message.helo, message.reverse_path);
        for recipient in &message.recipients {
            let mailbox = recipient.mailbox.to_string();
            let trusted = self.scene.relays || self.known;
            assert!(
                trusted || mailbox.eq_ignore_ascii_case(POSTMASTER),
                "{mailbox}"
            );
            shown.push_str(&mailbox);
        }
        assert!(
            !message.helo.is_empty() && !shown.chars().any(char::is_control),
            "{shown:?}"
        );
        self.open = false;
    }

    /// A reply has been sent.
    fn hear(&mut self, reply: &Reply, driver: &Driver) {
        self.replies += 1;
        let client = driver.session.client();
        match (reply.code, reply.first()) {
            (220, "edge.example ESMTP") => self.forget(),
            (250, "edge.example") => {
                let offers = |word: &str| reply.lines.iter().any(|line| line.starts_with(word));
                assert!(!offers("STARTTLS") || (self.scene.starttls && client.tls.is_none()));
                assert!(!offers("AUTH ") || (self.scene.auth && self.is_private(client)));
                assert_eq!(
                    offers("XCLIENT "),
                    self.scene.proxy && reply.lines.len() > 1
                );
                self.greeted = true;
                self.open = false;
            }
            (250, text) if text.starts_with("2.1.0 ") => {
                assert!(self.greeted, "MAIL after EHLO");
                self.open = true;
                self.taken = 0;
                self.content.clear();
            }
            (250, text) if text.starts_with("2.1.5 ") => {
                assert!(self.open, "RCPT after MAIL");
                self.taken += 1;
            }
            (250, text) if text.ends_with(" octets so far") => {
                assert_eq!(text, format!("2.0.0 {} octets so far", self.content.len()));
            }
            (354, _) => {
                assert!(self.open && self.taken > 0, "DATA after RCPT");
                self.place = Place::Data(Vec::new());
            }
            (235, _) => assert!(self.is_private(client) && client.identity.is_some()),
            _ => {}
        }
    }

    /// The handshake is about to be done: all is forgotten that was said in clear.
    pub(crate) fn handshake(&mut self) {
        self.forget();
    }

    /// The offer of TLS has been taken out of the output, which is that long now.
    pub(crate) fn forget_offer(&mut self, length: usize) {
        self.read = length;
        self.replies -= 1;
    }

    /// Whether nobody on the way can read a password. Behind a proxy, nobody knows.
    fn is_private(&self, client: &Client) -> bool {
        client.tls.is_some() || (self.scene.loopback && !self.scene.proxy)
    }

    fn forget(&mut self) {
        self.greeted = false;
        self.open = false;
    }
}

/// What BDAT announces.
fn size(line: &[u8]) -> Option<u64> {
    let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
    let is_bdat = words.next()?.eq_ignore_ascii_case("BDAT");
    words.next()?.parse().ok().filter(|_| is_bdat)
}
