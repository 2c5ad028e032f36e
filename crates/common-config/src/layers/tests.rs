//! Which layer wins, and what errors say.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use super::*;
use crate::logging::LogSettings;
use crate::net::HostPort;
use crate::origin::Origin;
use crate::units::{ByteSize, Duration};

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    data_dir: PathBuf,
    smtp: Smtp,
    listen: Listen,
    log: LogSettings,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
struct Smtp {
    hostname: Option<String>,
    max_message_size: ByteSize,
    max_recipients: usize,
    timeout: Duration,
    port: u16,
    hop: Option<HostPort>,
}

impl Default for Smtp {
    fn default() -> Self {
        Self {
            hostname: None,
            max_message_size: ByteSize::from_octets(10),
            max_recipients: 100,
            timeout: Duration::from_secs(1),
            port: 25,
            hop: None,
        }
    }
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
struct Listen {
    addresses: Vec<SocketAddr>,
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

fn variables(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn without_sources_the_defaults_hold() {
    let loaded: Loaded<Settings> = Layers::new()
        .toml_optional("/does/not/exist.toml")
        .extract()
        .unwrap();
    assert_eq!(loaded.settings, Settings::default());
    assert!(loaded.notes.is_empty() && loaded.files.is_empty());
}

#[test]
fn the_command_line_wins_over_the_environment_and_that_over_the_file() {
    let folder = folder(&[(
        "edge.toml",
        "data_dir = \"/file\"\n[smtp]\nhostname = \"file\"\nmax_recipients = 1\nmax_message_size = \"1MiB\"\n",
    )]);
    let loaded: Loaded<Settings> = Layers::new()
        .toml(folder.path().join("edge.toml"))
        .variables(
            "SMTP_EDGE_",
            variables(&[
                ("SMTP_EDGE_SMTP__HOSTNAME", "environment"),
                ("SMTP_EDGE_SMTP__MAX_RECIPIENTS", "2"),
                ("SMTP_EDGE_LISTEN__ADDRESSES", "[\"127.0.0.1:2525\"]"),
                ("SMTP_EDGE_SMTP__HOP", "[::1]"),
                ("SMTP_EDGE_SETTINGS", "/elsewhere.toml"),
                ("SMTP_EDGES", "not ours"),
            ]),
        )
        .set("smtp.max_recipients", "3")
        .set("data_dir", "12")
        .extract()
        .unwrap();
    let settings = loaded.settings;
    assert_eq!(settings.smtp.hostname.as_deref(), Some("environment"));
    assert_eq!(settings.smtp.max_recipients, 3);
    assert_eq!(
        settings.smtp.max_message_size,
        ByteSize::from_octets(1 << 20)
    );
    assert_eq!(settings.smtp.timeout, Duration::from_secs(1));
    assert_eq!(settings.smtp.hop, Some("[::1]:25".parse().unwrap()));
    assert_eq!(
        settings.listen.addresses,
        ["127.0.0.1:2525".parse().unwrap()]
    );
    assert_eq!(settings.data_dir, PathBuf::from("12"));
}

/// The message of the error that this settings file is refused with, without its folder.
fn check(content: &str, expected: &str) {
    let folder = folder(&[("edge.toml", content)]);
    let path = folder.path().join("edge.toml");
    let found = Layers::new()
        .toml(&path)
        .extract::<Settings>()
        .unwrap_err()
        .to_string();
    let prefix = format!("{}/", folder.path().display());
    assert_eq!(found.replace(&prefix, ""), expected, "{content}");
}

#[test]
fn unknown_keys_are_refused_with_the_nearest() {
    check(
        "\n[smtp]\nhostnme = \"a\"\n",
        "edge.toml:3: unknown key smtp.hostnme: did you mean hostname?",
    );
    check(
        "data-dir = \"a\"\n",
        "edge.toml:1: unknown key data-dir: did you mean data_dir?",
    );
    check(
        "[smpt]\nhostname = \"a\"\n",
        "edge.toml:1: unknown key smpt: did you mean smtp?",
    );
    check(
        "note_ini = \"a\"\n",
        "edge.toml:1: unknown key note_ini: did you mean notes_ini?",
    );
    check(
        "[log]\nlevel = \"info\"\ncolour = 1\n",
        "edge.toml:3: unknown key log.colour: the keys that can stand there are format, level",
    );
    check(
        "smtp.hostnme = \"a\"",
        "edge.toml:1: unknown key smtp.hostnme: did you mean hostname?",
    );
    check(
        "listen = {\n adresses = [] }",
        "edge.toml:2: unknown key listen.adresses: did you mean addresses?",
    );
}

#[test]
fn bad_values_say_what_was_found_and_what_was_expected() {
    check(
        "[smtp]\nmax_message_size = \"50M\"\n",
        "edge.toml:2: smtp.max_message_size: found \"50M\", expected a size such as \"50MiB\", \"64KB\" or 1000 (octets)",
    );
    check(
        "[smtp]\ntimeout = \"5y\"\n",
        "edge.toml:2: smtp.timeout: found \"5y\", expected a span of time such as \"30s\", \"10m\", \"4h\", \"5d\" or 600 (seconds)",
    );
    check(
        "[smtp]\nport = 70000\n",
        "edge.toml:2: smtp.port: found 70000, expected a number from 0 to 65535",
    );
    check(
        "[smtp]\nport = \"a\"\n",
        "edge.toml:2: smtp.port: found \"a\", expected a number from 0 to 65535",
    );
    check(
        "[smtp]\nmax_recipients = -1\n",
        "edge.toml:2: smtp.max_recipients: found -1, expected a number, 0 or more",
    );
    check(
        "[smtp]\nhostname = 5\n",
        "edge.toml:2: smtp.hostname: found 5, expected text in quotes",
    );
    check(
        "[listen]\naddresses = [\n  \"127.0.0.1:25\",\n  \"127.0.0.1\",\n]\n",
        "edge.toml:4: listen.addresses[1]: found \"127.0.0.1\", expected an address and a port such as \"127.0.0.1:25\"",
    );
    check(
        "[listen]\naddresses = \"127.0.0.1:25\"\n",
        "edge.toml:2: listen.addresses: found \"127.0.0.1:25\", expected a list such as [\"a\", \"b\"]",
    );
    check(
        "[log]\nformat = \"xml\"\n",
        "edge.toml:2: log.format: found \"xml\", expected \"text\" or \"json\"",
    );
    check(
        "[log]\nlevel = \"inof\"\n",
        "edge.toml:2: log.level: found \"inof\", expected off, error, warn, info, debug or trace, or with modules: \"info,smtp_edge=debug\"",
    );
    check("smtp = 5\n", "edge.toml:1: smtp: found 5, expected a table");
    check(
        "notes_ini = 5\n",
        "edge.toml:1: notes_ini: found 5, expected the path of a notes.ini",
    );
    check(
        "[notes]\nA = true\n",
        "edge.toml:2: notes.A: found true, expected text or a whole number",
    );
    check(
        "\n[smtp\n",
        "edge.toml:2:6: not TOML: unclosed table, expected `]`",
    );
    check(
        "data_dir = \"a\"\ndata_dir = \"b\"\n",
        "edge.toml:2:1: not TOML: duplicate key",
    );
}

#[test]
fn a_bad_variable_is_named() {
    let refused = |name: &str, value: &str| {
        let layers = Layers::new().variables("SMTP_EDGE_", variables(&[(name, value)]));
        layers.extract::<Settings>().unwrap_err().to_string()
    };
    assert_eq!(
        refused("SMTP_EDGE_SMTP__PORT", "x"),
        "environment variable SMTP_EDGE_SMTP__PORT: smtp.port: found \"x\", expected a number from 0 to 65535"
    );
    assert_eq!(
        refused("SMTP_EDGE_SMPT__PORT", "1"),
        "default: unknown key smpt: did you mean smtp?"
            .replace("default", "environment variable SMTP_EDGE_SMPT__PORT")
    );
    let error = Layers::new()
        .set("smtp.prt", "1")
        .extract::<Settings>()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "command line: unknown key smtp.prt: did you mean port?"
    );
}

#[test]
fn a_missing_file_is_named() {
    let error = Layers::new()
        .toml("/does/not/exist.toml")
        .extract::<Settings>()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot read /does/not/exist.toml: check that it exists and that this user may read it"
    );
}

#[test]
fn a_part_leaves_other_sections_be() {
    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Strict {
        log: LogSettings,
    }
    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Lenient {
        log: LogSettings,
    }
    let with = |content: &str| {
        let folder = folder(&[("edge.toml", content)]);
        let layers = Layers::new().toml(folder.path().join("edge.toml"));
        let strict = layers
            .extract_part::<Strict>()
            .map(|loaded| loaded.settings.log);
        let lenient = layers
            .extract_part::<Lenient>()
            .map(|loaded| loaded.settings.log);
        assert_eq!(strict.is_ok(), lenient.is_ok());
        strict
    };
    let log = with("[smtp]\nwhat = 1\n[listen]\na = 2\n[log]\nlevel = \"debug\"\n").unwrap();
    assert_eq!(log.level.as_str(), "debug");
    assert!(with("[smtp]\na = 1\n[log]\nlevle = \"debug\"\n").is_err());
}

#[test]
fn lines_of_notes_ini_are_layered_by_name() {
    let folder = folder(&[
        (
            "edge.toml",
            "notes_ini = \"notes.ini\"\n[notes]\nDKIM_KEY_a.example = \"toml\"\n\"DKIM_KEY_b.example\" = \"toml\"\nRouterDKIMSigning = 2\n",
        ),
        (
            "notes.ini",
            "[Notes]\r\ndkim_key_A.example=ini\r\nDKIM_KEY_c.example=1\r\nDKIM_KEY_C.example=2\r\nDirectory=/local\r\n",
        ),
    ]);
    let loaded: Loaded<Settings> = Layers::new()
        .toml(folder.path().join("edge.toml"))
        .variables(
            "SMTP_EDGE_",
            variables(&[("SMTP_EDGE_NOTES__DKIM_KEY_d.example", "1")]),
        )
        .set("notes.routerDKIMSigning", "1")
        .extract()
        .unwrap();
    let prefix = format!("{}/", folder.path().display());
    let found: Vec<String> = loaded
        .notes
        .iter()
        .map(|e| format!("{} {}={}", e.origin, e.name, e.value).replace(&prefix, ""))
        .collect();
    assert_eq!(
        found,
        [
            "edge.toml:4 DKIM_KEY_b.example=toml",
            "notes.ini:2 dkim_key_A.example=ini",
            "notes.ini:3 DKIM_KEY_c.example=1",
            "notes.ini:4 DKIM_KEY_C.example=2",
            "notes.ini:5 Directory=/local",
            "environment variable SMTP_EDGE_NOTES__DKIM_KEY_d.example DKIM_KEY_d.example=1",
            "command line routerDKIMSigning=1",
        ]
    );
    assert_eq!(
        loaded.files,
        [
            folder.path().join("edge.toml"),
            folder.path().join("notes.ini")
        ]
    );
}

#[test]
fn the_nearest_layer_names_the_notes_ini() {
    let folder = folder(&[
        ("edge.toml", "notes_ini = \"a.ini\"\n"),
        ("a.ini", "A=a\n"),
        ("b.ini", "A=b\n"),
    ]);
    let layers = Layers::new().toml(folder.path().join("edge.toml"));
    let value = |layers: Layers| {
        let loaded: Loaded<Settings> = layers.extract().unwrap();
        loaded.notes[0].value.clone()
    };
    let other = folder.path().join("b.ini").display().to_string();
    assert_eq!(value(layers.clone()), "a");
    assert_eq!(value(layers.clone().notes_ini(&other)), "b");
    assert_eq!(value(layers.clone().set("notes_ini", &other)), "b");
    let variables = variables(&[("SMTP_EDGE_NOTES_INI", &other)]);
    assert_eq!(value(layers.variables("SMTP_EDGE_", variables)), "b");
}

#[test]
fn every_setting_knows_where_it_stands() {
    let folder = folder(&[
        (
            "one.toml",
            "[smtp]\nport = 26\nhostname = \"a\"\n[listen]\naddresses = [\n  \"127.0.0.1:1\",\n  \"127.0.0.1:2\",\n]\n",
        ),
        ("two.toml", "[smtp]\nport = 27\n"),
    ]);
    let file = |name: &str| folder.path().join(name);
    let layers = Layers::new().toml(file("one.toml")).toml(file("two.toml"));
    let check = |layers: &Layers, path: &[&str], expected: Origin| {
        let loaded: Loaded<Settings> = layers.extract().unwrap();
        assert_eq!(loaded.origins.of(path), expected, "{path:?}");
    };
    check(
        &layers,
        &["smtp", "port"],
        Origin::line(&file("two.toml"), 2),
    );
    check(
        &layers,
        &["smtp", "hostname"],
        Origin::line(&file("one.toml"), 3),
    );
    check(&layers, &["smtp", "timeout"], Origin::Default);
    check(
        &layers,
        &["listen", "addresses"],
        Origin::line(&file("one.toml"), 5),
    );
    check(
        &layers,
        &["listen", "addresses", "1"],
        Origin::line(&file("one.toml"), 7),
    );
    // What has no place of its own stands where that stands which holds it.
    check(
        &layers,
        &["listen", "addresses", "1", "port"],
        Origin::line(&file("one.toml"), 7),
    );
    // A list that a stronger layer replaced has no element in the file any more.
    let replaced = layers.set("listen.addresses", "[\"127.0.0.1:3\"]");
    check(
        &replaced,
        &["listen", "addresses", "1"],
        Origin::CommandLine,
    );
}
