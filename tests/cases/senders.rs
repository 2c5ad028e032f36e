//! Rules for senders: what a client may sign for, and what becomes of its other mail.

use std::net::IpAddr;

use edge_tests::client::{RawClient, Reply};
use edge_tests::edge::STORE_FILE;
use edge_tests::messages;
use edge_tests::setup::{PRIMARY, Setup};
use edge_tests::tls::{self, Certificate, ClientTls};
use edge_tests::world::{Stage, World};

const FROM: &str = "rita@renovations.com";
const OTHER: &str = "hal@homerepair.example";
const TO: &str = "client@partner.test";
const KEY: &str = "s1._domainkey.renovations.com";
const OTHER_KEY: &str = "s1._domainkey.homerepair.example";

/// 127.0.0.11 may sign for renovations.com or is refused, 127.0.0.12 goes unsigned otherwise.
const RULES: &str = "[{ networks = [\"127.0.0.11\"], domains = [\"renovations.com\"] }, \
    { networks = [\"127.0.0.12\"], domains = [\"renovations.com\"], otherwise = \"unsigned\" }]";

/// Both domains have keys, and the rules hold.
fn bound() -> Setup {
    let notes =
        format!("RouterDKIMSigning=2\nDKIM_KEY_{PRIMARY}=s1\nDKIM_KEY_homerepair.example=s1\n");
    Setup::notes(&notes)
        .key(PRIMARY, "s1", "Ed25519")
        .key("homerepair.example", "s1", "Ed25519")
        .with("router", "senders", RULES)
}

/// Sends `message` from an address of this machine, and gives the reply to the end of its data.
async fn send(world: &World, address: &str, reverse_path: &str, message: &[u8]) -> Reply {
    let source: IpAddr = address.parse().unwrap();
    let mut client = RawClient::connect_from(source, world.edge.address()).await;
    client.begin_data(reverse_path, TO).await;
    client.write(message).await;
    client.write(b".\r\n").await;
    let reply = client.reply().await;
    client.expect("QUIT", 221).await;
    reply
}

#[tokio::test]
async fn a_client_signs_for_its_own_domains_and_for_no_other() {
    let world = World::start(bound()).await;
    let own = messages::plain(FROM, TO);
    let others = messages::plain(OTHER, TO);

    assert_eq!(send(&world, "127.0.0.11", FROM, &own).await.code, 250);
    let arrived = world.partner.arrival(1).await;
    world.assert_signed(&arrived, &[KEY]).await;

    // The envelope's sender is its own, and the From is not.
    let refused = send(&world, "127.0.0.11", FROM, &others).await;
    assert_eq!(refused.code, 550, "{refused:?}");
    assert!(refused.text().starts_with("5.7.1 "), "{refused:?}");
    let class = [("class", "sender_rule")];
    world.edge.log.event("signing_failed", &class).await;
    let client = [("client", "127.0.0.11")];
    world.edge.log.event("rejected", &client).await;

    // The other way round it is nobody's business.
    assert_eq!(send(&world, "127.0.0.11", OTHER, &own).await.code, 250);
    let arrived = world.partner.arrival(2).await;
    world.assert_signed(&arrived, &[KEY]).await;

    // A client that no rule names is free.
    assert_eq!(send(&world, "127.0.0.13", FROM, &others).await.code, 250);
    let arrived = world.partner.arrival(3).await;
    world.assert_signed(&arrived, &[OTHER_KEY]).await;
    assert_eq!(world.partner.arrived().len(), 3);
}

/// Hands over a message from each of the two domains on a connection that has proved who it is, and requires that the one of its
/// own is signed and the other refused.
async fn signs_for_its_own_alone(world: &World, client: &mut RawClient) {
    for (from, code) in [(FROM, 250), (OTHER, 550)] {
        client.expect(&format!("MAIL FROM:<{FROM}>"), 250).await;
        client.expect(&format!("RCPT TO:<{TO}>"), 250).await;
        client.expect("DATA", 354).await;
        client.write(&messages::plain(from, TO)).await;
        client.expect(".", code).await;
    }
    let arrived = world.partner.arrival(1).await;
    world.assert_signed(&arrived, &[KEY]).await;
    assert_eq!(world.partner.arrived().len(), 1);
    let class = [("class", "sender_rule")];
    world.edge.log.event("signing_failed", &class).await;
}

#[tokio::test]
async fn a_user_signs_for_its_own_domains_alone() {
    let rule = "[{ identities = [\"rita\"], domains = [\"renovations.com\"] }]";
    let world = World::start(bound().with("router", "senders", rule)).await;
    world.home.add_user("rita", "the kitchen is blue").await;
    let users = [("users", "1")];
    world.edge.log.event("users_swapped", &users).await;
    let mut client = RawClient::connect(world.edge.address()).await;
    client.expect("EHLO app.renovations.com", 250).await;
    // `NUL rita NUL the kitchen is blue`
    let plain = "AUTH PLAIN AHJpdGEAdGhlIGtpdGNoZW4gaXMgYmx1ZQ==";
    client.expect(plain, 235).await;
    signs_for_its_own_alone(&world, &mut client).await;
}

#[tokio::test]
async fn a_certificate_signs_for_its_own_domains_alone() {
    let mut stage = Stage::set(bound()).await;
    let server = tls::configure(&mut stage.home);
    let own = Certificate::self_signed();
    let rule = format!(
        "[{{ certificates = [\"{}\"], domains = [\"renovations.com\"] }}]",
        own.fingerprint()
    );
    stage.home.change(|setup| {
        let fingerprint = format!("[\"{}\"]", own.fingerprint());
        setup
            .set("router", "senders", &rule)
            .set("router", "relay_certificates", &fingerprint);
    });
    let world = stage.start().await;
    let client = RawClient::connect(world.edge.address()).await;
    let tls = ClientTls::trusting(&server).showing(&own);
    let mut client = client.start_tls(tls).await;
    client.expect("EHLO app.renovations.com", 250).await;
    signs_for_its_own_alone(&world, &mut client).await;
}

#[tokio::test]
async fn other_mail_can_go_unsigned() {
    let setup = bound().with("message", "second_from", "\"pass\"");
    let world = World::start(setup).await;
    let two = [
        b"From: hal@homerepair.example\r\n".as_slice(),
        &messages::plain(FROM, TO),
    ]
    .concat();
    for (number, message) in [messages::plain(OTHER, TO), two].iter().enumerate() {
        let reply = send(&world, "127.0.0.12", FROM, message).await;
        assert_eq!(reply.code, 250, "{reply:?}");
        world.partner.arrival(number + 1).await.assert_unsigned();
        let id = reply.text().rsplit(' ').next().unwrap().to_owned();
        let why = world.logged(&id, "unsigned", "why").await;
        assert!(why.contains("router.senders"), "{why}");
    }
    let own = messages::plain(FROM, TO);
    assert_eq!(send(&world, "127.0.0.12", FROM, &own).await.code, 250);
    let arrived = world.partner.arrival(3).await;
    world.assert_signed(&arrived, &[KEY]).await;
}

#[tokio::test]
async fn what_waits_is_asked_again_under_the_rules_of_the_day() {
    let stage = Stage::set(bound().with("router", "senders", "[]")).await;
    stage.home.take_away(STORE_FILE);
    let mut world = stage.start().await;
    let message = messages::plain(OTHER, TO);
    for address in ["127.0.0.11", "127.0.0.12"] {
        let reply = send(&world, address, FROM, &message).await;
        assert_eq!(reply.code, 250, "{reply:?}");
        let id = reply.text().rsplit(' ').next().unwrap().to_owned();
        world.logged(&id, "signing_deferred", "class").await;
    }
    world.home.change(|setup| {
        setup.set("router", "senders", RULES);
    });
    world.edge.reload().await;
    world.partner.arrival(1).await.assert_unsigned();
    let report = world.report().await.text();
    assert!(report.contains("Status: 5.7.1"), "{report}");
    assert!(report.contains("homerepair.example"), "{report}");
    assert_eq!(world.partner.arrived().len(), 1);
}

#[tokio::test]
async fn quiet_mode_only_says_what_would_be_refused() {
    let world = World::start(bound().with("signing", "quiet", "true")).await;
    let reply = send(&world, "127.0.0.11", FROM, &messages::plain(OTHER, TO)).await;
    assert_eq!(reply.code, 250, "{reply:?}");
    world.partner.arrival(1).await.assert_unsigned();
    let id = reply.text().rsplit(' ').next().unwrap().to_owned();
    assert_eq!(world.logged(&id, "quiet", "would").await, "reject");
}
