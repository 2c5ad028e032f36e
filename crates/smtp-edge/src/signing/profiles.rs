//! The profiles of the policy, ready to sign by: their header sets checked, and each with a digest of all that it says.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use dkim_core::{Algorithm, HeaderSet, HeaderSetError, SignatureParams};
use router_config::{
    HeaderNames, ProfileName, SignatureAlgorithm, SigningInstruction, SigningPolicy, SigningProfile,
};

/// A profile that can be signed by.
#[derive(Debug, Clone)]
pub struct ReadyProfile {
    /// As the settings have it.
    pub settings: SigningProfile,
    headers: HeaderSet,
    digest: Vec<u8>,
}

/// A profile that cannot be signed by.
#[derive(Debug, thiserror::Error)]
#[error("the header fields of the signing profile {profile} cannot be used")]
pub struct ProfileError {
    /// Its name.
    pub profile: ProfileName,
    /// What is wrong with its lists.
    #[source]
    pub source: HeaderSetError,
}

impl ReadyProfile {
    fn new(settings: &SigningProfile) -> Result<Self, ProfileError> {
        let HeaderNames {
            signed,
            oversigned,
            never,
        } = &settings.headers;
        let (signed, oversigned) = (signed.as_deref(), oversigned.as_deref());
        let headers = HeaderSet::with(signed, oversigned, never.as_deref());
        let headers = headers.map_err(|source| ProfileError {
            profile: settings.name.clone(),
            source,
        })?;
        let said = format!("{settings:?}");
        Ok(Self {
            settings: settings.clone(),
            headers,
            digest: digest(&SHA256, said.as_bytes()).as_ref().to_vec(),
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &ProfileName {
        &self.settings.name
    }

    /// What a signature says that is made at `now`, in seconds since 1970.
    #[must_use]
    pub fn params(&self, instruction: &SigningInstruction, now: u64) -> SignatureParams {
        let selector = instruction.key.selector().clone();
        let params = SignatureParams::new(instruction.signing_domain.clone(), selector)
            .timestamp(now)
            .headers(self.headers.clone());
        match self.expires(now) {
            Some(expires) => params.expires(expires),
            None => params,
        }
    }

    /// When a signature that is made at `now` expires.
    #[must_use]
    pub fn expires(&self, now: u64) -> Option<u64> {
        let after = self.settings.expire_after?;
        Some(now.saturating_add(after.std().as_secs()))
    }

    /// Another one for every other profile.
    pub(super) fn digest(&self) -> &[u8] {
        &self.digest
    }
}

/// The name by which the settings know an algorithm.
pub(super) fn setting(algorithm: Algorithm) -> SignatureAlgorithm {
    match algorithm {
        Algorithm::RsaSha256 => SignatureAlgorithm::RsaSha256,
        Algorithm::Ed25519Sha256 => SignatureAlgorithm::Ed25519Sha256,
    }
}

/// All profiles of a policy.
#[derive(Debug)]
pub struct ReadyProfiles(HashMap<ProfileName, ReadyProfile>);

impl ReadyProfiles {
    /// Checks all of them.
    ///
    /// # Errors
    /// [`ProfileError`] for the first that cannot be signed by.
    pub fn new(policy: &SigningPolicy) -> Result<Self, ProfileError> {
        let ready = policy.profiles().map(|settings| {
            ReadyProfile::new(settings).map(|profile| (profile.name().clone(), profile))
        });
        ready.collect::<Result<_, _>>().map(Self)
    }

    /// The profile of that name, which the policy has given.
    #[must_use]
    pub fn get(&self, name: &ProfileName) -> Option<&ReadyProfile> {
        self.0.get(name)
    }
}

#[cfg(test)]
mod tests {
    use common_config::notes_ini::NotesEntry;
    use router_config::SigningSettings;

    use super::*;

    fn check(headers: &str, expected: &str) {
        let settings: SigningSettings = serde_json::from_str(&format!(
            r#"{{"profiles": [{{"name": "a", "headers": {headers}}}]}}"#
        ))
        .unwrap();
        let notes: &[NotesEntry] = &[];
        let policy = SigningPolicy::load(&settings, notes).unwrap();
        let found = match ReadyProfiles::new(&policy) {
            Ok(_) => "usable".to_owned(),
            Err(error) => format!("{error}: {}", error.source),
        };
        assert!(found.contains(expected), "{headers}: {found}");
    }

    #[test]
    fn header_lists_are_checked_when_the_settings_are_read() {
        check("{}", "usable");
        check(r#"{"signed": ["From", "X-*"]}"#, "usable");
        check(r#"{"oversigned": ["X-*"]}"#, "profile a cannot be used: ");
        check(r#"{"never": ["Subject"]}"#, "profile a cannot be used: ");
        check(r#"{"signed": [], "oversigned": []}"#, "From");
        check(r#"{"signed": ["From", "a:b"]}"#, "a:b");
    }
}
