//! What happens in a session, out of octets. Those that occur in no UTF-8 are the driver's doings, all others are what the
//! client sends, so that a conversation can be read and written as it stands.

use super::driver::Mood;

/// What happens next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    /// Octets come from the client, all at once.
    Say(Vec<u8>),
    /// What the session asked is answered.
    Answer(Mood),
    /// So many seconds pass.
    Wait(u64),
    /// There is no memory for the message under way.
    Shortage,
    /// The server stops.
    Shutdown,
}

/// The acts that the octets stand for.
pub(crate) fn acts(octets: &[u8]) -> Vec<Act> {
    let mut acts = Vec::new();
    let mut said = Vec::new();
    let mut octets = octets.iter().copied();
    while let Some(octet) = octets.next() {
        let act = match octet {
            CUT => None,
            FAIR => Some(Act::Answer(Mood::Fair)),
            GRIM => Some(Act::Answer(Mood::Grim)),
            AWAY => Some(Act::Answer(Mood::Away)),
            WAIT => Some(Act::Wait(2 * octets.next().map_or(0, u64::from))),
            SHORTAGE => Some(Act::Shortage),
            SHUTDOWN => Some(Act::Shutdown),
            RAW => {
                said.extend(octets.next());
                continue;
            }
            _ => {
                said.push(octet);
                continue;
            }
        };
        if !said.is_empty() {
            acts.push(Act::Say(std::mem::take(&mut said)));
        }
        acts.extend(act);
    }
    if !said.is_empty() {
        acts.push(Act::Say(said));
    }
    acts
}

/// The octet that follows is one that the client sends.
const RAW: u8 = 0xf8;
const SHUTDOWN: u8 = 0xf9;
const SHORTAGE: u8 = 0xfa;
/// The octet that follows says how long.
const WAIT: u8 = 0xfb;
const AWAY: u8 = 0xfc;
const GRIM: u8 = 0xfd;
const FAIR: u8 = 0xfe;
/// What comes next comes later.
const CUT: u8 = 0xff;
