//! Which files an install put in place, and how they were then.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use sha2::{Digest, Sha256};

use crate::market::MarketError;
use crate::market::archive::MAX_FILES;
use crate::market::error::{Action, IoContext};

/// What the flat description beside the package's folder is called in an inventory. No file of a package has this path.
pub(crate) const DESCRIPTION: &str = "";

/// The mode of descriptions.
pub(super) const DESCRIPTION_MODE: u32 = 0o644;

/// A file as it was put in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Bytes.
    pub size: u64,
    pub sha256: [u8; 32],
    /// Permission bits.
    pub mode: u32,
}

/// The files of an install by their paths below its folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    pub(crate) files: BTreeMap<String, Stamp>,
}

impl Inventory {
    /// The package's own files, by path, with their sizes.
    pub fn sizes(&self) -> impl Iterator<Item = (&str, u64)> {
        self.files.iter().filter(|(path, _)| *path != DESCRIPTION).map(|(path, stamp)| (path.as_str(), stamp.size))
    }

    /// What is in `dir`.
    ///
    /// # Errors
    /// Anything but files and directories, more files than a package may have, names that are not UTF-8, or a file that
    /// cannot be read.
    pub(super) fn of(dir: &Path) -> Result<Self, MarketError> {
        let mut inventory = Self::default();
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            let path = dir.join(&folder);
            for entry in fs::read_dir(&path).at(Action::List, &path)? {
                let entry = entry.at(Action::List, &path)?;
                let kind = entry.file_type().at(Action::Read, &entry.path())?;
                let name = entry.file_name().into_string().map_err(|_| not_a_package(&path))?;
                let relative = below(&folder, &name);
                if kind.is_dir() {
                    folders.push(relative);
                } else if kind.is_file() && inventory.files.len() < MAX_FILES as usize {
                    let stamp = stamp(&entry.path(), u64::MAX).at(Action::Read, &entry.path())?;
                    inventory.files.insert(relative, stamp);
                } else {
                    return Err(not_a_package(&path));
                }
            }
        }
        Ok(inventory)
    }

    /// The same with the description of this text.
    pub(super) fn with_description(mut self, text: &str) -> Self {
        let stamp =
            Stamp { size: text.len() as u64, sha256: Sha256::digest(text.as_bytes()).into(), mode: DESCRIPTION_MODE };
        self.files.insert(DESCRIPTION.to_owned(), stamp);
        self
    }

    /// Whether `dir` has the files of this inventory and no others.
    pub(super) fn is_what_is_in(&self, dir: &Path) -> bool {
        let Ok(found) = Self::of(dir) else { return false };
        self.files.iter().filter(|(path, _)| *path != DESCRIPTION).eq(found.files.iter())
    }

    /// SHA-256 over all of it.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        for (path, stamp) in &self.files {
            hasher.update((path.len() as u64).to_be_bytes());
            hasher.update(path);
            hasher.update(stamp.size.to_be_bytes());
            hasher.update(stamp.sha256);
            hasher.update(stamp.mode.to_be_bytes());
        }
        hasher.finalize().into()
    }
}

/// Paths of packages have `/` between their parts.
pub(super) fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Permission bits.
pub(super) fn mode(about: &Metadata) -> u32 {
    about.mode() & 0o7777
}

/// Reads a file through, up to one byte more than `limit`. A link is not followed, a pipe not waited for.
///
/// # Errors
/// It cannot be read, or is no regular file.
pub(super) fn stamp(path: &Path, limit: u64) -> io::Result<Stamp> {
    let careful = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(careful.bits() as i32).open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let (size, sha256) = digest(&file, limit)?;
    Ok(Stamp { size, sha256, mode: mode(&about) })
}

fn digest(file: &File, limit: u64) -> io::Result<(u64, [u8; 32])> {
    let mut source = file.take(limit.saturating_add(1));
    let (mut hasher, mut size) = (Sha256::new(), 0);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = match source.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        size += read as u64;
        match buffer.get(..read) {
            None | Some([]) => return Ok((size, hasher.finalize().into())),
            Some(bytes) => hasher.update(bytes),
        }
    }
}

fn not_a_package(path: &Path) -> MarketError {
    MarketError::Refused {
        message: format!("there is something in {} that no package holds", path.display()),
        hint: "look at what it is, and move it away".into(),
    }
}
