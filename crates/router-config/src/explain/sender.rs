//! For which domains a client's mail may be signed, with the rules that say so.

use std::fmt;

use common_config::name::DomainName;
use common_config::origin::Origin;
use serde::{Serialize, Serializer};

use crate::client::Client;
use crate::config::RouterConfig;
use crate::domains::DomainPattern;
use crate::senders::{ExplainedSenderRule, Otherwise, SenderDecision};

/// The mail with which a client is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientMail<'a> {
    /// None in particular.
    NotAsked,
    /// A message that does not say which domain it is from.
    Unidentified,
    /// Mail from this domain.
    From(&'a DomainName),
}

/// For which domains a client's mail may be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientSender {
    /// Whether the mail that was asked about may be; nothing when none was.
    pub decision: Option<SenderDecision>,
    /// The domain that it is from, where that can be told.
    pub domain: Option<DomainName>,
    /// Every rule that names the client, in the order of the settings.
    pub rules: Vec<PlacedSenderRule>,
    /// The one of them that decides.
    deciding: Option<PlacedSenderRule>,
}

/// A rule that names the client, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlacedSenderRule {
    /// The rule.
    pub rule: ExplainedSenderRule,
    /// What mail from the client may be from by it.
    pub domains: Vec<DomainPattern>,
    /// Where it stands.
    pub origin: Origin,
}

impl ClientSender {
    pub(super) fn new(router: &RouterConfig, client: &Client, mail: ClientMail<'_>) -> Self {
        let domain = match mail {
            ClientMail::NotAsked | ClientMail::Unidentified => None,
            ClientMail::From(domain) => Some(domain),
        };
        let sender = router.explain_sender(client, domain);
        let placed = |rule: &ExplainedSenderRule| PlacedSenderRule::new(router, rule);
        let decision = match mail {
            ClientMail::NotAsked => None,
            ClientMail::Unidentified | ClientMail::From(_) => Some(sender.decision),
        };
        Self {
            deciding: decision.and_then(|_| sender.rule()).map(placed),
            decision,
            domain: domain.cloned(),
            rules: sender.rules.iter().map(placed).collect(),
        }
    }

    /// What becomes of the mail that was asked about, and the rule that says so, when it may not be signed.
    pub(super) fn outside(&self) -> Option<(Otherwise, &PlacedSenderRule)> {
        match self.decision? {
            SenderDecision::Free | SenderDecision::Within => None,
            SenderDecision::Outside(otherwise) => Some((otherwise, self.deciding.as_ref()?)),
        }
    }

    /// The rules, where no mail was asked about.
    fn show_rules(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rules.is_empty() {
            writeln!(
                f,
                "  its mail may be signed for any domain: no rule of router.senders names it"
            )?;
        }
        for rule in &self.rules {
            let domains: Vec<String> = rule.domains.iter().map(ToString::to_string).collect();
            let (domains, otherwise) = (domains.join(", "), rule.rule.otherwise.label());
            writeln!(f, "  {rule}, for [{domains}], otherwise \"{otherwise}\"")?;
        }
        Ok(())
    }
}

impl PlacedSenderRule {
    fn new(router: &RouterConfig, rule: &ExplainedSenderRule) -> Self {
        let written = router.written().senders.get(rule.index);
        let domains = written.and_then(|written| written.domains.clone());
        let index = rule.index.to_string();
        Self {
            rule: rule.clone(),
            domains: domains.unwrap_or_default(),
            origin: router.origins().of(&["router", "senders", &index]),
        }
    }

    /// The name of the setting.
    pub(super) fn setting(&self) -> String {
        format!("router.senders[{}]", self.rule.index)
    }
}

impl Serialize for ClientSender {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Asked<'a> {
            decision: &'static str,
            otherwise: Option<&'static str>,
            rules: &'a [PlacedSenderRule],
        }
        #[derive(Serialize)]
        struct NotAsked<'a> {
            rules: &'a [PlacedSenderRule],
        }
        let rules = &self.rules;
        let (decision, otherwise) = match self.decision {
            None => return NotAsked { rules }.serialize(serializer),
            Some(SenderDecision::Free) => ("free", None),
            Some(SenderDecision::Within) => ("within", None),
            Some(SenderDecision::Outside(otherwise)) => ("outside", Some(otherwise.label())),
        };
        let asked = Asked {
            decision,
            otherwise,
            rules,
        };
        asked.serialize(serializer)
    }
}

impl Serialize for PlacedSenderRule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'a> {
            index: usize,
            origin: &'a Origin,
            names: String,
            has: Option<&'a DomainPattern>,
            otherwise: &'static str,
        }
        let shown = Shown {
            index: self.rule.index,
            origin: &self.origin,
            names: self.rule.by.to_string(),
            has: self.rule.pattern.as_ref(),
            otherwise: self.rule.otherwise.label(),
        };
        shown.serialize(serializer)
    }
}

impl fmt::Display for ClientSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(decision) = self.decision else {
            return self.show_rules(f);
        };
        match &self.domain {
            Some(domain) => write!(f, "  mail from {domain}")?,
            None => write!(
                f,
                "  the message, which is from no domain that can be told,"
            )?,
        }
        let Some(rule) = &self.deciding else {
            return writeln!(
                f,
                " may be signed: no rule of router.senders names the client"
            );
        };
        let other = "no rule that names the client has the domain";
        match (decision, &rule.rule.pattern) {
            (SenderDecision::Outside(Otherwise::Unsigned), _) => {
                writeln!(f, " is sent unsigned: {rule}, and {other}")
            }
            (SenderDecision::Outside(Otherwise::Refuse), _) => {
                writeln!(f, " is refused at the end of its data: {rule}, and {other}")
            }
            (SenderDecision::Free | SenderDecision::Within, Some(pattern)) => {
                writeln!(f, " may be signed: {rule} and has {pattern}")
            }
            (SenderDecision::Free | SenderDecision::Within, None) => {
                writeln!(f, " may be signed: {rule}")
            }
        }
    }
}

/// The rule, where it stands, and whom it names.
impl fmt::Display for PlacedSenderRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = &self.rule.by;
        write!(f, "{} ({}) names {by}", self.setting(), self.origin)
    }
}
