//! Whether two directories hold the same files.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::market::archive::MAX_FILES;

/// Files of both with the same names and bytes, and nothing else. What cannot be read is not the same.
pub(super) fn tree(a: &Path, b: &Path) -> bool {
    let (Ok(files), Ok(others)) = (files(a), files(b)) else { return false };
    let same = |path: &PathBuf| matches!((fs::read(a.join(path)), fs::read(b.join(path))), (Ok(a), Ok(b)) if a == b);
    files == others && files.keys().all(same)
}

/// Size by path. Anything but files and directories, or more files than a package may have, is an error.
fn files(root: &Path) -> io::Result<BTreeMap<PathBuf, u64>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let (about, path) = (entry.metadata()?, folder.join(entry.file_name()));
            match about.file_type() {
                kind if kind.is_dir() => folders.push(path),
                kind if kind.is_file() && found.len() < MAX_FILES as usize => drop(found.insert(path, about.len())),
                _ => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }
    Ok(found)
}
