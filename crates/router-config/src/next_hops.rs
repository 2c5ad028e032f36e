//! `[router.next_hops]`: domains whose mail goes to a fixed server.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use common_config::name::DomainName;
use common_config::net::HostPort;
use serde::de::{Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

use crate::domains::DomainPattern;

/// The fixed next hops: of a domain (`"acme.net"`), or of all below one (`"*.acme.net"`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NextHops(BTreeMap<DomainPattern, HostPort>);

impl NextHops {
    /// The next hop of `domain`, by the most specific pattern that means it.
    pub fn get(&self, domain: &DomainName) -> Option<&HostPort> {
        self.find(domain).map(|(_, hop)| hop)
    }

    /// The most specific pattern that means `domain`, and its next hop.
    pub fn find(&self, domain: &DomainName) -> Option<(&DomainPattern, &HostPort)> {
        if self.0.is_empty() {
            return None;
        }
        DomainPattern::candidates(domain).find_map(|pattern| self.0.get_key_value(&pattern))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&DomainPattern, &HostPort)> {
        self.0.iter()
    }
}

impl FromIterator<(DomainPattern, HostPort)> for NextHops {
    fn from_iter<I: IntoIterator<Item = (DomainPattern, HostPort)>>(hops: I) -> Self {
        Self(hops.into_iter().collect())
    }
}

impl<'de> Deserialize<'de> for NextHops {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Node::Table(table) = deserializer.deserialize_map(NodeVisitor)? else {
            return Err(D::Error::invalid_type(
                Unexpected::Str("next_hops"),
                &"a table of domains",
            ));
        };
        let mut hops = BTreeMap::new();
        collect(table, "", &mut hops)?;
        Ok(Self(hops))
    }
}

/// TOML reads the key `acme.net` as `net` within `acme` unless it is in quotes; both mean the domain.
enum Node {
    Hop(HostPort),
    Table(BTreeMap<String, Node>),
}

fn collect<E: Error>(
    table: BTreeMap<String, Node>,
    prefix: &str,
    hops: &mut BTreeMap<DomainPattern, HostPort>,
) -> Result<(), E> {
    for (key, node) in table {
        let name = format!("{prefix}{key}");
        match node {
            Node::Table(inner) => collect(inner, &format!("{name}."), hops)?,
            Node::Hop(hop) => {
                let pattern: DomainPattern = name.parse().map_err(|error| {
                    let expected =
                        format!("a domain such as \"acme.net\" or \"*.acme.net\" ({error})");
                    E::invalid_value(Unexpected::Str(&name), &expected.as_str())
                })?;
                match hops.entry(pattern) {
                    Entry::Vacant(entry) => entry.insert(hop),
                    Entry::Occupied(_) => {
                        let expected = "one next hop for a domain (this one stands there twice, written differently)";
                        return Err(E::invalid_value(Unexpected::Str(&name), &expected));
                    }
                };
            }
        }
    }
    Ok(())
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a host and a port such as \"mail.example.com:25\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node, E> {
        text.parse()
            .map(Node::Hop)
            .map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut table = BTreeMap::new();
        while let Some((key, node)) = map.next_entry()? {
            table.insert(key, node);
        }
        Ok(Node::Table(table))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hops(entries: &[(&str, &str)]) -> NextHops {
        entries
            .iter()
            .map(|(domain, hop)| (domain.parse().unwrap(), hop.parse().unwrap()))
            .collect()
    }

    fn check(domain: &str, expected: Option<&str>) {
        let hops = hops(&[
            ("acme.net", "a:25"),
            ("*.acme.net", "b:25"),
            ("*.eu.acme.net", "c:25"),
        ]);
        let found = hops.get(&domain.parse().unwrap()).map(HostPort::host);
        assert_eq!(found, expected, "{domain}");
    }

    #[test]
    fn the_most_specific_pattern_wins() {
        check("ACME.net", Some("a"));
        check("us.acme.net", Some("b"));
        check("eu.acme.net", Some("b"));
        check("x.eu.acme.net", Some("c"));
        check("acme.com", None);
    }
}
