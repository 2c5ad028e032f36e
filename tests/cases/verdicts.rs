//! Who may send to whom: every source, by every listener, with every proof of who it is, has its verdict in one table.

use std::net::{IpAddr, SocketAddr};

use edge_tests::client::RawClient;
use edge_tests::log::field;
use edge_tests::setup::Setup;
use edge_tests::tls::{self, Certificate, ClientTls};
use edge_tests::world::{Stage, World};

/// What each source may do: `+` it reaches anybody, `-` the postmaster alone. The columns are those of [`COLUMNS`].
const VERDICTS: &[(Source, &str)] = &[
    (Source::Direct([127, 0, 0, 1]), "++ ++++ ++++"), // listed
    (Source::Direct([127, 0, 0, 9]), "-+ -++- -++-"), // on this machine, and not listed
    // A proxy's own address is never its client's. (A header that names loopback is turned away: `proxy`.)
    (Source::Proxy("192.0.2.7"), "++ ++++ ++++"),
    (Source::Proxy("203.0.113.5"), "-- -++- -++-"),
    (Source::Proxy("nobody"), "-- -++- -++-"),
    // What was proved to a proxy of this kind is its own proof: it speaks TLS for all of its clients.
    (Source::XClient("192.0.2.7"), "++ ++++ ++++"),
    (Source::XClient("203.0.113.5"), "-- -+-- -+--"),
    (Source::XClient("127.0.0.1"), "-- -+-- -+--"),
    (Source::XClient("nobody"), "-- -++- -++-"), // the proxy for itself
];

const COLUMNS: &[(Listener, Proof)] = &[
    (Listener::Clear, Proof::None),
    (Listener::Clear, Proof::Password),
    (Listener::StartTls, Proof::None),
    (Listener::StartTls, Proof::Password),
    (Listener::StartTls, Proof::ListedCertificate),
    (Listener::StartTls, Proof::AnotherCertificate),
    (Listener::Tls, Proof::None),
    (Listener::Tls, Proof::Password),
    (Listener::Tls, Proof::ListedCertificate),
    (Listener::Tls, Proof::AnotherCertificate),
];

/// Whom the edge sees, or is told of.
#[derive(Debug, Clone, Copy)]
enum Source {
    Direct([u8; 4]),
    /// By a PROXY header.
    Proxy(&'static str),
    /// By XCLIENT.
    XClient(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listener {
    Clear,
    StartTls,
    Tls,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    None,
    Password,
    ListedCertificate,
    AnotherCertificate,
}

impl Source {
    fn address(self) -> IpAddr {
        match self {
            Self::Direct(address) => address.into(),
            Self::Proxy(_) => [127, 0, 0, 8].into(),
            Self::XClient(_) => [127, 0, 0, 7].into(),
        }
    }

    /// What comes before anything else.
    fn header(self) -> String {
        match self {
            Self::Direct(_) | Self::XClient(_) => String::new(),
            Self::Proxy("nobody") => "PROXY UNKNOWN\r\n".to_owned(),
            Self::Proxy(client) => format!("PROXY TCP4 {client} 198.51.100.25 40000 25\r\n"),
        }
    }
}

/// What all connections of the table have in common.
struct Hall {
    world: World,
    tls: SocketAddr,
    server: Certificate,
    listed: Certificate,
    another: Certificate,
}

impl Hall {
    async fn open() -> Self {
        let setup = Setup::signing("2", "s1")
            .with("listen", "tls_addresses", "[\"127.0.0.1:0\"]")
            .with("listen", "proxy_from", "[\"127.0.0.8/32\"]")
            .with("listen", "xclient_from", "[\"127.0.0.7/32\"]")
            .with(
                "router",
                "relay_networks",
                "[\"127.0.0.1/32\", \"192.0.2.0/24\"]",
            );
        let mut stage = Stage::set(setup).await;
        let server = tls::configure(&mut stage.home);
        let listed = Certificate::self_signed();
        let fingerprint = format!("[{:?}]", listed.fingerprint());
        stage.home.change(|setup| {
            setup.set("router", "relay_certificates", &fingerprint);
        });
        stage.home.add_user("rita", "blue kitchen").await;
        let world = stage.start().await;
        let listening = world.edge.log.event("listening", &[("first", "tls")]).await;
        Self {
            tls: field(&listening, "address").parse().unwrap(),
            another: Certificate::self_signed(),
            world,
            server,
            listed,
        }
    }

    fn client_tls(&self, proof: Proof) -> ClientTls {
        let tls = ClientTls::trusting(&self.server);
        match proof {
            Proof::None | Proof::Password => tls,
            Proof::ListedCertificate => tls.showing(&self.listed),
            Proof::AnotherCertificate => tls.showing(&self.another),
        }
    }

    /// A client that has said who it is in every way that it has.
    async fn client(&self, source: Source, listener: Listener, proof: Proof) -> RawClient {
        let edge = match listener {
            Listener::Clear | Listener::StartTls => self.world.edge.address(),
            Listener::Tls => self.tls,
        };
        let mut client = RawClient::open_from(source.address(), edge).await;
        client.write(source.header().as_bytes()).await;
        if listener == Listener::Tls {
            client = client.handshake(self.client_tls(proof)).await;
        }
        assert_eq!(client.reply().await.code, 220);
        if listener == Listener::StartTls {
            client = client.start_tls(self.client_tls(proof)).await;
        }
        client.expect("EHLO client.renovations.com", 250).await;
        if let Source::XClient(named @ ("192.0.2.7" | "203.0.113.5" | "127.0.0.1")) = source {
            client.expect(&format!("XCLIENT ADDR={named}"), 220).await;
            client.expect("EHLO client.renovations.com", 250).await;
        }
        if proof == Proof::Password {
            // Behind a proxy no password is taken in clear, however near the proxy is.
            let by_proxy = !matches!(source, Source::Direct(_));
            let refused = by_proxy && listener == Listener::Clear;
            // `NUL rita NUL blue kitchen`
            let reply = client.command("AUTH PLAIN AHJpdGEAYmx1ZSBraXRjaGVu").await;
            assert_eq!(
                reply.code == 235,
                !refused,
                "{source:?} {listener:?}: {reply:?}"
            );
        }
        client
    }

    /// Whether it reaches anybody; the postmaster it must reach.
    async fn verdict(&self, source: Source, listener: Listener, proof: Proof) -> char {
        let mut client = self.client(source, listener, proof).await;
        client.expect("MAIL FROM:<rita@renovations.com>", 250).await;
        let mut codes = Vec::new();
        for to in [
            "<client@partner.test>",
            "<bob@renovations.com>",
            "<bob@[127.0.0.3]>",
        ] {
            codes.push(client.command(&format!("RCPT TO:{to}")).await.code);
        }
        for postmaster in ["<postmaster>", "<Postmaster@renovations.com>"] {
            client.expect(&format!("RCPT TO:{postmaster}"), 250).await;
        }
        match codes.as_slice() {
            [250, 250, _] => '+',
            [550, 550, literal] if *literal >= 500 => '-',
            _ => panic!("{source:?} {listener:?} {proof:?}: {codes:?}"),
        }
    }
}

#[tokio::test]
async fn every_client_has_its_verdict() {
    let hall = Hall::open().await;
    for (source, expected) in VERDICTS {
        let mut found = String::new();
        let mut before = Listener::Clear;
        for (listener, proof) in COLUMNS {
            if *listener != before {
                found.push(' ');
            }
            before = *listener;
            found.push(hall.verdict(*source, *listener, *proof).await);
        }
        assert_eq!(found, *expected, "{source:?}");
    }
}
