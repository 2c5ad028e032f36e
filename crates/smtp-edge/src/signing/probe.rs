//! The probe: a key proves that it signs, and that the record to be published for it verifies what it signs, before any
//! message is signed with it.

use common_config::name::KeyName;
use dkim_core::{Limits, SignError, SignatureParams, SigningKey, VerifyResult, sign, verify};

/// Why a key did not pass.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// It did not sign.
    #[error("the key does not sign a message made to try it; create the key anew")]
    Sign(#[source] SignError),
    /// What it signed does not verify.
    #[error(
        "a message signed with the key does not verify with the record in the store: {0}; create the key anew and publish \
         its record"
    )]
    Verify(VerifyResult),
}

/// Signs a small message with `key` and verifies it with `record`, the value of the TXT record at `name`.
///
/// # Errors
/// [`ProbeError`].
pub fn probe(name: &KeyName, key: &SigningKey, record: &str) -> Result<(), ProbeError> {
    let params = SignatureParams::new(name.domain().clone(), name.selector().clone());
    let signature = sign(MESSAGE, &[(params, key.clone())]).map_err(ProbeError::Sign)?;
    let mut message: Vec<u8> = signature
        .into_iter()
        .flat_map(|header| header.text)
        .collect();
    message.extend_from_slice(MESSAGE);
    // No `t=` and no `x=`: the time does not matter.
    let verifications = verify(
        &message,
        |_| Ok(vec![record.to_owned()]),
        0,
        &Limits::default(),
    );
    let result = verifications
        .into_iter()
        .map(|verification| verification.result)
        .next();
    match result {
        Some(result) if result.is_pass() => Ok(()),
        Some(result) => Err(ProbeError::Verify(result)),
        None => Err(ProbeError::Verify(VerifyResult::NoKey)),
    }
}

const MESSAGE: &[u8] = b"From: probe@localhost\r\nSubject: probe\r\n\r\nprobe\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_passes_with_its_own_record_and_with_no_other() {
        let name = "s1._domainkey.renovations.com".parse().unwrap();
        let check = |key: &SigningKey, record: &str, expected: &str| {
            let found = match probe(&name, key, record) {
                Ok(()) => "passes".to_owned(),
                Err(error) => error.to_string(),
            };
            assert!(found.contains(expected), "{record}: {found}");
        };
        let ed25519 = SigningKey::generate_ed25519().unwrap();
        let rsa = SigningKey::generate_rsa(2048).unwrap();
        // The `rsa` crate's, where the others are aws-lc-rs's.
        let short = SigningKey::generate_rsa(1024).unwrap();
        let other = SigningKey::generate_ed25519().unwrap();
        for key in [&ed25519, &rsa, &short] {
            check(key, &key.record().to_value(), "passes");
        }
        check(&ed25519, &other.record().to_value(), "does not verify");
        check(&ed25519, &rsa.record().to_value(), "does not verify");
        check(&rsa, "", "does not verify");
        check(&rsa, "v=DKIM1; p=", "does not verify");
    }
}
