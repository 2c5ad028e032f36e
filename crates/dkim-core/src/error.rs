//! What can go wrong, one enum for each operation.
//!
//! Verification is not here: a signature that does not hold is a [`VerifyResult`](crate::VerifyResult), not an error.

use std::error::Error;

use thiserror::Error;

/// An octet that may not stand where it stands, because verifiers disagree about it (RFC 5322 §2.3).
///
/// Offsets count from the first octet that the signer or hasher was given as its header or its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LineError {
    /// A CR without LF.
    #[error("bare CR at octet {offset}: bring the message to CRLF line ends before signing")]
    BareCr {
        /// Where it stands.
        offset: u64,
    },
    /// An LF without CR.
    #[error("bare LF at octet {offset}: bring the message to CRLF line ends before signing")]
    BareLf {
        /// Where it stands.
        offset: u64,
    },
    /// A NUL octet.
    #[error("NUL at octet {offset}: take it out or encode the part before signing")]
    Nul {
        /// Where it stands.
        offset: u64,
    },
}

/// Why a header block cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// A bare CR, a bare LF or a NUL.
    #[error("the header holds an octet that cannot be signed")]
    Line(#[from] LineError),
    /// A line that neither continues a field nor starts one (RFC 5322 §2.2).
    #[error(
        "the header line at octet {offset} is not a field: it needs a name, a colon and a value, or an empty line \
         before it to start the body"
    )]
    NotAField {
        /// Where the line starts.
        offset: usize,
    },
    /// The last line does not end in CRLF.
    #[error("the header ends at octet {offset} inside a line: end its last line with CRLF")]
    Unterminated {
        /// Where the unfinished line starts.
        offset: usize,
    },
    /// More fields than [`HeaderLimits::fields`](crate::HeaderLimits) allows.
    #[error(
        "the header has more than {limit} fields: raise the limit if this is a message you trust"
    )]
    TooManyFields {
        /// The limit.
        limit: usize,
    },
    /// More octets than [`HeaderLimits::octets`](crate::HeaderLimits) allows.
    #[error(
        "the header is longer than {limit} octets: raise the limit if this is a message you trust"
    )]
    TooLong {
        /// The limit.
        limit: usize,
    },
}

/// Why a set of header fields to sign was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HeaderSetError {
    /// From is not among the signed or oversigned fields.
    #[error("the header set leaves From out, which RFC 6376 §5.4 requires to be signed: add it")]
    FromLeftOut,
    /// Not the name of a header field, nor one ending in `*`.
    #[error(
        "`{pattern}` is not a field name: use letters, digits and hyphens, with one `*` at most, at the end"
    )]
    Name {
        /// What was given.
        pattern: String,
    },
    /// A pattern with `*` among the oversigned.
    #[error(
        "`{pattern}` cannot be oversigned: name each field, since an absent one must be listed by name"
    )]
    OversignedPattern {
        /// What was given.
        pattern: String,
    },
    /// The same name is both wanted and never to be signed.
    #[error(
        "`{pattern}` is among the fields to sign and among those never to sign: take it out of one list"
    )]
    Contradiction {
        /// What was given.
        pattern: String,
    },
}

/// Why a private key cannot be made or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// An RSA key that verifiers must refuse (RFC 8301 §3.2).
    #[error("an RSA key of {bits} bits is too short: RFC 8301 wants 1024 at least, 2048 is usual")]
    TooShort {
        /// Its size.
        bits: u32,
    },
    /// An RSA key that verifiers need not accept (RFC 8301 §3.2).
    #[error(
        "an RSA key of {bits} bits is longer than the {limit} allowed here: verifiers need accept no more than 4096"
    )]
    TooLong {
        /// Its size.
        bits: u32,
        /// The longest allowed.
        limit: u32,
    },
    /// A size of RSA key that is not made here.
    #[error("RSA keys of {bits} bits are not generated: ask for a multiple of 256")]
    OddSize {
        /// The size asked for.
        bits: u32,
    },
    /// The cryptographic library failed to make a key.
    #[error(
        "the key could not be generated: the system's random source or the library failed, try again"
    )]
    Generation,
    /// Not a PKCS#8 structure.
    #[error("the key is not PKCS#8 DER: convert it with `openssl pkcs8 -topk8 -nocrypt`")]
    NotPkcs8,
    /// Not a PKCS#1 structure.
    #[error(
        "the key is not PKCS#1 DER: convert it with `openssl pkcs8 -topk8 -nocrypt` and read it as PKCS#8"
    )]
    NotPkcs1,
    /// Neither RSA nor Ed25519.
    #[error("the key is of type {oid}: DKIM signs with RSA or Ed25519 keys only")]
    OtherType {
        /// The object identifier of the key's algorithm.
        oid: String,
    },
    /// The numbers of the key contradict each other.
    #[error("the key is damaged: its numbers do not fit together, restore it from its backup")]
    Inconsistent,
    /// No PEM block that can be read.
    #[error("no PEM block was found: the text must hold `-----BEGIN PRIVATE KEY-----`")]
    NotPem,
    /// A PEM block of another kind.
    #[error(
        "the PEM block is `{label}`: an unencrypted `PRIVATE KEY` or `RSA PRIVATE KEY` is needed"
    )]
    PemLabel {
        /// What the block calls itself.
        label: String,
    },
    /// The private half stays in another device.
    #[error("this key lives behind a remote signer and cannot be exported: export it there")]
    NotExportable,
    /// The public half given by a remote signer is not a key of its type.
    #[error(
        "the remote signer's public key cannot be read: give RSA keys as SubjectPublicKeyInfo DER, Ed25519 as 32 octets"
    )]
    PublicKey,
}

/// Why a private key did not sign.
#[derive(Debug, Error)]
#[error("the key did not sign")]
pub struct RawSignError(#[source] pub(crate) Box<dyn Error + Send + Sync>);

impl RawSignError {
    /// Wraps what a device or a service reported.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        RawSignError(source.into())
    }
}

/// Why a message cannot be signed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SignError {
    /// The header cannot be read.
    #[error("the header cannot be signed")]
    Header(#[from] HeaderError),
    /// The body holds a bare CR, a bare LF or a NUL.
    #[error("the body cannot be signed")]
    Body(#[source] LineError),
    /// No From field (RFC 6376 §5.4 requires it to be signed).
    #[error("the message has no From field: add one, DKIM must sign it")]
    NoFrom,
    /// Several From fields, an attack on the reader (RFC 6376 §8.15).
    #[error("the message has {count} From fields: RFC 5322 allows one, take the others out")]
    SeveralFrom {
        /// How many.
        count: usize,
    },
    /// `i=` is outside `d=` (RFC 6376 §3.5).
    #[error(
        "the identity {identity} is not {domain} or below it: choose another identity or signing domain"
    )]
    IdentityOutsideDomain {
        /// The `i=` domain.
        identity: String,
        /// The `d=` domain.
        domain: String,
    },
    /// `x=` is not after `t=` (RFC 6376 §3.5).
    #[error(
        "the signature would expire at {expires}, before it is made at {timestamp}: choose a later time"
    )]
    ExpiresBeforeMade {
        /// `t=`.
        timestamp: u64,
        /// `x=`.
        expires: u64,
    },
    /// The body hash for the wanted canonicalization was not kept.
    #[error(
        "no body hash for the {canonicalization} canonicalization was kept: hash the body again"
    )]
    NoBodyHash {
        /// The canonicalization wanted.
        canonicalization: crate::Canonicalization,
    },
    /// The key failed; with a remote signer, trying later may work.
    #[error("the key {key} could not be used")]
    Key {
        /// The name of the key's record.
        key: String,
        /// What the key reported.
        #[source]
        source: RawSignError,
    },
}

/// Why a tag list cannot be read (RFC 6376 §3.2).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TagListError {
    /// A part without `=`.
    #[error("the part at octet {offset} has no `=`: each tag is written name=value")]
    NoEquals {
        /// Where the part starts.
        offset: usize,
    },
    /// A tag name of other characters than letters, digits and underscores.
    #[error(
        "the tag name at octet {offset} is not a letter followed by letters, digits and underscores"
    )]
    Name {
        /// Where the name starts.
        offset: usize,
    },
    /// The same tag twice: the whole list is then invalid.
    #[error("the tag {tag}= stands twice: leave one")]
    Duplicate {
        /// Its name.
        tag: String,
    },
    /// An octet that no value may hold.
    #[error("the value of {tag}= holds a control character at octet {offset}")]
    Value {
        /// The tag's name.
        tag: String,
        /// Where it stands.
        offset: usize,
    },
}

/// Why a key record cannot be used (RFC 6376 §3.6.1).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Not a tag list.
    #[error("the key record is not a list of tags")]
    Tags(#[from] TagListError),
    /// `v=` is not `DKIM1`, or does not come first.
    #[error("the tag v= of the key record must come first and be DKIM1, or be left out")]
    Version,
    /// `p=` is missing.
    #[error("the key record has no tag p=: publish the public key there, or nothing to revoke it")]
    NoPublicKey,
    /// `p=` is not base64.
    #[error("the tag p= of the key record is not base64: publish it again from the key")]
    NotBase64,
    /// `p=` is not a key of the type that `k=` says.
    #[error(
        "the tag p= of the key record is not a public key of type {key_type}: publish it again from the key"
    )]
    PublicKey {
        /// The type that `k=` says.
        key_type: crate::KeyType,
    },
    /// `k=` is a type that is not known here.
    #[error("the tag k= of the key record is `{found}`: rsa and ed25519 are known")]
    KeyType {
        /// What it says.
        found: String,
    },
    /// A tag whose value does not follow its syntax.
    #[error("the tag {tag}= of the key record does not follow its syntax: {value:?}")]
    Value {
        /// The tag.
        tag: &'static str,
        /// What it says.
        value: String,
    },
}

/// Why a `DKIM-Signature` field cannot be used (RFC 6376 §3.5, §6.1.1).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// Not a tag list.
    #[error("it is not a list of tags")]
    Tags(#[from] TagListError),
    /// A tag that must be there is not.
    #[error("the tag {tag}= is missing")]
    Missing {
        /// The tag.
        tag: &'static str,
    },
    /// A tag whose value does not follow its syntax.
    #[error("the tag {tag}= does not follow its syntax")]
    Value {
        /// The tag.
        tag: &'static str,
    },
    /// `v=` is not 1.
    #[error("its version v= is not 1")]
    Version,
    /// `h=` does not list From (RFC 6376 §6.1.1).
    #[error("it does not sign From")]
    FromNotSigned,
    /// `i=` is outside `d=` (RFC 6376 §6.1.1).
    #[error("its identity i= is not within its domain d=")]
    IdentityOutsideDomain,
    /// `x=` is not after `t=` (RFC 6376 §3.5).
    #[error("it expires before it was made")]
    ExpiresBeforeMade,
}
