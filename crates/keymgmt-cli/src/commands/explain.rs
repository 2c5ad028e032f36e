//! `explain`: which keys sign mail from an address, why, and whether the store has them.

use common_config::name::KeyName;
use credstore::{CredStore, KeyAlgorithm, KeyState};
use serde_json::{Value, json};

use crate::context::Context;
use crate::exit::Failure;
use crate::input;
use crate::output::Output;
use crate::signing::SigningPolicy;

pub(crate) async fn run(context: &Context, address: &str) -> Result<Output, Failure> {
    let domain = input::address_domain(address)?;
    let policy = SigningPolicy::load(context)?;
    let explanation = router_config::explain(policy.mode, &policy.table, &domain);
    let mut text = explanation.to_string().trim_end().to_owned();
    let mut keys = Vec::new();
    if !explanation.signatures.is_empty() {
        text.push_str("\nIn the credential store:\n");
        let store = context.store().await;
        for signature in &explanation.signatures {
            let found = state(&store, &signature.key, policy.settings.rsa_minimum_bits).await;
            text.push_str(&format!("  {}: {found}\n", signature.key));
            keys.push(json!({ "key": signature.key.to_string(), "found": found }));
        }
    }
    // The explanation is ours and always becomes JSON; a null would say that it did not.
    let mut json = serde_json::to_value(&explanation).unwrap_or(Value::Null);
    if let Value::Object(object) = &mut json {
        object.insert("keys".to_owned(), keys.into());
    }
    Ok(Output::text(text, json))
}

/// What the server would find.
async fn state(
    store: &Result<CredStore, Failure>,
    name: &KeyName,
    rsa_minimum_bits: u32,
) -> String {
    let store = match store {
        Ok(store) => store,
        Err(failure) => return failure.line(),
    };
    let key = match store.key(name).await {
        Ok(key) => key,
        Err(error) => return Failure::from(error).line(),
    };
    let too_short =
        matches!(key.algorithm(), KeyAlgorithm::Rsa { bits } if bits < rsa_minimum_bits);
    match key.state() {
        KeyState::Active if too_short => {
            format!(
                "{}, too short: signing.rsa_minimum_bits is {rsa_minimum_bits}",
                key.algorithm()
            )
        }
        KeyState::Active => format!("{}, active", key.algorithm()),
        KeyState::Revoked { .. } => format!("{}, revoked: it does not sign", key.algorithm()),
    }
}
