//! Whether a client may send, and for which domains its mail may be signed, each with the settings that say so.

use common_config::name::DomainName;
use common_config::origin::Origin;
use router_config::{
    Client, ClientCertificate, ExplainedSenderRule, Issuer, Otherwise, RelayGrant, SenderDecision,
};
use serde_json::{Value, json};

use super::Answer;
use crate::cli::Explain;
use crate::exit::Failure;
use crate::signing::ServerPolicy;

/// Whose mail is asked about besides the client.
pub(super) enum Author {
    /// Nobody's.
    NotAsked,
    /// That of a message which does not say whom it is from.
    Nobody,
    /// That of this domain.
    Domain(DomainName),
}

/// The client that the options describe.
pub(super) fn described(arguments: &Explain) -> Option<Client> {
    let issuer = match arguments.by_authority {
        true => Issuer::Authority,
        false => Issuer::Unknown,
    };
    let certificate = |fingerprint| ClientCertificate {
        fingerprint,
        issuer,
    };
    Some(Client {
        address: arguments.from_ip?,
        identity: arguments.identity.clone(),
        certificate: arguments.certificate.map(certificate),
    })
}

impl Answer {
    /// What a client may do.
    pub(super) fn client(
        &mut self,
        policy: &ServerPolicy,
        client: &Client,
        author: &Author,
    ) -> Result<(), Failure> {
        if self.relaying(policy, client)?.is_none() {
            return Ok(()); // what it may sign for is no question
        }
        match author {
            Author::NotAsked => self.domains(policy, client),
            Author::Nobody => self.sender(policy, client, None),
            Author::Domain(domain) => self.sender(policy, client, Some(domain)),
        }
    }

    /// Whether it may send through the edge, and by which setting.
    fn relaying(
        &mut self,
        policy: &ServerPolicy,
        client: &Client,
    ) -> Result<Option<RelayGrant>, Failure> {
        let grant = policy.router()?.relay_grant(client);
        let who = named(client);
        let place = place_of_grant(policy, grant.as_ref());
        self.line(match &grant {
            Some(grant) => format!("From {who}: may send through the edge: {grant} ({place})"),
            None => format!(
                "From {who}: may not send through the edge, but to the postmaster: {}",
                denial(policy, client).join("; ")
            ),
        });
        let network = match &grant {
            Some(RelayGrant::Network(network)) => Some(network.to_string()),
            Some(_) | None => None,
        };
        self.say(
            "from_ip",
            json!({
                "address": client.address,
                "identity": client.identity,
                "certificate": client.certificate.map(|held| held.fingerprint.to_string()),
                "may_relay": grant.is_some(),
                "setting": grant.as_ref().map(|grant| format!("router.{}", grant.setting())),
                "network": network,
                "origin": place,
            }),
        );
        Ok(grant)
    }

    /// Whether its mail from `domain` may be signed.
    fn sender(
        &mut self,
        policy: &ServerPolicy,
        client: &Client,
        domain: Option<&DomainName>,
    ) -> Result<(), Failure> {
        let sender = policy.router()?.explain_sender(client, domain);
        let from = match domain {
            Some(domain) => format!("mail from {domain}"),
            None => "the message, which is from no domain that can be told,".to_owned(),
        };
        let (decision, otherwise) = match sender.decision {
            SenderDecision::Free => ("free", None),
            SenderDecision::Within => ("within", None),
            SenderDecision::Outside(otherwise) => ("outside", Some(otherwise)),
        };
        self.line(match (sender.rule(), otherwise) {
            (None, _) => {
                format!("  {from} may be signed: no rule of router.senders names the client")
            }
            (Some(rule), None) => {
                let pattern = rule.pattern.as_ref().map(ToString::to_string);
                format!(
                    "  {from} may be signed: {} and has {}",
                    placed(policy, rule),
                    pattern.unwrap_or_default()
                )
            }
            (Some(rule), Some(otherwise)) => format!(
                "  {from} is {}: {}, and no rule that names the client has the domain",
                match otherwise {
                    Otherwise::Unsigned => "sent unsigned",
                    Otherwise::Refuse => "refused at the end of its data",
                },
                placed(policy, rule)
            ),
        });
        let rules: Vec<Value> = sender.rules.iter().map(|rule| said(policy, rule)).collect();
        self.say(
            "sender",
            json!({
                "decision": decision,
                "otherwise": otherwise.map(Otherwise::label),
                "rules": rules,
            }),
        );
        Ok(())
    }

    /// The domains that it may sign for, where no message is asked about.
    fn domains(&mut self, policy: &ServerPolicy, client: &Client) -> Result<(), Failure> {
        let sender = policy.router()?.explain_sender(client, None);
        if sender.rules.is_empty() {
            self.line(
                "  its mail may be signed for any domain: no rule of router.senders names it",
            );
        }
        for rule in &sender.rules {
            let written = policy.router_settings.senders.get(rule.index);
            let domains = written.and_then(|rule| rule.domains.as_deref());
            let domains: Vec<String> = domains
                .unwrap_or_default()
                .iter()
                .map(ToString::to_string)
                .collect();
            self.line(format!(
                "  {}, for [{}], otherwise \"{}\"",
                placed(policy, rule),
                domains.join(", "),
                rule.otherwise.label()
            ));
        }
        let rules: Vec<Value> = sender.rules.iter().map(|rule| said(policy, rule)).collect();
        self.say("sender", json!({ "rules": rules }));
        Ok(())
    }
}

/// A client as a sentence names it.
fn named(client: &Client) -> String {
    let mut who = client.address.to_string();
    if let Some(user) = &client.identity {
        who.push_str(&format!(" as {user}"));
    }
    if let Some(certificate) = &client.certificate {
        who.push_str(&format!(" with {}", certificate.fingerprint));
    }
    who
}

/// Every setting that could have let the client send, and does not.
fn denial(policy: &ServerPolicy, client: &Client) -> Vec<String> {
    let settings = &policy.router_settings;
    let place = |setting: &str| policy.origins.of(&["router", setting]);
    let networks: Vec<String> = settings
        .relay_networks
        .iter()
        .map(ToString::to_string)
        .collect();
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

fn place_of_grant(policy: &ServerPolicy, grant: Option<&RelayGrant>) -> Origin {
    let settings = &policy.router_settings;
    let index = match grant {
        Some(RelayGrant::Network(network)) => settings
            .relay_networks
            .iter()
            .position(|one| one == network),
        Some(RelayGrant::Certificate(fingerprint)) => settings
            .relay_certificates
            .iter()
            .position(|one| one == fingerprint),
        Some(RelayGrant::Authenticated(_) | RelayGrant::CertificateAuthority(_)) | None => None,
    };
    let setting = grant.map_or("relay_networks", RelayGrant::setting);
    match index {
        Some(index) => policy.origins.of(&["router", setting, &index.to_string()]),
        None => policy.origins.of(&["router", setting]),
    }
}

fn place_of_rule(policy: &ServerPolicy, rule: &ExplainedSenderRule) -> Origin {
    let index = rule.index.to_string();
    policy.origins.of(&["router", "senders", &index])
}

/// A rule, with its place and whom it names.
fn placed(policy: &ServerPolicy, rule: &ExplainedSenderRule) -> String {
    let place = place_of_rule(policy, rule);
    format!("router.senders[{}] ({place}) names {}", rule.index, rule.by)
}

fn said(policy: &ServerPolicy, rule: &ExplainedSenderRule) -> Value {
    json!({
        "index": rule.index,
        "origin": place_of_rule(policy, rule),
        "names": rule.by.to_string(),
        "has": rule.pattern.as_ref().map(ToString::to_string),
        "otherwise": rule.otherwise.label(),
    })
}
