//! From the faults of a message's keys to what becomes of the message: a pure decision.

use router_config::SigningMode;

use super::state::SigningFault;

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consequence {
    /// It is sent with the signatures that worked, or with none.
    Send,
    /// It waits until the keys can be had.
    Defer(SigningFault),
    /// It is not sent.
    Refuse(SigningFault),
}

/// Decides by mode, as `router-config` reads it.
#[must_use]
pub fn consequence(mode: SigningMode, faults: &[SigningFault]) -> Consequence {
    match mode.consequence(faults, |fault| fault.class.is_transient()) {
        router_config::Consequence::Send => Consequence::Send,
        router_config::Consequence::Defer(fault) => Consequence::Defer(fault.clone()),
        router_config::Consequence::Refuse(fault) => Consequence::Refuse(fault.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::state::FaultClass;

    #[test]
    fn one_fault_stops_a_message_only_when_signing_is_enforced() {
        let fault = |class| SigningFault {
            class,
            domain: None,
            key: None,
        };
        let (away, missing) = (fault(FaultClass::StoreAway), fault(FaultClass::KeyMissing));
        let check = |mode, faults: &[SigningFault], expected| {
            assert_eq!(consequence(mode, faults), expected);
        };
        check(
            SigningMode::BestEffort,
            std::slice::from_ref(&missing),
            Consequence::Send,
        );
        check(
            SigningMode::BestEffort,
            std::slice::from_ref(&away),
            Consequence::Send,
        );
        check(SigningMode::Enforce, &[], Consequence::Send);
        check(
            SigningMode::Enforce,
            std::slice::from_ref(&away),
            Consequence::Defer(away.clone()),
        );
        check(
            SigningMode::Enforce,
            std::slice::from_ref(&missing),
            Consequence::Refuse(missing.clone()),
        );
        check(
            SigningMode::Enforce,
            &[away, missing.clone()],
            Consequence::Refuse(missing),
        );
    }
}
