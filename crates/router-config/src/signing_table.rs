//! Which keys sign for which domain: the `DKIM_KEY_…` lines, and the longest suffix among them.

mod alignment;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use common_config::name::{DomainName, KeyName};
use common_config::notes_ini::{NotesEntry, Origin};

pub use self::alignment::Alignment;
pub(crate) use self::alignment::is_public_suffix;
use crate::key_entry::{KeyEntry, KeyEntryError};

/// All `DKIM_KEY_…` lines, one for each domain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SigningTable {
    entries: BTreeMap<DomainName, Arc<KeyEntry>>,
    /// Lines that repeat another, the later one first.
    repeated: Vec<(Origin, Origin)>,
    alias_domain: AliasDomain,
}

/// Whose `d=` the signatures of an alias carry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum AliasDomain {
    /// The primary's, as in Domino.
    #[default]
    Primary,
    /// The alias's own.
    Alias,
}

impl SigningTable {
    /// Takes the lines that are `DKIM_KEY_…`. With `aligned`, `d=` is an alias's own domain.
    ///
    /// # Errors
    ///
    /// For a line that cannot be read, and for two of one domain that differ; both are named.
    pub fn load(notes: &[NotesEntry], aligned: bool) -> Result<Self, SigningTableError> {
        let mut table = Self {
            alias_domain: if aligned {
                AliasDomain::Alias
            } else {
                AliasDomain::Primary
            },
            ..Self::default()
        };
        for line in notes {
            let Some(domain) = KeyEntry::domain_text(line) else {
                continue;
            };
            let entry =
                KeyEntry::parse(domain, line).map_err(|source| SigningTableError::Malformed {
                    line: Box::new(line.clone()),
                    source,
                })?;
            match table.entries.get(entry.domain()) {
                None => {
                    table
                        .entries
                        .insert(entry.domain().clone(), Arc::new(entry));
                }
                Some(first) if first.means_the_same(&entry) => {
                    table
                        .repeated
                        .push((line.origin.clone(), first.origin().clone()));
                }
                Some(first) => {
                    return Err(SigningTableError::Conflict {
                        domain: entry.domain().clone(),
                        first: first.origin().clone(),
                        second: line.origin.clone(),
                    });
                }
            }
        }
        Ok(table)
    }

    /// The rule for mail from `domain`, by the most specific line that covers it.
    pub fn rule(&self, domain: &DomainName) -> Option<SigningRule> {
        let entry = self.covering(domain).next()?;
        let keys: Vec<SigningInstruction> = entry
            .keys()
            .map(|key| SigningInstruction {
                signing_domain: self.signing_domain(entry).clone(),
                key,
            })
            .collect();
        Some(SigningRule {
            alignment: Alignment::of(domain, self.signing_domain(entry)),
            entry: Arc::clone(entry),
            keys,
        })
    }

    /// The lines that cover `domain`, the most specific first.
    pub fn covering(&self, domain: &DomainName) -> impl Iterator<Item = &Arc<KeyEntry>> {
        domain
            .ancestors()
            .filter_map(|name| self.entries.get(&name))
    }

    /// All lines, by domain.
    pub fn entries(&self) -> impl Iterator<Item = &KeyEntry> {
        self.entries.values().map(Arc::as_ref)
    }

    /// All keys that some line names.
    pub fn key_names(&self) -> BTreeSet<KeyName> {
        self.entries().flat_map(KeyEntry::keys).collect()
    }

    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The `d=` of signatures by this line.
    pub(crate) fn signing_domain<'a>(&self, entry: &'a KeyEntry) -> &'a DomainName {
        match (self.alias_domain, entry.primary()) {
            (AliasDomain::Primary, Some(primary)) => primary,
            (AliasDomain::Primary, None) | (AliasDomain::Alias, _) => entry.domain(),
        }
    }

    pub(crate) fn repeated(&self) -> &[(Origin, Origin)] {
        &self.repeated
    }
}

/// Which keys sign a message, and how its domain stands to theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningRule {
    /// The line that decides.
    pub entry: Arc<KeyEntry>,
    /// One for each signature.
    pub keys: Vec<SigningInstruction>,
    /// Whether DMARC counts the signatures for the message's From.
    pub alignment: Alignment,
}

/// One signature: whose key, and the `d=` that it carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningInstruction {
    /// The key in the credential store; its selector is the `s=`.
    pub key: KeyName,
    /// The `d=`: the key's own domain, or with aligned aliases the alias's.
    pub signing_domain: DomainName,
}

/// `DKIM_KEY_…` lines that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningTableError {
    /// A line that cannot be read.
    #[error("{}: {}={} cannot be read", line.origin, line.name, line.value)]
    Malformed {
        /// The line.
        line: Box<NotesEntry>,
        /// What is wrong with it.
        source: KeyEntryError,
    },
    /// Two lines of one domain that differ.
    #[error(
        "{second}: the keys of {domain} are set differently at {first}: keep one of the two lines"
    )]
    Conflict {
        /// The domain.
        domain: DomainName,
        /// The first line.
        first: Origin,
        /// The second.
        second: Origin,
    },
}

#[cfg(test)]
mod tests;
