//! Requests and their answers, within bounds: so many connections, each with so much time and so many octets of header,
//! one request on each. Bodies are not read. What is malformed gets an HTTP error or a closed connection, and costs
//! nobody else anything.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Extension, Request, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use router_config::Parameters;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Server;
use super::caller::Caller;
use super::explain;
use super::health;
use super::metrics;
use super::queue;
use super::socket::{Accepted, Socket};
use crate::mail_log::Chain;

/// Answers requests until the task is ended.
pub(super) async fn serve(socket: Socket, server: Arc<Server>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let routes = routes(server);
    let local_only = routes
        .clone()
        .layer(Extension(Caller::Loopback))
        .layer(middleware::from_fn(local_host));
    // The next connection waits in the kernel while there is no room. The semaphore is never closed.
    while let Ok(permit) = Arc::clone(&room).acquire_owned().await {
        match socket.accept().await {
            Ok(Accepted::Loopback(stream)) => {
                tokio::spawn(answer(stream, local_only.clone(), permit));
            }
            Ok(Accepted::Administrator(stream, uid)) => {
                let caller = Extension(Caller::Administrator { uid });
                tokio::spawn(answer(stream, routes.clone().layer(caller), permit));
            }
            Ok(Accepted::Stranger(stream, uid)) => {
                tracing::warn!(uid, "admin_refused");
                tokio::spawn(answer(stream, Router::new().fallback(refuse), permit));
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
        .route("/explain", get(explain))
        .merge(queue::routes())
        .fallback(async || {
            let paths = "/metrics, /live, /ready, /explain or /queue\n";
            (StatusCode::NOT_FOUND, paths)
        })
        .with_state(server)
}

async fn refuse() -> (StatusCode, &'static str) {
    let text = "only the server's own user and root may ask here\n";
    (StatusCode::FORBIDDEN, text)
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

async fn explain(State(server): State<Arc<Server>>, request: Request) -> Response {
    let mut parameters = Parameters::decode(request.uri().query().unwrap_or_default());
    let refused = |why: String| (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response();
    let form = match Form::asked_for(&mut parameters, request.headers()) {
        Ok(form) => form,
        Err(why) => return refused(why.to_owned()),
    };
    let answer = match explain::answer(&server.in_force(), &parameters) {
        Ok(answer) => answer,
        Err(error) => return refused(Chain(&error).to_string()),
    };
    match form {
        Form::Text => answer.to_string().into_response(),
        Form::Json => match serde_json::to_string(&answer) {
            Ok(json) => ([(CONTENT_TYPE, "application/json")], json + "\n").into_response(),
            Err(error) => {
                tracing::error!(why = %Chain(&error), "explain_failed");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        },
    }
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl Form {
    /// What the parameter `format` says, which is taken out, or else what the Accept field does.
    fn asked_for(parameters: &mut Parameters, header: &HeaderMap) -> Result<Self, &'static str> {
        match parameters.take("format").as_deref() {
            Some("text") => return Ok(Self::Text),
            Some("json") => return Ok(Self::Json),
            Some(_) => return Err("format is text or json"),
            None => {}
        }
        let accepted = header.get_all(ACCEPT).iter();
        let mut kinds = accepted
            .filter_map(|field| field.to_str().ok())
            .flat_map(|field| field.split(','))
            .filter_map(|range| range.split(';').next());
        // The first that is known: nobody asks for both and prefers the later one.
        let known = kinds.find_map(|kind| match kind.trim() {
            "application/json" => Some(Self::Json),
            "text/plain" | "text/*" | "*/*" => Some(Self::Text),
            _ => None,
        });
        Ok(known.unwrap_or(Self::Text))
    }
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
    fn an_answer_has_the_form_that_is_asked_for() {
        let check = |query: &str, accept: &[&str], expected: Result<Form, &str>| {
            let mut header = HeaderMap::new();
            for field in accept {
                header.append(ACCEPT, field.parse().unwrap());
            }
            let form = Form::asked_for(&mut Parameters::decode(query), &header);
            assert_eq!(form, expected, "{query} {accept:?}");
        };
        check("", &[], Ok(Form::Text));
        check("", &["*/*"], Ok(Form::Text)); // curl
        check("", &["application/json"], Ok(Form::Json));
        check(
            "",
            &["image/png", "application/json;q=0.9, */*;q=0.1"],
            Ok(Form::Json),
        );
        check(
            "",
            &["text/html,text/plain,application/json"],
            Ok(Form::Text),
        );
        check("format=json", &["text/plain"], Ok(Form::Json));
        check("format=text", &["application/json"], Ok(Form::Text));
        check("format=xml", &[], Err("format is text or json"));
        check("format=", &[], Err("format is text or json"));
    }

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
