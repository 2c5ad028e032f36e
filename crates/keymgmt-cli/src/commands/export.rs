//! `export nek`, `export DKIM DNS`.

use std::path::Path;

use common_config::name::KeyName;
use credstore::{CredStoreError, KeyState, StoredKey};
use dkim_core::KeyRecord;
use serde_json::{Value, json};

use crate::cli::{Export, ExportDkim};
use crate::context::Context;
use crate::exit::{AliasNotAligned, Failure};
use crate::input;
use crate::new_file::{self, Existing};
use crate::output::Output;
use crate::passphrase::{self, Kind};
use crate::signing::ServerPolicy;

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
    let nek = neks.export(
        &name,
        &passphrase::chosen(Kind::Passphrase, passphrase_file)?,
        file,
    )?;
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
    let Published { key, alias_of } = published(context, &name).await?;
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
    let mut json = json!({ "name": name.to_string(), "value": value, "bind": bind, "file": path });
    let text = match &alias_of {
        None => text,
        Some(line) => {
            if let Value::Object(object) = &mut json {
                let primary = json!({ "key": key.name().to_string(), "setting": line });
                object.insert("alias_of".to_owned(), primary);
            }
            format!(
                "{text}\nThis is the key {}: {line} makes {} an alias, and signing.aligned_aliases signs with its own name.\n",
                key.name(),
                name.domain(),
            )
        }
    };
    let output = Output::text(text, json);
    Ok(match key.state() {
        KeyState::Active => output,
        KeyState::Revoked { .. } => output.warn(format!(
            "the key {} is revoked; once mail signed with it has been delivered, publish an empty p= (RFC 6376 section 3.6.1) in place of this record",
            key.name()
        )),
    })
}

/// The key whose public half belongs under a name.
struct Published {
    key: StoredKey,
    /// The line that makes the name an alias's, when the key is another domain's.
    alias_of: Option<String>,
}

/// The key of that name or, where there is none and the name is an alias's, the primary's.
async fn published(context: &Context, name: &KeyName) -> Result<Published, Failure> {
    let store = context.store().await?;
    let missing = match store.key(name).await {
        Ok(key) => {
            return Ok(Published {
                key,
                alias_of: None,
            });
        }
        Err(error @ CredStoreError::NotFound { .. }) => error,
        Err(error) => return Err(error.into()),
    };
    let policy = ServerPolicy::load(context)?;
    let rule = policy.signing.table().rule(name.domain());
    let rule =
        rule.filter(|rule| rule.entry.domain() == name.domain() && rule.entry.primary().is_some());
    let instruction = rule.as_ref().and_then(|rule| {
        let mut keys = rule.keys.iter();
        keys.find(|one| one.key.selector() == name.selector())
    });
    let (Some(rule), Some(instruction)) = (&rule, instruction) else {
        return Err(missing.into());
    };
    if instruction.signing_domain != *name.domain() {
        let refused = AliasNotAligned {
            name: name.clone(),
            key: instruction.key.clone(),
            origin: rule.entry.origin().clone(),
        };
        return Err(Box::new(refused).into());
    }
    let line = rule.entry.line();
    Ok(Published {
        key: store.key(&instruction.key).await?,
        alias_of: Some(format!("{}={} ({})", line.name, line.value, line.origin)),
    })
}
