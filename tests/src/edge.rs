//! The real edge: its data directory, its keys made by the real `keymgmt`, and its process.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::environment;
use crate::keymgmt::Keymgmt;
use crate::log::{Log, field};
use crate::mock_dns::MockDns;
use crate::mock_mta::PATIENCE;
use crate::setup::{Key, Setup};

/// The NEK's name in the tests.
pub const NEK: &str = "edge";
/// Its file in the data directory.
pub const NEK_FILE: &str = "nek/edge.nek";
/// The store's file in the data directory.
pub const STORE_FILE: &str = "credstore.db";

/// An edge's folder: everything that outlives its process.
#[derive(Debug)]
pub struct Home {
    folder: TempDir,
    setup: Setup,
}

impl Home {
    /// Writes the settings and has `keymgmt` make the NEK, the store and the keys, whose records go into `dns`.
    pub async fn prepare(mut setup: Setup, dns: &MockDns) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("edge-")
            .tempdir()
            .expect("a temporary folder");
        let data = folder.path().join("data");
        std::fs::create_dir(&data).expect("a folder in a fresh folder");
        setup
            .set("", "data_dir", &format!("{data:?}"))
            .set(
                "",
                "notes_ini",
                &format!("{:?}", folder.path().join("notes.ini")),
            )
            .set("dns", "servers", &format!("[\"{}\"]", dns.address()));
        let home = Self { folder, setup };
        home.write();
        let keymgmt = home.keymgmt();
        keymgmt.ok(&["create", "nek", NEK]).await;
        keymgmt.ok(&["create", "credstore", NEK]).await;
        for key in home.setup.keys.clone() {
            home.create_key(&key, dns).await;
        }
        home
    }

    /// Has `keymgmt` make a key and export its record, and publishes what the exported file holds.
    pub async fn create_key(&self, key: &Key, dns: &MockDns) {
        let value = self.create_unpublished(key).await;
        let owner = format!("{}._domainkey.{}", key.selector, key.domain);
        dns.change(|zone| {
            zone.remove(&owner).txt(&owner, &value);
        });
    }

    /// Has `keymgmt` make a key, and gives the content of the exported record.
    pub async fn create_unpublished(&self, key: &Key) -> String {
        let keymgmt = self.keymgmt();
        let mut words = vec!["create", "DKIM", &key.domain, &key.selector];
        words.extend(key.algorithm.split(' '));
        keymgmt.ok(&words).await;
        let file = format!("{}.{}.txt", key.selector, key.domain);
        keymgmt
            .ok(&[
                "export",
                "DKIM",
                "DNS",
                &key.domain,
                &key.selector,
                &file,
                "--force", // the file of a key of that name that was deleted
            ])
            .await;
        let exported =
            std::fs::read_to_string(self.data().join(&file)).expect("the exported record");
        exported.trim_end().to_owned()
    }

    /// Has `keymgmt` add a user.
    pub async fn add_user(&self, name: &str, password: &str) {
        self.with_password("add", name, password).await;
    }

    /// Has `keymgmt` give a user another password.
    pub async fn set_password(&self, name: &str, password: &str) {
        self.with_password("passwd", name, password).await;
    }

    async fn with_password(&self, verb: &str, name: &str, password: &str) {
        let file = self.path().join("password");
        let secret = std::fs::Permissions::from_mode(0o600);
        std::fs::write(&file, password)
            .and_then(|()| std::fs::set_permissions(&file, secret))
            .expect("the folder can be written");
        let file = file.to_str().expect("the folder's name is text");
        let words = ["user", verb, name, "--password-file", file];
        self.keymgmt().ok(&words).await;
    }

    /// `keymgmt` on this folder.
    #[must_use]
    pub fn keymgmt(&self) -> Keymgmt {
        Keymgmt::new(&self.settings())
    }

    /// The settings file.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        self.folder.path().join("smtp-edge.toml")
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Takes a file out of the data directory, as a disk that is not mounted would.
    pub fn take_away(&self, file: &str) {
        let file = self.data().join(file);
        rename(&file, &file.with_extension("away"));
    }

    /// Ends what [`Home::take_away`] began.
    pub fn bring_back(&self, file: &str) {
        let file = self.data().join(file);
        rename(&file.with_extension("away"), &file);
    }

    /// The folder that holds everything.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What the settings files say.
    #[must_use]
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Changes the settings files; a running edge sees it at the next SIGHUP.
    pub fn change(&mut self, change: impl FnOnce(&mut Setup)) {
        change(&mut self.setup);
        self.write();
    }

    /// Writes another notes.ini; a running edge sees it at the next SIGHUP.
    pub fn write_notes(&self, notes: &str) {
        replace(&self.folder.path().join("notes.ini"), notes);
    }

    fn write(&self) {
        replace(&self.settings(), &self.setup.toml());
        self.write_notes(&self.setup.notes);
    }

    /// Starts the edge and waits until it is ready.
    pub async fn start(&self) -> Edge {
        self.start_by(self.command("run")).await
    }

    /// The same with a command of the caller's making, which in the end runs [`Home::command`].
    pub async fn start_by(&self, command: Command) -> Edge {
        let (child, log) = spawn(command);
        let listening = log.event("listening", &[]).await;
        log.event("ready", &[]).await;
        let address = field(&listening, "address")
            .parse()
            .expect("the log names an address");
        Edge {
            child,
            log,
            address,
        }
    }

    /// Starts an edge that is expected to refuse, and gives its exit status and log.
    pub async fn start_refused(&self) -> (ExitStatus, Log) {
        let (mut child, log) = spawn(self.command("run"));
        let waited = tokio::time::timeout(PATIENCE, child.wait()).await;
        let status = waited
            .unwrap_or_else(|_| panic!("the edge runs where it should refuse:\n{}", log.text()));
        log.ended().await;
        (status.expect("the child is ours"), log)
    }

    /// Runs `smtp-edge check`; gives its exit status and everything it printed.
    pub async fn check(&self) -> (Option<i32>, String) {
        let output = self.command("check").output().await;
        let output = output.expect("smtp-edge can be started");
        let printed = [output.stdout, output.stderr].concat();
        let printed = String::from_utf8(printed).expect("smtp-edge writes UTF-8");
        (output.status.code(), printed)
    }

    /// The edge behind a Python script that makes ready what the edge is to find, and then becomes it.
    #[must_use]
    pub fn command_behind(&self, script: &str) -> Command {
        let run = self.command("run");
        let mut command = Command::new("python3");
        command
            .arg("-c")
            .arg(format!(
                "import os, socket, sys\n{script}\nos.execv(sys.argv[1], sys.argv[1:])"
            ))
            .arg(run.as_std().get_program())
            .args(run.as_std().get_args());
        command
    }

    /// The command line of the edge.
    #[must_use]
    pub fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(environment::binary("smtp-edge"));
        command.arg("--settings").arg(self.settings()).arg(verb);
        command
    }
}

/// Writes a file so that whoever reads it finds the old content or the new, as an editor does.
fn replace(file: &Path, content: &str) {
    let new = file.with_extension("new");
    std::fs::write(&new, content).expect("the folder can be written");
    rename(&new, file);
}

#[expect(
    clippy::disallowed_methods,
    reason = "a file that is away for a while; nothing here has to outlast a crash"
)]
fn rename(from: &Path, to: &Path) {
    std::fs::rename(from, to).expect("the file is there");
}

fn spawn(mut command: Command) -> (Child, Log) {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("smtp-edge can be started");
    let log = Log::follow(child.stderr.take().expect("stderr is piped"));
    (child, log)
}

/// A running edge. It is killed when this is dropped.
#[derive(Debug)]
pub struct Edge {
    child: Child,
    /// Its log.
    pub log: Log,
    address: SocketAddr,
}

impl Edge {
    /// Where it takes mail.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id().expect("the child has not been waited for")
    }

    /// Moves a limit of the running process, as an administrator could, and gives what it was.
    pub fn limit(&self, resource: Resource, most: Option<u64>) -> Option<u64> {
        let process = i32::try_from(self.process()).ok().and_then(Pid::from_raw);
        let limit = Rlimit {
            current: most,
            maximum: getrlimit(resource).maximum, // it has it from us
        };
        let before = prlimit(process, resource, limit);
        before.expect("the child is ours").current
    }

    /// Tells it to read its settings again, and waits until it has, or has refused; gives the event.
    pub async fn reload(&self) -> Value {
        let before = self.log.matching("reloaded", &[]).len();
        let failed = self.log.matching("reload_failed", &[]).len();
        self.hang_up();
        tokio::select! {
            event = self.log.nth(before + 1, "reloaded", &[]) => event,
            event = self.log.nth(failed + 1, "reload_failed", &[]) => event,
        }
    }

    /// Tells it to read its settings again, and waits for nothing.
    pub fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    /// Stops it as an administrator would, and requires a clean exit.
    pub async fn stop(self) -> Log {
        self.terminate();
        self.stopped().await
    }

    /// Asks it to stop (SIGTERM) and waits for nothing.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Waits for the end of an edge that was asked to stop, and requires a clean exit.
    pub async fn stopped(mut self) -> Log {
        let waited = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let status =
            waited.unwrap_or_else(|_| panic!("the edge does not stop:\n{}", self.log.text()));
        let status = status.expect("the child is ours");
        assert!(status.success(), "{status}\n{}", self.log.text());
        self.log.ended().await;
        self.log
    }

    /// Ends it without warning (SIGKILL).
    pub async fn kill(mut self) -> Log {
        self.child.kill().await.expect("the child is ours");
        self.log.ended().await;
        self.log
    }

    fn signal(&self, signal: Signal) {
        let id = self
            .child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        kill_process(id.expect("the child has not been waited for"), signal)
            .expect("the child is ours");
    }
}
