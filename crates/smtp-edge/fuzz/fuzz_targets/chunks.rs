//! `cargo xtask fuzz chunks`: what is checked stands in the file that is included.
#![no_main]

#[path = "../../tests/checks/chunks.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|input: &[u8]| check::check(input));
