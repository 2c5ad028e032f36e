//! TLS on the client's side, certificates for both sides, and the files that the edge reads them from.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
use tokio_rustls::rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName,
};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    ClientConfig, RootCertStore, SupportedCipherSuite, SupportedProtocolVersion,
};

use crate::edge::Home;

/// The name that the edge's certificates are for.
pub const NAME: &str = "edge.renovations.com";

/// A certificate and its key.
pub struct Certificate {
    der: CertificateDer<'static>,
    pem: String,
    key: KeyPair,
}

impl Certificate {
    /// One that vouches for itself.
    #[must_use]
    pub fn self_signed() -> Self {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![NAME.to_owned()]).expect("a plain name");
        let certificate = params.self_signed(&key).expect("a plain certificate");
        Self {
            der: certificate.der().clone(),
            pem: certificate.pem(),
            key,
        }
    }

    /// It as PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Its key as PEM.
    #[must_use]
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// The SHA-256 of it, as settings write it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let SupportedCipherSuite::Tls13(suite) = TLS13_AES_128_GCM_SHA256 else {
            panic!("a suite of TLS 1.3")
        };
        let digest = suite.common.hash_provider.hash(&self.der);
        let octets = digest.as_ref().iter();
        let digits: String = octets.map(|octet| format!("{octet:02x}")).collect();
        format!("sha256:{digits}")
    }

    /// Writes it where [`configure`] has the edge look: certificate first, then key, as renewals do.
    pub fn install(&self, home: &Home) {
        write(home, "certificate.pem", &self.pem, 0o644);
        write(home, "key.pem", &self.key_pem(), 0o600);
    }
}

/// An authority for certificates of clients.
pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A new one.
    #[must_use]
    pub fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a plain certificate");
        Self {
            pem: certificate.pem(),
            issuer: Issuer::new(params, key),
        }
    }

    /// Its own certificate as PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A client's certificate.
    #[must_use]
    pub fn issue(&self, client: &str) -> Certificate {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![client.to_owned()]).expect("a plain name");
        let certificate = params
            .signed_by(&key, &self.issuer)
            .expect("a plain certificate");
        Certificate {
            der: certificate.der().clone(),
            pem: certificate.pem(),
            key,
        }
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

/// Writes a file of the edge's folder with this mode.
pub fn write(home: &Home, name: &str, content: &str, mode: u32) {
    let path = home.path().join(name);
    std::fs::write(&path, content).expect("the folder can be written");
    std::fs::set_permissions(&path, Permissions::from_mode(mode)).expect("the file is ours");
}

/// Installs a new certificate and has the settings name it.
pub fn configure(home: &mut Home) -> Certificate {
    let certificate = Certificate::self_signed();
    certificate.install(home);
    let path = |name: &str| format!("{:?}", home.path().join(name));
    let (certificate_path, key_path) = (path("certificate.pem"), path("key.pem"));
    home.change(|setup| {
        setup
            .set("tls", "certificate", &certificate_path)
            .set("tls", "key", &key_path);
    });
    certificate
}

/// A client that trusts one server certificate.
pub struct ClientTls {
    trusted: CertificateDer<'static>,
    own: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
    versions: Vec<&'static SupportedProtocolVersion>,
    protocols: Vec<Vec<u8>>,
}

impl ClientTls {
    /// Without a certificate of its own.
    #[must_use]
    pub fn trusting(server: &Certificate) -> Self {
        Self {
            trusted: server.der.clone(),
            own: None,
            versions: vec![&TLS12, &TLS13],
            protocols: Vec::new(),
        }
    }

    /// With this certificate of its own.
    #[must_use]
    pub fn showing(mut self, own: &Certificate) -> Self {
        let key = PrivatePkcs8KeyDer::from(own.key.serialize_der());
        self.own = Some((own.der.clone(), PrivateKeyDer::Pkcs8(key)));
        self
    }

    /// That speaks nothing newer than TLS 1.2.
    #[must_use]
    pub fn old(mut self) -> Self {
        self.versions = vec![&TLS12];
        self
    }

    /// That says it wants this protocol (ALPN).
    #[must_use]
    pub fn wanting(mut self, protocol: &str) -> Self {
        self.protocols = vec![protocol.as_bytes().to_vec()];
        self
    }

    /// Does the handshake.
    ///
    /// # Errors
    /// What TLS says.
    pub async fn connect(self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.trusted).expect("a plain certificate");
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&self.versions)
            .expect("the provider has these versions")
            .with_root_certificates(roots);
        let mut config = match self.own {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => builder
                .with_client_auth_cert(vec![certificate], key)
                .expect("the key belongs to the certificate"),
        };
        config.alpn_protocols = self.protocols;
        let name = ServerName::try_from(NAME).expect("a plain name");
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
    }
}

/// A connection in clear or under TLS.
#[derive(Debug)]
pub enum Transport {
    /// In clear.
    Clear(TcpStream),
    /// Under TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Transport {
    /// The connection below, without a word to the other side.
    #[must_use]
    pub fn into_clear(self) -> TcpStream {
        match self {
            Self::Clear(stream) => stream,
            Self::Tls(stream) => stream.into_inner().0,
        }
    }

    /// Ends TLS with a close_notify and leaves the connection below open.
    pub async fn leave_tls(self) -> Self {
        let Self::Tls(stream) = self else {
            panic!("there is no TLS to leave")
        };
        let (mut stream, mut session) = stream.into_inner();
        session.send_close_notify();
        let mut alert = Vec::new();
        while session.wants_write() {
            session.write_tls(&mut alert).expect("memory");
        }
        stream.write_all(&alert).await.expect("the edge reads");
        Self::Clear(stream)
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_write(context, octets),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, octets),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
