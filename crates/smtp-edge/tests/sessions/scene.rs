//! What a session of the checks takes place under: small limits, two users, and a client of some standing.

use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

use credstore::{ScramVerifier, Secret};
use smtp_edge::envelope::{Envelope, Needs, ReversePath, Source};
use smtp_edge::ids::QueueId;
use smtp_edge::smtp::sasl::{Lookup, PasswordVerdict};
use smtp_edge::smtp::server::{
    Client, Handshake, Limits, Policy, Session, SessionSettings, TlsFacts, TlsVersion,
};
use smtp_edge::spool::file::FileSpool;
use smtp_edge::spool::message::{Message, MessageState};
use smtp_edge::spool::{Durable, Spool};

/// Who the client is, and what it is offered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scene {
    /// Whether it may relay whoever it is; a user always may.
    pub(crate) relays: bool,
    /// Whether it is on this machine.
    pub(crate) loopback: bool,
    /// Whether it may speak for others.
    pub(crate) proxy: bool,
    pub(crate) starttls: bool,
    pub(crate) auth: bool,
}

impl Scene {
    pub(crate) fn open(self, limits: Limits) -> Session {
        let address = if self.loopback {
            "127.0.0.1"
        } else {
            "192.0.2.1"
        };
        let network = address.parse().expect("a network");
        let settings = SessionSettings {
            hostname: "edge.example".into(),
            limits,
            postmaster: POSTMASTER.parse().expect("a mailbox"),
            starttls: self.starttls,
            auth: self.auth,
            xclient_from: self.proxy.then_some(network).into_iter().collect(),
        };
        let client = Client::direct(address.parse().expect("an address"));
        Session::new(Arc::new(settings), client, Arc::new(self))
    }
}

impl Policy for Scene {
    fn may_relay(&self, client: &Client) -> bool {
        self.relays || client.proved().identity.is_some()
    }

    fn takes_mail(&self) -> bool {
        true
    }

    fn may_begin(&self, _: &Client) -> bool {
        true
    }
}

/// So little that a short conversation reaches each.
pub(crate) fn limits() -> Limits {
    Limits {
        message_size: 80,
        recipients: 3,
        messages: 6,
        line_length: 512,
        errors: 8,
        idle_commands: 10,
        unrecognized: 5,
        auth_failures: 3,
        discarded: 300,
    }
}

/// What SCRAM asks about a user.
pub(crate) fn verifier(name: &str) -> Lookup {
    static VERIFIERS: LazyLock<[ScramVerifier; 2]> = LazyLock::new(|| {
        let salt = b"\x5b\x6d\x99\x68\x9d\x12\x35\x8e\xec\xa0\x4b\x14\x12\x36\xfa\x81"; // RFC 7677 §3
        ["pencil", "made up"].map(|password| {
            let password = Secret::new(password.as_bytes().to_vec());
            ScramVerifier::derive(&password, salt, 4096).expect("a password")
        })
    });
    let [user, nobody] = &*VERIFIERS;
    Lookup::Verifier(if name == "user" { user } else { nobody }.clone())
}

/// Whether this is the user's password.
pub(crate) fn password(name: &str, password: &[u8]) -> PasswordVerdict {
    match (name, password) {
        ("user", b"pencil") | ("tim", b"tanstaaftanstaaf") => PasswordVerdict::Right,
        _ => PasswordVerdict::Wrong,
    }
}

/// What every handshake leads to.
pub(crate) fn handshake() -> Handshake {
    Handshake {
        facts: TlsFacts {
            version: TlsVersion::Tls13,
            cipher: "TLS13_AES_256_GCM_SHA384".into(),
        },
        certificate: None,
    }
}

/// What a 250 is made of. Only a spool makes one, so one message lies in a spool for a moment, once for all.
pub(crate) fn durable() -> Durable<QueueId> {
    static DURABLE: LazyLock<Durable<QueueId>> = LazyLock::new(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let committed = async {
            let spool = FileSpool::open(folder.path()).await?;
            spool.commit(message()).await
        };
        let runtime = runtime.expect("a runtime");
        runtime.block_on(committed).expect("a spool that works")
    });
    *DURABLE
}

fn message() -> Message {
    Message {
        id: QueueId::from_number(1),
        envelope: Envelope {
            source: Source::Ourselves,
            reverse_path: ReversePath::Null,
            recipients: Vec::new(),
            needs: Needs::default(),
            accepted: SystemTime::UNIX_EPOCH,
        },
        trace: Vec::new(),
        content: Vec::new(),
        body_hashes: Default::default(),
        state: MessageState {
            recipients: Vec::new(),
            signings: Default::default(),
            attempts: 0,
            next_attempt: SystemTime::UNIX_EPOCH,
            orders: Default::default(),
            delay_told: None,
        },
    }
}

pub(crate) const POSTMASTER: &str = "pm@internal.example";
