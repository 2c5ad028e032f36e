//! Where mail to a recipient goes, with the settings that say so.

use common_config::origin::Origin;
use router_config::{DomainPattern, NextHop};
use serde_json::{Value, json};

use super::Answer;
use crate::exit::Failure;
use crate::input;
use crate::signing::ServerPolicy;

impl Answer {
    /// Where mail to a recipient goes.
    pub(super) fn route(&mut self, policy: &ServerPolicy, recipient: &str) -> Result<(), Failure> {
        let domain = input::address_domain(recipient)?;
        let route = policy.router()?.explain_route(&domain);
        let internal = route
            .internal
            .as_ref()
            .map(|pattern| (pattern, place_of_internal(policy, pattern)));
        let fixed = route
            .fixed
            .as_ref()
            .map(|pattern| (pattern, place_of_hop(policy, pattern)));
        let side = match &internal {
            Some((pattern, place)) => {
                format!("internal, not signed: router.internal_domains has {pattern} ({place})")
            }
            None => "external: none of router.internal_domains".to_owned(),
        };
        let hop = match (&route.next_hop, &fixed) {
            (hop, Some((pattern, place))) => {
                format!("{hop}: router.next_hops has {pattern} ({place})")
            }
            (hop @ NextHop::Internal(_), None) => {
                let place = policy.origins.of(&["router", "internal_next_hop"]);
                format!("{hop}: router.internal_next_hop ({place})")
            }
            (hop @ (NextHop::Fixed(_) | NextHop::Mx), None) => hop.to_string(),
        };
        self.line(format!("To {domain}: {side}"));
        self.line(format!("  next hop:   {hop}"));
        let setting = |found: Option<(&DomainPattern, Origin)>| {
            found.map(|(pattern, place)| json!({ "pattern": pattern.to_string(), "origin": place }))
        };
        let one = json!({
            "domain": domain.as_str(),
            "internal": route.internal.is_some(),
            "signed": route.is_signed(),
            "next_hop": match &route.next_hop {
                NextHop::Internal(hop) | NextHop::Fixed(hop) => hop.to_string(),
                NextHop::Mx => "mx".to_owned(),
            },
            "internal_domain": setting(internal),
            "fixed_by": setting(fixed),
        });
        match self.json.entry("to").or_insert_with(|| json!([])) {
            Value::Array(list) => list.push(one),
            other => *other = json!([one]),
        }
        Ok(())
    }
}

fn place_of_internal(policy: &ServerPolicy, pattern: &DomainPattern) -> Origin {
    let domains = &policy.router_settings.internal_domains;
    let index = domains.iter().position(|other| other == pattern);
    let index = index.map(|index| index.to_string()).unwrap_or_default();
    policy.origins.of(&["router", "internal_domains", &index])
}

/// The key is looked for in quotes and without, since a file may hold either, and else its table.
fn place_of_hop(policy: &ServerPolicy, pattern: &DomainPattern) -> Origin {
    let text = pattern.to_string();
    let table = ["router", "next_hops"];
    let labels: Vec<&str> = table.into_iter().chain(text.split('.')).collect();
    let quoted = ["router", "next_hops", text.as_str()];
    [quoted.as_slice(), &labels, &table]
        .into_iter()
        .map(|path| policy.origins.of(path))
        .find(|origin| *origin != Origin::Default)
        .unwrap_or(Origin::Default)
}
