//! Reads the parts of a record, and trusts none of them.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use dkim_core::{BodyHashes, Canonicalization};
use router_config::{Client, ClientCertificate, Issuer};

use super::{CHECKSUM, HEAD, MAGIC, RecordError, VERSION};
use crate::envelope::{Envelope, Mailbox, Needs, ReversePath, Source};
use crate::signing::state::{
    FaultClass, ProfileSigning, Signatures, Signing, SigningFault, Signings, Terms, UsedKey,
};
use crate::spool::message::{Fault, Held, HeldFor, MessageState, Orders, RecipientState};

/// Reads octets from `offset` to `end`, which of a whole record are its payload. The invariant is
/// `offset <= end <= record.len()`.
pub(super) struct Reader<'a> {
    record: &'a [u8],
    offset: usize,
    end: usize,
    version: u8,
}

const AT_HEAD: RecordError = RecordError::Damaged { offset: 0 };

impl<'a> Reader<'a> {
    pub(super) fn open(record: &'a [u8], kind: u8) -> Result<Self, RecordError> {
        let version = Self::unverified(record, kind)?.version;
        let length = record
            .first_chunk::<HEAD>()
            .and_then(|head| head.last_chunk::<8>())
            .map(|bytes| u64::from_le_bytes(*bytes))
            .ok_or(AT_HEAD)?;
        let (covered, checksum) = record.split_last_chunk::<CHECKSUM>().ok_or(AT_HEAD)?;
        let end = covered.len();
        if end.checked_sub(HEAD).map(|payload| payload as u64) != Some(length) {
            return Err(RecordError::Damaged { offset: 8 });
        }
        if crc32fast::hash(covered) != u32::from_le_bytes(*checksum) {
            return Err(RecordError::Damaged { offset: end as u64 });
        }
        Ok(Self {
            record,
            offset: HEAD,
            end,
            version,
        })
    }

    /// The same for the first octets of a record, however many there are, whose length and checksum are not compared.
    pub(super) fn unverified(octets: &'a [u8], kind: u8) -> Result<Self, RecordError> {
        let head = octets.first_chunk::<HEAD>().ok_or(AT_HEAD)?;
        let [magic @ .., found, version, _, _] = head.first_chunk::<8>().ok_or(AT_HEAD)?;
        if magic != MAGIC || *found != kind {
            return Err(AT_HEAD);
        }
        if !(1..=VERSION).contains(version) {
            return Err(RecordError::Version { version: *version });
        }
        Ok(Self {
            record: octets,
            offset: HEAD,
            end: octets.len(),
            version: *version,
        })
    }

    /// For octets from within a record of that version.
    pub(super) fn part(octets: &'a [u8], version: u8) -> Self {
        Self {
            record: octets,
            offset: 0,
            end: octets.len(),
            version,
        }
    }

    pub(super) fn version(&self) -> u8 {
        self.version
    }

    /// Where in the record what comes next begins.
    pub(super) fn offset(&self) -> u64 {
        self.offset as u64
    }

    pub(super) fn finish(&self) -> Result<(), RecordError> {
        if self.offset == self.end {
            Ok(())
        } else {
            Err(self.damaged())
        }
    }

    pub(super) fn damaged(&self) -> RecordError {
        RecordError::Damaged {
            offset: self.offset as u64,
        }
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], RecordError> {
        let after = self
            .offset
            .checked_add(length)
            .filter(|after| *after <= self.end);
        let after = after.ok_or_else(|| self.damaged())?;
        let bytes = self
            .record
            .get(self.offset..after)
            .ok_or_else(|| self.damaged())?;
        self.offset = after;
        Ok(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], RecordError> {
        let at = self.damaged();
        self.take(N)?.first_chunk::<N>().copied().ok_or(at)
    }

    pub(super) fn u8(&mut self) -> Result<u8, RecordError> {
        self.array::<1>().map(|[octet]| octet)
    }

    pub(super) fn u32(&mut self) -> Result<u32, RecordError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, RecordError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], RecordError> {
        let length = self.u32()?;
        self.take(length as usize)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, RecordError> {
        let at = self.damaged();
        std::str::from_utf8(self.bytes()?).map_err(|_| at)
    }

    pub(super) fn optional_text(&mut self) -> Result<Option<&'a str>, RecordError> {
        let at = self.damaged();
        match self.u8()? {
            0 => Ok(None),
            1 => self.text().map(Some),
            _ => Err(at),
        }
    }

    pub(super) fn parsed<T: std::str::FromStr>(&mut self) -> Result<T, RecordError> {
        let at = self.damaged();
        self.text()?.parse().map_err(|_| at)
    }

    pub(super) fn optional_parsed<T: std::str::FromStr>(
        &mut self,
    ) -> Result<Option<T>, RecordError> {
        let at = self.damaged();
        self.optional_text()?
            .map(str::parse)
            .transpose()
            .map_err(|_| at)
    }

    pub(super) fn time(&mut self) -> Result<SystemTime, RecordError> {
        let at = self.damaged();
        let (seconds, nanoseconds) = (self.u64()?, self.u32()?);
        if nanoseconds >= 1_000_000_000 {
            return Err(at);
        }
        SystemTime::UNIX_EPOCH
            .checked_add(Duration::new(seconds, nanoseconds))
            .ok_or(at)
    }

    pub(super) fn envelope(&mut self) -> Result<Envelope, RecordError> {
        let at = self.damaged();
        let source = match self.u8()? {
            0 => Source::Client {
                client: Client::at(self.parsed::<IpAddr>()?),
                helo: self.text()?.into(),
            },
            1 => Source::Ourselves,
            2 => Source::Client {
                client: self.client()?,
                helo: self.text()?.into(),
            },
            _ => return Err(at),
        };
        let reverse_path = match self.u8()? {
            0 => ReversePath::Null,
            1 => ReversePath::Mailbox(self.parsed()?),
            _ => return Err(self.damaged()),
        };
        let count = self.u32()?;
        let recipients = (0..count)
            .map(|_| self.parsed::<Mailbox>())
            .collect::<Result<Vec<_>, _>>()?;
        let needs = self.u8()?;
        if needs > 3 {
            return Err(self.damaged());
        }
        Ok(Envelope {
            source,
            reverse_path,
            recipients,
            needs: Needs {
                eight_bit: needs & 1 != 0,
                smtputf8: needs & 2 != 0,
            },
            accepted: self.time()?,
        })
    }

    fn client(&mut self) -> Result<Client, RecordError> {
        let address = self.parsed::<IpAddr>()?;
        let identity = self.optional_parsed()?;
        let fingerprint = self.optional_parsed()?;
        let issuer = match self.u8()? {
            0 => Issuer::Unknown,
            1 => Issuer::Authority,
            _ => return Err(self.damaged()),
        };
        let certificate = fingerprint.map(|fingerprint| ClientCertificate {
            fingerprint,
            issuer,
        });
        Ok(Client {
            address,
            identity,
            certificate,
        })
    }

    pub(super) fn state(&mut self) -> Result<MessageState, RecordError> {
        let count = self.u32()?;
        let recipients = (0..count)
            .map(|_| self.recipient())
            .collect::<Result<Vec<_>, _>>()?;
        Ok(MessageState {
            recipients,
            signings: self.signings()?,
            attempts: self.u32()?,
            next_attempt: self.time()?,
            orders: self.orders()?,
            delay_told: match self.version {
                1..4 => None,
                _ => self.optional_time()?,
            },
        })
    }

    fn optional_time(&mut self) -> Result<Option<SystemTime>, RecordError> {
        let at = self.damaged();
        match self.u8()? {
            0 => Ok(None),
            1 => self.time().map(Some),
            _ => Err(at),
        }
    }

    fn orders(&mut self) -> Result<Orders, RecordError> {
        if self.version < 3 {
            return Ok(Orders::default());
        }
        let at = self.damaged();
        Ok(Orders {
            held: match self.u8()? {
                0 => None,
                1 => Some(self.held(HeldFor::Order)?),
                2 => Some(self.held(HeldFor::Damage)?),
                _ => return Err(at),
            },
            next_hop: self.optional_parsed()?,
        })
    }

    fn held(&mut self, why: HeldFor) -> Result<Held, RecordError> {
        let since = self.time()?;
        Ok(Held { since, why })
    }

    pub(super) fn recipient(&mut self) -> Result<RecipientState, RecordError> {
        let at = self.damaged();
        match self.u8()? {
            0 => Ok(RecipientState::Pending(None)),
            1 => Ok(RecipientState::Pending(Some(self.fault()?))),
            2 => Ok(RecipientState::Delivered),
            3 => Ok(RecipientState::Failed(self.fault()?)),
            4 => Ok(RecipientState::Reported),
            _ => Err(at),
        }
    }

    fn signings(&mut self) -> Result<Signings, RecordError> {
        if self.version == 1 {
            self.signing_of_version_1()?;
            return Ok(Signings::default());
        }
        let count = self.u32()?;
        (0..count)
            .map(|_| {
                Ok(ProfileSigning {
                    profile: self.parsed()?,
                    terms: Terms(self.array()?),
                    signing: self.signing()?,
                })
            })
            .collect()
    }

    fn signing(&mut self) -> Result<Signing, RecordError> {
        let at = self.damaged();
        match self.u8()? {
            0 => Ok(Signing::NotNeeded),
            1 => Ok(Signing::Done(Signatures {
                header: self.bytes()?.to_vec(),
                keys: self.used_keys()?,
                made: self.u64()?,
                expires: match self.u8()? {
                    0 => None,
                    1 => Some(self.u64()?),
                    _ => return Err(at),
                },
            })),
            2 => Ok(Signing::Deferred(self.signing_fault()?)),
            3 => Ok(Signing::Refused(self.signing_fault()?)),
            _ => Err(at),
        }
    }

    fn used_keys(&mut self) -> Result<Vec<UsedKey>, RecordError> {
        let count = self.u32()?;
        (0..count)
            .map(|_| {
                Ok(UsedKey {
                    name: self.parsed()?,
                    fingerprint: self.array()?,
                })
            })
            .collect()
    }

    pub(super) fn body_hashes(&mut self) -> Result<BodyHashes, RecordError> {
        if self.version == 1 {
            return Ok(BodyHashes::default());
        }
        let count = self.u32()?;
        let hashes = (0..count).map(|_| {
            let at = self.damaged();
            let canonicalization = match self.u8()? {
                0 => Canonicalization::Simple,
                1 => Canonicalization::Relaxed,
                _ => return Err(at),
            };
            Ok((canonicalization, self.array()?))
        });
        let hashes: Vec<_> = hashes.collect::<Result<_, _>>()?;
        Ok(BodyHashes::from_sha256(hashes))
    }

    pub(super) fn fault(&mut self) -> Result<Fault, RecordError> {
        Ok(Fault {
            status: self.text()?.into(),
            remote: self.optional_text()?.map(Into::into),
            text: self.text()?.into(),
        })
    }

    pub(super) fn signing_fault(&mut self) -> Result<SigningFault, RecordError> {
        let at = self.damaged();
        let class = match self.u8()? {
            0 => FaultClass::StoreAway,
            1 => FaultClass::NekAway,
            2 => FaultClass::KeyMissing,
            3 => FaultClass::KeyRevoked,
            4 => FaultClass::KeyUnreadable,
            5 => FaultClass::KeyTooShort,
            6 => FaultClass::CannotSign,
            7 => FaultClass::NoSuitableKey,
            8 => FaultClass::SelfCheckFailed,
            9 => FaultClass::PublishedKeyMismatch,
            10 => FaultClass::SenderRule,
            _ => return Err(at),
        };
        Ok(SigningFault {
            class,
            domain: self.optional_parsed()?,
            key: self.optional_parsed()?,
        })
    }
}
