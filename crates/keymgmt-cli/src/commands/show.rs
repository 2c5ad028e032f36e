//! `show nek`, `show DKIM`.

use credstore::{KeyState, StoredKey};
use serde_json::{Value, json};

use crate::cli::Show;
use crate::clock;
use crate::context::Context;
use crate::exit::{Failure, Status, chain};
use crate::input::{self, InputError};
use crate::output::{Output, table};

pub(crate) async fn run(context: &Context, noun: Show) -> Result<Output, Failure> {
    match noun {
        Show::Nek { name } => neks(context, &name),
        Show::Dkim { domain, selector } => match (input::is_all(&domain), selector) {
            (true, None) => all_keys(context).await,
            (true, Some(selector)) => Err(InputError::SelectorOfAll { selector }.into()),
            (false, Some(selector)) => one_key(context, &domain, &selector).await,
            (false, None) => {
                let domain = input::domain(&domain)?.to_string();
                Err(InputError::SelectorMissing { domain }.into())
            }
        },
    }
}

fn neks(context: &Context, name: &str) -> Result<Output, Failure> {
    let neks = context.neks();
    if !input::is_all(name) {
        let nek = neks.open(&input::nek_name(name)?)?;
        let text = format!("NEK: {}\nFingerprint: {}", nek.name(), nek.fingerprint());
        let json =
            json!({ "nek": nek.name().as_str(), "fingerprint": nek.fingerprint().to_string() });
        return Ok(Output::text(text, json));
    }
    let mut rows = Vec::new();
    let mut json = Vec::new();
    let mut faults = Vec::new();
    for name in neks.list()? {
        let (fingerprint, fault) = match neks.open(&name) {
            Ok(nek) => (nek.fingerprint().to_string(), None),
            Err(error) => ("cannot be read".to_owned(), Some(Failure::from(error))),
        };
        rows.push(vec![name.to_string(), fingerprint.clone()]);
        json.push(match &fault {
            None => json!({ "nek": name.as_str(), "fingerprint": fingerprint }),
            Some(fault) => json!({ "nek": name.as_str(), "error": fault.line() }),
        });
        faults.extend(fault);
    }
    if rows.is_empty() {
        let text = format!("There are no NEKs in {}.", neks.path().display());
        return Ok(Output::text(text, json!({ "neks": [] })));
    }
    let output = Output::text(
        table(&["NEK", "Fingerprint"], rows),
        json!({ "neks": json }),
    );
    Ok(with_faults(output, &faults))
}

async fn one_key(context: &Context, domain: &str, selector: &str) -> Result<Output, Failure> {
    let name = input::key_name(domain, selector)?;
    let key = context.store().await?.key(&name).await?;
    let mut text = format!(
        "Key: {}\nAlgorithm: {}\nState: {}\nCreated: {}\n",
        key.name(),
        key.algorithm(),
        key.state(),
        clock::shown(key.created()),
    );
    if let KeyState::Revoked { at } = key.state() {
        text.push_str(&format!("Revoked: {}\n", clock::shown(at)));
    }
    text.push_str(&format!("Record: {}\n", key.record()));
    Ok(Output::text(text, json(&key)))
}

async fn all_keys(context: &Context) -> Result<Output, Failure> {
    let store = context.store().await?;
    let mut rows = Vec::new();
    let mut list = Vec::new();
    let mut faults = Vec::new();
    for (name, key) in store.inspect().await? {
        match key {
            Ok(key) => {
                rows.push(row(&key));
                list.push(json(&key));
            }
            Err(error) => {
                let error = Failure::from(error);
                rows.push(vec![
                    name.to_string(),
                    "?".to_owned(),
                    "tampered with".to_owned(),
                ]);
                list.push(json!({ "key": name, "error": error.line() }));
                faults.push(error);
            }
        }
    }
    if rows.is_empty() {
        let text = format!("There are no DKIM keys in {}.", store.path().display());
        return Ok(Output::text(text, json!({ "keys": [] })));
    }
    let text = table(&["Key", "Algorithm", "State", "Created", "Revoked"], rows);
    Ok(with_faults(
        Output::text(text, json!({ "keys": list })),
        &faults,
    ))
}

/// The faults become warnings, and the first one the status.
pub(crate) fn with_faults(mut output: Output, faults: &[Failure]) -> Output {
    for fault in faults {
        output = output.warn(chain(fault));
    }
    output.with_status(faults.first().map_or(Status::Done, Failure::status))
}

fn row(key: &StoredKey) -> Vec<String> {
    let revoked = match key.state() {
        KeyState::Active => String::new(),
        KeyState::Revoked { at } => clock::shown(at),
    };
    vec![
        key.name().to_string(),
        key.algorithm().to_string(),
        key.state().to_string(),
        clock::shown(key.created()),
        revoked,
    ]
}

/// A key as programs read it.
pub(crate) fn json(key: &StoredKey) -> Value {
    let mut json = json!({
        "key": key.name().to_string(),
        "domain": key.name().domain().as_str(),
        "selector": key.name().selector().as_str(),
        "algorithm": key.algorithm().to_string(),
        "state": key.state().to_string(),
        "created": clock::shown(key.created()),
        "generation": key.generation(),
        "record": key.record(),
    });
    if let (KeyState::Revoked { at }, Value::Object(object)) = (key.state(), &mut json) {
        object.insert("revoked".to_owned(), clock::shown(at).into());
    }
    json
}
