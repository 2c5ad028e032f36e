//! Behind a proxy: the client is whom the PROXY header names, and the proxy's own address gives nobody anything.

use std::net::SocketAddr;

use edge_tests::client::RawClient;
use edge_tests::log::field;
use edge_tests::messages;
use edge_tests::setup::Setup;
use edge_tests::tls::{self, ClientTls};
use edge_tests::world::{Stage, World};

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";

const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// An edge behind a proxy on loopback, which lets a network relay, and loopback as well.
fn behind_a_proxy() -> Setup {
    Setup::signing("2", "s1")
        .with("listen", "proxy_from", "[\"127.0.0.0/8\"]")
        .with(
            "router",
            "relay_networks",
            "[\"127.0.0.0/8\", \"192.0.2.0/24\", \"2001:db8::/32\"]",
        )
}

fn v1(client: &str) -> Vec<u8> {
    let (family, server) = if client.contains(':') {
        ("TCP6", "2001:db8::25")
    } else {
        ("TCP4", "198.51.100.25")
    };
    format!("PROXY {family} {client} {server} 40000 25\r\n").into_bytes()
}

/// A header of version 2 for IPv4, with a TLV behind the addresses.
fn v2(client: [u8; 4]) -> Vec<u8> {
    let ports_and_name = b"\x9c\x40\0\x19\x02\0\x03abc";
    let length = [0, 8 + u8::try_from(ports_and_name.len()).unwrap()];
    [
        V2,
        b"\x21\x11",
        &length,
        &client,
        &[198, 51, 100, 25],
        ports_and_name,
    ]
    .concat()
}

/// A client that comes with this header, greeted.
async fn connect(edge: SocketAddr, header: &[u8]) -> RawClient {
    let mut client = RawClient::open(edge).await;
    client.write(header).await;
    assert_eq!(client.reply().await.code, 220);
    client
}

/// The reply to a recipient outside.
async fn recipient(client: &mut RawClient) -> u16 {
    client.expect("EHLO client.renovations.com", 250).await;
    client.expect(&format!("MAIL FROM:<{FROM}>"), 250).await;
    client.command(&format!("RCPT TO:<{TO}>")).await.code
}

#[tokio::test]
async fn the_client_is_whom_the_header_names() {
    let world = World::start(behind_a_proxy()).await;
    let rows = [
        (v1("192.0.2.7"), "192.0.2.7"),
        (v1("2001:db8::7"), "2001:db8::7"),
        (v2([192, 0, 2, 8]), "192.0.2.8"),
    ];
    for (number, (header, address)) in rows.into_iter().enumerate() {
        let mut client = connect(world.edge.address(), &header).await;
        client.begin_data(FROM, TO).await;
        client.write(&messages::plain(FROM, TO)).await;
        client.expect(".", 250).await;
        let client = [("client", address)];
        world.edge.log.event("accepted", &client).await;
        let arrived = world.partner.arrival(number + 1).await;
        let received = arrived.values("Received").concat();
        assert!(received.contains(address), "{received}");
        assert!(!received.contains("127.0.0.1"), "{received}");
    }
    for header in [v1("203.0.113.7"), v2([203, 0, 113, 7])] {
        let mut client = connect(world.edge.address(), &header).await;
        assert_eq!(recipient(&mut client).await, 550);
    }
    let refused = [("client", "203.0.113.7")];
    world.edge.log.nth(2, "rejected", &refused).await;
}

#[tokio::test]
async fn a_header_may_come_in_pieces_and_with_the_client_close_behind() {
    let world = World::start(behind_a_proxy()).await;
    for header in [v1("192.0.2.7"), v2([192, 0, 2, 7])] {
        let mut client = RawClient::open(world.edge.address()).await;
        for octet in &header {
            client.write(&[*octet]).await;
        }
        client.write(b"NOOP\r\n").await;
        assert_eq!(client.reply().await.code, 220);
        assert_eq!(client.reply().await.code, 250);
        client.expect("QUIT", 221).await;
    }
}

#[tokio::test]
async fn a_proxy_without_a_header_is_not_served() {
    let setup = behind_a_proxy().with("smtp", "command_timeout", "\"1s\"");
    let world = World::start(setup).await;
    let rows: [(&[u8], &str); 4] = [
        (b"EHLO client.renovations.com\r\n", "malformed"),
        (b"PROXY TCP4 192.0.2.7\r\n", "malformed"),
        (b"", "in time"),
        (b"PROXY TCP4 192.0.2.7 198.51", "in time"),
    ];
    for (number, (sent, why)) in rows.into_iter().enumerate() {
        let mut client = RawClient::open(world.edge.address()).await;
        client.write(sent).await;
        assert_eq!(client.next_reply().await, None, "{why}");
        let reason = [("reason", "proxy")];
        let event = world.edge.log.nth(number + 1, "turned_away", &reason).await;
        assert!(field(&event, "why").contains(why), "{event}");
    }
}

#[tokio::test]
async fn a_header_that_claims_loopback_gives_no_trust() {
    let world = World::start(behind_a_proxy()).await;
    for header in [
        v1("127.0.0.1"),
        v2([127, 0, 0, 1]),
        v1("::1"),
        v1("::ffff:127.0.0.1"),
    ] {
        let mut client = RawClient::open(world.edge.address()).await;
        client.write(&header).await;
        assert_eq!(client.next_reply().await, None);
    }
    world
        .edge
        .log
        .nth(4, "turned_away", &[("reason", "proxy")])
        .await;
}

#[tokio::test]
async fn a_proxy_that_speaks_for_nobody_is_greeted_and_may_not_relay() {
    let world = World::start(behind_a_proxy()).await;
    let local = [V2, b"\x20\0\0\0"].concat();
    for header in [&local[..], b"PROXY UNKNOWN\r\n"] {
        let mut client = connect(world.edge.address(), header).await;
        assert_eq!(recipient(&mut client).await, 550);
    }
}

#[tokio::test]
async fn a_header_of_anybody_else_is_no_command() {
    let setup = Setup::signing("2", "s1")
        .with("listen", "proxy_from", "[\"192.0.2.1\"]")
        .with("router", "relay_networks", "[\"192.0.2.0/24\"]");
    let world = World::start(setup).await;
    let mut client = RawClient::connect(world.edge.address()).await;
    client
        .expect("PROXY TCP4 192.0.2.7 198.51.100.25 40000 25", 500)
        .await;
    assert_eq!(recipient(&mut client).await, 550);
    // Version 2 is five lines that are none, and the QUIT in it is not obeyed.
    let mut client = RawClient::connect(world.edge.address()).await;
    client.write(&[V2, b"\x20\0\0\0\r\n"].concat()).await;
    for _ in 0..5 {
        assert_eq!(client.reply().await.code, 500);
    }
    assert_eq!(recipient(&mut client).await, 550);
}

#[tokio::test]
async fn the_header_comes_before_tls() {
    let mut stage =
        Stage::set(behind_a_proxy().with("listen", "tls_addresses", "[\"127.0.0.1:0\"]")).await;
    let server = tls::configure(&mut stage.home);
    let world = stage.start().await;
    let listening = world.edge.log.event("listening", &[("first", "tls")]).await;
    let address = field(&listening, "address").parse().unwrap();
    for header in [v1("192.0.2.7"), v2([192, 0, 2, 7])] {
        let mut client = RawClient::open(address).await;
        client.write(&header).await;
        let mut client = client.handshake(ClientTls::trusting(&server)).await;
        assert_eq!(client.reply().await.code, 220);
        assert_eq!(recipient(&mut client).await, 250);
    }
    // And with STARTTLS it comes before the greeting, and TLS after it.
    let client = connect(world.edge.address(), &v1("192.0.2.7")).await;
    let mut client = client.start_tls(ClientTls::trusting(&server)).await;
    assert_eq!(recipient(&mut client).await, 250);
}

#[tokio::test]
async fn proxies_that_are_everybody_are_an_open_relay() {
    for setting in ["proxy_from", "xclient_from"] {
        let everybody = "[\"0.0.0.0/1\", \"128.0.0.0/1\"]";
        let stage = Stage::set(Setup::signing("2", "s1").with("listen", setting, everybody)).await;
        let (status, log) = stage.home.start_refused().await;
        assert_eq!(status.code(), Some(78), "{}", log.text());
        assert!(log.text().contains(setting), "{}", log.text());
        let (status, printed) = stage.home.check().await;
        assert_eq!(status, Some(78), "{printed}");
    }
}
