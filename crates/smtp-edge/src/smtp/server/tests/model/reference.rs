//! What a server must answer, line by line.

use super::line::{Line, Word};
use super::{Limits, Standing};

/// Sender, recipients, content.
pub(super) type Message = (String, Vec<String>, String);

/// The reference: a server that is told whole lines.
pub(super) struct Reference {
    standing: Standing,
    limits: Limits,
    pub(super) codes: Vec<&'static str>,
    pub(super) messages: Vec<Message>,
    place: Place,
    greeted: Greeted,
    tls: bool,
    user: bool,
    errors: u32,
    unknown: u32,
    guesses: u32,
    idle: u32,
    mails: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Greeted {
    No,
    Helo,
    Ehlo,
}

#[derive(Debug, Clone)]
enum Place {
    Commands,
    Envelope(Envelope),
    Data {
        envelope: Envelope,
        text: Vec<u8>,
        at_line_start: bool,
    },
    Chunks(Envelope, Vec<u8>),
    Chunk {
        envelope: Envelope,
        text: Vec<u8>,
        left: usize,
        last: bool,
    },
    Skip {
        left: usize,
        code: &'static str,
        then: Box<Place>,
    },
    Broken,
    Response,
    Gone,
}

#[derive(Debug, Clone)]
struct Envelope {
    sender: &'static str,
    recipients: Vec<String>,
    taken: usize,
    too_many: usize,
}

impl Reference {
    pub(super) fn new(standing: Standing, limits: Limits) -> Self {
        Self {
            standing,
            limits,
            codes: vec!["220"],
            messages: Vec::new(),
            place: Place::Commands,
            greeted: Greeted::No,
            tls: false,
            user: false,
            errors: 0,
            unknown: 0,
            guesses: 0,
            idle: 0,
            mails: 0,
        }
    }

    /// The session's name for what is awaited.
    pub(super) fn awaits(&self) -> &'static str {
        match self.place {
            Place::Commands if self.greeted == Greeted::No => "AwaitingHello",
            Place::Commands => "AwaitingMail",
            Place::Envelope(_) => "AwaitingRecipient",
            Place::Data { .. } => "AwaitingData",
            Place::Chunks(..) => "AwaitingChunk",
            Place::Chunk { .. } => "AwaitingOctets",
            Place::Skip { .. } => "AwaitingDiscard",
            Place::Broken => "AwaitingReset",
            Place::Response => "AwaitingResponse",
            Place::Gone => "Closed",
        }
    }

    /// Takes a line; `ends_packet` when nothing came along behind it.
    pub(super) fn hear(&mut self, line: &Line, ends_packet: bool) {
        match std::mem::replace(&mut self.place, Place::Gone) {
            Place::Gone => {}
            Place::Data {
                envelope,
                text,
                at_line_start,
            } => self.data(envelope, text, at_line_start, line),
            Place::Chunk {
                envelope,
                mut text,
                left,
                last,
            } => {
                text.extend(&line.octets);
                self.chunk(envelope, text, left - line.octets.len(), last);
            }
            Place::Skip { left, code, then } => self.skip(left - line.octets.len(), code, *then),
            Place::Response => {
                self.place = Place::Commands;
                self.response(line);
            }
            place => {
                self.place = place;
                self.command(line, ends_packet);
            }
        }
    }

    fn command(&mut self, line: &Line, ends_packet: bool) {
        match line.word {
            Word::Ehlo => self.hello(Greeted::Ehlo),
            Word::Helo => self.hello(Greeted::Helo),
            Word::Mail => self.mail("<a@example.com>", true),
            Word::MailNull => self.mail("<>", true),
            Word::MailTooBig => self.mail("<a@example.com>", false),
            Word::Rcpt(number) => self.rcpt(format!("u{number}@example.net"), false),
            Word::RcptSloppy => self.rcpt("u0@example.net".to_owned(), false),
            Word::Postmaster => self.rcpt("pm@internal.example".to_owned(), true),
            Word::Data => self.begin_data(),
            Word::Bdat(_) => self.bdat(line.chunk, Some(false)),
            Word::BdatLast(_) => self.bdat(line.chunk, Some(true)),
            Word::BdatMarked(_) => self.bdat(line.chunk, None),
            Word::BdatHuge => self.bdat(1_000_001, Some(false)),
            Word::BdatMalformed => self.leave("501"),
            Word::Rset => {
                if self.in_transaction() {
                    self.place = Place::Commands;
                }
                self.idle("250");
            }
            Word::Noop => self.idle("250"),
            Word::Vrfy => self.idle("252"),
            Word::Help => self.idle("214"),
            Word::Quit => self.leave("221"),
            Word::Http => self.leave("521"),
            Word::StartTls | Word::StartTlsAlone => self.start_tls(ends_packet),
            Word::AuthRight | Word::AuthWrong | Word::AuthPlain | Word::AuthOther => {
                self.auth(line.word);
            }
            Word::Xclient => self.xclient(),
            Word::Expn => self.error("502"),
            Word::EhloAlone | Word::MailMalformed | Word::RcptMalformed | Word::DataNow => {
                self.error("501");
            }
            Word::BareLf | Word::TooLong => self.error("500"),
            Word::Right
            | Word::Wrong
            | Word::Cancel
            | Word::Text
            | Word::Refuse
            | Word::Dot
            | Word::DotDot => {
                self.unknown += 1;
                self.error("500");
            }
        }
    }

    fn hello(&mut self, greeted: Greeted) {
        self.greeted = greeted;
        self.place = Place::Commands;
        self.idle("250");
    }

    fn mail(&mut self, sender: &'static str, fits: bool) {
        self.mails += 1;
        if self.mails > self.limits.messages {
            return self.leave("421");
        }
        if self.greeted == Greeted::No
            || matches!(self.place, Place::Envelope(_) | Place::Chunks(..))
        {
            return self.error("503");
        }
        self.place = Place::Commands; // a broken transaction is over
        if !fits {
            return self.error("552");
        }
        self.place = Place::Envelope(Envelope {
            sender,
            recipients: Vec::new(),
            taken: 0,
            too_many: 0,
        });
        self.codes.push("250");
    }

    fn rcpt(&mut self, recipient: String, postmaster: bool) {
        let Place::Envelope(envelope) = &mut self.place else {
            return self.error("503");
        };
        if envelope.taken == self.limits.recipients {
            envelope.too_many += 1;
            if envelope.too_many > self.limits.recipients {
                return self.error("452");
            }
            return self.codes.push("452");
        }
        if !(postmaster || self.standing.relays || self.user) {
            return self.error("550");
        }
        envelope.taken += 1;
        if !envelope.recipients.contains(&recipient) {
            envelope.recipients.push(recipient);
        }
        self.codes.push("250");
    }

    fn begin_data(&mut self) {
        match std::mem::replace(&mut self.place, Place::Broken) {
            Place::Envelope(envelope) if !envelope.recipients.is_empty() => {
                self.codes.push("354");
                self.place = Place::Data {
                    envelope,
                    text: Vec::new(),
                    at_line_start: true,
                };
            }
            Place::Chunks(..) => self.error("503"),
            place => {
                self.place = place;
                self.error("503");
            }
        }
    }

    /// RFC 5321 §4.5.2. A dot counts at the start of a line that follows CRLF.
    fn data(&mut self, envelope: Envelope, mut text: Vec<u8>, at_line_start: bool, line: &Line) {
        if at_line_start && line.octets == b".\r\n" {
            self.place = Place::Commands;
            if text.len() > self.limits.message_size {
                return self.error("552");
            }
            return self.message(envelope, text);
        }
        let unstuffed = match line.octets.strip_prefix(b".") {
            Some(rest) if at_line_start => rest,
            _ => &line.octets,
        };
        text.extend(unstuffed);
        let at_line_start = text.ends_with(b"\r\n");
        self.place = Place::Data {
            envelope,
            text,
            at_line_start,
        };
    }

    /// RFC 3030 §2. `last` is none when it cannot be read.
    fn bdat(&mut self, size: usize, last: Option<bool>) {
        let (code, then) = match std::mem::replace(&mut self.place, Place::Gone) {
            Place::Envelope(_) | Place::Chunks(..) if last.is_none() => ("501", Place::Broken),
            Place::Envelope(envelope) if envelope.recipients.is_empty() => ("554", Place::Broken),
            Place::Envelope(envelope) if size <= self.limits.message_size => {
                return self.chunk(envelope, Vec::new(), size, last == Some(true));
            }
            Place::Chunks(envelope, text) if text.len() + size <= self.limits.message_size => {
                return self.chunk(envelope, text, size, last == Some(true));
            }
            Place::Envelope(_) | Place::Chunks(..) => ("552", Place::Broken),
            place if last.is_none() => ("501", place),
            place => ("503", place),
        };
        if size as u64 > self.limits.discarded {
            self.codes.push(code);
            return self.leave("421");
        }
        self.skip(size, code, then);
    }

    fn chunk(&mut self, envelope: Envelope, text: Vec<u8>, left: usize, last: bool) {
        if left > 0 {
            self.place = Place::Chunk {
                envelope,
                text,
                left,
                last,
            };
        } else if last {
            self.place = Place::Commands;
            self.message(envelope, text);
        } else {
            self.codes.push("250");
            self.place = Place::Chunks(envelope, text);
        }
    }

    fn skip(&mut self, left: usize, code: &'static str, then: Place) {
        if left > 0 {
            self.place = Place::Skip {
                left,
                code,
                then: Box::new(then),
            };
        } else {
            self.place = then;
            self.error(code);
        }
    }

    fn message(&mut self, envelope: Envelope, text: Vec<u8>) {
        let text = String::from_utf8(text).unwrap();
        let refused = text.contains("refuse");
        self.messages
            .push((envelope.sender.to_owned(), envelope.recipients, text));
        if refused {
            return self.error("452");
        }
        self.idle = 0;
        self.codes.push("250");
    }

    /// RFC 3207 §4.2.
    fn start_tls(&mut self, ends_packet: bool) {
        if self.tls || self.greeted == Greeted::No {
            return self.error("503");
        }
        if !ends_packet {
            return self.leave("421");
        }
        self.codes.push("220");
        self.tls = true;
        self.user = false;
        self.greeted = Greeted::No;
        self.place = Place::Commands;
    }

    /// RFC 4954 §4.
    fn auth(&mut self, word: Word) {
        if self.in_transaction() || self.greeted != Greeted::Ehlo || self.user {
            return self.error("503");
        }
        let this_machine = self.standing.loopback && !self.standing.proxy;
        if !self.tls && !this_machine {
            return self.error("538");
        }
        match word {
            Word::AuthRight => self.right(),
            Word::AuthWrong => self.wrong("535"),
            Word::AuthPlain => {
                self.codes.push("334");
                self.place = Place::Response;
            }
            _ => self.error("504"),
        }
    }

    fn response(&mut self, line: &Line) {
        let text = line.octets.strip_suffix(b"\r\n").unwrap_or(&[]);
        match line.word {
            Word::Right => self.right(),
            Word::Wrong => self.wrong("535"),
            Word::Cancel => self.error("501"),
            Word::BareLf => self.error("500"),
            // Base64 by chance, and no response of PLAIN.
            _ if text.len().is_multiple_of(4) && text.iter().all(u8::is_ascii_alphanumeric) => {
                self.wrong("501");
            }
            _ => self.error("501"),
        }
    }

    fn right(&mut self) {
        self.user = true;
        self.codes.push("235");
    }

    fn wrong(&mut self, code: &'static str) {
        self.guesses += 1;
        self.error(code);
    }

    fn xclient(&mut self) {
        if !self.standing.proxy {
            return self.error("550");
        }
        if self.in_transaction() {
            return self.error("503");
        }
        self.user = false;
        self.greeted = Greeted::No;
        self.idle("220");
    }

    fn in_transaction(&self) -> bool {
        matches!(
            self.place,
            Place::Envelope(_) | Place::Chunks(..) | Place::Broken
        )
    }

    fn idle(&mut self, code: &'static str) {
        self.idle += 1;
        if self.idle > self.limits.idle_commands {
            return self.leave("421");
        }
        self.codes.push(code);
    }

    fn error(&mut self, code: &'static str) {
        self.errors += 1;
        self.codes.push(code);
        if self.errors >= self.limits.errors
            || self.unknown >= self.limits.unrecognized
            || self.guesses >= self.limits.auth_failures
        {
            self.leave("421");
        }
    }

    fn leave(&mut self, code: &'static str) {
        self.codes.push(code);
        self.place = Place::Gone;
    }
}
