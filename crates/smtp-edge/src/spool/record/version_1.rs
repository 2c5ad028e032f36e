//! What version 1 of the records held and later ones do not: one outcome of signing for all copies.

use super::RecordError;
use super::read::Reader;

impl Reader<'_> {
    /// Passes over it.
    pub(super) fn signing_of_version_1(&mut self) -> Result<(), RecordError> {
        let at = self.damaged();
        match self.u8()? {
            0 => {}
            1 => {
                self.bytes()?;
                for _ in 0..self.u32()? {
                    self.text()?;
                }
            }
            2 | 3 => {
                self.signing_fault()?;
            }
            _ => return Err(at),
        }
        Ok(())
    }
}
