//! Who may sign for what, row by row.

use super::*;
use crate::client::{ClientCertificate, Issuer};

/// app1 signs for acme.com and all below it, or is refused; so is whoever holds the certificate, for shop.example alone.
/// The scanners' network is signed for under one name and goes unsigned under others, the printers' under none. Mail
/// from 10.9.0.0/16 is from shop.example or refused, whatever else names it.
fn rules() -> SenderRules {
    let rules: Vec<SenderRule> = serde_json::from_value(serde_json::json!([
        { "identities": ["App1"], "domains": ["acme.com", "*.acme.com"] },
        { "certificates": [fingerprint(1).to_string()], "domains": ["shop.example"] },
        { "networks": ["10.1.0.0/16"], "domains": ["scan.acme.com"], "otherwise": "unsigned" },
        { "networks": ["10.2.0.0/16", "10.9.0.0/16"], "domains": [], "otherwise": "unsigned" },
        { "networks": ["10.9.0.0/16"], "domains": ["shop.example"], "otherwise": "refuse" },
    ]))
    .unwrap();
    SenderRules::new(&rules).unwrap()
}

fn fingerprint(octet: u8) -> CertificateFingerprint {
    CertificateFingerprint::from_sha256([octet; 32])
}

fn at(address: &str) -> Client {
    Client::at(address.parse().unwrap())
}

fn user(name: &str, address: &str) -> Client {
    Client {
        identity: Some(name.parse().unwrap()),
        ..at(address)
    }
}

fn holder(octet: u8, client: Client) -> Client {
    Client {
        certificate: Some(ClientCertificate {
            fingerprint: fingerprint(octet),
            issuer: Issuer::Unknown,
        }),
        ..client
    }
}

/// `rule` is the one that decides; an empty `domain` is a message without a usable From.
fn check(client: &Client, domain: &str, expected: SenderDecision, rule: Option<usize>) {
    let domain: Option<DomainName> = (!domain.is_empty()).then(|| domain.parse().unwrap());
    let found = rules().explain(client, domain.as_ref());
    assert_eq!(found.decision, expected, "{client:?} {domain:?}");
    let decides = found.rule().map(|rule| rule.index);
    assert_eq!(decides, rule, "{client:?} {domain:?}");
}

#[test]
fn each_client_may_sign_for_the_domains_of_the_rules_that_name_it() {
    use SenderDecision::{Free, Outside, Within};
    let refused = Outside(Otherwise::Refuse);
    let unsigned = Outside(Otherwise::Unsigned);
    let app1 = user("app1", "192.0.2.1");
    check(&app1, "acme.com", Within, Some(0));
    check(&app1, "eu.acme.com", Within, Some(0)); // *.acme.com
    check(&app1, "shop.example", refused, Some(0));
    check(&app1, "notacme.com", refused, Some(0)); // ends alike, and lies elsewhere
    check(&app1, "", refused, Some(0)); // several From fields, or none
    check(&user("APP1", "192.0.2.1"), "acme.com", Within, Some(0)); // one user, one name
    check(&user("app2", "192.0.2.1"), "shop.example", Free, None); // named by no rule
    check(&at("192.0.2.1"), "acme.com", Free, None); // nor is a stranger
    check(&at("192.0.2.1"), "", Free, None); // and a free client's faults are no matter of senders

    let shop = holder(1, at("192.0.2.1"));
    check(&shop, "shop.example", Within, Some(1));
    check(&shop, "www.shop.example", refused, Some(1)); // a domain does not cover those below it
    check(&holder(2, at("192.0.2.1")), "acme.com", Free, None); // another certificate

    check(&at("10.1.2.3"), "scan.acme.com", Within, Some(2));
    check(&at("::ffff:10.1.2.3"), "scan.acme.com", Within, Some(2)); // in IPv6's clothes
    check(&at("10.1.2.3"), "acme.com", unsigned, Some(2));
    check(&at("10.1.2.3"), "", unsigned, Some(2));
    check(&at("10.2.0.1"), "acme.com", unsigned, Some(3)); // domains = []: for none
}

#[test]
fn of_several_rules_the_domains_add_up_and_the_strictest_decides_outside() {
    use SenderDecision::{Outside, Within};
    let refused = Outside(Otherwise::Refuse);
    let app1 = user("app1", "10.1.2.3");
    check(&app1, "acme.com", Within, Some(0));
    check(&app1, "scan.acme.com", Within, Some(0)); // by both: the first
    check(&app1, "other.org", refused, Some(0)); // "unsigned" by its network, "refuse" by its name
    let both = holder(1, user("app1", "192.0.2.1"));
    check(&both, "acme.com", Within, Some(0));
    check(&both, "shop.example", Within, Some(1));
    check(&both, "other.org", refused, Some(0));
    check(&at("10.9.0.1"), "shop.example", Within, Some(4)); // though the rule before it has none
    check(&at("10.9.0.1"), "acme.com", refused, Some(4)); // the stricter one, not the first
}

#[test]
fn rules_that_cannot_be_meant_do_not_load() {
    let check = |json: &str, expected: &str| {
        let rule: SenderRule = serde_json::from_str(json).unwrap();
        let free = SenderRule {
            identities: vec!["app1".parse().unwrap()],
            domains: Some(Vec::new()),
            ..SenderRule::default()
        };
        let error = SenderRules::new(&[free, rule]).unwrap_err().to_string();
        assert!(error.contains(expected), "{json}: {error}");
    };
    check(
        r#"{"domains": ["acme.com"]}"#,
        "router.senders[1] names nobody",
    );
    check(
        r#"{"identities": ["a"]}"#,
        "router.senders[1] has no domains",
    );
}

#[test]
fn the_log_says_which_rule_decided_and_why() {
    let check = |client: &Client, domain: Option<&str>, expected: &str| {
        let domain: Option<DomainName> = domain.map(|domain| domain.parse().unwrap());
        let found = rules().explain(client, domain.as_ref()).to_string();
        assert_eq!(found, expected);
    };
    check(
        &user("app1", "10.1.2.3"),
        Some("other.org"),
        "router.senders[0] names the user app1, and no rule that names the client has other.org",
    );
    check(
        &at("10.1.2.3"),
        None,
        "router.senders[2] names the network 10.1.0.0/16, and the message is from no domain that can be told",
    );
    check(
        &at("10.1.2.3"),
        Some("scan.acme.com"),
        "router.senders[2] names the network 10.1.0.0/16 and has scan.acme.com",
    );
    check(
        &at("192.0.2.1"),
        Some("acme.com"),
        "no rule of router.senders names the client: it may sign for any domain",
    );
}
