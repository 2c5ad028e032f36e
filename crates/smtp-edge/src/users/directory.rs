//! The users in force, each with the verifier of a password, and the answers to a session's questions about them.
//!
//! A name that nobody has is answered like any other, with a verifier that is made up from it: the same each time, also
//! after a restart, so that no exchange tells who exists.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::hmac;
use common_config::user_name::UserName;
use credstore::{CredStore, CredStoreError, ScramVerifier, Secret};

use crate::mail_log;
use crate::smtp::sasl::{Lookup, PasswordVerdict, Users};

/// The users as the store had them at one moment.
pub struct UserSet {
    users: HashMap<UserName, ScramVerifier>,
    /// What made-up verifiers are made of.
    fiction: hmac::Key,
}

impl UserSet {
    /// Nobody.
    #[must_use]
    pub fn empty() -> Self {
        Self::of(HashMap::new(), &[])
    }

    /// Reads every user of an open store. One whose line cannot be believed is logged and left out.
    ///
    /// # Errors
    /// What the store says when nothing can be known of any user.
    pub async fn read(store: &CredStore) -> Result<Self, CredStoreError> {
        let mut users = HashMap::new();
        for (name, user) in store.inspect_users().await? {
            match user.and_then(|user| Ok((user.name().clone(), store.verifier(&user)?))) {
                Ok((name, verifier)) => drop(users.insert(name, verifier)),
                Err(error) => mail_log::user_unusable(&name, &error),
            }
        }
        // Outsiders do not know the fingerprint, and it is the same after a restart.
        let fingerprint = store.nek_fingerprint().to_string();
        Ok(Self::of(users, fingerprint.as_bytes()))
    }

    fn of(users: HashMap<UserName, ScramVerifier>, seed: &[u8]) -> Self {
        Self {
            users,
            fiction: hmac::Key::new(hmac::HMAC_SHA256, seed),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.users.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    fn verifier(&self, name: &UserName) -> ScramVerifier {
        let known = self.users.get(name);
        known.cloned().unwrap_or_else(|| self.made_up(name))
    }

    fn made_up(&self, name: &UserName) -> ScramVerifier {
        let part = |of: &str| -> [u8; 32] {
            let tag = hmac::sign(&self.fiction, format!("{of} {name}").as_bytes());
            let mut part = [0; 32];
            part.copy_from_slice(tag.as_ref());
            part
        };
        let salt = part("salt");
        ScramVerifier {
            salt: salt.iter().copied().take(SALT_LENGTH).collect(),
            iterations: ScramVerifier::ITERATIONS,
            stored_key: part("StoredKey"),
            server_key: part("ServerKey"),
        }
    }
}

impl fmt::Debug for UserSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.users.keys()).finish()
    }
}

/// The users in force.
#[derive(Debug)]
pub struct UserDirectory(RwLock<Arc<UserSet>>);

impl UserDirectory {
    /// With these users.
    #[must_use]
    pub fn new(users: UserSet) -> Self {
        Self(RwLock::new(Arc::new(users)))
    }

    /// Those in force at this moment.
    #[must_use]
    pub fn in_force(&self) -> Arc<UserSet> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts others in their place.
    pub fn replace(&self, users: UserSet) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(users);
    }
}

impl Users for UserDirectory {
    fn are_there(&self) -> bool {
        !self.in_force().is_empty()
    }

    fn verifier(&self, name: &UserName) -> Lookup {
        Lookup::Verifier(self.in_force().verifier(name))
    }

    fn check(&self, name: &UserName, password: &Secret) -> PasswordVerdict {
        if self.in_force().verifier(name).verify_password(password) {
            PasswordVerdict::Right
        } else {
            PasswordVerdict::Wrong
        }
    }
}

/// As long as that of a verifier from [`ScramVerifier::new`]; another length would tell the two apart.
const SALT_LENGTH: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> UserName {
        text.parse().unwrap()
    }

    fn verifier(users: &UserSet, user: &str) -> ScramVerifier {
        users.verifier(&name(user))
    }

    #[test]
    fn a_name_that_nobody_has_looks_like_any_other() {
        let password = Secret::new(b"tanstaaftanstaaf".to_vec());
        let real = ScramVerifier::new(&password).unwrap();
        let known = HashMap::from([(name("tim"), real.clone())]);
        let users = UserSet::of(known, b"fingerprint");
        assert_eq!(verifier(&users, "tim"), real);
        let made_up = verifier(&users, "nobody");
        assert_eq!(made_up.salt.len(), real.salt.len());
        assert_eq!(made_up.iterations, real.iterations);
        assert_ne!(made_up.salt, verifier(&users, "somebody").salt);
        // The same after a restart, and another one elsewhere.
        let restarted = UserSet::of(HashMap::new(), b"fingerprint");
        assert_eq!(verifier(&restarted, "nobody"), made_up);
        let elsewhere = UserSet::of(HashMap::new(), b"another");
        assert_ne!(verifier(&elsewhere, "nobody").salt, made_up.salt);
    }

    #[test]
    fn passwords_are_checked() {
        let password = |text: &str| Secret::new(text.as_bytes().to_vec());
        let tim = ScramVerifier::new(&password("tanstaaftanstaaf")).unwrap();
        let directory = UserDirectory::new(UserSet::empty());
        assert!(!directory.are_there());
        directory.replace(UserSet::of(HashMap::from([(name("tim"), tim)]), b""));
        assert!(directory.are_there());
        let check = |user: &str, text: &str, expected: PasswordVerdict| {
            assert_eq!(
                directory.check(&name(user), &password(text)),
                expected,
                "{user} {text}"
            );
        };
        check("tim", "tanstaaftanstaaf", PasswordVerdict::Right);
        check("TIM", "tanstaaftanstaaf", PasswordVerdict::Right);
        check("tim", "tanstaaf", PasswordVerdict::Wrong);
        check("nobody", "tanstaaftanstaaf", PasswordVerdict::Wrong);
    }
}
