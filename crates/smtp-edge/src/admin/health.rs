//! Whether the server is ready for mail, and if it is not, why: a pure function of a snapshot.

use std::fmt;

use common_config::name::KeyName;
use router_config::SigningMode;

use crate::signing::state::FaultClass;
use crate::spool::log::Condition;

/// How far the server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The spool is being read; no client can connect yet.
    Recovering,
    /// Clients can connect.
    Serving,
    /// Clients finish; no new ones can connect.
    Stopping,
}

/// The facts that readiness is decided by.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// How far the server is.
    pub phase: Phase,
    /// Whether messages can be stored.
    pub spool: Condition,
    /// Whether an administrator lets the queue run empty.
    pub draining: bool,
    /// What becomes of a message that cannot be signed.
    pub mode: SigningMode,
    /// The keys that the policy names and that cannot sign.
    pub faults: Vec<(KeyName, FaultClass)>,
}

/// Why the server is not ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It is still starting.
    Recovering,
    /// It is about to end.
    Stopping,
    /// New mail is refused, since an administrator lets the queue run empty.
    Draining,
    /// New mail is refused, since the spool has no room.
    SpoolFull,
    /// New mail is refused, since writing to the spool failed.
    SpoolFailed,
    /// Mail of a domain cannot leave, since signing is enforced and this key cannot sign.
    KeyCannotSign {
        /// The key.
        key: KeyName,
        /// Why.
        class: FaultClass,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recovering => f.write_str("recovering: the spool is being read"),
            Self::Stopping => f.write_str("stopping: no new connections are taken"),
            Self::Draining => {
                f.write_str("draining: no new mail is taken until `smtp-edge queue drain --off`")
            }
            Self::SpoolFull => f.write_str("spool_full: the disk has no room for more mail"),
            Self::SpoolFailed => f.write_str("spool_failed: mail cannot be put on stable storage"),
            Self::KeyCannotSign { key, class } => {
                write!(
                    f,
                    "key {key} cannot sign: {}: {}",
                    class.label(),
                    class.explanation()
                )
            }
        }
    }
}

/// Why the server is not ready: nothing when it is. Keys are in the order of their names.
#[must_use]
pub fn reasons(snapshot: &Snapshot) -> Vec<Reason> {
    let mut reasons = match snapshot.phase {
        Phase::Recovering => vec![Reason::Recovering],
        Phase::Serving => Vec::new(),
        Phase::Stopping => vec![Reason::Stopping],
    };
    if snapshot.draining {
        reasons.push(Reason::Draining);
    }
    match snapshot.spool {
        Condition::Works => {}
        Condition::Full => reasons.push(Reason::SpoolFull),
        Condition::Failed => reasons.push(Reason::SpoolFailed),
    }
    match snapshot.mode {
        SigningMode::Off | SigningMode::BestEffort => {}
        SigningMode::Enforce => {
            let mut faults: Vec<_> = snapshot.faults.iter().collect();
            faults.sort_by_key(|(key, _)| key.to_string());
            reasons.extend(
                faults
                    .into_iter()
                    .map(|(key, class)| Reason::KeyCannotSign {
                        key: key.clone(),
                        class: *class,
                    }),
            );
        }
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(phase: Phase, mode: SigningMode, faults: &[(&str, FaultClass)], expected: &[&str]) {
        let snapshot = Snapshot {
            phase,
            spool: Condition::Works,
            mode,
            draining: false,
            faults: faults
                .iter()
                .map(|(key, class)| (key.parse().unwrap(), *class))
                .collect(),
        };
        let said: Vec<String> = reasons(&snapshot).iter().map(Reason::to_string).collect();
        assert_eq!(said, expected, "{snapshot:?}");
    }

    #[test]
    fn a_spool_that_cannot_store_mail_is_a_reason() {
        let said = |spool| {
            let snapshot = Snapshot {
                phase: Phase::Serving,
                spool,
                mode: SigningMode::Enforce,
                draining: false,
                faults: Vec::new(),
            };
            let said: Vec<String> = reasons(&snapshot).iter().map(Reason::to_string).collect();
            said.join("\n")
        };
        assert_eq!(said(Condition::Works), "");
        assert_eq!(
            said(Condition::Full),
            "spool_full: the disk has no room for more mail"
        );
        assert_eq!(
            said(Condition::Failed),
            "spool_failed: mail cannot be put on stable storage"
        );
    }

    #[test]
    fn each_reason_is_a_line() {
        let missing = ("s2._domainkey.example.com", FaultClass::KeyMissing);
        let away = ("s1._domainkey.example.com", FaultClass::StoreAway);
        let faults = [missing, away];
        let lines = [
            "key s1._domainkey.example.com cannot sign: store_away: the store of signing keys could not be reached",
            "key s2._domainkey.example.com cannot sign: key_missing: the signing key does not exist",
        ];
        let recovering = "recovering: the spool is being read";
        let stopping = "stopping: no new connections are taken";
        check(Phase::Serving, SigningMode::Enforce, &[], &[]);
        check(Phase::Serving, SigningMode::Enforce, &faults, &lines);
        // Best effort sends such mail, so that the server does what it is asked to.
        check(Phase::Serving, SigningMode::BestEffort, &faults, &[]);
        check(Phase::Serving, SigningMode::Off, &faults, &[]);
        check(
            Phase::Recovering,
            SigningMode::BestEffort,
            &faults,
            &[recovering],
        );
        check(Phase::Stopping, SigningMode::Enforce, &[], &[stopping]);
        check(
            Phase::Recovering,
            SigningMode::Enforce,
            &[away],
            &[recovering, lines[0]],
        );
    }
}
