//! What is known of the client of a session, and the question of who may send through us.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use common_config::user_name::UserName;
use router_config::ClientCertificate;

/// The client of a session. It changes with the TLS handshake, with AUTH and with XCLIENT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Where it is: the other end of the connection, or what a proxy said of it; unspecified (`0.0.0.0`) when a proxy
    /// would not say. An IPv4 address is never in IPv6's clothes.
    pub address: IpAddr,
    /// Who vouches for the address.
    pub standing: Standing,
    /// Its name in the reverse DNS, when a proxy has told it.
    pub name: Option<Box<str>>,
    /// The encryption of the connection, when it has one.
    pub tls: Option<TlsFacts>,
    /// The certificate that the client has proved to hold.
    pub certificate: Option<ClientCertificate>,
    /// Who it is, since a successful AUTH.
    pub identity: Option<UserName>,
}

/// Who vouches for a client's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The connection itself.
    Direct,
    /// A proxy, by XCLIENT or by the PROXY protocol.
    Forwarded,
}

impl Client {
    /// The other end of a connection, of which nothing but its address is known.
    #[must_use]
    pub fn direct(address: IpAddr) -> Self {
        Self {
            address: address.to_canonical(),
            standing: Standing::Direct,
            name: None,
            tls: None,
            certificate: None,
            identity: None,
        }
    }

    /// A client at `address` on whose behalf a proxy speaks.
    #[must_use]
    pub fn forwarded(address: IpAddr) -> Self {
        Self {
            standing: Standing::Forwarded,
            ..Self::direct(address)
        }
    }

    /// Adds what the handshake told.
    #[must_use]
    pub fn with_tls(mut self, handshake: Handshake) -> Self {
        self.tls = Some(handshake.facts);
        self.certificate = handshake.certificate;
        self
    }

    /// The address as lists of networks may look at it. A proxy that names a loopback address (its own health check, or
    /// somebody who told it so) must not gain what this machine's own programs are trusted with: that client is nowhere.
    #[must_use]
    pub fn trusted_address(&self) -> IpAddr {
        match self.standing {
            Standing::Forwarded if self.address.is_loopback() => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            Standing::Forwarded | Standing::Direct => self.address,
        }
    }

    /// What it has proved, as settings look at it.
    #[must_use]
    pub fn proved(&self) -> router_config::Client {
        router_config::Client {
            address: self.trusted_address(),
            identity: self.identity.clone(),
            certificate: self.certificate,
        }
    }

    /// Whether what it sends can be read by nobody on the way: under TLS, or from this machine.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.tls.is_some() || self.trusted_address().is_loopback()
    }
}

/// What a TLS handshake has brought about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    /// How the connection is encrypted.
    pub facts: TlsFacts,
    /// The client's own certificate, when it sent one and proved that it has the key.
    pub certificate: Option<ClientCertificate>,
}

/// How a connection is encrypted, as Received fields and logs name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFacts {
    /// The protocol's version.
    pub version: TlsVersion,
    /// The cipher suite: printable ASCII without blanks or parentheses, such as `TLS13_AES_256_GCM_SHA384`.
    pub cipher: Box<str>,
}

/// A version of TLS that is spoken here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsVersion {
    /// RFC 5246.
    Tls12,
    /// RFC 8446.
    Tls13,
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        })
    }
}

/// What clients may do. The session asks anew whenever it matters, so that AUTH, TLS, XCLIENT and a reload of the settings
/// count at once.
pub trait Policy: Send + Sync {
    /// Whether the client may send to everybody. It looks at [`Client::proved`], never at `address`.
    fn may_relay(&self, client: &Client) -> bool;

    /// Whether mail is taken at all; asked at each MAIL.
    fn takes_mail(&self) -> bool;

    /// Whether the client may send another message now; asked at each MAIL that would be taken.
    fn may_begin(&self, client: &Client) -> bool;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_hands_on_no_loopback_trust() {
        let check = |client: Client, trusted: &str, private: bool| {
            let trusted: IpAddr = trusted.parse().unwrap();
            assert_eq!(client.trusted_address(), trusted, "{client:?}");
            assert_eq!(client.is_private(), private, "{client:?}");
        };
        let at = |address: &str| address.parse().unwrap();
        check(Client::direct(at("127.0.0.1")), "127.0.0.1", true);
        check(Client::direct(at("::ffff:127.0.0.1")), "127.0.0.1", true);
        check(Client::direct(at("192.0.2.1")), "192.0.2.1", false);
        check(Client::forwarded(at("192.0.2.1")), "192.0.2.1", false);
        check(Client::forwarded(at("127.0.0.1")), "0.0.0.0", false);
        check(Client::forwarded(at("::1")), "0.0.0.0", false);
        check(Client::forwarded(at("::ffff:127.0.0.1")), "0.0.0.0", false);
    }
}
