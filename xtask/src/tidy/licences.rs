//! Everything that is built comes from the registry or from here, under a licence that `deny.toml` allows.

use serde_json::Value;
use spdx::{Expression, LicenseReq, ParseMode};
use toml_edit::{DocumentMut, Item};

use super::{Finding, Tree};

const PAGE: &str = "deny.toml";

/// Checks the packages of `cargo metadata`.
pub(super) fn check(tree: &Tree, metadata: &Value) -> Vec<Finding> {
    let Some(text) = tree.text(PAGE) else {
        return vec![Finding::new(PAGE, 0, "is missing")];
    };
    let policy = match Policy::parse(text) {
        Ok(policy) => policy,
        Err(why) => return vec![Finding::new(PAGE, 0, why)],
    };
    let packages = metadata.get("packages").and_then(Value::as_array);
    let Some(packages) = packages.filter(|packages| !packages.is_empty()) else {
        return vec![Finding::new(
            PAGE,
            0,
            "`cargo metadata` names no packages to check",
        )];
    };
    packages
        .iter()
        .flat_map(|package| policy.findings(package))
        .collect()
}

/// What `deny.toml` allows and bans.
struct Policy {
    allowed: Vec<LicenseReq>,
    banned: Vec<String>,
}

impl Policy {
    fn parse(text: &str) -> Result<Self, String> {
        let document = text
            .parse::<DocumentMut>()
            .map_err(|error| error.message().to_owned())?;
        let array = |table: &str, key: &str| {
            let item = document.get(table).and_then(|table| table.get(key));
            item.and_then(Item::as_array)
                .ok_or(format!("[{table}] has no array `{key}`"))
        };
        let mut allowed = Vec::new();
        for licence in array("licenses", "allow")? {
            let name = licence.as_str().unwrap_or_default();
            let parsed =
                Expression::parse(name).map_err(|error| format!("{name}: {}", error.reason))?;
            allowed.extend(
                parsed
                    .requirements()
                    .map(|requirement| requirement.req.clone()),
            );
        }
        let banned = array("bans", "deny")?
            .iter()
            .filter_map(|ban| ban.as_inline_table()?.get("crate")?.as_str())
            .map(str::to_owned)
            .collect();
        Ok(Self { allowed, banned })
    }

    fn findings(&self, package: &Value) -> Vec<Finding> {
        let field = |key: &str| package.get(key).and_then(Value::as_str);
        let name = field("name").unwrap_or("?");
        let mut findings = Vec::new();
        if let Some(source) = field("source").filter(|source| !source.starts_with("registry+")) {
            findings.push(Finding::new(
                PAGE,
                0,
                format!("{name} comes from {source}: take it from the registry"),
            ));
        }
        if self.banned.iter().any(|banned| banned == name) {
            findings.push(Finding::new(
                PAGE,
                0,
                format!("{name} is banned: `cargo tree --invert {name}` tells who needs it"),
            ));
        }
        match field("license") {
            None => findings.push(Finding::new(PAGE, 0, format!("{name} names no licence"))),
            Some(licence) if !self.allows(licence) => {
                findings.push(Finding::new(
                    PAGE,
                    0,
                    format!("{name} is under {licence}, which is not allowed"),
                ));
            }
            Some(_) => {}
        }
        findings
    }

    /// Whether the allowed licences satisfy the expression; the old `MIT/Apache-2.0` means OR.
    fn allows(&self, licence: &str) -> bool {
        Expression::parse_mode(licence, ParseMode::LAX)
            .is_ok_and(|expression| expression.evaluate(|wanted| self.allowed.contains(wanted)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::check;
    use crate::tidy::tree::Tree;

    const POLICY: &str =
        "[licenses]\nallow = [\"MIT\", \"ISC\"]\n[bans]\ndeny = [{ crate = \"native-tls\" }]\n";

    fn verdict(name: &str, licence: Option<&str>, source: Option<&str>) -> usize {
        let metadata = json!({"packages": [{"name": name, "license": licence, "source": source}]});
        check(&Tree::of(&[("deny.toml", POLICY)]), &metadata).len()
    }

    #[test]
    fn finds_licences_bans_and_sources() {
        let registry = Some("registry+https://index.example");
        let rows = [
            ("a", Some("MIT OR GPL-3.0-only"), registry, 0),
            ("a", Some("MIT/GPL-2.0"), registry, 0),
            ("a", Some("MIT AND ISC"), None, 0),
            ("a", Some("MIT AND GPL-3.0-or-later"), registry, 1),
            ("a", Some("GPL-3.0-only"), registry, 1),
            ("a", Some("LGPL-2.1"), registry, 1),
            ("a", Some("whatever"), registry, 1),
            ("a", None, registry, 1),
            ("a", Some("MIT"), Some("git+https://code.example/a"), 1),
            ("native-tls", Some("MIT"), registry, 1),
        ];
        for (name, licence, source, expected) in rows {
            assert_eq!(
                verdict(name, licence, source),
                expected,
                "{name} {licence:?} {source:?}"
            );
        }
    }

    #[test]
    fn a_policy_or_a_package_list_that_is_not_there_is_a_finding() {
        assert_eq!(check(&Tree::of(&[]), &json!({"packages": [{}]})).len(), 1);
        assert_eq!(
            check(
                &Tree::of(&[("deny.toml", "[licenses]\n")]),
                &json!({"packages": [{}]})
            )
            .len(),
            1
        );
        assert_eq!(
            check(
                &Tree::of(&[("deny.toml", POLICY)]),
                &json!({"packages": []})
            )
            .len(),
            1
        );
    }
}
