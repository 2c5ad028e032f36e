//! What becomes of mail for the destinations of a profile, and where the profile stands.

use std::fmt;

use common_config::layers::Origins;
use common_config::origin::Origin;
use serde::Serialize;

use super::outcome::ExplainedOutcome;
use crate::signing_policy::SigningPolicy;
use crate::signing_profile::{ProfileName, SigningProfile};

/// A profile, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PlacedProfile {
    /// Its name.
    pub name: ProfileName,
    /// Where it stands; for that of `[signing]` itself where the section does.
    pub origin: Origin,
}

impl PlacedProfile {
    pub(crate) fn of(profile: &SigningProfile, policy: &SigningPolicy, origins: &Origins) -> Self {
        let own = &policy.settings().profiles;
        let index = own.iter().position(|own| own.name == profile.name);
        Self {
            name: profile.name.clone(),
            origin: match index {
                Some(index) => origins.of(&["signing", "profiles", &index.to_string()]),
                None => origins.of(&["signing"]),
            },
        }
    }
}

impl fmt::Display for PlacedProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.origin)
    }
}

/// What becomes of mail for the destinations of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProfileOutcome {
    /// The profile.
    pub profile: PlacedProfile,
    /// What becomes of the mail.
    #[serde(flatten)]
    pub outcome: ExplainedOutcome,
}

impl fmt::Display for ProfileOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whom = format!("those of the profile {}", self.profile);
        self.outcome.show(&whom, f)
    }
}
