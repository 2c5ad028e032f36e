//! Random lists of operations on a queue, on a clock of its own, against what must hold of any of them.
//!
//! What is a failure: a recipient who has neither the message nor a report once everything works again; a recipient
//! who has it twice, or has it and is reported, or is reported twice; a message that is still in the spool; an
//! external copy that leaves while its signing is deferred; a copy of a message after an order to hold or to delete it was
//! answered as done; more deliveries at once than the settings allow, at all or to one next hop. What is not: a second copy or
//! report after a restart that
//! came while the spool could not record the first.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use proptest::prelude::*;
use router_config::{Client, RouterConfig};

use super::super::filter::Filter;
use super::super::order::{Instruction, Obeyed, Order};
use super::super::*;
use super::world::router;
use crate::deliver::outcome::{Outcome, Settled, Taken, local_fault};
use crate::deliver::route::{Audience, Hop, Route};
use crate::dsn::ReportError;
use crate::envelope::{Mailbox, Source};
use crate::signing::replay::Replayed;
use crate::signing::state::{FaultClass, Signing, SigningFault};
use crate::spool::SpoolError;
use crate::spool::memory::MemorySpool;
use crate::spool::message::{Head, Message};
use crate::spool::sample::{self, for_all};

#[derive(Debug, Clone)]
enum Operation {
    /// A message of one of some clients to an internal and so many external recipients; signed at once or not.
    Accept {
        client: u8,
        external: usize,
        deferred: bool,
    },
    /// From now on deliveries wait before they end, or they do no longer.
    Slow(bool),
    /// So many seconds pass.
    Pass(u64),
    /// Next hops answer so, one after another, and then go on to accept.
    Hops(Vec<Answer>),
    /// The key store answers so, one replay after another, and then works.
    Keys(Vec<Answer>),
    /// The next reports cannot be stored.
    ReportsFail(u8),
    /// Nothing can be recorded from now on, or it can again.
    SpoolFails(bool),
    KeysChanged,
    /// An administrator's order about the message that was accepted so many before the last.
    Order(usize, Order),
    Restart,
}

#[derive(Debug, Clone, Copy)]
enum Answer {
    Yes,
    Later,
    Away,
    No,
}

fn operation() -> impl Strategy<Value = Operation> {
    let answers = || {
        proptest::collection::vec(
            prop_oneof![
                2 => Just(Answer::Yes),
                2 => Just(Answer::Later),
                3 => Just(Answer::Away),
                2 => Just(Answer::No)
            ],
            1..9,
        )
    };
    prop_oneof![
        6 => (0..3_u8, 0..6_usize, any::<bool>()).prop_map(|(client, external, deferred)| Operation::Accept { client, external, deferred }),
        2 => any::<bool>().prop_map(Operation::Slow),
        4 => (1..20_000_u64).prop_map(Operation::Pass),
        1 => (400_000..500_000_u64).prop_map(Operation::Pass),
        3 => answers().prop_map(Operation::Hops),
        2 => answers().prop_map(Operation::Keys),
        1 => (1..4_u8).prop_map(Operation::ReportsFail),
        2 => any::<bool>().prop_map(Operation::SpoolFails),
        1 => Just(Operation::KeysChanged),
        4 => (0..4_usize, order()).prop_map(|(ago, order)| Operation::Order(ago, order)),
        2 => Just(Operation::Restart),
    ]
}

fn order() -> impl Strategy<Value = Order> {
    let hop = "192.0.2.9:25".parse().unwrap();
    prop_oneof![
        3 => Just(Order::Hold),
        2 => Just(Order::Release),
        2 => Just(Order::Retry),
        1 => Just(Order::Requeue(Some(hop))),
        1 => Just(Order::Requeue(None)),
        1 => Just(Order::Expire),
        1 => Just(Order::Delete),
    ]
}

/// All that lies outside the queue, and the counts of what came to each recipient of each message.
#[derive(Default)]
struct Outside {
    spool: MemorySpool,
    hops: Mutex<VecDeque<Answer>>,
    keys: Mutex<VecDeque<Answer>>,
    reports_fail: Mutex<u8>,
    /// Copies and reports, by message and recipient.
    came: Mutex<BTreeMap<(QueueId, String), (u32, u32)>>,
    unsigned: Mutex<Vec<String>>,
    /// Deliveries wait while this holds.
    slow: watch::Sender<bool>,
    under_way: Mutex<BTreeMap<String, usize>>,
    too_many: Mutex<Vec<String>>,
}

/// A delivery under way; it ends when this is dropped.
struct UnderWay<'a> {
    outside: &'a Outside,
    hop: String,
}

impl<'a> UnderWay<'a> {
    fn begin(outside: &'a Outside, hop: &Hop) -> Self {
        let hop = hop.to_string();
        let mut under_way = outside.under_way.lock().unwrap();
        *under_way.entry(hop.clone()).or_default() += 1;
        let (there, all): (usize, usize) = (under_way[&hop], under_way.values().sum());
        if there > MOST_TO_ONE || all > MOST {
            let mut too_many = outside.too_many.lock().unwrap();
            too_many.push(format!("{there} to {hop}, {all} at all"));
        }
        drop(under_way);
        Self { outside, hop }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut under_way = self.outside.under_way.lock().unwrap();
        *under_way.get_mut(&self.hop).unwrap() -= 1;
    }
}

/// The spool and the rest are one value, shared.
struct Shared(Arc<Outside>);

impl Deliver for Shared {
    fn deliver<'a>(
        &'a self,
        message: &'a Message,
        signatures: &'a [u8],
        route: &'a Route,
    ) -> Pin<Box<dyn Future<Output = Vec<Settled>> + Send + 'a>> {
        Box::pin(async move {
            let under_way = UnderWay::begin(&self.0, &route.hop);
            let mut slow = self.0.slow.subscribe();
            slow.wait_for(|slow| !*slow).await.unwrap();
            drop(under_way);
            self.settle(message, signatures, route)
        })
    }
}

impl Shared {
    fn settle(&self, message: &Message, signatures: &[u8], route: &Route) -> Vec<Settled> {
        if route.audience != Audience::Internal && signatures != SIGNATURE {
            self.0.unsigned.lock().unwrap().push(message.id.to_string());
        }
        let mut hops = self.0.hops.lock().unwrap();
        let mut came = self.0.came.lock().unwrap();
        let settled = route.recipients.iter().map(|place| {
            let recipient = message.envelope.recipients[*place].to_string();
            let outcome = match hops.pop_front().unwrap_or(Answer::Yes) {
                Answer::Yes => {
                    came.entry((message.id, recipient)).or_default().0 += 1;
                    Outcome::Delivered(Taken {
                        remote: "mx".into(),
                        reply: "250 ok".into(),
                        tls: false,
                        took: Duration::ZERO,
                    })
                }
                Answer::Later => Outcome::Later(local_fault("4.2.1", "mailbox busy")),
                Answer::Away => {
                    Outcome::Unreachable(local_fault("4.4.1", "no host could be reached"))
                }
                Answer::No => Outcome::Failed(local_fault("5.1.1", "no")),
            };
            Settled {
                recipient: *place,
                outcome,
            }
        });
        settled.collect()
    }
}

impl Replay for Shared {
    fn router(&self) -> Arc<RouterConfig> {
        router()
    }

    fn replay<'a>(
        &'a self,
        message: &'a Message,
    ) -> Pin<Box<dyn Future<Output = Replayed> + Send + 'a>> {
        let mut signings = message.state.signings.clone();
        if signings.deferred().next().is_some() {
            let answer = self.0.keys.lock().unwrap().pop_front();
            signings = for_all(match answer.unwrap_or(Answer::Yes) {
                Answer::Yes => signed(),
                Answer::Later | Answer::Away => Signing::Deferred(fault(FaultClass::StoreAway)),
                Answer::No => Signing::Refused(fault(FaultClass::KeyMissing)),
            });
        }
        let router = router();
        Box::pin(async move { Replayed { router, signings } })
    }
}

fn fault(class: FaultClass) -> SigningFault {
    SigningFault {
        class,
        domain: None,
        key: None,
    }
}

impl Reporter for Shared {
    fn report<'a>(
        &'a self,
        _: Mailbox,
        message: Vec<u8>,
    ) -> Pin<Box<dyn Future<Output = Result<Durable<QueueId>, ReportError>> + Send + 'a>> {
        let mut fail = self.0.reports_fail.lock().unwrap();
        if *fail > 0 {
            *fail -= 1;
            return Box::pin(async { Err(ReportError::new("full")) });
        }
        let text = String::from_utf8(message).unwrap();
        if text.contains("\r\nAction: delayed\r\n") {
            let durable = self.0.spool.promise(QueueId::from_number(1));
            return Box::pin(async move { Ok(durable) });
        }
        let about = text.split("Queue id: ").nth(1).unwrap()[..13]
            .parse()
            .unwrap();
        for line in text.lines() {
            if let Some(recipient) = line.strip_prefix("Final-Recipient: rfc822; ") {
                let mut came = self.0.came.lock().unwrap();
                came.entry((about, recipient.to_owned())).or_default().1 += 1;
            }
        }
        let durable = self.0.spool.promise(QueueId::from_number(1));
        Box::pin(async move { Ok(durable) })
    }
}

/// A handle on the shared spool, as the queue takes it.
struct SharedSpool(Arc<Outside>);

impl Spool for SharedSpool {
    fn commit(&self, message: Message) -> crate::spool::SpoolFuture<'_, Durable<QueueId>> {
        self.0.spool.commit(message)
    }

    fn update(&self, id: QueueId, state: MessageState) -> crate::spool::SpoolFuture<'_, ()> {
        self.0.spool.update(id, state)
    }

    fn read(&self, id: QueueId) -> crate::spool::SpoolFuture<'_, crate::spool::message::Stored> {
        self.0.spool.read(id)
    }

    fn heads(
        &self,
        ids: Vec<QueueId>,
    ) -> crate::spool::SpoolFuture<'_, Vec<Result<Head, SpoolError>>> {
        self.0.spool.heads(ids)
    }

    fn remove(&self, id: QueueId) -> crate::spool::SpoolFuture<'_, ()> {
        self.0.spool.remove(id)
    }

    fn recover(&self) -> crate::spool::SpoolFuture<'_, crate::spool::Recovered> {
        self.0.spool.recover()
    }
}

const MOST: usize = 4;
const MOST_TO_ONE: usize = 2;
const SIGNATURE: &[u8] = b"DKIM-Signature: s\r\n";

fn signed() -> Signing {
    Signing::Done(sample::signatures(SIGNATURE))
}

struct Simulation {
    outside: Arc<Outside>,
    clock: Clock,
    handle: QueueHandle,
    queue: Option<Queue>,
    accepted: Vec<(QueueId, Vec<String>)>,
    /// Messages that are held or deleted, and how many copies had come of each by then.
    stopped: BTreeMap<QueueId, (Order, u32)>,
    /// A restart came while the spool failed: what was done and not recorded may be done again.
    repeats_excused: bool,
}

impl Simulation {
    fn new() -> Self {
        let outside = Arc::new(Outside::default());
        let clock = Clock::manual(sample::accepted());
        let (handle, queue) = start(&outside, &clock, Vec::new());
        Self {
            outside,
            clock,
            handle,
            queue: Some(queue),
            accepted: Vec::new(),
            stopped: BTreeMap::new(),
            repeats_excused: false,
        }
    }

    async fn operate(&mut self, operation: Operation) {
        match operation {
            Operation::Accept {
                client,
                external,
                deferred,
            } => self.accept(client, external, deferred).await,
            Operation::Slow(slow) => {
                self.outside.slow.send_replace(slow);
                settle().await;
            }
            Operation::Pass(seconds) => self.pass(seconds).await,
            Operation::Hops(answers) => *self.outside.hops.lock().unwrap() = answers.into(),
            Operation::Keys(answers) => *self.outside.keys.lock().unwrap() = answers.into(),
            Operation::ReportsFail(count) => *self.outside.reports_fail.lock().unwrap() = count,
            Operation::SpoolFails(fails) => {
                self.outside.spool.fails.store(fails, Ordering::Relaxed);
            }
            Operation::KeysChanged => {
                self.handle.retry_deferred_signing();
                settle().await;
            }
            Operation::Order(ago, order) => self.order(ago, order).await,
            Operation::Restart => self.restart().await,
        }
    }

    async fn order(&mut self, ago: usize, order: Order) {
        let Some((id, _)) = self.accepted.iter().rev().nth(ago) else {
            return;
        };
        let id = *id;
        // An order waits for the round of its message.
        self.outside.slow.send_replace(false);
        settle().await;
        let instruction = Arc::new(Instruction {
            order: order.clone(),
            filter: Filter::default(),
            by: 0,
            reason: "".into(),
        });
        let obeyed = self.handle.order(id, instruction).await;
        settle().await;
        match (&order, obeyed) {
            (Order::Hold | Order::Delete, Obeyed::Done) => {
                self.stopped.insert(id, (order, self.copies(id)));
            }
            (Order::Release | Order::Expire, Obeyed::Done) => drop(self.stopped.remove(&id)),
            _ => {}
        }
    }

    fn copies(&self, id: QueueId) -> u32 {
        let came = self.outside.came.lock().unwrap();
        let of_message = came.iter().filter(|((other, _), _)| *other == id);
        of_message.map(|(_, (copies, _))| copies).sum()
    }

    /// Nothing has left that is held or deleted.
    fn check_stopped(&self) -> Result<(), TestCaseError> {
        for (id, (order, copies)) in &self.stopped {
            prop_assert_eq!(self.copies(*id), *copies, "{}: {:?}", id, order);
        }
        Ok(())
    }

    async fn accept(&mut self, client: u8, external: usize, deferred: bool) {
        let mut message = sample::message(self.accepted.len() as u64);
        let names: Vec<String> = std::iter::once("in@renovations.com".to_owned())
            .chain((0..external).map(|number| format!("out{number}@host{}.example", number % 3)))
            .collect();
        message.envelope.accepted = self.clock.now();
        message.envelope.source = Source::Client {
            client: Client::at([192, 0, 2, client].into()),
            helo: "client.renovations.com".into(),
        };
        message.envelope.recipients = names.iter().map(|name| name.parse().unwrap()).collect();
        message.state = sample::fresh(names.len());
        message.state.next_attempt = self.clock.now();
        message.state.signings = for_all(if deferred {
            Signing::Deferred(fault(FaultClass::StoreAway))
        } else {
            signed()
        });
        // What could not be committed was answered 451 and is the client's.
        if let Ok(durable) = self.outside.spool.commit(message.clone()).await {
            self.handle
                .enqueue(durable, &message.envelope, &message.state);
            self.accepted.push((message.id, names));
        }
        settle().await;
    }

    async fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
        self.handle.look_at_the_clock();
        settle().await;
    }

    async fn restart(&mut self) {
        self.repeats_excused |=
            self.outside.spool.fails.load(Ordering::Relaxed) || self.unrecorded_may_wait();
        let grace = match *self.outside.slow.borrow() {
            true => Duration::ZERO, // they would not end
            false => Duration::from_secs(1),
        };
        self.queue.take().unwrap().shutdown(grace).await;
        let recovered = self.outside.spool.recover().await.unwrap();
        let (handle, queue) = start(&self.outside, &self.clock, recovered.messages);
        (self.handle, self.queue) = (handle, Some(queue));
        settle().await;
    }

    /// Whether more has happened than is on record: the record of it waits for a retry.
    fn unrecorded_may_wait(&self) -> bool {
        let messages = self.outside.spool.messages.lock().unwrap();
        let came = self.outside.came.lock().unwrap();
        messages.values().any(|message| {
            let states = message
                .envelope
                .recipients
                .iter()
                .zip(&message.state.recipients);
            states.into_iter().any(|(recipient, state)| {
                let (copies, reports) = came
                    .get(&(message.id, recipient.to_string()))
                    .copied()
                    .unwrap_or_default();
                let settled = matches!(
                    state,
                    crate::spool::message::RecipientState::Delivered
                        | crate::spool::message::RecipientState::Reported
                );
                copies + reports > 0 && !settled
            })
        })
    }

    /// Everything works again, and time passes.
    async fn end(&mut self) -> Result<(), TestCaseError> {
        self.check_stopped()?;
        self.outside.spool.fails.store(false, Ordering::Relaxed);
        for ago in 0..self.accepted.len() {
            self.order(ago, Order::Release).await;
        }
        *self.outside.reports_fail.lock().unwrap() = 0;
        self.outside.hops.lock().unwrap().clear();
        self.outside.slow.send_replace(false);
        for _ in 0..60 {
            self.pass(20_000).await;
        }
        let left: Vec<QueueId> = self
            .outside
            .spool
            .messages
            .lock()
            .unwrap()
            .keys()
            .copied()
            .collect();
        prop_assert_eq!(left, Vec::<QueueId>::new());
        self.check_stopped()?;
        prop_assert_eq!(
            &*self.outside.unsigned.lock().unwrap(),
            &Vec::<String>::new()
        );
        prop_assert_eq!(
            &*self.outside.too_many.lock().unwrap(),
            &Vec::<String>::new()
        );
        let came = self.outside.came.lock().unwrap();
        for (id, names) in &self.accepted {
            if self.stopped.contains_key(id) {
                continue; // deleted
            }
            for name in names {
                let (copies, reports) = came.get(&(*id, name.clone())).copied().unwrap_or_default();
                prop_assert!(copies + reports > 0, "{id}: {name} is lost");
                let once = copies + reports == 1;
                prop_assert!(
                    once || self.repeats_excused,
                    "{id}: {name}: {copies} copies, {reports} reports"
                );
            }
        }
        Ok(())
    }
}

fn start(
    outside: &Arc<Outside>,
    clock: &Clock,
    recovered: Vec<(QueueId, Waiting)>,
) -> (QueueHandle, Queue) {
    let (handle, inbox) = channel();
    let parts = Parts {
        spool: Arc::new(SharedSpool(Arc::clone(outside))),
        replay: Arc::new(Shared(Arc::clone(outside))),
        deliver: Arc::new(Shared(Arc::clone(outside))),
        reporter: Arc::new(Shared(Arc::clone(outside))),
        settings: DeliverySettings {
            concurrency: MOST,
            destination_concurrency: 2,
            destination_initial_concurrency: 1,
            ..DeliverySettings::default()
        },
        hostname: "edge.renovations.com".into(),
        clock: clock.clone(),
    };
    (handle, Queue::start(inbox, parts, recovered))
}

/// Lets every task run until all of them wait for time or news. Nothing here waits for anything else, so that a few
/// turns of the single-threaded runtime suffice; each round takes some tens.
async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn nobody_wakes_for_messages_that_wait_for_a_dead_destination() {
    let mut simulation = Simulation::new();
    *simulation.outside.hops.lock().unwrap() = vec![Answer::Away; 8].into();
    for client in 0..200 {
        simulation.accept(client % 3, 0, false).await;
    }
    let turns = || simulation.handle.turns.load(Ordering::Relaxed);
    let level = simulation.handle.level();
    assert_eq!((level.dead, level.under_way), (1, 0));
    assert!(level.in_line > 190, "{level:?}");
    let before = turns();
    // A turn for each message, for the end of its round and of its delivery; and as many more that nothing came of.
    assert!(before < 200 * 4, "{before}");
    settle().await;
    assert_eq!(turns(), before, "nothing has happened");
    simulation.pass(60).await;
    assert_eq!(turns(), before + 1, "it was made to look");
    simulation.outside.hops.lock().unwrap().clear();
    simulation.pass(240).await;
    settle().await;
    assert_eq!(simulation.handle.level().dead, 0);
    simulation.end().await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_recipient_has_the_message_or_a_report(operations in proptest::collection::vec(operation(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut simulation = Simulation::new();
            for operation in operations {
                simulation.operate(operation).await;
                simulation.check_stopped()?;
            }
            simulation.end().await
        })?;
    }
}
