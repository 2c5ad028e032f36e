//! The life of a key: which state follows which. Pure; the store beside it makes the change last.

use std::fmt;
use std::time::SystemTime;

use thiserror::Error;

/// What may be done with a key.
///
/// ```text
/// created -> Active -- revoke --> Revoked        deletion is possible from both, and leaves nothing
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It signs.
    Active,
    /// It never signs again; its public record should be emptied (`p=`, RFC 6376 §3.6.1).
    Revoked {
        /// Since when, to the second.
        at: SystemTime,
    },
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Revoked { .. } => "revoked",
        })
    }
}

/// What happens to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyEvent {
    /// It is taken out of use for good.
    Revoke {
        /// When, to the second.
        at: SystemTime,
    },
}

/// The state that follows `state` when `event` happens.
///
/// # Errors
/// [`TransitionError`] when it cannot happen in that state.
pub fn transition(state: KeyState, event: KeyEvent) -> Result<KeyState, TransitionError> {
    match (state, event) {
        (KeyState::Active, KeyEvent::Revoke { at }) => Ok(KeyState::Revoked { at }),
        (KeyState::Revoked { .. }, KeyEvent::Revoke { .. }) => Err(TransitionError::AlreadyRevoked),
    }
}

/// Why a key stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TransitionError {
    /// It was revoked before; the first date stands.
    #[error("it is revoked already; nothing needs to be done")]
    AlreadyRevoked,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_state_and_event() {
        let check = |state, event, expected: Result<KeyState, TransitionError>| {
            assert_eq!(transition(state, event), expected);
        };
        let (first, second) = (
            SystemTime::UNIX_EPOCH,
            SystemTime::UNIX_EPOCH + Duration::from_secs(1),
        );
        check(
            KeyState::Active,
            KeyEvent::Revoke { at: first },
            Ok(KeyState::Revoked { at: first }),
        );
        check(
            KeyState::Revoked { at: first },
            KeyEvent::Revoke { at: second },
            Err(TransitionError::AlreadyRevoked),
        );
    }
}
