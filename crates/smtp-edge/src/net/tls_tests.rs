//! Handshakes on loopback, and what is known of the client after them.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer as Signer, KeyPair};
use router_config::Issuer;
use tokio::net::TcpListener;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName,
};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

use super::files::tests::Folder;
use super::files::{Listed, TlsFiles};
use super::*;

struct Certificate {
    der: CertificateDer<'static>,
    key: KeyPair,
}

impl Certificate {
    fn of_itself() -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["client.test".to_owned()]).unwrap();
        let der = params.self_signed(&key).unwrap().der().clone();
        Self { der, key }
    }

    fn of(signer: &Signer<'_, KeyPair>, not_after: Option<(i32, u8, u8)>) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["client.test".to_owned()]).unwrap();
        if let Some((year, month, day)) = not_after {
            params.not_after = rcgen::date_time_ymd(year, month, day);
        }
        let der = params.signed_by(&key, signer).unwrap().der().clone();
        Self { der, key }
    }
}

/// A server that knows an authority, and the authority.
fn server() -> (
    Tls,
    Folder,
    CertificateDer<'static>,
    Signer<'static, KeyPair>,
) {
    let mut folder = Folder::new();
    let trusted = folder.issue();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    folder.write("ca.pem", &params.self_signed(&key).unwrap().pem());
    folder.settings.client_ca = Some(folder.path("ca.pem"));
    let files = TlsFiles::named(&folder.settings, Listed::None).unwrap();
    let tls = Tls::new(Tls::prepare(files).unwrap(), Clock::system());
    (tls, folder, trusted, Signer::new(params, key))
}

async fn shake(
    tls: &Tls,
    trusted: &CertificateDer<'static>,
    own: Option<&Certificate>,
    version: &'static SupportedProtocolVersion,
) -> Handshake {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots);
    let config = match own {
        None => builder.with_no_client_auth(),
        Some(own) => {
            let key = PrivatePkcs8KeyDer::from(own.key.serialize_der());
            let key = PrivateKeyDer::Pkcs8(key);
            builder
                .with_client_auth_cert(vec![own.der.clone()], key)
                .unwrap()
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await;
    let (accepted, _) = listener.accept().await.unwrap();
    let name = ServerName::try_from("edge.test").unwrap();
    let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream.unwrap());
    let time = Duration::from_secs(60);
    let (client, server) = tokio::join!(connecting, tls.handshake(accepted, time));
    client.unwrap();
    server.unwrap().1
}

#[tokio::test]
async fn a_certificate_is_a_fact_and_its_issuer_another() {
    let (tls, _folder, trusted, signer) = server();
    let listed = Certificate::of(&signer, None);
    let expired = Certificate::of(&signer, Some((2001, 1, 1)));
    let stranger = Certificate::of_itself();
    let rows = [
        (None, None),
        (Some(&listed), Some(Issuer::Authority)),
        (Some(&expired), Some(Issuer::Unknown)),
        (Some(&stranger), Some(Issuer::Unknown)),
    ];
    for version in [&TLS12, &TLS13] {
        for (own, issuer) in rows {
            let handshake = shake(&tls, &trusted, own, version).await;
            let found = handshake.certificate;
            assert_eq!(found.map(|known| known.issuer), issuer, "{version:?}");
            let digest = own.map(|own| {
                let digest = ::aws_lc_rs::digest::digest(&::aws_lc_rs::digest::SHA256, &own.der);
                digest.as_ref().to_vec()
            });
            let found = found.map(|known| known.fingerprint.as_bytes().to_vec());
            assert_eq!(found, digest, "{version:?}");
        }
    }
}

#[tokio::test]
async fn version_and_cipher_are_facts() {
    let (tls, _folder, trusted, _) = server();
    let old = shake(&tls, &trusted, None, &TLS12).await.facts;
    assert_eq!(old.version, TlsVersion::Tls12);
    assert!(old.cipher.starts_with("TLS_ECDHE_"), "{old:?}");
    let new = shake(&tls, &trusted, None, &TLS13).await.facts;
    assert_eq!(new.version, TlsVersion::Tls13);
    assert!(new.cipher.starts_with("TLS13_"), "{new:?}");
}

#[tokio::test]
async fn a_client_that_never_speaks_is_given_up() {
    let (tls, ..) = server();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let _silent = TcpStream::connect(listener.local_addr().unwrap()).await;
    let (accepted, _) = listener.accept().await.unwrap();
    let given_up = tls.handshake(accepted, Duration::from_millis(1)).await;
    assert!(matches!(given_up, Err(HandshakeError::Late)));
}
