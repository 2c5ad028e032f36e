//! That the judges judge: what was altered is refused by each, and the one exception is a fault of its judge alone.

use edge_tests::judges::{self, Judge};
use edge_tests::messages;
use edge_tests::setup::{PRIMARY, Setup};
use edge_tests::world::World;

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";
const KEYS: [&str; 2] = [
    "rsa._domainkey.renovations.com",
    "ed._domainkey.renovations.com",
];

async fn world() -> World {
    let notes = format!("RouterDKIMSigning=2\nDKIM_KEY_{PRIMARY}=rsa,ed\n");
    let setup = Setup::notes(&notes)
        .key(PRIMARY, "rsa", "RSA 2048")
        .key(PRIMARY, "ed", "Ed25519");
    World::start(setup).await
}

#[tokio::test]
async fn a_message_altered_by_one_octet_is_refused_by_each() {
    let world = world().await;
    world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
    let arrived = world.partner.arrival(1).await;
    world.assert_signed(&arrived, &KEYS).await;
    for (what, with) in [
        ("The kitchen is done.", "The kitchen is gone."),
        ("Subject: The kitchen", "Subject: The kitchem"),
        ("From: Rita", "From: Nita"),
    ] {
        let altered = arrived.text().replace(what, with);
        assert_ne!(altered, arrived.text());
        judges::assert_all_refuse(world.dns.address(), altered.as_bytes()).await;
    }
    // Fields that were not there are signed as absent, and a second From is.
    for added in ["Subject: Another\r\n", "From: <ceo@renovations.com>\r\n"] {
        let altered = arrived
            .text()
            .replacen("Received:", &format!("{added}Received:"), 1);
        judges::assert_all_refuse(world.dns.address(), altered.as_bytes()).await;
    }
}

#[tokio::test]
async fn a_signature_under_another_key_is_refused_by_each() {
    let world = world().await;
    world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
    let arrived = world.partner.arrival(1).await;
    let stranger = self::world().await;
    judges::assert_all_refuse(stranger.dns.address(), &arrived.data).await;
}

#[tokio::test]
async fn mail_auth_alone_is_wrong_over_lines_of_blanks_at_the_end() {
    let world = world().await;
    for (number, body) in ["text\r\n \r\n", "text\r\n\t\r\n\r\n", " \r\n"]
        .iter()
        .enumerate()
    {
        world
            .send(FROM, &[TO], &messages::with_from(FROM, TO, body))
            .await;
        let arrived = world.partner.arrival(number + 1).await;
        assert_eq!(arrived.body(), body.as_bytes());
        let verdicts = judges::judge(world.dns.address(), &arrived.data).await;
        assert_eq!(verdicts.len(), 8, "{verdicts:#?}");
        for verdict in &verdicts {
            // When this fails for mail-auth, its fault is mended and the exception can go.
            assert_eq!(
                verdict.passed(),
                verdict.judge != Judge::MailAuth,
                "{body:?}: {verdicts:#?}"
            );
        }
    }
}
