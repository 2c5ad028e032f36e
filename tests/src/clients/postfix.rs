//! A Postfix that hands all mail to the edge: its own folders, no port, and mail by its `sendmail` command.
//!
//! It runs as root only, and gives its parts to users that every Debian has.

use std::fmt::Write as _;
use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;
use tokio::process::Child;

use super::{program, run, unix};
use crate::environment;
use crate::log::Log;
use crate::mock_mta::PATIENCE;

/// A running Postfix. It is asked to end when this is dropped.
#[derive(Debug)]
pub struct Postfix {
    folder: TempDir,
    master: Child,
    /// What it logs.
    pub log: Log,
}

impl Postfix {
    /// Starts one whose relayhost is the edge, with these settings beyond what it needs.
    pub async fn start(edge: SocketAddr, settings: &[(&str, &str)]) -> Self {
        assert!(
            geteuid().is_root(),
            "Postfix runs as root alone: run `cargo xtask test` as root, or leave it out with --skip postfix"
        );
        let folder = tempfile::Builder::new()
            .prefix("postfix-")
            .permissions(Permissions::from_mode(0o755)) // its daemons are other users
            .tempdir()
            .expect("a temporary folder");
        lay_out(folder.path());
        let main = main_cf(folder.path(), edge, settings);
        std::fs::write(folder.path().join("main.cf"), main)
            .and_then(|()| std::fs::write(folder.path().join("master.cf"), MASTER_CF))
            .expect("the folder can be written");
        let mut master = program("master")
            .args(["-s", "-e", LONGEST_LIFE, "-c"])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("Postfix: {error}: run `cargo xtask test`"));
        let log = Log::follow(master.stdout.take().expect("it is piped"));
        log.line(1, "daemon started").await;
        Self {
            folder,
            master,
            log,
        }
    }

    /// Hands it a message as a program of its machine would.
    pub async fn send(&self, from: &str, to: &[&str], message: &[u8]) {
        let mut sendmail = program("sendmail");
        sendmail
            .arg("-C")
            .arg(self.folder.path())
            .args(["-i", "-B8BITMIME", "-f", from, "--"])
            .args(to);
        run(sendmail, &unix(message)).await;
    }

    /// Ends it and waits for its end.
    pub async fn stop(mut self) -> Log {
        self.terminate();
        let waited = tokio::time::timeout(PATIENCE, self.master.wait()).await;
        assert!(waited.is_ok(), "Postfix does not end:\n{}", self.log.text());
        self.log.clone()
    }

    /// Its master takes its other processes along.
    fn terminate(&self) {
        let master = self.master.id().and_then(|id| i32::try_from(id).ok());
        if let Some(master) = master.and_then(Pid::from_raw) {
            let _ = kill_process(master, Signal::TERM);
        }
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        self.terminate();
    }
}

/// Makes the folders of the queue, as `postfix check` would.
fn lay_out(folder: &Path) {
    let (owner, group) = OWNER_IDS;
    let make = |name: &str, group: Option<u32>, mode: u32| {
        let place = folder.join(name);
        std::fs::create_dir_all(&place)
            .and_then(|()| chown(&place, Some(owner), group))
            .and_then(|()| std::fs::set_permissions(&place, Permissions::from_mode(mode)))
            .expect("root may");
    };
    make("data", None, 0o700);
    for name in PRIVATE_FOLDERS {
        make(&format!("queue/{name}"), None, 0o700);
    }
    make("queue/maildrop", Some(group), 0o730);
    make("queue/public", Some(group), 0o710);
    for place in ["queue", "queue/pid"] {
        let place = folder.join(place);
        std::fs::create_dir_all(&place)
            .and_then(|()| chown(&place, Some(0), Some(0)))
            .expect("root may");
    }
}

fn main_cf(folder: &Path, edge: SocketAddr, settings: &[(&str, &str)]) -> String {
    let root = environment::clients().join("root");
    let place = |path: PathBuf| path.display().to_string();
    let library = "LD_LIBRARY_PATH SASL_PATH";
    let needed = [
        ("compatibility_level", "3.6".to_owned()),
        ("queue_directory", place(folder.join("queue"))),
        ("data_directory", place(folder.join("data"))),
        ("daemon_directory", place(root.join("usr/lib/postfix/sbin"))),
        ("command_directory", place(root.join("usr/sbin"))),
        ("mail_owner", OWNER.to_owned()),
        ("setgid_group", GROUP.to_owned()),
        ("default_privs", "nobody".to_owned()),
        ("maillog_file", "/dev/stdout".to_owned()),
        (
            "import_environment",
            format!("MAIL_CONFIG LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME {library}"),
        ),
        ("export_environment", format!("MAIL_CONFIG LANG {library}")),
        ("inet_protocols", "ipv4".to_owned()),
        ("myhostname", "mail.renovations.com".to_owned()),
        ("mydestination", String::new()),
        ("local_transport", "error:no mail is for here".to_owned()),
        ("alias_maps", String::new()),
        ("alias_database", String::new()),
        ("relayhost", format!("[{}]:{}", edge.ip(), edge.port())),
        ("minimal_backoff_time", "1s".to_owned()),
    ];
    let mut text = String::new();
    for (name, value) in &needed {
        let _ = writeln!(text, "{name} = {value}");
    }
    for (name, value) in settings {
        let _ = writeln!(text, "{name} = {value}");
    }
    text
}

/// A user and a group that every Debian has (base-passwd), since neither may be root's or shared with other parts.
const OWNER: &str = "mail";
const GROUP: &str = "news";
const OWNER_IDS: (u32, u32) = (8, 9);

const PRIVATE_FOLDERS: [&str; 11] = [
    "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private",
    "saved", "trace",
];

/// Seconds after which it ends by itself, should the tests not live to end it.
const LONGEST_LIFE: &str = "300";

/// Nothing that listens on a port, and nothing that delivers but by SMTP.
const MASTER_CF: &str = "\
pickup   unix      n - n 60    1 pickup
cleanup  unix      n - n -     0 cleanup
qmgr     unix      n - n 300   1 qmgr
rewrite  unix      - - n -     - trivial-rewrite
bounce   unix      - - n -     0 bounce
defer    unix      - - n -     0 bounce
trace    unix      - - n -     0 bounce
smtp     unix      - - n -     - smtp
error    unix      - - n -     - error
retry    unix      - - n -     - error
scache   unix      - - n -     1 scache
tlsmgr   unix      - - n 1000? 1 tlsmgr
postlog  unix-dgram n - n -     1 postlogd
";
