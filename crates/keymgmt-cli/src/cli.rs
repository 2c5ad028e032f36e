//! The command line: verbs, nouns and options, as they were typed.
//!
//! Owns the words alone. What they mean is checked where it is used ([`crate::input`]), so that every refusal is one line
//! that says what to do. Verbs and nouns are taken in any case, as Domino's `keymgmt` takes them.

mod user;

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use common_config::admin_address::AdminAddress;
use common_config::user_name::UserName;
use router_config::CertificateFingerprint;

pub(crate) use self::user::User;
use crate::exit::Status;
use crate::output::Format;

/// Manage the keys that sign outgoing mail with DKIM.
#[derive(Debug, Parser)]
#[command(name = "keymgmt", version, after_help = Status::HELP, subcommand_value_name = "VERB", disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Options that every verb takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The settings file [default: $SMTP_EDGE_SETTINGS, else /etc/smtp-edge/smtp-edge.toml if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
    /// The folder of the NEKs, the store and exported records [default: the settings' data_dir]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The notes.ini with DKIM_KEY_ and RouterDKIMSigning lines [default: the settings' notes_ini]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) notes_ini: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

impl Global {
    pub(crate) fn format(&self) -> Format {
        if self.json {
            Format::Json
        } else {
            Format::Text
        }
    }
}

/// What is done.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make a NEK, the credential store or a DKIM key
    Create {
        #[command(subcommand)]
        noun: Create,
    },
    /// Show NEKs or DKIM keys
    Show {
        #[command(subcommand)]
        noun: Show,
    },
    /// Write a DNS record or a copy of a NEK to a file
    Export {
        #[command(subcommand)]
        noun: Export,
    },
    /// Bring back a copy of a NEK
    Import {
        #[command(subcommand)]
        noun: Import,
    },
    /// Take a DKIM key out of use for good
    Revoke {
        #[command(subcommand)]
        noun: Named,
    },
    /// Remove a DKIM key; its private key is gone for good
    Delete {
        #[command(subcommand)]
        noun: Named,
    },
    /// Manage the users who may send through the server once they have authenticated
    User {
        #[command(subcommand)]
        noun: User,
    },
    /// Say which keys sign mail from an address, or a message, and why
    Explain(Explain),
    /// Say which change on the way broke a signature; status 1 when one did
    Diff(Diff),
    /// Sum up what the server has logged
    Report {
        #[command(subcommand)]
        noun: Report,
    },
    /// Sign a message as the server would, and write it to the standard output
    Sign(Sign),
    /// Check a message's signatures
    Verify(Verify),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Create {
    /// Make a named encryption key
    Nek {
        /// What it is to be called
        name: String,
    },
    /// Make an empty credential store
    Credstore {
        /// The NEK that seals it
        nek: String,
    },
    /// Make a DKIM key
    Dkim {
        /// The domain that signs
        domain: String,
        /// The selector
        selector: String,
        /// RSA or Ed25519
        algorithm: String,
        /// The bits of an RSA key: 1024, 2048 or 4096 [default: 2048]
        bits: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Show {
    /// Show named encryption keys
    Nek {
        /// A name, or ALL
        name: String,
    },
    /// Show DKIM keys
    Dkim {
        /// A domain, or ALL
        domain: String,
        /// The selector
        selector: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Export {
    /// Write a copy of a NEK, sealed under a passphrase
    Nek {
        /// The NEK
        name: String,
        /// The file to write, which must not exist
        file: PathBuf,
        /// A file with the passphrase, in place of asking for it
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
    },
    /// Write what is public of a DKIM key
    Dkim {
        #[command(subcommand)]
        kind: ExportDkim,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ExportDkim {
    /// Write the contents of the TXT record into the data directory
    Dns {
        /// The domain, or an alias that signs with its own name
        domain: String,
        /// The selector
        selector: String,
        /// The name of the file, without a folder
        file: String,
        /// Write over a file that exists
        #[arg(long)]
        force: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Import {
    /// Bring back a NEK from its copy
    Nek {
        /// The file that `export nek` wrote
        file: PathBuf,
        /// Another name than it had
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// A file with the passphrase, in place of asking for it
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Named {
    /// A DKIM key
    Dkim {
        /// The domain
        domain: String,
        /// The selector
        selector: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Report {
    /// What would have become of mail under signing.quiet, by domain
    Quiet {
        /// The server's log in JSON (log.format = "json"), - for the standard input
        log: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// An address or a domain that mail is from
    #[arg(required_unless_present_any = ["message", "to", "from_ip"], conflicts_with = "message")]
    pub(crate) address: Option<String>,
    /// Explain this message, - for the standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) message: Option<PathBuf>,
    /// Print the header and the body as the first signature would hash them, octet for octet
    #[arg(long, requires = "message", conflicts_with = "address")]
    pub(crate) canonical: bool,
    /// Say where mail to this recipient goes; may be repeated
    #[arg(long, value_name = "RECIPIENT")]
    pub(crate) to: Vec<String>,
    /// Say whether a client at this address may send through the edge
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) from_ip: Option<IpAddr>,
    /// … that has authenticated as this user
    #[arg(long, value_name = "USER", requires = "from_ip", visible_alias = "as")]
    pub(crate) identity: Option<UserName>,
    /// … that holds the certificate with this fingerprint
    #[arg(long, value_name = "FINGERPRINT", requires = "from_ip")]
    pub(crate) certificate: Option<CertificateFingerprint>,
    /// … which is by the authority for client certificates
    #[arg(long, requires = "certificate")]
    pub(crate) by_authority: bool,
    /// Ask the running server, which answers from the settings and the keys that are in force there
    #[arg(long, conflicts_with = "canonical")]
    pub(crate) running: bool,
    /// Where the running server is asked [default: the settings' admin.listen]
    #[arg(long, value_name = "ADDRESS", requires = "running")]
    pub(crate) admin: Option<AdminAddress>,
}

#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The message as it was sent, with its signature
    pub(crate) sent: PathBuf,
    /// The same message as it was received
    pub(crate) received: PathBuf,
    /// The selector of the signature to compare by [default: the first signature of the message as sent]
    #[arg(long)]
    pub(crate) selector: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// The message, - for the standard input; lines that end in LF are made to end in CRLF first
    pub(crate) message: PathBuf,
    /// Sign with this key (selector._domainkey.domain), whatever the settings say; may be repeated
    #[arg(long = "key", value_name = "KEY")]
    pub(crate) keys: Vec<String>,
    /// Sign the copy that goes to this recipient, by the profile of its destination
    #[arg(long, value_name = "RECIPIENT", conflicts_with = "keys")]
    pub(crate) to: Option<String>,
    /// Write the signed message to this file, which must not exist
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The message, - for the standard input; lines that end in LF are made to end in CRLF first
    pub(crate) message: PathBuf,
    /// The key record, or a file that holds it, in place of asking the DNS
    #[arg(long, value_name = "FILE OR TEXT")]
    pub(crate) record: Option<String>,
    /// The DNS server to ask [default: the settings' dns.servers, else the system's]
    #[arg(long, value_name = "ADDRESS:PORT", conflicts_with = "record")]
    pub(crate) dns: Option<SocketAddr>,
}

impl Cli {
    /// Reads the command line, or says with which status to leave: help was asked for, or a word is wrong.
    pub(crate) fn read(words: impl Iterator<Item = OsString>) -> Result<Self, ExitCode> {
        Self::try_parse_from(in_our_case(words)).map_err(|error| {
            // Nothing can be done about a closed standard error or output.
            let _ = error.print();
            ExitCode::from(if error.use_stderr() {
                Status::Usage.code()
            } else {
                Status::Done.code()
            })
        })
    }
}

/// The words with verbs and nouns in lower case; names, files and options stay as they are.
fn in_our_case(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut place = Place::Program;
    words
        .map(|word| {
            let text = word.to_str().map(str::to_ascii_lowercase);
            let (next, lower) = place.after(text.as_deref().unwrap_or_default());
            place = next;
            match (lower, text) {
                (true, Some(text)) => text.into(),
                _ => word,
            }
        })
        .collect()
}

/// Where in the command line the next word stands.
#[derive(Clone, Copy, Debug)]
enum Place {
    Program,
    Verb,
    /// The value of an option that stood where a verb, a noun, or the `dns` of `export dkim dns` was awaited.
    ValueBefore(Word),
    Noun {
        export: bool,
    },
    Kind,
    Rest,
}

#[derive(Clone, Copy, Debug)]
enum Word {
    Verb,
    Noun { export: bool },
    Kind,
}

impl Place {
    /// The place after `word`, and whether `word` is a verb or a noun.
    fn after(self, word: &str) -> (Self, bool) {
        let awaited = match self {
            Self::Program => return (Self::Verb, false),
            Self::ValueBefore(awaited) => return (awaited.place(), false),
            Self::Rest => return (Self::Rest, false),
            Self::Verb => Word::Verb,
            Self::Noun { export } => Word::Noun { export },
            Self::Kind => Word::Kind,
        };
        if matches!(word, "--settings" | "--data-dir" | "--notes-ini") {
            return (Self::ValueBefore(awaited), false);
        }
        if word.starts_with('-') {
            return (self, false);
        }
        let next = match awaited {
            Word::Verb if matches!(word, "explain" | "diff" | "sign" | "verify") => Self::Rest,
            Word::Verb => Self::Noun {
                export: word == "export",
            },
            Word::Noun { export: true } if word == "dkim" => Self::Kind,
            Word::Noun { .. } | Word::Kind => Self::Rest,
        };
        (next, true)
    }
}

impl Word {
    fn place(self) -> Place {
        match self {
            Self::Verb => Place::Verb,
            Self::Noun { export } => Place::Noun { export },
            Self::Kind => Place::Kind,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_tree_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn verbs_and_nouns_in_any_case_and_nothing_else() {
        let check = |typed: &str, expected: &str| {
            let words = in_our_case(typed.split(' ').map(OsString::from));
            let words: Vec<_> = words.iter().map(|word| word.to_str().unwrap()).collect();
            assert_eq!(words.join(" "), expected);
        };
        check(
            "keymgmt CREATE DKIM Renovations.com S1 RSA",
            "keymgmt create dkim Renovations.com S1 RSA",
        );
        check("keymgmt Create NEK Mail", "keymgmt create nek Mail");
        check(
            "keymgmt Export Dkim DNS A B File",
            "keymgmt export dkim dns A B File",
        );
        check("keymgmt EXPORT NEK DNS File", "keymgmt export nek DNS File");
        check(
            "keymgmt --data-dir /Data SHOW --settings /S DKIM ALL",
            "keymgmt --data-dir /Data show --settings /S dkim ALL",
        );
        check(
            "keymgmt --data-dir=/Data --JSON SHOW",
            "keymgmt --data-dir=/Data --JSON show",
        );
        check("keymgmt SIGN Message.EML", "keymgmt sign Message.EML");
        check("keymgmt USER Add App1", "keymgmt user add App1");
    }
}
