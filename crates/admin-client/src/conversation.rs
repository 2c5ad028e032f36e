//! One request by HTTP, on this machine, with bounds on its time and on the size of its answer, since any program may listen
//! there.

use std::io;
use std::time::Duration;

use common_config::admin_address::AdminAddress;
use common_config::chain::printable;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use crate::AdminError;

/// A server that may be running.
#[derive(Debug, Clone)]
pub struct Server {
    address: AdminAddress,
}

impl Server {
    /// The one that listens there.
    #[must_use]
    pub fn at(address: AdminAddress) -> Self {
        Self { address }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> &AdminAddress {
        &self.address
    }

    /// Asks for `target`, a path with its query, and gives the body of the answer.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn get(&self, target: &str, accept: &str) -> Result<Vec<u8>, AdminError> {
        self.ask(Method::GET, target, accept).await
    }

    /// Has `target` done, and gives the body of the answer.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn post(&self, target: &str) -> Result<Vec<u8>, AdminError> {
        self.ask(Method::POST, target, "application/json").await
    }

    /// What to say when an answer is none of this version's.
    #[must_use]
    pub fn foreign(&self) -> AdminError {
        AdminError::Foreign {
            address: self.address.clone(),
        }
    }

    async fn ask(&self, method: Method, target: &str, accept: &str) -> Result<Vec<u8>, AdminError> {
        let conversation = async {
            let absent = |source: io::Error| self.absent(source);
            match &self.address {
                AdminAddress::Loopback(socket) => {
                    let stream = TcpStream::connect(socket).await.map_err(absent)?;
                    let host = socket.to_string();
                    self.converse(stream, &host, method, target, accept).await
                }
                AdminAddress::Unix(path) => {
                    let stream = UnixStream::connect(path).await.map_err(absent)?;
                    self.converse(stream, "localhost", method, target, accept)
                        .await
                }
            }
        };
        let answered = tokio::time::timeout(PATIENCE, conversation).await;
        answered.map_err(|_| AdminError::Silent {
            address: self.address.clone(),
        })?
    }

    fn absent(&self, source: io::Error) -> AdminError {
        let address = self.address.clone();
        match source.kind() {
            io::ErrorKind::PermissionDenied => AdminError::Forbidden { address },
            _ => AdminError::Absent { address, source },
        }
    }

    async fn converse<S>(
        &self,
        stream: S,
        host: &str,
        method: Method,
        target: &str,
        accept: &str,
    ) -> Result<Vec<u8>, AdminError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let lost = |source: Box<dyn std::error::Error + Send + Sync>| AdminError::Lost {
            address: self.address.clone(),
            source,
        };
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header(HOST, host)
            .header(ACCEPT, accept)
            .body(Empty::<Bytes>::new())
            // Of all that is in it only the target can be at fault, by its length.
            .map_err(|_| AdminError::TooLong)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| lost(error.into()))?;
        tokio::spawn(connection);
        let response = sender.send_request(request).await;
        let response = response.map_err(|error| lost(error.into()))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LARGEST).collect().await;
        let body = Vec::from(body.map_err(lost)?.to_bytes());
        let answer = || printable(String::from_utf8_lossy(&body).trim_end());
        match status {
            StatusCode::OK => Ok(body),
            StatusCode::BAD_REQUEST => Err(AdminError::Refused { answer: answer() }),
            StatusCode::FORBIDDEN => Err(AdminError::NotAllowed { answer: answer() }),
            StatusCode::GONE => Err(AdminError::NotFound { answer: answer() }),
            StatusCode::SERVICE_UNAVAILABLE => Err(AdminError::Unready { answer: answer() }),
            StatusCode::URI_TOO_LONG | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
                Err(AdminError::TooLong)
            }
            _ => Err(self.foreign()),
        }
    }
}

/// The whole conversation; the server ends its side sooner.
const PATIENCE: Duration = Duration::from_secs(10);
/// Octets of an answer: the largest message that a server may be set to take, with room to spare.
const LARGEST: usize = 512 * 1024 * 1024;
