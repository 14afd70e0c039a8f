//! The Merkle tree over 256 KiB leaves of an archive.
//!
//! The tree has the shape of RFC 6962 section 2.1: of n leaves, the left branch holds the largest power of two smaller
//! than n. Leaves are hashed as SHA-256(0x00 ‖ bytes), inner nodes as SHA-256(0x01 ‖ left ‖ right), so that no inner
//! node can be passed off as a leaf.

use sha2::{Digest, Sha256};

/// Bytes in a leaf; the last leaf of a blob may be shorter.
pub const LEAF_SIZE: usize = 256 * 1024;

pub type Hash = [u8; 32];

/// The hash of one leaf (domain-separated: 0x00 ‖ bytes).
pub fn leaf_hash(bytes: &[u8]) -> Hash {
    let mut hasher = leaf_hasher();
    hasher.update(bytes);
    hasher.finalize().into()
}

fn leaf_hasher() -> Sha256 {
    Sha256::new_with_prefix([0])
}

/// The root over leaf hashes (inner nodes: 0x01 ‖ left ‖ right, RFC 6962 shape). Without leaves it is SHA-256 of
/// nothing, which no blob has: an empty blob has one empty leaf.
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&root(left), &root(right))
        }
    }
}

fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut hasher = Sha256::new_with_prefix([1]);
    hasher.update(left);
    hasher.update(right);
    hasher.finalize().into()
}

/// How many leaves a blob of `size` bytes has.
pub fn leaf_count(size: u64) -> u64 {
    size.div_ceil(LEAF_SIZE as u64).max(1)
}

/// The leaves of a blob, computed while its bytes stream by.
pub struct LeafHasher {
    leaf: Sha256,
    /// Bytes in the current leaf.
    filled: usize,
    leaves: Vec<Hash>,
}

/// Everything that identifies a blob, computed while its bytes stream by.
#[derive(Default)]
pub struct BlobHasher {
    whole: Sha256,
    leaves: LeafHasher,
    size: u64,
}

/// The hashes and the size of a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobDigest {
    /// SHA-256 of all bytes.
    pub sha256: Hash,
    pub leaves: Vec<Hash>,
    /// Bytes.
    pub size: u64,
}

impl BlobDigest {
    /// The Merkle root over the leaves.
    pub fn merkle_root(&self) -> Hash {
        root(&self.leaves)
    }
}

impl Default for LeafHasher {
    fn default() -> Self {
        Self { leaf: leaf_hasher(), filled: 0, leaves: Vec::new() }
    }
}

impl LeafHasher {
    /// Takes the next bytes, in pieces of any length.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.filled == LEAF_SIZE {
                self.close_leaf();
            }
            let (now, later) = bytes.split_at(bytes.len().min(LEAF_SIZE - self.filled));
            self.leaf.update(now);
            self.filled += now.len();
            bytes = later;
        }
    }

    fn close_leaf(&mut self) {
        let leaf = std::mem::replace(&mut self.leaf, leaf_hasher());
        self.leaves.push(leaf.finalize().into());
        self.filled = 0;
    }

    /// The leaves of all bytes taken.
    pub fn finish(mut self) -> Vec<Hash> {
        self.close_leaf();
        self.leaves
    }
}

impl BlobHasher {
    /// Takes the next bytes, in pieces of any length.
    pub fn update(&mut self, bytes: &[u8]) {
        self.whole.update(bytes);
        self.leaves.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// The digest of all bytes taken.
    pub fn finish(self) -> BlobDigest {
        BlobDigest { sha256: self.whole.finalize().into(), leaves: self.leaves.finish(), size: self.size }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(hash: &Hash) -> String {
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The roots that RFC 6962 implementations agree on for these leaves (certificate-transparency's reference data).
    #[test]
    fn roots_are_those_of_rfc_6962() {
        let data: [&[u8]; 4] = [b"", &[0x00], &[0x10], &[0x20, 0x21]];
        let leaves: Vec<Hash> = data.iter().map(|bytes| leaf_hash(bytes)).collect();
        assert_eq!(hex(&root(&[])), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(hex(&root(&leaves[..1])), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        assert_eq!(hex(&root(&leaves[..2])), "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
        assert_eq!(hex(&root(&leaves[..3])), "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77");
        assert_eq!(hex(&root(&leaves)), "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7");
    }

    #[test]
    fn streaming_in_pieces_gives_the_hashes_of_the_whole() {
        let bytes: Vec<u8> = (0..LEAF_SIZE * 2 + 77).map(|i| (i % 251) as u8).collect();
        let mut hasher = BlobHasher::default();
        for piece in bytes.chunks(10_007) {
            hasher.update(piece);
        }
        let digest = hasher.finish();
        let leaves: Vec<Hash> = bytes.chunks(LEAF_SIZE).map(leaf_hash).collect();
        assert_eq!(digest.sha256, <Hash>::from(Sha256::digest(&bytes)));
        assert_eq!(digest.leaves, leaves);
        assert_eq!(digest.leaves.len() as u64, leaf_count(digest.size));
        assert_eq!(digest.merkle_root(), root(&leaves));
    }

    #[test]
    fn leaves_are_as_large_as_the_protocol_says() {
        assert_eq!(LEAF_SIZE, 262_144);
    }

    #[test]
    fn a_full_leaf_is_not_followed_by_an_empty_one() {
        for size in [0, 1, LEAF_SIZE - 1, LEAF_SIZE, LEAF_SIZE + 1, 2 * LEAF_SIZE] {
            let mut hasher = BlobHasher::default();
            hasher.update(&vec![7; size]);
            assert_eq!(hasher.finish().leaves.len() as u64, leaf_count(size as u64), "{size} bytes");
        }
    }
}
