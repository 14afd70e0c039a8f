//! Central indexes: lists of packages that somebody keeps at one place, unsigned.
//!
//! Three shapes are read, one type comes out ([`CentralPackage`]):
//! - `{"version", "packages": […], "search_index"}`, with an archive and a checksum for each package,
//! - a bare array of packages,
//! - `{"updated", "packs": {id: {…, "versions": {version: {"git_url", "git_rev"}}}}}`.
//!
//! An index is hostile input: it is read as a stream, bounded in size, entries and texts; what cannot be taken of it is
//! counted with its reason, never dropped in silence.

mod checksum;
pub mod copy;
mod entry;
mod location;
mod parse;
mod search;

#[cfg(test)]
mod tests;

use semver::Version;

use super::{Dependency, PackageName, SafeText};

pub use checksum::{Checked, check, directory_checksum};
pub use location::Location;

/// Bytes of the largest index file: 64 MiB.
pub const MAX_INDEX: u64 = 64 << 20;

/// Packages taken of one index.
pub const MAX_PACKAGES: usize = 100_000;

/// Entries named among the skipped ones; all are counted.
const MAX_NAMED: usize = 16;

/// An index as it was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Index {
    /// In the order of the file, each (name, version) once.
    pub packages: Vec<CentralPackage>,
    /// Entries that were not taken.
    pub skipped: u64,
    /// The first of them.
    pub named: Vec<Skipped>,
}

/// An entry that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its name as written, or its place.
    pub what: SafeText,
    pub why: SafeText,
}

/// One version of a package, as a central index describes it. Nobody has signed any of it.
#[derive(Clone, Debug, PartialEq)]
pub struct CentralPackage {
    pub name: PackageName,
    /// The name for people.
    pub title: SafeText,
    pub version: Version,
    pub description: SafeText,
    pub category: SafeText,
    pub tags: Vec<SafeText>,
    pub keywords: Vec<SafeText>,
    pub author: SafeText,
    pub licence: SafeText,
    pub repository: SafeText,
    pub dependencies: Vec<Dependency>,
    /// Where its files are, or why it cannot be installed from here.
    pub download: Result<Download, SafeText>,
    /// [`directory_checksum`] of its files, where the index gives one.
    pub checksum: Option<[u8; 32]>,
}

/// An archive of a whole repository, and where in it the package is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// A zip or tar.gz.
    pub url: Location,
    /// Relative, `/`-separated; empty is the repository itself.
    pub path: String,
}

impl Index {
    /// The versions of `name`, newest first.
    pub fn versions(&self, name: &PackageName) -> Vec<&CentralPackage> {
        let mut versions: Vec<_> = self.packages.iter().filter(|package| package.name == *name).collect();
        versions.sort_by(|a, b| b.version.cmp(&a.version));
        versions
    }
}
