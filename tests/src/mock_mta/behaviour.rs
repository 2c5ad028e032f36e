//! What an exchanger does at each stage of a session.

use std::sync::Arc;

use tokio::sync::watch;

/// What happens at one stage.
#[derive(Debug, Clone, Default)]
pub enum Step {
    /// The stage's usual positive reply.
    #[default]
    Accept,
    /// This reply, as it stands: `451 4.3.0 try later`. Several lines are parted by CRLF.
    Reply(String),
    /// The connection is closed without a reply.
    Drop,
    /// Nothing until the gate is open; then the other step.
    Wait(Gate, Box<Step>),
}

impl Step {
    /// A reply.
    #[must_use]
    pub fn reply(text: &str) -> Self {
        Self::Reply(text.to_owned())
    }

    /// Waits for `gate` and accepts.
    #[must_use]
    pub fn after(gate: &Gate) -> Self {
        Self::Wait(gate.clone(), Box::new(Self::Accept))
    }
}

/// A gate that a test opens; until then, whoever comes to it waits.
#[derive(Debug, Clone)]
pub struct Gate {
    open: Arc<watch::Sender<bool>>,
    waiting: Arc<watch::Sender<usize>>,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            open: Arc::new(watch::Sender::new(false)),
            waiting: Arc::new(watch::Sender::new(0)),
        }
    }
}

impl Gate {
    /// Lets everyone through from now on.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// Waits until somebody has come to the gate.
    pub async fn reached(&self) {
        let mut waiting = self.waiting.subscribe();
        tokio::time::timeout(super::PATIENCE, waiting.wait_for(|count| *count > 0))
            .await
            .expect("somebody comes to the gate in time")
            .expect("the gate lives");
    }

    pub(super) async fn pass(&self) {
        self.waiting.send_modify(|count| *count += 1);
        let mut open = self.open.subscribe();
        open.wait_for(|open| *open).await.expect("the gate lives");
    }
}

/// What an exchanger does; by default it has every extension but STARTTLS and accepts everything.
#[derive(Debug, Clone, Default)]
pub struct Behaviour {
    /// On connection.
    pub connect: Step,
    /// At EHLO and HELO.
    pub ehlo: Step,
    /// At MAIL FROM.
    pub mail: Step,
    /// At RCPT TO, for a recipient that `recipients` does not name.
    pub rcpt: Step,
    /// At RCPT TO, by address.
    pub recipients: Vec<(String, Step)>,
    /// At DATA, before any of it is read.
    pub data: Step,
    /// In the middle of the data, after its first line: [`Step::Accept`] reads on.
    pub in_data: Step,
    /// At the end of the data. What is not accepted is not kept.
    pub end_of_data: Step,
    /// What EHLO offers.
    pub extensions: Extensions,
}

impl Behaviour {
    /// What is done for `recipient`.
    #[must_use]
    pub fn for_recipient(&self, recipient: &str) -> Step {
        self.recipients
            .iter()
            .find(|(address, _)| address.eq_ignore_ascii_case(recipient))
            .map_or_else(|| self.rcpt.clone(), |(_, step)| step.clone())
    }
}

/// The extensions that EHLO offers.
#[derive(Debug, Clone)]
pub struct Extensions {
    /// The whole of EHLO; without it only HELO is known (RFC 5321 §3.2).
    pub ehlo: bool,
    /// PIPELINING.
    pub pipelining: bool,
    /// 8BITMIME.
    pub eight_bit_mime: bool,
    /// SMTPUTF8.
    pub smtputf8: bool,
    /// SIZE with this limit; a larger declared or real size is refused with 552.
    pub size: Option<u64>,
    /// STARTTLS.
    pub starttls: Option<StartTls>,
}

impl Default for Extensions {
    fn default() -> Self {
        Self {
            ehlo: true,
            pipelining: true,
            eight_bit_mime: true,
            smtputf8: true,
            size: Some(50 * 1024 * 1024),
            starttls: None,
        }
    }
}

/// What comes of STARTTLS where it is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartTls {
    /// A handshake with a certificate that nobody has signed.
    Works,
    /// A 454 reply.
    Refused,
    /// 220, and then a closed connection in place of a handshake.
    BrokenHandshake,
    /// 220 and, in the same packet, a reply in clear for the client to take as one of the encrypted session.
    InjectedReply,
}
