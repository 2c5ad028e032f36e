//! One connection: the loop that carries octets to the session and verdicts back. It decides nothing.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use router_config::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::envelope::{ReversePath, Source};
use crate::intake::{Arrival, Intake, Protocol};
use crate::mail_log;
use crate::smtp::server::{Event, Received, Session, Verdict};
use crate::smtp::timers::Timers;

/// What a connection is served with.
#[derive(Clone)]
pub struct Service {
    /// The way in for messages.
    pub intake: Arc<Intake>,
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
    peer: SocketAddr,
    mut session: Session,
    mut service: Service,
) -> io::Result<()> {
    let client = Client::at(peer.ip().to_canonical());
    let mut buffer = vec![0_u8; 16 * 1024];
    loop {
        handle_events(&mut session, &service.intake, &client).await;
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
        let patience = if session.awaits_data() {
            service.timers.data
        } else {
            service.timers.command
        };
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

async fn handle_events(session: &mut Session, intake: &Intake, client: &Client) {
    while let Some(event) = session.poll_event() {
        match event {
            Event::Message(received) => {
                let verdict = verdict(*received, intake, client).await;
                session.handle_verdict(verdict);
            }
            Event::Rejected { from, reply, why } => {
                mail_log::rejected(client.address, from.as_ref(), &reply.to_string(), &why);
            }
        }
    }
}

async fn verdict(received: Received, intake: &Intake, client: &Client) -> Verdict {
    let protocol = match (received.extended, received.smtputf8) {
        (true, true) => Protocol::Utf8Smtp,
        (true, false) => Protocol::Esmtp,
        (false, _) => Protocol::Smtp,
    };
    let reverse_path: ReversePath = received.reverse_path.clone();
    let arrival = Arrival {
        source: Source::Client {
            client: client.clone(),
            helo: received.helo,
        },
        protocol,
        reverse_path: received.reverse_path,
        recipients: received.recipients,
        content: received.content,
        notes: received.notes,
    };
    match intake.accept(arrival).await {
        Ok(id) => Verdict::Accepted(id),
        Err(rejection) => {
            let reply = rejection.reply();
            mail_log::rejected(
                client.address,
                Some(&reverse_path),
                &reply.to_string(),
                &rejection,
            );
            Verdict::Refused(reply)
        }
    }
}

const LINGER: Duration = Duration::from_secs(2);
