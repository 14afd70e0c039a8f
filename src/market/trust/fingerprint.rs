//! Keys as people compare them.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::market::PublisherKey;

/// Bytes of the hash that are shown: 128 bits, for which nobody finds a second key.
const SHOWN: usize = 16;

/// The first half of the SHA-256 of a publisher's 32 key bytes, as eight groups of four hex digits:
/// `ab12-cd34-…`. Short enough to read out; shown wherever two keys are to be told apart by eye.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; SHOWN]);

impl Fingerprint {
    pub fn of(key: &PublisherKey) -> Self {
        let hash: [u8; 32] = Sha256::digest(key.0).into();
        let mut shown = [0; SHOWN];
        shown.copy_from_slice(&hash[..SHOWN]);
        Self(shown)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups = self.0.as_chunks::<2>().0.iter().map(|[high, low]| format!("{high:02x}{low:02x}"));
        f.pad(&groups.collect::<Vec<_>>().join("-"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_eight_groups_of_the_hash_of_the_key() {
        // printf '\0%.0s' {1..32} | sha256sum
        let shown = Fingerprint::of(&PublisherKey([0; 32])).to_string();
        assert_eq!(shown, "6668-7aad-f862-bd77-6c8f-c18b-8e9f-8e20");
        assert_ne!(shown, Fingerprint::of(&PublisherKey([1; 32])).to_string());
    }
}
