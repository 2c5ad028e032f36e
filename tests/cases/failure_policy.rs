//! What becomes of mail that cannot be signed, where a setting says otherwise than the mode: by class and by domain.

use edge_tests::client;
use edge_tests::edge::STORE_FILE;
use edge_tests::messages;
use edge_tests::setup::{ALIAS, Key, PRIMARY, SUBDOMAIN, Setup};
use edge_tests::world::{Stage, World};

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";
const KEY: &str = "s1._domainkey.renovations.com";

fn on_failure(mode: &str, rules: &str) -> Setup {
    Setup::keyless(mode, "s1").with("signing", "on_failure", rules)
}

#[tokio::test]
async fn a_missing_key_can_be_waited_for() {
    let world = World::start(on_failure("2", "{ key_missing = \"defer\" }")).await;
    let id = world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
    assert_eq!(
        world.logged(&id, "signing_deferred", "class").await,
        "key_missing"
    );
    let key = Key {
        domain: PRIMARY.into(),
        selector: "s1".into(),
        algorithm: "Ed25519".into(),
    };
    world.home.create_key(&key, &world.dns).await;
    let arrived = world.partner.arrival(1).await;
    world.assert_signed(&arrived, &[KEY]).await;
    world.settled(&id).await;
    assert_eq!(world.internal.transcripts().len(), 0, "no report");
}

#[tokio::test]
async fn a_store_that_is_away_can_be_a_reason_to_send_to_report_or_to_reject() {
    for (action, mode) in [("send", "2"), ("report", "1"), ("reject", "1")] {
        let rules = format!("{{ store_away = {action:?} }}");
        let setup = Setup::signing(mode, "s1").with("signing", "on_failure", &rules);
        let stage = Stage::set(setup).await;
        stage.home.take_away(STORE_FILE);
        let world = stage.start().await;
        let message = messages::plain(FROM, TO);
        let reply = client::submit_bytes(world.edge.address(), FROM, TO, &message).await;
        match action {
            "send" => {
                world.partner.arrival(1).await.assert_unsigned();
            }
            "report" => {
                let report = world.report().await.text();
                assert!(report.contains("Status: 5.3.5"), "{report}");
            }
            _ => {
                assert_eq!(reply.code, 451, "{reply:?}");
                continue;
            }
        }
        assert_eq!(reply.code, 250, "{reply:?}");
    }
}

#[tokio::test]
async fn a_domain_can_have_rules_of_its_own() {
    let notes = format!(
        "RouterDKIMSigning=2\nDKIM_KEY_{PRIMARY}=s1\nDKIM_KEY_{SUBDOMAIN}=s1\nDKIM_KEY_{ALIAS}={PRIMARY};s1\n"
    );
    let exceptions = format!(
        "[{{ domains = [{SUBDOMAIN:?}], on_failure = {{ key_missing = \"send\" }} }}, \
         {{ domains = [{ALIAS:?}], on_failure = {{ key_missing = \"reject\" }} }}]"
    );
    let world = World::start(Setup::notes(&notes).with("signing", "exceptions", &exceptions)).await;
    let submit = async |from: &str| {
        let message = messages::plain(from, TO);
        client::submit_bytes(world.edge.address(), from, TO, &message).await
    };
    assert_eq!(submit("sam@sales.renovations.com").await.code, 250);
    world.partner.arrival(1).await.assert_unsigned();
    assert_eq!(submit("hal@north.homerepair.example").await.code, 550);
    assert_eq!(submit(FROM).await.code, 250);
    let report = world.report().await.text();
    assert!(report.contains("Status: 5.3.5"), "{report}");
    assert_eq!(world.partner.arrived().len(), 1);
}

#[tokio::test]
async fn two_exceptions_for_one_domain_do_not_load() {
    let exceptions = format!("[{{ domains = [{PRIMARY:?}] }}, {{ domains = [{PRIMARY:?}] }}]");
    let stage =
        Stage::set(Setup::signing("2", "s1").with("signing", "exceptions", &exceptions)).await;
    let (status, log) = stage.home.start_refused().await;
    assert_eq!(status.code(), Some(78));
    assert!(log.text().contains("signing.exceptions"), "{}", log.text());
}
