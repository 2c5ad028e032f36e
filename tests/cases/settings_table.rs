//! Each row of the settings table: which mail is signed, by which keys, under which domain.

use edge_tests::messages;
use edge_tests::setup::{ALIAS, PRIMARY, SUBDOMAIN, Setup};
use edge_tests::world::{Stage, World};

const TO: &str = "client@partner.test";

/// Sends one message from each sender, and requires that exactly these keys have signed it.
async fn check(setup: Setup, expected: &[(&str, &[&str])]) {
    check_in(&World::start(setup).await, expected).await;
}

async fn check_in(world: &World, expected: &[(&str, &[&str])]) {
    for (number, (sender, keys)) in expected.iter().enumerate() {
        world
            .send(sender, &[TO], &messages::plain(sender, TO))
            .await;
        let arrived = world.partner.arrival(number + 1).await;
        world.assert_signed(&arrived, keys).await;
    }
}

#[tokio::test]
async fn a_domain_and_its_subdomains_are_signed_with_the_domains_key() {
    let key = "s1._domainkey.renovations.com";
    check(
        Setup::signing("2", "s1"),
        &[
            ("rita@renovations.com", &[key]),
            ("sam@sales.renovations.com", &[key]),
            ("deep@a.b.renovations.com", &[key]),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_most_specific_entry_replaces_its_parents() {
    let notes = format!("RouterDKIMSigning=2\nDKIM_KEY_{SUBDOMAIN}=sub\nDKIM_KEY_{PRIMARY}=top\n");
    let setup = Setup::notes(&notes)
        .key(PRIMARY, "top", "Ed25519")
        .key(SUBDOMAIN, "sub", "Ed25519");
    check(
        setup,
        &[
            ("rita@renovations.com", &["top._domainkey.renovations.com"]),
            (
                "sam@sales.renovations.com",
                &["sub._domainkey.sales.renovations.com"],
            ),
            (
                "sam@north.sales.renovations.com",
                &["sub._domainkey.sales.renovations.com"],
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn two_selectors_give_two_signatures() {
    let notes = format!("RouterDKIMSigning=2\nDKIM_KEY_{PRIMARY}=rsa2026 , ed2026\n");
    let setup = Setup::notes(&notes)
        .key(PRIMARY, "rsa2026", "RSA")
        .key(PRIMARY, "ed2026", "Ed25519");
    let keys = [
        "rsa2026._domainkey.renovations.com",
        "ed2026._domainkey.renovations.com",
    ];
    let world = World::start(setup).await;
    check_in(&world, &[("rita@renovations.com", &keys)]).await;
    for (number, message) in [
        messages::multipart("rita@renovations.com", TO),
        messages::eight_bit("rita@renovations.com", TO),
    ]
    .iter()
    .enumerate()
    {
        world.send("rita@renovations.com", &[TO], message).await;
        world
            .assert_signed(&*world.partner.arrival(number + 2).await, &keys)
            .await;
    }
}

#[tokio::test]
async fn an_alias_is_signed_with_the_primarys_key_under_the_primarys_name() {
    let notes = format!("RouterDKIMSigning=2\nDKIM_KEY_{ALIAS}={PRIMARY};s1\n");
    let key = "s1._domainkey.renovations.com";
    check(
        Setup::notes(&notes).key(PRIMARY, "s1", "Ed25519"),
        &[
            ("hal@homerepair.example", &[key]),
            ("hal@north.homerepair.example", &[key]),
            ("rita@renovations.com", &[]),
        ],
    )
    .await;
}

#[tokio::test]
async fn an_aligned_alias_is_signed_with_the_primarys_key_under_its_own_name() {
    let notes = format!("RouterDKIMSigning=2\nDKIM_KEY_{ALIAS}={PRIMARY};s1\n");
    let setup = Setup::notes(&notes).with("signing", "aligned_aliases", "true");
    let stage = Stage::set(setup).await;
    let key = edge_tests::setup::Key {
        domain: PRIMARY.into(),
        selector: "s1".into(),
        algorithm: "Ed25519".into(),
    };
    let record = stage.home.create_unpublished(&key).await;
    stage.dns.change(|zone| {
        zone.txt("s1._domainkey.homerepair.example", &record);
    });
    let world = stage.start().await;
    check_in(
        &world,
        &[(
            "hal@homerepair.example",
            &["s1._domainkey.homerepair.example"],
        )],
    )
    .await;
}

#[tokio::test]
async fn nothing_is_signed_while_signing_is_unset_or_0() {
    for mode in ["", "RouterDKIMSigning=0\n"] {
        let setup =
            Setup::notes(&format!("{mode}DKIM_KEY_{PRIMARY}=s1\n")).key(PRIMARY, "s1", "Ed25519");
        let world = World::start(setup).await;
        let message = messages::plain("rita@renovations.com", TO);
        world.send("rita@renovations.com", &[TO], &message).await;
        let arrived = world.partner.arrival(1).await;
        arrived.assert_unsigned();
        assert!(arrived.data.ends_with(&message), "{}", arrived.text());
    }
}

#[tokio::test]
async fn a_domain_without_an_entry_is_sent_unsigned_in_both_modes() {
    for mode in ["1", "2"] {
        let world = World::start(Setup::signing(mode, "s1")).await;
        let id = world
            .send(
                "sue@elsewhere.example",
                &[TO],
                &messages::plain("sue@elsewhere.example", TO),
            )
            .await;
        let arrived = world.partner.arrival(1).await;
        arrived.assert_unsigned();
        assert_eq!(
            world.logged(&id, "unsigned", "domain").await,
            "elsewhere.example"
        );
    }
}

#[tokio::test]
async fn best_effort_signs_what_it_can() {
    check(
        Setup::signing("1", "s1"),
        &[("rita@renovations.com", &["s1._domainkey.renovations.com"])],
    )
    .await;
}

#[tokio::test]
async fn names_and_values_match_in_any_case() {
    let notes = "[Notes]\r\nKitType=2\r\nrouterdkimsigning=2\r\ndkim_key_Renovations.COM=S1\r\n";
    let setup = Setup::notes(notes).key(PRIMARY, "s1", "Ed25519");
    check(
        setup,
        &[("Rita@RENOVATIONS.com", &["s1._domainkey.renovations.com"])],
    )
    .await;
}

#[tokio::test]
async fn rsa_keys_of_every_size_are_accepted_by_the_judges() {
    let notes = format!("RouterDKIMSigning=2\nDKIM_KEY_{PRIMARY}=r1024,r2048,r4096\n");
    let setup = Setup::notes(&notes)
        .key(PRIMARY, "r1024", "RSA 1024")
        .key(PRIMARY, "r2048", "RSA 2048")
        .key(PRIMARY, "r4096", "RSA 4096");
    let keys = [
        "r1024._domainkey.renovations.com",
        "r2048._domainkey.renovations.com",
        "r4096._domainkey.renovations.com",
    ];
    check(setup, &[("rita@renovations.com", &keys)]).await;
}

#[tokio::test]
async fn another_value_of_the_mode_is_refused_at_the_start() {
    let stage = Stage::set(Setup::notes("RouterDKIMSigning=3\n")).await;
    let (status, log) = stage.home.start_refused().await;
    assert!(!status.success());
    assert!(log.text().contains("RouterDKIMSigning"), "{}", log.text());
    assert!(log.text().contains("notes.ini:1"), "{}", log.text());
}

#[tokio::test]
async fn internal_copies_are_not_signed_and_external_ones_are() {
    let world = World::start(Setup::signing("2", "s1")).await;
    let message = messages::plain("rita@renovations.com", TO);
    let id = world
        .send(
            "rita@renovations.com",
            &["bob@renovations.com", TO, "hal@homerepair.example"],
            &message,
        )
        .await;
    let outside = world.partner.arrival(1).await;
    assert_eq!(outside.to(), [TO]);
    world
        .assert_signed(&outside, &["s1._domainkey.renovations.com"])
        .await;
    for recipient in ["bob@renovations.com", "hal@homerepair.example"] {
        world
            .edge
            .log
            .event("delivered", &[("queue_id", &id), ("to", recipient)])
            .await;
    }
    for arrived in world.internal.arrived() {
        arrived.assert_unsigned();
        assert!(arrived.data.ends_with(&message), "{}", arrived.text());
    }
}

#[tokio::test]
async fn a_signature_that_is_there_stays_and_ours_comes_on_top() {
    let first = World::start(Setup::signing("2", "first")).await;
    first
        .send(
            "rita@renovations.com",
            &[TO],
            &messages::plain("rita@renovations.com", TO),
        )
        .await;
    let signed = first.partner.arrival(1).await;

    let second = World::start(Setup::signing("2", "second")).await;
    let record = first.home.path().join("data/first.renovations.com.txt");
    let record = std::fs::read_to_string(record).unwrap();
    second.dns.change(|zone| {
        zone.txt("first._domainkey.renovations.com", record.trim_end());
    });
    second
        .send("rita@renovations.com", &[TO], &signed.data)
        .await;
    let arrived = second.partner.arrival(1).await;
    let selectors: Vec<bool> = arrived
        .values("DKIM-Signature")
        .iter()
        .map(|value| value.contains("s=second"))
        .collect();
    assert_eq!(selectors, [true, false], "{}", arrived.text());
    second
        .assert_signed(
            &arrived,
            &[
                "first._domainkey.renovations.com",
                "second._domainkey.renovations.com",
            ],
        )
        .await;
}
