//! `revoke DKIM`.

use crate::cli::Named;
use crate::clock;
use crate::commands::show;
use crate::context::Context;
use crate::exit::Failure;
use crate::input;
use crate::output::Output;

pub(crate) async fn run(context: &Context, noun: Named) -> Result<Output, Failure> {
    let Named::Dkim { domain, selector } = noun;
    let name = input::key_name(&domain, &selector)?;
    let key = context.store().await?.revoke(&name, clock::now()).await?;
    let text = format!(
        "Revoked DKIM key {name}\nIt signs no more. Leave its DNS record in place until mail signed with it has been delivered, then empty its p= tag (RFC 6376 section 3.6.1)."
    );
    Ok(Output::text(text, show::json(&key)))
}
