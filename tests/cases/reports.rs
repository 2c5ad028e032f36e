//! What a non-delivery report (RFC 3464) tells, and that nothing a stranger says can be more than text in it.

use edge_tests::messages;
use edge_tests::mock_mta::{Behaviour, Step};
use edge_tests::setup::Setup;
use edge_tests::world::World;

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";

fn refusing(reply: &str) -> Behaviour {
    Behaviour {
        rcpt: Step::reply(reply),
        ..Behaviour::default()
    }
}

#[tokio::test]
async fn it_says_who_was_not_reached_and_what_the_server_answered() {
    let world = World::start(Setup::signing("2", "s1")).await;
    world.partner.behave(refusing(
        "550-5.1.1 no such person\r\n550 5.1.1 ask our desk",
    ));
    let id = world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
    let report = world.report().await;
    assert_eq!(report.to(), [FROM]);
    assert_eq!(
        report.values("From"),
        ["Mail Delivery System <postmaster@renovations.com>"]
    );
    assert_eq!(report.values("To"), [format!("<{FROM}>")]);
    assert_eq!(report.values("Auto-Submitted"), ["auto-replied"]);
    assert_eq!(
        report.values("In-Reply-To"),
        ["<kitchen@client.renovations.com>"]
    );
    let kind = &report.values("Content-Type")[0];
    assert!(kind.starts_with("multipart/report"), "{kind}");
    assert!(kind.contains("report-type=\"delivery-status\""), "{kind}");
    let text = report.text();
    for expected in [
        "Reporting-MTA: dns; edge.renovations.com\r\n",
        "Final-Recipient: rfc822; client@partner.test\r\n",
        "Action: failed\r\n",
        "Status: 5.1.1\r\n",
        "Remote-MTA: dns; mx.partner.test\r\n",
        "Diagnostic-Code: smtp; 550",
        "no such person",
        "ask our desk",
        &id,
        // The header of the message itself, and none of its body.
        "Subject: The kitchen\r\n",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(!text.contains("The kitchen is done."), "{text}");
    assert!(!world.logged(&id, "reported", "report").await.is_empty());
    world.settled(&id).await;
}

#[tokio::test]
async fn one_that_leaves_is_signed_as_any_other_mail() {
    let world = World::start(Setup::signing("2", "s1")).await;
    world.other.behave(refusing("550 5.1.1 nobody here"));
    let from = "sue@partner.test";
    world
        .send(
            from,
            &["x@other.test"],
            &messages::plain(from, "x@other.test"),
        )
        .await;
    let report = world.partner.arrival(1).await;
    assert_eq!((report.from.as_str(), report.to()), ("", vec![from]));
    world
        .assert_signed(&report, &["s1._domainkey.renovations.com"])
        .await;
}

#[tokio::test]
async fn one_that_cannot_be_signed_is_not_lost_without_a_word() {
    let world = World::start(Setup::keyless("2", "s1")).await;
    world.other.behave(refusing("550 5.1.1 nobody here"));
    let from = "sue@partner.test";
    let id = world
        .send(
            from,
            &["x@other.test"],
            &messages::plain(from, "x@other.test"),
        )
        .await;
    // It is kept and tried again, since its keys may come.
    let about = [("queue_id", id.as_str()), ("step", "store the report")];
    world.edge.log.event("round_failed", &about).await;
    let key = edge_tests::setup::Key {
        domain: edge_tests::setup::PRIMARY.into(),
        selector: "s1".into(),
        algorithm: "Ed25519".into(),
    };
    world.home.create_key(&key, &world.dns).await;
    world.edge.reload().await;
    let report = world.partner.arrival(1).await;
    world
        .assert_signed(&report, &["s1._domainkey.renovations.com"])
        .await;
    world.settled(&id).await;
}

#[tokio::test]
async fn a_report_that_cannot_be_delivered_is_not_reported() {
    let world = World::start(Setup::signing("2", "s1")).await;
    world.partner.behave(refusing("550 5.1.1 nobody here"));
    world.internal.behave(refusing("550 5.1.1 nor here"));
    let id = world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
    let report = world.logged(&id, "reported", "report").await;
    world.settled(&report).await;
    assert_eq!(world.logged(&report, "reported", "report").await, "");
}

#[tokio::test]
async fn words_of_a_hostile_server_stay_words() {
    let world = World::start(Setup::signing("2", "s1")).await;
    let long = "x".repeat(3000);
    let replies = [
        "550 5.1.1 \u{1b}[2J\u{7}\u{0}Final-Recipient: rfc822; ceo@renovations.com",
        "550-5.1.1 one\r\n550-\u{b}two\r\n550 Status: 2.0.0",
        &format!("550 5.1.1 {long}"),
        "550 \u{e9}\u{2028}\u{202e}",
    ];
    for (number, reply) in replies.iter().enumerate() {
        world.partner.behave(refusing(reply));
        let id = world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
        let about = [("queue_id", id.as_str())];
        let outcome = tokio::select! {
            event = world.edge.log.event("failed", &about) => event,
            event = world.edge.log.event("deferred", &about) => event,
        };
        let line = outcome.to_string();
        assert!(!line.contains(|c: char| c.is_control()), "{line}");
        if outcome["message"] == "failed" {
            world.settled(&id).await;
        }
        for report in world.internal.arrived() {
            let text = report.text();
            let unprintable = |c: char| !matches!(c, ' '..='~' | '\r' | '\n' | '\t');
            assert!(!text.contains(unprintable), "{number}: {text:?}");
            assert_eq!(text.matches("\r\nFinal-Recipient:").count(), 1, "{text}");
            assert_eq!(text.matches("\r\nStatus: 5.").count(), 1, "{text}");
            assert!(text.lines().all(|line| line.len() <= 998), "{text}");
        }
    }
}

#[tokio::test]
async fn a_sender_is_told_once_that_a_message_is_delayed() {
    let setup = Setup::signing("2", "s1").with("delivery", "delay_notice_after", "\"1s\"");
    let world = World::start(setup).await;
    world.partner.behave(refusing("451 4.3.0 come back later"));
    let id = world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
    let notice = world.report().await;
    assert_eq!(notice.to(), [FROM]);
    assert_eq!(notice.values("Subject"), ["Your message is delayed"]);
    let text = notice.text();
    for expected in [
        "Action: delayed\r\n",
        "Status: 4.3.0\r\n",
        "Will-Retry-Until: ",
        "Diagnostic-Code: smtp; 451 4.3.0 come back later\r\n",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(!world.logged(&id, "delay_told", "notice").await.is_empty());
    world.partner.behave(Behaviour::default());
    world.partner.arrival(1).await;
    world.settled(&id).await;
    assert_eq!(
        world.internal.arrived().len(),
        1,
        "and nothing else is told"
    );
}
