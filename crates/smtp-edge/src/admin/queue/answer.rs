//! Why a question about the queue, or an order, is not answered, and the form of answers.

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use common_config::net::HostPortError;
use serde::Serialize;

use super::MOST_ORDERED;
use crate::ids::{NotAQueueId, QueueId};
use crate::mail_log::Chain;
use crate::queue::filter::FilterError;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(in crate::admin) enum AskError {
    /// The caller is at the loopback address.
    #[error(
        "what changes the queue, or shows messages themselves, is done at a Unix socket alone: set admin.listen = \"unix:/run/smtp-edge/admin.sock\""
    )]
    NotAllowed,
    /// The filter cannot be read.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// A name is none.
    #[error(transparent)]
    Id(NotAQueueId),
    /// No message is named.
    #[error("name a message by its queue id")]
    NoId,
    /// Too many messages are named.
    #[error("name at most {MOST_ORDERED} messages at a time")]
    TooMany,
    /// There is no such order.
    #[error("an order is hold, release, retry, requeue, expire or delete")]
    NoSuchOrder,
    /// A next hop is none.
    #[error("the next hop cannot be used")]
    NextHop(#[source] HostPortError),
    /// A message is to be given another next hop, and none is named.
    #[error("name a next hop, or \"settings\" for those that the settings give")]
    NoNextHop,
    /// Neither on nor off.
    #[error("state is on or off")]
    Draining,
    /// The shape is of neither side.
    #[error("the shape is by recipient or by sender")]
    Side,
    /// A parameter that nobody knows.
    #[error("there is no parameter {0}")]
    Parameter(Box<str>),
    /// The message is not in the queue.
    #[error("no message {id} is in the queue")]
    NotThere {
        /// Its name.
        id: QueueId,
    },
    /// The message cannot be read.
    #[error("the message cannot be read: {why}")]
    Unreadable {
        /// What the spool said.
        why: Box<str>,
    },
    /// The queue has not started, or ends.
    #[error("the server is starting or stopping: ask again")]
    Unready,
}

impl IntoResponse for AskError {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::NotAllowed => StatusCode::FORBIDDEN,
            // Not 404, which says that the server knows no such path: it may be of an earlier version.
            Self::NotThere { .. } => StatusCode::GONE,
            Self::Unready | Self::Unreadable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Filter(_)
            | Self::Id(_)
            | Self::NoId
            | Self::TooMany
            | Self::NoSuchOrder
            | Self::NextHop(_)
            | Self::NoNextHop
            | Self::Draining
            | Self::Side
            | Self::Parameter(_) => StatusCode::BAD_REQUEST,
        };
        (status, format!("{}\n", Chain(&self))).into_response()
    }
}

/// An answer.
pub(super) fn json(answer: &impl Serialize) -> Result<Response, AskError> {
    match serde_json::to_string(answer) {
        Ok(json) => Ok(([(CONTENT_TYPE, "application/json")], json + "\n").into_response()),
        Err(error) => {
            tracing::error!(why = %Chain(&error), "queue_answer_failed");
            Ok(StatusCode::INTERNAL_SERVER_ERROR.into_response())
        }
    }
}
