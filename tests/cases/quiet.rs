//! Quiet mode: mail passes as if nothing was signed, and the log tells what would have become of it.

use edge_tests::admin::{self, Metrics};
use edge_tests::edge::STORE_FILE;
use edge_tests::messages;
use edge_tests::setup::{PRIMARY, Setup};
use edge_tests::world::{Stage, World};

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";

/// Sends from `from`, requires that the message passes unsigned and unchanged, and gives what would have become of it.
async fn would(world: &World, number: usize, reverse_path: &str, message: &[u8]) -> String {
    let id = world.send(reverse_path, &[TO], message).await;
    let arrived = world.partner.arrival(number).await;
    let content = &arrived.assert_unsigned().data;
    assert!(content.ends_with(message), "{}", arrived.text());
    world.settled(&id).await;
    world.logged(&id, "quiet", "would").await
}

#[tokio::test]
async fn mail_passes_unchanged_and_the_log_says_what_would_have_been() {
    let notes =
        format!("RouterDKIMSigning=2\nDKIM_KEY_{PRIMARY}=s1\nDKIM_KEY_keyless.example=s1\n");
    let setup = Setup::notes(&notes)
        .key(PRIMARY, "s1", "Ed25519")
        .with("signing", "quiet", "true")
        .with("admin", "listen", "\"127.0.0.1:0\"")
        .with("signing", "exceptions", "[{ domains = [\"strict.keyless.example\"], on_failure = { key_missing = \"reject\" } }]");
    let world = World::start(setup).await;
    let plain = |from: &str| messages::plain(from, TO);
    let check = [
        (FROM, plain(FROM), "sign"),
        (FROM, plain("x@keyless.example"), "report"),
        (FROM, plain("x@strict.keyless.example"), "reject"),
        (FROM, plain("x@elsewhere.example"), "leave_unsigned"),
        (
            FROM,
            messages::with_from("a@b.example, c@d.example", TO, "two authors\r\n"),
            "report",
        ),
        ("", plain("x@keyless.example"), "report"), // refused, were it not for quiet mode
    ];
    for (number, (reverse_path, message, expected)) in check.iter().enumerate() {
        let found = would(&world, number + 1, reverse_path, message).await;
        assert_eq!(found, *expected, "{number}");
    }
    assert_eq!(world.internal.transcripts().len(), 0, "nothing is reported");
    world.edge.log.event("settings_warning", &[]).await;
    let metrics = Metrics::read(admin::address(&world.edge).await).await;
    for would in ["sign", "report", "reject", "leave_unsigned", "defer"] {
        let expected = check.iter().filter(|(_, _, expected)| *expected == would);
        let counted = metrics.value("smtp_edge_quiet_total", &[("would", would)]);
        assert_eq!(counted, expected.count() as f64, "{would}");
    }

    let log = world.home.path().join("log.json");
    std::fs::write(&log, world.edge.log.text()).unwrap();
    let keymgmt = world.home.keymgmt();
    let sum = keymgmt
        .ok(&["report", "quiet", log.to_str().unwrap()])
        .await;
    for expected in [
        "renovations.com",
        "keyless.example",
        "key_missing:s1._domainkey.keyless.example: 2 times",
    ] {
        assert!(sum.contains(expected), "{sum}");
    }
}

#[tokio::test]
async fn best_effort_and_a_store_that_is_away() {
    for (mode, expected) in [("1", "send_unsigned"), ("2", "defer")] {
        let stage = Stage::set(Setup::signing(mode, "s1").with("signing", "quiet", "true")).await;
        stage.home.take_away(STORE_FILE);
        let world = stage.start().await;
        let message = messages::plain(FROM, TO);
        assert_eq!(would(&world, 1, FROM, &message).await, expected);
    }
}
