//! The queue as an administrator asks for it, and the orders about it. Whoever can connect may look; orders, and messages
//! themselves, are for the Unix socket alone.
//!
//! Every request is answered within bounds: a list comes in pages, each with the name that the next one begins behind, and an
//! order names no more messages than one page has. So neither a million messages nor a slow reader costs the server anything.

pub(in crate::admin) mod answer;
pub mod listed;
mod pages;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, Path, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, body::Body};
use common_config::net::HostPort;
use router_config::Parameters;
use tokio::task::JoinSet;

use self::answer::{AskError, json};
use self::listed::{Listed, ObeyedLine, QueueLevel, Results};
use super::Server;
use super::caller::Caller;
use crate::ids::QueueId;
use crate::mail_log;
use crate::queue::filter::Filter;
use crate::queue::order::{Draining, Instruction, Obeyed, Order};
use crate::spool::SpoolError;

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/queue", get(list))
        .route("/queue/shape", get(shape))
        .route("/queue/show", get(show))
        .route("/queue/message", get(message))
        .route("/queue/level", get(level))
        .route("/queue/drain", post(drain))
        .route("/queue/order/{order}", post(order))
}

async fn list(State(server): State<Arc<Server>>, request: Request) -> Result<Response, AskError> {
    let mut parameters = parameters(&request);
    let filter = Filter::take(&mut parameters)?;
    let after = pages::after(&mut parameters)?;
    nothing_left(&parameters)?;
    json(&pages::list(&server, &filter, after).await?)
}

async fn shape(State(server): State<Arc<Server>>, request: Request) -> Result<Response, AskError> {
    let mut parameters = parameters(&request);
    let filter = Filter::take(&mut parameters)?;
    let side = pages::Side::take(&mut parameters)?;
    let after = pages::after(&mut parameters)?;
    nothing_left(&parameters)?;
    json(&pages::shape(&server, &filter, side, after).await?)
}

async fn show(State(server): State<Arc<Server>>, request: Request) -> Result<Response, AskError> {
    let mut parameters = parameters(&request);
    let id = id(&mut parameters)?;
    nothing_left(&parameters)?;
    let shown = server.queue().show(id).await;
    let shown = shown.ok_or(AskError::NotThere { id })?;
    let head = shown.head.as_ref().map_err(|error| unreadable(id, error))?;
    json(&Listed::whole(head, shown.stage(head), server.now()))
}

/// The message as it would leave without signatures.
async fn message(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, AskError> {
    caller.administrator()?;
    let mut parameters = parameters(&request);
    let id = id(&mut parameters)?;
    nothing_left(&parameters)?;
    let message = server.queue().read(id).await;
    let message = message.map_err(|error| unreadable(id, &error))?;
    let octets = [message.trace, message.content].concat();
    Ok(([(CONTENT_TYPE, "message/rfc822")], Body::from(octets)).into_response())
}

async fn level(State(server): State<Arc<Server>>) -> Result<Response, AskError> {
    json(&level_of(&server))
}

async fn drain(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, AskError> {
    let uid = caller.administrator()?;
    let mut parameters = parameters(&request);
    let draining = match parameters.take("state").as_deref() {
        Some("on") => Draining::On,
        Some("off") => Draining::Off,
        Some(_) | None => return Err(AskError::Draining),
    };
    nothing_left(&parameters)?;
    server.queue().drain(draining);
    mail_log::draining(draining, uid);
    json(&level_of(&server))
}

fn level_of(server: &Server) -> QueueLevel {
    let level = server.queue().level();
    QueueLevel {
        draining: server.queue().is_draining(),
        messages: level.messages,
        active: level.active,
        held: level.held,
    }
}

/// Has an order carried out for each message that is named, all at once, and says what came of each.
async fn order(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, AskError> {
    let by = caller.administrator()?;
    let mut parameters = parameters(&request);
    let order = read_order(&name, &mut parameters)?;
    let ids = ids(&mut parameters)?;
    let instruction = Arc::new(Instruction {
        order,
        filter: Filter::take(&mut parameters)?.when_obeyed(),
        by,
        reason: parameters.take("reason").unwrap_or_default().into(),
    });
    nothing_left(&parameters)?;
    let mut asked = JoinSet::new();
    for id in ids {
        let (queue, instruction) = (server.queue().clone(), Arc::clone(&instruction));
        asked.spawn(async move {
            let ordered = tokio::time::timeout(PATIENCE, queue.order(id, instruction)).await;
            ObeyedLine::new(id, &ordered.unwrap_or(Obeyed::Busy))
        });
    }
    json(&Results {
        results: asked.join_all().await,
    })
}

fn read_order(name: &str, parameters: &mut Parameters) -> Result<Order, AskError> {
    match name {
        "hold" => Ok(Order::Hold),
        "release" => Ok(Order::Release),
        "retry" => Ok(Order::Retry),
        "expire" => Ok(Order::Expire),
        "delete" => Ok(Order::Delete),
        "requeue" => match parameters.take("to").as_deref() {
            Some("settings") => Ok(Order::Requeue(None)),
            Some(hop) => match hop.parse::<HostPort>() {
                Ok(hop) => Ok(Order::Requeue(Some(hop))),
                Err(error) => Err(AskError::NextHop(error)),
            },
            None => Err(AskError::NoNextHop),
        },
        _ => Err(AskError::NoSuchOrder),
    }
}

fn parameters(request: &Request) -> Parameters {
    Parameters::decode(request.uri().query().unwrap_or_default())
}

/// A parameter that nobody knows is most likely a filter that would be missed.
fn nothing_left(parameters: &Parameters) -> Result<(), AskError> {
    match parameters.first_name() {
        Some(name) => Err(AskError::Parameter(name.escape_debug().to_string().into())),
        None => Ok(()),
    }
}

fn id(parameters: &mut Parameters) -> Result<QueueId, AskError> {
    let id = parameters.take("id").ok_or(AskError::NoId)?;
    id.parse().map_err(AskError::Id)
}

/// The messages that are named, at least one of them.
fn ids(parameters: &mut Parameters) -> Result<Vec<QueueId>, AskError> {
    let list = parameters.take("ids").ok_or(AskError::NoId)?;
    let ids = list.split(',').map(str::parse);
    let ids: Vec<QueueId> = ids.collect::<Result<_, _>>().map_err(AskError::Id)?;
    if ids.len() > MOST_ORDERED {
        return Err(AskError::TooMany);
    }
    Ok(ids)
}

fn unreadable(id: QueueId, error: &SpoolError) -> AskError {
    match error {
        SpoolError::NotFound { .. } => AskError::NotThere { id },
        error => AskError::Unreadable {
            why: mail_log::Chain(error).to_string().into(),
        },
    }
}

/// How long an order waits for the end of a round; the connection lasts longer.
const PATIENCE: Duration = Duration::from_secs(3);
/// Messages that one request may name.
pub const MOST_ORDERED: usize = 200;
