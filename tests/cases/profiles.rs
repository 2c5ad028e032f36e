//! Copies for some destinations are signed in another way than those for the rest.

use edge_tests::messages;
use edge_tests::setup::{PRIMARY, Setup};
use edge_tests::world::{Stage, World};

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";
const ELSEWHERE: &str = "client@other.test";
const S1: &str = "s1._domainkey.renovations.com";
const S2: &str = "s2._domainkey.renovations.com";

/// An Ed25519 key and an RSA key, and these profiles.
fn setup(mode: &str, profiles: &str) -> Setup {
    Setup::notes(&format!(
        "RouterDKIMSigning={mode}\nDKIM_KEY_{PRIMARY}=s1,s2\n"
    ))
    .key(PRIMARY, "s1", "Ed25519")
    .key(PRIMARY, "s2", "RSA 2048")
    .with("signing", "profiles", profiles)
}

#[tokio::test]
async fn a_host_that_takes_one_rsa_signature_gets_one() {
    let profile = "[{ name = \"one-rsa\", destinations = [\"other.test\"], algorithms = [\"rsa-sha256\"], \
         max_signatures = 1, expire_after = \"2d\", headers = { oversigned = [\"From\"] } }]";
    let world = World::start(setup("2", profile)).await;
    let id = world
        .send(FROM, &[TO, ELSEWHERE], &messages::plain(FROM, TO))
        .await;
    let usual = world.partner.arrival(1).await;
    world.assert_signed(&usual, &[S1, S2]).await;
    let one = world.other.arrival(1).await;
    world.assert_signed(&one, &[S2]).await;

    let field = |arrived: &edge_tests::mock_mta::Arrived| {
        let value = arrived.values("DKIM-Signature").concat();
        value.split_whitespace().collect::<String>().to_lowercase()
    };
    let (usual, one) = (field(&usual), field(&one));
    assert!(one.contains("x=") && !usual.contains("x="), "{one}");
    let subjects = |field: &str| field.matches("subject").count();
    assert_eq!((subjects(&usual), subjects(&one)), (4, 1)); // two signatures, each with one more than is there
    world.settled(&id).await;
    for (profile, keys) in [
        ("default", format!("{S1},{S2}")),
        ("one-rsa", S2.to_owned()),
    ] {
        let about = [
            ("queue_id", id.as_str()),
            ("profile", profile),
            ("keys", &keys),
        ];
        world.edge.log.event("signed", &about).await;
    }
}

#[tokio::test]
async fn a_profile_for_all_that_goes_to_a_server() {
    let mut stage = Stage::set(setup("2", "[]")).await;
    let hop = stage.other.address();
    stage.home.change(|setup| {
        setup
            .set(
                "router",
                "next_hops",
                &format!("{{ \"partner.test\" = \"{hop}\" }}"),
            )
            .set(
                "signing",
                "profiles",
                &format!("[{{ name = \"relay\", next_hops = [\"{hop}\"], max_signatures = 1 }}]"),
            );
    });
    let world = stage.start().await;
    world
        .send(FROM, &[TO, ELSEWHERE], &messages::plain(FROM, TO))
        .await;
    // Both go to the one server, in a copy each.
    let arrived = world.other.arrivals(2).await;
    for arrived in arrived {
        let keys: &[&str] = match arrived.to()[..] {
            [TO] => &[S1],
            _ => &[S1, S2],
        };
        world.assert_signed(&arrived, keys).await;
    }
}

#[tokio::test]
async fn no_key_has_an_algorithm_that_the_destination_takes() {
    let profile =
        "[{ name = \"rsa\", destinations = [\"other.test\"], algorithms = [\"rsa-sha256\"] }]";
    for mode in ["1", "2"] {
        let mut setup = setup(mode, profile);
        setup.notes = format!("RouterDKIMSigning={mode}\nDKIM_KEY_{PRIMARY}=s1\n");
        let world = World::start(setup).await;
        let id = world
            .send(FROM, &[TO, ELSEWHERE], &messages::plain(FROM, TO))
            .await;
        let arrived = world.partner.arrival(1).await;
        world.assert_signed(&arrived, &[S1]).await;
        let class = world.logged(&id, "signing_failed", "class").await;
        assert_eq!(class, "no_suitable_key");
        if mode == "1" {
            world.other.arrival(1).await.assert_unsigned();
        } else {
            let report = world.report().await.text();
            assert!(report.contains("Status: 5.3.5"), "{report}");
            assert!(
                report.contains(&format!("Final-Recipient: rfc822; {ELSEWHERE}")),
                "{report}"
            );
            assert!(
                !report.contains(&format!("Final-Recipient: rfc822; {TO}")),
                "{report}"
            );
            world.settled(&id).await;
            assert_eq!(world.other.arrived().len(), 0);
        }
    }
}

#[tokio::test]
async fn header_fields_that_contradict_each_other_do_not_start() {
    let profile = "[{ name = \"broken\", headers = { never = [\"Subject\"] } }]";
    let stage = Stage::set(setup("2", profile)).await;
    let (status, log) = stage.home.start_refused().await;
    assert_eq!(status.code(), Some(78), "{}", log.text());
    let named = log.text().contains("the signing profile broken");
    assert!(named, "{}", log.text());
}
