//! `keymgmt` by hand against the running edge: the same settings, the same keys, the same signatures.

use edge_tests::judges;
use edge_tests::messages;
use edge_tests::setup::{ALIAS, PRIMARY, Setup};
use edge_tests::world::World;

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";
const KEY: &str = "s1._domainkey.renovations.com";

async fn world() -> World {
    let notes =
        format!("RouterDKIMSigning=2\nDKIM_KEY_{PRIMARY}=s1\nDKIM_KEY_{ALIAS}={PRIMARY};s1\n");
    World::start(Setup::notes(&notes).key(PRIMARY, "s1", "RSA 2048")).await
}

#[tokio::test]
async fn sign_makes_what_every_judge_passes() {
    let world = world().await;
    let keymgmt = world.home.keymgmt();
    let file = world.home.path().join("message.eml");
    let file = file.to_str().unwrap();
    // As an editor leaves it: lines end in LF.
    let message = String::from_utf8(messages::plain(FROM, TO)).unwrap();
    std::fs::write(file, message.replace("\r\n", "\n")).unwrap();
    let signed = keymgmt.ok(&["sign", file]).await;
    judges::assert_all_pass(world.dns.address(), signed.as_bytes(), &[KEY]).await;

    std::fs::write(file, &signed).unwrap();
    keymgmt.ok(&["verify", file]).await;
    std::fs::write(file, signed.replace("done", "gone")).unwrap();
    let run = keymgmt.run(&["verify", file]).await;
    assert_eq!(run.status, Some(1), "{run:#?}");
}

#[tokio::test]
async fn verify_reads_what_the_edge_has_sent() {
    let world = world().await;
    world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
    let arrived = world.partner.arrival(1).await;
    let file = world.home.path().join("arrived.eml");
    std::fs::write(&file, &arrived.data).unwrap();
    let printed = world
        .home
        .keymgmt()
        .ok(&["verify", file.to_str().unwrap()])
        .await;
    assert!(printed.contains("renovations.com"), "{printed}");
}

#[tokio::test]
async fn explain_says_what_the_edge_does() {
    let world = world().await;
    let keymgmt = world.home.keymgmt();
    for (from, key) in [
        (FROM, Some(KEY)),
        ("hal@homerepair.example", Some(KEY)),
        ("x@elsewhere.example", None),
    ] {
        let explained = keymgmt.ok(&["explain", from]).await;
        let before = world.partner.arrived().len();
        world.send(from, &[TO], &messages::plain(from, TO)).await;
        let arrived = world.partner.arrival(before + 1).await;
        world.assert_signed(&arrived, key.as_slice()).await;
        assert_eq!(explained.contains(KEY), key.is_some(), "{explained}");
    }
}

#[tokio::test]
async fn keys_are_never_printed() {
    let world = world().await;
    let keymgmt = world.home.keymgmt();
    for words in [
        &["show", "DKIM", "ALL"][..],
        &["show", "DKIM", PRIMARY, "s1", "--json"],
        &["show", "nek", "ALL"],
        &["explain", FROM],
    ] {
        let printed = keymgmt.ok(words).await;
        assert!(!printed.contains("PRIVATE"), "{printed}");
    }
    let nek = std::fs::read(world.home.data().join("nek/edge.nek")).unwrap();
    let log = world.edge.stop().await.text();
    let secret = String::from_utf8_lossy(&nek);
    for line in secret
        .lines()
        .filter(|line| line.len() > 20 && !line.contains("---"))
    {
        assert!(!log.contains(line));
    }
}
