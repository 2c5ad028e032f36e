//! Users who authenticate: added, changed and deleted by `keymgmt` while the edge runs.

use edge_tests::client::RawClient;
use edge_tests::messages;
use edge_tests::scram::ScramClient;
use edge_tests::setup::Setup;
use edge_tests::world::World;

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";
const PASSWORD: &str = "the kitchen is blue";
/// `NUL rita NUL the kitchen is blue`
const PLAIN: &str = "AUTH PLAIN AHJpdGEAdGhlIGtpdGNoZW4gaXMgYmx1ZQ==";

/// An edge that relays for users alone.
async fn world() -> World {
    let setup = Setup::signing("2", "s1").with("router", "relay_networks", "[\"192.0.2.0/24\"]");
    World::start(setup).await
}

/// What EHLO says of AUTH on a new connection, which stays open.
async fn hello(world: &World) -> (RawClient, Option<String>) {
    let mut client = RawClient::connect(world.edge.address()).await;
    let reply = client.expect("EHLO app.renovations.com", 250).await;
    let auth = reply
        .lines
        .into_iter()
        .find(|line| line.starts_with("AUTH"));
    (client, auth)
}

/// Waits until the edge has read so many users from the store.
async fn users(world: &World, count: &str, times: usize) {
    let users = [("users", count)];
    world.edge.log.nth(times, "users_swapped", &users).await;
}

#[tokio::test]
async fn a_user_sends_from_the_moment_of_being_added_to_that_of_being_deleted() {
    let world = world().await;
    let (mut client, auth) = hello(&world).await;
    assert_eq!(auth, None, "there are no users");
    client.expect(PLAIN, 502).await;

    world.home.add_user("Rita", PASSWORD).await;
    users(&world, "1", 1).await;
    let (mut client, auth) = hello(&world).await;
    assert_eq!(auth.as_deref(), Some("AUTH PLAIN LOGIN SCRAM-SHA-256"));
    client.expect(&format!("MAIL FROM:<{FROM}>"), 250).await;
    client.expect(&format!("RCPT TO:<{TO}>"), 550).await;
    client.expect("RSET", 250).await;
    client.expect(PLAIN, 235).await;
    client.expect(&format!("MAIL FROM:<{FROM}>"), 250).await;
    client.expect(&format!("RCPT TO:<{TO}>"), 250).await;
    client.expect("DATA", 354).await;
    client.write(&messages::plain(FROM, TO)).await;
    client.expect(".", 250).await;
    let arrived = world.partner.arrival(1).await;
    let received = arrived.values("Received").join(" ");
    assert!(received.contains("with ESMTPA id"), "{received}");
    let fields = [("identity", "rita"), ("mechanism", "PLAIN")];
    world.edge.log.event("authenticated", &fields).await;
    world.edge.log.event("accepted", &fields[..1]).await;

    let keymgmt = world.home.keymgmt();
    keymgmt.ok(&["user", "delete", "rita"]).await;
    users(&world, "0", 1).await;
    let (mut client, auth) = hello(&world).await;
    assert_eq!(auth, None);
    client.expect(PLAIN, 502).await;
}

#[tokio::test]
async fn each_mechanism_takes_the_right_password_and_no_other() {
    let world = world().await;
    world.home.add_user("rita", PASSWORD).await;
    users(&world, "1", 1).await;
    for (user, password, right) in [
        ("rita", PASSWORD, true),
        ("RITA", PASSWORD, true),
        ("rita", "the kitchen is red", false),
        ("nobody", PASSWORD, false),
    ] {
        let scram = ScramClient { user, password };
        let (mut client, _) = hello(&world).await;
        let first = format!("AUTH SCRAM-SHA-256 {}", scram.first());
        let challenge = client.expect(&first, 334).await;
        let (last, expected) = scram.last(challenge.text());
        if right {
            let proof = client.expect(&last, 334).await;
            assert_eq!(proof.text(), expected, "the server knows the password, too");
            client.expect("", 235).await;
        } else {
            client.expect(&last, 535).await;
        }
    }
    let (mut client, _) = hello(&world).await;
    client.expect("AUTH LOGIN cml0YQ==", 334).await;
    client.expect("dGhlIGtpdGNoZW4gaXMgcmVk", 535).await;
    client.expect("AUTH LOGIN", 334).await;
    client.expect("cml0YQ==", 334).await;
    client.expect("dGhlIGtpdGNoZW4gaXMgYmx1ZQ==", 235).await;
    let log = world.edge.stop().await.text();
    assert!(log.contains("LOGIN for rita failed"), "{log}");
    for secret in ["kitchen", "dGhlIGtp", PLAIN] {
        assert!(!log.contains(secret), "a password is in the log:\n{log}");
    }
}

#[tokio::test]
async fn a_new_password_counts_without_a_signal() {
    let world = world().await;
    world.home.add_user("rita", "the kitchen is red").await;
    users(&world, "1", 1).await;
    let (mut client, _) = hello(&world).await;
    client.expect(PLAIN, 535).await;
    world.home.set_password("rita", PASSWORD).await;
    users(&world, "1", 2).await;
    client.expect(PLAIN, 235).await; // the same connection
}
