//! The server's settings: the sections of `smtp-edge.toml`, their defaults, and what they must hold before a start.

use std::net::SocketAddr;
use std::path::PathBuf;

use common_config::admin_address::AdminAddresses;
use common_config::logging::LogSettings;
use common_config::name::DomainName;
use common_config::paths::{self, DataDir};
use common_config::units::{ByteSize, Duration, Rate};
use credstore::NekDir;
use router_config::{Network, RouterSettings, SigningSettings};
use serde::Deserialize;

use crate::intake::form::MessageSettings;
use crate::net::admission::Limits as ClientLimits;
use crate::signing::keyring::KeySource;
use crate::smtp::server::Limits;

/// The whole of `smtp-edge.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The folder of the credential store, the NEKs and the spool.
    pub data_dir: PathBuf,
    /// Who is internal, who may relay, which next hops.
    pub router: RouterSettings,
    /// How signatures are made, and what becomes of mail that cannot be signed.
    pub signing: SigningSettings,
    /// Where the key store is.
    pub credstore: CredstoreSettings,
    /// Where clients connect.
    pub listen: ListenSettings,
    /// How connections of clients are encrypted.
    pub tls: TlsSettings,
    /// What the receiving side announces and allows.
    pub smtp: SmtpSettings,
    /// What is asked of a message's form.
    pub message: MessageSettings,
    /// Who answers DNS questions.
    pub dns: DnsSettings,
    /// How mail is kept until it is delivered.
    pub spool: SpoolSettings,
    /// How mail is brought to its next hops.
    pub delivery: DeliverySettings,
    /// Where monitoring asks.
    pub admin: AdminSettings,
    /// How the log is written.
    pub log: LogSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from(paths::DEFAULT_DATA_DIR),
            router: RouterSettings::default(),
            signing: SigningSettings::default(),
            credstore: CredstoreSettings::default(),
            listen: ListenSettings::default(),
            tls: TlsSettings::default(),
            smtp: SmtpSettings::default(),
            message: MessageSettings::default(),
            dns: DnsSettings::default(),
            spool: SpoolSettings::default(),
            delivery: DeliverySettings::default(),
            admin: AdminSettings::default(),
            log: LogSettings::default(),
        }
    }
}

impl Settings {
    /// The data directory and what lies in it.
    #[must_use]
    pub fn data_dir(&self) -> DataDir {
        DataDir::new(self.data_dir.clone())
    }

    /// Where signing keys come from.
    #[must_use]
    pub fn key_source(&self) -> KeySource {
        let data_dir = self.data_dir();
        KeySource {
            store: self
                .credstore
                .path
                .clone()
                .unwrap_or_else(|| data_dir.credstore()),
            neks: NekDir::new(data_dir.nek_dir())
                .with_credentials_directory(paths::credentials_directory()),
            rsa_minimum_bits: self.signing.rsa_minimum_bits,
        }
    }

    /// The name this server greets with: the one that is set, or the machine's. `None` when that is none for SMTP.
    #[must_use]
    pub fn hostname(&self) -> Option<Box<str>> {
        let machine = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
        let name = self.smtp.hostname.clone().or_else(machine)?;
        let name: DomainName = name.trim().parse().ok()?;
        Some(name.as_str().into())
    }
}

/// `[credstore]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CredstoreSettings {
    /// The store's file; `credstore.db` in the data directory when unset.
    pub path: Option<PathBuf>,
}

/// `[listen]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListenSettings {
    /// Addresses and ports. Sockets that systemd passes take their place.
    pub addresses: Vec<SocketAddr>,
    /// The same, where clients speak TLS first (RFC 8314 §3.3).
    pub tls_addresses: Vec<SocketAddr>,
    /// Proxies, whose connections begin with a PROXY header that names the client.
    pub proxy_from: Vec<Network>,
    /// Proxies that may name the client for whom they speak, by XCLIENT; nobody by default.
    pub xclient_from: Vec<Network>,
}

impl Default for ListenSettings {
    fn default() -> Self {
        Self {
            addresses: vec![SocketAddr::from(([127, 0, 0, 1], 25))],
            tls_addresses: Vec::new(),
            proxy_from: Vec::new(),
            xclient_from: Vec::new(),
        }
    }
}

/// `[tls]`: for clients; what is spoken to next hops is in `[delivery]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsSettings {
    /// The certificate with those that lead to its authority, PEM. Without it TLS is not offered.
    pub certificate: Option<PathBuf>,
    /// Its private key, PEM, which others must not be able to read.
    pub key: Option<PathBuf>,
    /// The authorities for certificates of clients, PEM. With it, clients are asked for one.
    pub client_ca: Option<PathBuf>,
    /// Whether TLS is refused to clients without a certificate of these authorities.
    pub require_client_certificate: bool,
}

/// `[smtp]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SmtpSettings {
    /// The name that greetings, Received fields and our own EHLO give; the machine's host name when unset.
    pub hostname: Option<String>,
    /// The largest message taken (RFC 1870).
    pub max_message_size: ByteSize,
    /// Recipients of one message; RFC 5321 §4.5.3.1.8 asks for at least 100.
    pub max_recipients: usize,
    /// Connections open at once, all clients together.
    pub max_connections: usize,
    /// Connections open at once of one client: an IPv4 address, or an IPv6 network of 64 bits.
    pub max_connections_per_client: usize,
    /// New connections of one client; no bound when unset.
    pub connection_rate: Option<Rate>,
    /// Messages of one client; no bound when unset.
    pub message_rate: Option<Rate>,
    /// Clients for which the three bounds above do not hold.
    pub unlimited_clients: Vec<Network>,
    /// Octets of the messages that are being received, all clients together. One client may hold half of it.
    pub max_receiving_memory: ByteSize,
    /// Octets of all header fields together.
    pub max_header_size: ByteSize,
    /// Header fields of a message. A message of more than 2,000 cannot be signed.
    pub max_header_fields: usize,
    /// Received fields after which a message is taken to be looping (RFC 5321 §6.3 asks for at least 100).
    pub max_received: usize,
    /// MAIL commands of one session; announced as MAILMAX (RFC 9422).
    pub max_messages: u32,
    /// Octets of a command line; RFC 5321 §4.5.3.1.4 asks for 512, and its extensions for more.
    pub max_line_length: usize,
    /// Errors after which a session is closed.
    pub max_errors: u32,
    /// Commands without a message after which a session is closed.
    pub max_idle_commands: u32,
    /// Unknown commands after which a session is closed.
    pub max_unrecognized: u32,
    /// Failures of AUTH after which a session is closed.
    pub max_auth_failures: u32,
    /// Octets that are read only to be thrown away, after which a session is closed.
    pub max_discarded: ByteSize,
    /// How long a client may take for a command (RFC 5321 §4.5.3.2.7).
    pub command_timeout: Duration,
    /// How long a client may be silent within a message (RFC 5321 §4.5.3.2.5).
    pub data_timeout: Duration,
    /// Octets a second that a client must at least send of a message, on average over `data_timeout`.
    pub min_data_rate: ByteSize,
    /// How long a whole message may take.
    pub message_timeout: Duration,
}

impl Default for SmtpSettings {
    fn default() -> Self {
        Self {
            hostname: None,
            max_message_size: ByteSize::from_octets(50 * 1024 * 1024),
            max_recipients: 1000,
            max_connections: 1000,
            max_connections_per_client: 100,
            connection_rate: None,
            message_rate: None,
            unlimited_clients: Network::loopback().to_vec(),
            max_receiving_memory: ByteSize::from_octets(256 * 1024 * 1024),
            max_header_size: ByteSize::from_octets(1024 * 1024),
            max_header_fields: 1000,
            max_received: 100,
            max_messages: 1000,
            max_line_length: 2048,
            max_errors: 20,
            max_idle_commands: 100,
            max_unrecognized: 10,
            max_auth_failures: 3,
            max_discarded: ByteSize::from_octets(100 * 1024 * 1024),
            command_timeout: Duration::from_secs(5 * 60),
            data_timeout: Duration::from_secs(3 * 60),
            min_data_rate: ByteSize::from_octets(500),
            message_timeout: Duration::from_secs(60 * 60),
        }
    }
}

impl SmtpSettings {
    /// The limits of one session.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            message_size: usize::try_from(self.max_message_size.octets()).unwrap_or(usize::MAX),
            recipients: self.max_recipients,
            messages: self.max_messages,
            line_length: self.max_line_length.max(SHORTEST_LINE),
            errors: self.max_errors,
            idle_commands: self.max_idle_commands,
            unrecognized: self.max_unrecognized,
            auth_failures: self.max_auth_failures,
            discarded: self.max_discarded.octets(),
        }
    }
}

impl SmtpSettings {
    /// The limits of one client.
    #[must_use]
    pub fn client_limits(&self) -> ClientLimits {
        ClientLimits {
            connections: self.max_connections_per_client,
            connection_rate: self.connection_rate,
            message_rate: self.message_rate,
            memory: self.max_receiving_memory.octets(),
            unlimited: self.unlimited_clients.clone(),
        }
    }
}

/// What every server must take (RFC 5321 §4.5.3.1.4).
const SHORTEST_LINE: usize = 512;

/// `[dns]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DnsSettings {
    /// Servers to ask; those of the system's resolver configuration when empty.
    pub servers: Vec<SocketAddr>,
}

/// `[spool]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpoolSettings {
    /// How messages are kept.
    pub kind: SpoolKind,
    /// In the log: content over this is a file of its own.
    pub large_message: ByteSize,
}

impl Default for SpoolSettings {
    fn default() -> Self {
        Self {
            kind: SpoolKind::Log,
            large_message: ByteSize::from_octets(1024 * 1024),
        }
    }
}

/// How messages are kept. What lies in a spool of the other kind is brought over at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpoolKind {
    /// One log for all of them: what arrives together is synced together.
    Log,
    /// Files for each of them.
    Files,
}

/// `[delivery]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeliverySettings {
    /// The port of mail exchangers.
    pub mx_port: u16,
    /// Private or loopback networks that an exchanger's address may lie in; none by default, so that no stranger's
    /// DNS makes the edge talk to machines inside.
    pub allowed_private_networks: Vec<Network>,
    /// Deliveries under way at once.
    pub concurrency: usize,
    /// Deliveries under way at once to one destination, at most.
    pub destination_concurrency: u32,
    /// Deliveries at once to a destination of which nothing is known yet.
    pub destination_initial_concurrency: u32,
    /// The wait after the first failed round; it doubles from there.
    pub retry_first: Duration,
    /// The longest wait between two rounds.
    pub retry_max: Duration,
    /// When recipients that could not be reached are given up (RFC 5321 §4.5.4.1: 4 to 5 days).
    pub give_up_after: Duration,
    /// When the sender of a message that is still not delivered is told so; 0 is never.
    pub delay_notice_after: Duration,
    /// How long a TCP connection may take to open.
    pub connect_timeout: Duration,
    /// How long a host may take to answer a command (RFC 5321 §4.5.3.2).
    pub command_timeout: Duration,
    /// How long a host may take to answer the end of the data (RFC 5321 §4.5.3.2.6).
    pub data_timeout: Duration,
    /// Whether STARTTLS is used where it is offered.
    pub tls: TlsMode,
}

impl Default for DeliverySettings {
    fn default() -> Self {
        Self {
            mx_port: 25,
            allowed_private_networks: Vec::new(),
            concurrency: 100,
            destination_concurrency: 20,
            destination_initial_concurrency: 5,
            retry_first: Duration::from_secs(5 * 60),
            retry_max: Duration::from_secs(4 * 60 * 60),
            give_up_after: Duration::from_secs(5 * 24 * 60 * 60),
            delay_notice_after: Duration::from_secs(4 * 60 * 60),
            connect_timeout: Duration::from_secs(30),
            command_timeout: Duration::from_secs(5 * 60),
            data_timeout: Duration::from_secs(10 * 60),
            tls: TlsMode::Opportunistic,
        }
    }
}

/// `[admin]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdminSettings {
    /// Where metrics and readiness are served: a loopback address or a Unix socket, or both; nowhere when unset.
    pub listen: AdminAddresses,
}

/// Whether outbound connections are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsMode {
    /// STARTTLS where it is offered, in clear where it is not or where the handshake fails (RFC 7435).
    Opportunistic,
    /// Never.
    Off,
}
