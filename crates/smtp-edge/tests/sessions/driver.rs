//! A driver without sockets: it does what a session asks for, and keeps what comes of it.

use std::fmt::Write as _;

use credstore::Secret;
use smtp_edge::smtp::replies;
use smtp_edge::smtp::sasl::{Lookup, PasswordVerdict, ServerNonce};
use smtp_edge::smtp::server::{Event, Limit, Received, Rejection, Session, Verdict};

use super::scene;

/// What the session waits for its driver to say.
#[derive(Debug)]
pub(crate) enum Question {
    Message(Box<Received>),
    Handshake,
    Verifier(String),
    Password(String, Secret),
}

/// How a question is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "the model knows fair drivers alone")]
pub(crate) enum Mood {
    /// A message is taken unless it says `refuse`; users are who they are.
    Fair,
    /// No.
    Grim,
    /// Nobody can say.
    Away,
}

/// Drives a session.
pub(crate) struct Driver {
    pub(crate) session: Session,
    pub(crate) question: Option<Question>,
    /// All that was sent.
    pub(crate) output: Vec<u8>,
    /// All that was told, as text.
    pub(crate) told: String,
}

impl Driver {
    pub(crate) fn new(session: Session) -> Self {
        let mut driver = Self {
            session,
            question: None,
            output: Vec::new(),
            told: String::new(),
        };
        driver.collect();
        driver
    }

    pub(crate) fn hear(&mut self, octets: &[u8]) {
        let was_closed = self.session.is_closed();
        self.session.handle_input(octets);
        let sent = self.collect();
        assert!(
            !was_closed || sent == 0,
            "a session that is closed says nothing"
        );
    }

    /// Takes what there is; the number of octets that were sent.
    pub(crate) fn collect(&mut self) -> usize {
        while let Some(event) = self.session.poll_event() {
            let asked = match event {
                Event::Message(message) => {
                    let _ = writeln!(self.told, "{message:?}");
                    Question::Message(message)
                }
                Event::StartTls => Question::Handshake,
                Event::Verifier { name } => Question::Verifier(name.as_str().to_owned()),
                Event::CheckPassword { name, password } => {
                    Question::Password(name.as_str().to_owned(), password)
                }
                Event::Authenticated { client, mechanism } => {
                    let _ = writeln!(self.told, "{mechanism} {client:?}");
                    assert!(client.identity.is_some());
                    continue;
                }
                Event::Rejected {
                    client,
                    from,
                    reply,
                    why,
                } => {
                    // A message that is too long may be given up before its end is heard or at its end.
                    let over = matches!(why, Rejection::Limit(Limit::Discarded));
                    let from = from.filter(|_| !over);
                    let _ = writeln!(self.told, "{client} {from:?} {reply} {why} {why:?}");
                    assert!(reply.is_error());
                    continue;
                }
            };
            assert!(self.question.is_none(), "one question at a time");
            self.question = Some(asked);
        }
        let sent = self.session.take_output();
        self.output.extend_from_slice(&sent);
        if self.session.is_closed() {
            self.question = None; // a handshake that nobody waits for any more
        }
        sent.len()
    }

    /// Answers the question, if there is one.
    pub(crate) fn answer(&mut self, mood: Mood) {
        match self.question.take() {
            None => return,
            Some(Question::Message(message)) => {
                self.session.handle_verdict(verdict(&message, mood));
            }
            Some(Question::Handshake) => self.session.handle_tls_started(scene::handshake()),
            Some(Question::Verifier(name)) => {
                let lookup = match mood {
                    Mood::Fair => scene::verifier(&name),
                    Mood::Grim => scene::verifier("nobody"),
                    Mood::Away => Lookup::Unavailable,
                };
                let nonce = ServerNonce("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0".into());
                self.session.handle_verifier(lookup, &nonce);
            }
            Some(Question::Password(name, password)) => {
                self.session.handle_password_checked(match mood {
                    Mood::Fair => scene::password(&name, password.expose()),
                    Mood::Grim => PasswordVerdict::Wrong,
                    Mood::Away => PasswordVerdict::Unavailable,
                });
            }
        }
        self.collect();
    }
}

fn verdict(message: &Received, mood: Mood) -> Verdict {
    let mut words = message.content.windows(b"refuse".len());
    match mood {
        Mood::Fair if words.any(|word| word == b"refuse") => {
            Verdict::Refused(replies::storage_unavailable())
        }
        Mood::Fair => Verdict::Accepted(scene::durable()),
        Mood::Grim => Verdict::Refused(replies::malformed_message()),
        Mood::Away => Verdict::Refused(replies::shutting_down("edge.example")),
    }
}
