//! Where a message is still to go, and how each of these legs stands. Pure.
//!
//! Nearly every message has one leg, which then takes 16 octets and no memory of its own.

use std::time::{Duration, SystemTime};

use super::lines::Want;

/// One leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leg {
    /// Where to; `None` for a round that goes nowhere.
    pub(super) want: Want,
    /// How it stands.
    pub(super) stand: Stand,
}

/// How a leg stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    /// Its time comes then.
    Due(Moment),
    /// It stands in line.
    InLine,
    /// It was its turn, and the round that goes on has it.
    Called,
}

/// A time, to the nanosecond, in 8 octets; good until the year 2554. Before 1970 is 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(u64);

impl Moment {
    /// Before every other.
    pub(super) const EARLIEST: Self = Self(IN_LINE + 1);

    /// The time as the rest of the server has it.
    pub(super) fn time(self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_nanos(self.0)
    }
}

impl From<SystemTime> for Moment {
    fn from(time: SystemTime) -> Self {
        let since = time
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let nanoseconds = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
        Self(nanoseconds.clamp(Self::EARLIEST.0, CALLED - 1))
    }
}

/// The same in 8 octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packed(u64);

impl Packed {
    /// How it stands.
    pub(super) fn stand(self) -> Stand {
        match self.0 {
            IN_LINE => Stand::InLine,
            CALLED => Stand::Called,
            nanoseconds => Stand::Due(Moment(nanoseconds)),
        }
    }
}

impl From<Stand> for Packed {
    fn from(stand: Stand) -> Self {
        Self(match stand {
            Stand::Due(Moment(nanoseconds)) => nanoseconds,
            Stand::InLine => IN_LINE,
            Stand::Called => CALLED,
        })
    }
}

impl Stand {
    /// When its time comes, if it is to come.
    pub(super) fn due(self) -> Option<Moment> {
        match self {
            Self::Due(moment) => Some(moment),
            Self::InLine | Self::Called => None,
        }
    }
}

/// The legs of a message: at least one, each to another destination.
#[derive(Debug)]
pub(super) enum Legs {
    /// The usual case.
    One { want: Want, packed: Packed },
    /// A vector behind a pointer takes the room of a pointer.
    #[expect(clippy::box_collection, reason = "a message is to be small")]
    Many(Box<Vec<Leg>>),
}

impl Legs {
    /// These; a round that goes nowhere, due then, if there is none.
    pub(super) fn new(mut legs: Vec<Leg>, otherwise: Moment) -> Self {
        match legs.as_slice() {
            [] => Self::One {
                want: None,
                packed: Stand::Due(otherwise).into(),
            },
            [leg] => Self::One {
                want: leg.want,
                packed: leg.stand.into(),
            },
            _ => {
                legs.shrink_to_fit();
                Self::Many(Box::new(legs))
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Leg> + '_ {
        let (one, many) = match self {
            Self::One { want, packed } => (
                Some(Leg {
                    want: *want,
                    stand: packed.stand(),
                }),
                [].as_slice(),
            ),
            Self::Many(legs) => (None, legs.as_slice()),
        };
        one.into_iter().chain(many.iter().copied())
    }

    /// Changes how each leg stands.
    pub(super) fn change(&mut self, mut change: impl FnMut(Leg) -> Stand) {
        match self {
            Self::One { want, packed } => {
                let stand = packed.stand();
                *packed = change(Leg { want: *want, stand }).into();
            }
            Self::Many(legs) => {
                for leg in legs.iter_mut() {
                    leg.stand = change(*leg);
                }
            }
        }
    }

    /// How the leg to `want` stands, if there is one.
    pub(super) fn stand(&self, want: Want) -> Option<Stand> {
        self.iter()
            .find(|leg| leg.want == want)
            .map(|leg| leg.stand)
    }
}

const IN_LINE: u64 = 0;
const CALLED: u64 = u64::MAX;
