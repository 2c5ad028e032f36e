//! What loads, what does not, and what the answers are.

use std::path::Path;

use common_config::notes_ini::NotesIni;

use super::*;

fn router() -> RouterSettings {
    RouterSettings {
        internal_domains: vec!["acme.com".parse().unwrap(), "*.acme.com".parse().unwrap()],
        internal_next_hop: Some("mail.acme.com:25".parse().unwrap()),
        postmaster: Some("postmaster@acme.com".parse().unwrap()),
        next_hops: [("eu.acme.com", "eu:25"), ("partner.net", "192.0.2.1")]
            .map(|(domain, hop)| (domain.parse().unwrap(), hop.parse().unwrap()))
            .into_iter()
            .collect(),
        ..RouterSettings::default()
    }
}

fn load(router: &RouterSettings, ini: &str) -> Result<RouterConfig, RouterConfigError> {
    let ini = NotesIni::parse(Path::new("notes.ini"), ini.as_bytes()).unwrap();
    RouterConfig::load(router, &SigningSettings::default(), ini.entries())
}

#[test]
fn each_domain_has_its_next_hop() {
    let config = load(&router(), "").unwrap();
    let hop = |text: &str| text.parse::<HostPort>().unwrap();
    for (domain, expected) in [
        ("acme.com", NextHop::Internal(hop("mail.acme.com:25"))),
        ("us.acme.com", NextHop::Internal(hop("mail.acme.com:25"))),
        ("eu.acme.com", NextHop::Internal(hop("eu:25"))),
        ("partner.net", NextHop::Fixed(hop("192.0.2.1:25"))),
        ("other.org", NextHop::Mx),
        ("notacme.com", NextHop::Mx),
    ] {
        assert_eq!(
            config.next_hop(&domain.parse().unwrap()),
            expected,
            "{domain}"
        );
    }
}

#[test]
fn what_is_required_is_asked_for_all_at_once() {
    let error = load(&RouterSettings::default(), "")
        .unwrap_err()
        .to_string();
    for part in ["internal_domains =", "internal_next_hop =", "postmaster ="] {
        assert!(error.contains(part), "{error}");
    }
    let only = RouterSettings {
        postmaster: None,
        ..router()
    };
    let error = load(&only, "").unwrap_err().to_string();
    assert!(
        error.contains("postmaster =") && !error.contains("internal_domains"),
        "{error}"
    );
}

#[test]
fn an_open_relay_does_not_load() {
    let open = RouterSettings {
        relay_networks: vec!["10.0.0.0/8".parse().unwrap(), "0.0.0.0/0".parse().unwrap()],
        ..router()
    };
    let error = load(&open, "").unwrap_err().to_string();
    assert!(
        error.contains("open relay") && error.contains("with 0.0.0.0/0:"),
        "{error}"
    );
}

#[test]
fn the_mode_decides_whether_the_table_is_asked() {
    let decision = |ini: &str, domain: &str| {
        load(&router(), ini)
            .unwrap()
            .resolve(&domain.parse().unwrap())
    };
    let keys = "DKIM_KEY_acme.com=1\n";
    assert_eq!(decision(keys, "acme.com"), SigningDecision::Off);
    assert_eq!(
        decision(&format!("{keys}RouterDKIMSigning=0"), "acme.com"),
        SigningDecision::Off
    );
    for mode in [1, 2] {
        let ini = format!("{keys}RouterDKIMSigning={mode}");
        assert!(
            matches!(decision(&ini, "eu.acme.com"), SigningDecision::Sign(rule) if rule.keys.len() == 1)
        );
        assert_eq!(decision(&ini, "other.org"), SigningDecision::NoEntry);
    }
}

#[test]
fn what_is_probably_not_meant_is_said() {
    let warnings = |router: &RouterSettings, ini: &str| -> Vec<String> {
        let config = load(router, ini).unwrap();
        config.warnings().iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        warnings(&router(), "RouterDKIMSigning=1\nDKIM_KEY_acme.com=1\n"),
        Vec::<String>::new()
    );
    for (ini, part) in [
        ("DKIM_KEY_acme.com=1\n", "nothing is signed"),
        ("RouterDKIMSigning=2\n", "no DKIM_KEY_ line names a key"),
        (
            "RouterDKIMSigning=1\nDKIM_KEY_com=1\n",
            "notes.ini:2: com is a public suffix",
        ),
        (
            "RouterDKIMSigning=1\nDKIM_KEY_a.net=acme.com;1\n",
            "d=acme.com for mail from a.net",
        ),
        (
            "RouterDKIMSigning=1\nDKIM_KEY_a.net=1\nDKIM_KEY_A.net=1\n",
            "notes.ini:3: the line repeats notes.ini:2",
        ),
        (
            "RouterDKIMSigning=1\nDKIM_KEY_a.net=1\nDKIM-KEY_b.net=1\n",
            "DKIM-KEY_b.net is no setting",
        ),
    ] {
        let found = warnings(&router(), ini);
        assert!(
            found.iter().any(|warning| warning.contains(part)),
            "{ini}: {found:?}"
        );
    }
    let outside = RouterSettings {
        postmaster: Some("me@elsewhere.org".parse().unwrap()),
        relay_networks: vec!["10.0.0.0/7".parse().unwrap()],
        ..router()
    };
    let found = warnings(&outside, "").join("\n");
    assert!(
        found.contains("me@elsewhere.org") && found.contains("10.0.0.0/7"),
        "{found}"
    );
}

#[test]
fn short_keys_are_never_allowed() {
    let signing = SigningSettings {
        rsa_minimum_bits: 512,
        ..SigningSettings::default()
    };
    let error = RouterConfig::load(&router(), &signing, &[]).unwrap_err();
    assert!(error.to_string().contains("found 512"), "{error}");
}
