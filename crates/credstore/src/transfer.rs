//! NEKs on their way: sealed under a passphrase, so that a copy can be kept outside the machine.
//!
//! Argon2id (RFC 9106) makes a key of the passphrase, AES-256-GCM seals the NEK under it. Everything in the file is
//! bound to the seal, so that neither the name nor the cost can be changed.

use std::fmt::Write as _;

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::nek::{Nek, NekFormatError, NekName};
use crate::seal::{SealError, SealKey};
use crate::secret::Secret;
use crate::transcript::{KEY_LENGTH, Transcript};

/// The exported form of `nek`, as text.
///
/// ```text
/// smtp-edge exported NEK, version 1
/// name: mail
/// fingerprint: 0123 … CDEF
/// argon2id: m=65536 t=3 p=4
/// salt: <base64>
/// sealed: <base64>
/// ```
pub(crate) fn seal(nek: &Nek, passphrase: &Secret) -> Result<String, TransferError> {
    if passphrase.expose().len() < SHORTEST_PASSPHRASE {
        return Err(TransferError::PassphraseTooShort);
    }
    let mut salt = [0; SALT_LENGTH];
    rand::fill(&mut salt).map_err(|_| TransferError::Seal(SealError::Seal))?;
    let cost = Cost::DEFAULT;
    let mut text = String::from(TITLE);
    // Writing to a String does not fail.
    let _ = write!(
        text,
        "\nname: {}\nfingerprint: {}\nargon2id: m={} t={} p={}\nsalt: {}\n",
        nek.name(),
        nek.fingerprint(),
        cost.memory,
        cost.passes,
        cost.lanes,
        BASE64.encode(salt),
    );
    let key = cost.stretch(passphrase, &salt)?;
    let secret = Secret::new(nek.expose().to_vec());
    let sealed = key
        .seal(&bound_to(&text), &secret)
        .map_err(TransferError::Seal)?;
    let _ = writeln!(text, "sealed: {}", BASE64.encode(sealed));
    Ok(text)
}

/// Reads what [`seal`] wrote; the NEK is called `rename`, or what it was called.
pub(crate) fn open(
    contents: &[u8],
    passphrase: &Secret,
    rename: Option<&NekName>,
) -> Result<Nek, TransferError> {
    let text = std::str::from_utf8(contents).map_err(|_| TransferError::NotAnExport)?;
    // A copy that went through a mail program or an editor may have come back with CRLF.
    let text = text.replace("\r\n", "\n");
    if !text.starts_with(TITLE) {
        return Err(TransferError::NotAnExport);
    }
    let (head, sealed) = text.split_once("sealed:").ok_or(TransferError::Damaged)?;
    let field = |label: &str| {
        let value = head.lines().find_map(|line| line.strip_prefix(label));
        value.map(str::trim).ok_or(TransferError::Damaged)
    };
    let decode = |value: &str| {
        BASE64
            .decode(value.trim())
            .map_err(|_| TransferError::Damaged)
    };
    let cost = Cost::parse(field("argon2id:")?)?;
    let name: NekName = field("name:")?
        .parse()
        .map_err(|_| TransferError::Damaged)?;
    let key = cost.stretch(passphrase, &decode(field("salt:")?)?)?;
    let secret = key
        .open(&bound_to(head), &decode(sealed)?)
        .map_err(|error| match error {
            SealError::Open => TransferError::WrongPassphrase,
            other => TransferError::Seal(other),
        })?;
    Nek::from_bytes(rename.cloned().unwrap_or(name), secret.expose()).map_err(TransferError::Nek)
}

fn bound_to(head: &str) -> Transcript {
    Transcript::new("smtp-edge exported NEK").text(head)
}

const TITLE: &str = "smtp-edge exported NEK, version 1";
const SALT_LENGTH: usize = 16;
const SHORTEST_PASSPHRASE: usize = 8;

/// What Argon2id costs. Memory in KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cost {
    memory: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// The second recommended option of RFC 9106 §4.
    const DEFAULT: Self = Self {
        memory: 64 * 1024,
        passes: 3,
        lanes: 4,
    };

    /// What a file may ask for: a forged one must not take all memory, or the day.
    const LARGEST: Self = Self {
        memory: 1024 * 1024,
        passes: 16,
        lanes: 16,
    };

    fn parse(text: &str) -> Result<Self, TransferError> {
        let mut values = text.split(' ');
        let mut value = |label: &str| {
            let value = values.next().and_then(|value| value.strip_prefix(label));
            value
                .and_then(|value| value.parse().ok())
                .ok_or(TransferError::Damaged)
        };
        let cost = Self {
            memory: value("m=")?,
            passes: value("t=")?,
            lanes: value("p=")?,
        };
        let most = Self::LARGEST;
        if cost.memory > most.memory || cost.passes > most.passes || cost.lanes > most.lanes {
            return Err(TransferError::TooCostly);
        }
        Ok(cost)
    }

    fn stretch(self, passphrase: &Secret, salt: &[u8]) -> Result<SealKey, TransferError> {
        let params = Params::new(self.memory, self.passes, self.lanes, Some(KEY_LENGTH));
        let params = params.map_err(|_| TransferError::Damaged)?;
        let mut key = Zeroizing::new([0; KEY_LENGTH]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.expose(), salt, &mut *key)
            .map_err(|_| TransferError::Damaged)?;
        Ok(SealKey::new(key))
    }
}

/// Why a NEK could not be exported or imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TransferError {
    /// Too easy to guess.
    #[error("the passphrase is shorter than 8 characters; choose a longer one")]
    PassphraseTooShort,
    /// The passphrase does not fit, or the file was altered: the two cannot be told apart.
    #[error(
        "the passphrase is wrong, or the file was altered; try the passphrase again, or another copy"
    )]
    WrongPassphrase,
    /// Another kind of file.
    #[error("this is not a file that `keymgmt export nek` wrote")]
    NotAnExport,
    /// Cut short or altered.
    #[error("the exported file is damaged; use another copy")]
    Damaged,
    /// It asks for more memory or time than any export does.
    #[error(
        "the exported file asks for more than 1 GiB of memory or 16 passes; it is not one of ours"
    )]
    TooCostly,
    /// The seal failed for another reason.
    #[error("the NEK could not be sealed or opened")]
    Seal(#[source] SealError),
    /// The seal held something else than a NEK.
    #[error("the exported file does not hold a NEK")]
    Nek(#[source] NekFormatError),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase(text: &str) -> Secret {
        Secret::new(text.as_bytes().to_vec())
    }

    #[test]
    fn an_export_opens_under_its_passphrase_alone() {
        let nek = Nek::generate("mail".parse().unwrap()).unwrap();
        let text = seal(&nek, &passphrase("correct horse")).unwrap();
        let opened = open(text.as_bytes(), &passphrase("correct horse"), None).unwrap();
        assert_eq!(
            (opened.name(), opened.fingerprint()),
            (nek.name(), nek.fingerprint())
        );

        let renamed = open(
            text.replace('\n', "\r\n").as_bytes(),
            &passphrase("correct horse"),
            Some(&"other".parse().unwrap()),
        );
        assert_eq!(renamed.unwrap().name().as_str(), "other");

        let check = |text: &str, expected: TransferError| {
            assert_eq!(
                open(text.as_bytes(), &passphrase("correct horse"), None).unwrap_err(),
                expected
            );
        };
        let wrong = open(text.as_bytes(), &passphrase("correct house"), None).unwrap_err();
        assert_eq!(wrong, TransferError::WrongPassphrase);
        check(
            &text.replace("name: mail", "name: mall"),
            TransferError::WrongPassphrase,
        );
        check(&text.replace("t=3", "t=2"), TransferError::WrongPassphrase);
        check(&text.replace("t=3", "t=99"), TransferError::TooCostly);
        check(
            &text.replace("m=65536", "m=4294967295"),
            TransferError::TooCostly,
        );
        check(
            &text.replace("argon2id: ", "argon2id: x"),
            TransferError::Damaged,
        );
        check(text.split_once("sealed").unwrap().0, TransferError::Damaged);
        check("-----BEGIN PRIVATE KEY-----\n", TransferError::NotAnExport);
    }

    #[test]
    fn a_short_passphrase_is_refused() {
        let nek = Nek::generate("mail".parse().unwrap()).unwrap();
        assert_eq!(
            seal(&nek, &passphrase("1234567")).unwrap_err(),
            TransferError::PassphraseTooShort
        );
    }
}
