//! Fields of fixed size, one behind the other, and the checksum at their end.

use super::frame::Unreadable;

/// The checksum of octets behind the salt of their segment.
pub(super) fn salted(salt: u64, parts: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&salt.to_le_bytes());
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize()
}

/// Octets, and the checksum that ends them.
pub(super) fn split_checksum(octets: &[u8]) -> Result<(&[u8], u32), Unreadable> {
    let (covered, checksum) = octets
        .split_last_chunk::<CHECKSUM>()
        .ok_or(Unreadable::Damaged)?;
    Ok((covered, u32::from_le_bytes(*checksum)))
}

/// Reads one field after the other.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl Fields<'_> {
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let (field, rest) = self.0.split_first_chunk::<N>().ok_or(Unreadable::Damaged)?;
        self.0 = rest;
        Ok(*field)
    }

    pub(super) fn skip(&mut self, octets: usize) -> Result<(), Unreadable> {
        self.0 = self.0.get(octets..).ok_or(Unreadable::Damaged)?;
        Ok(())
    }

    pub(super) fn u8(&mut self) -> Result<u8, Unreadable> {
        self.array::<1>().map(|[octet]| octet)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Unreadable> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Unreadable> {
        self.array().map(u64::from_le_bytes)
    }

    /// A 64-bit field whose value is an offset or a length in a segment.
    pub(super) fn small(&mut self) -> Result<u32, Unreadable> {
        u32::try_from(self.u64()?).map_err(|_| Unreadable::Damaged)
    }
}

/// Octets of a checksum.
pub(super) const CHECKSUM: usize = 4;
