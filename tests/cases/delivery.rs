//! How the next hop is found, spoken to, and what its limits mean for a message.

use std::net::Ipv4Addr;

use edge_tests::client::RawClient;
use edge_tests::messages;
use edge_tests::mock_dns::Zone;
use edge_tests::mock_mta::{Arrived, Behaviour, Extensions, StartTls, Step};
use edge_tests::setup::Setup;
use edge_tests::world::{OTHER_MX, PARTNER_MX, World};

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";
const KEY: &str = "s1._domainkey.renovations.com";

async fn world() -> World {
    World::start(Setup::signing("2", "s1")).await
}

async fn send(world: &World, to: &str) -> String {
    world.send(FROM, &[to], &messages::plain(FROM, to)).await
}

/// Sends to `to` under `zone`, and requires a report with this status and these words.
async fn reported(to: &str, zone: impl FnOnce(&mut Zone), status: &str, words: &str) {
    let world = world().await;
    world.dns.change(|records| zone(records));
    let id = send(&world, to).await;
    assert_eq!(world.logged(&id, "failed", "status").await, status);
    let report = world.report().await.text();
    assert!(report.contains(&format!("Status: {status}")), "{report}");
    let flat = report.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains(words), "{flat}");
    world.settled(&id).await;
    assert_eq!(world.partner.transcripts().len(), 0);
}

#[tokio::test]
async fn a_null_mx_is_a_refusal() {
    reported(
        "x@nomail.test",
        |zone| {
            zone.null_mx("nomail.test");
        },
        "5.1.10",
        "accepts no mail",
    )
    .await;
}

#[tokio::test]
async fn a_domain_that_does_not_exist_is_reported() {
    reported("x@nowhere.test", |_| {}, "5.1.2", "does not exist").await;
}

#[tokio::test]
async fn an_exchanger_without_an_address_is_reported() {
    reported(
        "x@lost.test",
        |zone| {
            zone.mx("lost.test", 10, "mx.lost.test");
        },
        "5.4.4",
        "mx.lost.test has no address",
    )
    .await;
}

#[tokio::test]
async fn an_exchanger_that_is_this_server_is_a_loop() {
    reported(
        "x@circle.test",
        |zone| {
            zone.mx("circle.test", 10, "edge.renovations.com");
        },
        "5.4.6",
        "loops back",
    )
    .await;
}

#[tokio::test]
async fn a_strangers_dns_leads_to_no_private_address() {
    let setup = Setup::signing("2", "s1").with("delivery", "allowed_private_networks", "[]");
    let world = World::start(setup).await;
    let id = send(&world, TO).await;
    assert_eq!(world.logged(&id, "failed", "status").await, "5.4.4");
    world.report().await;
    assert_eq!(world.partner.transcripts().len(), 0);
}

#[tokio::test]
async fn a_domain_without_exchangers_is_its_own() {
    let world = world().await;
    world.dns.change(|zone| {
        zone.address("implicit.test", OTHER_MX);
    });
    send(&world, "x@implicit.test").await;
    assert_eq!(world.other.arrival(1).await.to(), ["x@implicit.test"]);
}

#[tokio::test]
async fn an_alias_in_dns_is_followed() {
    let world = world().await;
    world.dns.change(|zone| {
        zone.cname("alias.test", "partner.test")
            .cname("loop.test", "pool.test")
            .cname("pool.test", "loop.test");
    });
    send(&world, "x@alias.test").await;
    assert_eq!(world.partner.arrival(1).await.to(), ["x@alias.test"]);
    let id = send(&world, "x@loop.test").await;
    let about = [("queue_id", id.as_str())];
    let outcome = tokio::select! {
        event = world.edge.log.event("deferred", &about) => event,
        event = world.edge.log.event("failed", &about) => event,
    };
    assert!(outcome.to_string().contains("loop.test"), "{outcome}");
}

#[tokio::test]
async fn a_dns_that_fails_is_asked_again() {
    let world = world().await;
    world.dns.change(|zone| {
        zone.fail("partner.test");
    });
    let id = send(&world, TO).await;
    assert_eq!(world.logged(&id, "deferred", "status").await, "4.4.3");
    world.dns.change(|zone| {
        zone.recover("partner.test");
    });
    world.partner.arrival(1).await;
    world.settled(&id).await;
}

#[tokio::test]
async fn exchangers_are_tried_in_their_order() {
    let world = world().await;
    let third = world.exchanger(Ipv4Addr::new(127, 0, 0, 5)).await;
    world.dns.change(|zone| {
        zone.mx("many.test", 30, "third.many.test")
            .mx("many.test", 10, "first.many.test")
            .mx("many.test", 20, "second.many.test")
            .address("first.many.test", PARTNER_MX)
            .address("second.many.test", OTHER_MX)
            .address("third.many.test", Ipv4Addr::new(127, 0, 0, 5));
    });
    send(&world, "a@many.test").await;
    world.partner.arrival(1).await;

    world.partner.behave(Behaviour {
        connect: Step::reply("421 4.3.2 not now"),
        ..Behaviour::default()
    });
    send(&world, "b@many.test").await;
    world.other.arrival(1).await;

    world.other.behave(Behaviour {
        ehlo: Step::Drop,
        ..Behaviour::default()
    });
    send(&world, "c@many.test").await;
    assert_eq!(third.arrival(1).await.to(), ["c@many.test"]);

    // A refusal of the recipient is the answer of the domain, and no reason to ask another.
    world.partner.behave(Behaviour {
        rcpt: Step::reply("550 5.1.1 nobody here"),
        ..Behaviour::default()
    });
    let id = send(&world, "d@many.test").await;
    assert_eq!(world.logged(&id, "failed", "status").await, "5.1.1");
    assert_eq!(third.arrived().len(), 1);
}

#[tokio::test]
async fn every_address_of_an_exchanger_is_tried() {
    let world = world().await;
    world.dns.change(|zone| {
        zone.mx("two.test", 10, "mx.two.test")
            .address("mx.two.test", Ipv4Addr::new(127, 0, 0, 9)) // nobody listens there
            .address("mx.two.test", OTHER_MX);
    });
    send(&world, "x@two.test").await;
    world.other.arrival(1).await;
}

#[tokio::test]
async fn a_next_hop_that_is_set_takes_the_place_of_the_exchangers() {
    let world = World::start(Setup::signing("2", "s1")).await;
    let hop = world.other.address();
    let (mut stage, _) = world.stop().await;
    stage.home.change(|setup| {
        setup.set(
            "router",
            "next_hops",
            &format!("{{ \"partner.test\" = \"{hop}\" }}"),
        );
    });
    let world = stage.start().await;
    send(&world, TO).await;
    let arrived = world.other.arrival(1).await;
    assert_eq!(arrived.to(), [TO]);
    world.assert_signed(&arrived, &[KEY]).await;
    assert_eq!(world.partner.transcripts().len(), 0);
}

/// Sends while STARTTLS behaves like this, and gives what arrived.
async fn with_starttls(
    world: &World,
    number: usize,
    starttls: Option<StartTls>,
) -> std::sync::Arc<Arrived> {
    world.partner.behave(Behaviour {
        extensions: Extensions {
            starttls,
            ..Extensions::default()
        },
        ..Behaviour::default()
    });
    send(world, TO).await;
    world.partner.arrival(number).await
}

#[tokio::test]
async fn connections_are_encrypted_where_that_works() {
    let world = world().await;
    for (number, (starttls, encrypted)) in [
        (None, false),
        (Some(StartTls::Works), true),
        (Some(StartTls::Refused), false),
        (Some(StartTls::BrokenHandshake), false),
    ]
    .into_iter()
    .enumerate()
    {
        let arrived = with_starttls(&world, number + 1, starttls).await;
        assert_eq!(arrived.tls, encrypted, "{starttls:?}");
        world.assert_signed(&arrived, &[KEY]).await;
    }
    world.edge.log.event("tls_failed", &[]).await;
    let off = World::start(Setup::signing("2", "s1").with("delivery", "tls", "\"off\"")).await;
    let arrived = with_starttls(&off, 1, Some(StartTls::Works)).await;
    assert!(!arrived.tls);
}

#[tokio::test]
async fn replies_put_before_the_handshake_are_not_believed() {
    let world = world().await;
    world.partner.behave(Behaviour {
        extensions: Extensions {
            starttls: Some(StartTls::InjectedReply),
            ..Extensions::default()
        },
        ..Behaviour::default()
    });
    let id = send(&world, TO).await;
    world.logged(&id, "deferred", "status").await;
    assert_eq!(world.partner.arrived().len(), 0);
    world.partner.behave(Behaviour::default());
    world.partner.arrival(1).await;
}

fn lacking(lack: impl FnOnce(&mut Extensions)) -> Behaviour {
    let mut extensions = Extensions::default();
    lack(&mut extensions);
    Behaviour {
        extensions,
        ..Behaviour::default()
    }
}

#[tokio::test]
async fn eight_bit_text_for_a_hop_without_8bitmime_is_reported() {
    let setup = Setup::signing("2", "s1").with("message", "eight_bit", "\"pass\"");
    let world = World::start(setup).await;
    world
        .partner
        .behave(lacking(|extensions| extensions.eight_bit_mime = false));
    let id = world
        .send(FROM, &[TO], &messages::eight_bit(FROM, TO))
        .await;
    assert_eq!(world.logged(&id, "failed", "status").await, "5.6.3");
    let report = world.report().await.text();
    assert!(report.contains("Status: 5.6.3"), "{report}");
    send(&world, TO).await;
    world.partner.arrival(1).await;
}

#[tokio::test]
async fn international_addresses_for_a_hop_without_smtputf8_are_reported() {
    let world = world().await;
    let to = "k\u{fc}che@partner.test";
    let submit = async || {
        let mut client = RawClient::connect(world.edge.address()).await;
        client.expect("EHLO c.renovations.com", 250).await;
        client
            .expect(&format!("MAIL FROM:<{FROM}> SMTPUTF8 BODY=8BITMIME"), 250)
            .await;
        client.expect(&format!("RCPT TO:<{to}>"), 250).await;
        client.expect("DATA", 354).await;
        client
            .write(&[&messages::plain(FROM, to)[..], b".\r\n"].concat())
            .await;
        let reply = client.reply().await;
        assert_eq!(reply.code, 250, "{reply:?}");
    };
    submit().await;
    let arrived = world.partner.arrival(1).await;
    assert_eq!(arrived.to(), [to]);
    assert!(
        arrived.parameters.iter().any(|word| word == "SMTPUTF8"),
        "{:?}",
        arrived.parameters
    );
    world.assert_signed(&arrived, &[KEY]).await;

    world
        .partner
        .behave(lacking(|extensions| extensions.smtputf8 = false));
    submit().await;
    let report = world.report().await.text();
    assert!(report.contains("Status: 5.6.7"), "{report}");
    assert!(
        report.contains("utf-8; k\\x{FC}che@partner.test"),
        "{report}"
    );
}

#[tokio::test]
async fn a_message_that_is_larger_than_the_hop_takes_is_reported() {
    let world = world().await;
    world
        .partner
        .behave(lacking(|extensions| extensions.size = Some(1000)));
    let message = messages::with_from(FROM, TO, &"a line of text\r\n".repeat(100));
    let id = world.send(FROM, &[TO], &message).await;
    assert_eq!(world.logged(&id, "failed", "status").await, "5.3.4");
    world.report().await;
}

#[tokio::test]
async fn an_exchanger_that_knows_helo_only_is_served() {
    let world = world().await;
    world
        .partner
        .behave(lacking(|extensions| extensions.ehlo = false));
    send(&world, TO).await;
    let arrived = world.partner.arrival(1).await;
    assert_eq!(arrived.parameters, [""; 0]);
    world.assert_signed(&arrived, &[KEY]).await;
    world
        .partner
        .behave(lacking(|extensions| extensions.pipelining = false));
    send(&world, TO).await;
    world.partner.arrival(2).await;
}
