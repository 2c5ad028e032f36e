//! The files of certificates and keys: read, checked against each other, and made into what a handshake needs.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use tokio_rustls::rustls::crypto::{self, CryptoProvider};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::server::{
    NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier,
};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};

use super::client_certificate::AnyHolder;
use crate::config::TlsSettings;

/// What is read, and what clients are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    certificate: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
    asked: Asked,
}

/// Whether clients are asked for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// No: some clients are upset by the question.
    No,
    /// Yes, and any or none will do.
    Optional,
    /// Yes, and without one of the authority's there is no session.
    Required,
}

/// Why TLS cannot be spoken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// One of two settings that belong together.
    #[error("of tls.certificate and tls.key one is set: set both, or none")]
    Half,
    /// Settings about clients' certificates without a certificate of our own.
    #[error(
        "tls.client_ca is set, and tls.certificate is not: set it with tls.key, or take out tls.client_ca"
    )]
    NoCertificate,
    /// A certificate is required, and nobody could have one.
    #[error(
        "tls.require_client_certificate is set, and tls.client_ca is not: name the file of the authority"
    )]
    NoAuthority,
    /// There is a socket on which TLS alone is spoken.
    #[error(
        "a socket is for TLS (listen.tls_addresses, or systemd's), and no certificate is set: set tls.certificate \
         and tls.key"
    )]
    Needed,
    /// A file cannot be read.
    #[error("cannot read {path}: see [tls] in the settings")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// Others can read the private key.
    #[error(
        "others can read or change the private key {path}, whose mode is {mode:o}: take their permissions away \
         (chmod 640, or 600)"
    )]
    Visible {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A file is not PEM.
    #[error(
        "{path} cannot be used: it must hold PEM: certificates, or an unencrypted private key, as the setting says"
    )]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        #[source]
        source: pem::Error,
    },
    /// The certificate and the key do not go together.
    #[error(
        "the certificate {certificate} cannot be used with the key {key}: the key must be the one that it was made for"
    )]
    Pair {
        /// The certificate.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
        /// What TLS says.
        #[source]
        source: rustls::Error,
    },
    /// A certificate of the authority cannot be used.
    #[error("a certificate of {path} cannot be used as an authority: see tls.client_ca")]
    Authority {
        /// The file.
        path: PathBuf,
        /// What TLS says.
        #[source]
        source: rustls::Error,
    },
    /// The authority as a whole cannot be used.
    #[error("{path} cannot be used as an authority: see tls.client_ca")]
    Verifier {
        /// The file.
        path: PathBuf,
        /// What TLS says.
        #[source]
        source: VerifierBuilderError,
    },
}

/// What handshakes are done with.
#[derive(Debug)]
pub(super) struct Acceptor {
    pub(super) config: Arc<ServerConfig>,
    /// Who can tell whether the authority has issued a certificate.
    pub(super) authority: Option<Arc<dyn ClientCertVerifier>>,
}

impl TlsFiles {
    /// The files that the settings name, if they name any. `listed` says whether clients are known by their
    /// certificates elsewhere in the settings, and must be asked for them.
    ///
    /// # Errors
    /// [`TlsError`] when the settings contradict themselves.
    pub fn named(settings: &TlsSettings, listed: Listed) -> Result<Option<Self>, TlsError> {
        let asked = match (&settings.client_ca, settings.require_client_certificate) {
            (None, true) => return Err(TlsError::NoAuthority),
            (Some(_), true) => Asked::Required,
            (Some(_), false) => Asked::Optional,
            (None, false) => match listed {
                Listed::Some => Asked::Optional,
                Listed::None => Asked::No,
            },
        };
        match (&settings.certificate, &settings.key) {
            (Some(certificate), Some(key)) => Ok(Some(Self {
                certificate: certificate.clone(),
                key: key.clone(),
                client_ca: settings.client_ca.clone(),
                asked,
            })),
            (None, None) if settings.client_ca.is_some() => Err(TlsError::NoCertificate),
            (None, None) => Ok(None),
            (Some(_), None) | (None, Some(_)) => Err(TlsError::Half),
        }
    }

    /// The certificate's file.
    #[must_use]
    pub fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// What tells a file that has been changed or replaced.
    pub(super) fn stamps(&self) -> Stamps {
        let files = [
            Some(&self.certificate),
            Some(&self.key),
            self.client_ca.as_ref(),
        ];
        Stamps(
            files
                .into_iter()
                .flatten()
                .map(|file| stamp(file))
                .collect(),
        )
    }

    /// Reads and checks the files.
    pub(super) fn read(&self) -> Result<Acceptor, TlsError> {
        let chain = certificates(&self.certificate)?;
        let key = private_key(&self.key)?;
        let provider = Arc::new(crypto::aws_lc_rs::default_provider());
        let authority = match &self.client_ca {
            Some(path) => Some(authority(path, &provider)?),
            None => None,
        };
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let pair = |source| TlsError::Pair {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            source,
        };
        let builder = builder
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(pair)?;
        let builder = match (self.asked, &authority) {
            (Asked::No, _) => builder.with_no_client_auth(),
            (Asked::Required, Some(authority)) => {
                builder.with_client_cert_verifier(Arc::clone(authority))
            }
            (Asked::Optional, _) | (Asked::Required, None) => {
                builder.with_client_cert_verifier(Arc::new(AnyHolder::new(&provider)))
            }
        };
        let mut config = builder.with_single_cert(chain, key).map_err(pair)?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        // A client that says it wants another protocol gets no session in which its words could be taken for ours (ALPACA);
        // those that say nothing, as most SMTP clients do, are not affected.
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        Ok(Acceptor {
            config: Arc::new(config),
            authority,
        })
    }
}

/// Whether other settings list certificates of clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// They do.
    Some,
    /// They do not.
    None,
}

/// Files as they stood at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Stamps(Vec<Option<Stamp>>);

/// The mode and the SHA-256 of a file that can be read. Times would not do: two changes may have the same.
type Stamp = (u32, [u8; 32]);

fn stamp(path: &Path) -> Option<Stamp> {
    let (octets, mode) = read(path).ok()?;
    let digest = digest(&SHA256, &octets).as_ref().try_into().ok()?;
    Some((mode, digest))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let (octets, _) = read(path)?;
    let error = |source| TlsError::Pem {
        path: path.to_owned(),
        source,
    };
    let found: Vec<_> = CertificateDer::pem_slice_iter(&octets)
        .collect::<Result<_, _>>()
        .map_err(error)?;
    if found.is_empty() {
        return Err(error(pem::Error::NoItemsFound));
    }
    Ok(found)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let (octets, mode) = read(path)?;
    if mode & FORBIDDEN != 0 {
        return Err(TlsError::Visible {
            path: path.to_owned(),
            mode,
        });
    }
    PrivateKeyDer::from_pem_slice(&octets).map_err(|source| TlsError::Pem {
        path: path.to_owned(),
        source,
    })
}

/// The content and the mode of the one file that was opened, whatever takes its name meanwhile.
fn read(path: &Path) -> Result<(Vec<u8>, u32), TlsError> {
    let error = |source| TlsError::Read {
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(error)?;
    let mode = file.metadata().map_err(error)?.permissions().mode() & 0o7777;
    let mut octets = Vec::new();
    file.read_to_end(&mut octets).map_err(error)?;
    Ok((octets, mode))
}

fn authority(
    path: &Path,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots
            .add(certificate)
            .map_err(|source| TlsError::Authority {
                path: path.to_owned(),
                source,
            })?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|source| TlsError::Verifier {
            path: path.to_owned(),
            source,
        })
}

/// Permissions that a private key's file must not have: its group may read it, as files of root's that a service uses are
/// often set up.
const FORBIDDEN: u32 = 0o027;

/// What a client may say it wants (ALPN, RFC 7301), if it says anything.
const PROTOCOLS: [&[u8]; 2] = [b"smtp", b"esmtp"];

#[cfg(test)]
#[path = "files_tests.rs"]
pub(super) mod tests;
