//! Every decoder of bytes from outside, and what it promises for any of them.
//!
//! Each layer lists its own in a module `decoders`: a check that panics when a promise is broken, and a few good inputs to
//! begin with. The tests drive the checks with proptest, the targets in `fuzz/` with libFuzzer; so this module is there
//! only in tests and under `cfg(fuzzing)`. What belongs to a new decoder is in docs/TESTING.md.

#[cfg(test)]
mod tests;

use std::fmt::Display;

use tempfile::TempDir;

/// A decoder under test.
#[derive(Clone, Copy, Debug)]
pub struct Decoder {
    /// The name of its fuzz target.
    pub name: &'static str,
    /// Decodes the bytes; panics when the decoder breaks a promise.
    pub check: fn(&[u8]),
    /// Small inputs, most of them good, that others are made from. Inputs that once broke a promise stay among them.
    pub samples: fn() -> Vec<Vec<u8>>,
}

/// All of them, by layer.
pub fn all() -> impl Iterator<Item = &'static Decoder> {
    let layers = [
        crate::config::decoders::DECODERS,
        crate::market::decoders::DECODERS,
        crate::net::decoders::DECODERS,
        crate::app::decoders::DECODERS,
    ];
    layers.into_iter().flatten()
}

/// Runs the check of the decoder called `name`.
pub fn check(name: &str, bytes: &[u8]) {
    let decoder = all().find(|decoder| decoder.name == name);
    (decoder.unwrap_or_else(|| panic!("there is no decoder {name}")).check)(bytes);
}

/// An error may be printed: one line, and nothing in it that a terminal obeys.
pub(crate) fn shown(error: impl Display) {
    let text = error.to_string();
    let obeyed = |c: char| c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}');
    assert!(!text.chars().any(obeyed), "not fit for a terminal: {text:?}");
    assert!(text.len() < 4096, "an error of {} bytes", text.len());
}

/// A directory for the files of one check, in memory where there is such a place.
pub(crate) fn scratch() -> TempDir {
    let in_memory = std::path::Path::new("/dev/shm");
    let dir = if in_memory.is_dir() { TempDir::new_in(in_memory) } else { TempDir::new() };
    dir.expect("a temporary directory")
}
