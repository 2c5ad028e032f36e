//! The queue with a real spool, a manual clock, and imitations of signing, delivery and reporting.

mod orders;
mod simulation;

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;

use router_config::{RouterConfig, RouterSettings, SigningSettings};
use tokio::sync::{Semaphore, mpsc};

use super::*;
use crate::config::DeliverySettings;
use crate::deliver::outcome::{Outcome, Settled, Taken, local_fault};
use crate::deliver::route::{Audience, Hop, Route};
use crate::dsn::ReportError;
use crate::envelope::{Mailbox, ReversePath};
use crate::signing::replay::Replayed;
use crate::signing::state::{FaultClass, Signatures, Signing, SigningFault};
use crate::spool::file::FileSpool;
use crate::spool::message::{Fault, Head, Message, RecipientState, Stored, Waiting};
use crate::spool::sample::{self, for_all};
use crate::spool::{Recovered, SpoolError, SpoolFuture};

const FIRST: Duration = Duration::from_secs(300);
const LONG: Duration = Duration::from_secs(86_400);

fn settings() -> DeliverySettings {
    DeliverySettings {
        concurrency: 4,
        ..DeliverySettings::default()
    }
}

fn router() -> Arc<RouterConfig> {
    let settings = RouterSettings {
        internal_domains: vec!["renovations.com".parse().unwrap()],
        internal_next_hop: Some("127.0.0.1:2525".parse().unwrap()),
        postmaster: Some("postmaster@renovations.com".parse().unwrap()),
        ..RouterSettings::default()
    };
    Arc::new(RouterConfig::load(&settings, &SigningSettings::default(), &[]).unwrap())
}

/// Everything round the queue. What happens is said on `events`, so that a test waits for it and for nothing else.
struct World {
    clock: Clock,
    spool: Arc<TestSpool>,
    handle: QueueHandle,
    queue: Option<Queue>,
    outside: Arc<Outside>,
    events: mpsc::UnboundedReceiver<String>,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
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

    fn start(&self, inbox: Inbox, recovered: Vec<(QueueId, Waiting)>) -> Queue {
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
    async fn restart(&mut self) {
        self.queue.take().unwrap().shutdown(Duration::ZERO).await;
        let (handle, inbox) = channel();
        self.handle = handle;
        let recovered = self.spool.recover().await.unwrap();
        self.queue = Some(self.start(inbox, recovered.messages));
    }

    async fn accept(&self, message: &Message) -> QueueId {
        let durable = self.spool.files.commit(message.clone()).await.unwrap();
        self.handle
            .enqueue(durable, &message.envelope, &message.state);
        durable.get()
    }

    fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.handle.look_at_the_clock();
    }

    /// The events in order, up to the end of a round; `spool` lines that are not asked for are left out.
    async fn expect(&mut self, expected: &[&str]) {
        let mut seen = Vec::new();
        while seen.len() < expected.len() {
            seen.push(self.events.recv().await.unwrap());
        }
        assert_eq!(seen, expected);
    }

    /// So many of each event, and no other.
    async fn expect_in_any_order(&mut self, expected: &[(&str, usize)]) {
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

    fn nothing_more(&mut self) {
        assert!(self.events.try_recv().is_err());
    }

    fn next_outcomes(&self, outcomes: impl IntoIterator<Item = Outcome>) {
        self.outside.outcomes.lock().unwrap().extend(outcomes);
    }

    async fn state(&self, id: QueueId) -> MessageState {
        self.spool.files.read(id).await.unwrap().message.state
    }
}

/// The file spool; updates can be made to fail, and removals and ends of rounds are events.
struct TestSpool {
    files: FileSpool,
    updates_fail: Mutex<bool>,
    says: mpsc::UnboundedSender<String>,
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
struct Outside {
    outcomes: Mutex<VecDeque<Outcome>>,
    signing: Mutex<VecDeque<Signing>>,
    reports: Mutex<Vec<Vec<u8>>>,
    /// A delivery takes one permit for ever.
    gate: Semaphore,
    says: mpsc::UnboundedSender<String>,
    spool: Arc<TestSpool>,
}

impl Outside {
    fn say(&self, event: impl Into<String>) {
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

fn message(recipients: &[&str]) -> Message {
    let mut message = sample::message(1);
    message.envelope.recipients = recipients
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
    message.state = sample::fresh(recipients.len());
    message
}

fn delivered() -> Outcome {
    Outcome::Delivered(Taken {
        remote: "mx".into(),
        reply: "250 ok".into(),
        tls: false,
        took: Duration::ZERO,
    })
}

fn later() -> Outcome {
    Outcome::Later(local_fault("4.4.1", "no host could be reached"))
}

fn unreachable() -> Outcome {
    Outcome::Unreachable(local_fault("4.4.1", "no host could be reached"))
}

fn failed() -> Outcome {
    Outcome::Failed(local_fault("5.1.2", "no such domain"))
}

fn signed() -> Signing {
    Signing::Done(sample::signatures(b"DKIM-Signature: s\r\n"))
}

fn signing_fault(class: FaultClass) -> SigningFault {
    SigningFault {
        class,
        domain: Some("renovations.com".parse().unwrap()),
        key: Some("12345._domainkey.renovations.com".parse().unwrap()),
    }
}

fn fault(state: &RecipientState) -> &Fault {
    match state {
        RecipientState::Pending(Some(fault)) | RecipientState::Failed(fault) => fault,
        other => panic!("no fault in {other:?}"),
    }
}

#[tokio::test]
async fn a_delivered_message_is_removed() {
    let mut world = World::new().await;
    world.accept(&message(&["a@example.net"])).await;
    world
        .expect(&["attempt a@example.net \"\"", "removed"])
        .await;
}

#[tokio::test]
async fn rounds_follow_the_schedule_until_one_succeeds() {
    let mut world = World::new().await;
    world.next_outcomes([later(), later()]);
    let id = world.accept(&message(&["a@example.net"])).await;
    world
        .expect(&["attempt a@example.net \"\"", "round 1, next at 300"])
        .await;
    assert_eq!(
        &*fault(&world.state(id).await.recipients[0]).status,
        "4.4.1"
    );
    world.pass(FIRST - Duration::from_secs(1));
    world.nothing_more();
    world.pass(Duration::from_secs(1));
    world
        .expect(&["attempt a@example.net \"\"", "round 2, next at 900"])
        .await;
    world.pass(FIRST * 2);
    world
        .expect(&["attempt a@example.net \"\"", "removed"])
        .await;
}

#[tokio::test]
async fn a_failed_recipient_is_reported_and_the_others_go_on() {
    let mut world = World::new().await;
    world.next_outcomes([failed(), later()]);
    let id = world
        .accept(&message(&["a@example.net", "b@example.net"]))
        .await;
    world
        .expect(&[
            "attempt a@example.net b@example.net \"\"",
            "round 0, next at 0", // the failure is on record before it is reported
            "report to samantha@renovations.com, 1 failed",
            "round 1, next at 300",
        ])
        .await;
    assert_eq!(
        world.state(id).await.recipients[0],
        RecipientState::Reported
    );
    world.pass(FIRST);
    world
        .expect(&["attempt b@example.net \"\"", "removed"])
        .await;
}

#[tokio::test]
async fn all_failures_of_a_round_are_one_report() {
    let mut world = World::new().await;
    world.next_outcomes([failed(), failed(), failed()]);
    world
        .accept(&message(&[
            "a@example.net",
            "b@example.net",
            "c@example.net",
        ]))
        .await;
    let expected = [
        "attempt a@example.net b@example.net c@example.net \"\"",
        "round 0, next at 0",
        "report to samantha@renovations.com, 3 failed",
        "removed",
    ];
    world.expect(&expected).await;
}

#[tokio::test]
async fn nobody_is_told_of_a_failed_message_from_nobody() {
    let mut world = World::new().await;
    world.next_outcomes([failed()]);
    let mut message = message(&["a@example.net"]);
    message.envelope.reverse_path = ReversePath::Null;
    world.accept(&message).await;
    world
        .expect(&["attempt a@example.net \"\"", "removed"])
        .await;
}

#[tokio::test]
async fn a_report_that_cannot_be_stored_is_tried_again() {
    let mut world = World::new().await;
    world.outside.reports.lock().unwrap().resize(10, Vec::new());
    world.next_outcomes([failed()]);
    let id = world.accept(&message(&["a@example.net"])).await;
    let expected = [
        "attempt a@example.net \"\"",
        "round 0, next at 0",
        "report refused",
        "round 1, next at 300",
    ];
    world.expect(&expected).await;
    assert!(matches!(
        world.state(id).await.recipients[0],
        RecipientState::Failed(_)
    ));
    world.outside.reports.lock().unwrap().clear();
    world.pass(FIRST);
    let expected = ["report to samantha@renovations.com, 1 failed", "removed"];
    world.expect(&expected).await;
}

#[tokio::test]
async fn what_cannot_be_delivered_in_time_is_given_up() {
    let mut world = World::new().await;
    world.next_outcomes([later(), later()]);
    let id = world.accept(&message(&["a@example.net"])).await;
    world
        .expect(&["attempt a@example.net \"\"", "round 1, next at 300"])
        .await;
    world.pass(LONG * 5);
    // There is one last attempt; only then is it given up.
    world
        .expect(&["attempt a@example.net \"\"", "round 1, next at 300"])
        .await;
    world
        .expect(&["report to samantha@renovations.com, 1 failed", "removed"])
        .await;
    let report = String::from_utf8(world.outside.reports.lock().unwrap()[0].clone()).unwrap();
    assert!(report.contains("Status: 5.4.7\r\n"), "{report}");
    assert!(world.spool.files.read(id).await.is_err());
}

#[tokio::test]
async fn internal_copies_do_not_wait_for_signing() {
    let mut world = World::new().await;
    let mut message = message(&["in@renovations.com", "out@example.net"]);
    message.state.signings = for_all(Signing::Deferred(signing_fault(FaultClass::StoreAway)));
    let deferred = Signing::Deferred(signing_fault(FaultClass::StoreAway));
    world.outside.signing.lock().unwrap().push_back(deferred);
    let id = world.accept(&message).await;
    let expected = [
        "sign",
        "attempt in@renovations.com unsigned",
        "round 1, next at 300",
    ];
    world.expect(&expected).await;
    let expected = [RecipientState::Delivered, RecipientState::Pending(None)];
    assert_eq!(world.state(id).await.recipients, expected);

    // Keys have changed: the external copy does not wait for its time, and is signed.
    world.handle.retry_deferred_signing();
    let expected = [
        "sign",
        "attempt out@example.net \"DKIM-Signature: s\\r\\n\"",
        "removed",
    ];
    world.expect(&expected).await;
}

#[tokio::test]
async fn refused_signing_is_reported_with_its_reason() {
    let mut world = World::new().await;
    let mut message = message(&["in@renovations.com", "out@example.net"]);
    message.state.signings = for_all(Signing::Refused(signing_fault(FaultClass::KeyRevoked)));
    world.accept(&message).await;
    let expected = [
        "attempt in@renovations.com unsigned",
        "round 0, next at 0",
        "report to samantha@renovations.com, 1 failed",
        "removed",
    ];
    world.expect(&expected).await;
    let report = String::from_utf8(world.outside.reports.lock().unwrap()[0].clone()).unwrap();
    assert!(
        report.contains(
            "Final-Recipient: rfc822; out@example.net\r\nAction: failed\r\nStatus: 5.3.5\r\n"
        ),
        "{report}"
    );
    assert!(!report.contains("Diagnostic-Code"), "{report}");
    let words = report
        .replace("=\r\n", "")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        words.contains("the signing key is revoked (selector 12345, key"),
        "{report}"
    );
    assert!(words.contains("for the domain renovations.com"), "{report}");
}

#[tokio::test]
async fn deferred_signing_that_ends_in_a_refusal_is_reported() {
    let mut world = World::new().await;
    let mut message = message(&["out@example.net"]);
    message.state.signings = for_all(Signing::Deferred(signing_fault(FaultClass::NekAway)));
    let refused = Signing::Refused(signing_fault(FaultClass::KeyMissing));
    world.outside.signing.lock().unwrap().push_back(refused);
    world.accept(&message).await;
    let expected = [
        "sign",
        "round 0, next at 0",
        "report to samantha@renovations.com, 1 failed",
        "removed",
    ];
    world.expect(&expected).await;
}

#[tokio::test]
async fn deferred_signing_that_outlives_the_queue_is_reported() {
    let mut world = World::new().await;
    let mut message = message(&["out@example.net"]);
    message.state.signings = for_all(Signing::Deferred(signing_fault(FaultClass::StoreAway)));
    let deferred = Signing::Deferred(signing_fault(FaultClass::StoreAway));
    world
        .outside
        .signing
        .lock()
        .unwrap()
        .extend([deferred.clone(), deferred]);
    world.accept(&message).await;
    world.expect(&["sign", "round 1, next at 300"]).await;
    world.pass(LONG * 6);
    // The last round tries once more.
    world.expect(&["sign"]).await;
    let expected = [
        "round 1, next at 300",
        "report to samantha@renovations.com, 1 failed",
        "removed",
    ];
    world.expect(&expected).await;
    let report = String::from_utf8(world.outside.reports.lock().unwrap()[0].clone()).unwrap();
    assert!(report.contains("Status: 5.4.7\r\n"), "{report}");
    let words = report
        .replace("=\r\n", "")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        words.contains("the store of signing keys could not be reached"),
        "{report}"
    );
}

#[tokio::test]
async fn best_effort_sends_without_a_signature() {
    let mut world = World::new().await;
    let mut message = message(&["out@example.net"]);
    message.state.signings = for_all(Signing::Deferred(signing_fault(FaultClass::StoreAway)));
    let unsigned = Signing::Done(Signatures::default());
    world.outside.signing.lock().unwrap().push_back(unsigned);
    world.accept(&message).await;
    world
        .expect(&["sign", "attempt out@example.net \"\"", "removed"])
        .await;
}

#[tokio::test]
async fn a_restart_goes_on_where_the_record_stands() {
    let mut world = World::new().await;
    world.next_outcomes([delivered(), later()]);
    world
        .accept(&message(&["a@example.net", "b@example.net"]))
        .await;
    world
        .expect(&[
            "attempt a@example.net b@example.net \"\"",
            "round 1, next at 300",
        ])
        .await;
    world.restart().await;
    world.nothing_more();
    world.pass(FIRST);
    world
        .expect(&["attempt b@example.net \"\"", "removed"])
        .await;
}

#[tokio::test]
async fn an_outcome_that_cannot_be_recorded_is_recorded_before_anything_else_is_done() {
    let mut world = World::new().await;
    world.next_outcomes([delivered(), later()]);
    *world.spool.updates_fail.lock().unwrap() = true;
    world
        .accept(&message(&["a@example.net", "b@example.net"]))
        .await;
    world
        .expect(&["attempt a@example.net b@example.net \"\"", "update fails"])
        .await;
    world.pass(Duration::from_secs(60));
    world.expect(&["update fails"]).await;
    *world.spool.updates_fail.lock().unwrap() = false;
    world.pass(Duration::from_secs(60));
    // `a` has the message and does not get it again.
    world
        .expect(&[
            "round 1, next at 300",
            "attempt b@example.net \"\"",
            "removed",
        ])
        .await;
}

#[tokio::test]
async fn a_slow_hop_does_not_hold_up_the_record_of_a_quick_one() {
    let mut world = World::new().await;
    world.outside.gate.forget_permits(999); // one delivery passes
    let id = world
        .accept(&message(&["a@one.example", "b@two.example"]))
        .await;
    world
        .expect(&[
            "attempt a@one.example \"\"",
            "attempt b@two.example \"\"",
            "round 0, next at 0",
        ])
        .await;
    let states = world.state(id).await.recipients;
    assert!(
        states.contains(&RecipientState::Delivered)
            && states.contains(&RecipientState::Pending(None)),
        "{states:?}"
    );
    world.outside.gate.add_permits(1);
    world.expect(&["removed"]).await;
}

#[tokio::test]
async fn no_more_attempts_run_at_once_than_the_settings_allow() {
    let mut world = World::new().await;
    world.outside.gate.forget_permits(1000);
    for number in 1..=6 {
        let mut message = message(&["a@example.net"]);
        message.id = sample::message(number).id;
        world.accept(&message).await;
    }
    world.expect(&["attempt a@example.net \"\""; 4]).await;
    tokio::task::yield_now().await;
    world.nothing_more();
    world.outside.gate.add_permits(1);
    world
        .expect(&["removed", "attempt a@example.net \"\""])
        .await;
    world.outside.gate.add_permits(10);
}

#[tokio::test]
async fn a_shutdown_lets_running_attempts_end() {
    let mut world = World::new().await;
    world.outside.gate.forget_permits(1000);
    let id = world.accept(&message(&["a@example.net"])).await;
    world.expect(&["attempt a@example.net \"\""]).await;
    let stopping = tokio::spawn(
        world
            .queue
            .take()
            .unwrap()
            .shutdown(Duration::from_secs(60)),
    );
    world.outside.gate.add_permits(1);
    stopping.await.unwrap();
    world.expect(&["removed"]).await;
    assert!(world.spool.files.read(id).await.is_err());
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_ever() {
    let mut world = World::new().await;
    world.outside.gate.forget_permits(1000);
    let id = world.accept(&message(&["a@example.net"])).await;
    world.expect(&["attempt a@example.net \"\""]).await;
    world
        .queue
        .take()
        .unwrap()
        .shutdown(Duration::from_millis(10))
        .await;
    world.nothing_more();
    assert_eq!(world.state(id).await, sample::fresh(1));
    // The next start tries again.
    world.outside.gate.add_permits(1);
    let (_, inbox) = channel();
    let recovered = world.spool.recover().await.unwrap();
    world.queue = Some(world.start(inbox, recovered.messages));
    world
        .expect(&["attempt a@example.net \"\"", "removed"])
        .await;
}

/// Rounds that fail until shortly before a notice is due: the first is under way, the others follow.
async fn fail_for_four_hours(world: &mut World) {
    let rounds = [
        (1, 0, 300),
        (2, 300, 900),
        (3, 600, 2100),
        (4, 1200, 4500),
        (5, 2400, 9300),
        (6, 4800, 18_900),
    ];
    for (number, wait, due) in rounds {
        world.pass(Duration::from_secs(wait));
        let attempt = "attempt a@example.net \"\"";
        let round = format!("round {number}, next at {due}");
        world.expect(&[attempt, &round]).await;
    }
}

#[tokio::test]
async fn a_sender_is_told_once_that_a_message_is_delayed() {
    let mut world = World::new().await;
    world.next_outcomes((0..7).map(|_| later()));
    let id = world.accept(&message(&["a@example.net"])).await;
    fail_for_four_hours(&mut world).await;
    world.pass(Duration::from_secs(14_400 - 9300 - 1));
    world.nothing_more();
    world.pass(Duration::from_secs(1));
    // That it is told is on record before it is.
    world
        .expect(&[
            "round 6, next at 18900",
            "report to samantha@renovations.com, 0 failed",
        ])
        .await;
    let notice = String::from_utf8(world.outside.reports.lock().unwrap()[0].clone()).unwrap();
    assert!(notice.contains("\r\nAction: delayed\r\nStatus: 4.4.1\r\n"));
    assert_eq!(
        world.state(id).await.delay_told,
        Some(sample::accepted() + Duration::from_secs(14_400))
    );
    let notice = QueueId::from_number(1);
    world.spool.files.remove(notice).await.unwrap();
    world.restart().await;
    world.pass(Duration::from_secs(4500));
    world
        .expect(&["attempt a@example.net \"\"", "round 7, next at 33300"])
        .await;
    world.pass(Duration::from_secs(14_400));
    world
        .expect(&["attempt a@example.net \"\"", "removed"])
        .await;
}

#[tokio::test]
async fn a_notice_that_cannot_be_stored_is_tried_again() {
    let mut world = World::new().await;
    world.next_outcomes((0..7).map(|_| later()));
    world.accept(&message(&["a@example.net"])).await;
    fail_for_four_hours(&mut world).await;
    world.outside.reports.lock().unwrap().resize(10, Vec::new());
    world.pass(Duration::from_secs(14_400 - 9300));
    world
        .expect(&[
            "round 6, next at 18900",
            "report refused",
            "round 6, next at 18900", // without it
        ])
        .await;
    world.outside.reports.lock().unwrap().clear();
    world.pass(Duration::from_secs(4500));
    world
        .expect(&[
            "attempt a@example.net \"\"",
            "round 6, next at 18900",
            "report to samantha@renovations.com, 0 failed",
            "round 7, next at 33300",
        ])
        .await;
}

#[tokio::test]
async fn nobody_is_told_of_a_delay_of_a_message_from_nobody() {
    let mut world = World::new().await;
    world.next_outcomes((0..6).map(|_| later()));
    let mut message = message(&["a@example.net"]);
    message.envelope.reverse_path = ReversePath::Null;
    world.accept(&message).await;
    fail_for_four_hours(&mut world).await;
    world.pass(Duration::from_secs(18_900 - 9300));
    world
        .expect(&["attempt a@example.net \"\"", "removed"])
        .await;
}

#[tokio::test]
async fn a_destination_that_is_not_reached_is_left_alone_for_a_while() {
    let mut world = World::new().await;
    world.next_outcomes((0..8).map(|_| unreachable()));
    for number in 1..=8 {
        let mut message = message(&["a@example.net"]);
        message.id = QueueId::from_number(message.id.number() + number);
        world.accept(&message).await;
    }
    let mut levels = world.handle.levels.clone();
    let level = *levels
        .wait_for(|level| level.messages == 8 && level.dead == 1 && level.under_way == 0)
        .await
        .unwrap();
    // A cohort of 4 has failed, and at most 3 had begun before it was known.
    assert!((1..=4).contains(&level.in_line), "{level:?}");
    let tried = 8 - level.in_line;
    let attempt = "attempt a@example.net \"\"";
    world
        .expect_in_any_order(&[(attempt, tried), ("round 1, next at 300", tried)])
        .await;
    world.outside.outcomes.lock().unwrap().clear();
    world.pass(FIRST - Duration::from_secs(1));
    world.nothing_more();
    world.pass(Duration::from_secs(1));
    world
        .expect_in_any_order(&[(attempt, 8), ("removed", 8)])
        .await;
}
