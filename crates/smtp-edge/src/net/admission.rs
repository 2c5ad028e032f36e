//! Who may come in now: how many connections a client has, how fast it opens them and sends, and what of the memory for
//! messages it may hold.
//!
//! A client is an IPv4 address or an IPv6 network of 64 bits, since whoever has one address of it has all. Clients of the
//! networks that the settings name (`smtp.unlimited_clients`) are bounded only together with all others. What is
//! remembered of clients is bounded, too: who has gone and has nothing to wait for is forgotten, and when too many are
//! left to wait, all of those are.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use common_config::units::Rate;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use ipnet::{IpNet, Ipv6Net};
use router_config::Network;

use super::budget::{Budget, Share};
use crate::clock::Clock;

/// What one client may do.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections open at once.
    pub connections: usize,
    /// New connections.
    pub connection_rate: Option<Rate>,
    /// Messages.
    pub message_rate: Option<Rate>,
    /// Octets of messages under way, all clients together; one may hold half of them.
    pub memory: u64,
    /// Whom only the bounds over all hold for.
    pub unlimited: Vec<Network>,
}

/// Why a client has to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It has as many connections as it may have.
    Connections,
    /// It opens them too fast.
    Rate,
}

/// The book of the clients that are there, or were a moment ago.
#[derive(Debug)]
pub struct Admission {
    limits: Limits,
    clock: Clock,
    memory: Arc<Budget>,
    /// What clients without limits of their own are allowed.
    unlimited: Arc<Allowance>,
    clients: Mutex<Clients>,
}

/// Those that are there, or of whom something is remembered.
#[derive(Debug, Default)]
struct Clients {
    known: HashMap<IpNet, Client>,
    /// How many there may be before somebody has to be forgotten.
    room: usize,
}

#[derive(Debug)]
struct Client {
    open: usize,
    seen: Instant,
    allowance: Arc<Allowance>,
}

/// What is left of a client's limits.
#[derive(Debug)]
struct Allowance {
    connections: Option<Limiter>,
    messages: Option<Limiter>,
    memory: Arc<Budget>,
}

impl Admission {
    /// An empty book.
    #[must_use]
    pub fn new(limits: Limits, clock: Clock) -> Self {
        let memory = Arc::new(Budget::new(limits.memory));
        let unlimited = Arc::new(Allowance {
            connections: None,
            messages: None,
            memory: Arc::new(Budget::new(limits.memory)),
        });
        Self {
            limits,
            clock,
            memory,
            unlimited,
            clients: Mutex::default(),
        }
    }

    /// Takes a client in, until its guest is dropped.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Result<Guest, Refusal> {
        let unlimited = &self.limits.unlimited;
        if unlimited.iter().any(|network| network.contains(address)) {
            return Ok(self.guest(None, Arc::clone(&self.unlimited)));
        }
        let key = client_network(address);
        let now = self.clock.instant();
        let mut clients = self.clients();
        self.forget(&mut clients, now);
        let client = clients.known.entry(key).or_insert_with(|| Client {
            open: 0,
            seen: now,
            allowance: Arc::new(self.allowance()),
        });
        client.seen = now;
        if client.open >= self.limits.connections {
            return Err(Refusal::Connections);
        }
        if !is_within(client.allowance.connections.as_ref()) {
            return Err(Refusal::Rate);
        }
        client.open += 1;
        Ok(self.guest(Some(key), Arc::clone(&client.allowance)))
    }

    fn guest(self: &Arc<Self>, key: Option<IpNet>, allowance: Arc<Allowance>) -> Guest {
        Guest {
            admission: Arc::clone(self),
            key,
            allowance,
        }
    }

    fn leave(&self, key: IpNet) {
        let mut clients = self.clients();
        if let Some(client) = clients.known.get_mut(&key) {
            client.open -= 1;
            client.seen = self.clock.instant();
            if client.open == 0 && self.memory_span().is_zero() {
                clients.known.remove(&key);
            }
        }
    }

    /// Makes room once there are many: those go whose rates are as if they had never been here, then all that are gone.
    fn forget(&self, clients: &mut Clients, now: Instant) {
        let Clients { known, room } = clients;
        if known.len() < REMEMBERED.max(*room) {
            return;
        }
        let span = self.memory_span();
        known.retain(|_, client| client.open > 0 || now.duration_since(client.seen) < span);
        if known.len() >= REMEMBERED {
            known.retain(|_, client| client.open > 0);
        }
        // Looked through seldom enough that it costs little for each client.
        *room = 2 * known.len();
    }

    /// After so long without a connection and a message a client has its full rates again.
    fn memory_span(&self) -> Duration {
        let rates = [self.limits.connection_rate, self.limits.message_rate];
        let spans = rates.into_iter().flatten().map(|rate| rate.span().std());
        spans.max().unwrap_or_default()
    }

    fn allowance(&self) -> Allowance {
        let limiter = |rate: Rate| {
            let each = rate.span().std() / rate.count().get();
            let quota = Quota::with_period(each)?.allow_burst(rate.count());
            Some(RateLimiter::direct_with_clock(quota, self.clock.clone()))
        };
        Allowance {
            connections: self.limits.connection_rate.and_then(limiter),
            messages: self.limits.message_rate.and_then(limiter),
            memory: Arc::new(Budget::new(self.limits.memory / 2)),
        }
    }

    fn clients(&self) -> MutexGuard<'_, Clients> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_within(limiter: Option<&Limiter>) -> bool {
    limiter.is_none_or(|limiter| limiter.check().is_ok())
}

/// One address of IPv4, and all that a host of IPv6 can choose from.
fn client_network(address: IpAddr) -> IpNet {
    match address.to_canonical() {
        IpAddr::V4(address) => IpNet::from(IpAddr::V4(address)),
        IpAddr::V6(address) => IpNet::V6(Ipv6Net::new_assert(address, HOST_PREFIX).trunc()),
    }
}

/// A client that has been let in. Its place is free again when this is dropped.
#[derive(Debug)]
pub struct Guest {
    admission: Arc<Admission>,
    /// `None` for a client without limits of its own.
    key: Option<IpNet>,
    allowance: Arc<Allowance>,
}

impl Guest {
    /// Whether the client may send another message now; counts it, if so.
    #[must_use]
    pub fn may_send(&self) -> bool {
        is_within(self.allowance.messages.as_ref())
    }

    /// A share, of nothing yet, of the memory for messages.
    #[must_use]
    pub fn share(&self) -> Share {
        let all = Arc::clone(&self.admission.memory);
        Share::new(all, Arc::clone(&self.allowance.memory))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.admission.leave(key);
        }
    }
}

impl governor::clock::Clock for Clock {
    type Instant = Instant;

    fn now(&self) -> Instant {
        self.instant()
    }
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, Clock, NoOpMiddleware<Instant>>;

const HOST_PREFIX: u8 = 64;
/// Clients from which on forgetting is worth its while.
const REMEMBERED: usize = 10_000;

#[cfg(test)]
#[path = "admission_tests.rs"]
mod tests;
