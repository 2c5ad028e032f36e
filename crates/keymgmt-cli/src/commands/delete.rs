//! `delete DKIM`.

use serde_json::json;

use crate::cli::Named;
use crate::context::Context;
use crate::exit::Failure;
use crate::input;
use crate::output::Output;

pub(crate) async fn run(context: &Context, noun: Named) -> Result<Output, Failure> {
    let Named::Dkim { domain, selector } = noun;
    let name = input::key_name(&domain, &selector)?;
    context.store().await?.delete(&name).await?;
    let text = format!(
        "Deleted DKIM key {name}\nLeave its DNS record in place until mail signed with it has been delivered, then remove it."
    );
    Ok(Output::text(
        text,
        json!({ "key": name.to_string(), "deleted": true }),
    ))
}
