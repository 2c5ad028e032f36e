//! `create nek`, `create credstore`, `create DKIM`.

use credstore::{CredStore, KeyAlgorithm, Nek, NewKey, Secret};
use dkim_core::SigningKey;
use serde_json::json;

use crate::cli::Create;
use crate::clock;
use crate::commands::show;
use crate::context::Context;
use crate::exit::Failure;
use crate::input;
use crate::output::Output;

pub(crate) async fn run(context: &Context, noun: Create) -> Result<Output, Failure> {
    match noun {
        Create::Nek { name } => nek(context, &name),
        Create::Credstore { nek } => credstore(context, &nek).await,
        Create::Dkim {
            domain,
            selector,
            algorithm,
            bits,
        } => {
            let algorithm = input::algorithm(&algorithm, bits.as_deref())?;
            dkim(context, &domain, &selector, algorithm).await
        }
    }
}

fn nek(context: &Context, name: &str) -> Result<Output, Failure> {
    let name = input::nek_name(name)?;
    context.create_data_dir()?;
    let neks = context.neks();
    let nek = neks.create(&name)?;
    let text = format!(
        "Created NEK {name}\nFingerprint: {}\nFile: {}\n{}",
        nek.fingerprint(),
        neks.file(&name).display(),
        back_up(context, &nek),
    );
    let json = json!({
        "nek": name.as_str(),
        "fingerprint": nek.fingerprint().to_string(),
        "file": neks.file(&name),
    });
    Ok(Output::text(text, json))
}

async fn credstore(context: &Context, nek: &str) -> Result<Output, Failure> {
    let nek = context.neks().open(&input::nek_name(nek)?)?;
    let path = context.store_path();
    let store = CredStore::create(&path, &nek).await?;
    let text = format!(
        "Created credential store {}\nNEK: {}\nFingerprint: {}\n{}",
        path.display(),
        nek.name(),
        store.nek_fingerprint(),
        back_up(context, &nek),
    );
    let json = json!({
        "credstore": path,
        "nek": nek.name().as_str(),
        "fingerprint": store.nek_fingerprint().to_string(),
    });
    Ok(Output::text(text, json))
}

fn back_up(context: &Context, nek: &Nek) -> String {
    format!(
        "Whoever loses this NEK loses every key that is sealed under it. Keep a copy on another machine; make it with:\n  {}",
        context.command(&format!("export nek {} <file>", nek.name())),
    )
}

async fn dkim(
    context: &Context,
    domain: &str,
    selector: &str,
    algorithm: KeyAlgorithm,
) -> Result<Output, Failure> {
    let name = input::key_name(domain, selector)?;
    let store = context.store().await?;
    // An existing name is refused before the seconds that a long RSA key takes; the insertion checks again.
    if let Ok(existing) = store.key(&name).await {
        let name = existing.name().clone();
        return Err(credstore::CredStoreError::Exists { name }.into());
    }
    let made = match algorithm {
        KeyAlgorithm::Rsa { bits } => SigningKey::generate_rsa(bits),
        _ => SigningKey::generate_ed25519(),
    };
    let failed = |source| Failure::KeyGeneration {
        name: name.clone(),
        source,
    };
    let key = made.map_err(failed)?;
    let new = NewKey {
        name: name.clone(),
        algorithm,
        pkcs8: Secret::from(key.to_pkcs8_der().map_err(failed)?),
        record: key.record().to_value(),
    };
    let stored = store.insert(new, clock::now()).await?;
    let publish = context.command(&format!(
        "export DKIM DNS {} {} <file>",
        name.domain(),
        name.selector()
    ));
    let text = format!(
        "Created DKIM key {name}\nPublish its record, which this writes and shows:\n  {publish}"
    );
    let output = Output::text(text, show::json(&stored));
    Ok(match algorithm {
        KeyAlgorithm::Rsa { bits: 1024 } => output.warn(
            "keys of 1024 bits are weak: RFC 8301 section 3.2 asks signers for at least 2048; use this one only while something cannot hold a longer record",
        ),
        _ => output,
    })
}
