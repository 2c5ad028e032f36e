//! The independent verifiers: dkimpy, Mail::DKIM, mailauth and mail-auth, each asking the mock DNS for the key.
//!
//! A verdict is theirs alone. The one exception is [`known_fault`]: bodies over which mail-auth is known to be wrong.

mod mail_auth;
mod scripts;

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;

/// A verifier that is not ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Judge {
    /// dkimpy, in Python.
    Dkimpy,
    /// Mail::DKIM, in Perl.
    MailDkim,
    /// mailauth, in JavaScript.
    Mailauth,
    /// mail-auth, in Rust.
    MailAuth,
}

impl Judge {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Dkimpy, Self::MailDkim, Self::Mailauth, Self::MailAuth];
}

impl fmt::Display for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Dkimpy => "dkimpy",
            Self::MailDkim => "Mail::DKIM",
            Self::Mailauth => "mailauth",
            Self::MailAuth => "mail-auth",
        })
    }
}

/// What one judge says of one signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Who says it.
    pub judge: Judge,
    /// `d=` of the signature.
    pub domain: String,
    /// `s=` of the signature.
    pub selector: String,
    /// `a=` of the signature.
    pub algorithm: String,
    /// `pass`, or the judge's own word for anything else.
    pub result: String,
    /// The judge's reason.
    pub detail: String,
}

impl Verdict {
    /// Whether the signature was found good.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.result == "pass"
    }

    /// The key's name, `<selector>._domainkey.<domain>`.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}._domainkey.{}", self.selector, self.domain)
    }
}

/// Asks all four judges about `message`, with keys from the DNS server at `dns`.
pub async fn judge(dns: SocketAddr, message: &[u8]) -> Vec<Verdict> {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), message).expect("a temporary file can be written");
    let (dkimpy, mail_dkim, mailauth, mail_auth) = tokio::join!(
        scripts::dkimpy(dns, file.path()),
        scripts::mail_dkim(dns, file.path()),
        scripts::mailauth(dns, file.path()),
        mail_auth::judge(dns, message),
    );
    [dkimpy, mail_dkim, mailauth, mail_auth].concat()
}

/// Requires that the message carries exactly the signatures of `keys` (names such as `s._domainkey.example.com`), and
/// that each judge finds each of them good.
pub async fn assert_all_pass(dns: SocketAddr, message: &[u8], keys: &[&str]) {
    let verdicts = judge(dns, message).await;
    let expected: BTreeSet<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    for judge in Judge::ALL {
        let passed: BTreeSet<String> = verdicts
            .iter()
            .filter(|verdict| {
                verdict.judge == judge && (verdict.passed() || excused(verdict, message))
            })
            .map(Verdict::key)
            .collect();
        let seen = verdicts
            .iter()
            .filter(|verdict| verdict.judge == judge)
            .count();
        assert!(
            passed == expected && seen == keys.len(),
            "{judge} should pass {expected:?}, and passes {passed:?} of {seen}\n{verdicts:#?}\n{}",
            String::from_utf8_lossy(message)
        );
    }
}

/// Requires that each judge sees signatures in the message and finds none of them good.
pub async fn assert_all_refuse(dns: SocketAddr, message: &[u8]) {
    let verdicts = judge(dns, message).await;
    for judge in Judge::ALL {
        let mut of_judge = verdicts
            .iter()
            .filter(|verdict| verdict.judge == judge)
            .peekable();
        assert!(
            of_judge.peek().is_some(),
            "{judge} saw no signature\n{verdicts:#?}"
        );
        assert!(
            of_judge.all(|verdict| !verdict.passed()),
            "{judge} passes an altered message\n{verdicts:#?}"
        );
    }
}

/// Whether a refusal is mail-auth's known fault and not the signature's.
#[must_use]
pub fn excused(verdict: &Verdict, message: &[u8]) -> bool {
    verdict.judge == Judge::MailAuth && known_fault(message)
}

/// Whether the body ends in lines that hold blanks and nothing else, perhaps followed by empty ones. RFC 6376 §3.4.4
/// takes them away, since a line of blanks has become an empty line by then; mail-auth 0.13 keeps them.
#[must_use]
pub fn known_fault(message: &[u8]) -> bool {
    let Some(start) = message.windows(4).position(|window| window == b"\r\n\r\n") else {
        return false;
    };
    let body = &message[start + 4..];
    let mut lines = body
        .split(|byte| *byte == b'\n')
        .rev()
        .skip_while(|line| matches!(line, [] | [b'\r']));
    lines
        .next()
        .is_some_and(|line| line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exception_is_for_bodies_that_end_in_blanks_alone() {
        let check = |body: &str, expected: bool| {
            assert_eq!(
                known_fault(format!("A: b\r\n\r\n{body}").as_bytes()),
                expected,
                "{body:?}"
            );
        };
        check("text\r\n \r\n", true);
        check("text\r\n\t \r\n\r\n", true);
        check(" \r\n", true);
        check("text \r\n", false);
        check("text\r\n\r\n\r\n", false);
        check("text\r\n \r\ntext\r\n", false);
        check("", false);
    }
}
