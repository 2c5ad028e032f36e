//! How many deliveries to one destination there may be at once, by how the last ones went. Pure.
//!
//! It is Postfix's scheme (its SCHEDULER_README, with the feedback that it has by default): a window that begins small,
//! grows by one with each delivery that reached the destination, and shrinks by one with each that did not. A cohort is as
//! many deliveries as the window allows; when one has failed without a success in between, the destination is dead.

use crate::config::DeliverySettings;

/// What windows begin with and how far they grow; `1 <= initial <= most`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    initial: u32,
    most: u32,
}

impl Bounds {
    /// The bounds that the settings name; whatever they say, one delivery is allowed.
    #[must_use]
    pub fn new(settings: &DeliverySettings) -> Self {
        let most = settings.destination_concurrency.max(1);
        Self {
            initial: settings.destination_initial_concurrency.clamp(1, most),
            most,
        }
    }
}

/// How a delivery went, as far as its destination is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// A host served us, whatever it said about recipients.
    Yes,
    /// No host did: connections, handshakes or look-ups failed.
    No,
    /// It was not tried.
    Untried,
}

/// One destination's window; `1 <= size <= most`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    size: u32,
    /// Failures since the last success, each as the part of the cohort that it was; a whole cohort is [`COHORT`].
    failed: u32,
}

impl Window {
    /// A window of a destination of which nothing is known.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self {
            size: bounds.initial,
            failed: 0,
        }
    }

    /// How many more deliveries may begin when so many are under way.
    #[must_use]
    pub fn room(&self, under_way: u32) -> u32 {
        self.size.saturating_sub(under_way)
    }

    /// Takes note of a delivery that has ended, with `under_way` others.
    pub fn feed(&mut self, reached: Reached, under_way: u32, bounds: Bounds) -> Verdict {
        match reached {
            Reached::Yes => {
                self.failed = 0;
                // A window that is not used proves nothing about a larger one.
                if self.size < under_way.saturating_add(1).saturating_add(bounds.initial) {
                    self.size = self.size.saturating_add(1).min(bounds.most);
                }
                Verdict::Alive
            }
            Reached::No => {
                self.failed = self.failed.saturating_add(COHORT / self.size.max(1));
                if self.failed >= COHORT {
                    *self = Self::new(bounds);
                    return Verdict::Dead;
                }
                self.size = self.size.saturating_sub(1).max(1);
                Verdict::Alive
            }
            Reached::Untried => Verdict::Alive,
        }
    }
}

/// What feedback came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Deliveries go on.
    Alive,
    /// A whole cohort has failed: the destination is to be left alone for a time, and begins anew after that.
    Dead,
}

/// Divisible by every usual size.
const COHORT: u32 = 232_792_560;

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        initial: 5,
        most: 20,
    };

    /// Feeds a new window, with `under_way` others each time, and gives its size and the last verdict.
    fn fed(feedback: &str, under_way: u32) -> (u32, Verdict) {
        let mut window = Window::new(BOUNDS);
        let mut verdict = Verdict::Alive;
        for one in feedback.chars() {
            let reached = match one {
                '+' => Reached::Yes,
                '-' => Reached::No,
                _ => Reached::Untried,
            };
            verdict = window.feed(reached, under_way, BOUNDS);
        }
        (window.room(0), verdict)
    }

    #[test]
    fn windows_grow_with_successes_and_shrink_with_failures() {
        let check = |feedback: &str, under_way: u32, size: u32, verdict: Verdict| {
            assert_eq!(fed(feedback, under_way), (size, verdict), "{feedback:?}");
        };
        check("", 0, 5, Verdict::Alive);
        check("+", 4, 6, Verdict::Alive);
        check(&"+".repeat(15), 19, 20, Verdict::Alive);
        check(&"+".repeat(99), 19, 20, Verdict::Alive); // no larger than the setting
        check("++++", 0, 6, Verdict::Alive); // one at a time never asks for more
        check("---", 4, 2, Verdict::Alive); // 1/5 + 1/4 + 1/3
        check("----", 4, 5, Verdict::Dead); // a cohort, and it begins anew
        check("---+--", 4, 1, Verdict::Alive); // a success between
        check("---.....", 4, 2, Verdict::Alive); // what was not tried says nothing
    }

    #[test]
    fn room_is_what_is_not_under_way() {
        let window = Window::new(BOUNDS);
        assert_eq!([0, 4, 5, 9].map(|busy| window.room(busy)), [5, 1, 0, 0]);
    }

    #[test]
    fn bounds_that_contradict_each_other_allow_one() {
        let check = |initial, most, expected: Bounds| {
            let settings = DeliverySettings {
                destination_concurrency: most,
                destination_initial_concurrency: initial,
                ..DeliverySettings::default()
            };
            assert_eq!(Bounds::new(&settings), expected);
        };
        check(5, 20, BOUNDS);
        check(
            0,
            0,
            Bounds {
                initial: 1,
                most: 1,
            },
        );
        check(
            9,
            3,
            Bounds {
                initial: 3,
                most: 3,
            },
        );
    }
}
