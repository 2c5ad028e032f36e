//! A queue with a blast in it, and the single messages that another client sends meanwhile.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use router_config::{Client, RouterConfig, RouterSettings, SigningSettings};
use smtp_edge::clock::Clock;
use smtp_edge::config::{DeliverySettings, SpoolSettings};
use smtp_edge::deliver::Deliver;
use smtp_edge::deliver::outcome::{Outcome, Settled, Taken};
use smtp_edge::deliver::route::Route;
use smtp_edge::dsn::{ReportError, Reporter};
use smtp_edge::envelope::{Envelope, Mailbox, Needs, ReversePath, Source};
use smtp_edge::ids::QueueId;
use smtp_edge::queue::{self, Parts, Queue, QueueHandle};
use smtp_edge::signing::replay::{Replay, Replayed};
use smtp_edge::signing::state::{ProfileSigning, Signing, Signings, Terms};
use smtp_edge::spool::log::{Condition, LogSpool};
use smtp_edge::spool::message::{Message, MessageState, Orders, RecipientState};
use smtp_edge::spool::{Durable, Spool};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::{Fault, SINGLES};

/// What another client has put into the queue.
pub(crate) struct Blast {
    messages: usize,
    destinations: usize,
}

impl Blast {
    pub(crate) const NONE: Self = Self {
        messages: 0,
        destinations: 1,
    };

    pub(crate) fn to_one(messages: usize) -> Self {
        Self {
            messages,
            destinations: 1,
        }
    }

    pub(crate) fn to_many(messages: usize) -> Self {
        Self {
            messages,
            destinations: 10_000,
        }
    }
}

/// How long each single message waited, in order.
pub(crate) struct Waits(Vec<Duration>);

impl Waits {
    pub(crate) fn half(&self) -> Duration {
        self.at(50)
    }

    pub(crate) fn most(&self) -> Duration {
        self.at(99)
    }

    fn at(&self, percent: usize) -> Duration {
        let place = self.0.len() * percent / 100;
        self.0.get(place).copied().unwrap_or_default()
    }
}

/// Fills a queue, sends the single messages to a domain, one after another, and says how long they waited.
pub(crate) async fn measure(blast: &Blast, to: &str) -> Result<Waits, Fault> {
    let place = tempfile::Builder::new()
        .prefix("queue")
        .tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let bound = SpoolSettings::default().large_message;
    let told = watch::channel(Condition::Works).0;
    let spool = LogSpool::open(place.path(), bound, Clock::system(), told).await?;
    let spool: Arc<dyn Spool> = Arc::new(spool);
    let outside = Arc::new(Outside::new()?);
    let (handle, inbox) = queue::channel();
    let sender = Arc::new(Sender {
        spool: Arc::clone(&spool),
        handle,
    });
    sender.send_blast(blast).await?;
    let parts = Parts {
        spool,
        replay: Arc::clone(&outside) as Arc<dyn Replay>,
        deliver: Arc::clone(&outside) as Arc<dyn Deliver>,
        reporter: Arc::clone(&outside) as Arc<dyn Reporter>,
        settings: DeliverySettings::default(),
        hostname: "edge.example".into(),
        clock: Clock::system(),
    };
    let queue = Queue::start(inbox, parts, Vec::new());
    let mut waits = Vec::with_capacity(SINGLES);
    for _ in 0..SINGLES {
        let arrived = outside.arrivals.subscribe();
        let (id, accepted) = sender.send(SINGLE, to).await?;
        waits.push(
            outside
                .arrival(id, arrived)
                .await?
                .saturating_duration_since(accepted),
        );
    }
    let left = sender.handle.level().messages;
    if blast.messages > 0 && left < blast.messages / 20 {
        return Err(format!("only {left} messages of the blast were left: it was no blast").into());
    }
    queue.shutdown(Duration::ZERO).await;
    waits.sort_unstable();
    Ok(Waits(waits))
}

/// Puts messages on stable storage and into the queue, as intake does.
struct Sender {
    spool: Arc<dyn Spool>,
    handle: QueueHandle,
}

impl Sender {
    async fn send_blast(self: &Arc<Self>, blast: &Blast) -> Result<(), Fault> {
        let mut sends = JoinSet::new();
        for number in 0..blast.messages {
            if sends.len() == AT_ONCE
                && let Some(sent) = sends.join_next().await
            {
                sent??;
            }
            let to = match blast.destinations {
                1 => ONE.to_owned(),
                many => format!("d{}.example", number % many),
            };
            let sender = Arc::clone(self);
            sends.spawn(async move { sender.send(BLASTING, &to).await.map(drop) });
        }
        while let Some(sent) = sends.join_next().await {
            sent??;
        }
        Ok(())
    }

    async fn send(&self, client: [u8; 4], to: &str) -> Result<(QueueId, Instant), Fault> {
        let message = message(client, to)?;
        let (envelope, state) = (message.envelope.clone(), message.state.clone());
        let durable: Durable<QueueId> = self.spool.commit(message).await?;
        let accepted = Clock::system().instant();
        self.handle.enqueue(durable, &envelope, &state);
        Ok((durable.get(), accepted))
    }
}

fn message(client: [u8; 4], to: &str) -> Result<Message, Fault> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let now = Clock::system().now();
    let since = now.duration_since(std::time::SystemTime::UNIX_EPOCH)?;
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let unsigned = ProfileSigning {
        profile: Default::default(),
        terms: Terms([0; 16]),
        signing: Signing::NotNeeded,
    };
    Ok(Message {
        id: QueueId::from_number((u64::try_from(since.as_millis())? << 20) + number),
        envelope: Envelope {
            source: Source::Client {
                client: Client::at(client.into()),
                helo: "client.example".into(),
            },
            reverse_path: ReversePath::Mailbox("sender@example.org".parse()?),
            recipients: vec![format!("somebody@{to}").parse()?],
            needs: Needs::default(),
            accepted: now,
        },
        trace: Vec::new(),
        content: vec![b'x'; 1024],
        body_hashes: Default::default(),
        state: MessageState {
            recipients: vec![RecipientState::Pending(None)],
            signings: std::iter::once(unsigned).collect::<Signings>(),
            attempts: 0,
            next_attempt: now,
            orders: Orders::default(),
            delay_told: None,
        },
    })
}

/// A next hop that takes every message, in its time; and a policy under which nothing is signed.
struct Outside {
    router: Arc<RouterConfig>,
    arrived: Mutex<HashMap<QueueId, Instant>>,
    arrivals: watch::Sender<()>,
}

impl Outside {
    fn new() -> Result<Self, Fault> {
        let settings = RouterSettings {
            internal_domains: vec!["inside.example".parse()?],
            internal_next_hop: Some("127.0.0.1:2525".parse()?),
            postmaster: Some("postmaster@inside.example".parse()?),
            ..RouterSettings::default()
        };
        let router = RouterConfig::load(&settings, &SigningSettings::default(), &[])?;
        Ok(Self {
            router: Arc::new(router),
            arrived: Mutex::default(),
            arrivals: watch::Sender::new(()),
        })
    }

    /// Waits until a message has reached the next hop, and says when that was.
    async fn arrival(&self, id: QueueId, mut told: watch::Receiver<()>) -> Result<Instant, Fault> {
        loop {
            if let Some(when) = self.arrived().get(&id) {
                return Ok(*when);
            }
            told.changed().await?;
        }
    }

    fn arrived(&self) -> MutexGuard<'_, HashMap<QueueId, Instant>> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deliver for Outside {
    fn deliver<'a>(
        &'a self,
        message: &'a Message,
        _: &'a [u8],
        route: &'a Route,
    ) -> Pin<Box<dyn Future<Output = Vec<Settled>> + Send + 'a>> {
        Box::pin(async move {
            if let Source::Client { client, .. } = &message.envelope.source
                && client.address == std::net::IpAddr::from(SINGLE)
            {
                let when = Clock::system().instant();
                self.arrived().insert(message.id, when);
                self.arrivals.send_replace(());
            }
            tokio::time::sleep(DELIVERY).await;
            let settled = route.recipients.iter().map(|place| Settled {
                recipient: *place,
                outcome: Outcome::Delivered(Taken {
                    remote: "mx".into(),
                    reply: "250 ok".into(),
                    tls: false,
                    took: DELIVERY,
                }),
            });
            settled.collect()
        })
    }
}

impl Replay for Outside {
    fn router(&self) -> Arc<RouterConfig> {
        Arc::clone(&self.router)
    }

    fn replay<'a>(
        &'a self,
        message: &'a Message,
    ) -> Pin<Box<dyn Future<Output = Replayed> + Send + 'a>> {
        let replayed = Replayed {
            router: Arc::clone(&self.router),
            signings: message.state.signings.clone(),
        };
        Box::pin(async move { replayed })
    }
}

impl Reporter for Outside {
    fn report<'a>(
        &'a self,
        _: Mailbox,
        _: Vec<u8>,
    ) -> Pin<Box<dyn Future<Output = Result<Durable<QueueId>, ReportError>> + Send + 'a>> {
        Box::pin(async { Err(ReportError::new("nothing fails here")) })
    }
}

/// The destination of a blast that has one.
pub(crate) const ONE: &str = "one.example";
const BLASTING: [u8; 4] = [192, 0, 2, 1];
const SINGLE: [u8; 4] = [192, 0, 2, 2];
const AT_ONCE: usize = 500;
const DELIVERY: Duration = Duration::from_millis(5);
