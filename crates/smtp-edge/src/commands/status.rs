//! The exit statuses of `queue` and `spool`. Scripts read them: the numbers stay.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// It was done.
    Done,
    /// It was not, by a fault of the program or the system.
    Failed,
    /// A word of the command line is wrong.
    Usage,
    /// Some of it was not done, or something is damaged: what, is said.
    Partly,
    /// A message that is named is not there, or there is no spool.
    NotFound,
    /// No server answers.
    NoServer,
    /// Later may work: a server starts, stops or is busy, or uses the spool.
    Later,
    /// The server does not do that for this user, or not at this address.
    NotAllowed,
    /// The settings are wrong.
    Settings,
}

impl Status {
    /// All of them.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 9] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::Partly,
        Self::NotFound,
        Self::NoServer,
        Self::Later,
        Self::NotAllowed,
        Self::Settings,
    ];

    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Partly => 3,
            Self::NotFound => 4,
            // Those of sysexits.h.
            Self::NoServer => 69,
            Self::Later => 75,
            Self::NotAllowed => 77,
            Self::Settings => 78,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        status.code().into()
    }
}

/// The table for the help text and the manual.
pub(crate) const HELP: &str = "\
Exit status:
   0  done
   1  a fault of the program or the system
   2  a word of the command line is wrong
   3  some of it was not done, or something is damaged
   4  a message that is named is not there, or there is no spool
  69  no server answers
  75  later may work: a server starts, stops or is busy, or uses the spool
  77  the server does not do that for this user, or not at this address
  78  the settings are wrong";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_and_the_manual_list_every_status() {
        let manual = include_str!("../../../../docs/manual.md");
        for status in Status::ALL {
            let code = format!("{:>4}  ", status.code());
            let help = HELP.lines().find_map(|line| line.strip_prefix(&code));
            let row = format!("| {} | {} |", status.code(), help.unwrap_or("none"));
            assert!(manual.contains(&row), "{status:?}: {row}");
        }
    }
}
