//! The store's own line: its version and the manifest of its keys, under one MAC.

use crate::backend::HeaderRow;
use crate::error::HeaderFault;
use crate::manifest::Manifest;
use crate::nek::Fingerprint;
use crate::record::LineKeys;
use crate::transcript::Transcript;

/// The store's own line, believed. The version of a new store is 0; every line's version ≤ it.
#[derive(Debug, Default)]
pub(crate) struct Header {
    pub(crate) version: i64,
    pub(crate) manifest: Manifest,
}

impl Header {
    /// Believes a line: it is this store's, its MAC is right, and it did not go back behind `floor`.
    pub(crate) fn verify(
        row: &HeaderRow,
        fingerprint: Fingerprint,
        keys: &LineKeys,
        floor: i64,
    ) -> Result<Self, HeaderFault> {
        let own = row.store_id == keys.store_id && row.nek_fingerprint == fingerprint.as_bytes();
        if !own || !keys.mac.holds(&transcript(row), &row.mac) {
            return Err(HeaderFault::Altered);
        }
        if row.version < floor {
            return Err(HeaderFault::WentBack {
                seen: floor.cast_unsigned(),
                found: row.version.cast_unsigned(),
            });
        }
        Ok(Self {
            version: row.version,
            manifest: Manifest::from_bytes(&row.manifest).ok_or(HeaderFault::Altered)?,
        })
    }

    /// The line to be written.
    pub(crate) fn seal(&self, fingerprint: Fingerprint, keys: &LineKeys) -> HeaderRow {
        let mut row = HeaderRow {
            store_id: keys.store_id.clone(),
            nek_fingerprint: fingerprint.as_bytes().to_vec(),
            version: self.version,
            manifest: self.manifest.to_bytes(),
            mac: Vec::new(),
        };
        row.mac = keys.mac.mac(&transcript(&row));
        row
    }
}

/// What the MAC of the store's line covers: every column but the MAC.
fn transcript(row: &HeaderRow) -> Transcript {
    Transcript::new("smtp-edge store header")
        .bytes(&row.store_id)
        .bytes(&row.nek_fingerprint)
        .number(row.version)
        .bytes(&row.manifest)
}
