//! One verb a file. A command changes one thing or nothing, and says what it did.

use crate::cli::{Cli, Verb};
use crate::context::Context;
use crate::exit::Failure;
use crate::output::Output;

mod create;
mod delete;
mod diff;
mod explain;
mod export;
mod import;
mod report;
mod revoke;
mod show;
mod sign;
mod user;
mod verify;

pub(crate) async fn run(cli: Cli) -> Result<Output, Failure> {
    let context = Context::load(&cli.global)?;
    let format = cli.global.format();
    match cli.verb {
        Verb::Create { noun } => create::run(&context, noun).await,
        Verb::Show { noun } => show::run(&context, noun).await,
        Verb::Export { noun } => export::run(&context, noun).await,
        Verb::Import { noun } => import::run(&context, noun),
        Verb::Revoke { noun } => revoke::run(&context, noun).await,
        Verb::Delete { noun } => delete::run(&context, noun).await,
        Verb::Explain(arguments) => explain::run(&context, arguments, format).await,
        Verb::Diff(arguments) => diff::run(&arguments),
        Verb::User { noun } => user::run(&context, noun).await,
        Verb::Report { noun } => report::run(noun),
        Verb::Sign(arguments) => sign::run(&context, arguments).await,
        Verb::Verify(arguments) => verify::run(&context, arguments).await,
    }
}
