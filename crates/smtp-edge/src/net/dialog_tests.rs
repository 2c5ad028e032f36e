//! The conversations of `tests/dialogs/`, held over TCP.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::budget::{Budget, Share};
use super::connection::{Connection, Service};
use super::stream::Stream;
use super::tls::Tls;
use crate::clock::Clock;
use crate::ids::QueueIds;
use crate::intake::Intake;
use crate::queue;
use crate::signing::in_force::InForce;
use crate::signing::self_check::tests::no_dns;
use crate::signing::step::SigningStep;
use crate::smtp::sasl::sample::SampleUsers;
use crate::smtp::server::tests::dialogs::{Dialog, Scene, dialogs};
use crate::smtp::timers::Timers;
use crate::spool::memory::MemorySpool;

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn over_tcp() {
    for dialog in &dialogs() {
        let scene = Scene::set(dialog);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let (client, server) = tokio::join!(client, listener.accept());
        let (stream, _) = server.unwrap();
        let (handle, inbox) = queue::channel();
        let (stop, stopping) = watch::channel(false);
        let service = service(&scene, handle, stopping).await;
        let memory = || Arc::new(Budget::new(1 << 20));
        let share = Share::new(memory(), memory());
        let stream = Stream::Clear(stream);
        let serving = Connection::new(stream, scene.open(), share, &service).serve();
        let (spoken, served) = tokio::join!(speak(dialog, client.unwrap()), serving);
        served.unwrap_or_else(|error| panic!("{}: {error}", dialog.name));
        drop((spoken, inbox, stop));
    }
}

/// The client's side.
async fn speak(dialog: &Dialog, stream: TcpStream) {
    let mut stream = BufReader::new(stream);
    for turn in &dialog.turns {
        stream.write_all(&turn.said).await.unwrap();
        let mut output = String::new();
        for _ in &turn.answers {
            let read = tokio::time::timeout(PATIENCE, stream.read_line(&mut output)).await;
            assert!(
                matches!(read, Ok(Ok(octets)) if octets > 0),
                "{}: no more after {output}",
                dialog.name
            );
        }
        dialog.check(turn, &output, "over TCP");
    }
    if !dialog.ends {
        stream.shutdown().await.unwrap();
    }
    let mut rest = String::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_line(&mut rest)).await;
    read.unwrap_or_else(|_| panic!("{}: the connection stays open", dialog.name))
        .unwrap();
    assert_eq!(rest, "", "{}", dialog.name);
}

async fn service(
    scene: &Scene,
    queue: queue::QueueHandle,
    stopping: watch::Receiver<bool>,
) -> Service {
    let clock = Clock::system();
    let router = Arc::clone(&scene.router);
    let in_force = InForce::load(router, scene.settings.key_source());
    let intake = Intake {
        hostname: scene.session.hostname.clone(),
        limits: scene.settings.smtp.clone(),
        form: scene.settings.message.clone(),
        spool: Arc::new(MemorySpool::default()),
        queue,
        signing: Arc::new(SigningStep::new(
            in_force.await.unwrap(),
            no_dns(),
            clock.clone(),
        )),
        ids: QueueIds::default(),
        clock,
    };
    Service {
        intake: Arc::new(intake),
        users: Arc::new(SampleUsers),
        tls: Arc::new(Tls::new(Tls::prepare(None).unwrap(), Clock::system())),
        timers: Timers {
            command: PATIENCE,
            data: PATIENCE,
            message: PATIENCE,
            least_rate: 0,
        },
        stopping,
    }
}
