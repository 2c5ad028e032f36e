//! The files of `deploy/` are what they say: the examples load, commented lines included, and systemd takes the units.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common_config::layers::{Layers, Loaded};
use common_config::logging::LogSettings;
use router_config::{
    Client, NextHop, RouterConfig, RouterSettings, SigningDecision, SigningMode, SigningSettings,
    Warning,
};
use serde::Deserialize;

/// The sections whose meaning is known here. The server's `check` reads the whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Part {
    data_dir: Option<PathBuf>,
    router: RouterSettings,
    signing: SigningSettings,
    log: LogSettings,
}

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy")
}

/// A folder for this test's copies.
fn copies(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn load(settings: &Path) -> (Loaded<Part>, RouterConfig) {
    let loaded: Loaded<Part> = Layers::new().toml(settings).extract_part().unwrap();
    let config = RouterConfig::load(
        &loaded.settings.router,
        &loaded.settings.signing,
        &loaded.notes,
    )
    .unwrap();
    (loaded, config)
}

/// The file with its commented settings in force: lines that start with `mark` and no blank behind it.
fn uncommented(file: &Path, mark: char) -> String {
    let text = fs::read_to_string(file).unwrap();
    let lines = text.lines().map(|line| match line.strip_prefix(mark) {
        Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => setting,
        Some(_) | None => line,
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn the_examples_load_as_they_are() {
    let (loaded, config) = load(&deploy().join("smtp-edge.toml"));
    assert_eq!(loaded.files.len(), 2);
    assert_eq!(config.warnings(), Vec::<Warning>::new());
    assert_eq!(config.signing_mode(), SigningMode::Enforce);
    let SigningDecision::Sign(rule) = config.resolve(&"mail.example.com".parse().unwrap()) else {
        panic!("example.com is signed");
    };
    assert_eq!(rule.keys[0].key.to_string(), "12345._domainkey.example.com");
    assert!(matches!(
        config.next_hop(&"example.com".parse().unwrap()),
        NextHop::Internal(_)
    ));
    let may_relay = |address: &str| config.may_relay(&Client::at(address.parse().unwrap()));
    assert!(may_relay("127.0.0.1") && !may_relay("192.0.2.1"));
}

#[test]
fn what_the_example_shows_commented_out_loads_and_is_the_default() {
    let folder = copies("uncommented");
    let settings = uncommented(&deploy().join("smtp-edge.toml"), '#');
    fs::write(folder.join("smtp-edge.toml"), settings).unwrap();
    fs::write(
        folder.join("notes.ini"),
        uncommented(&deploy().join("notes.ini"), ';'),
    )
    .unwrap();
    let (loaded, config) = load(&folder.join("smtp-edge.toml"));
    let Part {
        data_dir,
        router,
        mut signing,
        log,
    } = loaded.settings;

    let default = Part::default();
    assert_eq!(
        data_dir.as_deref(),
        Some(Path::new(common_config::paths::DEFAULT_DATA_DIR))
    );
    assert_eq!(router.next_hops.iter().count(), 1);
    let default_router = RouterSettings {
        internal_domains: router.internal_domains.clone(),
        internal_next_hop: router.internal_next_hop.clone(),
        postmaster: router.postmaster.clone(),
        next_hops: router.next_hops.clone(),
        ..default.router
    };
    assert_eq!(router, default_router);
    // The settings whose default is to be unset.
    assert!(signing.expire_after.take().is_some());
    assert!(signing.algorithms.take().is_some());
    assert!(signing.max_signatures.take().is_some());
    assert_eq!(signing, default.signing);
    assert_eq!(log, default.log);

    let signed_by = |domain: &str| {
        config.explain(&domain.parse().unwrap()).signatures[0]
            .key
            .to_string()
    };
    assert_eq!(
        signed_by("news.example.com"),
        "67890._domainkey.news.example.com"
    );
    assert_eq!(signed_by("example.net"), "12345._domainkey.example.com");
}

#[test]
fn systemd_takes_the_units() {
    if Command::new("systemd-analyze")
        .arg("--version")
        .output()
        .is_err()
    {
        eprintln!("systemd-analyze is not on this machine: the units are not verified");
        return;
    }
    // The server need not be installed: another program stands in for it.
    let folder = copies("systemd");
    for unit in ["smtp-edge.socket", "smtp-edge.service"] {
        let text = fs::read_to_string(deploy().join("systemd").join(unit)).unwrap();
        fs::write(
            folder.join(unit),
            text.replace("/usr/bin/smtp-edge", "/bin/true"),
        )
        .unwrap();
    }
    let output = Command::new("systemd-analyze")
        .args(["verify", "--man=no", "--recursive-errors=one"])
        .args([
            folder.join("smtp-edge.socket"),
            folder.join("smtp-edge.service"),
        ])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let faults: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("smtp-edge"))
        .collect();
    assert!(
        output.status.success() && faults.is_empty(),
        "{} {said}",
        output.status
    );
}
