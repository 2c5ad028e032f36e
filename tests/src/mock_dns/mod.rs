//! An authoritative DNS server for the names of a test, over UDP and TCP.
//!
//! It answers from a [`Zone`] that can be changed while it runs, is authoritative for everything, and asks nobody else:
//! a name that it does not have does not exist.

mod zone;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::proto::op::{Edns, Metadata, ResponseCode};
use hickory_server::proto::rr::rdata::SOA;
use hickory_server::proto::rr::{LowerName, Name, RData, Record, RecordType};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use tokio::net::{TcpListener, UdpSocket};

pub use zone::{Answer, Zone, ZoneFileError};

/// A running DNS server; it ends when it is dropped.
pub struct MockDns {
    address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
    asked: Arc<Mutex<Vec<(String, RecordType)>>>,
    _server: Server<Handler>,
}

impl std::fmt::Debug for MockDns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MockDns")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl MockDns {
    /// Serves `zone` on a loopback port that the system chooses, the same for UDP and TCP.
    ///
    /// # Errors
    /// What the system says when no port can be had.
    pub async fn serve(zone: Zone) -> std::io::Result<Self> {
        Self::serve_on(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), zone).await
    }

    /// Serves `zone` on `address`.
    ///
    /// # Errors
    /// What the system says when the address cannot be had.
    pub async fn serve_on(address: SocketAddr, zone: Zone) -> std::io::Result<Self> {
        let (udp, tcp) = bind(address).await?;
        let address = udp.local_addr()?;
        let zone = Arc::new(Mutex::new(zone));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let mut server = Server::new(Handler {
            zone: Arc::clone(&zone),
            asked: Arc::clone(&asked),
        });
        server.register_socket(udp);
        server.register_listener(tcp, Duration::from_secs(10), 16);
        Ok(Self {
            address,
            zone,
            asked,
            _server: server,
        })
    }

    /// Where it listens, for UDP and TCP.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the records; the next question sees it.
    pub fn change(&self, change: impl FnOnce(&mut Zone)) {
        change(&mut self.zone.lock().expect("no holder panics"));
    }

    /// Every question so far.
    #[must_use]
    pub fn asked(&self) -> Vec<(String, RecordType)> {
        self.asked.lock().expect("no holder panics").clone()
    }
}

/// A UDP socket and a TCP listener on the same port. The system chooses the UDP port; should the TCP port of that
/// number be taken, another is chosen.
async fn bind(address: SocketAddr) -> std::io::Result<(UdpSocket, TcpListener)> {
    let mut last = None;
    for _ in 0..16 {
        let udp = UdpSocket::bind(address).await?;
        match TcpListener::bind(udp.local_addr()?).await {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(error) => last = Some(error),
        }
    }
    Err(last.expect("the loop ran"))
}

struct Handler {
    zone: Arc<Mutex<Zone>>,
    asked: Arc<Mutex<Vec<(String, RecordType)>>>,
}

#[async_trait::async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        mut response: R,
    ) -> ResponseInfo {
        let mut metadata = Metadata::response_from_request(&request.metadata);
        metadata.authoritative = true;
        let mut answers = Vec::new();
        let mut soa = Vec::new();
        match request.request_info() {
            Ok(info) => {
                let name: &LowerName = info.query.name();
                let kind = info.query.query_type();
                self.asked
                    .lock()
                    .expect("no holder panics")
                    .push((name.to_string(), kind));
                match self
                    .zone
                    .lock()
                    .expect("no holder panics")
                    .answer(name, kind)
                {
                    Answer::Records(records) => answers = records,
                    Answer::NoSuchRecord => soa.push(start_of_authority()),
                    Answer::NoSuchName => {
                        metadata.response_code = ResponseCode::NXDomain;
                        soa.push(start_of_authority());
                    }
                    Answer::Failure => metadata.response_code = ResponseCode::ServFail,
                }
            }
            Err(_) => metadata.response_code = ResponseCode::FormErr,
        }
        let mut edns = Edns::new();
        edns.set_max_payload(4096);
        let mut builder = MessageResponseBuilder::from_message_request(request);
        if request.edns.is_some() {
            builder.edns(&edns);
        }
        let message = builder.build(metadata, answers.iter(), [], soa.iter(), []);
        response.send_response(message).await.unwrap_or_else(|_| {
            // The client is gone; what is returned here is only for the server's own count.
            ResponseInfo::from(hickory_server::proto::op::Header {
                metadata,
                counts: hickory_server::proto::op::HeaderCounts::default(),
            })
        })
    }
}

/// The root's authority record, whose minimum of 0 keeps negative answers out of caches (RFC 2308 §5).
fn start_of_authority() -> Record {
    let soa = SOA::new(Name::root(), Name::root(), 1, 60, 60, 60, 0);
    Record::from_rdata(Name::root(), 0, RData::SOA(soa))
}
