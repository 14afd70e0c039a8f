//! The deterministic package archive: packing and safe extraction.
//!
//! An archive is a tar (POSIX ustar, regular files only, paths sorted bytewise, no times, owners or names, mode 755 for
//! executable files and 644 for all others, ended by two blocks of zeros) compressed as one zstd frame (level 3, with
//! content size and checksum). The same directory gives the same bytes.
//!
//! What is unpacked must be such an archive, though it may hold directory entries too:
//! - one zstd frame with a window of at most 8 MiB, nothing behind it; one tar, nothing behind its two blocks of zeros;
//! - regular files and directories only, no PAX or GNU extension entries, no set-uid, set-gid or sticky bits;
//! - at most 10,000 files, 20,000 files and directories, 512 MiB of content, and not more than 20 times the archive's
//!   size (or 1 MiB, if that is more) including tar headers;
//! - exactly as many files as were signed;
//! - paths as the module `rules` says: UTF-8, relative, at most 255 bytes and 32 parts, without `..`, characters that are
//!   invisible or that some file system refuses, names that Windows reserves, `.git` and `.ggen`, and no two that become
//!   one when case and Unicode composition are ignored.

mod extract;
mod list;
mod pack;
mod rules;
mod secrets;

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::{Action, IoContext};
use super::ids::to_hex;
use super::merkle::{self, BlobDigest, BlobHasher};
use super::{Finding, MarketError, PackageId, SafeText, VerifiedRelease};

pub(crate) use extract::extract;
pub use pack::pack;

/// Bytes of the largest archive, and of the largest sum of its files: 512 MiB.
pub const MAX_ARCHIVE: u64 = 512 << 20;

/// Files in the largest package.
pub const MAX_FILES: u32 = 10_000;

/// Unpacked bytes may be this many times the archive's …
const MAX_RATIO: u64 = 20;

/// … or this many in any case: small packages of repetitive text compress better than 20:1 and harm nobody.
const RATIO_FLOOR: u64 = 1 << 20;

/// Bytes of a tar block.
const BLOCK: u64 = 512;

/// A file of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Relative, `/`-separated.
    pub path: SafeText,
    /// Bytes.
    pub size: u64,
}

/// A packed package, in memory or a temporary file (an archive is at most 512 MiB; keep it off the heap).
#[derive(Debug)]
pub struct Packed {
    pub package_id: PackageId,
    /// Archive bytes.
    pub size: u64,
    pub merkle_root: merkle::Hash,
    pub leaves: Vec<merkle::Hash>,
    pub files: Vec<FileEntry>,
    /// What listing the files brought up; those of the manifest are `Manifest::read`'s.
    pub findings: Vec<Finding>,
    /// The archive.
    pub archive: tempfile::NamedTempFile,
}

/// Reads `archive` through and compares its size, SHA-256 and Merkle root with what was signed. Afterwards `archive` is
/// at its beginning.
pub fn verify(archive: &mut File, path: &Path, release: &VerifiedRelease) -> Result<(), MarketError> {
    let expected = release.release();
    let what = |part: &str| format!("the {part} of {} {}", expected.name, expected.version);
    let size = archive.metadata().at(Action::Read, path)?.len();
    same(what("archive size"), format!("{} bytes", expected.size), format!("{size} bytes"))?;
    let digest = digest(archive, path, size)?;
    same(what("SHA-256"), expected.package_id.to_string(), to_hex(&digest.sha256))?;
    same(what("Merkle root"), to_hex(&expected.merkle_root), to_hex(&digest.merkle_root()))?;
    archive.rewind().at(Action::Read, path)
}

fn same(what: String, expected: String, got: String) -> Result<(), MarketError> {
    if expected == got { Ok(()) } else { Err(MarketError::Mismatch { what, expected, got }) }
}

fn digest(archive: &mut File, path: &Path, limit: u64) -> Result<BlobDigest, MarketError> {
    archive.rewind().at(Action::Read, path)?;
    let mut hasher = BlobHasher::default();
    let mut buffer = vec![0; 64 * 1024];
    let mut rest = archive.take(limit);
    loop {
        let read = rest.read(&mut buffer).at(Action::Read, path)?;
        match buffer.get(..read) {
            None | Some([]) => return Ok(hasher.finish()),
            Some(bytes) => hasher.update(bytes),
        }
    }
}

/// The most bytes that an archive of `size` bytes may unpack to, tar blocks included.
fn unpacked_limit(size: u64) -> u64 {
    size.saturating_mul(MAX_RATIO).max(RATIO_FLOOR)
}
