//! Who signs for whom, and what is done with a domain's mail: the one place where mode and table come together.
//!
//! It needs no `[router]`, so that keys can be asked about before a server is set up; [`RouterConfig`] holds one and
//! answers by it.
//!
//! [`RouterConfig`]: crate::RouterConfig

use common_config::name::DomainName;
use common_config::net::HostPort;
use common_config::notes_ini::{NotesEntry, Origin};

use crate::error::RouterConfigError;
use crate::explain::Explanation;
use crate::failure::{FailureAction, FailurePolicy, FailureRule, FaultClass};
use crate::settings::SigningSettings;
use crate::signing_mode::SigningMode;
use crate::signing_profile::{SigningProfile, SigningProfiles};
use crate::signing_table::{SigningRule, SigningTable};

/// `[signing]`, `RouterDKIMSigning` and the `DKIM_KEY_…` lines together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningPolicy {
    mode: SigningMode,
    mode_origin: Option<Origin>,
    table: SigningTable,
    failures: FailurePolicy,
    profiles: SigningProfiles,
    settings: SigningSettings,
}

/// What is done with mail from a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SigningDecision {
    /// These keys sign.
    Sign(SigningRule),
    /// No `DKIM_KEY_…` line covers the domain: the mail goes unsigned, in both modes.
    NoEntry,
    /// Nothing is signed.
    Off,
}

impl SigningPolicy {
    /// Checks the settings and the lines.
    ///
    /// # Errors
    ///
    /// [`RouterConfigError`], which says what to change where.
    pub fn load(
        settings: &SigningSettings,
        notes: &[NotesEntry],
    ) -> Result<Self, RouterConfigError> {
        if !(1024..=4096).contains(&settings.rsa_minimum_bits) {
            let bits = settings.rsa_minimum_bits;
            return Err(RouterConfigError::RsaMinimum { bits });
        }
        let mode_line = notes
            .iter()
            .find(|line| line.is_named(SigningMode::SETTING));
        let mode = SigningMode::load(notes)?;
        let failures = FailurePolicy::new(
            mode,
            settings.enforce,
            &settings.on_failure,
            &settings.exceptions,
        )
        .map_err(|domain| RouterConfigError::ExceptionTwice { domain })?;
        Ok(Self {
            mode,
            mode_origin: mode_line.map(|line| line.origin.clone()),
            table: SigningTable::load(notes, settings.aligned_aliases)?,
            failures,
            profiles: SigningProfiles::new(settings)?,
            settings: settings.clone(),
        })
    }

    /// What is done with mail whose From is in `domain`.
    pub fn resolve(&self, domain: &DomainName) -> SigningDecision {
        match self.mode {
            SigningMode::Off => SigningDecision::Off,
            SigningMode::BestEffort | SigningMode::Enforce => match self.table.rule(domain) {
                Some(rule) => SigningDecision::Sign(rule),
                None => SigningDecision::NoEntry,
            },
        }
    }

    /// Why that is done.
    pub fn explain(&self, domain: &DomainName) -> Explanation {
        Explanation::new(self, domain)
    }

    /// How signatures are made for recipients in `domain`, whose mail goes to the fixed next hop `hop` when it has one.
    pub fn profile(&self, domain: &DomainName, hop: Option<&HostPort>) -> &SigningProfile {
        self.profiles.of(domain, hop)
    }

    /// `[signing]`'s own profile, for all that no other is for.
    pub fn default_profile(&self) -> &SigningProfile {
        self.profiles.default_profile()
    }

    /// All ways in which signatures are made: `[signing]`'s own first.
    pub fn profiles(&self) -> impl Iterator<Item = &SigningProfile> {
        self.profiles.all()
    }

    /// What becomes of a message from `domain`, where that is known, over a failure of that class.
    pub fn on_failure(&self, domain: Option<&DomainName>, class: FaultClass) -> FailureAction {
        self.failure_rule(domain, class).0
    }

    /// As [`SigningPolicy::on_failure`], with the setting that says so.
    pub fn failure_rule(
        &self,
        domain: Option<&DomainName>,
        class: FaultClass,
    ) -> (FailureAction, FailureRule) {
        self.failures.rule(domain, class)
    }

    /// What becomes of a message from `domain` by all the faults that its signatures met, and the fault that decides: the
    /// one with the strictest action, since to wait for one key helps nobody when another is gone for good.
    pub fn strictest<'f, F>(
        &self,
        domain: Option<&DomainName>,
        faults: &'f [F],
        class: impl Fn(&F) -> FaultClass,
    ) -> Option<(FailureAction, &'f F)> {
        let action = |fault: &F| self.on_failure(domain, class(fault));
        let strictest = faults.iter().map(action).max()?;
        let fault = faults.iter().find(|fault| action(fault) == strictest)?;
        Some((strictest, fault))
    }

    /// Whether mail is signed, and what an error costs.
    pub fn mode(&self) -> SigningMode {
        self.mode
    }

    /// The line that sets the mode; nothing when it is the default.
    pub fn mode_origin(&self) -> Option<&Origin> {
        self.mode_origin.as_ref()
    }

    /// Which keys sign for which domain.
    pub fn table(&self) -> &SigningTable {
        &self.table
    }

    /// `[signing]`.
    pub fn settings(&self) -> &SigningSettings {
        &self.settings
    }
}
