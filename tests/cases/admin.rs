//! The admin listener: what it counts, when it says that the edge is ready, and what it makes of bad requests.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use edge_tests::admin::{self, Metrics};
use edge_tests::client::RawClient;
use edge_tests::messages;
use edge_tests::mock_mta::PATIENCE;
use edge_tests::setup::{Key, PRIMARY, Setup};
use edge_tests::world::{Stage, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const FROM: &str = "rita@renovations.com";
const STRANGER: &str = "nina@new.example";
const TO: &str = "client@partner.test";
const INSIDE: &str = "sam@sales.renovations.com";

/// A sample: its name, its labels, its value.
type Labelled = (&'static str, &'static [(&'static str, &'static str)], f64);

fn listening(setup: Setup) -> Setup {
    setup.with("admin", "listen", "\"127.0.0.1:0\"")
}

#[tokio::test]
async fn it_counts_what_became_of_each_message() {
    let setup = Setup::signing("1", "s1")
        .key(PRIMARY, "s2", "RSA 2048")
        .key("renovations.net", "n1", "Ed25519");
    let mut setup = listening(setup);
    setup.notes = format!(
        "RouterDKIMSigning=1\nDKIM_KEY_{PRIMARY}=s1,s2\nDKIM_KEY_renovations.net=n1,gone\n\
         DKIM_KEY_keyless.example=gone\n"
    );
    let world = World::start(setup).await;
    let address = admin::address(&world.edge).await;
    let before = Metrics::read(address).await;
    let unsigned = "smtp_edge_unsigned_total";
    assert_eq!(before.value(unsigned, &[("reason", "no_entry")]), 0.0);
    assert_eq!(before.value("smtp_edge_delivered_total", &[]), 0.0);
    assert_eq!(
        before.value("smtp_edge_build_info", &[("version", "0.1.0")]),
        1.0
    );
    assert_eq!(
        before.value("smtp_edge_keys_unusable", &[("class", "key_missing")]),
        2.0
    );

    for (from, to) in [
        (FROM, &[TO, INSIDE][..]),
        ("deep@a.b.renovations.com", &[TO]),
        ("nora@renovations.net", &[TO]),
        ("kim@keyless.example", &[TO]),
        (STRANGER, &[TO]),
        // Nothing leaves, so nothing is signed.
        (FROM, &[INSIDE]),
        // No such domain: a recipient fails, and a report follows, which stays inside.
        (FROM, &["nobody@nowhere.test"]),
    ] {
        let id = world.send(from, to, &messages::plain(from, to[0])).await;
        world.settled(&id).await;
    }
    let report = world
        .edge
        .log
        .event("accepted", &[("client", "ourselves")])
        .await;
    world
        .settled(&edge_tests::log::field(&report, "queue_id"))
        .await;

    let metrics = Metrics::read(address).await;
    let labelled: [Labelled; 12] = [
        ("smtp_edge_accepted_total", &[("source", "client")], 7.0),
        ("smtp_edge_accepted_total", &[("source", "ourselves")], 1.0),
        (
            "smtp_edge_signatures_total",
            &[("domain", PRIMARY), ("algorithm", "ed25519-sha256")],
            3.0,
        ),
        (
            "smtp_edge_signatures_total",
            &[("domain", PRIMARY), ("algorithm", "rsa-sha256")],
            3.0,
        ),
        (
            "smtp_edge_signatures_total",
            &[
                ("domain", "renovations.net"),
                ("algorithm", "ed25519-sha256"),
            ],
            1.0,
        ),
        (unsigned, &[("reason", "no_entry")], 1.0),
        (unsigned, &[("reason", "best_effort")], 1.0),
        (unsigned, &[("reason", "signing_off")], 0.0),
        (
            "smtp_edge_signing_failures_total",
            &[("class", "key_missing")],
            2.0,
        ),
        (
            "smtp_edge_signing_failures_total",
            &[("class", "key_revoked")],
            0.0,
        ),
        ("smtp_edge_rejected_total", &[("reply", "5xx")], 0.0),
        ("smtp_edge_signing_seconds_bucket", &[("le", "+Inf")], 4.0),
    ];
    for (name, labels, expected) in labelled {
        assert_eq!(metrics.value(name, labels), expected, "{name} {labels:?}");
    }
    for (name, expected) in [
        ("smtp_edge_delivered_total", 8.0), // the report is delivered, too
        ("smtp_edge_bounced_total", 1.0),
        ("smtp_edge_reported_total", 1.0),
        ("smtp_edge_deferred_total", 0.0),
        ("smtp_edge_queue_messages", 0.0),
        ("smtp_edge_queue_oldest_age_seconds", 0.0),
    ] {
        assert_eq!(metrics.value(name, &[]), expected, "{name}");
    }
    assert!(
        metrics
            .names("counter")
            .contains(&"smtp_edge_signatures_total")
    );
    assert!(
        metrics
            .names("histogram")
            .contains(&"smtp_edge_signing_seconds_sum")
    );
    assert_eq!(metrics.names("unknown"), [""; 0]);
}

#[tokio::test]
async fn it_measures_the_queue_and_the_keyring_when_it_is_asked() {
    let setup = Setup::keyless("2", "s1")
        .with("delivery", "retry_first", "\"1h\"")
        .with("delivery", "retry_max", "\"1h\"");
    let stage = Stage::set(listening(setup)).await;
    stage.home.take_away(edge_tests::edge::STORE_FILE);
    let world = stage.start().await;
    let address = admin::address(&world.edge).await;
    let id = world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
    world
        .edge
        .log
        .event("signing_deferred", &[("queue_id", &id)])
        .await;
    let first = Metrics::read(address).await;
    assert_eq!(first.value("smtp_edge_queue_messages", &[]), 1.0);
    let failures = "smtp_edge_signing_failures_total";
    // Once on acceptance, and once when the queue tried again.
    assert_eq!(first.value(failures, &[("class", "store_away")]), 2.0);
    let second = Metrics::read(address).await;
    for name in [
        "smtp_edge_queue_oldest_age_seconds",
        "smtp_edge_keyring_age_seconds",
    ] {
        let (earlier, later) = (first.value(name, &[]), second.value(name, &[]));
        assert!(
            0.0 <= earlier && earlier < later && later < 600.0,
            "{name}: {earlier} {later}"
        );
    }
    // Nothing else reads the keys in between.
    let age = "smtp_edge_keyring_age_seconds";
    let waited = second.value(age, &[]);
    world.home.bring_back(edge_tests::edge::STORE_FILE);
    world.edge.reload().await;
    let third = Metrics::read(address).await;
    assert!(third.value(age, &[]) < waited, "{third:?}");
}

#[tokio::test]
async fn it_is_ready_when_every_enforced_key_can_sign() {
    let world = World::start(listening(Setup::keyless("2", "s1"))).await;
    let address = admin::address(&world.edge).await;
    let live = admin::get(address, "/live").await;
    assert_eq!((live.status, live.body.as_str()), (200, "live\n"));
    let ready = admin::get(address, "/ready").await;
    assert_eq!(ready.status, 503);
    assert_eq!(
        ready.body,
        "key s1._domainkey.renovations.com cannot sign: key_missing: the signing key does not exist\n"
    );
    let key = Key {
        domain: PRIMARY.into(),
        selector: "s1".into(),
        algorithm: "Ed25519".into(),
    };
    world.home.create_key(&key, &world.dns).await;
    world.edge.reload().await;
    let ready = admin::get(address, "/ready").await;
    assert_eq!((ready.status, ready.body.as_str()), (200, "ready\n"));

    // A client in the midst of its message holds up the end.
    let mut client = RawClient::connect(world.edge.address()).await;
    client.begin_data(FROM, TO).await;
    world.edge.terminate();
    world.edge.log.event("stopping", &[]).await;
    let ready = admin::get(address, "/ready").await;
    assert_eq!(ready.status, 503);
    assert_eq!(ready.body, "stopping: no new connections are taken\n");
    client.write(&messages::plain(FROM, TO)).await;
    client.write(b".\r\n").await;
    assert_eq!(client.reply().await.code, 250);
    drop(client);
    world.edge.stopped().await;
}

#[tokio::test]
async fn a_socket_file_is_for_the_servers_user_alone() {
    let mut stage = Stage::set(Setup::signing("2", "s1")).await;
    let file = stage.home.path().join("admin.sock");
    stage.home.change(|setup| {
        setup.set("admin", "listen", &format!("\"unix:{}\"", file.display()));
    });
    for _ in 0..2 {
        let edge = stage.home.start().await;
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        assert_eq!(admin::get_unix(&file, "/ready").await.status, 200);
        // What a killed edge leaves does not keep the next one from its place.
        edge.kill().await;
        assert!(file.exists());
    }
    let edge = stage.home.start().await;
    edge.stop().await;
    assert!(!file.exists());
}

#[tokio::test]
async fn an_address_that_others_reach_is_refused_as_a_setting() {
    for (listen, expected) in [
        ("0.0.0.0:9925", "a loopback address"),
        ("admin.sock", "unix:/run/smtp-edge/admin.sock"),
        ("unix:admin.sock", "an absolute path"),
    ] {
        let setup = Setup::signing("2", "s1").with("admin", "listen", &format!("{listen:?}"));
        let (status, log) = Stage::set(setup).await.home.start_refused().await;
        assert_eq!(status.code(), Some(78), "{}", log.text());
        for part in ["smtp-edge.toml", "admin.listen", expected] {
            assert!(log.text().contains(part), "{part}: {}", log.text());
        }
    }
}

#[tokio::test]
async fn bad_requests_harm_nothing() {
    let world = World::start(listening(Setup::signing("2", "s1"))).await;
    let address = admin::address(&world.edge).await;
    let long = "a".repeat(100 * 1024);
    let request = |line: &str, field: &str| format!("{line}\r\n{field}\r\n\r\n").into_bytes();
    let local = format!("Host: {address}");
    let many_fields = "a: b\r\n".repeat(500);
    // The status, or 0 for a connection that is closed without one.
    let rows: [(Vec<u8>, &[u16]); 14] = [
        (request("GET /metrics/ HTTP/1.1", &local), &[404]),
        (request("GET /../etc/passwd HTTP/1.1", &local), &[404]),
        (
            request(
                "POST /metrics HTTP/1.1",
                &format!("{local}\r\nContent-Length: 99999999999"),
            ),
            &[405],
        ),
        (request("DELETE /ready HTTP/1.1", &local), &[405]),
        (
            request("POST /explain?to=a.example HTTP/1.1", &local),
            &[405],
        ),
        (
            request(
                "GET /explain?to=a.example HTTP/1.1",
                "Host: rebound.example",
            ),
            &[421],
        ),
        (
            request("GET /metrics HTTP/1.1", "Host: rebound.example"),
            &[421],
        ),
        (
            request(&format!("GET /{long} HTTP/1.1"), &local),
            &[414, 431, 0],
        ),
        (
            request("GET /live HTTP/1.1", &format!("{local}\r\nx: {long}")),
            &[431, 0],
        ),
        (
            request(
                "GET /live HTTP/1.1",
                &format!("{local}\r\n{many_fields}x: y"),
            ),
            &[431, 0],
        ),
        (request("GET /live HTTP/9.9", &local), &[400, 505, 0]),
        (b"EHLO edge.example\r\n\r\n".to_vec(), &[400, 0]),
        (vec![0xff; 4096], &[400, 0]),
        (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(),
            &[400, 0],
        ),
    ];
    for (octets, expected) in rows {
        let shown = String::from_utf8_lossy(&octets[..octets.len().min(60)]).into_owned();
        let answer = admin::send(address, &octets).await;
        assert!(expected.contains(&answer.status), "{shown:?}: {answer:?}");
    }
    // A request that never ends, from more clients than are answered at once, and one that asks behind them.
    let mut idlers = Vec::new();
    for _ in 0..40 {
        let mut idler = TcpStream::connect(address).await.unwrap();
        idler
            .write_all(b"GET /live HTTP/1.1\r\nHost: ")
            .await
            .unwrap();
        idlers.push(idler);
    }
    let (last, first) = (idlers.pop().unwrap(), idlers.first_mut().unwrap());
    drop(last);
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(PATIENCE, first.read_to_end(&mut rest)).await;
    assert!(
        closed.is_ok(),
        "a request that never ends holds its connection"
    );
    drop(idlers);
    assert_eq!(admin::get(address, "/live").await.status, 200);
    // Mail has not noticed.
    world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
    let arrived = tokio::time::timeout(Duration::from_secs(20), world.partner.arrival(1)).await;
    assert!(arrived.is_ok());
    world.edge.stop().await;
}
