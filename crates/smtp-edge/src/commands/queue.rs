//! `queue`: a running server's queue, asked for at its admin listener.

mod drain;
mod list;
mod order;
mod shape;
mod show;

use std::path::Path;

use admin_client::Server;
use router_config::Parameters;
use serde::de::DeserializeOwned;
use smtp_edge::admin::queue::listed::QueueLevel;

use super::place::Places;
use super::{Failure, Status};
use crate::cli::queue::{Arguments, Verb};

/// Does what the words behind `queue` say.
pub(crate) async fn obey(settings: &Path, arguments: &Arguments) -> Result<Status, Failure> {
    let address = match &arguments.admin {
        Some(address) => address.clone(),
        None => {
            let listen = Places::read(settings)?.admin.listen;
            listen.to_ask().cloned().ok_or(Failure::NoAddress)?
        }
    };
    let format = if arguments.json {
        Format::Json
    } else {
        Format::Text
    };
    let asker = Asker {
        server: Server::at(address),
        format,
    };
    match &arguments.verb {
        Verb::List(filters) => list::list(&asker, filters).await,
        Verb::Show { ids, message: true } => show::messages(&asker, ids).await,
        Verb::Show {
            ids,
            message: false,
        } => show::show(&asker, ids).await,
        Verb::Shape { filters, by } => shape::shape(&asker, filters, *by).await,
        Verb::Retry(selection) => order::order(&asker, "retry", None, selection).await,
        Verb::Hold(selection) => order::order(&asker, "hold", None, selection).await,
        Verb::Release(selection) => order::order(&asker, "release", None, selection).await,
        Verb::Requeue { to, selection } => {
            order::order(&asker, "requeue", Some(to), selection).await
        }
        Verb::Expire(selection) => order::order(&asker, "expire", None, selection).await,
        Verb::Delete(selection) => order::order(&asker, "delete", None, selection).await,
        Verb::Drain { off: true, .. } => drain::off(&asker).await,
        Verb::Drain { no_wait: true, .. } => drain::begin(&asker).await,
        Verb::Drain { .. } => drain::drain(&asker).await,
    }
}

/// How answers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Text,
    Json,
}

/// The server that is asked, and how answers are printed.
struct Asker {
    server: Server,
    format: Format,
}

impl Asker {
    async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &Parameters,
    ) -> Result<T, Failure> {
        let target = target(path, parameters);
        self.read(&self.server.get(&target, "application/json").await?)
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &Parameters,
    ) -> Result<T, Failure> {
        self.read(&self.server.post(&target(path, parameters)).await?)
    }

    async fn level(&self) -> Result<QueueLevel, Failure> {
        self.get("/queue/level", &Parameters::default()).await
    }

    fn read<T: DeserializeOwned>(&self, answer: &[u8]) -> Result<T, Failure> {
        let read = serde_json::from_slice(answer);
        read.map_err(|_| self.server.foreign().into())
    }
}

fn target(path: &str, parameters: &Parameters) -> String {
    format!("{path}?{}", parameters.encode())
}

/// `1 message`, `2 messages`.
pub(super) fn messages(count: u64) -> String {
    match count {
        1 => "1 message".to_owned(),
        count => format!("{count} messages"),
    }
}
