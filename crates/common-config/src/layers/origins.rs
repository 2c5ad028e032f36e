//! Where the settings that were read stand: the answer to "which line says so?".
//!
//! It answers for keys by their path; that a key means anything is the reader's to know. It never fails: a key that no
//! source has stands nowhere and has its default.

use super::layer::Layer;
use crate::origin::Origin;

/// Where each setting that was read stands.
#[derive(Debug, Clone)]
pub struct Origins(Vec<Layer>);

impl Origins {
    /// From the weakest layer to the strongest.
    pub(super) fn new(layers: Vec<Layer>) -> Self {
        Self(layers)
    }

    /// Where the value of a key stands that is in force: `["router", "relay_networks"]`, or an element of that list,
    /// `["router", "relay_networks", "0"]`. Keys are taken as they are written in the file.
    pub fn of(&self, path: &[&str]) -> Origin {
        let path: Vec<String> = path.iter().map(|&key| key.to_owned()).collect();
        // A list is replaced as a whole, so its elements are those of the strongest layer that has the list.
        let list = match path.split_last() {
            Some((last, list)) if last.parse::<usize>().is_ok() => list,
            _ => path.as_slice(),
        };
        let layer = self
            .0
            .iter()
            .rev()
            .find(|layer| layer.value(list).is_some());
        let stands = layer.and_then(|layer| layer.origin(&path).or_else(|| layer.origin(list)));
        stands.cloned().unwrap_or(Origin::Default)
    }
}
