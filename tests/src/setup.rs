//! What an edge is to be: its settings, its notes.ini and its keys, before anything runs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The organisation's domain in the tests.
pub const PRIMARY: &str = "renovations.com";
/// A subdomain of it.
pub const SUBDOMAIN: &str = "sales.renovations.com";
/// Another domain of the organisation.
pub const ALIAS: &str = "homerepair.example";
/// A domain outside.
pub const PARTNER: &str = "partner.test";
/// Another one.
pub const OTHER: &str = "other.test";

/// A key that `keymgmt` is to make and whose record is to stand in DNS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The domain it signs for.
    pub domain: String,
    /// Its selector.
    pub selector: String,
    /// The rest of the command line: `Ed25519`, or `RSA 2048`.
    pub algorithm: String,
}

/// The settings, notes.ini and keys of one edge.
#[derive(Debug, Clone)]
pub struct Setup {
    /// `notes.ini`.
    pub notes: String,
    /// The keys.
    pub keys: Vec<Key>,
    tables: BTreeMap<String, BTreeMap<String, String>>,
}

impl Default for Setup {
    fn default() -> Self {
        let mut setup = Self {
            notes: String::new(),
            keys: Vec::new(),
            tables: BTreeMap::new(),
        };
        setup
            .set(
                "router",
                "internal_domains",
                &format!("[{PRIMARY:?}, {SUBDOMAIN:?}, {ALIAS:?}]"),
            )
            .set("router", "postmaster", &format!("\"postmaster@{PRIMARY}\""))
            .set("smtp", "hostname", "\"edge.renovations.com\"")
            .set("listen", "addresses", "[\"127.0.0.1:0\"]")
            .set("delivery", "allowed_private_networks", "[\"127.0.0.0/8\"]")
            .set("delivery", "retry_first", "\"1s\"")
            .set("delivery", "retry_max", "\"1s\"")
            .set("log", "format", "\"json\"");
        setup
    }
}

impl Setup {
    /// An edge with this notes.ini and no keys.
    #[must_use]
    pub fn notes(notes: &str) -> Self {
        Self {
            notes: notes.to_owned(),
            ..Self::default()
        }
    }

    /// An edge with one Ed25519 key `<selector>._domainkey.<PRIMARY>` and the entry for it.
    #[must_use]
    pub fn signing(mode: &str, selector: &str) -> Self {
        Self::notes(&format!(
            "RouterDKIMSigning={mode}\nDKIM_KEY_{PRIMARY}={selector}\n"
        ))
        .key(PRIMARY, selector, "Ed25519")
    }

    /// The same entry, and no key.
    #[must_use]
    pub fn keyless(mode: &str, selector: &str) -> Self {
        Self {
            keys: Vec::new(),
            ..Self::signing(mode, selector)
        }
    }

    /// Adds a key.
    #[must_use]
    pub fn key(mut self, domain: &str, selector: &str, algorithm: &str) -> Self {
        self.keys.push(Key {
            domain: domain.to_owned(),
            selector: selector.to_owned(),
            algorithm: algorithm.to_owned(),
        });
        self
    }

    /// Sets a key of a table to a value written as TOML.
    pub fn set(&mut self, table: &str, key: &str, value: &str) -> &mut Self {
        self.tables
            .entry(table.to_owned())
            .or_default()
            .insert(key.to_owned(), value.to_owned());
        self
    }

    /// The same, for chains that begin with a constructor.
    #[must_use]
    pub fn with(mut self, table: &str, key: &str, value: &str) -> Self {
        self.set(table, key, value);
        self
    }

    /// The settings as TOML.
    #[must_use]
    pub fn toml(&self) -> String {
        let mut text = String::new();
        let (top, tables): (Vec<_>, Vec<_>) =
            self.tables.iter().partition(|(table, _)| table.is_empty());
        for (table, keys) in top.into_iter().chain(tables) {
            if !table.is_empty() {
                let _ = writeln!(text, "\n[{table}]");
            }
            for (key, value) in keys {
                let _ = writeln!(text, "{key} = {value}");
            }
        }
        text
    }
}
