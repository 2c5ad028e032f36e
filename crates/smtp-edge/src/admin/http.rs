//! Requests and their answers, within bounds: so many connections, each with so much time and so many octets of header,
//! one request on each. Bodies are not read. What is malformed gets an HTTP error or a closed connection, and costs
//! nobody else anything.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Server;
use super::health;
use super::metrics;
use super::socket::{Accepted, Socket};
use crate::mail_log::Chain;

/// Answers requests until the task is ended.
pub(super) async fn serve(socket: Socket, server: Arc<Server>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let routes = routes(server);
    let local_only = routes.clone().layer(middleware::from_fn(local_host));
    // The next connection waits in the kernel while there is no room. The semaphore is never closed.
    while let Ok(permit) = Arc::clone(&room).acquire_owned().await {
        match socket.accept().await {
            Ok(Accepted::Loopback(stream)) => {
                tokio::spawn(answer(stream, local_only.clone(), permit));
            }
            Ok(Accepted::Unix(stream)) => {
                tokio::spawn(answer(stream, routes.clone(), permit));
            }
            Err(error) => {
                // Most likely out of file descriptors: the pause keeps this from spinning until some are free.
                tracing::error!(why = %error, "accept_failed");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn routes(server: Arc<Server>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/live", get(async || "live\n"))
        .route("/ready", get(ready))
        .fallback(async || (StatusCode::NOT_FOUND, "/metrics, /live or /ready\n"))
        .with_state(server)
}

async fn metrics(State(server): State<Arc<Server>>) -> Response {
    match metrics::counters().render(&server.reading()) {
        Ok(text) => ([(CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            tracing::error!(why = %Chain(&error), "metrics_failed");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn ready(State(server): State<Arc<Server>>) -> (StatusCode, String) {
    let reasons = health::reasons(&server.snapshot());
    if reasons.is_empty() {
        return (StatusCode::OK, "ready\n".to_owned());
    }
    let lines = reasons.iter().map(|reason| format!("{reason}\n"));
    (StatusCode::SERVICE_UNAVAILABLE, lines.collect())
}

/// Refuses requests for another host. A page in a browser of this machine could otherwise read the listener under a name
/// of its own that it points here (DNS rebinding).
async fn local_host(request: Request, next: Next) -> Response {
    if is_local(request.headers()) {
        next.run(request).await
    } else {
        let text = "ask for localhost or for the loopback address\n";
        (StatusCode::MISDIRECTED_REQUEST, text).into_response()
    }
}

/// Whether the Host field, where there is one, names this machine.
fn is_local(header: &HeaderMap) -> bool {
    header.get_all(HOST).iter().all(|host| {
        let Ok(host) = host.to_str() else {
            return false;
        };
        let port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let name = match host.rsplit_once(':') {
            Some((name, after)) if port(after) && !name.is_empty() => name,
            Some(_) | None => host,
        };
        let address = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'))
            .unwrap_or(name);
        name.eq_ignore_ascii_case("localhost")
            || address
                .parse::<IpAddr>()
                .is_ok_and(|address| address.to_canonical().is_loopback())
    })
}

async fn answer<S>(stream: S, routes: Router, permit: OwnedSemaphorePermit)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(WHOLE)
        .max_buf_size(BUFFER)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    let why = match tokio::time::timeout(WHOLE, connection).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(io::Error::other(error)),
        Err(_) => Some(io::ErrorKind::TimedOut.into()),
    };
    if let Some(why) = why {
        tracing::debug!(why = %Chain(&why), "admin_connection_lost");
    }
    drop(permit);
}

/// Connections answered at once.
const CONNECTIONS: usize = 16;
/// The time a connection has, from its start to its end.
const WHOLE: Duration = Duration::from_secs(5);
/// Octets of a request's header, and of an answer on its way out.
const BUFFER: usize = 16 * 1024;
/// After an accept that failed.
const PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_may_be_asked_for() {
        let rows = [
            (&["127.0.0.1:9925"][..], true),
            (&["127.0.0.1"], true),
            (&["LocalHost:9925"], true),
            (&["[::1]:9925"], true),
            (&["[::1]"], true),
            (&[], true), // HTTP/1.0, which no browser speaks
            (&["rebound.example:9925"], false),
            (&["localhost.example"], false),
            (&["127.0.0.1.example:9925"], false),
            (&["192.0.2.1:9925"], false),
            (&["127.0.0.1:9925", "rebound.example"], false),
            (&[""], false),
            (&[":9925"], false),
        ];
        for (hosts, expected) in rows {
            let mut header = HeaderMap::new();
            for host in hosts {
                header.append(HOST, host.parse().unwrap());
            }
            assert_eq!(is_local(&header), expected, "{hosts:?}");
        }
    }
}
