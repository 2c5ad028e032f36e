//! TLS for clients: STARTTLS, TLS from the first octet, certificates that change, and ends in the middle of a message.

use std::net::SocketAddr;

use edge_tests::client::RawClient;
use edge_tests::log::field;
use edge_tests::messages;
use edge_tests::setup::Setup;
use edge_tests::tls::{self, Authority, Certificate, ClientTls};
use edge_tests::world::{Stage, World};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";

/// A world whose edge has a certificate, and the certificate.
async fn start(setup: Setup) -> (World, Certificate) {
    let mut stage = Stage::set(setup).await;
    let certificate = tls::configure(&mut stage.home);
    (stage.start().await, certificate)
}

fn both() -> Setup {
    Setup::signing("2", "s1").with("listen", "tls_addresses", "[\"127.0.0.1:0\"]")
}

/// Where TLS comes first.
async fn tls_address(world: &World) -> SocketAddr {
    let listening = world.edge.log.event("listening", &[("first", "tls")]).await;
    field(&listening, "address").parse().unwrap()
}

async fn submit(client: &mut RawClient) {
    client.begin_data(FROM, TO).await;
    client.write(&messages::plain(FROM, TO)).await;
    client.expect(".", 250).await;
    client.expect("QUIT", 221).await;
}

/// Whether the connection ends without another octet.
async fn ends_silently(client: RawClient) -> bool {
    let mut rest = Vec::new();
    let mut stream = client.into_transport();
    let _ = stream.read_to_end(&mut rest).await; // a reset is an end, too
    rest.is_empty()
}

#[tokio::test]
async fn starttls_carries_mail_in_both_versions() {
    let (world, certificate) = start(Setup::signing("2", "s1")).await;
    for (number, client_tls) in [
        ClientTls::trusting(&certificate),
        ClientTls::trusting(&certificate).old(),
    ]
    .into_iter()
    .enumerate()
    {
        let mut client = RawClient::connect(world.edge.address()).await;
        let hello = client.expect("EHLO client.renovations.com", 250).await;
        assert!(hello.lines.contains(&"STARTTLS".to_owned()), "{hello:?}");
        let mut client = client.start_tls(client_tls).await;
        let hello = client.expect("EHLO client.renovations.com", 250).await;
        assert!(!hello.lines.contains(&"STARTTLS".to_owned()), "{hello:?}");
        client.expect("STARTTLS", 503).await;
        submit(&mut client).await;
        let arrived = world.partner.arrival(number + 1).await;
        assert!(arrived.values("Received").concat().contains("ESMTPS"));
    }
}

#[tokio::test]
async fn a_session_begins_anew_under_tls() {
    let (world, certificate) = start(Setup::signing("2", "s1")).await;
    let client = RawClient::connect(world.edge.address()).await;
    let mut client = client.start_tls(ClientTls::trusting(&certificate)).await;
    client.expect(&format!("MAIL FROM:<{FROM}>"), 503).await;
    submit(&mut client).await;
}

#[tokio::test]
async fn commands_in_clear_behind_starttls_are_not_obeyed_and_end_the_session() {
    let (world, _) = start(Setup::signing("2", "s1")).await;
    let mut client = RawClient::connect(world.edge.address()).await;
    client.expect("EHLO client.renovations.com", 250).await;
    client.write(b"STARTTLS\r\nRSET\r\n").await;
    let mut codes = Vec::new();
    while let Some(reply) = client.next_reply().await {
        codes.push(reply.code);
    }
    assert_eq!(codes, [421]);
}

#[tokio::test]
async fn tls_from_the_first_octet_carries_mail() {
    let (world, certificate) = start(both()).await;
    let address = tls_address(&world).await;
    let mut client = RawClient::connect_tls(address, ClientTls::trusting(&certificate)).await;
    submit(&mut client).await;
    world.partner.arrival(1).await;
    // Clear text there gets an alert of TLS and the end, and nothing of what it said.
    let mut client = RawClient::open(address).await;
    client.write(b"EHLO client.renovations.com\r\n").await;
    let mut answer = Vec::new();
    let _ = client.into_transport().read_to_end(&mut answer).await;
    assert!(answer.len() < 16, "{answer:?}");
    let reason = [("reason", "handshake")];
    world.edge.log.event("turned_away", &reason).await;
}

#[tokio::test]
async fn without_a_certificate_there_is_no_tls() {
    let world = World::start(Setup::signing("2", "s1")).await;
    let mut client = RawClient::connect(world.edge.address()).await;
    let hello = client.expect("EHLO client.renovations.com", 250).await;
    assert!(!hello.lines.contains(&"STARTTLS".to_owned()), "{hello:?}");
    let reply = client.command("STARTTLS").await;
    assert!((500..600).contains(&reply.code), "{reply:?}");
    // A socket for TLS alone does not open.
    let stage = Stage::set(both()).await;
    let (status, log) = stage.home.start_refused().await;
    assert_eq!(status.code(), Some(78), "{}", log.text());
    assert!(log.text().contains("tls.certificate"), "{}", log.text());
}

/// The beginning of a message under TLS, by DATA or by BDAT.
async fn begin(world: &World, certificate: &Certificate, by: &str) -> RawClient {
    let client = RawClient::connect(world.edge.address()).await;
    let mut client = client.start_tls(ClientTls::trusting(certificate)).await;
    client.expect("EHLO client.renovations.com", 250).await;
    client.expect(&format!("MAIL FROM:<{FROM}>"), 250).await;
    client.expect(&format!("RCPT TO:<{TO}>"), 250).await;
    if by == "DATA" {
        client.expect("DATA", 354).await;
    } else {
        client.write(b"BDAT 100000 LAST\r\n").await;
    }
    client.write(&messages::plain(FROM, TO)).await;
    client
}

#[tokio::test]
async fn close_notify_within_a_message_ends_the_connection_and_clear_text_after_it_is_not_read() {
    let (world, certificate) = start(Setup::signing("2", "s1")).await;
    for by in ["DATA", "BDAT"] {
        let client = begin(&world, &certificate, by).await;
        let stream = client.into_transport().leave_tls().await;
        let mut client = RawClient::over(stream);
        client
            .write(b"\r\n.\r\nMAIL FROM:<rita@renovations.com>\r\nNOOP\r\n")
            .await;
        assert!(ends_silently(client).await, "{by}");
    }
    // What was sent whole arrives, and nothing before it has.
    world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
    world.partner.arrival(1).await;
    assert_eq!(world.edge.log.matching("accepted", &[]).len(), 1);
}

#[tokio::test]
async fn tls_that_is_cut_off_within_a_message_accepts_nothing() {
    let (world, certificate) = start(Setup::signing("2", "s1")).await;
    for by in ["DATA", "BDAT"] {
        let mut client = begin(&world, &certificate, by).await;
        if by == "DATA" {
            client.write(b"\r\n.").await; // one line end short of the end
        }
        drop(client.into_transport().into_clear());
    }
    world.send(FROM, &[TO], &messages::plain(FROM, TO)).await;
    world.partner.arrival(1).await;
    assert_eq!(world.edge.log.matching("accepted", &[]).len(), 1);
}

#[tokio::test]
async fn a_new_certificate_is_shown_without_a_signal_and_a_broken_one_never() {
    let (world, first) = start(both()).await;
    let address = tls_address(&world).await;
    RawClient::connect_tls(address, ClientTls::trusting(&first)).await;
    let second = Certificate::self_signed();
    second.install(&world.home);
    world.edge.log.event("certificate_swapped", &[]).await;
    RawClient::connect_tls(address, ClientTls::trusting(&second)).await;
    tls::write(&world.home, "key.pem", &first.key_pem(), 0o600);
    world.edge.log.event("certificate_unusable", &[]).await;
    RawClient::connect_tls(address, ClientTls::trusting(&second)).await;
    let third = Certificate::self_signed();
    third.install(&world.home);
    world.edge.log.nth(2, "certificate_swapped", &[]).await;
    RawClient::connect_tls(address, ClientTls::trusting(&third)).await;
    let said = world.edge.log.matching("certificate_unusable", &[]);
    assert_eq!(said.len(), 1, "once for each change");
}

#[tokio::test]
async fn a_reload_turns_tls_on_and_refuses_what_cannot_be_used() {
    let mut world = World::start(Setup::signing("2", "s1")).await;
    let certificate = tls::configure(&mut world.home);
    let event = world.edge.reload().await;
    assert_eq!(field(&event, "message"), "reloaded", "{event}");
    let client = RawClient::connect(world.edge.address()).await;
    client.start_tls(ClientTls::trusting(&certificate)).await;
    tls::write(&world.home, "key.pem", "not a key", 0o600);
    let event = world.edge.reload().await;
    assert_eq!(field(&event, "message"), "reload_failed");
    assert!(field(&event, "why").contains("key.pem"), "{event}");
    let client = RawClient::connect(world.edge.address()).await;
    client.start_tls(ClientTls::trusting(&certificate)).await;
}

#[tokio::test]
async fn a_key_that_others_can_read_is_refused() {
    let mut stage = Stage::set(both()).await;
    let certificate = tls::configure(&mut stage.home);
    tls::write(&stage.home, "key.pem", &certificate.key_pem(), 0o644);
    let (status, log) = stage.home.start_refused().await;
    assert_eq!(status.code(), Some(78), "{}", log.text());
    assert!(log.text().contains("chmod"), "{}", log.text());
    let (status, printed) = stage.home.check().await;
    assert_eq!(status, Some(78), "{printed}");
}

#[tokio::test]
async fn a_certificate_is_required_of_clients_only_when_the_settings_say_so() {
    let mut stage = Stage::set(both()).await;
    let server = tls::configure(&mut stage.home);
    let authority = Authority::new();
    tls::write(&stage.home, "clients.pem", authority.pem(), 0o644);
    let path = format!("{:?}", stage.home.path().join("clients.pem"));
    stage.home.change(|setup| {
        setup.set("tls", "client_ca", &path);
    });
    let mut world = stage.start().await;
    let address = tls_address(&world).await;
    let known = authority.issue("client.renovations.com");
    let stranger = Certificate::self_signed();
    let client = || ClientTls::trusting(&server);
    for client_tls in [
        client(),
        client().showing(&known),
        client().showing(&stranger),
    ] {
        RawClient::connect_tls(address, client_tls).await;
    }
    world.home.change(|setup| {
        setup.set("tls", "require_client_certificate", "true");
    });
    world.edge.reload().await;
    RawClient::connect_tls(address, client().showing(&known)).await;
    for client_tls in [client(), client().showing(&stranger)] {
        // With TLS 1.3 the client has finished before it hears of it.
        let stream = TcpStream::connect(address).await.unwrap();
        if let Ok(mut stream) = client_tls.connect(stream).await {
            let mut greeting = Vec::new();
            let read = stream.read_to_end(&mut greeting).await;
            assert!(read.is_err(), "{read:?}");
            assert!(greeting.is_empty());
        }
    }
    world
        .edge
        .log
        .nth(2, "turned_away", &[("reason", "handshake")])
        .await;
}

#[tokio::test]
async fn a_listed_certificate_may_relay_from_anywhere_and_another_may_not() {
    let mut stage = Stage::set(Setup::signing("2", "s1").with(
        "router",
        "relay_networks",
        "[\"192.0.2.0/24\"]",
    ))
    .await;
    let server = tls::configure(&mut stage.home);
    let listed = Certificate::self_signed();
    let fingerprint = format!("[{:?}]", listed.fingerprint());
    stage.home.change(|setup| {
        setup.set("router", "relay_certificates", &fingerprint);
    });
    let world = stage.start().await;
    let stranger = Certificate::self_signed();
    for (own, code) in [(Some(&listed), 250), (Some(&stranger), 550), (None, 550)] {
        let mut client_tls = ClientTls::trusting(&server);
        if let Some(own) = own {
            client_tls = client_tls.showing(own);
        }
        let client = RawClient::connect(world.edge.address()).await;
        let mut client = client.start_tls(client_tls).await;
        client.expect("EHLO client.renovations.com", 250).await;
        client.expect(&format!("MAIL FROM:<{FROM}>"), 250).await;
        client.expect(&format!("RCPT TO:<{TO}>"), code).await;
    }
}

#[tokio::test]
async fn a_client_that_wants_another_protocol_is_refused() {
    let (world, server) = start(both()).await;
    let address = tls_address(&world).await;
    for (protocol, taken) in [("smtp", true), ("http/1.1", false), ("h2", false)] {
        let stream = TcpStream::connect(address).await.unwrap();
        let client_tls = ClientTls::trusting(&server).wanting(protocol);
        assert_eq!(
            client_tls.connect(stream).await.is_ok(),
            taken,
            "{protocol}"
        );
    }
}

#[tokio::test]
async fn tls_on_a_port_for_clear_text_is_turned_away_at_once() {
    let (world, server) = start(both()).await;
    let stream = TcpStream::connect(world.edge.address()).await.unwrap();
    assert!(ClientTls::trusting(&server).connect(stream).await.is_err());
    let mut client = RawClient::connect(world.edge.address()).await;
    client.write(b"\x16").await; // however little of it comes
    assert!(ends_silently(client).await);
    let reason = [("reason", "other_protocol")];
    world.edge.log.nth(2, "turned_away", &reason).await;
}

#[tokio::test]
async fn a_handshake_that_does_not_go_on_is_given_up() {
    let setup = both().with("smtp", "command_timeout", "\"1s\"");
    let (world, _) = start(setup).await;
    let mut client = RawClient::open(tls_address(&world).await).await;
    client.write(b"\x16\x03\x01\x02\x00\x01").await;
    assert!(ends_silently(client).await);
    let event = world
        .edge
        .log
        .event("turned_away", &[("reason", "handshake")])
        .await;
    assert!(field(&event, "why").contains("too long"), "{event}");
}

#[tokio::test]
async fn sockets_that_systemd_names_smtps_are_for_tls() {
    let mut stage = Stage::set(Setup::signing("2", "s1")).await;
    let server = tls::configure(&mut stage.home);
    let hand_over = "for number in (3, 4):\n\
                     \x20   listener = socket.create_server(('127.0.0.1', 0))\n\
                     \x20   os.dup2(listener.fileno(), number + 10)\n\
                     for number in (3, 4):\n\
                     \x20   os.dup2(number + 10, number)\n\
                     \x20   os.set_inheritable(number, True)\n\
                     os.environ.update(LISTEN_FDS='2', LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES='smtp:smtps')";
    let edge = stage
        .home
        .start_by(stage.home.command_behind(hand_over))
        .await;
    let listening = edge.log.event("listening", &[("first", "tls")]).await;
    let address = field(&listening, "address").parse().unwrap();
    RawClient::connect(edge.address()).await;
    RawClient::connect_tls(address, ClientTls::trusting(&server)).await;
    edge.stop().await;
}

#[tokio::test]
async fn the_end_of_the_server_does_not_wait_for_handshakes() {
    let (world, _) = start(both()).await;
    let silent = RawClient::open(tls_address(&world).await).await;
    let mut midway = RawClient::connect(world.edge.address()).await;
    midway.expect("EHLO client.renovations.com", 250).await;
    midway.expect("STARTTLS", 220).await;
    let (_, log) = world.stop().await;
    assert!(!log.text().contains("cut off"), "{}", log.text());
    drop((silent, midway));
}
