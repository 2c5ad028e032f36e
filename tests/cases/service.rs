//! What a service manager sees: readiness, reloads, sockets handed over, an orderly end.

use std::os::unix::net::UnixDatagram;
use std::path::Path;

use edge_tests::client;
use edge_tests::messages;
use edge_tests::mock_mta::PATIENCE;
use edge_tests::setup::Setup;
use edge_tests::world::Stage;

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";

/// The states that the edge has told so far, up to the one that holds `last`.
fn told(socket: &UnixDatagram, last: &str) -> Vec<String> {
    let mut all = Vec::new();
    while !all.iter().any(|state: &String| state.contains(last)) {
        let mut buffer = [0; 512];
        let length = socket.recv(&mut buffer).expect("a state in time");
        all.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
    }
    all
}

fn notify_socket(path: &Path) -> UnixDatagram {
    let socket = UnixDatagram::bind(path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

#[tokio::test]
async fn it_hears_of_readiness_reloads_and_the_end() {
    let stage = Stage::set(Setup::signing("2", "s1")).await;
    let path = stage.home.path().join("notify");
    let socket = notify_socket(&path);
    let mut command = stage.home.command("run");
    command.env("NOTIFY_SOCKET", &path);
    let edge = stage.home.start_by(command).await;
    assert_eq!(told(&socket, "READY=1").len(), 1);
    edge.reload().await;
    let states = told(&socket, "READY=1").concat();
    assert!(states.contains("RELOADING=1"), "{states}");
    assert!(states.contains("MONOTONIC_USEC="), "{states}");
    edge.stop().await;
    told(&socket, "STOPPING=1");
}

#[tokio::test]
async fn sockets_that_it_hands_over_take_the_place_of_the_settings() {
    let mut stage = Stage::set(Setup::signing("2", "s1")).await;
    // An address that the edge could not listen on itself.
    stage.home.change(|setup| {
        setup.set("listen", "addresses", "[\"192.0.2.1:25\"]");
    });
    let hand_over = "listener = socket.create_server(('127.0.0.1', 0))\n\
                     os.dup2(listener.fileno(), 3)\n\
                     os.set_inheritable(3, True)\n\
                     os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))";
    let edge = stage
        .home
        .start_by(stage.home.command_behind(hand_over))
        .await;
    client::submit(edge.address(), FROM, &[TO], &messages::plain(FROM, TO)).await;
    stage.partner.arrival(1).await;
    edge.stop().await;
}

#[tokio::test]
async fn an_address_that_cannot_be_had_is_named() {
    let mut stage = Stage::set(Setup::signing("2", "s1")).await;
    stage.home.change(|setup| {
        setup.set("listen", "addresses", "[\"192.0.2.1:25\"]");
    });
    let (status, log) = stage.home.start_refused().await;
    assert_eq!(status.code(), Some(1), "{}", log.text());
    assert!(log.text().contains("192.0.2.1:25"), "{}", log.text());
}

#[tokio::test]
async fn the_log_can_be_text() {
    let stage = Stage::set(Setup::signing("2", "s1").with("log", "format", "\"text\"")).await;
    let (status, printed) = stage.home.check().await;
    assert_eq!(status, Some(0), "{printed}");
    let mut stage = stage;
    stage.home.change(|setup| {
        setup.set("listen", "addresses", "[\"192.0.2.1:25\"]");
    });
    let (_, log) = stage.home.start_refused().await;
    assert!(log.text().contains("not_started"), "{}", log.text());
}
