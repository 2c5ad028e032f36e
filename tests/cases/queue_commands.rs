//! `smtp-edge queue`: what an administrator sees of the queue of a running edge, and does with it.

use edge_tests::admin;
use edge_tests::administrator::{ends_with, list, run, socket, with_socket};
use edge_tests::client::RawClient;
use edge_tests::messages;
use edge_tests::mock_mta::{Behaviour, Gate, Step};
use edge_tests::setup::Setup;
use edge_tests::world::{Stage, World};
use serde_json::{Value, json};

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";
const INSIDE: &str = "sam@sales.renovations.com";

fn unsigned() -> Setup {
    Setup::notes("RouterDKIMSigning=0\n")
}

fn refusing() -> Behaviour {
    Behaviour {
        rcpt: Step::reply("450 4.2.1 mailbox busy"),
        ..Behaviour::default()
    }
}

/// A message that the partner has put off; now it would take it.
async fn deferred(world: &World, from: &str) -> String {
    world.partner.behave(refusing());
    let id = world.send(from, &[TO], &messages::plain(from, TO)).await;
    world
        .edge
        .log
        .event("deferred", &[("queue_id", &id), ("to", TO)])
        .await;
    // The round has been recorded when the list says so.
    while list(&world.home, &["--state", "deferred"])
        .await
        .iter()
        .all(|message| message["id"] != id.as_str())
    {}
    world.partner.behave(Behaviour::default());
    id
}

#[tokio::test]
async fn what_is_held_leaves_when_it_is_released() {
    let world = with_socket(unsigned()).await;
    let id = deferred(&world, FROM).await;
    let said = ends_with(
        &world.home,
        0,
        &["queue", "hold", &id, "--reason", "a\nquestion"],
    )
    .await;
    assert_eq!(said, "hold: 1 message\n");
    let order = world
        .edge
        .log
        .event("queue_order", &[("queue_id", &id)])
        .await;
    assert_eq!(order["order"], "hold");
    assert_eq!(order["reason"], "a\\nquestion");
    assert_eq!(order["uid"], rustix::process::getuid().as_raw());
    let attempts = world.partner.transcripts().len();
    let said = ends_with(&world.home, 3, &["queue", "retry", "--all"]).await;
    assert!(said.contains("it is held; release it first"), "{said}");
    // Neither a restart nor a reload releases it.
    let (stage, _) = world.stop().await;
    let world = stage.start().await;
    world.edge.reload().await;
    let held = list(&world.home, &["--state", "held"]).await;
    assert_eq!(held.len(), 1);
    assert_eq!(held[0]["id"], id.as_str());
    assert_eq!(held[0]["next_attempt"], Value::Null);
    assert_eq!(world.partner.transcripts().len(), attempts);
    let said = ends_with(&world.home, 0, &["queue", "release", "--sender", FROM]).await;
    assert_eq!(said, "release: 1 message\n");
    let arrived = world.partner.arrival(1).await;
    assert_eq!(arrived.from, FROM);
    world.settled(&id).await;
    let said = ends_with(&world.home, 4, &["queue", "release", &id]).await;
    assert!(said.contains("not in the queue: 1 message"), "{said}");
}

#[tokio::test]
async fn a_retry_does_not_wait_for_its_time() {
    let world = with_socket(unsigned()).await;
    let id = deferred(&world, FROM).await;
    ends_with(&world.home, 0, &["queue", "retry", "--domain", "PARTNER.*"]).await;
    world.partner.arrival(1).await;
    world.settled(&id).await;
    assert_eq!(list(&world.home, &[]).await, [json!(null); 0]);
}

#[tokio::test]
async fn what_is_deleted_is_gone_without_a_report() {
    let world = with_socket(unsigned()).await;
    let first = deferred(&world, FROM).await;
    let second = deferred(&world, "nina@renovations.com").await;
    let words = ["queue", "delete", "--sender", "rita@*", "--json"];
    let said: Value = serde_json::from_str(&ends_with(&world.home, 0, &words).await).unwrap();
    assert_eq!(
        said,
        json!({"order": "delete", "results": {"done": 1}, "not_done": []})
    );
    world.settled(&first).await;
    let left = list(&world.home, &[]).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["id"], second.as_str());
    let log = &world.edge.log;
    assert_eq!(log.matching("reported", &[]).len(), 0);
    assert_eq!(
        log.matching("accepted", &[("client", "ourselves")]).len(),
        0
    );
    // A kill does not bring it back.
    let (stage, _) = world.kill().await;
    let world = stage.start().await;
    assert_eq!(list(&world.home, &[]).await.len(), 1);
    ends_with(&world.home, 2, &["queue", "delete"]).await; // it has to be said
    assert_eq!(list(&world.home, &[]).await.len(), 1);
    ends_with(&world.home, 0, &["queue", "delete", "--all"]).await;
    assert_eq!(list(&world.home, &[]).await.len(), 0);
    assert_eq!(world.partner.arrived().len(), 0);
}

#[tokio::test]
async fn a_message_goes_to_the_next_hop_that_it_is_given() {
    let world = with_socket(unsigned()).await;
    let id = deferred(&world, FROM).await;
    world.partner.behave(refusing());
    let hop = world.other.address().to_string();
    ends_with(&world.home, 0, &["queue", "requeue", "--to", &hop, &id]).await;
    let arrived = world.other.arrival(1).await;
    assert_eq!(arrived.to(), [TO]);
    world.settled(&id).await;
    assert_eq!(world.partner.arrived().len(), 0);
    // And back to where the settings send it.
    let id = deferred(&world, FROM).await;
    ends_with(&world.home, 0, &["queue", "hold", &id]).await;
    ends_with(&world.home, 0, &["queue", "requeue", "--to", &hop, &id]).await;
    assert_eq!(list(&world.home, &[]).await[0]["next_hop"], hop.as_str());
    let words = ["queue", "requeue", "--to", "settings", &id];
    ends_with(&world.home, 0, &words).await;
    ends_with(&world.home, 0, &["queue", "release", &id]).await;
    world.partner.arrival(1).await;
    assert_eq!(world.other.arrived().len(), 1);
    ends_with(
        &world.home,
        2,
        &["queue", "requeue", "--to", "no host", &id],
    )
    .await;
}

#[tokio::test]
async fn orders_do_not_wait_for_a_destination_that_is_left_alone() {
    let world = with_socket(unsigned()).await;
    world.partner.behave(Behaviour {
        connect: Step::Drop,
        ..Behaviour::default()
    });
    let mut ids = Vec::new();
    while world.edge.log.matching("destination_dead", &[]).is_empty() {
        ids.push(world.send(FROM, &[TO], &messages::plain(FROM, TO)).await);
    }
    let elsewhere = world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
    let there = world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
    let hop = world.other.address().to_string();
    let words = ["queue", "requeue", "--to", &hop, &elsewhere];
    ends_with(&world.home, 0, &words).await;
    world.other.arrival(1).await;
    world.settled(&elsewhere).await;
    world.partner.behave(Behaviour::default());
    ends_with(&world.home, 0, &["queue", "retry", &there]).await;
    world.partner.arrival(1).await;
    world.settled(&there).await;
}

#[tokio::test]
async fn what_is_expired_is_reported() {
    let world = with_socket(unsigned()).await;
    let id = deferred(&world, FROM).await;
    ends_with(&world.home, 0, &["queue", "expire", &id]).await;
    world.settled(&id).await;
    let report = world.report().await.text();
    for part in ["Status: 5.4.7", "Action: failed", "mailbox busy", TO] {
        assert!(report.contains(part), "{part}: {report}");
    }
    assert_eq!(world.partner.arrived().len(), 0);
}

#[tokio::test]
async fn a_list_tells_what_waits_and_why() {
    let world = with_socket(unsigned()).await;
    let first = deferred(&world, FROM).await;
    let second = deferred(&world, "nina@renovations.com").await;
    let ids = async |words: &[&str]| -> Vec<String> {
        let messages = list(&world.home, words).await;
        let id = |message: &Value| message["id"].as_str().unwrap().to_owned();
        messages.iter().map(id).collect()
    };
    assert_eq!(ids(&[]).await, [first.clone(), second.clone()]);
    assert_eq!(ids(&["--sender", "nina@*"]).await, [second.as_str()]);
    assert_eq!(ids(&["--recipient", "*@partner.test"]).await.len(), 2);
    assert_eq!(ids(&["--client", "127.0.0.0/8"]).await.len(), 2);
    assert_eq!(ids(&["--newer-than", "1h"]).await.len(), 2);
    for nothing in [
        ["--sender", "<>"],
        ["--domain", "other.test"],
        ["--client", "ourselves"],
        ["--older-than", "1h"],
        ["--state", "held"],
    ] {
        assert_eq!(ids(&nothing).await, [""; 0], "{nothing:?}");
    }
    ends_with(&world.home, 2, &["queue", "list", "--older-than", "soon"]).await;
    let text = ends_with(&world.home, 0, &["queue", "list"]).await;
    for part in [
        first.as_str(),
        FROM,
        "450 4.2.1 mailbox busy",
        "to client@",
        "2 messages",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let words = ["queue", "show", "--json", &first];
    let shown: Value = serde_json::from_str(&ends_with(&world.home, 0, &words).await).unwrap();
    assert_eq!(shown["recipients"][0]["status"], "4.2.1");
    assert_eq!(shown["attempts"], 1);
    assert_eq!(shown["client"], "127.0.0.1");
    assert!(
        shown["trace"].as_str().unwrap().starts_with("Received: "),
        "{shown}"
    );
    let text = ends_with(&world.home, 0, &["queue", "show", &first]).await;
    assert!(text.contains("signing       default: not_needed"), "{text}");
    ends_with(&world.home, 4, &["queue", "show", "0000000000000"]).await;
    let shape = ends_with(&world.home, 0, &["queue", "shape"]).await;
    let row: Vec<&str> = shape.lines().nth(2).unwrap().split_whitespace().collect();
    assert_eq!(row[..3], ["partner.test", "2", "2"], "{shape}");
    let words = ["queue", "shape", "--by", "sender", "--json"];
    let shape: Value = serde_json::from_str(&ends_with(&world.home, 0, &words).await).unwrap();
    assert_eq!(shape["domains"]["renovations.com"][0], 2);
    // The message itself is what arrives.
    let message = run(&world.home, &["queue", "show", "--message", &first]).await;
    ends_with(&world.home, 0, &["queue", "retry", &first]).await;
    let arrived = world.partner.arrival(1).await;
    assert_eq!(message.stdout.as_bytes(), arrived.data);
}

#[tokio::test]
async fn an_order_waits_for_the_delivery_under_way() {
    let world = with_socket(unsigned()).await;
    let gate = Gate::default();
    world.partner.behave(Behaviour {
        end_of_data: Step::after(&gate),
        ..Behaviour::default()
    });
    let id = world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
    gate.reached().await;
    assert_eq!(list(&world.home, &["--state", "active"]).await.len(), 1);
    let words = ["queue", "delete", "--wait", "0s", &id];
    let said = ends_with(&world.home, 3, &words).await;
    assert!(said.contains("it is being delivered"), "{said}");
    // The one that waits finds that it has left.
    let words = ["queue", "delete", &id];
    let waits = ends_with(&world.home, 4, &words);
    let opens = async {
        gate.open();
        world.settled(&id).await;
    };
    tokio::join!(waits, opens);
    assert_eq!(world.partner.arrived().len(), 1);
    assert_eq!(world.edge.log.matching("queue_order", &[]).len(), 0);
}

#[tokio::test]
async fn a_queue_that_is_drained_takes_nothing_and_runs_empty() {
    let world = with_socket(unsigned()).await;
    let held = deferred(&world, FROM).await;
    ends_with(&world.home, 0, &["queue", "hold", &held]).await;
    let id = deferred(&world, FROM).await;
    let said = ends_with(&world.home, 0, &["queue", "drain"]).await;
    assert!(
        said.starts_with("no new mail is taken; 0 messages left, and 1 held\n"),
        "{said}"
    );
    world.settled(&id).await;
    assert_eq!(world.partner.arrived().len(), 1);
    let ready = admin::get_unix(&socket(&world.home), "/ready").await;
    assert_eq!(ready.status, 503);
    assert!(ready.body.starts_with("draining: "), "{}", ready.body);
    let mut client = RawClient::connect(world.edge.address()).await;
    client.expect("EHLO client.test", 250).await;
    let refused = client.expect(&format!("MAIL FROM:<{FROM}>"), 451).await;
    assert!(refused.text().starts_with("4.3.2 "), "{refused:?}");
    ends_with(&world.home, 0, &["queue", "drain", "--off"]).await;
    client.expect(&format!("MAIL FROM:<{FROM}>"), 250).await;
    let ready = admin::get_unix(&socket(&world.home), "/ready").await;
    assert_eq!(ready.status, 200);
    let states = world.edge.log.matching("draining", &[]);
    let states: Vec<&Value> = states.iter().map(|event| &event["state"]).collect();
    assert_eq!(states, ["on", "off"]);
    // A report that we write ourselves is taken all the same.
    ends_with(&world.home, 0, &["queue", "drain", "--no-wait"]).await;
    ends_with(&world.home, 0, &["queue", "expire", &held]).await;
    world.report().await;
}

#[tokio::test]
async fn the_loopback_address_changes_nothing() {
    let setup = unsigned().with("admin", "listen", "\"127.0.0.1:0\"");
    let world = World::start(setup).await;
    let address = admin::address(&world.edge).await;
    world.internal.behave(refusing());
    let id = world
        .send(FROM, &[INSIDE], &messages::plain(FROM, INSIDE))
        .await;
    world.edge.log.event("deferred", &[]).await;
    let at = address.to_string();
    let asked = |words: &[&str]| {
        let mut all = vec!["queue", "--admin", at.as_str()];
        all.extend(words);
        all.iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    for words in [
        asked(&["delete", "--all"]),
        asked(&["hold", &id]),
        asked(&["drain"]),
        asked(&["show", "--message", &id]),
    ] {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let said = ends_with(&world.home, 77, &words).await;
        assert!(said.contains("unix:/run/smtp-edge/admin.sock"), "{said}");
    }
    // A form on a stranger's page in a browser of this machine.
    for path in [
        format!("/queue/order/delete?ids={id}"),
        "/queue/drain?state=on".to_owned(),
    ] {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://evil.example\r\nContent-Length: 0\r\n\r\n"
        );
        assert_eq!(
            admin::send(address, request.as_bytes()).await.status,
            403,
            "{path}"
        );
        assert_eq!(admin::get(address, &path).await.status, 405, "{path}");
    }
    let listed = asked(&["list", "--json"]);
    let words: Vec<&str> = listed.iter().map(String::as_str).collect();
    let said = ends_with(&world.home, 0, &words).await;
    assert!(said.contains(&id), "{said}");
    let refused = admin::get(address, "/queue?recipent=a").await;
    assert_eq!(
        (refused.status, refused.body.as_str()),
        (400, "there is no parameter recipent\n")
    );
}

#[tokio::test]
async fn monitoring_and_orders_have_a_place_each() {
    let mut stage = Stage::set(unsigned()).await;
    let socket = socket(&stage.home);
    let listen = format!("[\"127.0.0.1:0\", \"unix:{}\"]", socket.display());
    stage.home.change(|setup| {
        setup.set("admin", "listen", &listen);
    });
    let world = stage.start().await;
    let id = deferred(&world, FROM).await;
    ends_with(&world.home, 0, &["queue", "hold", &id]).await; // the socket is asked
    let address = admin::address(&world.edge).await;
    let metrics = admin::Metrics::read(address).await;
    assert_eq!(metrics.value("smtp_edge_queue_held_messages", &[]), 1.0);
    for (order, expected) in [("hold", 1.0), ("delete", 0.0)] {
        let orders = metrics.value("smtp_edge_queue_orders_total", &[("order", order)]);
        assert_eq!(orders, expected, "{order}");
    }
    world.edge.stop().await;
    assert!(!socket.exists());
}

#[tokio::test]
async fn without_a_server_the_command_says_so() {
    let world = with_socket(unsigned()).await;
    let (stage, _) = world.stop().await;
    let said = ends_with(&stage.home, 69, &["queue", "list"]).await;
    assert!(said.contains("nobody answers at unix:"), "{said}");
    assert!(said.contains("systemctl status smtp-edge"), "{said}");
    let world = World::start(unsigned()).await;
    let said = ends_with(&world.home, 78, &["queue", "list"]).await;
    assert!(said.contains("admin.listen"), "{said}");
}
