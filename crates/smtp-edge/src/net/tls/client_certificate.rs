//! Certificates of clients: what is asked in the handshake, and what is known after it.

use std::sync::Arc;
use std::time::SystemTime;

use aws_lc_rs::digest::{SHA256, digest};
use router_config::{CertificateFingerprint, ClientCertificate, Issuer};
use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::{
    CommonState, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
};

use super::files::Acceptor;

/// Takes any well-formed certificate from a client that proves to have its private key, and none at all as well. Who issued
/// it, whether it is in force and what it is good for is not asked: it is trusted with nothing.
#[derive(Debug)]
pub(super) struct AnyHolder(WebPkiSupportedAlgorithms);

impl AnyHolder {
    pub(super) fn new(provider: &Arc<CryptoProvider>) -> Self {
        Self(provider.signature_verification_algorithms)
    }
}

impl ClientCertVerifier for AnyHolder {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// None, so that a client sends what it has.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        ParsedCertificate::try_from(end_entity).map(|_| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

impl Acceptor {
    /// The certificate that the client has proved to hold in this handshake, and who vouches for it.
    pub(super) fn client_certificate(
        &self,
        connection: &CommonState,
        now: SystemTime,
    ) -> Option<ClientCertificate> {
        let (end_entity, intermediates) = connection.peer_certificates()?.split_first()?;
        let fingerprint = digest(&SHA256, end_entity).as_ref().try_into().ok()?;
        let since = now.duration_since(SystemTime::UNIX_EPOCH);
        let now = UnixTime::since_unix_epoch(since.unwrap_or_default());
        let is_issued = |authority: &Arc<dyn ClientCertVerifier>| {
            authority
                .verify_client_cert(end_entity, intermediates, now)
                .is_ok()
        };
        Some(ClientCertificate {
            fingerprint: CertificateFingerprint::from_sha256(fingerprint),
            issuer: if self.authority.as_ref().is_some_and(is_issued) {
                Issuer::Authority
            } else {
                Issuer::Unknown
            },
        })
    }
}
