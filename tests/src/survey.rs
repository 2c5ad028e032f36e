//! Every signature of every message of a folder, judged by every verifier: what `cargo xtask judge` prints, and what the
//! tests run over the corpus.

use std::fmt;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::environment;
use crate::judges::known_faults::explanation;
use crate::judges::{self, Judge, Verdict};
use crate::mock_dns::{MockDns, Zone};

/// The signing domain.
const DOMAIN: &str = "signed.example";
/// When the signatures are made, `t=`.
const MADE: &str = "1700000000";
/// Signatures of each message: two algorithms, four pairs of canonicalizations.
const SIGNATURES: usize = 8;

/// What the judges say of a folder.
#[derive(Debug)]
pub struct Survey {
    /// Who was asked.
    pub judges: Vec<Judge>,
    /// The messages that could be signed.
    pub judged: Vec<Judged>,
    /// The files that could not, as `<name> <why>`.
    pub refused: Vec<String>,
}

/// What the judges say of one message.
#[derive(Debug)]
pub struct Judged {
    /// Its file, from the folder on.
    pub name: String,
    /// How many signatures each judge passed, in the order of the survey's judges.
    pub passed: Vec<usize>,
    /// The other verdicts, each with the known fault that explains it, if one does.
    pub disagreements: Vec<(Verdict, Option<&'static str>)>,
}

/// Signs every message of `folder` in every way, and asks every judge that is here.
///
/// # Panics
/// When the built signer or a judge cannot be run, or `folder` cannot be read.
pub async fn survey(folder: &Path) -> Survey {
    let signed = tempfile::tempdir().expect("a temporary folder");
    let (names, refused) = sign(folder, signed.path()).await;
    let records =
        std::fs::read_to_string(signed.path().join("records")).expect("the signer wrote records");
    let zone = Zone::parse(&records).expect("the signer writes records");
    let dns = MockDns::serve(zone).await.expect("a loopback port");
    let files: Vec<PathBuf> = names
        .iter()
        .map(|name| signed.path().join(name.replace('/', "_")))
        .collect();
    let asked = Judge::here();
    let verdicts = judges::judge_files(&asked, dns.address(), &files).await;
    let judged = names.into_iter().zip(files).zip(verdicts);
    let judged = judged.map(|((name, file), verdicts)| {
        let message = std::fs::read(file).expect("the signed message is there");
        Judged::new(name, &asked, verdicts, &message)
    });
    Survey {
        judged: judged.collect(),
        judges: asked,
        refused,
    }
}

/// The names of the messages that were signed, and a line for each that was not.
async fn sign(folder: &Path, signed: &Path) -> (Vec<String>, Vec<String>) {
    let mut signer = Command::new(environment::binary("examples/sign_folder"));
    signer
        .args([DOMAIN, MADE])
        .arg(folder)
        .arg(signed)
        .kill_on_drop(true);
    let output = signer.output().await.expect("the signer can be started");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("the signer writes UTF-8");
    let of = |kind: &str| {
        let lines = text.lines().filter_map(|line| line.strip_prefix(kind));
        lines.map(str::to_owned).collect()
    };
    (of("signed "), of("refused "))
}

impl Judged {
    fn new(name: String, judges: &[Judge], verdicts: Vec<Verdict>, message: &[u8]) -> Self {
        // Signatures that the message had before are of no concern here.
        let ours: Vec<Verdict> = verdicts
            .into_iter()
            .filter(|verdict| verdict.domain == DOMAIN)
            .collect();
        let count = |judge: Judge, wanted: fn(&Verdict) -> bool| {
            let of_judge = ours.iter().filter(|verdict| verdict.judge == judge);
            of_judge.filter(|verdict| wanted(verdict)).count()
        };
        let passed = judges
            .iter()
            .map(|judge| count(*judge, Verdict::passed))
            .collect();
        let silent = judges.iter().filter_map(|judge| {
            let seen = count(*judge, |_| true);
            (seen != SIGNATURES).then(|| Verdict {
                judge: *judge,
                domain: DOMAIN.to_owned(),
                selector: "*".to_owned(),
                algorithm: String::new(),
                result: "none".to_owned(),
                detail: format!("it judged {seen} of {SIGNATURES} signatures"),
            })
        });
        let silent: Vec<Verdict> = silent.collect();
        let disagreements = ours
            .into_iter()
            .filter(|verdict| !verdict.passed())
            .chain(silent)
            .map(|verdict| {
                let reason = explanation(&verdict, message);
                (verdict, reason)
            });
        Self {
            name,
            passed,
            disagreements: disagreements.collect(),
        }
    }

    /// Whether every disagreement is a judge's known fault.
    #[must_use]
    pub fn is_explained(&self) -> bool {
        self.disagreements
            .iter()
            .all(|(_, reason)| reason.is_some())
    }
}

impl Survey {
    /// The messages with a disagreement that no known fault explains.
    #[must_use]
    pub fn unexplained(&self) -> Vec<&Judged> {
        self.judged
            .iter()
            .filter(|judged| !judged.is_explained())
            .collect()
    }
}

/// The table, then every disagreement, then what was not signed.
impl fmt::Display for Survey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.judged.iter().map(|judged| judged.name.chars().count());
        let width = width.max().unwrap_or_default().max("message".len());
        write!(f, "{:width$}", "message")?;
        for judge in &self.judges {
            write!(f, "  {judge:>10}")?;
        }
        writeln!(f)?;
        for judged in &self.judged {
            write!(f, "{:width$}", judged.name)?;
            for passed in &judged.passed {
                write!(f, "  {:>10}", format!("{passed}/{SIGNATURES}"))?;
            }
            writeln!(f)?;
        }
        for judged in &self.judged {
            for (verdict, reason) in &judged.disagreements {
                writeln!(
                    f,
                    "{}: {} says {} of {}: {}\n    {}",
                    judged.name,
                    verdict.judge,
                    verdict.result,
                    verdict.selector,
                    verdict.detail.trim(),
                    reason.map_or("NOT EXPLAINED", |reason| reason)
                )?;
            }
        }
        for line in &self.refused {
            writeln!(f, "not signed: {line}")?;
        }
        write!(
            f,
            "{} messages, {SIGNATURES} signatures each, {} judges; {} messages with a disagreement that is not explained; {} files not signed",
            self.judged.len(),
            self.judges.len(),
            self.unexplained().len(),
            self.refused.len()
        )
    }
}
