//! From the faults of a message's keys to what becomes of the message: a pure decision.

use router_config::{FailureAction, RouterConfig};

use super::state::{Signing, SigningFault};

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consequence {
    /// It is sent with the signatures that worked, or with none.
    Send,
    /// It waits until it can be signed.
    Defer(SigningFault),
    /// It is not sent, and its sender gets a report.
    Report(SigningFault),
    /// It is refused while its client still listens.
    Reject(SigningFault),
}

impl Consequence {
    /// What the record keeps of a message that is not sent for now; nothing of one that is.
    #[must_use]
    pub fn stops(&self) -> Option<Signing> {
        match self {
            Self::Send => None,
            Self::Defer(fault) => Some(Signing::Deferred(fault.clone())),
            Self::Report(fault) | Self::Reject(fault) => Some(Signing::Refused(fault.clone())),
        }
    }
}

/// Decides by the policy. Of several faults the one with the strictest consequence counts: to wait for one key helps
/// nobody when another is gone for good.
#[must_use]
pub fn consequence(router: &RouterConfig, faults: &[SigningFault]) -> Consequence {
    let domain = faults.first().and_then(|fault| fault.domain.as_ref()); // the message's, and so that of each
    let policy = router.signing_policy();
    let Some((action, fault)) = policy.strictest(domain, faults, |fault| fault.class) else {
        return Consequence::Send;
    };
    let fault = fault.clone();
    match action {
        FailureAction::Send => Consequence::Send,
        FailureAction::Defer => Consequence::Defer(fault),
        FailureAction::Report => Consequence::Report(fault),
        FailureAction::Reject => Consequence::Reject(fault),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use common_config::notes_ini::NotesIni;
    use router_config::{Enforce, OnFailure, RouterSettings, SigningMode, SigningSettings};

    use super::*;
    use crate::signing::state::FaultClass::{self, CannotSign, KeyMissing, KeyRevoked, StoreAway};

    fn router(mode: u8) -> RouterConfig {
        let router = RouterSettings {
            internal_domains: vec!["inside.example".parse().unwrap()],
            internal_next_hop: Some("192.0.2.1:25".parse().unwrap()),
            postmaster: Some("pm@inside.example".parse().unwrap()),
            ..RouterSettings::default()
        };
        let signing = SigningSettings {
            on_failure: OnFailure {
                key_revoked: Some(FailureAction::Reject),
                ..OnFailure::default()
            },
            ..SigningSettings::default()
        };
        let notes = format!("RouterDKIMSigning={mode}\n");
        let notes = NotesIni::parse(Path::new("notes.ini"), notes.as_bytes()).unwrap();
        RouterConfig::load(&router, &signing, notes.entries()).unwrap()
    }

    #[test]
    fn the_strictest_consequence_of_several_faults_counts() {
        let fault = |class: &FaultClass| SigningFault {
            class: *class,
            domain: None,
            key: None,
        };
        let check = |mode, classes: &[FaultClass], expected: Consequence| {
            let faults: Vec<SigningFault> = classes.iter().map(fault).collect();
            assert_eq!(
                consequence(&router(mode), &faults),
                expected,
                "{mode} {classes:?}"
            );
        };
        check(2, &[], Consequence::Send);
        check(2, &[StoreAway], Consequence::Defer(fault(&StoreAway)));
        check(
            2,
            &[StoreAway, KeyMissing],
            Consequence::Report(fault(&KeyMissing)),
        );
        check(
            2,
            &[KeyMissing, CannotSign],
            Consequence::Report(fault(&KeyMissing)),
        );
        check(
            2,
            &[KeyMissing, KeyRevoked],
            Consequence::Reject(fault(&KeyRevoked)),
        );
        check(1, &[StoreAway, KeyMissing], Consequence::Send);
        check(
            1,
            &[StoreAway, KeyRevoked],
            Consequence::Reject(fault(&KeyRevoked)),
        );
        check(0, &[KeyRevoked], Consequence::Send);
    }

    /// The table of the manual, row by row, against the code.
    #[test]
    fn the_manual_says_what_happens() {
        let manual = include_str!("../../../../docs/manual.md");
        let rows: Vec<Vec<&str>> = manual
            .lines()
            .map(|line| line.split('|').map(str::trim).collect())
            .collect();
        for class in FaultClass::ALL {
            let name = format!("`{}`", class.label());
            let row = rows
                .iter()
                .find(|row| row.len() == 7 && row[1] == name)
                .unwrap_or_else(|| panic!("the manual has no row for {name}"));
            let usual = |mode| FailureAction::usual(mode, Enforce::Report, class);
            let expected = [
                usual(SigningMode::BestEffort).label(),
                usual(SigningMode::Enforce).label(),
                class.status(),
            ];
            let found = [row[3], row[4], row[5]].map(|cell| cell.trim_matches('`'));
            assert_eq!(found, expected, "{name}");
        }
    }
}
