//! Who hands in a message: the address it connects from, who it has proved to be, and the certificate that it holds.
//!
//! All of it is taken as proved: an identity by AUTH, a certificate's private key by the TLS handshake. What the client
//! may do is decided by [`crate::RouterConfig`].

use std::net::IpAddr;

use common_config::user_name::UserName;

use crate::certificate::CertificateFingerprint;

/// A client of the edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The address that it connects from.
    pub address: IpAddr,
    /// The user as whom it has authenticated.
    pub identity: Option<UserName>,
    /// The certificate that it has shown in the TLS handshake.
    pub certificate: Option<ClientCertificate>,
}

impl Client {
    /// A client of which nothing is known but its address.
    #[must_use]
    pub fn at(address: IpAddr) -> Self {
        Self {
            address,
            identity: None,
            certificate: None,
        }
    }
}

/// A client's certificate. The handshake has proved that the client has its private key, whoever issued it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientCertificate {
    /// What it is recognised by.
    pub fingerprint: CertificateFingerprint,
    /// Who vouches for it.
    pub issuer: Issuer,
}

/// Who vouches for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Issuer {
    /// The authority for client certificates that the settings name: the certificate's chain ends there and is in force.
    Authority,
    /// Anybody: it is known by its fingerprint, or not at all.
    Unknown,
}
