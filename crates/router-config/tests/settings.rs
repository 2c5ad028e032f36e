//! The sections `[router]` and `[signing]` as settings give them, and what is said of bad ones.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

use common_config::layers::{Layers, Loaded};
use router_config::{Enforce, RouterConfig, RouterSettings, SigningSettings};
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    router: RouterSettings,
    signing: SigningSettings,
}

fn check(key: &str, value: &str, expected: &str) {
    let error = Layers::new().set(key, value).extract::<Settings>().err();
    assert_eq!(
        error.map(|error| error.to_string()),
        Some(format!("command line: {expected}"))
    );
}

#[test]
#[rustfmt::skip]
fn bad_values_say_what_was_expected() {
    check("router.next_hops.acme.net", "a:x", "router.next_hops.acme.net: found \"a:x\", expected a host and a port such as \"mail.example.com:25\"");
    check("router.next_hops.acme_net", "a:1", "router.next_hops: found \"acme_net\", expected a domain such as \"acme.net\" or \"*.acme.net\" ('_' in \"acme_net\" cannot be part of it: write letters, digits and hyphens)");
    check("router.relay_networks", "[\"10.1.0.0/8\"]", "router.relay_networks[0]: found \"10.1.0.0/8\", expected \"10.0.0.0/8\" for the network, or \"10.1.0.0\" for the host");
    check("router.relay_networks", "[\"::1\", \"all\"]", "router.relay_networks[1]: found \"all\", expected a network such as \"10.0.0.0/8\" or \"2001:db8::/32\", or an address");
    check("router.relay_certificates", "[\"sha256:00\"]", "router.relay_certificates[0]: found \"sha256:00\", expected the fingerprint of a certificate (2 hexadecimal digits, where a SHA-256 fingerprint has 64: make it with openssl x509 -noout -fingerprint -sha256)");
    check("router.relay_authenticated", "yes", "router.relay_authenticated: found \"yes\", expected true or false");
    check("router.senders", "[{otherwise=\"reject\"}]", "router.senders[0].otherwise: found \"reject\", expected \"unsigned\" or \"refuse\"");
    check("router.senders", "[{identities=[\"all\"]}]", "router.senders[0].identities[0]: found \"all\", expected the name of a user (\"all\" stands for every user: choose another name)");
    check("router.internal_domains", "[\"a..b\"]", "router.internal_domains[0]: found \"a..b\", expected a domain such as \"acme.com\" or \"*.acme.com\" (\"a..b\" has nothing between two dots: take one out)");
    check("router.internal_next_hop", "mail:0", "router.internal_next_hop: found \"mail:0\", expected a host and a port such as \"mail.example.com:25\" or \"[2001:db8::1]:25\"");
    check("router.postmaster", "root", "router.postmaster: found \"root\", expected a mailbox such as \"postmaster@acme.com\"");
    check("router.postmster", "root", "unknown key router.postmster: did you mean postmaster?");
    check("signing.enforce", "rejct", "signing.enforce: found \"rejct\", expected \"report\" or \"reject\"");
    check("signing.profiles", "[{name=\"One\"}]", "signing.profiles[0].name: found \"One\", expected a name of lower-case letters, digits, - and _, such as \"one-signature\"");
    check("signing.algorithms", "[\"rsa-sha1\"]", "signing.algorithms[0]: found \"rsa-sha1\", expected \"rsa-sha256\" or \"ed25519-sha256\"");
    check("signing.self_check", "some", "signing.self_check: found \"some\", expected \"off\" or \"sample\" or \"all\"");
    check("signing.aligned_aliases", "yes", "signing.aligned_aliases: found \"yes\", expected true or false");
}

#[test]
fn domains_are_keys_with_quotes_and_without() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("next_hops.toml");
    let text = "[signing]\nenforce = \"reject\"\n[router.next_hops]\nACME.net = \"a\"\n\"*.acme.net\" = \"b\"\neu.acme.net = \"c:26\"\n";
    std::fs::write(&path, text).unwrap();
    let loaded: Loaded<Settings> = Layers::new().toml(&path).extract().unwrap();
    assert_eq!(loaded.settings.signing.enforce, Enforce::Reject);
    let hops = loaded.settings.router.next_hops;
    for (domain, expected) in [
        ("acme.net", "a:25"),
        ("us.acme.net", "b:25"),
        ("eu.acme.net", "c:26"),
    ] {
        let found = hops.get(&domain.parse().unwrap()).map(ToString::to_string);
        assert_eq!(found.as_deref(), Some(expected), "{domain}");
    }

    std::fs::write(
        &path,
        "[router.next_hops]\nacme.net = \"a\"\n\"ACME.net.\" = \"b\"\n",
    )
    .unwrap();
    let error = Layers::new()
        .toml(&path)
        .extract::<Settings>()
        .unwrap_err()
        .to_string();
    assert!(error.contains("one next hop for a domain"), "{error}");
}

/// `expected` is a part of what the server says of this `[router]`, with `FILE` for the file.
fn check_place(router: &str, expected: &str) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("smtp-edge.toml");
    std::fs::write(&path, format!("[router]\n{router}")).unwrap();
    let loaded: Loaded<Settings> = Layers::new().toml(&path).extract().unwrap();
    let Settings { router, signing } = &loaded.settings;
    let error = RouterConfig::load(router, signing, &loaded.notes).unwrap_err();
    let error = error.located(&loaded.origins).to_string();
    let expected = expected.replace("FILE", &path.display().to_string());
    assert!(error.contains(&expected), "{error}");
}

#[test]
fn what_cannot_be_meant_is_refused_by_file_and_line() {
    check_place(
        "relay_networks = [\n  \"10.0.0.0/8\",\n  \"0.0.0.0/1\",\n]\n",
        "with 0.0.0.0/1 (FILE:4): list only",
    );
    let required = "internal_domains = [\"acme.com\"]\ninternal_next_hop = \"a\"\npostmaster = \"p@acme.com\"\n";
    let rule = "[[router.senders]]\nidentities = [\"a\"]\ndomains = []\n";
    check_place(
        &format!("{required}{rule}[[router.senders]]\ndomains = []\n"),
        "FILE:8: router.senders[1] names nobody",
    );
    check_place(
        &format!("{required}[[router.senders]]\nidentities = [\"a\"]\n{rule}"),
        "FILE:5: router.senders[0] has no domains",
    );
}
