//! Where the settings that were read stand: the answer to "which line says so?".
//!
//! It answers for keys by their path; that a key means anything is the reader's to know. It never fails: a key that no
//! source has stands nowhere and has its default.

use super::layer::Layer;
use crate::origin::Origin;

/// Where each setting that was read stands.
#[derive(Debug, Clone, Default)]
pub struct Origins(Vec<Layer>);

impl Origins {
    /// From the weakest layer to the strongest.
    pub(super) fn new(layers: Vec<Layer>) -> Self {
        Self(layers)
    }

    /// Where the value of a key stands that is in force: `["router", "relay_networks"]`, or an element of that list,
    /// `["router", "relay_networks", "0"]`. What has no line of its own stands where that stands which holds it. Keys are
    /// taken as they are written in the file.
    pub fn of(&self, path: &[&str]) -> Origin {
        let path: Vec<String> = path.iter().map(|&key| key.to_owned()).collect();
        let starts = || {
            (1..=path.len())
                .rev()
                .filter_map(|length| path.get(..length))
        };
        // A list is replaced as a whole, so what is in it is that of the strongest layer that has the list.
        let decides = |layer: &&Layer| {
            layer.value(&path).is_some() || starts().any(|start| layer.holds_list(start))
        };
        let layer = self.0.iter().rev().find(decides);
        let stands = layer.and_then(|layer| starts().find_map(|start| layer.origin(start)));
        stands.cloned().unwrap_or(Origin::Default)
    }
}
