//! Where the server and its spool are: the sections of the settings that say so. What else they say may be wrong.

use std::path::{Path, PathBuf};

use common_config::layers::Layers;
use common_config::paths::{self, DataDir};
use serde::Deserialize;
use smtp_edge::config::AdminSettings;

use super::Failure;

/// The sections that say where things are.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Places {
    data_dir: PathBuf,
    pub(crate) admin: AdminSettings,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from(paths::DEFAULT_DATA_DIR),
            admin: AdminSettings::default(),
        }
    }
}

impl Places {
    pub(crate) fn read(settings: &Path) -> Result<Self, Failure> {
        let layers = Layers::new().toml(settings).environment("SMTP_EDGE_");
        Ok(layers.extract_part()?.settings)
    }

    pub(crate) fn spool(&self) -> PathBuf {
        DataDir::new(self.data_dir.clone()).spool()
    }
}
