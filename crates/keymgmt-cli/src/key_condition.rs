//! In what condition a key is that the settings name, and what it is known by.
//!
//! A key is read as for signing, so that what is called active can sign. A fault is a condition with its reason, never an
//! error: the other keys are still to be shown.

use common_config::name::KeyName;
use credstore::{CredStore, CredStoreError};
use dkim_core::KeyRecord;
use router_config::{ExplainedKey, FaultClass, KeyCondition};

use crate::exit::Failure;
use crate::signing::{self, SigningError};

/// Looks for `name` in the store, if the store could be opened.
pub(crate) async fn look(
    store: &Result<CredStore, Failure>,
    name: &KeyName,
    rsa_minimum_bits: u32,
) -> ExplainedKey {
    let store = match store {
        Ok(store) => store,
        Err(failure) => {
            return ExplainedKey {
                name: name.clone(),
                condition: faulty(class_of_store(failure), failure),
                algorithm: None,
                fingerprint: None,
            };
        }
    };
    let condition = match signing::key(store, name, rsa_minimum_bits).await {
        Ok(key) => KeyCondition::Active(signing::setting(key.algorithm())),
        Err(failure) => faulty(class_of_key(&failure), &failure),
    };
    let stored = store.key(name).await.ok();
    let record = stored
        .as_ref()
        .map(|stored| KeyRecord::parse(stored.record()));
    ExplainedKey {
        name: name.clone(),
        condition,
        algorithm: stored.map(|stored| stored.algorithm().to_string()),
        fingerprint: record.and_then(|record| record.ok()?.fingerprint()),
    }
}

fn faulty(class: FaultClass, failure: &Failure) -> KeyCondition {
    KeyCondition::Faulty {
        class,
        why: failure.line(),
    }
}

/// Of a store that cannot be opened.
fn class_of_store(failure: &Failure) -> FaultClass {
    match failure {
        Failure::Store(CredStoreError::NekMissing { .. }) => FaultClass::NekAway,
        _ => FaultClass::StoreAway,
    }
}

fn class_of_key(failure: &Failure) -> FaultClass {
    match failure {
        Failure::Store(CredStoreError::NotFound { .. }) => FaultClass::KeyMissing,
        Failure::Store(CredStoreError::Revoked { .. }) => FaultClass::KeyRevoked,
        Failure::Store(error) if error.is_transient() => FaultClass::StoreAway,
        Failure::Signing(SigningError::KeyTooShort { .. }) => FaultClass::KeyTooShort,
        _ => FaultClass::KeyUnreadable,
    }
}
