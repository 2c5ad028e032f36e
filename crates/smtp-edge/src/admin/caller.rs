//! Who asks at the admin listener, and who of them may change something.

use super::queue::answer::AskError;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    /// A program of this machine, which may be anybody's, and may be a browser with a stranger's page in it.
    Loopback,
    /// A process of the server's own user, or of root: the kernel says so.
    Administrator {
        /// Its user id.
        uid: u32,
    },
}

impl Caller {
    /// The user id of an administrator.
    ///
    /// # Errors
    /// [`AskError::NotAllowed`] for anybody else.
    pub(super) fn administrator(self) -> Result<u32, AskError> {
        match self {
            Self::Administrator { uid } => Ok(uid),
            Self::Loopback => Err(AskError::NotAllowed),
        }
    }
}

/// Whether a process of the user `peer` may ask at the Unix socket of a server that runs as `own`: the mode of the socket
/// file says the same, and somebody may have changed it.
pub(super) fn may_ask(peer: u32, own: u32) -> bool {
    peer == own || peer == ROOT
}

const ROOT: u32 = 0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_own_user_and_root_may_ask() {
        for (peer, own, expected) in [
            (0, 0, true),
            (0, 990, true),
            (990, 990, true),
            (991, 990, false),
            (990, 0, false),
            (65534, 990, false),
        ] {
            assert_eq!(may_ask(peer, own), expected, "{peer} {own}");
        }
    }

    #[test]
    fn a_program_at_the_loopback_address_is_no_administrator() {
        assert!(Caller::Loopback.administrator().is_err());
        let root = Caller::Administrator { uid: 0 };
        assert_eq!(root.administrator().ok(), Some(0));
    }
}
