//! `export nek`, `export DKIM DNS`.

use std::path::Path;

use credstore::KeyState;
use dkim_core::KeyRecord;
use serde_json::json;

use crate::cli::{Export, ExportDkim};
use crate::context::Context;
use crate::exit::Failure;
use crate::input;
use crate::new_file::{self, Existing};
use crate::output::Output;
use crate::passphrase;

pub(crate) async fn run(context: &Context, noun: Export) -> Result<Output, Failure> {
    match noun {
        Export::Nek {
            name,
            file,
            passphrase_file,
        } => nek(context, &name, &file, passphrase_file.as_deref()),
        Export::Dkim {
            kind:
                ExportDkim::Dns {
                    domain,
                    selector,
                    file,
                    force,
                },
        } => {
            let existing = match force {
                true => Existing::Replace,
                false => Existing::Keep("choose another name, or write over it with --force"),
            };
            dns(context, &domain, &selector, &file, existing).await
        }
    }
}

fn nek(
    context: &Context,
    name: &str,
    file: &Path,
    passphrase_file: Option<&Path>,
) -> Result<Output, Failure> {
    let name = input::nek_name(name)?;
    let neks = context.neks();
    // A NEK that is not there is refused before anybody thinks of a passphrase.
    neks.open(&name)?;
    let nek = neks.export(&name, &passphrase::chosen(passphrase_file)?, file)?;
    let text = format!(
        "Exported NEK {name} to {}\nFingerprint: {}\nIt opens under the passphrase alone. Bring it back with:\n  {}",
        file.display(),
        nek.fingerprint(),
        context.command("import nek <file>"),
    );
    let json =
        json!({ "nek": name.as_str(), "fingerprint": nek.fingerprint().to_string(), "file": file });
    Ok(Output::text(text, json))
}

async fn dns(
    context: &Context,
    domain: &str,
    selector: &str,
    file: &str,
    existing: Existing,
) -> Result<Output, Failure> {
    let name = input::key_name(domain, selector)?;
    let path = context.data_dir().file(file)?;
    let key = context.store().await?.key(&name).await?;
    let record = KeyRecord::parse(key.record()).map_err(|source| Failure::Record {
        name: name.clone(),
        source,
    })?;
    let (value, bind) = (record.to_value(), record.bind(&name.record_name()));
    new_file::write(&path, value.as_bytes(), existing)?;
    let text = format!(
        "Exported the DNS record of {name} to {}\n\nName:\n{name}\n\nValue of the TXT record, in one line:\n{value}\n\nAs a line of a BIND zone file:\n{}\n",
        path.display(),
        bind.trim_end(),
    );
    let json = json!({ "name": name.to_string(), "value": value, "bind": bind, "file": path });
    let output = Output::text(text, json);
    Ok(match key.state() {
        KeyState::Active => output,
        KeyState::Revoked { .. } => output.warn(format!(
            "the key {name} is revoked; once mail signed with it has been delivered, publish an empty p= (RFC 6376 section 3.6.1) in place of this record"
        )),
    })
}
