//! An encrypted, tamper-evident store of DKIM signing keys, and of the users who may send mail, in one SQLite file.
//!
//! Private keys lie in it sealed with AES-256-GCM under a *named encryption key* (NEK) that lies elsewhere: a file of
//! mode 0600, or a credential of the service manager. Whoever has the store alone learns which keys exist and their
//! public halves, and which users; whoever can write to it can destroy it, but not change what it says without being found out.
//!
//! # Example
//!
//! ```
//! use std::time::SystemTime;
//!
//! use credstore::{CredStore, KeyAlgorithm, NekDir, NewKey, Secret};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let neks = NekDir::new(folder.path().join("nek"));
//! let nek = neks.create(&"mail".parse()?)?;
//! println!("keep a copy of {}: without it every key in the store is lost", nek.fingerprint());
//!
//! let path = folder.path().join("credstore.db");
//! let store = CredStore::create(&path, &nek).await?;
//! let name = "12345._domainkey.renovations.com".parse()?;
//! # let private_key = vec![0; 32];
//! store
//!     .insert(
//!         NewKey {
//!             name,
//!             algorithm: KeyAlgorithm::Rsa { bits: 2048 },
//!             pkcs8: Secret::new(private_key),
//!             record: "v=DKIM1; k=rsa; p=MIIB...".to_owned(),
//!         },
//!         SystemTime::UNIX_EPOCH, // the caller's clock
//!     )
//!     .await?;
//!
//! // Another process: the NEK is found by the fingerprint that the store names.
//! let store = CredStore::open(&path, &neks).await?;
//! for key in store.keys().await? {
//!     let private_key = store.unseal(&key)?;
//!     println!("{} {} {}", key.name(), key.state(), key.algorithm());
//!     drop(private_key); // wiped
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # The life of a key
//!
//! [`CredStore::insert`] makes it active; [`CredStore::revoke`] ends its use for good; [`CredStore::delete`] removes it.
//! Each change is one transaction, on stable storage when the call returns, and raises [`CredStore::version`] by one. A
//! key that is deleted and created again is another *generation*. [`StoreWatch`] tells another process of changes.
//!
//! # Users
//!
//! A user is a name and the SCRAM-SHA-256 verifier of a password (RFC 7677), against which a password in the clear is
//! checked, too. [`CredStore::add_user`], [`CredStore::set_password`] and [`CredStore::delete_user`] are changes as those of keys
//! are, and protected as they are. Verifiers are sealed: a copy of the store is not enough to try passwords.
//!
//! ```
//! # use credstore::{CredStore, NekDir, ScramVerifier, Secret};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let nek = NekDir::new(folder.path().join("nek")).create(&"mail".parse()?)?;
//! # let store = CredStore::create(&folder.path().join("credstore.db"), &nek).await?;
//! # let now = std::time::SystemTime::UNIX_EPOCH;
//! let password = Secret::new(b"correct horse battery staple".to_vec());
//! store.add_user(&"app1".parse()?, &ScramVerifier::new(&password)?, now).await?;
//!
//! let user = store.user(&"App1".parse()?).await?; // names have no case
//! let verifier = store.verifier(&user)?;
//! assert!(verifier.verify_password(&password));
//! # Ok(())
//! # }
//! ```
//!
//! # What is protected, and what is not
//!
//! | Somebody | meets |
//! |---|---|
//! | reads the store, a backup of it, or the disk | sealed keys and verifiers; names, dates, states and public records in the clear |
//! | reads a NEK's export | Argon2id under a passphrase of at least 8 characters |
//! | alters a column, or puts the contents of one line into another | a MAC over the whole line: refused, by name |
//! | puts back an older copy of a line, or a deleted one | the manifest of line versions under the header's MAC: refused, by name |
//! | removes a line | the manifest: refused, by name |
//! | moves lines or sealed keys to another store | keys and MACs are derived for each store's random identity: refused |
//! | puts back an older copy of the *whole file* | refused by a process that has seen a later version; **not** by one that starts afterwards: one file cannot tell. Keep the file where only its owner writes |
//! | deletes or damages the file | lost keys: keep backups (copy the file while nothing writes to it) |
//! | has the NEK and the store, or reads the memory of a process that has them | everything |
//!
//! A NEK or store that others can read is refused with the `chmod` to run. Secrets are wiped from memory when dropped,
//! absent from `Debug`, and leave through [`Secret::expose`] alone. Swapped-out memory is the operator's, and core dumps
//! are the program's: encrypt swap, and let no core be written.
//!
//! # What it does not do
//!
//! It makes no keys and reads none: bytes go in and come out. It speaks no SASL: it says what passwords are checked against. It asks no clock: the time is handed in. It publishes
//! nothing in the DNS. It needs a `tokio` runtime, and Unix permissions.

pub use algorithm::{AlgorithmError, KeyAlgorithm};
pub use error::{BackendError, CredStoreError, HeaderFault, RowFault};
pub use lifecycle::{KeyEvent, KeyState, TransitionError, transition};
pub use nek::{Fingerprint, FingerprintError, Nek, NekFormatError, NekName, NekNameError};
pub use nek_dir::{NekDir, NekError};
pub use record::{NewKey, StoredKey};
pub use scram::{PasswordError, ScramVerifier};
pub use seal::SealError;
pub use secret::Secret;
pub use store::CredStore;
pub use transfer::TransferError;
pub use user_line::StoredUser;
pub use watch::StoreWatch;

mod algorithm;
mod backend;
mod error;
mod header;
mod lifecycle;
mod manifest;
mod nek;
mod nek_dir;
mod opening;
mod private_file;
mod record;
mod scram;
mod seal;
mod secret;
mod store;
mod transcript;
mod transfer;
mod user_line;
mod users;
mod watch;
