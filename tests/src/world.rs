//! The usual surroundings of a test: a DNS, an internal and an external mail exchanger, and an edge between them.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use crate::client;
use crate::edge::{Edge, Home};
use crate::judges;
use crate::log::{Log, field};
use crate::messages;
use crate::mock_dns::{MockDns, Zone};
use crate::mock_mta::{Arrived, Behaviour, MockMta, Step};
use crate::setup::{OTHER, PARTNER, Setup};

/// The address of the internal mail server; the external ones follow it.
const INTERNAL: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// The exchanger of [`PARTNER`].
pub const PARTNER_MX: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
/// The exchanger of [`OTHER`].
pub const OTHER_MX: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 4);

/// Everything that one test runs in.
#[derive(Debug)]
pub struct World {
    /// Who answers the edge's and the judges' questions.
    pub dns: MockDns,
    /// The organisation's own mail server: the next hop of internal domains.
    pub internal: MockMta,
    /// The exchanger of [`PARTNER`].
    pub partner: MockMta,
    /// The exchanger of [`OTHER`].
    pub other: MockMta,
    /// The edge's folder.
    pub home: Home,
    /// The edge.
    pub edge: Edge,
}

/// A world whose edge has not been started yet.
#[derive(Debug)]
pub struct Stage {
    /// See [`World`].
    pub dns: MockDns,
    /// See [`World`].
    pub internal: MockMta,
    /// See [`World`].
    pub partner: MockMta,
    /// See [`World`].
    pub other: MockMta,
    /// See [`World`].
    pub home: Home,
}

impl Stage {
    /// Starts everything but the edge.
    pub async fn set(mut setup: Setup) -> Self {
        let (internal, partner, other) = exchangers().await;
        let port = internal.address().port();
        let mut zone = Zone::new();
        zone.mx(PARTNER, 10, &format!("mx.{PARTNER}"))
            .address(&format!("mx.{PARTNER}"), PARTNER_MX);
        zone.mx(OTHER, 10, &format!("mx.{OTHER}"))
            .address(&format!("mx.{OTHER}"), OTHER_MX);
        let dns = MockDns::serve(zone).await.expect("a loopback port");
        setup
            .set(
                "router",
                "internal_next_hop",
                &format!("\"{}\"", internal.address()),
            )
            .set("delivery", "mx_port", &port.to_string());
        let home = Home::prepare(setup, &dns).await;
        Self {
            dns,
            internal,
            partner,
            other,
            home,
        }
    }

    /// Starts the edge.
    pub async fn start(self) -> World {
        let edge = self.home.start().await;
        World {
            dns: self.dns,
            internal: self.internal,
            partner: self.partner,
            other: self.other,
            home: self.home,
            edge,
        }
    }
}

impl World {
    /// Starts everything.
    pub async fn start(setup: Setup) -> Self {
        Stage::set(setup).await.start().await
    }

    /// Starts everything, and sends a message that the partner's exchanger puts off; gives its queue id.
    pub async fn start_with_mail(setup: Setup, from: &str, to: &str) -> (Self, String) {
        let world = Self::start(setup).await;
        world.partner.behave(Behaviour {
            mail: Step::reply("451 4.3.0 try later"),
            ..Behaviour::default()
        });
        let id = world.send(from, &[to], &messages::plain(from, to)).await;
        let about = [("queue_id", id.as_str())];
        world.edge.log.event("deferred", &about).await;
        (world, id)
    }

    /// Stops the edge as an administrator would.
    pub async fn stop(self) -> (Stage, Log) {
        let (stage, edge) = self.apart();
        (stage, edge.stop().await)
    }

    /// Ends the edge without warning (SIGKILL).
    pub async fn kill(self) -> (Stage, Log) {
        let (stage, edge) = self.apart();
        (stage, edge.kill().await)
    }

    fn apart(self) -> (Stage, Edge) {
        let stage = Stage {
            dns: self.dns,
            internal: self.internal,
            partner: self.partner,
            other: self.other,
            home: self.home,
        };
        (stage, self.edge)
    }

    /// Another exchanger, on the port that all of them have.
    pub async fn exchanger(&self, ip: Ipv4Addr) -> MockMta {
        let address = SocketAddr::from((ip, self.partner.address().port()));
        MockMta::listen(address, Behaviour::default())
            .await
            .expect("the port is free on another loopback address")
    }

    /// Sends a message through the edge, requires a 250, and gives the queue id.
    pub async fn send(&self, from: &str, to: &[&str], message: &[u8]) -> String {
        client::submit(self.edge.address(), from, to, message).await
    }

    /// Requires that the message carries exactly these signatures, and that each judge passes each.
    pub async fn assert_signed(&self, arrived: &Arrived, keys: &[&str]) {
        judges::assert_all_pass(self.dns.address(), &arrived.data, keys).await;
    }

    /// The same of each of several messages.
    pub async fn assert_each_signed(&self, arrived: &[Arc<Arrived>], keys: &[&str]) {
        let messages: Vec<&[u8]> = arrived.iter().map(|one| one.data.as_slice()).collect();
        judges::assert_each_passes(self.dns.address(), &messages, keys).await;
    }

    /// The first report that the internal server got.
    pub async fn report(&self) -> Arc<Arrived> {
        let report = self.internal.arrival(1).await;
        assert_eq!(report.from, "", "a report has the null sender");
        report
    }

    /// Waits until the spool has let go of the message.
    pub async fn settled(&self, queue_id: &str) {
        self.edge
            .log
            .event("removed", &[("queue_id", queue_id)])
            .await;
    }

    /// The `field` of the first `message` event about a queued message.
    pub async fn logged(&self, queue_id: &str, message: &str, name: &str) -> String {
        field(
            &self
                .edge
                .log
                .event(message, &[("queue_id", queue_id)])
                .await,
            name,
        )
    }
}

/// Exchangers on addresses of their own and on one port, since mail exchangers have no port but that of SMTP.
async fn exchangers() -> (MockMta, MockMta, MockMta) {
    for _ in 0..16 {
        let internal = MockMta::on(INTERNAL).await;
        let port = internal.address().port();
        let partner =
            MockMta::listen(SocketAddr::from((PARTNER_MX, port)), Behaviour::default()).await;
        let other = MockMta::listen(SocketAddr::from((OTHER_MX, port)), Behaviour::default()).await;
        if let (Ok(partner), Ok(other)) = (partner, other) {
            return (internal, partner, other);
        }
    }
    panic!("no port is free on three loopback addresses");
}
