//! Imitations of the outside for tests: scripted hosts and a small DNS, on loopback addresses.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use hickory_resolver::proto::op::{Message, OpCode, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, CNAME, MX};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufStream};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// One step of a host's script for one connection.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Sends these octets.
    Say(Vec<u8>),
    /// Reads a line, which must begin so.
    Hear(&'static str),
    /// Reads the data up to the final dot.
    HearData,
    /// Does the server's side of a TLS handshake; all that follows is encrypted.
    Encrypt,
    /// Closes the connection now. Without this, what still comes is read to its end.
    Close,
}

/// Sends text.
pub(crate) fn say(text: &str) -> Step {
    Step::Say(text.as_bytes().to_vec())
}

pub(crate) use Step::{Close, Encrypt, Hear, HearData};

/// A script from its parts.
pub(crate) fn script(parts: &[&[Step]]) -> Vec<Step> {
    parts.concat()
}

/// A greeting, and EHLO answered with these extensions.
pub(crate) fn greet(extensions: &[&str]) -> Vec<Step> {
    let mut reply = String::from("250-mx.example.net greets you\r\n");
    for extension in extensions {
        reply.push_str(&format!("250-{extension}\r\n"));
    }
    reply.push_str("250 ENHANCEDSTATUSCODES\r\n");
    vec![
        say("220 mx.example.net ready\r\n"),
        Hear("EHLO edge.renovations.com\r\n"),
        say(&reply),
    ]
}

/// Everything from MAIL to the final dot of a message for one recipient, accepted.
pub(crate) fn take() -> Vec<Step> {
    vec![
        Hear("MAIL FROM:"),
        say("250 2.1.0 ok\r\n"),
        Hear("RCPT TO:"),
        say("250 2.1.5 ok\r\n"),
        Hear("DATA\r\n"),
        say("354 go\r\n"),
        HearData,
        say("250 2.0.0 taken\r\n"),
    ]
}

/// A host that plays one script for each connection, in order, and refuses further ones.
pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    heard: JoinHandle<Vec<Vec<u8>>>,
}

impl Host {
    pub(crate) async fn play(scripts: Vec<Vec<Step>>) -> Self {
        Self::play_at(SocketAddr::from(([127, 0, 0, 1], 0)), scripts).await
    }

    pub(crate) async fn play_at(address: SocketAddr, scripts: Vec<Vec<Step>>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = tokio::spawn(async move {
            let mut heard = Vec::new();
            for script in scripts {
                let (stream, _) = listener.accept().await.unwrap();
                let mut lines = Vec::new();
                perform(BufStream::new(stream), script, &mut lines).await;
                heard.push(lines);
            }
            heard
        });
        Self { address, heard }
    }

    /// A port at which nobody listens.
    pub(crate) async fn closed() -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .unwrap();
        let address = listener.local_addr().unwrap();
        let heard = tokio::spawn(async { Vec::new() });
        Self { address, heard }
    }

    /// What each connection brought, once all scripts have been played.
    pub(crate) async fn heard(self) -> Vec<String> {
        let heard = self.heard.await.unwrap();
        heard
            .into_iter()
            .map(|octets| String::from_utf8_lossy(&octets).into_owned())
            .collect()
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

async fn perform(stream: BufStream<impl Stream + 'static>, script: Vec<Step>, heard: &mut Vec<u8>) {
    let mut stream: BufStream<Box<dyn Stream>> = BufStream::new(Box::new(stream));
    for step in script {
        match step {
            Step::Say(octets) => {
                // The peer may have hung up on what was said before.
                if stream.write_all(&octets).await.is_err() || stream.flush().await.is_err() {
                    return;
                }
            }
            Hear(beginning) => {
                let start = heard.len();
                stream.read_until(b'\n', heard).await.unwrap();
                let line = String::from_utf8_lossy(&heard[start..]).into_owned();
                assert!(
                    line.starts_with(beginning),
                    "heard {line:?}, expected {beginning:?}"
                );
            }
            HearData => loop {
                let start = heard.len();
                if stream.read_until(b'\n', heard).await.unwrap() == 0
                    || &heard[start..] == b".\r\n"
                {
                    break;
                }
            },
            Encrypt => {
                let accepted = acceptor().accept(stream).await;
                stream = BufStream::new(Box::new(accepted.unwrap()));
            }
            Close => return,
        }
    }
    // What still comes: a farewell, which is answered, or the end.
    loop {
        let start = heard.len();
        match stream.read_until(b'\n', heard).await {
            Ok(count) if count > 0 && &heard[start..] != b"QUIT\r\n" => {}
            _ => break,
        }
    }
    let _ = stream.write_all(b"221 bye\r\n").await;
    let _ = stream.flush().await;
}

/// A server's side of TLS with a certificate that nobody has signed, of a name that nobody asked for.
fn acceptor() -> TlsAcceptor {
    let certified = rcgen::generate_simple_self_signed(["unrelated.example".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// What the fake DNS has under a name.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    Mx(u16, &'static str),
    A(Ipv4Addr),
    Cname(&'static str),
    /// SERVFAIL.
    Broken,
}

/// A DNS server that knows the given names; all others do not exist.
pub(crate) struct Dns {
    pub(crate) address: SocketAddr,
    /// The names asked for.
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl Dns {
    pub(crate) async fn serve(entries: &[(&str, Entry)]) -> Self {
        let socket = UdpSocket::bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0))
            .await
            .unwrap();
        let address = socket.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let mut zone: HashMap<String, Vec<Entry>> = HashMap::new();
        for (name, entry) in entries {
            zone.entry((*name).to_owned())
                .or_default()
                .push(entry.clone());
        }
        let log = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            loop {
                let (count, peer) = socket.recv_from(&mut buffer).await.unwrap();
                let question = Message::from_vec(&buffer[..count]).unwrap();
                let answer = answer(&zone, &question, &log);
                socket
                    .send_to(&answer.to_vec().unwrap(), peer)
                    .await
                    .unwrap();
            }
        });
        Self { address, asked }
    }
}

fn answer(
    zone: &HashMap<String, Vec<Entry>>,
    question: &Message,
    log: &Mutex<Vec<String>>,
) -> Message {
    let query = question.queries[0].clone();
    let kind = query.query_type();
    let name = query
        .name()
        .to_string()
        .trim_end_matches('.')
        .to_ascii_lowercase();
    log.lock().unwrap().push(format!("{name} {kind}"));
    let mut answer = Message::response(question.metadata.id, OpCode::Query);
    answer.metadata.recursion_available = true;
    answer.add_query(query.clone());
    let full = |name: &str| Name::from_ascii(format!("{}.", name.trim_end_matches('.'))).unwrap();
    let Some(mut entries) = zone.get(&name) else {
        answer.metadata.response_code = ResponseCode::NXDomain;
        return answer;
    };
    let mut owner = query.name().clone();
    if let [Entry::Cname(target)] = entries.as_slice() {
        answer.add_answer(Record::from_rdata(
            owner,
            60,
            RData::CNAME(CNAME(full(target))),
        ));
        owner = full(target);
        entries = &zone[*target];
    }
    for entry in entries {
        let data = match (entry, kind) {
            (Entry::Mx(preference, host), RecordType::MX) => {
                RData::MX(MX::new(*preference, full(host)))
            }
            (Entry::A(address), RecordType::A) => RData::A(A(*address)),
            (Entry::Broken, _) => {
                answer.metadata.response_code = ResponseCode::ServFail;
                continue;
            }
            _ => continue,
        };
        answer.add_answer(Record::from_rdata(owner.clone(), 60, data));
    }
    answer
}
