//! What the manual tells the administrators of other mail systems, run as it stands but for names, ports and files, against
//! an edge that takes mail from nowhere without a password.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use edge_tests::clients::{self, msmtp};
use edge_tests::messages;
use edge_tests::tls;

use super::{
    FROM, Offer, STARTTLS_PLAIN, STARTTLS_SCRAM, TLS_FIRST_SCRAM, TO, by_postfix, elsewhere,
};

impl Offer {
    /// One whose user has the password of the manual.
    async fn of_the_manual() -> Self {
        let offer = Self::of(elsewhere()).await;
        offer.world.home.set_password("rita", "the-password").await;
        let users = [("users", "1")];
        offer.world.edge.log.nth(2, "users_swapped", &users).await;
        offer
    }

    /// A block of code of the manual's section on a client, counted from 0, with the names of this world in it.
    fn recipe(&self, client: &str, block: usize) -> String {
        let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/manual.md");
        let manual = std::fs::read_to_string(manual).unwrap();
        let (_, section) = manual.split_once(&format!("\n### {client}\n")).unwrap();
        let (section, _) = section.split_once("\n#").unwrap();
        let fenced = section
            .split("\n```")
            .skip(1)
            .step_by(2)
            .nth(block)
            .unwrap();
        let (_, code) = fenced.split_once('\n').unwrap();
        let edge = self.world.edge.address();
        let authority = self.authority.to_str().unwrap();
        let changes = [
            ("/etc/ssl/certs/ca-certificates.crt", authority),
            ("rita@example.com", FROM),
            ("client@partner.example", TO),
            (":25", &format!(":{}", edge.port())),
            ("port 465", &format!("port {}", self.tls_first.port())),
        ];
        let renamed = |text: String, (from, to): (&str, &str)| text.replace(from, to);
        changes.into_iter().fold(code.to_owned(), renamed)
    }

    /// Runs a line for the shell with this message.
    async fn run(&self, line: &str, message: &[u8]) {
        let folder = self.world.home.path();
        std::fs::write(folder.join("message.eml"), message).unwrap();
        clients::shell(line, folder, &self.authority).await;
    }
}

#[tokio::test]
async fn postfix() {
    let offer = Offer::of_the_manual().await;
    let address = |text: String| text.replace("edge.example.com", "127.0.0.1");
    let passwords = offer.world.home.path().join("sasl_passwd");
    std::fs::write(&passwords, address(offer.recipe("Postfix", 1))).unwrap();
    std::fs::set_permissions(&passwords, Permissions::from_mode(0o600)).unwrap();
    let main = address(offer.recipe("Postfix", 0));
    let main = main.replace("/etc/postfix/sasl_passwd", passwords.to_str().unwrap());
    let mut settings: Vec<(&str, &str)> = main
        .lines()
        .map(|line| line.split_once(" = ").unwrap())
        .collect();
    assert!(settings[0].1.starts_with("[127.0.0.1]:"), "{settings:?}");
    settings.push(("smtp_tls_secure_cert_match", tls::NAME));
    by_postfix(&offer, &settings, STARTTLS_SCRAM).await;
}

#[tokio::test]
async fn msmtp() {
    let offer = Offer::of_the_manual().await;
    let settings = offer
        .recipe("msmtp", 0)
        .replace("edge.example.com", "127.0.0.1");
    let settings = format!("{settings}\ntls_host_override {}\n", tls::NAME);
    let message = messages::delicate(FROM, TO, 4000);
    msmtp::send_by(&settings, TO, &message).await;
    offer.assert_arrived(&[TLS_FIRST_SCRAM], &message).await;
}

#[tokio::test]
async fn swaks() {
    let offer = Offer::of_the_manual().await;
    let line = offer
        .recipe("swaks", 0)
        .replace("edge.example.com", "127.0.0.1");
    let message = messages::delicate(FROM, TO, 4000);
    offer
        .run(&line, message.strip_suffix(b"\r\n").unwrap())
        .await;
    offer.assert_arrived(&[STARTTLS_PLAIN], &message).await;
}

#[tokio::test]
async fn curl() {
    let offer = Offer::of_the_manual().await;
    let line = offer
        .recipe("curl", 0)
        .replace("edge.example.com", tls::NAME);
    let port = offer.world.edge.address().port();
    let name = format!("curl --disable --resolve {}:{port}:127.0.0.1 ", tls::NAME);
    let line = line.replacen("curl ", &name, 1);
    let message = messages::delicate(FROM, TO, 4000);
    offer.run(&line, &message).await;
    offer.assert_arrived(&[STARTTLS_PLAIN], &message).await;
}
