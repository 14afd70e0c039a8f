//! The messages of `/ggen/blob/1.0.0`.
//!
//! The asker opens a stream and sends any number of [`Request`]s; each is answered in order: a manifest request by one
//! [`Reply`], a leaves request by one [`Reply::Leaf`] per leaf, ascending, or by one other reply that ends it. Leaves may
//! be asked for only after a manifest of that stream was answered by [`Reply::Manifest`]. The asker closes when it is done.

use minicbor::{Decode, Encode};

use crate::market::merkle::{Hash, LEAF_SIZE, leaf_count};
use crate::market::{PackageId, VerifiedRelease};

use super::super::codec::{self, CodecError};

/// Bytes of the longest request.
pub const MAX_REQUEST: usize = 64;
/// Most leaves in one request.
pub const MAX_LEAVES_PER_REQUEST: u32 = 16;
/// Bytes of the longest reply that carries a leaf: the leaf and what goes around it.
pub const MAX_LEAF_REPLY: usize = LEAF_SIZE + 32;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum Request {
    /// `[0, package id (bytes, 32)]`: the size and leaf hashes of a blob.
    #[n(0)]
    Manifest(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]),
    /// `[1, first (uint), count (uint, 1 to 16)]`: leaves of the blob whose manifest was asked for last.
    #[n(1)]
    Leaves(#[n(0)] u32, #[n(1)] u32),
}

impl Request {
    /// The manifest of `package`.
    pub fn manifest(package: PackageId) -> Self {
        Self::Manifest(package.0)
    }
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum Reply {
    /// `[0, size (uint), leaf hashes (bytes, 32 for each leaf)]`
    #[n(0)]
    Manifest(#[n(0)] u64, #[cbor(n(1), with = "minicbor::bytes")] Vec<u8>),
    /// `[1]`: no such blob here.
    #[n(1)]
    NotFound,
    /// `[2]`: too many uploads at the moment; ask another, or later.
    #[n(2)]
    Busy,
    /// `[3, index (uint), bytes]`: one leaf.
    #[n(3)]
    Leaf(#[n(0)] u32, #[cbor(n(1), with = "minicbor::bytes")] Vec<u8>),
    /// `[4]`: the request was out of range, out of order, or the bytes could not be read.
    #[n(4)]
    Refused,
}

/// Bytes of the longest reply to a manifest request for `release`.
pub fn max_manifest_reply(release: &VerifiedRelease) -> usize {
    usize::try_from(leaf_count(release.release().size)).unwrap_or(usize::MAX).saturating_mul(32).saturating_add(32)
}

/// The leaf hashes in a manifest reply for a blob of `size` bytes; `None` when their number is not what `size` makes.
pub fn leaf_hashes(bytes: &[u8], size: u64) -> Result<Option<Vec<Hash>>, CodecError> {
    let hashes = codec::split_ids(bytes, usize::MAX)?;
    Ok((hashes.len() as u64 == leaf_count(size)).then_some(hashes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_wire_form_is_as_documented() {
        let mut expected = vec![0x82, 0x00, 0x58, 0x20];
        expected.extend([7; 32]);
        assert_eq!(codec::encode(&Request::Manifest([7; 32])), expected);
        assert_eq!(codec::encode(&Request::Leaves(3, 4)), [0x83, 1, 3, 4]);
        assert_eq!(codec::encode(&Reply::NotFound), [0x81, 1]);
        assert_eq!(codec::encode(&Reply::Leaf(1, vec![9, 9])), [0x83, 3, 1, 0x42, 9, 9]);
    }

    #[test]
    fn the_longest_leaf_fits_its_limit() {
        assert!(codec::encode(&Reply::Leaf(u32::MAX, vec![0; LEAF_SIZE])).len() <= MAX_LEAF_REPLY);
        assert!(codec::encode(&Request::Manifest([0; 32])).len() <= MAX_REQUEST);
    }

    #[test]
    fn the_number_of_hashes_must_fit_the_size() {
        assert_eq!(leaf_hashes(&[0; 64], LEAF_SIZE as u64 + 1).unwrap().map(|hashes| hashes.len()), Some(2));
        assert_eq!(leaf_hashes(&[0; 64], LEAF_SIZE as u64).unwrap(), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = codec::decode::<Request>(&bytes);
            let _ = codec::decode::<Reply>(&bytes);
        }

        #[test]
        fn replies_come_back(size in any::<u64>(), index in any::<u32>(), bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            for reply in [Reply::Manifest(size, bytes.clone()), Reply::Leaf(index, bytes)] {
                prop_assert_eq!(codec::decode::<Reply>(&codec::encode(&reply)).unwrap(), reply);
            }
        }
    }
}
