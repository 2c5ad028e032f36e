//! The manifest: which keys and users the store holds, and at which version each line was written last.
//!
//! A line's own MAC shows that it was written by somebody who had the NEK; it cannot show that it is the newest. The
//! manifest can: it lists every line's version under the MAC of the store's header, whose own version grows with every
//! change. An older copy of a line, a deleted line that was put back, and a line that is gone are so told apart.

use std::collections::BTreeMap;

use common_config::name::KeyName;
use common_config::user_name::UserName;

/// Line versions by key and by user. Within a store: every version ≤ the store's version, and no two are equal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    keys: BTreeMap<KeyName, i64>,
    users: BTreeMap<UserName, i64>,
}

impl Manifest {
    pub(crate) fn version(&self, name: &KeyName) -> Option<i64> {
        self.keys.get(name).copied()
    }

    pub(crate) fn set(&mut self, name: KeyName, version: i64) {
        self.keys.insert(name, version);
    }

    pub(crate) fn remove(&mut self, name: &KeyName) {
        self.keys.remove(name);
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &KeyName> {
        self.keys.keys()
    }

    pub(crate) fn user_version(&self, name: &UserName) -> Option<i64> {
        self.users.get(name).copied()
    }

    pub(crate) fn set_user(&mut self, name: UserName, version: i64) {
        self.users.insert(name, version);
    }

    pub(crate) fn remove_user(&mut self, name: &UserName) {
        self.users.remove(name);
    }

    pub(crate) fn users(&self) -> impl Iterator<Item = &UserName> {
        self.users.keys()
    }

    /// One line a key: its name, a blank, its version. Then one line a user: `user`, the version, the name, which may hold
    /// blanks itself. No key is called `user`. Read only after the header's MAC was found right.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let keys = self.keys.iter();
        let keys = keys.map(|(name, version)| format!("{name} {version}\n"));
        let users = self.users.iter();
        let users = users.map(|(name, version)| format!("{USER} {version} {name}\n"));
        keys.chain(users).collect::<String>().into_bytes()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut manifest = Self::default();
        for line in std::str::from_utf8(bytes).ok()?.lines() {
            let (first, rest) = line.split_once(' ')?;
            if first == USER {
                let (version, name) = rest.split_once(' ')?;
                manifest.set_user(name.parse().ok()?, version.parse().ok()?);
            } else {
                manifest.set(first.parse().ok()?, rest.parse().ok()?);
            }
        }
        Some(manifest)
    }
}

const USER: &str = "user";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_wrote() {
        let mut manifest = Manifest::default();
        assert_eq!(
            Manifest::from_bytes(&manifest.to_bytes()),
            Some(manifest.clone())
        );
        manifest.set("12345._domainkey.renovations.com".parse().unwrap(), 7);
        manifest.set("a.b._domainkey.example.org".parse().unwrap(), 8);
        for (name, version) in [
            ("app1", 9),
            ("jo  doe/acme", 10),
            ("user", 11),
            ("12 x", 12),
        ] {
            manifest.set_user(name.parse().unwrap(), version);
        }
        assert_eq!(Manifest::from_bytes(&manifest.to_bytes()), Some(manifest));
        assert_eq!(Manifest::from_bytes(b"nonsense"), None);
    }
}
