//! A message on its way in, step by step: normal form, trace, signatures, stable storage, queue.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::form::MessageSettings;
use super::normalize::{Normalized, Rules, normalize};
use super::rejection::Rejection;
use super::trace::{self, Protocol};
use crate::clock::Clock;
use crate::config::SmtpSettings;
use crate::dsn::{ReportError, Reporter};
use crate::envelope::{Envelope, Mailbox, Needs, ReversePath, Source};
use crate::ids::{QueueId, QueueIds};
use crate::mail_log;
use crate::queue::QueueHandle;
use crate::signing::policy::Consequence;
use crate::signing::sign::Outcome;
use crate::signing::state::{FaultClass, Signings};
use crate::signing::step::{SigningStep, hash_body};
use crate::smtp::data::DataNotes;
use crate::smtp::server::Client;
use crate::spool::message::{Message, MessageState, Orders, RecipientState};
use crate::spool::{Durable, Spool};

/// A message as it arrives, from a client or from ourselves.
#[derive(Debug)]
pub struct Arrival {
    /// Where it comes from.
    pub source: Source,
    /// What the session knows of its client; none for what we write ourselves.
    pub client: Option<Client>,
    /// How it came.
    pub protocol: Protocol,
    /// Where reports go.
    pub reverse_path: ReversePath,
    /// Who is to have it: at least one.
    pub recipients: Vec<Mailbox>,
    /// The message, unstuffed.
    pub content: Vec<u8>,
    /// What was noticed in it.
    pub notes: DataNotes,
}

/// The way in, shared by all connections and by the reports that we write.
pub struct Intake {
    /// Our name.
    pub hostname: Box<str>,
    /// What is allowed.
    pub limits: SmtpSettings,
    /// What is asked of a message's form.
    pub form: MessageSettings,
    /// Where messages are kept.
    pub spool: Arc<dyn Spool>,
    /// Who delivers them.
    pub queue: QueueHandle,
    /// Who signs them.
    pub signing: Arc<SigningStep>,
    /// What they are called.
    pub ids: QueueIds,
    /// When they came.
    pub clock: Clock,
}

impl Intake {
    /// Takes a message. `Ok` means that it is on stable storage and will be delivered or reported.
    ///
    /// # Errors
    /// [`Rejection`], which knows the reply; nothing of the message is kept then.
    pub async fn accept(&self, arrival: Arrival) -> Result<Durable<QueueId>, Rejection> {
        let accepted = self.clock.now();
        let id = self.ids.next(accepted);
        let form = match &arrival.source {
            Source::Client { .. } => &self.form,
            Source::Ourselves => &self.form.for_reports(),
        };
        let rules = Rules {
            form,
            max_fields: self.limits.max_header_fields,
            sender: &arrival.reverse_path,
        };
        let content = normalize(arrival.content, arrival.notes, &rules)?;
        self.check_header(&content)?;
        let envelope = Envelope {
            needs: needs(
                &arrival.reverse_path,
                &arrival.recipients,
                arrival.protocol,
                &content,
            ),
            source: arrival.source,
            reverse_path: arrival.reverse_path,
            recipients: arrival.recipients,
            accepted,
        };
        let passage = trace::Passage {
            protocol: arrival.protocol,
            client: arrival.client.as_ref(),
        };
        let trace = trace::fields(id, &self.hostname, &passage, &envelope, &content, form);
        let message_id = message_id(id, &self.hostname, &content);
        let mut message = Message {
            id,
            trace,
            body_hashes: hash_body(content.body()),
            content: content.content,
            state: MessageState {
                recipients: vec![RecipientState::Pending(None); envelope.recipients.len()],
                signings: Signings::default(),
                attempts: 0,
                next_attempt: accepted,
                orders: Orders::default(),
                delay_told: None,
            },
            envelope: envelope.clone(),
        };
        let outcomes = self.signing.sign(&message).await;
        let refusal = outcomes
            .iter()
            .find_map(|outcome| unreportable(&envelope, outcome));
        if let Some(rejection) = refusal {
            outcomes.iter().for_each(|outcome| outcome.log(id));
            return Err(rejection);
        }
        message.state.signings = outcomes
            .iter()
            .map(|outcome| outcome.record.clone())
            .collect();
        let size = message.trace.len() + message.content.len();
        let state = message.state.clone();
        let durable = self.spool.commit(message).await?;
        mail_log::accepted(id, &envelope, &message_id, size);
        mail_log::mended(id, &content.mendings);
        outcomes.iter().for_each(|outcome| outcome.log(id));
        self.queue.enqueue(durable, &envelope, &state);
        Ok(durable)
    }

    fn check_header(&self, content: &Normalized) -> Result<(), Rejection> {
        let octets = content.header().len();
        if octets as u64 > self.limits.max_header_size.octets() {
            return Err(Rejection::HeaderTooBig { octets });
        }
        let received = content.values("Received").count();
        if received > self.limits.max_received {
            return Err(Rejection::Loop { received });
        }
        Ok(())
    }
}

impl Reporter for Intake {
    /// A report goes the way of every message, with a null reverse-path, so that it is signed if it leaves.
    fn report<'a>(
        &'a self,
        to: Mailbox,
        message: Vec<u8>,
    ) -> Pin<Box<dyn Future<Output = Result<Durable<QueueId>, ReportError>> + Send + 'a>> {
        let notes = DataNotes::of(&message);
        let protocol = if to.needs_smtputf8() {
            Protocol::Utf8Smtp
        } else {
            Protocol::Esmtp
        };
        let arrival = Arrival {
            source: Source::Ourselves,
            client: None,
            protocol,
            reverse_path: ReversePath::Null,
            recipients: vec![to],
            content: message,
            notes,
        };
        Box::pin(async move { self.accept(arrival).await.map_err(ReportError::new) })
    }
}

/// A signing fault of a message whose sender cannot be told later, or is to be told now: it must be refused while the
/// client still listens.
fn unreportable(envelope: &Envelope, outcome: &Outcome) -> Option<Rejection> {
    let null_sender = envelope.reverse_path == ReversePath::Null;
    let fault = match outcome.consequence.clone() {
        Consequence::Reject(fault) => fault,
        Consequence::Report(fault) | Consequence::Defer(fault) if null_sender => fault,
        Consequence::Send | Consequence::Report(_) | Consequence::Defer(_) => return None,
    };
    Some(if fault.class == FaultClass::SenderRule {
        Rejection::SenderRule(fault)
    } else if fault.class.is_transient() {
        Rejection::SigningUnavailable(fault)
    } else {
        Rejection::SigningRefused(fault)
    })
}

/// What the next hop must be able to do. A header in UTF-8 needs SMTPUTF8 only if the client said so: sloppy clients send
/// raw octets in headers, which need 8BITMIME like any others.
fn needs(
    reverse_path: &ReversePath,
    recipients: &[Mailbox],
    protocol: Protocol,
    content: &Normalized,
) -> Needs {
    let sender = match reverse_path {
        ReversePath::Null => false,
        ReversePath::Mailbox(mailbox) => mailbox.needs_smtputf8(),
    };
    let paths = sender || recipients.iter().any(Mailbox::needs_smtputf8);
    let header = protocol == Protocol::Utf8Smtp && !content.header().is_ascii();
    Needs {
        eight_bit: content.eight_bit,
        smtputf8: paths || header,
    }
}

/// The Message-ID for the log: printable ASCII, bounded.
fn message_id(id: QueueId, hostname: &str, content: &Normalized) -> String {
    match content.values("Message-ID").next() {
        Some(value) => {
            let printable = value.iter().filter(|octet| (33..=126).contains(*octet));
            printable
                .take(250)
                .map(|octet| char::from(*octet))
                .collect()
        }
        None => format!("<{id}@{hostname}>"),
    }
}
