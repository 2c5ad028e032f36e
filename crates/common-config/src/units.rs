//! Sizes, spans of time and rates, written as people write them: `50MiB`, `10m`, `100/1m`.

mod byte_size;
mod duration;
mod rate;

pub use byte_size::{ByteSize, ByteSizeError};
pub use duration::{Duration, DurationError};
pub use rate::{Rate, RateError};
