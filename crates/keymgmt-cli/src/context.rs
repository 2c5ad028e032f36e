//! Where things are: the settings, the data directory, the NEKs and the store of one run.

use std::fs::DirBuilder;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use common_config::admin_address::{AdminAddress, AdminAddresses};
use common_config::layers::{Layers, Loaded};
use common_config::paths::{self, DataDir};
use credstore::{CredStore, NekDir};
use router_config::{RouterSettings, SigningSettings};
use serde::Deserialize;

use crate::cli::Global;
use crate::exit::Failure;

/// The sections of `smtp-edge.toml` that say where things are. The server's other sections are not read here.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Places {
    data_dir: PathBuf,
    credstore: CredstoreSettings,
    dns: DnsSettings,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from(paths::DEFAULT_DATA_DIR),
            credstore: CredstoreSettings::default(),
            dns: DnsSettings::default(),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct CredstoreSettings {
    /// The store's file; in the data directory when unset.
    path: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct DnsSettings {
    /// Servers to ask; the system's when empty.
    servers: Vec<SocketAddr>,
}

/// The sections that say who signs for whom.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Policy {
    pub(crate) router: RouterSettings,
    pub(crate) signing: SigningSettings,
}

/// Where a running server can be asked.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Monitoring {
    admin: AdminSettings,
}

/// What else the section may hold is the server's.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct AdminSettings {
    listen: AdminAddresses,
}

/// What every command works on.
#[derive(Debug)]
pub(crate) struct Context {
    layers: Layers,
    places: Places,
    data_dir: DataDir,
    /// The options with which a command that is suggested finds the same things.
    options: String,
}

impl Context {
    /// Reads the settings as far as they say where things are.
    pub(crate) fn load(global: &Global) -> Result<Self, Failure> {
        let mut layers = Layers::new();
        layers = match global
            .settings
            .clone()
            .or_else(paths::settings_from_environment)
        {
            Some(named) => layers.toml(named),
            None => layers.toml_optional(paths::DEFAULT_SETTINGS),
        };
        layers = layers.environment("SMTP_EDGE_");
        if let Some(notes_ini) = &global.notes_ini {
            layers = layers.notes_ini(notes_ini);
        }
        let mut places: Places = layers.extract_part()?.settings;
        if let Some(data_dir) = &global.data_dir {
            places.data_dir.clone_from(data_dir);
        }
        let mut options = String::new();
        for (option, value) in [
            ("settings", &global.settings),
            ("data-dir", &global.data_dir),
        ] {
            if let Some(value) = value {
                options.push_str(&format!(" --{option} '{}'", value.display()));
            }
        }
        Ok(Self {
            layers,
            data_dir: DataDir::new(places.data_dir.clone()),
            places,
            options,
        })
    }

    pub(crate) fn data_dir(&self) -> &DataDir {
        &self.data_dir
    }

    /// Makes the data directory, when only its last part is missing: a path with more missing is a mistake.
    pub(crate) fn create_data_dir(&self) -> Result<(), Failure> {
        let path = self.data_dir.path();
        match DirBuilder::new().mode(0o700).create(path) {
            Err(source) if source.kind() != io::ErrorKind::AlreadyExists => Err(Failure::File {
                step: "write",
                path: path.to_owned(),
                source,
            }),
            _ => Ok(()),
        }
    }

    pub(crate) fn neks(&self) -> NekDir {
        NekDir::new(self.data_dir.nek_dir())
            .with_credentials_directory(paths::credentials_directory())
    }

    pub(crate) fn store_path(&self) -> PathBuf {
        match &self.places.credstore.path {
            Some(path) => path.clone(),
            None => self.data_dir.credstore(),
        }
    }

    /// Opens the store with the NEK whose fingerprint it names.
    pub(crate) async fn store(&self) -> Result<CredStore, Failure> {
        Ok(CredStore::open(&self.store_path(), &self.neks()).await?)
    }

    /// The DNS servers that the settings name.
    pub(crate) fn dns_servers(&self) -> &[SocketAddr] {
        &self.places.dns.servers
    }

    /// The settings that say who signs for whom, and the lines of notes.ini.
    pub(crate) fn policy(&self) -> Result<Loaded<Policy>, Failure> {
        Ok(self.layers.extract_part()?)
    }

    /// The server's admin listener, when the settings name one.
    pub(crate) fn admin_listen(&self) -> Result<Option<AdminAddress>, Failure> {
        let loaded: Loaded<Monitoring> = self.layers.extract_part()?;
        Ok(loaded.settings.admin.listen.to_ask().cloned())
    }

    /// A command that the user can run next, in the same place.
    pub(crate) fn command(&self, words: &str) -> String {
        format!("keymgmt{} {words}", self.options)
    }
}
