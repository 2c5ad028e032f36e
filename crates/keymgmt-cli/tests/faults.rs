//! Faults that need a hand on the files: modes, damage, a store that somebody holds; and secrets that must stay secret.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop there"
)]

use std::fs::{self, File, Permissions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

struct Installation {
    folder: TempDir,
}

struct Ran {
    status: i32,
    stdout: String,
    stderr: String,
}

impl Installation {
    /// A data directory with a NEK, a store and a key.
    fn new() -> Self {
        let it = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for words in [
            "create nek mail",
            "create credstore mail",
            "create DKIM renovations.com 12345 Ed25519",
        ] {
            assert_eq!(it.run(words).status, 0, "{words}");
        }
        it
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn run(&self, words: &str) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_keymgmt"))
            .env_remove("SMTP_EDGE_SETTINGS")
            .env_remove("CREDENTIALS_DIRECTORY")
            .current_dir(self.folder.path())
            .args(["--data-dir", "data"])
            .args(words.split(' '))
            .output()
            .unwrap();
        Ran {
            status: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Writes a file that nobody else can read.
    fn keep(&self, name: &str, contents: &str) {
        let path = self.folder.path().join(name);
        fs::write(&path, contents).unwrap();
        set_mode(&path, 0o600);
    }

    /// Expects one line on the standard error, this status, and a data directory as it was.
    fn fails(&self, words: &str, status: i32, says: &str) {
        let before = listing(&self.data());
        let ran = self.run(words);
        assert_eq!(ran.status, status, "{words}: {}", ran.stderr);
        assert_eq!(ran.stderr.lines().count(), 1, "{words}: {}", ran.stderr);
        assert!(ran.stderr.contains(says), "{words}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{words}");
        assert_eq!(
            listing(&self.data()),
            before,
            "{words} left something behind"
        );
    }
}

fn listing(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            paths.extend(listing(&path));
        }
        paths.push(path);
    }
    paths.sort();
    paths
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_nek_or_store_that_others_can_read_is_refused() {
    let it = Installation::new();
    set_mode(&it.data().join("nek/mail.nek"), 0o640);
    it.fails("show DKIM ALL", 6, "run: chmod 600 'data/nek/mail.nek'");
    it.fails(
        "create DKIM renovations.com 2 RSA",
        6,
        "run: chmod 600 'data/nek/mail.nek'",
    );
    it.fails("export nek mail copy --passphrase-file x", 6, "chmod");
    set_mode(&it.data().join("nek/mail.nek"), 0o600);
    set_mode(&it.data().join("credstore.db"), 0o604);
    it.fails("show DKIM ALL", 6, "run: chmod 600 'data/credstore.db'");
}

#[test]
fn damage_is_told_from_absence() {
    let it = Installation::new();
    let nek = it.data().join("nek/mail.nek");
    let whole = fs::read(&nek).unwrap();
    fs::write(&nek, &whole[..whole.len() / 2]).unwrap();
    it.fails("show nek mail", 7, "damaged; restore it from its backup");
    fs::write(&nek, whole).unwrap();

    let store = it.data().join("credstore.db");
    let length = fs::metadata(&store).unwrap().len();
    // One octet of the first key's line.
    let mut contents = Vec::new();
    File::open(&store)
        .unwrap()
        .read_to_end(&mut contents)
        .unwrap();
    let at = contents
        .windows(15)
        .rposition(|window| window == b"v=DKIM1; k=ed25")
        .unwrap();
    let mut file = File::options().write(true).open(&store).unwrap();
    file.seek(SeekFrom::Start(at as u64)).unwrap();
    file.write_all(b"V").unwrap();
    it.fails(
        "show DKIM renovations.com 12345",
        7,
        "12345._domainkey.renovations.com was tampered with",
    );
    let all = it.run("show DKIM ALL");
    assert_eq!(all.status, 7);
    assert!(
        all.stdout.contains("tampered with") && all.stderr.contains("warning: the store's line"),
        "{}",
        all.stderr
    );

    file.set_len(length / 2).unwrap();
    assert_eq!(it.run("show DKIM ALL").status, 7);
    file.set_len(0).unwrap();
    it.fails("show DKIM ALL", 7, "not a credential store, or is damaged");
}

#[test]
fn an_unwritable_place_leaves_nothing() {
    let it = Installation::new();
    fs::create_dir(it.data().join("taken")).unwrap();
    it.fails(
        "export DKIM DNS renovations.com 12345 taken",
        3,
        "exists already",
    );
    it.fails(
        "export DKIM DNS renovations.com 12345 taken --force",
        8,
        "cannot write",
    );
    it.keep("passphrase", "correct horse\n");
    it.fails(
        "export nek mail absent/copy --passphrase-file passphrase",
        8,
        "absent/copy",
    );
}

#[test]
fn what_is_exported_is_the_value_and_nothing_else() {
    let it = Installation::new();
    assert_eq!(
        it.run("export DKIM DNS renovations.com 12345 record")
            .status,
        0
    );
    let record = fs::read_to_string(it.data().join("record")).unwrap();
    assert!(
        record.starts_with("v=DKIM1; k=ed25519; p=") && record.ends_with(';'),
        "{record}"
    );
    assert_eq!(record.lines().count(), 1);
}

#[test]
fn a_copied_dns_that_does_not_answer_may_answer_later() {
    let it = Installation::new();
    fs::write(
        it.folder.path().join("m.eml"),
        "From: a@renovations.com\nSubject: x\n\nx\n",
    )
    .unwrap();
    let signed = it.run("sign m.eml --key 12345._domainkey.renovations.com --output signed.eml");
    assert_eq!(signed.status, 0, "{}", signed.stderr);
    // Port 0 cannot be sent to.
    let ran = it.run("verify signed.eml --dns 127.0.0.1:0");
    assert_eq!(ran.status, 9, "{}", ran.stdout);
    assert!(
        ran.stdout
            .starts_with("temperror 12345._domainkey.renovations.com"),
        "{}",
        ran.stdout
    );
}

#[test]
fn no_secret_is_printed() {
    let it = Installation::new();
    let file = fs::read_to_string(it.data().join("nek/mail.nek")).unwrap();
    let key = file
        .lines()
        .find_map(|line| line.strip_prefix("key: "))
        .unwrap()
        .to_owned();
    it.keep("passphrase", "correct horse\n");
    fs::write(
        it.folder.path().join("m.eml"),
        "From: a@renovations.com\nSubject: x\n\nx\n",
    )
    .unwrap();
    for words in [
        "show nek ALL",
        "--json show nek mail",
        "show DKIM ALL",
        "--json show DKIM renovations.com 12345",
        "export nek mail copy --passphrase-file passphrase",
        "--json export DKIM DNS renovations.com 12345 record",
        "create DKIM renovations.com 2 Ed25519",
        "--json create DKIM renovations.com 3 RSA 1024",
        "sign m.eml --key 12345._domainkey.renovations.com",
        "explain a@renovations.com",
        "--json revoke DKIM renovations.com 2",
        "import nek copy --name other --passphrase-file passphrase",
        "user add app1 --password-file passphrase",
        "--json user passwd app1 --password-file passphrase",
        "user show app1",
        "--json user show ALL",
        "user delete app1",
    ] {
        let ran = it.run(words);
        assert_eq!(ran.status, 0, "{words}: {}", ran.stderr);
        let shown = ran.stdout + &ran.stderr;
        assert!(
            !shown.contains(&key) && !shown.contains("PRIVATE") && !shown.contains("correct horse"),
            "{words}"
        );
    }
    let copy = fs::read_to_string(it.folder.path().join("copy")).unwrap();
    assert!(!copy.contains(&key));
}
