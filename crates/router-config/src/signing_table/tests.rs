//! Every row of the settings table, and the properties of the match.

use std::path::Path;

use common_config::notes_ini::NotesIni;
use proptest::prelude::*;

use super::*;

fn load(ini: &str) -> Result<SigningTable, SigningTableError> {
    let ini = NotesIni::parse(Path::new("notes.ini"), ini.as_bytes()).unwrap();
    SigningTable::load(ini.entries(), false)
}

/// Shown as `key d=domain` for each signature.
fn signatures(table: &SigningTable, domain: &str) -> Vec<String> {
    let rule = table.rule(&domain.parse().unwrap());
    let keys = rule.map(|rule| rule.keys).unwrap_or_default();
    keys.iter()
        .map(|one| format!("{} d={}", one.key, one.signing_domain))
        .collect()
}

fn check(ini: &str, domain: &str, expected: &[&str]) {
    assert_eq!(
        signatures(&load(ini).unwrap(), domain),
        expected,
        "{ini}{domain}"
    );
}

#[test]
fn each_row_of_the_settings_table() {
    let domain = "DKIM_KEY_acme.com=1\n";
    check(domain, "acme.com", &["1._domainkey.acme.com d=acme.com"]);
    check(
        domain,
        "a.b.acme.com",
        &["1._domainkey.acme.com d=acme.com"],
    );
    check(domain, "notacme.com", &[]);
    check(domain, "com", &[]);
    let subdomain = "DKIM_KEY_acme.com=1,2\nDKIM_KEY_eu.acme.com=3\n";
    check(
        subdomain,
        "us.acme.com",
        &[
            "1._domainkey.acme.com d=acme.com",
            "2._domainkey.acme.com d=acme.com",
        ],
    );
    check(
        subdomain,
        "eu.acme.com",
        &["3._domainkey.eu.acme.com d=eu.acme.com"],
    );
    check(
        subdomain,
        "x.eu.acme.com",
        &["3._domainkey.eu.acme.com d=eu.acme.com"],
    );
    let alias = "DKIM_KEY_alias.net=acme.com;1, 2\n";
    check(
        alias,
        "alias.net",
        &[
            "1._domainkey.acme.com d=acme.com",
            "2._domainkey.acme.com d=acme.com",
        ],
    );
    check(
        alias,
        "sub.alias.net",
        &[
            "1._domainkey.acme.com d=acme.com",
            "2._domainkey.acme.com d=acme.com",
        ],
    );
    check(alias, "acme.com", &[]);
}

#[test]
fn an_aligned_alias_signs_as_itself_with_the_primary_s_key() {
    let ini = NotesIni::parse(Path::new("notes.ini"), b"DKIM_KEY_alias.net=acme.com;1\n").unwrap();
    let table = SigningTable::load(ini.entries(), true).unwrap();
    assert_eq!(
        signatures(&table, "alias.net"),
        ["1._domainkey.acme.com d=alias.net"]
    );
    let rule = table.rule(&"alias.net".parse().unwrap()).unwrap();
    assert_eq!(rule.alignment, Alignment::Exact);
    let unaligned = load("DKIM_KEY_alias.net=acme.com;1\n").unwrap();
    let rule = unaligned.rule(&"alias.net".parse().unwrap()).unwrap();
    assert_eq!(rule.alignment, Alignment::None);
}

#[test]
fn both_lines_of_a_conflict_are_named() {
    let refused = |ini: &str| load(ini).unwrap_err().to_string();
    assert_eq!(
        refused("DKIM_KEY_acme.com=1\n\ndkim_key_ACME.com.=2\n"),
        "notes.ini:3: the keys of acme.com are set differently at notes.ini:1: keep one of the two lines"
    );
    assert_eq!(
        refused("DKIM_KEY_xn--bcher-kva.example=1\nDKIM_KEY_bücher.example=acme.com;1\n"),
        "notes.ini:2: the keys of xn--bcher-kva.example are set differently at notes.ini:1: keep one of the two lines"
    );
    assert_eq!(
        refused("A=1\nDKIM_KEY_acme.com=1,,2\n"),
        "notes.ini:2: DKIM_KEY_acme.com=1,,2 cannot be read"
    );
    let repeated = load("DKIM_KEY_acme.com=1, 2\nDKIM_KEY_ACME.com=1,2\n").unwrap();
    assert_eq!(repeated.repeated().len(), 1);
}

/// Domains with few different labels, so that they often lie below each other.
fn domain() -> impl Strategy<Value = String> {
    proptest::collection::vec(prop_oneof!["[abü]", "[ab]", "co"], 1..5)
        .prop_map(|labels| labels.join(".") + ".example")
}

/// The domain as someone else writes it.
fn rewritten(domain: &str) -> impl Strategy<Value = String> + use<> {
    let name: DomainName = domain.parse().unwrap();
    let forms = [
        domain.to_owned(),
        domain.to_uppercase(),
        format!("{domain}."),
        name.to_string(),
        name.to_string().to_uppercase(),
        name.to_unicode(),
    ];
    proptest::sample::select(forms.to_vec())
}

proptest! {
    #[test]
    fn the_longest_suffix_wins_whatever_the_order(
        (lines, shuffled) in proptest::collection::btree_set(domain(), 1..8).prop_flat_map(|domains| {
            let lines: Vec<String> = domains.into_iter().collect();
            (Just(lines.clone()), Just(lines).prop_shuffle())
        }),
        from in domain(),
    ) {
        let table = |domains: &[String]| {
            load(&domains.iter().map(|domain| format!("DKIM_KEY_{domain}=s\n")).collect::<String>()).unwrap()
        };
        let from: DomainName = from.parse().unwrap();
        let found = table(&shuffled).rule(&from).map(|rule| rule.entry.domain().clone());
        // The slow way: of all domains that the name ends in, label by label, the one with the most labels.
        let expected = lines
            .iter()
            .map(|domain| domain.parse::<DomainName>().unwrap())
            .filter(|domain| format!(".{from}").ends_with(&format!(".{domain}")))
            .max_by_key(|domain| domain.as_str().len());
        prop_assert_eq!(&found, &expected);
        prop_assert_eq!(table(&lines).rule(&from).map(|rule| rule.entry.domain().clone()), expected);
    }

    #[test]
    fn case_dots_and_the_form_of_labels_do_not_matter(
        (domain, written, asked) in domain().prop_flat_map(|domain| {
            (Just(domain.clone()), rewritten(&domain), rewritten(&domain))
        }),
    ) {
        let name: DomainName = domain.parse().unwrap();
        let table = load(&format!("dkim_KEY_{written}=S1\n")).unwrap();
        let expected = vec![format!("s1._domainkey.{name} d={name}")];
        prop_assert_eq!(signatures(&table, &asked), expected.clone());
        prop_assert_eq!(signatures(&table, &format!("sub.{asked}")), expected);
    }
}
