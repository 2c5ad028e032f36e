//! `smtp-edge spool`: the mail of an edge that does not run.

use std::fs;
use std::path::{Path, PathBuf};

use edge_tests::administrator::{ends_with, run};
use edge_tests::messages;
use edge_tests::mock_mta::{Behaviour, Step};
use edge_tests::setup::Setup;
use edge_tests::world::{Stage, World};
use serde_json::Value;

const FROM: &str = "rita@renovations.com";
const INSIDE: &str = "sam@sales.renovations.com";

/// A stopped edge with some messages for the inside in its spool, and their names.
async fn with_mail(kind: &str, count: usize) -> (Stage, Vec<String>) {
    let setup = Setup::notes("RouterDKIMSigning=0\n").with("spool", "kind", &format!("{kind:?}"));
    let world = World::start(setup).await;
    world.internal.behave(Behaviour {
        rcpt: Step::reply("450 4.2.1 mailbox busy"),
        ..Behaviour::default()
    });
    let mut ids = Vec::new();
    for number in 0..count {
        let body = format!("Number {number}.\r\n.a dot\r\n");
        let message = messages::with_from(FROM, INSIDE, &body);
        ids.push(world.send(FROM, &[INSIDE], &message).await);
    }
    for id in &ids {
        world
            .edge
            .log
            .event("deferred", &[("queue_id", id.as_str())])
            .await;
    }
    let (stage, _) = world.stop().await;
    (stage, ids)
}

/// The names of all files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn what_is_exported_is_what_arrives() {
    for kind in ["log", "files"] {
        let (stage, ids) = with_mail(kind, 2).await;
        let before: Vec<(PathBuf, Vec<u8>)> = files(&stage.home.data().join("spool"))
            .into_iter()
            .map(|path| (path.clone(), fs::read(&path).unwrap()))
            .collect();
        let folder = stage.home.path().join("export");
        let to = folder.to_str().unwrap();
        let said = ends_with(&stage.home, 0, &["spool", "export", to]).await;
        assert!(said.starts_with("2 messages written, 0 there"), "{said}");
        // Again: what is there stays, and what is missing comes.
        fs::remove_file(folder.join(format!("{}.json", ids[1]))).unwrap();
        let said = ends_with(&stage.home, 0, &["spool", "export", to]).await;
        assert!(said.starts_with("1 message written, 1 there"), "{said}");
        let own = folder.join(format!("{}.eml", ids[0]));
        let exported = fs::read(&own).unwrap();
        fs::write(&own, "my notes").unwrap();
        let said = ends_with(&stage.home, 3, &["spool", "export", to]).await;
        assert!(said.contains("is there and is another"), "{said}");
        assert_eq!(fs::read_to_string(&own).unwrap(), "my notes");
        fs::write(&own, &exported).unwrap();
        for (path, octets) in &before {
            assert_eq!(&fs::read(path).unwrap(), octets, "{}", path.display());
        }

        stage.internal.behave(Behaviour::default());
        let world = stage.start().await;
        world.internal.arrivals(2).await;
        for arrived in world.internal.arrived() {
            let number = usize::from(arrived.text().contains("Number 1."));
            let eml = fs::read(folder.join(format!("{}.eml", ids[number]))).unwrap();
            assert_eq!(eml, arrived.data, "{kind}");
            let envelope = fs::read(folder.join(format!("{}.json", ids[number]))).unwrap();
            let envelope: Value = serde_json::from_slice(&envelope).unwrap();
            assert_eq!(envelope["sender"], arrived.from.as_str());
            assert_eq!(envelope["recipients"][0]["address"], arrived.to()[0]);
            assert_eq!(envelope["recipients"][0]["state"], "pending");
            assert_eq!(envelope["recipients"][0]["status"], "4.2.1");
        }
        assert_eq!(files(&folder).len(), 4, "{kind}");
    }
}

#[tokio::test]
async fn a_check_names_what_is_damaged() {
    let (stage, ids) = with_mail("log", 3).await;
    let spool = stage.home.data().join("spool");
    let said = ends_with(&stage.home, 0, &["spool", "check"]).await;
    assert!(said.starts_with("3 messages whole, "), "{said}");
    let (segment, mut octets, at) = files(&spool)
        .into_iter()
        .find_map(|path| {
            let octets = fs::read(&path).unwrap();
            let at = octets.windows(9).position(|some| some == b"Number 1.")?;
            Some((path, octets, at))
        })
        .unwrap();
    octets[at] = b'n';
    fs::write(&segment, &octets).unwrap();
    let said = ends_with(&stage.home, 3, &["spool", "check"]).await;
    let named = format!("(message {})", ids[1]);
    let path = segment.to_str().unwrap();
    for part in [named.as_str(), path, "2 messages whole, ", "1 damaged"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(fs::read(&segment).unwrap(), octets, "it is left as it is");
    let run = run(&stage.home, &["spool", "check", "--json"]).await;
    let found: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(found["messages"], 2);
    assert_eq!(found["damaged"][0]["id"], ids[1].as_str());
    // What can be read is exported all the same.
    let folder = stage.home.path().join("export");
    let words = ["spool", "export", folder.to_str().unwrap()];
    let said = ends_with(&stage.home, 3, &words).await;
    assert!(said.contains("2 messages written"), "{said}");
}

#[tokio::test]
async fn a_spool_in_use_is_not_read() {
    let world = World::start(Setup::notes("RouterDKIMSigning=0\n")).await;
    for words in [
        &["spool", "check"][..],
        &["spool", "export", "/nowhere/at/all"],
    ] {
        let said = ends_with(&world.home, 75, words).await;
        assert!(said.contains("another smtp-edge uses the spool"), "{said}");
    }
    let nothing = world.home.path().join("nothing");
    let words = ["spool", "check", "--spool", nothing.to_str().unwrap()];
    ends_with(&world.home, 4, &words).await;
    assert!(!nothing.exists());
    let (stage, _) = world.stop().await;
    let said = ends_with(&stage.home, 0, &["spool", "check"]).await;
    assert!(said.starts_with("0 messages whole"), "{said}");
}
