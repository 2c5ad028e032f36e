//! A real file system without room under the spool: a tmpfs of some MiB, which only the edge sees. Mail is refused for a while,
//! monitoring is told, nothing that was answered 250 is lost, and with more room it goes on without a restart.
//!
//! Where no tmpfs can be mounted, the test fails and says so. A disk that fails in other ways is for the spool's own tests.

use std::path::Path;
use std::process::Stdio;

use edge_tests::admin::{self, Metrics};
use edge_tests::client;
use edge_tests::messages;
use edge_tests::mock_mta::{Behaviour, Step};
use edge_tests::setup::Setup;
use edge_tests::world::{Stage, World};
use tokio::process::Command;

const FROM: &str = "samantha@renovations.com";
const TO: &str = "client@partner.test";
/// Room for a first segment of 4 MiB and a second of 8, and for no third.
const SMALL: &str = "20m";
const AMPLE: &str = "300m";

#[tokio::test]
async fn a_full_disk_refuses_mail_and_loses_none() {
    let setup = Setup::signing("2", "s1").with("admin", "listen", "\"127.0.0.1:0\"");
    let world = on_small_disk(Stage::set(setup).await).await;
    let monitoring = admin::address(&world.edge).await;
    world.partner.behave(Behaviour {
        mail: Step::reply("451 4.3.0 try later"),
        ..Behaviour::default()
    });
    let mut kept = 0;
    let refusal = loop {
        let reply = submit(&world, kept).await;
        if reply.code != 250 {
            break reply;
        }
        kept += 1;
    };
    assert_eq!(refusal.code, 452, "{refusal:?}");
    assert!(refusal.text().starts_with("4.3.1 "), "{refusal:?}");
    assert!(kept >= 4, "{kept} messages fill no disk");
    world.edge.log.event("spool_full", &[]).await;
    let ready = admin::get(monitoring, "/ready").await;
    assert_eq!(ready.status, 503);
    assert!(ready.body.contains("spool_full"), "{}", ready.body);
    let full = [("condition", "full")];
    let metrics = Metrics::read(monitoring).await;
    assert_eq!(metrics.value("smtp_edge_spool_condition", &full), 1.0);

    resize(&world, AMPLE).await;
    world.edge.log.event("spool_works", &[]).await;
    assert_eq!(admin::get(monitoring, "/ready").await.status, 200);
    let reply = submit(&world, kept).await;
    assert_eq!(reply.code, 250, "{reply:?}");
    kept += 1;
    world.partner.behave(Behaviour::default());
    let arrived = world.partner.arrivals(kept).await;
    let mut subjects: Vec<Vec<String>> = arrived
        .iter()
        .map(|arrived| arrived.values("Subject"))
        .collect();
    subjects.sort();
    subjects.dedup();
    assert_eq!(subjects.len(), kept, "each once");
    println!("figures: real full disk (tmpfs) | 1 refusal until there was room | {kept} | 0 | 0");
}

/// Half a MiB from a person, by number.
async fn submit(world: &World, number: usize) -> client::Reply {
    let message = String::from_utf8(messages::plain(FROM, TO)).unwrap();
    let mut message = message.replace("The kitchen", &format!("Kitchen number {number}"));
    message.push_str(&"Forty-two octets of prose in every line.\r\n".repeat(12_000));
    client::submit_bytes(world.edge.address(), FROM, TO, message.as_bytes()).await
}

/// Starts the edge with a small file system of its own under the spool.
async fn on_small_disk(stage: Stage) -> World {
    let spool = stage.home.data().join("spool");
    std::fs::create_dir(&spool).unwrap();
    let mut probe = mounting(&spool);
    let probed = probe.arg("true").stdin(Stdio::null()).output().await;
    let probed = probed.expect("unshare, of util-linux, is installed");
    assert!(
        probed.status.success(),
        "no tmpfs can be mounted here; run the tests as root, or allow user namespaces: {}",
        String::from_utf8_lossy(&probed.stderr)
    );
    let run = stage.home.command("run");
    let mut command = mounting(&spool);
    command
        .arg(run.as_std().get_program())
        .args(run.as_std().get_args());
    let edge = stage.home.start_by(command).await;
    let Stage {
        dns,
        internal,
        partner,
        other,
        home,
    } = stage;
    World {
        dns,
        internal,
        partner,
        other,
        home,
        edge,
    }
}

/// A command that mounts the small file system for itself, and becomes the program of its further arguments.
fn mounting(spool: &Path) -> Command {
    let mount = format!("mount -t tmpfs -o size={SMALL},mode=700 none \"$0\" && exec \"$@\"");
    let mut command = Command::new("unshare");
    command
        .args(["--map-root-user", "--mount", "sh", "-c", &mount])
        .arg(spool);
    command
}

/// Gives the edge's file system another size while it runs.
async fn resize(world: &World, size: &str) {
    let mut command = Command::new("nsenter");
    command
        .arg(format!("--target={}", world.edge.process()))
        .args(["--user", "--preserve-credentials", "--mount", "mount", "-o"])
        .arg(format!("remount,size={size}"))
        .arg(world.home.data().join("spool"));
    let output = command.output().await;
    let output = output.expect("nsenter, of util-linux, is installed");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
