//! The exchanger's certificate: self-signed, made anew for each exchanger.

use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// An acceptor of TLS sessions under a fresh certificate.
pub(super) fn acceptor() -> TlsAcceptor {
    let made = rcgen::generate_simple_self_signed(vec!["mx.test".to_owned()])
        .expect("a certificate for a plain name");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has the default versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("the key belongs to the certificate");
    TlsAcceptor::from(Arc::new(config))
}
