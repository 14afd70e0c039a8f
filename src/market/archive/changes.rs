//! What one archive of a package has that another had not.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{MAX_ARCHIVE, MAX_FILES};
use crate::market::error::{Action, IoContext};
use crate::market::{MarketError, SafeText};

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    Removed,
    Added,
    Changed,
}

/// A file that is another than it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    pub path: SafeText,
    pub change: Change,
    /// Bytes; 0 where there is none.
    pub before: u64,
    pub now: u64,
}

/// The part of a version that a change asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bump {
    Patch,
    Minor,
    Major,
}

impl Bump {
    pub const ALL: [Self; 3] = [Self::Patch, Self::Minor, Self::Major];

    /// What these changes ask for: who uses a file that is gone must change something, who finds a new one need not.
    pub fn of(changes: &[FileChange]) -> Self {
        let any = |wanted| changes.iter().any(|one| one.change == wanted);
        match (any(Change::Removed), any(Change::Added)) {
            (true, _) => Self::Major,
            (false, true) => Self::Minor,
            (false, false) => Self::Patch,
        }
    }

    /// The version after `before`. Below 1.0.0 what breaks raises the minor number, as everybody reads it.
    pub fn after(self, before: &semver::Version) -> semver::Version {
        let (major, minor, patch) = (before.major, before.minor, before.patch);
        match (self, major) {
            (Self::Major, 1..) => semver::Version::new(major.saturating_add(1), 0, 0),
            (Self::Minor, 1..) | (Self::Major, 0) => semver::Version::new(major, minor.saturating_add(1), 0),
            (Self::Patch, _) | (Self::Minor, 0) => semver::Version::new(major, minor, patch.saturating_add(1)),
        }
    }
}

/// What `now` has that `before` had not, and the other way round, by path. Both are archives of this home; what is in them is
/// bounded all the same.
///
/// # Errors
/// An archive cannot be read.
pub fn changes(before: &Path, now: &Path) -> Result<Vec<FileChange>, MarketError> {
    let (mut before, now) = (files(before).at(Action::Read, before)?, files(now).at(Action::Read, now)?);
    let mut changes = Vec::new();
    let mut add = |path: &str, change, before, now| {
        changes.push(FileChange { path: SafeText::new(path), change, before, now });
    };
    for (path, (size, hash)) in &now {
        match before.remove(path) {
            None => add(path, Change::Added, 0, *size),
            Some((old, other)) if other != *hash => add(path, Change::Changed, old, *size),
            Some(_) => {}
        }
    }
    for (path, (size, _)) in &before {
        add(path, Change::Removed, *size, 0);
    }
    changes.sort_by(|a, b| (a.change, a.path.as_str()).cmp(&(b.change, b.path.as_str())));
    Ok(changes)
}

/// Size and hash of each file.
fn files(archive: &Path) -> io::Result<BTreeMap<String, (u64, [u8; 32])>> {
    let decoder = zstd::Decoder::new(File::open(archive)?)?;
    // The headers of many small files take their room too.
    let mut tar = tar::Archive::new(BufReader::new(decoder.take(2 * MAX_ARCHIVE)));
    let mut files = BTreeMap::new();
    for entry in tar.entries()?.take(2 * MAX_FILES as usize) {
        let mut entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path()?.to_string_lossy().into_owned();
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 64 * 1024];
        let mut size = 0u64;
        loop {
            let read = entry.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            size += read as u64;
            hasher.update(buffer.get(..read).unwrap_or_default());
        }
        files.insert(path, (size, hasher.finalize().into()));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::archive::pack;

    fn packed(files: &[(&str, &str)]) -> tempfile::NamedTempFile {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            std::fs::write(dir.path().join(path), text).unwrap();
        }
        pack(dir.path(), &std::env::temp_dir()).unwrap().archive
    }

    #[test]
    fn files_come_go_and_change_and_the_version_with_them() {
        let before = packed(&[("gone.txt", "a"), ("same.txt", "b"), ("other.txt", "c")]);
        let now = packed(&[("same.txt", "b"), ("other.txt", "dd"), ("new.txt", "e")]);
        let found = changes(before.path(), now.path()).unwrap();
        let shown: Vec<_> = found.iter().map(|one| (one.path.as_str(), one.change, one.before, one.now)).collect();
        assert_eq!(
            shown,
            [
                ("gone.txt", Change::Removed, 1, 0),
                ("new.txt", Change::Added, 0, 1),
                ("other.txt", Change::Changed, 1, 2)
            ]
        );
        assert!(changes(now.path(), now.path()).unwrap().is_empty());
        assert_eq!(
            [Bump::of(&found), Bump::of(&found[1..]), Bump::of(&found[2..])],
            [Bump::Major, Bump::Minor, Bump::Patch]
        );
        let after = |version: &str| Bump::ALL.map(|bump| bump.after(&version.parse().unwrap()).to_string());
        assert_eq!(after("1.2.3-rc.1"), ["1.2.4", "1.3.0", "2.0.0"]);
        assert_eq!(after("0.2.3"), ["0.2.4", "0.2.4", "0.3.0"]);
    }

    #[test]
    fn what_is_no_archive_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "nothing of the kind").unwrap();
        assert!(changes(file.path(), file.path()).is_err());
    }
}
