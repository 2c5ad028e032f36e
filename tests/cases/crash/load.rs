//! Clients that send one message after the other until the edge is gone, and remember what it has answered.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use edge_tests::mock_mta::{Arrived, PATIENCE};
use edge_tests::world::World;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;

const FROM: &str = "rita@renovations.com";
pub(super) const CLIENT: &str = "client@partner.test";
pub(super) const BOTH: [&str; 2] = [CLIENT, "client@other.test"];
/// Whom the exchanger does not know.
pub(super) const GONE: &str = "gone@other.test";
/// Whom the exchanger puts off.
pub(super) const LATER: &str = "later@other.test";
/// The subject of a message begins with this.
pub(super) const SUBJECT: &str = "crash-";
/// The spool keeps content of more octets apart.
const LARGE: usize = 1_200_000;

/// A message that was answered 250.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    /// The queue id of the reply.
    pub(super) id: String,
    pub(super) recipients: &'static [&'static str],
}

/// What the clients have in common.
#[derive(Debug, Default)]
pub(super) struct Load {
    sent: AtomicUsize,
    answered: Mutex<BTreeMap<String, Answered>>,
    count: watch::Sender<usize>,
}

impl Load {
    /// Starts clients, which end when the edge does.
    pub(super) fn begin(self: &Arc<Self>, edge: SocketAddr, clients: usize) -> Vec<JoinHandle<()>> {
        let client = |_| {
            let load = Arc::clone(self);
            tokio::spawn(async move { while load.send(edge).await.is_ok() {} })
        };
        (0..clients).map(client).collect()
    }

    /// Every message that was answered 250, by its subject.
    pub(super) fn answered(&self) -> BTreeMap<String, Answered> {
        self.answered.lock().unwrap().clone()
    }

    async fn send(&self, edge: SocketAddr) -> std::io::Result<()> {
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        let recipients = recipients(number);
        let subject = format!("{SUBJECT}{number}-");
        if let Some(id) = submit(edge, recipients, &message(&subject, number)).await? {
            let answered = Answered { id, recipients };
            self.answered.lock().unwrap().insert(subject, answered);
            self.count.send_modify(|count| *count += 1);
        }
        Ok(())
    }
}

/// Most go to one domain, some to two, some cannot be delivered, and few are put off.
fn recipients(number: usize) -> &'static [&'static str] {
    match number % 16 {
        3 | 11 => &BOTH,
        6 => &[GONE],
        9 => &[LATER],
        _ => &[CLIENT],
    }
}

fn message(subject: &str, number: usize) -> Vec<u8> {
    let head = format!("From: {FROM}\r\nTo: you\r\nSubject: {subject}\r\n\r\n");
    let octets = if number % 40 == 20 { LARGE } else { 2000 };
    let lines = "a line of a message that is to arrive\r\n";
    let body = lines.repeat(octets / lines.len());
    [head, body].concat().into_bytes()
}

/// The queue id of the 250, or nothing when the connection ended without one.
async fn submit(edge: SocketAddr, to: &[&str], message: &[u8]) -> std::io::Result<Option<String>> {
    let mut stream = BufReader::new(TcpStream::connect(edge).await?);
    let recipients: String = to.iter().map(|to| format!("RCPT TO:<{to}>\r\n")).collect();
    let commands = format!("HELO client\r\nMAIL FROM:<{FROM}>\r\n{recipients}DATA\r\n");
    stream.write_all(commands.as_bytes()).await?;
    let mut line = String::new();
    while !line.starts_with("354 ") {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        assert!(line.starts_with(['2', '3']), "{line}");
    }
    stream.write_all(message).await?;
    stream.write_all(b".\r\nQUIT\r\n").await?;
    line.clear();
    stream.read_line(&mut line).await?;
    let id = line
        .strip_prefix("250 2.0.0 ")
        .filter(|id| id.ends_with("\r\n"));
    assert!(id.is_some() || !line.ends_with("\r\n"), "{line}");
    let id = id.and_then(|text| text.split_whitespace().last());
    Ok(id.map(str::to_owned))
}

/// Nothing has happened for so long that it is worth while to look.
const LULL: Duration = Duration::from_millis(300);

/// Everything that can be seen to happen in a world.
pub(super) struct Progress {
    answered: watch::Receiver<usize>,
    arrived: [watch::Receiver<Vec<Arc<Arrived>>>; 3],
}

impl Progress {
    pub(super) fn of(world: &World, load: &Load) -> Self {
        Self {
            answered: load.count.subscribe(),
            arrived: [&world.partner, &world.other, &world.internal].map(|one| one.watch()),
        }
    }

    /// Waits for so many events.
    pub(super) async fn events(mut self, events: usize) {
        for _ in 0..events {
            let waited = tokio::time::timeout(PATIENCE, self.event()).await;
            waited.expect("something happens");
        }
    }

    /// Waits until it is so, or nothing happens any more.
    pub(super) async fn until(mut self, is_so: impl Fn() -> bool) {
        while !is_so() {
            if tokio::time::timeout(PATIENCE, self.event()).await.is_err() {
                return;
            }
            // To look takes long when much has arrived, so that it is done once for what comes together.
            while tokio::time::timeout(LULL, self.event()).await.is_ok() {}
        }
    }

    async fn event(&mut self) {
        let [partner, other, internal] = &mut self.arrived;
        tokio::select! {
            changed = self.answered.changed() => changed.unwrap(),
            changed = partner.changed() => changed.unwrap(),
            changed = other.changed() => changed.unwrap(),
            changed = internal.changed() => changed.unwrap(),
        }
    }
}
