//! The independent verifiers, each asking the mock DNS for the key: dkimpy, Mail::DKIM, mailauth and mail-auth, and
//! OpenDKIM and rspamd where they could be had.
//!
//! A verdict is theirs alone. The exceptions are in [`known_faults`]: messages over which a judge is known to be wrong.

pub mod known_faults;
mod mail_auth;
mod scripts;

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::task::JoinSet;

use crate::environment;
use known_faults::explanation;

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
    /// OpenDKIM, in C.
    OpenDkim,
    /// rspamd, in C.
    Rspamd,
}

impl Judge {
    /// Those that are always there.
    pub const ALL: [Self; 4] = [Self::Dkimpy, Self::MailDkim, Self::Mailauth, Self::MailAuth];

    /// Those that are here: [`Judge::ALL`], and those others of which the system has a package.
    #[must_use]
    pub fn here() -> Vec<Self> {
        let judges = environment::judges();
        let others = [(Self::OpenDkim, "opendkim"), (Self::Rspamd, "rspamd")];
        let others = others
            .into_iter()
            .filter(|(_, folder)| judges.join(folder).is_dir())
            .map(|(judge, _)| judge);
        Self::ALL.into_iter().chain(others).collect()
    }
}

impl fmt::Display for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Dkimpy => "dkimpy",
            Self::MailDkim => "Mail::DKIM",
            Self::Mailauth => "mailauth",
            Self::MailAuth => "mail-auth",
            Self::OpenDkim => "OpenDKIM",
            Self::Rspamd => "rspamd",
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

/// Asks the judges that are always there about `message`, with keys from the DNS server at `dns`.
pub async fn judge(dns: SocketAddr, message: &[u8]) -> Vec<Verdict> {
    judge_all(dns, &[message]).await.concat()
}

/// Asks the judges that are always there about each message; the verdicts on each.
async fn judge_all(dns: SocketAddr, messages: &[&[u8]]) -> Vec<Vec<Verdict>> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |(number, message): (usize, &&[u8])| {
        let file = folder.path().join(number.to_string());
        std::fs::write(&file, message).expect("a temporary file can be written");
        file
    };
    let files: Vec<PathBuf> = messages.iter().enumerate().map(write).collect();
    judge_files(&Judge::ALL, dns, &files).await
}

/// Asks `judges` about the messages in some files; the verdicts on each file, in the order of the judges.
pub async fn judge_files(
    judges: &[Judge],
    dns: SocketAddr,
    files: &[PathBuf],
) -> Vec<Vec<Verdict>> {
    let mut asked = JoinSet::new();
    for (place, judge) in judges.iter().copied().enumerate() {
        let files = files.to_vec();
        asked.spawn(async move { (place, ask(judge, dns, &files).await) });
    }
    let mut answers = asked.join_all().await;
    answers.sort_by_key(|(place, _)| *place);
    let mut verdicts = vec![Vec::new(); files.len()];
    for (_, answer) in answers {
        for (of_file, more) in verdicts.iter_mut().zip(answer) {
            of_file.extend(more);
        }
    }
    verdicts
}

/// One judge's verdicts on each file.
async fn ask(judge: Judge, dns: SocketAddr, files: &[PathBuf]) -> Vec<Vec<Verdict>> {
    if judge == Judge::MailAuth {
        return mail_auth::judge(dns, files).await;
    }
    scripts::judge(judge, dns, files).await
}

/// Requires that the message carries exactly the signatures of `keys` (names such as `s._domainkey.example.com`), and
/// that each judge finds each of them good.
pub async fn assert_all_pass(dns: SocketAddr, message: &[u8], keys: &[&str]) {
    assert_each_passes(dns, &[message], keys).await;
}

/// The same of each of several messages.
pub async fn assert_each_passes(dns: SocketAddr, messages: &[&[u8]], keys: &[&str]) {
    let verdicts = judge_all(dns, messages).await;
    for (message, verdicts) in messages.iter().zip(verdicts) {
        assert_passes(message, &verdicts, keys);
    }
}

fn assert_passes(message: &[u8], verdicts: &[Verdict], keys: &[&str]) {
    let expected: BTreeSet<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    for judge in Judge::ALL {
        let passed: BTreeSet<String> = verdicts
            .iter()
            .filter(|verdict| {
                verdict.judge == judge
                    && (verdict.passed() || explanation(verdict, message).is_some())
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
