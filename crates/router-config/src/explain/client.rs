//! Whether a client may send through the edge, with the settings that say so; and if it may, what it may have signed.

use std::fmt;
use std::net::IpAddr;

use common_config::origin::Origin;
use common_config::user_name::UserName;
use serde::{Serialize, Serializer};

use super::sender::{ClientMail, ClientSender};
use crate::client::{Client, Issuer};
use crate::config::RouterConfig;
use crate::network::Network;
use crate::relay::RelayGrant;

/// What a client may do, and which settings say so.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExplainedClient {
    /// The client.
    pub client: Client,
    /// Whether it may send to everybody.
    pub relaying: Relaying,
    /// Where the setting stands that says so.
    pub origin: Origin,
    /// What it may have signed; nothing when it may not send.
    pub sender: Option<ClientSender>,
}

/// Whether a client may send to everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relaying {
    /// It may, by this setting.
    Granted(RelayGrant),
    /// It may not, and why none of the settings lets it.
    Denied(Vec<String>),
}

impl ExplainedClient {
    pub(crate) fn new(router: &RouterConfig, client: &Client, mail: ClientMail<'_>) -> Self {
        let grant = router.relay_grant(client);
        let sender = grant.is_some();
        Self {
            client: client.clone(),
            origin: place(router, grant.as_ref()),
            relaying: match grant {
                Some(grant) => Relaying::Granted(grant),
                None => Relaying::Denied(denial(router, client)),
            },
            sender: sender.then(|| ClientSender::new(router, client, mail)),
        }
    }

    /// Whether it may send to everybody.
    pub fn may_relay(&self) -> bool {
        self.grant().is_some()
    }

    fn grant(&self) -> Option<&RelayGrant> {
        match &self.relaying {
            Relaying::Granted(grant) => Some(grant),
            Relaying::Denied(_) => None,
        }
    }
}

/// Where the setting stands that lets a client send, or else the first that could have.
fn place(router: &RouterConfig, grant: Option<&RelayGrant>) -> Origin {
    let written = router.written();
    let index = match grant {
        Some(RelayGrant::Network(network)) => {
            let mut networks = written.relay_networks.iter();
            networks.position(|one| one == network)
        }
        Some(RelayGrant::Certificate(fingerprint)) => {
            let mut certificates = written.relay_certificates.iter();
            certificates.position(|one| one == fingerprint)
        }
        Some(RelayGrant::Authenticated(_) | RelayGrant::CertificateAuthority(_)) | None => None,
    };
    let setting = grant.map_or("relay_networks", RelayGrant::setting);
    match index {
        Some(index) => router
            .origins()
            .of(&["router", setting, &index.to_string()]),
        None => router.origins().of(&["router", setting]),
    }
}

/// Every setting that could have let the client send, and does not.
fn denial(router: &RouterConfig, client: &Client) -> Vec<String> {
    let place = |setting: &str| router.origins().of(&["router", setting]);
    let networks = router.written().relay_networks.iter();
    let networks: Vec<String> = networks.map(ToString::to_string).collect();
    let mut reasons = vec![format!(
        "it is in none of router.relay_networks ({}), {}",
        place("relay_networks"),
        networks.join(", ")
    )];
    if client.identity.is_some() {
        let place = place("relay_authenticated");
        reasons.push(format!("router.relay_authenticated ({place}) is off"));
    }
    if let Some(certificate) = &client.certificate {
        let listed = place("relay_certificates");
        let authority = place("relay_certificate_authority");
        reasons.push(format!(
            "its certificate is none of router.relay_certificates ({listed})"
        ));
        reasons.push(match certificate.issuer {
            Issuer::Authority => format!("router.relay_certificate_authority ({authority}) is off"),
            Issuer::Unknown => {
                "it is not by the authority for client certificates (--by-authority)".to_owned()
            }
        });
    }
    reasons
}

impl Serialize for ExplainedClient {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'a> {
            from_ip: FromIp<'a>,
            #[serde(skip_serializing_if = "Option::is_none")]
            sender: Option<&'a ClientSender>,
        }
        #[derive(Serialize)]
        struct FromIp<'a> {
            address: IpAddr,
            identity: Option<&'a UserName>,
            certificate: Option<String>,
            may_relay: bool,
            setting: Option<String>,
            network: Option<&'a Network>,
            origin: &'a Origin,
        }
        let certificate = self.client.certificate.as_ref();
        let from_ip = FromIp {
            address: self.client.address,
            identity: self.client.identity.as_ref(),
            certificate: certificate.map(|held| held.fingerprint.to_string()),
            may_relay: self.may_relay(),
            setting: self
                .grant()
                .map(|grant| format!("router.{}", grant.setting())),
            network: match self.grant() {
                Some(RelayGrant::Network(network)) => Some(network),
                Some(_) | None => None,
            },
            origin: &self.origin,
        };
        let sender = self.sender.as_ref();
        Shown { from_ip, sender }.serialize(serializer)
    }
}

impl fmt::Display for ExplainedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "From {}", self.client.address)?;
        if let Some(user) = &self.client.identity {
            write!(f, " as {user}")?;
        }
        if let Some(certificate) = &self.client.certificate {
            write!(f, " with {}", certificate.fingerprint)?;
        }
        match &self.relaying {
            Relaying::Granted(grant) => {
                writeln!(f, ": may send through the edge: {grant} ({})", self.origin)?;
            }
            Relaying::Denied(reasons) => writeln!(
                f,
                ": may not send through the edge, but to the postmaster: {}",
                reasons.join("; ")
            )?,
        }
        match &self.sender {
            Some(sender) => write!(f, "{sender}"),
            None => Ok(()),
        }
    }
}
