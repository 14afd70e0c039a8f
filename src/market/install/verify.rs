//! Whether installed files are still what was put in place.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::Path;

use semver::Version;
use serde::{Deserialize, Serialize};

use super::inventory::{DESCRIPTION, Inventory, Stamp, below, mode, stamp};
use super::place::Place;
use super::{Contents, Prepared};
use crate::market::archive::MAX_FILES;
use crate::market::store::Installed;
use crate::market::{MarketError, PackageName, SafeText, Store};

/// Problems that are listed; all are counted.
const MAX_LISTED: usize = 1000;

/// Entries of folders that are looked at: more than a package has, whatever somebody put beside its files.
const MAX_ENTRIES: usize = 8 * MAX_FILES as usize;

/// What became of comparing an install with what was put in place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    pub name: PackageName,
    pub version: Version,
    /// Files that should be there, their description beside them included.
    pub files_checked: u32,
    /// The first of them, by path.
    pub problems: Vec<Problem>,
    /// Further ones.
    pub unlisted: u64,
    pub basis: Basis,
}

impl Verification {
    /// Whether every file is there as it was put. Files that were added since do no harm to that.
    pub fn is_sound(&self) -> bool {
        self.basis != Basis::Unknown && self.unlisted == 0 && self.problems.iter().all(Problem::is_harmless)
    }
}

/// A file that is not as it was put in place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Below the package's folder; the description beside it is `../<name>.toml`.
    pub path: SafeText,
    pub kind: ProblemKind,
}

impl Problem {
    /// Whether it leaves the package's own files alone.
    pub fn is_harmless(&self) -> bool {
        self.kind == ProblemKind::Added
    }
}

/// How a file differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProblemKind {
    Missing,
    /// Other bytes, or no regular file any more: a link for example, which is not followed.
    Changed,
    /// It was not put there by the install. A whole folder is named once.
    Added,
    /// Other permissions.
    Mode,
    Unreadable,
}

impl ProblemKind {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Changed => "changed",
            Self::Added => "added",
            Self::Mode => "mode",
            Self::Unreadable => "unreadable",
        }
    }
}

/// What the files were compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// What was written down when they were put in place.
    Inventory,
    /// The signed archive, which is among this node's blobs: they were installed before inventories were kept.
    Archive,
    /// There is nothing to compare them with.
    Unknown,
}

/// Compares what is installed under `name` with what was put in place. Reads every file; blocks.
///
/// # Errors
/// Not found: nothing is installed under the name. The database cannot be read.
pub fn verify(store: &Store, packs_dir: &Path, name: &PackageName) -> Result<Verification, MarketError> {
    let wanted = name.clone();
    let noted = store.run_blocking(move |db| Ok((db.installed_as(&wanted)?, db.inventory(&wanted)?)))?;
    let (Some(entry), inventory) = noted else {
        return Err(MarketError::NotFound {
            message: format!("{name} is not installed"),
            hint: "see what is with: ggen-p2p-tui list".into(),
        });
    };
    let (basis, inventory) = match inventory {
        Some(inventory) => (Basis::Inventory, Some(inventory)),
        None => (Basis::Archive, from_archive(store, &entry)),
    };
    let basis = if inventory.is_some() { basis } else { Basis::Unknown };
    let found = inventory.map(|inventory| compare(&Place::of(name, packs_dir), &inventory)).unwrap_or_default();
    Ok(Verification {
        name: entry.name,
        version: entry.version,
        files_checked: found.files_checked,
        problems: found.problems,
        unlisted: found.unlisted,
        basis,
    })
}

/// Whether everything that `entry` put in place is there unchanged. With nothing to compare with, that its folder is there
/// has to do.
///
/// # Errors
/// The database cannot be read.
pub fn is_intact(store: &Store, packs_dir: &Path, entry: &Installed) -> Result<bool, MarketError> {
    let found = match verify(store, packs_dir, &entry.name) {
        Err(MarketError::NotFound { .. }) => return Ok(false),
        found => found?,
    };
    Ok(match found.basis {
        Basis::Unknown => Place::of(&entry.name, packs_dir).dir.is_dir(),
        _ => found.is_sound() && found.version == entry.version,
    })
}

/// What an install from the blob of its release would put in place.
fn from_archive(store: &Store, entry: &Installed) -> Option<Inventory> {
    let (name, publisher, version, id) =
        (entry.name.clone(), entry.publisher?, entry.version.clone(), entry.package_id);
    let held = store.run_blocking(move |db| {
        let releases = db.versions(&name, Some(publisher))?;
        let is_it = |release: &crate::market::Release| release.version == version && release.package_id == id;
        let release = releases.into_iter().find(|release| is_it(release.release()));
        let path = db.blob(id)?.map(|_| db.blob_path(id));
        Ok(release.zip(path).map(|(release, path)| (release, path, db.incoming_dir())))
    });
    let (release, path, incoming) = held.ok()??;
    let prepared = Prepared::new(&Contents::Archive { path: &path, release: &release }, &incoming);
    prepared.ok().map(|prepared| prepared.inventory)
}

/// What differs.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    pub files_checked: u32,
    problems: Vec<Problem>,
    unlisted: u64,
}

impl Comparison {
    pub fn is_sound(&self) -> bool {
        self.unlisted == 0 && self.problems.iter().all(Problem::is_harmless)
    }

    fn add(&mut self, path: &str, kind: ProblemKind) {
        if self.problems.len() < MAX_LISTED {
            self.problems.push(Problem { path: SafeText::new(path), kind });
        } else {
            self.unlisted += 1;
        }
    }
}

/// Compares what is in a package's place with an inventory. Of no file more is read than it should have, and links are not
/// followed.
pub(super) fn compare(place: &Place, inventory: &Inventory) -> Comparison {
    let mut found = Comparison::default();
    let is_folder = place.dir.symlink_metadata().is_ok_and(|about| about.is_dir());
    let folders = folders(inventory, &place.dir);
    for (path, expected) in &inventory.files {
        found.files_checked += 1;
        let (shown, file) = match path.as_str() {
            DESCRIPTION => {
                let name = place.flat.file_name().unwrap_or_default().to_string_lossy();
                (format!("../{name}"), place.flat.clone())
            }
            path => (path.to_owned(), place.dir.join(path)),
        };
        let above = path.rsplit_once('/').map_or("", |(above, _)| above);
        let kind = if path != DESCRIPTION && !(is_folder && folders.contains(above)) {
            Some(ProblemKind::Missing)
        } else {
            judge(&file, expected)
        };
        if let Some(kind) = kind {
            found.add(&shown, kind);
        }
    }
    if is_folder {
        Added { dir: &place.dir, inventory, folders: &folders, left: MAX_ENTRIES }.look(&mut found);
    }
    found.problems.sort_by(|a, b| a.path.as_str().cmp(b.path.as_str()));
    found
}

/// The folders that files of the inventory are in, as far as they are folders and not links to such.
fn folders<'i>(inventory: &'i Inventory, dir: &Path) -> HashSet<&'i str> {
    let mut folders = HashSet::from([""]);
    let mut known = HashSet::from([""]);
    for path in inventory.files.keys() {
        for (at, _) in path.match_indices('/') {
            let folder = path.get(..at).unwrap_or_default();
            let above = folder.rsplit_once('/').map_or("", |(above, _)| above);
            let is_folder = || dir.join(folder).symlink_metadata().is_ok_and(|about| about.is_dir());
            if known.insert(folder) && folders.contains(above) && is_folder() {
                folders.insert(folder);
            }
        }
    }
    folders
}

fn judge(file: &Path, expected: &Stamp) -> Option<ProblemKind> {
    let about = match file.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Some(ProblemKind::Missing),
        Err(_) => return Some(ProblemKind::Unreadable),
        Ok(about) => about,
    };
    if !about.is_file() || about.len() != expected.size {
        return Some(ProblemKind::Changed);
    }
    judge_content(stamp(file, expected.size), &about, expected)
}

fn judge_content(found: io::Result<Stamp>, about: &Metadata, expected: &Stamp) -> Option<ProblemKind> {
    match found {
        Err(error) if error.kind() == ErrorKind::NotFound => Some(ProblemKind::Missing),
        Err(_) => Some(ProblemKind::Unreadable),
        Ok(found) if (found.size, found.sha256) != (expected.size, expected.sha256) => Some(ProblemKind::Changed),
        Ok(_) if mode(about) != expected.mode => Some(ProblemKind::Mode),
        Ok(_) => None,
    }
}

/// Looks for what the inventory does not have.
struct Added<'a> {
    dir: &'a Path,
    inventory: &'a Inventory,
    folders: &'a HashSet<&'a str>,
    /// Entries that may still be looked at.
    left: usize,
}

impl Added<'_> {
    fn look(&mut self, found: &mut Comparison) {
        let mut folders: Vec<&str> = self.folders.iter().copied().collect();
        folders.sort_unstable();
        for folder in folders {
            for (name, is_dir) in self.entries(&self.dir.join(folder)) {
                let path = below(folder, &name);
                let is_known = self.folders.contains(path.as_str()) || self.inventory.files.contains_key(&path);
                // Folders without a file in them mean nothing.
                if !is_known && (!is_dir || self.holds_files(&self.dir.join(&path))) {
                    found.add(&path, ProblemKind::Added);
                }
            }
        }
    }

    fn holds_files(&mut self, folder: &Path) -> bool {
        let mut folders = vec![folder.to_path_buf()];
        while let Some(folder) = folders.pop() {
            for (name, is_dir) in self.entries(&folder) {
                if !is_dir {
                    return true;
                }
                folders.push(folder.join(name));
            }
        }
        false
    }

    /// Names, and which of them are folders. What cannot be listed has been reported with the files that should be in it.
    fn entries(&mut self, folder: &Path) -> Vec<(String, bool)> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(folder).into_iter().flatten().flatten().take(self.left) {
            let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
            entries.push((entry.file_name().to_string_lossy().into_owned(), is_dir));
        }
        self.left -= entries.len();
        entries
    }
}
