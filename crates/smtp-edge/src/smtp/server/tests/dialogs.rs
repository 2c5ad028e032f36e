//! The conversations of `tests/dialogs/`: how their files are read, and each held with the session alone, in one piece and
//! octet by octet. `net::dialog_tests` holds them over TCP.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use router_config::RouterConfig;

use super::driver::Driver;
use crate::config::Settings;
use crate::run;
use crate::smtp::server::{Client, Policy, Session, SessionSettings};

/// A conversation, as its file has it.
pub(crate) struct Dialog {
    pub(crate) name: String,
    /// Lines of the settings file.
    settings: Vec<String>,
    pub(crate) turns: Vec<Turn>,
    /// Whether the server closes the connection in the end.
    pub(crate) ends: bool,
}

/// What the client sends at once, and what it is answered.
#[derive(Default)]
pub(crate) struct Turn {
    pub(crate) said: Vec<u8>,
    pub(crate) answers: Vec<String>,
}

impl Dialog {
    fn read(file: &Path) -> Self {
        let text = std::fs::read_to_string(file).unwrap();
        let mut dialog = Self {
            name: file.file_name().unwrap().to_string_lossy().into_owned(),
            settings: Vec::new(),
            turns: vec![Turn::default()],
            ends: false,
        };
        for line in text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            assert!(!dialog.ends, "{}: {line:?} after the end", dialog.name);
            dialog.add(line);
        }
        dialog
    }

    fn add(&mut self, line: &str) {
        if line == "end" {
            self.ends = true;
        } else if let Some(setting) = line.strip_prefix("set ") {
            self.settings.push(setting.to_owned());
        } else if let Some(answer) = line.strip_prefix("S: ") {
            self.turns
                .last_mut()
                .unwrap()
                .answers
                .push(answer.to_owned());
        } else if let Some(said) = line.strip_prefix("C:") {
            let said = said.strip_prefix(' ').unwrap_or(said);
            self.say(format!("{said}\r\n").as_bytes());
        } else if let Some(said) = line.strip_prefix("C| ") {
            let octets = said
                .replace("\\\\", "\u{1}")
                .replace("\\r", "\r")
                .replace("\\n", "\n")
                .replace("\\0", "\0")
                .replace('\u{1}', "\\");
            self.say(octets.as_bytes());
        } else {
            panic!("{}: {line:?} is no line of a dialog", self.name);
        }
    }

    fn say(&mut self, octets: &[u8]) {
        match self.turns.last_mut() {
            Some(turn) if turn.answers.is_empty() && !turn.said.is_empty() => {
                turn.said.extend_from_slice(octets);
            }
            _ => self.turns.push(Turn {
                said: octets.to_vec(),
                answers: Vec::new(),
            }),
        }
    }

    /// The settings file.
    fn toml(&self) -> String {
        format!(
            "smtp.hostname = \"edge.example\"\n\
             router.internal_domains = [\"internal.example\"]\n\
             router.internal_next_hop = \"127.0.0.1:1\"\n\
             router.postmaster = \"pm@internal.example\"\n{}\n",
            self.settings.join("\n")
        )
    }

    /// Requires these answers to a turn.
    pub(crate) fn check(&self, turn: &Turn, output: &str, how: &str) {
        let lines: Vec<&str> = output.lines().collect();
        let agrees = lines.len() == turn.answers.len()
            && lines.iter().zip(&turn.answers).all(|(line, expected)| {
                match expected.strip_suffix('*') {
                    Some(start) => line.starts_with(start),
                    None => line == expected,
                }
            });
        let said = String::from_utf8_lossy(&turn.said);
        assert!(
            agrees,
            "{} {how}: the answer to\n{said}\nis\n{output}\nand should be\n{}",
            self.name,
            turn.answers.join("\n")
        );
    }
}

/// Every conversation, by name.
pub(crate) fn dialogs() -> Vec<Dialog> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/dialogs");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|file| file.extension().is_some_and(|end| end == "smtp"))
        .collect();
    files.sort();
    assert!(
        files.len() >= 10,
        "the folder holds {} dialogs",
        files.len()
    );
    files.iter().map(|file| Dialog::read(file)).collect()
}

/// What a conversation takes place under.
pub(crate) struct Scene {
    pub(crate) settings: Settings,
    pub(crate) router: Arc<RouterConfig>,
    /// What its session is told.
    pub(crate) session: Arc<SessionSettings>,
}

impl Scene {
    pub(crate) fn set(dialog: &Dialog) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("smtp-edge.toml");
        std::fs::write(&file, dialog.toml()).unwrap();
        let loaded =
            run::load_settings(&file).unwrap_or_else(|error| panic!("{}: {error}", dialog.name));
        let router =
            run::router(&loaded).unwrap_or_else(|error| panic!("{}: {error}", dialog.name));
        let settings = loaded.settings;
        let session = SessionSettings {
            hostname: settings.hostname().unwrap(),
            limits: settings.smtp.limits(),
            postmaster: router.postmaster().parse().unwrap(),
            starttls: false,
            auth: true,
            xclient_from: settings.listen.xclient_from.clone().into(),
        };
        Self {
            settings,
            router: Arc::new(router),
            session: Arc::new(session),
        }
    }

    /// The session with a client of this machine.
    pub(crate) fn open(&self) -> Session {
        let client = Client::direct("127.0.0.1".parse().unwrap());
        let policy = Arc::new(ByRouter(Arc::clone(&self.router)));
        Session::new(Arc::clone(&self.session), client, policy)
    }
}

struct ByRouter(Arc<RouterConfig>);

impl Policy for ByRouter {
    fn may_relay(&self, client: &Client) -> bool {
        self.0.may_relay(&client.proved())
    }

    fn takes_mail(&self) -> bool {
        true
    }

    fn may_begin(&self, _: &Client) -> bool {
        true
    }
}

#[test]
fn with_the_session_alone() {
    for dialog in &dialogs() {
        let scene = Scene::set(dialog);
        for (how, piece) in [("in one piece", usize::MAX), ("octet by octet", 1)] {
            let mut driver = Driver::new(scene.open());
            for turn in &dialog.turns {
                for octets in turn.said.chunks(piece) {
                    driver.hear(octets);
                }
                dialog.check(turn, &driver.take_output(), how);
            }
            assert_eq!(
                driver.session.is_closed(),
                dialog.ends,
                "{} {how}",
                dialog.name
            );
        }
    }
}
