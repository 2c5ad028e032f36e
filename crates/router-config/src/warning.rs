//! What is allowed, and probably not meant.

use std::fmt;

use common_config::name::DomainName;
use common_config::notes_ini::{NotesEntry, Origin};

use crate::key_entry::KeyEntry;
use crate::network::Network;
use crate::signing_mode::SigningMode;
use crate::signing_table::{Alignment, SigningTable, is_public_suffix};

/// Something that is allowed, and probably not meant.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// Keys are named, and signing is off.
    KeysButOff,
    /// Signing is on, and no keys are named.
    OnButNoKeys,
    /// A line that repeats another.
    Repeated {
        /// The line.
        line: Origin,
        /// The one that it repeats.
        first: Origin,
    },
    /// A name that starts as ours do, and is none of them.
    UnknownName {
        /// The line.
        line: NotesEntry,
    },
    /// Keys for all domains that anyone may register there.
    PublicSuffix {
        /// Where it stands.
        origin: Origin,
        /// The public suffix.
        domain: DomainName,
    },
    /// DMARC does not count the alias's signatures.
    Unaligned {
        /// Where it stands.
        origin: Origin,
        /// The alias.
        alias: DomainName,
        /// The `d=` of its signatures.
        signing_domain: DomainName,
    },
    /// A network wider than any that an organisation has.
    WideNetwork {
        /// The network.
        network: Network,
    },
    /// Nothing is signed, and the log says what would be.
    Quiet,
    /// Mail to postmaster leaves for the Internet.
    PostmasterOutside {
        /// The mailbox.
        mailbox: String,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeysButOff => f.write_str(
                "DKIM_KEY_ lines are there, and nothing is signed: set RouterDKIMSigning=1 (best effort) or 2 (enforce)",
            ),
            Self::OnButNoKeys => {
                f.write_str("RouterDKIMSigning is on, and no DKIM_KEY_ line names a key: add DKIM_KEY_<domain>=<selector>")
            }
            Self::Repeated { line, first } => write!(f, "{line}: the line repeats {first}: one of them can go"),
            Self::UnknownName { line } => write!(
                f,
                "{}: {} is no setting: the known ones are DKIM_KEY_<domain> and RouterDKIMSigning",
                line.origin, line.name
            ),
            Self::PublicSuffix { origin, domain } => write!(
                f,
                "{origin}: {domain} is a public suffix, so this key would sign for all of its domains: name your own domain"
            ),
            Self::Unaligned {
                origin,
                alias,
                signing_domain,
            } => write!(
                f,
                "{origin}: DMARC does not count signatures with d={signing_domain} for mail from {alias}: \
                 give {alias} a key of its own, or set signing.aligned_aliases"
            ),
            Self::WideNetwork { network } => write!(
                f,
                "router.relay_networks: {network} is wider than any private network: list only your own"
            ),
            Self::Quiet => f.write_str(
                "signing.quiet is on: mail goes unsigned, and the log says what would have become of it; take the setting out to sign",
            ),
            Self::PostmasterOutside { mailbox } => write!(
                f,
                "router.postmaster: {mailbox} is not in an internal domain, so mail to postmaster leaves for the Internet"
            ),
        }
    }
}

/// The warnings about lines of notes.ini.
pub(crate) fn about_signing(
    mode: SigningMode,
    table: &SigningTable,
    notes: &[NotesEntry],
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    match mode {
        SigningMode::Off if !table.is_empty() => warnings.push(Warning::KeysButOff),
        SigningMode::BestEffort | SigningMode::Enforce if table.is_empty() => {
            warnings.push(Warning::OnButNoKeys);
        }
        SigningMode::Off | SigningMode::BestEffort | SigningMode::Enforce => {}
    }
    for (line, first) in table.repeated() {
        warnings.push(Warning::Repeated {
            line: line.clone(),
            first: first.clone(),
        });
    }
    for line in notes.iter().filter(|line| looks_like_ours(line)) {
        warnings.push(Warning::UnknownName { line: line.clone() });
    }
    for entry in table.entries() {
        if is_public_suffix(entry.domain()) {
            warnings.push(Warning::PublicSuffix {
                origin: entry.origin().clone(),
                domain: entry.domain().clone(),
            });
        }
        let signing_domain = table.signing_domain(entry);
        if Alignment::of(entry.domain(), signing_domain) == Alignment::None {
            warnings.push(Warning::Unaligned {
                origin: entry.origin().clone(),
                alias: entry.domain().clone(),
                signing_domain: signing_domain.clone(),
            });
        }
    }
    warnings
}

fn looks_like_ours(line: &NotesEntry) -> bool {
    let name = line.name.to_ascii_lowercase();
    let is_ours = KeyEntry::domain_text(line).is_some() || line.is_named(SigningMode::SETTING);
    !is_ours && (name.starts_with("dkim") || name.starts_with("routerdkim"))
}
