//! What the edge makes of messages whose form would not survive the next hop: they arrive in 7-bit text and short lines, mean
//! what they meant, and every judge passes them. What must not be touched arrives octet for octet.

use edge_tests::admin::{self, Metrics};
use edge_tests::client::{self, Reply};
use edge_tests::log::field;
use edge_tests::messages;
use edge_tests::mime::leaves;
use edge_tests::mock_mta::{Arrived, Behaviour, Extensions};
use edge_tests::setup::Setup;
use edge_tests::world::World;

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";
const KEY: &str = "s1._domainkey.renovations.com";

/// A world whose partner has no 8BITMIME.
async fn old_world(setup: Setup) -> World {
    let world = World::start(setup).await;
    world.partner.behave(Behaviour {
        extensions: Extensions {
            eight_bit_mime: false,
            ..Extensions::default()
        },
        ..Behaviour::default()
    });
    world
}

async fn submit(world: &World, message: &[u8]) -> Reply {
    let lines = message.split_inclusive(|octet| *octet == b'\n');
    let stuffing = |line: &[u8]| if line.starts_with(b".") { "." } else { "" };
    let stuffed: Vec<u8> = lines
        .flat_map(|line| [stuffing(line).as_bytes(), line].concat())
        .collect();
    client::submit_bytes(world.edge.address(), FROM, TO, &stuffed).await
}

/// Sends it, requires a 250, and gives the queue id.
async fn accepted(world: &World, message: &[u8]) -> String {
    let reply = submit(world, message).await;
    assert_eq!(reply.code, 250, "{reply:?}");
    let id = reply.text().rsplit(' ').next().unwrap();
    id.to_owned()
}

/// A message with these fields behind the usual ones.
fn message(fields: &str, body: &[u8]) -> Vec<u8> {
    let plain = messages::with_from(FROM, TO, "");
    let header = plain.strip_suffix(b"\r\n").unwrap();
    [header, fields.as_bytes(), b"\r\n", body].concat()
}

const MIME: &str = "MIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\nContent-Type: ";

/// Messages that a hop without 8BITMIME could not be given, or might break, and some that it could.
fn mixed_bag() -> Vec<(&'static str, Vec<u8>)> {
    let parts = "A preamble.\r\n--b\r\nContent-Type: multipart/alternative; boundary=b1\r\n\r\n\
                 --b1\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nDie Küche. \r\n.\r\nFrom hier\r\n-- \r\nRita\r\n\
                 --b1\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Die Küche</p>\r\n--b1--\r\n\
                 --b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--b--\r\n";
    let octets: Vec<u8> = (1..=255).filter(|octet| !b"\r\n".contains(octet)).collect();
    let long = "<p>The kitchen is done.</p> ".repeat(200);
    let one_line = format!("{}\r\n", "QUJDREVG".repeat(500));
    let base64 =
        "MIME-Version: 1.0\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n";
    let many: Vec<String> = (0..100)
        .map(|number| format!("<{number}.kitchen@renovations.com>"))
        .collect();
    vec![
        ("text", messages::eight_bit(FROM, TO)),
        (
            "parts",
            message(
                &format!("{MIME}multipart/mixed; boundary=b\r\n"),
                parts.as_bytes(),
            ),
        ),
        (
            "octets",
            message(
                &format!("{MIME}application/octet-stream\r\n"),
                &[&octets[..], b"\r\n"].concat(),
            ),
        ),
        (
            "cyrillic",
            message(
                &format!("{MIME}text/plain; charset=utf-8\r\n"),
                "Кухня готова.\r\n".repeat(9).as_bytes(),
            ),
        ),
        (
            "long lines",
            message(
                &format!("{MIME}text/html\r\n"),
                format!("{long}\r\n").as_bytes(),
            ),
        ),
        ("base64 in one line", message(base64, one_line.as_bytes())),
        (
            "a long header",
            message(&format!("References: {}\r\n", many.join(" ")), b"Done.\r\n"),
        ),
        ("nothing to mend", messages::multipart(FROM, TO)),
    ]
}

/// Requires a message that every hop can carry.
fn assert_carried(what: &str, arrived: &Arrived) {
    assert!(arrived.data.is_ascii(), "{what}: {}", arrived.text());
    for line in arrived.text().split("\r\n") {
        assert!(
            line.len() <= 998 && !line.contains(['\r', '\n']),
            "{what}: {line}"
        );
    }
    assert!(
        !arrived
            .parameters
            .iter()
            .any(|word| word.contains("8BITMIME")),
        "{what}"
    );
}

#[tokio::test]
async fn what_a_hop_might_convert_is_converted_before_it_is_signed() {
    let world = old_world(Setup::signing("2", "s1")).await;
    for (number, (what, message)) in mixed_bag().into_iter().enumerate() {
        accepted(&world, &message).await;
        let arrived = world.partner.arrival(number + 1).await;
        assert_carried(what, &arrived);
        assert_eq!(
            leaves(&arrived.data).await,
            leaves(&message).await,
            "{what}"
        );
        world.assert_signed(&arrived, &[KEY]).await;
    }
}

#[tokio::test]
async fn text_of_before_mime_gets_a_charset() {
    let world = old_world(Setup::signing("2", "s1")).await;
    for (number, (body, charset)) in [
        ("Die Küche\r\n".as_bytes(), "utf-8"),
        (&b"Die K\xfcche\r\n"[..], "unknown-8bit"),
    ]
    .into_iter()
    .enumerate()
    {
        accepted(&world, &message("", body)).await;
        let arrived = world.partner.arrival(number + 1).await;
        assert_carried(charset, &arrived);
        let leaves = leaves(&arrived.data).await;
        assert_eq!(leaves[0][0], "text/plain");
        assert_eq!(leaves[0][1], charset);
        assert_eq!(
            leaves,
            self::leaves(&message(
                &format!("{MIME}text/plain; charset={charset}\r\n"),
                body
            ))
            .await
        );
        world.assert_signed(&arrived, &[KEY]).await;
    }
}

/// Messages in which not one octet may change.
fn sealed() -> Vec<Vec<u8>> {
    let signed = "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nDie Küche\r\n--b\r\n\
                  Content-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n";
    let forwarded = "--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: <ann@partner.test>\r\n\r\nDie Küche\r\n--b--\r\n";
    let kind = |kind: &str| format!("{MIME}{kind}; boundary=b\r\n");
    vec![
        message(&kind("multipart/signed"), signed.as_bytes()),
        message(&kind("multipart/encrypted"), signed.as_bytes()),
        message(&kind("multipart/mixed"), forwarded.as_bytes()),
        message(
            "ARC-Message-Signature: i=1; a=rsa-sha256\r\n",
            "Die Küche\r\n".as_bytes(),
        ),
    ]
}

#[tokio::test]
async fn what_is_signed_encrypted_or_a_message_of_its_own_stays_octet_for_octet() {
    let world = World::start(Setup::signing("2", "s1")).await;
    for (number, message) in sealed().iter().enumerate() {
        accepted(&world, message).await;
        let arrived = world.partner.arrival(number + 1).await;
        assert!(arrived.data.ends_with(message), "{}", arrived.text());
        world.assert_signed(&arrived, &[KEY]).await;
    }
    let old = old_world(Setup::signing("2", "s1")).await;
    for message in sealed() {
        let id = accepted(&old, &message).await;
        assert_eq!(old.logged(&id, "failed", "status").await, "5.6.3");
    }
}

#[tokio::test]
async fn a_signature_that_is_there_survives() {
    let first =
        World::start(Setup::signing("2", "s1").with("message", "eight_bit", "\"pass\"")).await;
    accepted(&first, &messages::eight_bit(FROM, TO)).await;
    let signed = first.partner.arrival(1).await;
    assert!(!signed.data.is_ascii());
    first.assert_signed(&signed, &[KEY]).await;
    // A second edge, which would re-encode the message had nobody signed it.
    let second = World::start(Setup::notes("RouterDKIMSigning=0\n")).await;
    accepted(&second, &signed.data).await;
    let arrived = second.partner.arrival(1).await;
    assert!(arrived.data.ends_with(&signed.data), "{}", arrived.text());
    first.assert_signed(&arrived, &[KEY]).await;
}

#[tokio::test]
async fn what_cannot_be_mended_is_refused_with_its_reason() {
    let world = World::start(Setup::signing("2", "s1")).await;
    let word = "x".repeat(1000);
    let sealed = format!("Content-Type: message/rfc822\r\n\r\n{word}\r\n");
    let fields = "X: y\r\n".repeat(1001);
    for (code, text, message) in [
        (
            554,
            "5.6.0 a header line is over 998 octets and cannot be folded",
            message(&format!("X: {word}\r\n"), b""),
        ),
        (
            554,
            "5.6.5 a line is over 998 octets and cannot be re-encoded",
            sealed.into_bytes(),
        ),
        (
            550,
            "5.6.0 the message has more than one From field",
            message("From: <ann@renovations.com>\r\n", b""),
        ),
        (552, "5.3.4 message header too big", message(&fields, b"")),
        (
            554,
            "5.6.0 the message is malformed",
            message("", b"\0\r\n"),
        ),
    ] {
        let reply = submit(&world, &message).await;
        assert_eq!((reply.code, reply.text()), (code, text));
        let reply = format!("{code} {text}");
        world.edge.log.event("rejected", &[("reply", &reply)]).await;
    }
    let (_, log) = world.stop().await;
    assert_eq!(
        log.matching("accepted", &[]),
        Vec::<serde_json::Value>::new()
    );
}

#[tokio::test]
async fn the_settings_decide_what_is_refused_added_and_passed() {
    let setup = Setup::signing("2", "s1")
        .with("admin", "listen", "\"127.0.0.1:0\"")
        .with("smtp", "max_header_fields", "8")
        .with("message", "bare_line_ends", "\"refuse\"")
        .with("message", "long_lines", "\"mend_or_pass\"")
        .with("message", "missing_from", "\"add\"")
        .with("message", "missing_date", "\"pass\"")
        .with("message", "missing_message_id", "\"refuse\"")
        .with("message", "duplicate_fields", "\"refuse\"");
    let world = World::start(setup).await;
    let refused = async |text: &str, message: &[u8]| {
        assert_eq!(submit(&world, message).await.text(), text);
    };
    refused(
        "5.6.0 the message holds bare CR or LF",
        &message("", b"a\nb\r\n"),
    )
    .await;
    refused(
        "5.6.0 the message has no Message-ID field",
        b"From: <rita@renovations.com>\r\n\r\n",
    )
    .await;
    refused(
        "5.6.0 the message has more than one Subject field",
        &message("Subject: x\r\n", b""),
    )
    .await;
    refused(
        "5.3.4 message header too big",
        &message(&"X: y\r\n".repeat(4), b""),
    )
    .await;

    let long = "x".repeat(1000);
    let plain =
        format!("Message-ID: <a@b>\r\nContent-Type: message/rfc822\r\n\r\nX: {long}\r\n\r\nÜ\r\n");
    let id = accepted(&world, plain.as_bytes()).await;
    assert_eq!(world.logged(&id, "mended", "what").await, "from_added");
    let arrived = world.partner.arrival(1).await;
    assert_eq!(arrived.values("From"), ["<rita@renovations.com>"]);
    assert!(arrived.values("Date").is_empty(), "{}", arrived.text());
    assert!(
        arrived.text().ends_with(&format!("X: {long}\r\n\r\nÜ\r\n")),
        "{}",
        arrived.text()
    );
    world.assert_signed(&arrived, &[KEY]).await;

    let metrics = Metrics::read(admin::address(&world.edge).await).await;
    let mended = |what: &str| metrics.value("smtp_edge_mended_total", &[("what", what)]);
    assert_eq!((mended("from_added"), mended("reencoded")), (1.0, 0.0));
}

#[tokio::test]
async fn what_was_mended_is_in_the_log() {
    let world = World::start(Setup::signing("2", "s1")).await;
    let long = "kitchen ".repeat(200);
    let message = format!("From: <{FROM}>\nTo: <{TO}>\nTo: <{TO}>\nX: {long}\n\nDie Küche\n");
    let id = accepted(&world, format!("{message}\r\n").as_bytes()).await;
    let event = world.edge.log.event("mended", &[("queue_id", &id)]).await;
    assert_eq!(
        field(&event, "what"),
        "bare_line_ends,duplicates_dropped,folded,reencoded"
    );
    let arrived = world.partner.arrival(1).await;
    assert_eq!(arrived.values("X"), [long.trim()]);
    assert_eq!(arrived.values("To").len(), 1);
    world.assert_signed(&arrived, &[KEY]).await;
}
