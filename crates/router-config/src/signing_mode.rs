//! `RouterDKIMSigning`: whether mail is signed, and what an error costs.

use std::fmt;

use common_config::notes_ini::{NotesEntry, Origin};
use serde::Serialize;

/// Whether mail is signed, and what becomes of a message when signing it fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SigningMode {
    /// Unset or `0`: nothing is signed.
    #[default]
    Off,
    /// `1`: an error is logged, and the message goes on with the signatures that worked.
    BestEffort,
    /// `2`: an error is logged, and the message is not sent.
    Enforce,
}

impl SigningMode {
    /// The name of the setting; its case does not matter.
    pub const SETTING: &'static str = "RouterDKIMSigning";

    /// The mode that lines of notes.ini ask for.
    ///
    /// # Errors
    ///
    /// For a value other than 0, 1 and 2, and for two lines that ask for different modes.
    pub fn load(notes: &[NotesEntry]) -> Result<Self, SigningModeError> {
        let mut found: Option<(Self, &NotesEntry)> = None;
        for entry in notes.iter().filter(|entry| entry.is_named(Self::SETTING)) {
            let mode = match entry.value.as_str() {
                "0" => Self::Off,
                "1" => Self::BestEffort,
                "2" => Self::Enforce,
                _ => {
                    return Err(SigningModeError::Unknown {
                        origin: entry.origin.clone(),
                        value: entry.value.clone(),
                    });
                }
            };
            match found {
                Some((other, first)) if other != mode => {
                    return Err(SigningModeError::Conflict {
                        first: first.origin.clone(),
                        second: entry.origin.clone(),
                    });
                }
                Some(_) => {}
                None => found = Some((mode, entry)),
            }
        }
        Ok(found.map(|(mode, _)| mode).unwrap_or_default())
    }

    /// What becomes of a message, by the faults that its signatures met. In `Enforce` one fault stops the message; a
    /// lasting one outweighs one that may pass, since waiting for the latter would help nobody.
    pub fn consequence<F>(
        self,
        faults: &[F],
        is_transient: impl Fn(&F) -> bool,
    ) -> Consequence<&F> {
        match self {
            Self::Off | Self::BestEffort => Consequence::Send,
            Self::Enforce => {
                let lasting = faults.iter().find(|fault| !is_transient(fault));
                match (lasting, faults.first()) {
                    (Some(fault), _) => Consequence::Refuse(fault),
                    (None, Some(fault)) => Consequence::Defer(fault),
                    (None, None) => Consequence::Send,
                }
            }
        }
    }
}

/// What becomes of a message, with the fault that decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consequence<F> {
    /// It is sent with the signatures that worked, or with none.
    Send,
    /// It waits until the keys can be had.
    Defer(F),
    /// It is not sent.
    Refuse(F),
}

impl fmt::Display for SigningMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Off => "off (RouterDKIMSigning=0)",
            Self::BestEffort => "best effort (RouterDKIMSigning=1)",
            Self::Enforce => "enforce (RouterDKIMSigning=2)",
        })
    }
}

/// A `RouterDKIMSigning` that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningModeError {
    /// The value is none of the three.
    #[error(
        "{origin}: RouterDKIMSigning: found {value:?}, expected 0 (off), 1 (best effort) or 2 (enforce)"
    )]
    Unknown {
        /// Where it stands.
        origin: Origin,
        /// The value.
        value: String,
    },
    /// Two lines disagree.
    #[error(
        "{second}: RouterDKIMSigning is set differently at {first}: take one of the two lines out"
    )]
    Conflict {
        /// The first line.
        first: Origin,
        /// The second.
        second: Origin,
    },
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use common_config::notes_ini::NotesIni;

    use super::*;

    fn check(ini: &str, expected: Result<SigningMode, &str>) {
        let ini = NotesIni::parse(Path::new("notes.ini"), ini.as_bytes()).unwrap();
        let found = SigningMode::load(ini.entries()).map_err(|error| error.to_string());
        assert_eq!(found, expected.map_err(str::to_owned));
    }

    #[test]
    fn one_fault_stops_a_message_only_when_signing_is_enforced() {
        let check = |mode: SigningMode, faults: &[&str], expected: Consequence<&&str>| {
            let found = mode.consequence(faults, |fault| *fault == "away");
            assert_eq!(found, expected, "{mode} {faults:?}");
        };
        for mode in [SigningMode::Off, SigningMode::BestEffort] {
            check(mode, &["missing", "away"], Consequence::Send);
        }
        check(SigningMode::Enforce, &[], Consequence::Send);
        check(SigningMode::Enforce, &["away"], Consequence::Defer(&"away"));
        check(
            SigningMode::Enforce,
            &["away", "missing"],
            Consequence::Refuse(&"missing"),
        );
    }

    #[test]
    fn three_values_and_no_other() {
        check("", Ok(SigningMode::Off));
        check("RouterDKIMSigning=0\n", Ok(SigningMode::Off));
        check("routerdkimsigning = 1 \r\n", Ok(SigningMode::BestEffort));
        check("[Notes]\nROUTERDKIMSIGNING=2\n", Ok(SigningMode::Enforce));
        check(
            "RouterDKIMSigning=2\nRouterDKIMSigning=2\n",
            Ok(SigningMode::Enforce),
        );
        for value in ["", "3", "-1", "01", "2.0", "yes", "1;", "1 2"] {
            let expected = format!(
                "notes.ini:2: RouterDKIMSigning: found {value:?}, expected 0 (off), 1 (best effort) or 2 (enforce)"
            );
            check(&format!("\nRouterDKIMSigning={value}\n"), Err(&expected));
        }
        check(
            "RouterDKIMSigning=1\nA=1\nrouterDKIMSigning=2\n",
            Err(
                "notes.ini:3: RouterDKIMSigning is set differently at notes.ini:1: take one of the two lines out",
            ),
        );
    }
}
