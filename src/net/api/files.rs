//! The files of a package.

use serde::{Deserialize, Serialize};

use crate::market::archive::FileEntry;
use crate::market::{Db, MarketError, PackageName, SafeText};

/// Files of a package, those that are installed or those that would be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FileList {
    /// The first of them, by path.
    pub files: Vec<FileEntry>,
    /// Further ones.
    pub unlisted: u64,
    /// What was put in place is not known (any more).
    pub unknown: bool,
}

impl FileList {
    /// Files that are listed; all are counted.
    pub const MAX_LISTED: usize = 1000;

    /// As many of `files` as are listed.
    pub fn of(mut files: Vec<FileEntry>) -> Self {
        files.sort_by(|a, b| a.path.as_str().cmp(b.path.as_str()));
        let unlisted = files.len().saturating_sub(Self::MAX_LISTED) as u64;
        files.truncate(Self::MAX_LISTED);
        Self { files, unlisted, unknown: false }
    }

    /// Those of what is installed under `name`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn installed(db: &mut Db, name: &PackageName) -> Result<Self, MarketError> {
        let Some(inventory) = db.inventory(name)? else { return Ok(Self { unknown: true, ..Self::default() }) };
        let entry = |(path, size): (&str, u64)| FileEntry { path: SafeText::new(path), size };
        Ok(Self::of(inventory.sizes().map(entry).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_listed_and_all_counted() {
        let file = |n: u64| FileEntry { path: SafeText::new(&format!("{n:05}")), size: n };
        let list = FileList::of((0..1200).rev().map(file).collect());
        assert_eq!((list.files.len(), list.unlisted, list.unknown), (FileList::MAX_LISTED, 200, false));
        assert_eq!((list.files[0].size, list.files[999].size), (0, 999));
        assert_eq!(FileList::of(vec![file(7)]), FileList { files: vec![file(7)], ..FileList::default() });
    }
}
