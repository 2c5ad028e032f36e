//! Mail clients that are not ours send through the edge in every way that they know: what they sent arrives, means what it
//! meant, and every judge passes its signature.

mod recipes;

use std::net::SocketAddr;
use std::path::PathBuf;

use edge_tests::clients::msmtp::Trust;
use edge_tests::clients::postfix::Postfix;
use edge_tests::clients::smtp_source::{Burst, Session};
use edge_tests::clients::smtplib::Handover;
use edge_tests::clients::{Login, Security, Submission, curl, msmtp, smtp_source, smtplib, swaks};
use edge_tests::log::field;
use edge_tests::messages;
use edge_tests::mime::leaves;
use edge_tests::mock_mta::Arrived;
use edge_tests::setup::Setup;
use edge_tests::tls::{self, Certificate};
use edge_tests::world::{Stage, World};

const FROM: &str = "rita@renovations.com";
const TO: &str = "client@partner.test";
const KEY: &str = "s1._domainkey.renovations.com";
const PASSWORD: &str = "the kitchen is blue";

/// A world whose edge offers clients everything, and where they reach it.
struct Offer {
    world: World,
    certificate: Certificate,
    tls_first: SocketAddr,
    authority: PathBuf,
}

impl Offer {
    async fn start() -> Self {
        Self::of(Setup::signing("2", "s1")).await
    }

    /// The same with more settings.
    async fn of(setup: Setup) -> Self {
        let setup = setup.with("listen", "tls_addresses", "[\"127.0.0.1:0\"]");
        let mut stage = Stage::set(setup).await;
        let certificate = tls::configure(&mut stage.home);
        stage.home.add_user("rita", PASSWORD).await;
        let world = stage.start().await;
        let listening = world.edge.log.event("listening", &[("first", "tls")]).await;
        Self {
            tls_first: field(&listening, "address").parse().unwrap(),
            authority: world.home.path().join("certificate.pem"),
            certificate,
            world,
        }
    }

    /// The `message` to a recipient outside.
    fn submission<'a>(&'a self, way: Way, message: &'a [u8]) -> Submission<'a> {
        Submission {
            edge: match way.security {
                Security::Clear | Security::StartTls => self.world.edge.address(),
                Security::TlsFirst => self.tls_first,
            },
            security: way.security,
            authority: &self.authority,
            login: way.mechanism.map(|mechanism| Login {
                mechanism,
                user: "rita",
                password: PASSWORD,
            }),
            from: FROM,
            to: TO,
            message,
        }
    }

    /// Requires what was sent in these ways to have arrived, once each.
    async fn assert_arrived(&self, ways: &[Way], message: &[u8]) {
        let arrived = self.world.partner.arrivals(ways.len()).await;
        let mut protocols: Vec<String> = arrived.iter().map(|one| protocol(one)).collect();
        let mut expected: Vec<&str> = ways.iter().map(|way| way.protocol).collect();
        // The queue has no order.
        protocols.sort();
        expected.sort_unstable();
        assert_eq!(protocols, expected);
        let sent = leaves(message).await;
        for one in &arrived {
            assert_eq!(leaves(&one.data).await, sent, "{}", one.text());
        }
        self.world.assert_each_signed(&arrived, &[KEY]).await;
        for mechanism in ways.iter().filter_map(|way| way.mechanism) {
            let fields = [("identity", "rita"), ("mechanism", mechanism)];
            self.world.edge.log.event("authenticated", &fields).await;
        }
    }
}

/// What the edge's Received field names behind `with`.
fn protocol(arrived: &Arrived) -> String {
    let received = &arrived.values("Received")[0];
    let (_, with) = received.split_once(" with ").unwrap();
    let word = with.split_whitespace().next();
    word.unwrap().to_owned()
}

/// A way to send, and the protocol that the edge's Received field then names.
#[derive(Debug, Clone, Copy)]
struct Way {
    security: Security,
    mechanism: Option<&'static str>,
    protocol: &'static str,
}

const fn way(security: Security, mechanism: Option<&'static str>, protocol: &'static str) -> Way {
    Way {
        security,
        mechanism,
        protocol,
    }
}

const CLEAR: Way = way(Security::Clear, None, "ESMTP");
const STARTTLS: Way = way(Security::StartTls, None, "ESMTPS");
const TLS_FIRST: Way = way(Security::TlsFirst, None, "ESMTPS");
const STARTTLS_PLAIN: Way = way(Security::StartTls, Some("PLAIN"), "ESMTPSA");
const STARTTLS_LOGIN: Way = way(Security::StartTls, Some("LOGIN"), "ESMTPSA");
const TLS_FIRST_PLAIN: Way = way(Security::TlsFirst, Some("PLAIN"), "ESMTPSA");
const TLS_FIRST_LOGIN: Way = way(Security::TlsFirst, Some("LOGIN"), "ESMTPSA");
const TLS_FIRST_SCRAM: Way = way(Security::TlsFirst, Some("SCRAM-SHA-256"), "ESMTPSA");
const STARTTLS_SCRAM: Way = way(Security::StartTls, Some("SCRAM-SHA-256"), "ESMTPSA");

/// Sends a message in each way, and looks at what arrives.
async fn in_each_way(ways: &[Way], send: impl AsyncFn(&Submission<'_>) -> String) {
    let offer = Offer::start().await;
    let message = messages::delicate(FROM, TO, 4000);
    for way in ways {
        send(&offer.submission(*way, &message)).await;
    }
    offer.assert_arrived(ways, &message).await;
}

#[tokio::test]
async fn swaks() {
    let with_passwords = [STARTTLS_PLAIN, STARTTLS_LOGIN, TLS_FIRST_LOGIN];
    let ways = [&[CLEAR, STARTTLS, TLS_FIRST][..], &with_passwords].concat();
    in_each_way(&ways, swaks::send).await;
}

#[tokio::test]
async fn curl() {
    let with_passwords = [STARTTLS_PLAIN, STARTTLS_LOGIN, TLS_FIRST_PLAIN];
    let ways = [&[CLEAR, STARTTLS, TLS_FIRST][..], &with_passwords].concat();
    in_each_way(&ways, curl::send).await;
}

#[tokio::test]
async fn msmtp() {
    let offer = Offer::start().await;
    let message = messages::delicate(FROM, TO, 4000);
    let fingerprint = offer.certificate.fingerprint();
    let digits = fingerprint.trim_start_matches("sha256:").as_bytes();
    let octets = digits.chunks(2).map(|pair| str::from_utf8(pair).unwrap());
    let fingerprint = octets.collect::<Vec<_>>().join(":");
    let trust = [Trust::Authority, Trust::Fingerprint(&fingerprint)];
    let ways = [
        CLEAR,
        STARTTLS,
        TLS_FIRST,
        STARTTLS_PLAIN,
        TLS_FIRST_LOGIN,
        STARTTLS_SCRAM,
    ];
    for (way, trust) in ways.into_iter().zip(trust.into_iter().cycle()) {
        msmtp::send(&offer.submission(way, &message), trust).await;
    }
    offer.assert_arrived(&ways, &message).await;
}

#[tokio::test]
async fn smtplib() {
    let offer = Offer::start().await;
    let message = messages::delicate(FROM, TO, 4000);
    let ways = [
        (CLEAR, Handover::Data),
        (STARTTLS_PLAIN, Handover::Data),
        (TLS_FIRST_LOGIN, Handover::Data),
        (CLEAR, Handover::Chunks(7)),
        (STARTTLS, Handover::Chunks(1)),
    ];
    for (way, handover) in ways {
        smtplib::send(&offer.submission(way, &message), handover).await;
    }
    offer
        .assert_arrived(&ways.map(|(way, _)| way), &message)
        .await;
}

#[tokio::test]
async fn smtplib_with_international_addresses() {
    let offer = Offer::start().await;
    let (from, to, message) = international();
    let way = way(Security::StartTls, None, "UTF8SMTPS");
    let submission = Submission {
        from,
        to,
        ..offer.submission(way, &message)
    };
    smtplib::send(&submission, Handover::International).await;
    offer.assert_arrived(&[way], &message).await;
    assert_international(&offer).await;
}

#[tokio::test]
async fn smtp_source_in_sessions_beside_each_other() {
    let world = World::start(Setup::signing("2", "s1")).await;
    let mut sent = 0;
    for (session, messages) in [(Session::Message, 200), (Session::Messages, 100)] {
        let burst = Burst {
            from: FROM,
            to: TO,
            messages,
            length: 3000,
            sessions: 10,
            session,
        };
        smtp_source::send(world.edge.address(), burst).await;
        sent += messages;
        world.edge.log.nth(sent, "accepted", &[]).await;
    }
    let arrived = world.partner.arrivals(sent).await;
    assert_eq!(arrived.len(), sent);
    for one in &arrived {
        assert_eq!(one.body(), arrived[0].body());
        assert!(one.body().len() > 2500, "{}", one.text());
    }
    world.assert_each_signed(&arrived, &[KEY]).await;
}

/// A Postfix with the edge as its relayhost and these settings sends messages of two recipients each.
async fn by_postfix(offer: &Offer, settings: &[(&str, &str)], way: Way) {
    const MESSAGES: usize = 5;
    let postfix = Postfix::start(offer.world.edge.address(), settings).await;
    let message = messages::delicate(FROM, TO, 900); // it breaks longer lines itself
    let to = ["another@partner.test", TO];
    for _ in 0..MESSAGES {
        postfix.send(FROM, &to, &message).await;
    }
    offer.assert_arrived(&[way; MESSAGES], &message).await;
    for one in offer.world.partner.arrived() {
        let mut arrived = one.to();
        arrived.sort_unstable();
        assert_eq!(arrived, to);
    }
    let taken = "status=sent (250 2.0.0 ";
    postfix.log.line(to.len() * MESSAGES, taken).await;
    postfix.stop().await;
}

#[tokio::test]
async fn postfix() {
    let offer = Offer::start().await;
    by_postfix(&offer, &[], CLEAR).await;
}

#[tokio::test]
async fn postfix_under_tls() {
    let offer = Offer::start().await;
    let settings = [("smtp_tls_security_level", "encrypt")];
    by_postfix(&offer, &settings, STARTTLS).await;
}

#[tokio::test]
async fn postfix_with_a_certificate_of_its_own() {
    let own = Certificate::self_signed();
    let trusted = format!("[{:?}]", own.fingerprint());
    let setup = elsewhere().with("router", "relay_certificates", &trusted);
    let offer = Offer::of(setup).await;
    tls::write(&offer.world.home, "postfix.pem", own.pem(), 0o644);
    tls::write(&offer.world.home, "postfix-key.pem", &own.key_pem(), 0o600);
    let file = |name: &str| offer.world.home.path().join(name).display().to_string();
    let settings = [
        ("smtp_tls_security_level", "encrypt"),
        ("smtp_tls_cert_file", &file("postfix.pem")),
        ("smtp_tls_key_file", &file("postfix-key.pem")),
    ];
    by_postfix(&offer, &settings, STARTTLS).await;
}

#[tokio::test]
async fn postfix_with_international_addresses() {
    let offer = Offer::start().await;
    let postfix = Postfix::start(offer.world.edge.address(), &[]).await;
    let (from, to, message) = international();
    postfix.send(from, &[to], &message).await;
    let way = way(Security::Clear, None, "UTF8SMTP");
    offer.assert_arrived(&[way], &message).await;
    assert_international(&offer).await;
    postfix.stop().await;
}

/// An edge that relays for nobody by their network.
fn elsewhere() -> Setup {
    Setup::signing("2", "s1").with("router", "relay_networks", "[\"192.0.2.0/24\"]")
}

/// A sender, a recipient, and a message that needs SMTPUTF8.
fn international() -> (&'static str, &'static str, Vec<u8>) {
    let (from, to) = ("jürgen@renovations.com", "käufer@partner.test");
    let plain = messages::with_from(&format!("Jürgen <{from}>"), to, "Grüße\r\n");
    let fields = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
                  Content-Transfer-Encoding: 8bit\r\n";
    (from, to, [fields.as_bytes(), &plain].concat())
}

async fn assert_international(offer: &Offer) {
    let (from, to, _) = international();
    let arrived = offer.world.partner.arrival(1).await;
    assert_eq!((arrived.from.as_str(), arrived.to()), (from, vec![to]));
    let parameters = &arrived.parameters;
    assert!(
        parameters.contains(&"SMTPUTF8".to_owned()),
        "{parameters:?}"
    );
}
