//! How full the queue is.

use super::Schedule;
use crate::ids::QueueId;

/// How full the queue is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Level {
    /// Messages that wait or whose round is running.
    pub messages: usize,
    /// The one that was accepted first.
    pub oldest: Option<QueueId>,
    /// Those with which something is done now.
    pub active: usize,
    /// Those that an administrator holds.
    pub held: usize,
    /// Deliveries under way.
    pub under_way: usize,
    /// Places taken in lines: copies whose time has come, and whose destination has no room or whose turn it is not.
    pub in_line: usize,
    /// Destinations that messages are to go to.
    pub destinations: usize,
    /// Those that are left alone.
    pub dead: usize,
}

impl Schedule {
    /// How many messages there are, and the oldest, which is the first by name.
    #[must_use]
    pub fn level(&self) -> Level {
        Level {
            messages: self.entries.len(),
            oldest: self.entries.first_key_value().map(|(id, _)| *id),
            active: self.running.len(),
            held: self.held,
            under_way: self.destinations.under_way(),
            in_line: self.lines.standing(),
            destinations: self.destinations.known(),
            dead: self.destinations.dead(),
        }
    }
}
