//! A running server, asked by HTTP at its admin listener, on this machine. One request, with bounds on its time and on the
//! size of its answer, since any program may listen there.

use std::io;
use std::time::Duration;

use common_config::admin_address::AdminAddress;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use crate::exit::printable;

/// Why a running server does not answer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum ServerError {
    #[error(
        "the settings name no admin.listen, so that a running server cannot be asked; set admin.listen = \"127.0.0.1:9925\" in [admin] and restart it, or name its address with --admin"
    )]
    NoAddress,
    #[error(
        "nobody answers at {address}; check that smtp-edge runs and that this is its admin.listen, or name its address with --admin"
    )]
    Absent {
        address: AdminAddress,
        #[source]
        source: io::Error,
    },
    #[error("{address} is for the server's own user; run the command as that user or as root")]
    Forbidden { address: AdminAddress },
    #[error(
        "what listens at {address} does not answer; ask again, and see the server's log if that fails"
    )]
    Silent { address: AdminAddress },
    #[error(
        "the conversation with {address} broke off; ask again, and see the server's log if that fails"
    )]
    Lost {
        address: AdminAddress,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("the question is too long for one request; ask about fewer recipients at a time")]
    TooLong,
    #[error("the server does not take the question: {answer}")]
    Refused { answer: String },
    #[error(
        "what answers at {address} is no smtp-edge of this version; restart the server after an update, or name its address with --admin"
    )]
    Foreign { address: AdminAddress },
}

/// Asks for `target`, a path with its query, and gives the body of the answer.
pub(crate) async fn get(
    address: &AdminAddress,
    target: &str,
    accept: &str,
) -> Result<String, ServerError> {
    let conversation = async {
        let absent = |source: io::Error| absent(address, source);
        match address {
            AdminAddress::Loopback(socket) => {
                let stream = TcpStream::connect(socket).await.map_err(absent)?;
                converse(address, stream, &socket.to_string(), target, accept).await
            }
            AdminAddress::Unix(path) => {
                let stream = UnixStream::connect(path).await.map_err(absent)?;
                converse(address, stream, "localhost", target, accept).await
            }
        }
    };
    let answered = tokio::time::timeout(PATIENCE, conversation).await;
    answered.map_err(|_| ServerError::Silent {
        address: address.clone(),
    })?
}

fn absent(address: &AdminAddress, source: io::Error) -> ServerError {
    let address = address.clone();
    match source.kind() {
        io::ErrorKind::PermissionDenied => ServerError::Forbidden { address },
        _ => ServerError::Absent { address, source },
    }
}

async fn converse<S>(
    address: &AdminAddress,
    stream: S,
    host: &str,
    target: &str,
    accept: &str,
) -> Result<String, ServerError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let lost = |source: Box<dyn std::error::Error + Send + Sync>| ServerError::Lost {
        address: address.clone(),
        source,
    };
    let request = Request::get(target)
        .header(HOST, host)
        .header(ACCEPT, accept)
        .body(Empty::<Bytes>::new())
        // Of all that is in it only the target can be at fault, by its length.
        .map_err(|_| ServerError::TooLong)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| lost(error.into()))?;
    tokio::spawn(connection);
    let response = sender.send_request(request).await;
    let response = response.map_err(|error| lost(error.into()))?;
    let status = response.status();
    let body = Limited::new(response.into_body(), LARGEST).collect().await;
    let body = body.map_err(lost)?.to_bytes();
    let body = String::from_utf8_lossy(&body).into_owned();
    match status {
        StatusCode::OK => Ok(body),
        StatusCode::BAD_REQUEST => Err(ServerError::Refused {
            answer: printable(body.trim_end()),
        }),
        StatusCode::URI_TOO_LONG | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            Err(ServerError::TooLong)
        }
        _ => Err(ServerError::Foreign {
            address: address.clone(),
        }),
    }
}

/// The whole conversation; the server ends its side sooner.
const PATIENCE: Duration = Duration::from_secs(10);
/// Octets of an answer: what the longest question can cause is a tenth of it.
const LARGEST: usize = 8 * 1024 * 1024;
