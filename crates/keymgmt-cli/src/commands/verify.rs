//! `verify`: whether a message's signatures hold. dkim-core decides; mail-auth is asked beside it.

use dkim_core::{Limits, LookupError, Verification};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::cli::Verify;
use crate::clock;
use crate::context::Context;
use crate::dns::Records;
use crate::exit::{Failure, Status};
use crate::message;
use crate::output::Output;
use crate::second_opinion::{self, Found};

pub(crate) async fn run(context: &Context, arguments: Verify) -> Result<Output, Failure> {
    let message = message::read(&arguments.message)?;
    let records = match (&arguments.record, arguments.dns) {
        (Some(record), _) => Records::given(record)?,
        (None, Some(server)) => Records::dns(&[server])?,
        (None, None) => Records::dns(context.dns_servers())?,
    };
    let mut found = Found::new();
    let verifications = verify(&message, &records, &mut found);
    if verifications.is_empty() {
        let output = Output::text("The message has no signature.", json!({ "signatures": [] }));
        return Ok(output.with_status(Status::NotVerified));
    }
    let mut opinions = second_opinion::ask(&message, &found).await;
    let (mut text, mut list) = (String::new(), Vec::new());
    for verification in &verifications {
        let opinion = verification
            .key
            .as_ref()
            .filter(|_| !is_temporary(verification))
            .and_then(|key| {
                let key = key.to_string();
                let place = opinions.iter().position(|(about, _)| *about == key)?;
                Some(opinions.remove(place).1)
            });
        text.push_str(&format!(
            "{verification}\n  second opinion (mail-auth): {}\n",
            opinion.as_deref().unwrap_or("none")
        ));
        list.push(json(verification, opinion.as_deref()));
    }
    let output = Output::text(text, json!({ "signatures": list }));
    Ok(output.with_status(status(&verifications)))
}

fn verify(message: &[u8], records: &Records, found: &mut Found) -> Vec<Verification> {
    let now = clock::unix_seconds(clock::now());
    // dkim-core asks for a record and waits for the answer, as it knows no tasks.
    block_in_place(|| {
        let lookup = |key: &_| match Handle::current().block_on(records.txt(key)) {
            Ok(texts) => {
                found.insert(key.clone(), texts.clone());
                if texts.is_empty() {
                    Err(LookupError::NoRecord)
                } else {
                    Ok(texts)
                }
            }
            Err(error) => Err(LookupError::Temporary(error.into())),
        };
        dkim_core::verify(message, lookup, now, &Limits::default())
    })
}

/// One signature that holds is enough (RFC 6376 §6.1). Without one, an answer that the DNS did not give may change that.
fn status(verifications: &[Verification]) -> Status {
    if verifications
        .iter()
        .any(|verification| verification.result.is_pass())
    {
        return Status::Done;
    }
    if verifications.iter().any(is_temporary) {
        Status::Later
    } else {
        Status::NotVerified
    }
}

/// No answer from the DNS: there is nothing for a second opinion either.
fn is_temporary(verification: &Verification) -> bool {
    verification.result.status() == dkim_core::Status::TempError
}

fn json(verification: &Verification, opinion: Option<&str>) -> Value {
    json!({
        "result": verification.result.status().to_string(),
        "reason": verification.result.to_string(),
        "key": verification.key.as_ref().map(ToString::to_string),
        "domain": verification.key.as_ref().map(|key| key.domain().as_str()),
        "selector": verification.key.as_ref().map(|key| key.selector().as_str()),
        "algorithm": verification.algorithm.map(|algorithm| algorithm.as_str()),
        "key_bits": verification.key_bits,
        "headers": verification.headers,
        "timestamp": verification.timestamp,
        "expires": verification.expires,
        "second_opinion": { "by": "mail-auth", "result": opinion },
    })
}
