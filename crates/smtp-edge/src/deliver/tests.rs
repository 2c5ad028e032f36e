//! Delivery to a route, over hosts that take, refuse, or are not there.

use std::net::Ipv4Addr;

use router_config::ProfileName;

use super::fake::{Dns, Entry, Host, Step, greet, say, script, take};
use super::route::Audience;
use super::*;
use crate::config::DnsSettings;
use crate::dns;
use crate::envelope::Needs;
use crate::spool::sample;

/// Hosts at 127.0.0.2, 127.0.0.3 …, one for each list of scripts, all on one port.
async fn hosts(scripts: Vec<Vec<Vec<Step>>>) -> (u16, Vec<Host>) {
    let mut hosts: Vec<Host> = Vec::new();
    for (scripts, last) in scripts.into_iter().zip(2..) {
        let port = hosts.first().map_or(0, |host| host.address.port());
        let address = SocketAddr::from(([127, 0, 0, last], port));
        hosts.push(Host::play_at(address, scripts).await);
    }
    (hosts[0].address.port(), hosts)
}

fn at(last: u8) -> Entry {
    Entry::A(Ipv4Addr::new(127, 0, 0, last))
}

async fn deliver(entries: &[(&str, Entry)], mx_port: u16, hop: Hop) -> Vec<String> {
    let dns = Dns::serve(entries).await;
    let delivery = DeliverySettings {
        mx_port,
        allowed_private_networks: vec!["127.0.0.0/8".parse().unwrap()],
        ..DeliverySettings::default()
    };
    let dns = DnsSettings {
        servers: vec![dns.address],
    };
    let dns = dns::resolver(&dns).unwrap();
    let deliverer =
        Deliverer::new(&delivery, dns, "edge.renovations.com", Clock::system()).unwrap();
    let mut message = sample::message(1);
    message.envelope.needs = Needs::default();
    message.envelope.recipients = vec!["user@example.net".parse().unwrap()];
    let route = Route {
        hop,
        audience: Audience::External(ProfileName::default()),
        recipients: vec![0],
    };
    let settled = deliverer.deliver(&message, b"", &route).await;
    let shown = settled.into_iter().map(|settled| match settled.outcome {
        Outcome::Delivered(taken) => format!(
            "delivered by {}",
            taken.remote.replace(&format!(":{mx_port}"), ":PORT")
        ),
        Outcome::Later(fault) => format!("later {}", fault.status),
        Outcome::Unreachable(fault) => format!("unreachable {}", fault.status),
        Outcome::Failed(fault) => format!("failed {}", fault.status),
    });
    shown.collect()
}

fn exchangers() -> Hop {
    Hop::Exchangers("example.net".parse().unwrap())
}

fn busy() -> Vec<Vec<Step>> {
    vec![vec![say("421 4.3.2 busy\r\n")]]
}

fn takes() -> Vec<Vec<Step>> {
    vec![script(&[&greet(&[]), &take()])]
}

#[tokio::test]
async fn the_next_exchanger_takes_what_the_first_will_not() {
    let (port, hosts) = hosts(vec![busy(), takes()]).await;
    let entries = [
        ("example.net", Entry::Mx(10, "mx1.example.net")),
        ("example.net", Entry::Mx(20, "mx2.example.net")),
        ("mx1.example.net", at(2)),
        ("mx2.example.net", at(3)),
    ];
    let settled = deliver(&entries, port, exchangers()).await;
    assert_eq!(settled, ["delivered by mx2.example.net [127.0.0.3]:PORT"]);
    for host in hosts {
        host.heard().await;
    }
}

#[tokio::test]
async fn all_addresses_of_an_exchanger_are_tried() {
    let (port, hosts) = hosts(vec![busy(), busy()]).await;
    let entries = [("example.net", at(2)), ("example.net", at(3))];
    assert_eq!(
        deliver(&entries, port, exchangers()).await,
        ["unreachable 4.3.2"]
    );
    for host in hosts {
        host.heard().await; // both were asked, or this would wait for ever
    }
}

#[tokio::test]
async fn an_exchanger_that_does_not_exist_is_passed_over() {
    let (port, _hosts) = hosts(vec![takes()]).await;
    let entries = [
        ("example.net", Entry::Mx(10, "gone.example.net")),
        ("example.net", Entry::Mx(20, "mx.example.net")),
        ("mx.example.net", at(2)),
    ];
    let settled = deliver(&entries, port, exchangers()).await;
    assert_eq!(settled, ["delivered by mx.example.net [127.0.0.2]:PORT"]);
}

#[tokio::test]
async fn where_no_exchanger_can_be_found_it_matters_why() {
    let gone = ("example.net", Entry::Mx(10, "gone.example.net"));
    let broken = ("example.net", Entry::Mx(5, "broken.example.net"));
    let entries = [gone.clone(), broken, ("broken.example.net", Entry::Broken)];
    assert_eq!(
        deliver(&entries[..1], 25, exchangers()).await,
        ["failed 5.4.4"]
    );
    assert_eq!(
        deliver(&entries, 25, exchangers()).await,
        ["unreachable 4.4.3"]
    );
    assert_eq!(deliver(&[], 25, exchangers()).await, ["failed 5.1.2"]);
}

#[tokio::test]
async fn a_fixed_host_is_asked_at_its_own_port() {
    let (port, hosts) = hosts(vec![takes()]).await;
    let by_address = Hop::Host(format!("127.0.0.2:{port}").parse().unwrap());
    let settled = deliver(&[], 1, by_address).await;
    assert_eq!(settled.len(), 1);
    assert!(
        settled[0].starts_with("delivered by 127.0.0.2 ["),
        "{settled:?}"
    );
    drop(hosts);
    let (port, _hosts) = self::hosts(vec![takes()]).await;
    let by_name = Hop::Host(format!("mail.inside.example:{port}").parse().unwrap());
    let settled = deliver(&[("mail.inside.example", at(2))], 1, by_name).await;
    assert!(
        settled[0].starts_with("delivered by mail.inside.example ["),
        "{settled:?}"
    );
}
