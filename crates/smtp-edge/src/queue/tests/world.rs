//! The queue's surroundings in its tests: a real spool, a manual clock, and imitations of signing, delivery and reporting.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;

use router_config::{RouterConfig, RouterSettings, SigningSettings};
use tokio::sync::{Semaphore, mpsc};

use super::super::*;
use crate::config::DeliverySettings;
use crate::deliver::outcome::{Outcome, Settled, Taken, local_fault};
use crate::deliver::route::{Audience, Hop, Route};
use crate::dsn::ReportError;
use crate::envelope::Mailbox;
use crate::signing::replay::Replayed;
use crate::signing::state::{FaultClass, Signing, SigningFault};
use crate::spool::file::FileSpool;
use crate::spool::message::{Fault, Head, Message, RecipientState, Stored, Waiting};
use crate::spool::sample::{self, for_all};
use crate::spool::{Recovered, SpoolError, SpoolFuture};

pub(super) const FIRST: Duration = Duration::from_secs(300);
pub(super) const LONG: Duration = Duration::from_secs(86_400);

pub(super) fn settings() -> DeliverySettings {
    DeliverySettings {
        concurrency: 4,
        ..DeliverySettings::default()
    }
}

pub(super) fn router() -> Arc<RouterConfig> {
    let settings = RouterSettings {
        internal_domains: vec!["renovations.com".parse().unwrap()],
        internal_next_hop: Some("127.0.0.1:2525".parse().unwrap()),
        postmaster: Some("postmaster@renovations.com".parse().unwrap()),
        ..RouterSettings::default()
    };
    Arc::new(RouterConfig::load(&settings, &SigningSettings::default(), &[]).unwrap())
}

/// Everything round the queue. What happens is said on `events`, so that a test waits for it and for nothing else.
pub(super) struct World {
    pub(super) clock: Clock,
    pub(super) spool: Arc<TestSpool>,
    pub(super) handle: QueueHandle,
    pub(super) queue: Option<Queue>,
    pub(super) outside: Arc<Outside>,
    pub(super) events: mpsc::UnboundedReceiver<String>,
    pub(super) _folder: tempfile::TempDir,
}

impl World {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (says, events) = mpsc::unbounded_channel();
        let clock = Clock::manual(sample::accepted());
        let (handle, inbox) = channel();
        let spool = Arc::new(TestSpool {
            files: FileSpool::open(folder.path()).await.unwrap(),
            updates_fail: Mutex::new(false),
            says: says.clone(),
        });
        let outside = Arc::new(Outside {
            outcomes: Mutex::default(),
            signing: Mutex::default(),
            reports: Mutex::default(),
            gate: Semaphore::new(1000),
            says,
            spool: Arc::clone(&spool),
        });
        let mut world = Self {
            clock,
            spool,
            handle,
            queue: None,
            outside,
            events,
            _folder: folder,
        };
        world.queue = Some(world.start(inbox, Vec::new()));
        world
    }

    pub(super) fn start(&self, inbox: Inbox, recovered: Vec<(QueueId, Waiting)>) -> Queue {
        let parts = Parts {
            spool: Arc::clone(&self.spool) as Arc<dyn Spool>,
            replay: Arc::clone(&self.outside) as Arc<dyn Replay>,
            deliver: Arc::clone(&self.outside) as Arc<dyn Deliver>,
            reporter: Arc::clone(&self.outside) as Arc<dyn Reporter>,
            settings: settings(),
            hostname: "edge.renovations.com".into(),
            clock: self.clock.clone(),
        };
        Queue::start(inbox, parts, recovered)
    }

    /// Stops the queue and starts another on the same spool.
    pub(super) async fn restart(&mut self) {
        self.queue.take().unwrap().shutdown(Duration::ZERO).await;
        let (handle, inbox) = channel();
        self.handle = handle;
        let recovered = self.spool.recover().await.unwrap();
        self.queue = Some(self.start(inbox, recovered.messages));
    }

    pub(super) async fn accept(&self, message: &Message) -> QueueId {
        let durable = self.spool.files.commit(message.clone()).await.unwrap();
        self.handle
            .enqueue(durable, &message.envelope, &message.state);
        durable.get()
    }

    pub(super) fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.handle.look_at_the_clock();
    }

    /// The events in order, up to the end of a round; `spool` lines that are not asked for are left out.
    pub(super) async fn expect(&mut self, expected: &[&str]) {
        let mut seen = Vec::new();
        while seen.len() < expected.len() {
            seen.push(self.events.recv().await.unwrap());
        }
        assert_eq!(seen, expected);
    }

    /// So many of each event, and no other.
    pub(super) async fn expect_in_any_order(&mut self, expected: &[(&str, usize)]) {
        let mut left: HashMap<&str, usize> = expected.iter().copied().collect();
        while left.values().any(|count| *count > 0) {
            let event = self.events.recv().await.unwrap();
            let count = left.get_mut(event.as_str());
            let count = count.unwrap_or_else(|| panic!("{event} is not expected"));
            *count = count
                .checked_sub(1)
                .unwrap_or_else(|| panic!("{event} too often"));
        }
    }

    pub(super) fn nothing_more(&mut self) {
        assert!(self.events.try_recv().is_err());
    }

    pub(super) fn next_outcomes(&self, outcomes: impl IntoIterator<Item = Outcome>) {
        self.outside.outcomes.lock().unwrap().extend(outcomes);
    }

    pub(super) async fn state(&self, id: QueueId) -> MessageState {
        self.spool.files.read(id).await.unwrap().message.state
    }
}

/// The file spool; updates can be made to fail, and removals and ends of rounds are events.
pub(super) struct TestSpool {
    pub(super) files: FileSpool,
    pub(super) updates_fail: Mutex<bool>,
    pub(super) says: mpsc::UnboundedSender<String>,
}

impl Spool for TestSpool {
    fn commit(&self, message: Message) -> SpoolFuture<'_, Durable<QueueId>> {
        self.files.commit(message)
    }

    fn update(&self, id: QueueId, state: MessageState) -> SpoolFuture<'_, ()> {
        if *self.updates_fail.lock().unwrap() {
            let _ = self.says.send("update fails".to_owned());
            return Box::pin(async move { Err(SpoolError::NotFound { id }) });
        }
        Box::pin(async move {
            let rounds = state.attempts;
            let due = state
                .next_attempt
                .duration_since(sample::accepted())
                .unwrap()
                .as_secs();
            self.files.update(id, state).await?;
            let _ = self.says.send(format!("round {rounds}, next at {due}"));
            Ok(())
        })
    }

    fn read(&self, id: QueueId) -> SpoolFuture<'_, Stored> {
        self.files.read(id)
    }

    fn heads(&self, ids: Vec<QueueId>) -> SpoolFuture<'_, Vec<Result<Head, SpoolError>>> {
        self.files.heads(ids)
    }

    fn remove(&self, id: QueueId) -> SpoolFuture<'_, ()> {
        Box::pin(async move {
            self.files.remove(id).await?;
            let _ = self.says.send("removed".to_owned());
            Ok(())
        })
    }

    fn recover(&self) -> SpoolFuture<'_, Recovered> {
        self.files.recover()
    }
}

/// Signing, delivery and reporting. Lists of answers run out into success.
pub(super) struct Outside {
    pub(super) outcomes: Mutex<VecDeque<Outcome>>,
    pub(super) signing: Mutex<VecDeque<Signing>>,
    pub(super) reports: Mutex<Vec<Vec<u8>>>,
    /// A delivery takes one permit for ever.
    pub(super) gate: Semaphore,
    pub(super) says: mpsc::UnboundedSender<String>,
    pub(super) spool: Arc<TestSpool>,
}

impl Outside {
    pub(super) fn say(&self, event: impl Into<String>) {
        let _ = self.says.send(event.into());
    }
}

impl Deliver for Outside {
    fn deliver<'a>(
        &'a self,
        message: &'a Message,
        signatures: &'a [u8],
        route: &'a Route,
    ) -> Pin<Box<dyn Future<Output = Vec<Settled>> + Send + 'a>> {
        Box::pin(async move {
            let names = route
                .recipients
                .iter()
                .map(|place| message.envelope.recipients[*place].to_string());
            let names = names.collect::<Vec<_>>().join(" ");
            let signed = match route.audience {
                Audience::Internal => "unsigned".to_owned(),
                Audience::External(_) => format!("{:?}", String::from_utf8_lossy(signatures)),
            };
            let fixed = match (&route.hop, &route.audience) {
                (Hop::Host(host), Audience::External(_)) => format!(" to {host}"),
                (Hop::Host(_) | Hop::Exchangers(_), _) => String::new(),
            };
            self.say(format!("attempt {names} {signed}{fixed}"));
            self.gate.acquire().await.unwrap().forget();
            let mut outcomes = self.outcomes.lock().unwrap();
            let mut settled = Vec::new();
            for recipient in &route.recipients {
                let outcome = outcomes.pop_front().unwrap_or_else(delivered);
                settled.push(Settled {
                    recipient: *recipient,
                    outcome,
                });
            }
            settled
        })
    }
}

impl Replay for Outside {
    fn router(&self) -> Arc<RouterConfig> {
        router()
    }

    fn replay<'a>(
        &'a self,
        message: &'a Message,
    ) -> Pin<Box<dyn Future<Output = Replayed> + Send + 'a>> {
        let mut signings = message.state.signings.clone();
        if signings.deferred().next().is_some() {
            self.say("sign");
            let next = self.signing.lock().unwrap().pop_front();
            signings = for_all(next.unwrap_or_else(signed));
        }
        let router = router();
        Box::pin(async move { Replayed { router, signings } })
    }
}

impl Reporter for Outside {
    fn report<'a>(
        &'a self,
        to: Mailbox,
        message: Vec<u8>,
    ) -> Pin<Box<dyn Future<Output = Result<Durable<QueueId>, ReportError>> + Send + 'a>> {
        Box::pin(async move {
            let text = String::from_utf8(message.clone()).unwrap();
            if self.reports.lock().unwrap().len() >= 10 {
                self.say("report refused");
                return Err(ReportError::new("full"));
            }
            self.reports.lock().unwrap().push(message);
            // The report itself is not queued here: only that it is on stable storage matters.
            let mut report = sample::message(1_000);
            report.id = QueueId::from_number(1);
            let durable = self
                .spool
                .files
                .commit(report)
                .await
                .map_err(ReportError::new)?;
            self.say(format!(
                "report to {to}, {} failed",
                text.matches("Action: failed").count()
            ));
            Ok(durable)
        })
    }
}

pub(super) fn message(recipients: &[&str]) -> Message {
    let mut message = sample::message(1);
    message.envelope.recipients = recipients
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
    message.state = sample::fresh(recipients.len());
    message
}

pub(super) fn delivered() -> Outcome {
    Outcome::Delivered(Taken {
        remote: "mx".into(),
        reply: "250 ok".into(),
        tls: false,
        took: Duration::ZERO,
    })
}

pub(super) fn later() -> Outcome {
    Outcome::Later(local_fault("4.4.1", "no host could be reached"))
}

pub(super) fn unreachable() -> Outcome {
    Outcome::Unreachable(local_fault("4.4.1", "no host could be reached"))
}

pub(super) fn failed() -> Outcome {
    Outcome::Failed(local_fault("5.1.2", "no such domain"))
}

pub(super) fn signed() -> Signing {
    Signing::Done(sample::signatures(b"DKIM-Signature: s\r\n"))
}

pub(super) fn signing_fault(class: FaultClass) -> SigningFault {
    SigningFault {
        class,
        domain: Some("renovations.com".parse().unwrap()),
        key: Some("12345._domainkey.renovations.com".parse().unwrap()),
    }
}

pub(super) fn fault(state: &RecipientState) -> &Fault {
    match state {
        RecipientState::Pending(Some(fault)) | RecipientState::Failed(fault) => fault,
        other => panic!("no fault in {other:?}"),
    }
}
