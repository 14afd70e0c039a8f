//! The messages of `/ggen/blob/1.0.0`.
//!
//! The asker opens a stream and sends any number of [`Request`]s; each is answered in order: a manifest request by one
//! [`Reply`], a leaves request by one [`Reply::Leaf`] per leaf, ascending, or by one other reply that ends it. Leaves may
//! be asked for only after a manifest of that stream was answered by [`Reply::Manifest`]. The asker closes when it is done.
//!
//! Who is still downloading a blob has its manifest, and some of its leaves: [`Request::Held`] asks which.

use std::ops::Range;

use minicbor::{Decode, Decoder, Encode, Encoder};

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
    /// `[2, package id (bytes, 32)]`: which leaves of a blob are there. It may be asked without having the manifest.
    #[n(2)]
    Held(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]),
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
    /// `[5, size (uint), bitmap (bytes)]`: which leaves are there.
    #[n(5)]
    Held(#[n(0)] u64, #[cbor(n(1), with = "minicbor::bytes")] Vec<u8>),
}

/// The beginning of a [`Reply::Leaf`], up to where its `length` bytes follow.
pub fn leaf_header(index: u32, length: usize) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::with_capacity(length + (MAX_LEAF_REPLY - LEAF_SIZE)));
    // Writing to a Vec cannot fail.
    let _ = encoder.array(3).and_then(|e| e.u8(3)).and_then(|e| e.u32(index)).and_then(|e| e.bytes_len(length as u64));
    encoder.into_writer()
}

/// The index and the place of the bytes in a [`Reply::Leaf`], so that they need not be copied out of it. `None`: it is none.
pub fn leaf_in(reply: &[u8]) -> Option<(u32, Range<usize>)> {
    let mut decoder = Decoder::new(reply);
    let (3, 3) = (decoder.array().ok()??, decoder.u8().ok()?) else { return None };
    let index = decoder.u32().ok()?;
    let length = decoder.bytes().ok()?.len();
    let end = decoder.position();
    (end == reply.len()).then(|| (index, end - length..end))
}

/// Bytes of the longest reply to the question which leaves of a blob of `size` bytes are there.
pub fn max_held_reply(size: u64) -> usize {
    usize::try_from(leaf_count(size) / 8).unwrap_or(usize::MAX).saturating_add(32)
}

/// For each leaf of a blob of `size` bytes what a bitmap says; `None` when it has not as many bits.
pub fn held(bitmap: &[u8], size: u64) -> Option<Vec<bool>> {
    let count = usize::try_from(leaf_count(size)).ok()?;
    (bitmap.len() == count.div_ceil(8)).then(|| (0..count).map(|index| codec::bit(bitmap, index)).collect())
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
        assert_eq!(codec::encode(&Request::Held([7; 32]))[..4], [0x82, 0x02, 0x58, 0x20]);
        assert_eq!(codec::encode(&Reply::Held(9, vec![0b11])), [0x83, 5, 9, 0x41, 3]);
    }

    #[test]
    fn a_leaf_is_written_and_found_without_copying_it() {
        for (index, bytes) in [(0, vec![]), (1, vec![9; 3]), (70_000, vec![7; LEAF_SIZE])] {
            let whole = codec::encode(&Reply::Leaf(index, bytes.clone()));
            assert_eq!([leaf_header(index, bytes.len()), bytes.clone()].concat(), whole);
            let (found, range) = leaf_in(&whole).unwrap();
            assert_eq!((found, &whole[range]), (index, bytes.as_slice()));
        }
        assert_eq!(leaf_in(&codec::encode(&Reply::Refused)), None);
        assert_eq!(leaf_in(&[0x83, 3, 1, 0x41, 9, 9]), None, "something behind it");
    }

    #[test]
    fn a_bitmap_has_a_bit_for_each_leaf() {
        let size = 9 * LEAF_SIZE as u64;
        assert_eq!(held(&[0b101, 1], size).unwrap(), [true, false, true, false, false, false, false, false, true]);
        assert_eq!((held(&[0xff], size), held(&[0; 3], size)), (None, None));
        assert!(codec::encode(&Reply::Held(size, vec![0xff; 2])).len() <= max_held_reply(size));
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
            let reply = codec::decode::<Reply>(&bytes);
            if let Some((index, range)) = leaf_in(&bytes) {
                prop_assert_eq!(reply.unwrap(), Reply::Leaf(index, bytes[range].to_vec()));
            }
        }

        #[test]
        fn replies_come_back(size in any::<u64>(), index in any::<u32>(), bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            for reply in [Reply::Manifest(size, bytes.clone()), Reply::Leaf(index, bytes)] {
                prop_assert_eq!(codec::decode::<Reply>(&codec::encode(&reply)).unwrap(), reply);
            }
        }
    }
}
