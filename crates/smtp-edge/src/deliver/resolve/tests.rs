//! From a domain to addresses, against a DNS that answers as told.

use super::*;
use crate::config::DnsSettings;
use crate::deliver::fake::{Dns, Entry};
use crate::dns;

const EDGE: &str = "Edge.Renovations.com";

async fn resolver(entries: &[(&str, Entry)], allowed: &[&str]) -> Resolver {
    let dns = Dns::serve(entries).await;
    let settings = DnsSettings {
        servers: vec![dns.address],
    };
    let allowed = allowed
        .iter()
        .map(|network| network.parse().unwrap())
        .collect();
    Resolver::new(dns::resolver(&settings).unwrap(), EDGE, allowed)
}

/// The names, or the status and whether it is for good.
fn shown<T: ToString>(result: Result<Vec<T>, Outcome>) -> String {
    match result {
        Ok(found) => found
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" "),
        Err(Outcome::Failed(fault)) => format!("failed {}", fault.status),
        Err(Outcome::Later(fault)) => format!("later {}", fault.status),
        Err(Outcome::Unreachable(fault)) => format!("unreachable {}", fault.status),
        Err(Outcome::Delivered(_)) => "delivered".to_owned(),
    }
}

#[tokio::test]
async fn exchangers_of_a_domain() {
    use Entry::{A, Broken, Cname, Mx};
    let check = async |entries: &[(&str, Entry)], expected: &str, reason: &str| {
        let resolver = resolver(entries, &[]).await;
        let found = resolver.exchangers(&"example.net".parse().unwrap()).await;
        assert_eq!(shown(found), expected, "{reason}");
    };
    let here = A("198.51.100.7".parse().unwrap());
    let mx = |preference, host| ("example.net", Mx(preference, host));
    check(
        &[mx(20, "b.example.net"), mx(10, "a.example.net")],
        "a.example.net b.example.net",
        "by preference",
    )
    .await;
    check(
        &[mx(20, "a.example.net"), mx(10, "A.example.net")],
        "a.example.net",
        "the same host twice",
    )
    .await;
    check(
        &[("example.net", here.clone())],
        "example.net",
        "implicit MX",
    )
    .await;
    check(
        &[
            ("example.net", Cname("other.example")),
            ("other.example", Mx(5, "mx.other.example")),
        ],
        "mx.other.example",
        "CNAME",
    )
    .await;
    check(&[], "failed 5.1.2", "no such domain").await;
    check(
        &[("example.net", Broken)],
        "unreachable 4.4.3",
        "the DNS is broken",
    )
    .await;
    check(&[mx(0, ".")], "failed 5.1.10", "null MX").await;
    check(
        &[mx(0, "."), mx(10, "a.example.net")],
        "a.example.net",
        "a null MX beside others means nothing",
    )
    .await;
    check(
        &[mx(10, "edge.renovations.com")],
        "failed 5.4.6",
        "we are the only exchanger",
    )
    .await;
    let ours = [
        mx(10, "a.example.net"),
        mx(20, "edge.renovations.COM"),
        mx(20, "b.example.net"),
        mx(30, "c.example.net"),
    ];
    check(&ours, "a.example.net", "only what is better than us").await;
    check(&ours[1..], "failed 5.4.6", "nothing is better than us").await;
}

#[tokio::test]
async fn addresses_of_an_exchanger() {
    use Entry::{A, Broken};
    let check =
        async |entries: &[(&str, Entry)], allowed: &[&str], expected: &str, reason: &str| {
            let resolver = resolver(entries, allowed).await;
            assert_eq!(
                shown(resolver.exchanger_addresses("mx.example.net").await),
                expected,
                "{reason}"
            );
        };
    let a = |address: &str| ("mx.example.net", A(address.parse().unwrap()));
    check(&[a("198.51.100.7")], &[], "198.51.100.7", "one").await;
    check(
        &[a("10.0.0.1"), a("198.51.100.7")],
        &[],
        "198.51.100.7",
        "the private one is left out",
    )
    .await;
    check(&[a("127.0.0.1")], &[], "failed 5.4.4", "only a private one").await;
    check(
        &[a("127.0.0.2")],
        &["127.0.0.0/8"],
        "127.0.0.2",
        "which is allowed",
    )
    .await;
    check(
        &[("mx.example.net", Entry::Mx(1, "x"))],
        &[],
        "failed 5.4.4",
        "no address",
    )
    .await;
    check(&[], &[], "failed 5.4.4", "no such host").await;
    check(
        &[("mx.example.net", Broken)],
        &[],
        "unreachable 4.4.3",
        "the DNS is broken",
    )
    .await;
}

#[tokio::test]
async fn a_host_of_the_settings_may_be_private_and_is_waited_for() {
    let address = Entry::A("10.1.2.3".parse().unwrap());
    let resolver = resolver(&[("mail.inside.example", address)], &[]).await;
    assert_eq!(
        shown(resolver.configured_addresses("mail.inside.example").await),
        "10.1.2.3"
    );
    assert_eq!(
        shown(resolver.configured_addresses("gone.inside.example").await),
        "unreachable 4.4.3"
    );
}

#[tokio::test]
async fn names_are_asked_for_as_they_are_without_a_search_list() {
    let dns = Dns::serve(&[]).await;
    let settings = DnsSettings {
        servers: vec![dns.address],
    };
    let resolver = Resolver::new(dns::resolver(&settings).unwrap(), EDGE, Vec::new());
    let _ = resolver.exchangers(&"example.net".parse().unwrap()).await;
    assert_eq!(*dns.asked.lock().unwrap(), ["example.net MX"]);
}

#[test]
fn a_thousand_exchangers_are_a_few() {
    let records = (0..1000_u16)
        .map(|number| (number % 7, bare(&format!("mx{number}.example.net."))))
        .collect();
    let names = order(
        records,
        "edge.renovations.com",
        &"example.net".parse().unwrap(),
    )
    .unwrap();
    assert_eq!(names.len(), MOST_EXCHANGERS);
}

#[test]
fn exchangers_of_equal_preference_take_turns() {
    let first = || {
        let records = vec![(10, bare("a.example.")), (10, bare("b.example."))];
        order(records, "edge", &"example.net".parse().unwrap())
            .unwrap()
            .remove(0)
    };
    let firsts: Vec<Box<str>> = (0..200).map(|_| first()).collect();
    // One in 2^199 runs fails by chance.
    assert!(
        firsts.iter().any(|name| **name == *"a.example")
            && firsts.iter().any(|name| **name == *"b.example")
    );
}

#[test]
fn addresses_that_a_stranger_may_not_send_us_to() {
    let check = |address: &str, expected: bool| {
        assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
    };
    check("198.51.100.7", true);
    check("8.8.8.8", true);
    check("127.0.0.1", false);
    check("0.0.0.0", false);
    check("10.255.0.1", false);
    check("172.16.0.1", false);
    check("172.32.0.1", true);
    check("192.168.1.1", false);
    check("169.254.169.254", false); // clouds keep their secrets there
    check("100.64.0.1", false);
    check("100.128.0.1", true);
    check("224.0.0.1", false);
    check("255.255.255.255", false);
    check("2001:db8::1", true);
    check("::", false);
    check("::1", false);
    check("::ffff:127.0.0.1", false);
    check("::ffff:198.51.100.7", true);
    check("::7f00:1", false);
    check("64:ff9b::10.0.0.1", false);
    check("64:ff9b::198.51.100.7", true);
    check("fc00::1", false);
    check("fd12:3456::1", false);
    check("fe80::1", false);
    check("fec0::1", false);
    check("ff02::1", false);
}
