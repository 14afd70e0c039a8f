//! The deterministic package archive: packing and safe extraction.
//!
//! An archive is a tar (POSIX ustar, regular files only, paths sorted bytewise, no times, owners or names, mode 755 for
//! executable files and 644 for all others, ended by two blocks of zeros) compressed as one zstd frame (level 3, with
//! content size and checksum). The same directory gives the same bytes.
//!
//! What is unpacked must be such an archive, though it may hold directory entries too:
//! - one zstd frame with a window of at most 8 MiB, nothing behind it; one tar, nothing behind its two blocks of zeros;
//! - regular files and directories (without content) only, no PAX or GNU extension entries, no set-uid, set-gid or sticky
//!   bits;
//! - at most 10,000 files, 20,000 files and directories, 512 MiB of content, and not more than 20 times the archive's
//!   size (or 1 MiB, if that is more) of content; headers and padding do not count;
//! - exactly as many files as were signed;
//! - paths as the module `rules` says: UTF-8, relative, at most 255 bytes and 32 parts, without `..`, characters that are
//!   invisible or that some file system refuses, names that Windows reserves, `.git` and `.ggen`, and no two that become
//!   one when case and Unicode composition are ignored.

mod allow;
mod beneath;
mod changes;
mod extract;
mod links;
mod list;
mod pack;
pub mod repository;
mod rules;
mod secrets;
mod verify;

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod real;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::{Finding, PackageId, SafeText, merkle};

pub use allow::Allowed;
pub use changes::{Bump, Change, FileChange, changes};
pub(crate) use extract::extract;
pub use extract::{Extracted, contents};
pub(crate) use list::{files, is_ontology, is_template};
pub use pack::{pack, pack_with};
pub(crate) use rules::fault as path_fault;
pub(crate) use verify::digest;
pub use verify::verify;

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

/// The code of the finding that a file looks like a secret, and of the one that it is published all the same.
pub const SECRET: &str = "secret";
pub const SECRET_ALLOWED: &str = "secret-allowed";

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

/// The most bytes that the files of an archive of `size` bytes may have together. What a tar needs beside them does not
/// count: the headers of many small files compress to almost nothing.
fn unpacked_limit(size: u64) -> u64 {
    size.saturating_mul(MAX_RATIO).max(RATIO_FLOOR)
}
