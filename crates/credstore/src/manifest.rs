//! The manifest: which keys the store holds, and at which version each line was written last.
//!
//! A line's own MAC shows that it was written by somebody who had the NEK; it cannot show that it is the newest. The
//! manifest can: it lists every line's version under the MAC of the store's header, whose own version grows with every
//! change. An older copy of a line, a deleted line that was put back, and a line that is gone are so told apart.

use std::collections::BTreeMap;

use common_config::name::KeyName;

/// Line versions by key. Within a store: every version ≤ the store's version, and no two are equal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manifest(BTreeMap<KeyName, i64>);

impl Manifest {
    pub(crate) fn version(&self, name: &KeyName) -> Option<i64> {
        self.0.get(name).copied()
    }

    pub(crate) fn set(&mut self, name: KeyName, version: i64) {
        self.0.insert(name, version);
    }

    pub(crate) fn remove(&mut self, name: &KeyName) {
        self.0.remove(name);
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &KeyName> {
        self.0.keys()
    }

    /// One line a key: its name, a blank, its version. Read only after the header's MAC was found right.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let lines = self
            .0
            .iter()
            .map(|(name, version)| format!("{name} {version}\n"));
        lines.collect::<String>().into_bytes()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let line = |line: &str| {
            let (name, version) = line.split_once(' ')?;
            Some((name.parse().ok()?, version.parse().ok()?))
        };
        text.lines().map(line).collect::<Option<_>>().map(Self)
    }
}

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
        assert_eq!(Manifest::from_bytes(&manifest.to_bytes()), Some(manifest));
        assert_eq!(Manifest::from_bytes(b"nonsense"), None);
    }
}
