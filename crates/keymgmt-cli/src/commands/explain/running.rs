//! The question put to a running server: it answers from the settings that are in force and from the keys that it signs
//! with, in the same words.

use admin_client::{AdminError, Server};
use common_config::admin_address::AdminAddress;
use router_config::Question;
use serde_json::Value;

use crate::context::Context;
use crate::exit::{Failure, printable};
use crate::output::{Format, Output};

pub(super) async fn ask(
    context: &Context,
    admin: Option<AdminAddress>,
    question: &Question,
    format: Format,
) -> Result<Output, Failure> {
    let address = match admin {
        Some(address) => address,
        None => context.admin_listen()?.ok_or(AdminError::NoAddress)?,
    };
    let server = Server::at(address);
    let target = format!("/explain?{}", question.parameters().encode());
    match format {
        Format::Text => {
            let answer = server.get(&target, "text/plain").await?;
            let answer = String::from_utf8_lossy(&answer);
            let lines: Vec<String> = answer.lines().map(printable).collect();
            Ok(Output::text(lines.join("\n"), Value::Null))
        }
        Format::Json => {
            let answer = server.get(&target, "application/json").await?;
            let json = serde_json::from_slice(&answer);
            let json = json.map_err(|_| server.foreign())?;
            Ok(Output::text("", json))
        }
    }
}
