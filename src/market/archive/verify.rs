//! Hashing an archive, and comparing it with what was signed.

use std::fs::File;
use std::io::{self, Seek};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::thread;

use sha2::{Digest, Sha256};

use crate::market::error::{Action, IoContext};
use crate::market::ids::to_hex;
use crate::market::merkle::{BlobDigest, Hash, LeafHasher};
use crate::market::{MarketError, VerifiedRelease};

/// Bytes read at once: few enough to stay in the cache between being read and being hashed.
const PIECE: usize = 64 * 1024;

/// Reads `archive` through and compares its size, SHA-256 and Merkle root with what was signed. Afterwards `archive` is
/// at its beginning.
pub fn verify(archive: &mut File, path: &Path, release: &VerifiedRelease) -> Result<(), MarketError> {
    let expected = release.release();
    let what = |part: &str| format!("the {part} of {} {}", expected.name, expected.version);
    let size = archive.metadata().at(Action::Read, path)?.len();
    same(what("archive size"), format!("{} bytes", expected.size), format!("{size} bytes"))?;
    let got = digest(archive, size).at(Action::Read, path)?;
    same(what("SHA-256"), expected.package_id.to_string(), to_hex(&got.sha256))?;
    same(what("Merkle root"), to_hex(&expected.merkle_root), to_hex(&got.merkle_root()))?;
    archive.rewind().at(Action::Read, path)
}

fn same(what: String, expected: String, got: String) -> Result<(), MarketError> {
    if expected == got { Ok(()) } else { Err(MarketError::Mismatch { what, expected, got }) }
}

/// SHA-256 and leaf hashes of the first `size` bytes. Both hash every byte, so each has a thread, and both together take
/// as long as one.
pub fn digest(archive: &File, size: u64) -> io::Result<BlobDigest> {
    thread::scope(|scope| {
        let leaves = scope.spawn(|| leaf_hashes(archive, size));
        let sha256 = sha256(archive, size)?;
        let leaves = leaves.join().map_err(|_| io::Error::other("a hashing thread stopped"))??;
        Ok(BlobDigest { sha256, leaves, size })
    })
}

fn sha256(archive: &File, size: u64) -> io::Result<Hash> {
    let mut hasher = Sha256::new();
    read_through(archive, size, |bytes| hasher.update(bytes))?;
    Ok(hasher.finalize().into())
}

fn leaf_hashes(archive: &File, size: u64) -> io::Result<Vec<Hash>> {
    let mut hasher = LeafHasher::default();
    read_through(archive, size, |bytes| hasher.update(bytes))?;
    Ok(hasher.finish())
}

/// Gives the first `size` bytes in pieces; a file that is shorter by now gives fewer.
fn read_through(file: &File, size: u64, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = vec![0; PIECE];
    let mut at = 0;
    while at < size {
        let want = usize::try_from(size - at).unwrap_or(PIECE).min(PIECE);
        let piece = buffer.get_mut(..want).unwrap_or_default();
        let read = match file.read_at(piece, at) {
            Ok(0) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        take(piece.get(..read).unwrap_or_default());
        at += read as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::merkle::BlobHasher;

    #[test]
    fn what_stands_behind_the_size_is_not_hashed() {
        let bytes = vec![7; 3 * PIECE];
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), &bytes).expect("written");
        for size in [0, 100, PIECE, 2 * PIECE + 1, bytes.len()] {
            let mut hasher = BlobHasher::default();
            hasher.update(&bytes[..size]);
            assert_eq!(digest(file.as_file(), size as u64).expect("read"), hasher.finish(), "{size} bytes");
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        let dir = tempfile::tempdir().expect("a directory");
        assert!(digest(&File::open(dir.path()).expect("open"), 10).is_err());
    }
}
