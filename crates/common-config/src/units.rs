//! Sizes and spans of time, written as people write them: `50MiB`, `10m`.

mod byte_size;
mod duration;

pub use byte_size::{ByteSize, ByteSizeError};
pub use duration::{Duration, DurationError};
