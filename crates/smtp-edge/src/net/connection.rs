//! One connection: the loop that carries octets to the session and verdicts back. It decides nothing.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::authentication;
use crate::envelope::Source;
use crate::intake::{Arrival, Intake, Protocol, Rejection};
use crate::mail_log;
use crate::smtp::sasl::Users;
use crate::smtp::server::{Event, Received, Session, Verdict};
use crate::smtp::timers::{Patience, Timers};

/// What a connection is served with.
#[derive(Clone)]
pub struct Service {
    /// The way in for messages.
    pub intake: Arc<Intake>,
    /// Who may authenticate.
    pub users: Arc<dyn Users>,
    /// How long clients may be silent.
    pub timers: Timers,
    /// Becomes true when the server stops.
    pub stopping: watch::Receiver<bool>,
}

/// Serves one client until either side ends the session.
///
/// # Errors
/// What the socket said; there is nobody left to tell.
pub async fn serve(
    mut stream: TcpStream,
    mut session: Session,
    mut service: Service,
) -> io::Result<()> {
    let clock = service.intake.clock.clone();
    let mut patience = Patience::new(service.timers, clock.instant());
    let mut buffer = vec![0_u8; 16 * 1024];
    loop {
        handle_events(&mut session, &service).await?;
        if *service.stopping.borrow() && session.is_idle() && !session.is_closed() {
            session.handle_shutdown();
        }
        let output = session.take_output();
        if !output.is_empty() {
            let written =
                tokio::time::timeout(service.timers.command, stream.write_all(&output)).await;
            written.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        }
        if session.is_closed() {
            return linger(&mut stream, &mut buffer).await;
        }
        let patience = patience.left(session.awaited(), clock.instant());
        tokio::select! {
            read = tokio::time::timeout(patience, stream.read(&mut buffer)) => match read {
                Err(_) => session.handle_timeout(),
                Ok(read) => match read? {
                    0 => return Ok(()),
                    count => session.handle_input(buffer.get(..count).unwrap_or_default()),
                },
            },
            _ = service.stopping.changed(), if !*service.stopping.borrow() => {}
        }
    }
}

/// Ends our side and reads what the client still sends for a moment: closing on unread octets would reset the
/// connection, and the client might never see the last reply.
async fn linger(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<()> {
    stream.shutdown().await?;
    let drained = async {
        while stream.read(buffer).await? > 0 {}
        Ok(())
    };
    tokio::time::timeout(LINGER, drained)
        .await
        .unwrap_or(Ok(()))
}

async fn handle_events(session: &mut Session, service: &Service) -> io::Result<()> {
    while let Some(event) = session.poll_event() {
        match event {
            Event::Message(received) => {
                let verdict = verdict(*received, &service.intake).await;
                session.handle_verdict(verdict);
            }
            // The settings of the session never offer it.
            Event::StartTls => return Err(io::Error::from(io::ErrorKind::Unsupported)),
            Event::Verifier { name } => {
                let lookup = authentication::verifier(&service.users, name).await;
                session.handle_verifier(lookup, &authentication::nonce()?);
            }
            Event::CheckPassword { name, password } => {
                let verdict = authentication::check(&service.users, name, password).await;
                session.handle_password_checked(verdict);
            }
            Event::Authenticated { client, mechanism } => {
                mail_log::authenticated(&client, mechanism);
            }
            Event::Rejected {
                client,
                from,
                reply,
                why,
            } => {
                mail_log::rejected(client, from.as_ref(), &reply.to_string(), &why);
            }
        }
    }
    Ok(())
}

async fn verdict(received: Received, intake: &Intake) -> Verdict {
    let protocol = match (received.extended, received.params.smtputf8) {
        (true, true) => Protocol::Utf8Smtp,
        (true, false) => Protocol::Esmtp,
        (false, _) => Protocol::Smtp,
    };
    let client = received.client.address;
    let reverse_path = received.reverse_path.clone();
    let recipients = received.recipients.into_iter();
    let arrival = Arrival {
        source: Source::Client {
            client: received.client.proved(),
            helo: received.helo,
        },
        client: Some(received.client),
        protocol,
        reverse_path: received.reverse_path,
        recipients: recipients.map(|recipient| recipient.mailbox).collect(),
        content: received.content,
        notes: received.notes,
    };
    let accepted = if received.params.require_tls {
        Err(Rejection::RequireTls)
    } else {
        intake.accept(arrival).await
    };
    match accepted {
        Ok(id) => Verdict::Accepted(id),
        Err(rejection) => {
            let reply = rejection.reply();
            mail_log::rejected(client, Some(&reverse_path), &reply.to_string(), &rejection);
            Verdict::Refused(reply)
        }
    }
}

const LINGER: Duration = Duration::from_secs(2);
