//! The question put to a running server: it answers from the settings that are in force and from the keys that it signs
//! with, in the same words.

use common_config::admin_address::AdminAddress;
use router_config::Question;
use serde_json::Value;

use crate::context::Context;
use crate::exit::{Failure, printable};
use crate::output::{Format, Output};
use crate::server::{self, ServerError};

pub(super) async fn ask(
    context: &Context,
    admin: Option<AdminAddress>,
    question: &Question,
    format: Format,
) -> Result<Output, Failure> {
    let address = match admin {
        Some(address) => address,
        None => context.admin_listen()?.ok_or(ServerError::NoAddress)?,
    };
    let target = format!("/explain?{}", question.parameters().encode());
    match format {
        Format::Text => {
            let answer = server::get(&address, &target, "text/plain").await?;
            let lines: Vec<String> = answer.lines().map(printable).collect();
            Ok(Output::text(lines.join("\n"), Value::Null))
        }
        Format::Json => {
            let answer = server::get(&address, &target, "application/json").await?;
            let json = serde_json::from_str(&answer);
            let json = json.map_err(|_| ServerError::Foreign { address })?;
            Ok(Output::text("", json))
        }
    }
}
