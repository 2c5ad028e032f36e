//! `import nek`.

use std::path::Path;

use serde_json::json;

use crate::cli::Import;
use crate::context::Context;
use crate::exit::Failure;
use crate::input;
use crate::output::Output;
use crate::passphrase::{self, Kind};

pub(crate) fn run(context: &Context, noun: Import) -> Result<Output, Failure> {
    match noun {
        Import::Nek {
            file,
            name,
            passphrase_file,
        } => nek(context, &file, name.as_deref(), passphrase_file.as_deref()),
    }
}

fn nek(
    context: &Context,
    file: &Path,
    name: Option<&str>,
    passphrase_file: Option<&Path>,
) -> Result<Output, Failure> {
    let name = name.map(input::nek_name).transpose()?;
    // Before the passphrase is asked for: a file that is not there needs none.
    std::fs::metadata(file).map_err(|source| Failure::File {
        step: "read",
        path: file.to_owned(),
        source,
    })?;
    let passphrase = passphrase::known(Kind::Passphrase, passphrase_file)?;
    context.create_data_dir()?;
    let neks = context.neks();
    let nek = neks.import(file, &passphrase, name.as_ref())?;
    let text = format!(
        "Imported NEK {}\nFingerprint: {}\nFile: {}",
        nek.name(),
        nek.fingerprint(),
        neks.file(nek.name()).display(),
    );
    let json = json!({
        "nek": nek.name().as_str(),
        "fingerprint": nek.fingerprint().to_string(),
        "file": neks.file(nek.name()),
    });
    Ok(Output::text(text, json))
}
