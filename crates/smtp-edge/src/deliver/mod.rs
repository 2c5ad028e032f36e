//! Delivery: a message, a next hop and its recipients go in, an outcome for each recipient comes out.
//!
//! [`route`] decides which copies there are, `resolve` where the hosts of a next hop are, `attempt` tries one host,
//! [`outcome`] says what its replies mean. Nothing here knows of the spool or of retries; nothing here fails: what goes
//! wrong is an outcome.

mod attempt;
pub mod capabilities;
mod connect;
mod conversation;
mod copy;
pub mod data;
#[cfg(test)]
pub(crate) mod fake;
pub mod outcome;
pub mod reply;
mod resolve;
pub mod route;
pub mod tls_policy;
mod transaction;

use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::time::{Duration, Instant};

use hickory_resolver::TokioResolver;
use tokio_rustls::rustls;

use crate::clock::Clock;
use crate::config::DeliverySettings;
use crate::envelope::Mailbox;
use crate::spool::message::{Fault, Message};
use attempt::{Attempt, Manner, Target};
use copy::Copy;
use outcome::{Outcome, Settled, local_fault};
use resolve::Resolver;
use route::{Hop, Route};
use transaction::Ending;

/// Brings a message to one next hop.
pub trait Deliver: Send + Sync + 'static {
    /// Attempts `route` once, with all its hosts. `signatures` are the header fields that go before a copy for the
    /// outside. There is one answer for each recipient of the route.
    fn deliver<'a>(
        &'a self,
        message: &'a Message,
        signatures: &'a [u8],
        route: &'a Route,
    ) -> Pin<Box<dyn Future<Output = Vec<Settled>> + Send + 'a>>;
}

/// Delivery by SMTP.
pub struct Deliverer {
    resolver: Resolver,
    manner: Manner,
    mx_port: u16,
    clock: Clock,
}

impl Deliverer {
    /// Sets up TLS. `hostname` is the name that we give in EHLO.
    ///
    /// # Errors
    /// [`DelivererError`] when TLS cannot be set up.
    pub fn new(
        delivery: &DeliverySettings,
        dns: TokioResolver,
        hostname: &str,
        clock: Clock,
    ) -> Result<Self, DelivererError> {
        let allowed = delivery.allowed_private_networks.clone();
        Ok(Self {
            resolver: Resolver::new(dns, hostname, allowed),
            manner: Manner {
                hostname: hostname.into(),
                timeouts: Timeouts {
                    connect: delivery.connect_timeout.std(),
                    command: delivery.command_timeout.std(),
                    data: delivery.data_timeout.std(),
                },
                tls: delivery.tls,
                connector: connect::connector().map_err(DelivererError::Tls)?,
            },
            mx_port: delivery.mx_port,
            clock,
        })
    }

    async fn deliver_route(
        &self,
        message: &Message,
        signatures: &[u8],
        route: &Route,
    ) -> Vec<Settled> {
        let copy = Copy::new(message, signatures, route);
        let mut pass = Pass {
            deliverer: self,
            copy: &copy,
            started: self.clock.instant(),
            waiting: copy.recipients.clone(),
            refused: HashMap::new(),
            settled: Vec::new(),
        };
        let nowhere = match &route.hop {
            Hop::Host(host) => {
                let addresses = match host.address() {
                    Some(address) => Ok(vec![address]),
                    None => self.resolver.configured_addresses(host.host()).await,
                };
                pass.host(host.host(), host.port(), addresses).await
            }
            Hop::Exchangers(domain) => match self.resolver.exchangers(domain).await {
                Ok(names) => pass.exchangers(&names).await,
                Err(outcome) => Some(outcome),
            },
        };
        pass.finish(nowhere)
    }
}

impl Deliver for Deliverer {
    fn deliver<'a>(
        &'a self,
        message: &'a Message,
        signatures: &'a [u8],
        route: &'a Route,
    ) -> Pin<Box<dyn Future<Output = Vec<Settled>> + Send + 'a>> {
        Box::pin(self.deliver_route(message, signatures, route))
    }
}

/// Why delivery cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DelivererError {
    /// The TLS library refused its settings.
    #[error(
        "TLS for outbound connections cannot be set up: set [delivery] tls = \"off\" to go without"
    )]
    Tls(#[source] rustls::Error),
}

/// How long a host may take.
#[derive(Debug, Clone, Copy)]
struct Timeouts {
    connect: Duration,
    command: Duration,
    data: Duration,
}

/// One route on its way through its hosts. Every recipient is in `waiting` or in `settled`.
struct Pass<'a> {
    deliverer: &'a Deliverer,
    copy: &'a Copy<'a>,
    started: Instant,
    waiting: Vec<(usize, &'a Mailbox)>,
    /// What the last host said that would not serve a recipient.
    refused: HashMap<usize, Fault>,
    settled: Vec<Settled>,
}

impl Pass<'_> {
    /// Tries exchangers until nobody waits. What it gives is for those whom no host was asked for.
    async fn exchangers(&mut self, names: &[Box<str>]) -> Option<Outcome> {
        let mut nowhere = None;
        for name in names {
            if self.waiting.is_empty() {
                break;
            }
            let addresses = self.deliverer.resolver.exchanger_addresses(name).await;
            let unreachable = self.host(name, self.deliverer.mx_port, addresses).await;
            // One exchanger that may be found later outweighs any number that do not exist.
            nowhere = match (nowhere, unreachable) {
                (Some(later @ (Outcome::Later(_) | Outcome::Unreachable(_))), _) => Some(later),
                (before, None) => before,
                (_, found) => found,
            };
        }
        nowhere
    }

    /// Tries the addresses of a host until nobody waits.
    async fn host(
        &mut self,
        name: &str,
        port: u16,
        addresses: Result<Vec<IpAddr>, Outcome>,
    ) -> Option<Outcome> {
        let addresses = match addresses {
            Ok(addresses) => addresses,
            Err(outcome) => return Some(outcome),
        };
        for address in addresses {
            if self.waiting.is_empty() {
                break;
            }
            let target = Target {
                host: name.into(),
                address: SocketAddr::new(address, port),
            };
            self.attempt(&target).await;
        }
        None
    }

    async fn attempt(&mut self, target: &Target) {
        let (clock, started) = (&self.deliverer.clock, self.started);
        let took = || clock.instant().saturating_duration_since(started);
        let attempt = Attempt {
            target,
            copy: self.copy,
            recipients: &self.waiting,
            manner: &self.deliverer.manner,
            took: &took,
        };
        for (recipient, ending) in attempt.run().await {
            match ending {
                Ending::Settled(outcome) => {
                    self.waiting.retain(|(place, _)| *place != recipient);
                    self.settled.push(Settled { recipient, outcome });
                }
                Ending::NextHost(fault) => {
                    self.refused.insert(recipient, fault);
                }
            }
        }
    }

    /// Those who still wait have run out of hosts.
    fn finish(mut self, nowhere: Option<Outcome>) -> Vec<Settled> {
        for (recipient, _) in self.waiting {
            let outcome = match (self.refused.remove(&recipient), &nowhere) {
                (Some(fault), _) => Outcome::Unreachable(fault),
                (None, Some(outcome)) => outcome.clone(),
                (None, None) => {
                    Outcome::Unreachable(local_fault("4.4.1", "no host could be reached"))
                }
            };
            self.settled.push(Settled { recipient, outcome });
        }
        self.settled
    }
}

#[cfg(test)]
mod tests;
