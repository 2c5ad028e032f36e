//! Each way in which a key can fail, in both modes: best effort sends unsigned, enforce sends a report and nothing else.

use edge_tests::client;
use edge_tests::edge::{Home, NEK_FILE, STORE_FILE};
use edge_tests::messages;
use edge_tests::setup::{PRIMARY, Setup};
use edge_tests::world::{Stage, World};
use sqlx::{Connection as _, SqliteConnection};

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";

/// A fault that lasts: its class in the log, and the words of the report.
struct Fault {
    class: &'static str,
    words: &'static str,
}

/// Sends a message under each mode in a world made by `stage`.
async fn check(fault: &Fault, stage: impl AsyncFn(&str) -> Stage) {
    best_effort_sends_unsigned(fault, stage("1").await.start().await).await;
    enforce_reports(fault, stage("2").await.start().await).await;
}

async fn best_effort_sends_unsigned(fault: &Fault, world: World) {
    let message = messages::plain(FROM, TO);
    let id = world.send(FROM, &[TO], &message).await;
    let arrived = world.partner.arrival(1).await;
    arrived.assert_unsigned();
    assert!(arrived.data.ends_with(&message), "{}", arrived.text());
    assert_logged(&world, &id, fault, "sent_unsigned").await;
}

async fn enforce_reports(fault: &Fault, world: World) {
    let id = world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
    assert_logged(&world, &id, fault, "not_sent").await;
    let report = world.report().await;
    assert_eq!(report.to(), [FROM]);
    // Lines are broken between words.
    let text = report
        .text()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    for expected in [
        fault.words,
        "multipart/report",
        "Final-Recipient: rfc822; client@partner.test",
        "Action: failed",
        "Status: 5.3.5",
        "for the domain renovations.com",
        "selector s1",
        "s1._domainkey.renovations.com",
    ] {
        assert!(text.contains(expected), "{expected}: {}", report.text());
    }
    // RFC 3464 §2.3.6: that field is for what another host said.
    assert!(!text.contains("Diagnostic-Code"), "{}", report.text());
    world.settled(&id).await;
    assert_eq!(world.partner.transcripts().len(), 0, "nothing goes outside");
}

async fn assert_logged(world: &World, id: &str, fault: &Fault, consequence: &str) {
    let fields = [
        ("queue_id", id),
        ("level", "ERROR"),
        ("class", fault.class),
        ("domain", PRIMARY),
        ("key", "s1._domainkey.renovations.com"),
        ("consequence", consequence),
    ];
    world.edge.log.event("signing_failed", &fields).await;
    let at_start = [("class", fault.class), ("key", fields[4].1)];
    world.edge.log.event("key_unusable", &at_start).await;
}

#[tokio::test]
async fn a_missing_key() {
    let fault = Fault {
        class: "key_missing",
        words: "the signing key does not exist",
    };
    check(&fault, async |mode| {
        Stage::set(Setup::keyless(mode, "s1")).await
    })
    .await;
}

#[tokio::test]
async fn a_revoked_key() {
    let fault = Fault {
        class: "key_revoked",
        words: "the signing key is revoked",
    };
    check(&fault, async |mode| {
        let stage = Stage::set(Setup::signing(mode, "s1")).await;
        let keymgmt = stage.home.keymgmt();
        keymgmt.ok(&["revoke", "DKIM", PRIMARY, "s1"]).await;
        stage
    })
    .await;
}

#[tokio::test]
async fn a_key_whose_row_was_altered() {
    let fault = Fault {
        class: "key_unreadable",
        words: "the signing key could not be read",
    };
    check(&fault, async |mode| {
        let stage = Stage::set(Setup::signing(mode, "s1")).await;
        alter(
            &stage.home,
            "UPDATE dkim_key SET created_at = created_at + 1",
        )
        .await;
        stage
    })
    .await;
}

#[tokio::test]
async fn a_key_that_was_sealed_under_another_nek() {
    let fault = Fault {
        class: "key_unreadable",
        words: "the signing key could not be read",
    };
    check(&fault, async |mode| {
        let stage = Stage::set(Setup::signing(mode, "s1")).await;
        let foreign = Stage::set(Setup::signing(mode, "s1")).await;
        // The row of another installation's store, put in the place of ours.
        let statement = format!(
            "ATTACH '{}' AS other; DELETE FROM main.dkim_key; INSERT INTO main.dkim_key SELECT * FROM other.dkim_key",
            foreign.home.data().join(STORE_FILE).display()
        );
        alter(&stage.home, &statement).await;
        stage
    })
    .await;
}

#[tokio::test]
async fn a_key_that_is_too_short() {
    let fault = Fault {
        class: "key_too_short",
        words: "the signing key is too short",
    };
    check(&fault, async |mode| {
        let setup = Setup::keyless(mode, "s1").key(PRIMARY, "s1", "RSA 1024");
        Stage::set(setup.with("signing", "rsa_minimum_bits", "2048")).await
    })
    .await;
}

#[tokio::test]
async fn of_two_keys_one_that_fails_stops_the_message_only_when_signing_is_enforced() {
    let setup = |mode: &str| {
        Setup::notes(&format!(
            "RouterDKIMSigning={mode}\nDKIM_KEY_{PRIMARY}=good,gone\n"
        ))
        .key(PRIMARY, "good", "Ed25519")
    };
    let world = World::start(setup("1")).await;
    let id = world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
    let arrived = world.partner.arrival(1).await;
    world
        .assert_signed(&arrived, &["good._domainkey.renovations.com"])
        .await;
    let consequence = world.logged(&id, "signing_failed", "consequence").await;
    assert_eq!(consequence, "sent_with_the_other_signatures");

    let world = World::start(setup("2")).await;
    let id = world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
    let report = world.report().await;
    assert!(
        report.text().contains("gone._domainkey"),
        "{}",
        report.text()
    );
    world.settled(&id).await;
    assert_eq!(world.partner.transcripts().len(), 0);
}

#[tokio::test]
async fn internal_recipients_have_their_copy_of_a_message_that_cannot_be_signed() {
    let world = World::start(Setup::keyless("2", "s1")).await;
    let message = messages::plain(FROM, TO);
    let id = world
        .send(FROM, &["bob@renovations.com", TO], &message)
        .await;
    let arrived = world.internal.arrivals(2).await;
    let (reports, copies): (Vec<_>, Vec<_>) =
        arrived.iter().partition(|arrived| arrived.from.is_empty());
    assert_eq!(copies[0].to(), ["bob@renovations.com"]);
    assert!(copies[0].data.ends_with(&message), "{}", copies[0].text());
    let report = reports[0].text();
    assert!(report.contains("Final-Recipient: rfc822; client@partner.test"));
    assert!(
        !report.contains("Final-Recipient: rfc822; bob@"),
        "{report}"
    );
    world.settled(&id).await;
    assert_eq!(world.partner.transcripts().len(), 0);
}

#[tokio::test]
async fn enforce_by_rejection_refuses_at_the_end_of_the_data() {
    let setup = Setup::keyless("2", "s1").with("signing", "enforce", "\"reject\"");
    let world = World::start(setup).await;
    let message = messages::plain(FROM, TO);
    let reply = client::submit_bytes(world.edge.address(), FROM, TO, &message).await;
    assert_eq!(reply.code, 550, "{reply:?}");
    assert!(reply.text().starts_with("5.7.0 "), "{reply:?}");
    assert!(!reply.text().contains("s1"), "{reply:?}");
    world.edge.stop().await;
    assert_eq!(world.partner.transcripts().len(), 0);
    assert_eq!(world.internal.transcripts().len(), 0, "no report either");
}

/// With `away` gone, best effort sends unsigned; enforce holds the message back and signs it when `away` is there again.
async fn what_may_come_back(class: &'static str, file: &str) {
    let stage = Stage::set(Setup::signing("1", "s1")).await;
    stage.home.take_away(file);
    let fault = Fault { class, words: "" };
    best_effort_sends_unsigned(&fault, stage.start().await).await;

    let stage = Stage::set(Setup::signing("2", "s1")).await;
    stage.home.take_away(file);
    let world = stage.start().await;
    let id = world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
    let about = [("queue_id", id.as_str()), ("class", class)];
    world.edge.log.event("signing_deferred", &about).await;
    assert_eq!(world.partner.transcripts().len(), 0);
    world.home.bring_back(file);
    let arrived = world.partner.arrival(1).await;
    world
        .assert_signed(&arrived, &["s1._domainkey.renovations.com"])
        .await;
    world.settled(&id).await;
    assert_eq!(world.internal.transcripts().len(), 0, "no report");
}

#[tokio::test]
async fn a_store_that_is_away_for_a_while() {
    what_may_come_back("store_away", STORE_FILE).await;
}

#[tokio::test]
async fn a_nek_that_is_away_for_a_while() {
    what_may_come_back("nek_away", NEK_FILE).await;
}

#[tokio::test]
async fn a_store_that_stays_away_ends_in_a_report() {
    let setup = Setup::signing("2", "s1").with("delivery", "give_up_after", "\"2s\"");
    let stage = Stage::set(setup).await;
    stage.home.take_away(STORE_FILE);
    let world = stage.start().await;
    let id = world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
    let report = world.report().await;
    assert!(report.text().contains("Status: 5.4.7"), "{}", report.text());
    assert!(
        report.text().contains("renovations.com"),
        "{}",
        report.text()
    );
    world.settled(&id).await;
    assert_eq!(world.partner.transcripts().len(), 0);
}

/// Changes the store's file behind its back.
pub(crate) async fn alter(home: &Home, statements: &str) {
    let url = format!("sqlite:{}", home.data().join(STORE_FILE).display());
    let mut store = SqliteConnection::connect(&url).await.unwrap();
    for statement in statements.split("; ") {
        sqlx::query(sqlx::AssertSqlSafe(statement.to_owned()))
            .execute(&mut store)
            .await
            .unwrap();
    }
    store.close().await.unwrap();
}
