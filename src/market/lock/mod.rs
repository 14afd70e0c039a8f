//! A project's `.ggen/packs.lock`: which packs it uses, in which version, and whose.
//!
//! ggen reads and writes this file too, and others may: what this program does not know of stays as it is. A pack that was
//! installed from peers is one of the type `Registry` whose URL is `ggen-p2p:` and the publisher's key, since that is what
//! ggen keeps when it writes the file itself; a field of our own would be lost.

mod entry;
mod raw;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::error::{Action, IoContext};
use super::files::{self, Existing, open_plain};
use super::{MarketError, PackageName, SafeText, when};
use raw::{RawEntry, RawLock};

pub use entry::{Entry, Source};

/// Below the directory of the project.
pub const LOCK_FILE: &str = ".ggen/packs.lock";

/// Bytes of the largest lock file: 1 MiB, some thousand packs.
const MAX_LOCK: u64 = 1 << 20;

/// What `.ggen/packs.lock` says.
#[derive(Clone, Debug, PartialEq)]
pub struct Lock {
    raw: RawLock,
    changed: bool,
}

/// A dependency that is not in the lock file. ggen does not read a file with one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingDependency {
    pub pack: SafeText,
    pub dependency: SafeText,
}

impl Default for Lock {
    fn default() -> Self {
        Self { raw: RawLock::new(), changed: true }
    }
}

impl Lock {
    /// Where the lock file of a project is.
    pub fn path(project_dir: &Path) -> PathBuf {
        project_dir.join(LOCK_FILE)
    }

    /// Reads the lock file of the project in `project_dir`; None where there is none.
    ///
    /// # Errors
    /// It cannot be read, is no lock file, or an entry that was installed from peers is damaged; the error says which.
    pub fn read(project_dir: &Path) -> Result<Option<Self>, MarketError> {
        let path = Self::path(project_dir);
        let file = match open_plain(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == ErrorKind::InvalidInput => {
                return Err(refused(&path, "it is not a regular file", "put the lock file itself there"));
            }
            opened => opened.at(Action::Read, &path)?,
        };
        let mut bytes = Vec::new();
        file.take(MAX_LOCK + 1).read_to_end(&mut bytes).at(Action::Read, &path)?;
        Self::from_bytes(&bytes, &path).map(Some)
    }

    /// `path` is only named in errors.
    fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self, MarketError> {
        const REMEDY: &str = "mend it, take it from version control, or remove it and install the packs again";
        if bytes.len() as u64 > MAX_LOCK {
            return Err(refused(path, "it is larger than 1 MiB", REMEDY));
        }
        let raw: RawLock = serde_json::from_slice(bytes)
            .map_err(|error| refused(path, &format!("not a lock file: {error}"), REMEDY))?;
        for (id, raw) in &raw.packs {
            Entry::check(id, raw).map_err(|fault| refused(path, &format!("pack '{id}': {fault}"), REMEDY))?;
        }
        Ok(Self { raw, changed: false })
    }

    /// The entry of a pack; None also for one of others whose version is no version.
    pub fn get(&self, name: &PackageName) -> Option<Entry> {
        Entry::read(self.raw.packs.get(name.as_str())?)
    }

    /// The entries that this program can make use of, by name.
    pub fn entries(&self) -> impl Iterator<Item = (PackageName, Entry)> {
        self.raw.packs.iter().filter_map(|(id, raw)| Some((PackageName::new(id).ok()?, Entry::read(raw)?)))
    }

    /// Sets the entry of a pack, in place of an older one. Nothing changes where the entry was the same, whenever it was
    /// installed. A dependency that would close a circle is left out: ggen does not read a file with one.
    pub fn put(&mut self, name: &PackageName, entry: &Entry) {
        let dependencies: BTreeSet<_> = entry.dependencies.iter().map(PackageName::as_str).collect();
        let dependencies: Vec<_> =
            dependencies.into_iter().filter(|it| !self.reaches(it, name.as_str())).map(str::to_owned).collect();
        let old = self.raw.packs.get(name.as_str());
        let new = RawEntry::new(entry, dependencies, old);
        if old.is_some_and(|old| old.is_same(&new)) {
            return;
        }
        self.raw.packs.insert(name.to_string(), new);
        self.touch(entry.installed_at);
    }

    /// Takes a pack out, `now` in Unix seconds; `false` where it was not in. What needs it is not changed: see
    /// [`Lock::missing_dependencies`].
    pub fn remove(&mut self, name: &PackageName, now: u64) -> bool {
        let removed = self.raw.packs.remove(name.as_str()).is_some();
        if removed {
            self.touch(now);
        }
        removed
    }

    /// What packs need and is not in the lock file, by pack.
    pub fn missing_dependencies(&self) -> Vec<MissingDependency> {
        let all = self.raw.packs.iter().flat_map(|(id, raw)| raw.dependencies.iter().map(move |it| (id, it)));
        all.filter(|(_, dependency)| !self.raw.packs.contains_key(*dependency))
            .map(|(pack, dependency)| MissingDependency {
                pack: SafeText::new(pack),
                dependency: SafeText::new(dependency),
            })
            .collect()
    }

    /// Writes the lock file, all at once; nothing where nothing was changed since it was read. The same content gives the
    /// same bytes.
    ///
    /// # Errors
    /// It cannot be written, or would be too large to be read again.
    pub fn write(&self, project_dir: &Path) -> Result<(), MarketError> {
        if !self.changed {
            return Ok(());
        }
        let path = Self::path(project_dir);
        let bytes = self.to_bytes()?;
        if bytes.len() as u64 > MAX_LOCK {
            return Err(refused(&path, "it would become larger than 1 MiB", "remove packs that are not needed"));
        }
        files::create_dir(&files::parent(&path), 0o755)?;
        files::write_durably(&path, &bytes, 0o644, Existing::Replace).map(drop)
    }

    /// Reads, changes and writes the lock file of a project, a new one where there is none, while nobody else does so.
    ///
    /// # Errors
    /// As for [`Lock::read`] and [`Lock::write`].
    pub fn edit<T>(project_dir: &Path, change: impl FnOnce(&mut Self) -> T) -> Result<T, MarketError> {
        let dir = files::parent(&Self::path(project_dir));
        files::create_dir(&dir, 0o755)?;
        // A kernel lock on the directory itself, which leaves no file behind.
        let turn = File::open(&dir).at(Action::Read, &dir)?;
        flock(&turn, FlockOperation::LockExclusive).map_err(std::io::Error::from).at(Action::Write, &dir)?;
        let mut lock = Self::read(project_dir)?.unwrap_or_default();
        let answer = change(&mut lock);
        lock.write(project_dir)?;
        Ok(answer)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, MarketError> {
        let mut bytes = serde_json::to_vec_pretty(&self.raw)
            .map_err(|error| MarketError::Failed(format!("cannot put a lock file in words: {error}")))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    fn touch(&mut self, now: u64) {
        self.changed = true;
        self.raw.updated_at = when::rfc3339(now);
    }

    /// Whether `from` is `to`, or needs it, directly or not.
    fn reaches(&self, from: &str, to: &str) -> bool {
        let mut reached = BTreeSet::from([from]);
        let mut open = vec![from];
        while let Some(id) = open.pop() {
            let needed = self.raw.packs.get(id).map_or(&[][..], |raw| &raw.dependencies);
            open.extend(needed.iter().map(String::as_str).filter(|it| reached.insert(it)));
        }
        reached.contains(to)
    }
}

/// `fault` may quote what stands in the file.
fn refused(path: &Path, fault: &str, remedy: &str) -> MarketError {
    MarketError::Refused {
        message: format!("{}: {}", path.display(), SafeText::new(fault).as_str()),
        hint: remedy.to_owned(),
    }
}

/// What the lock file's decoder promises for any bytes.
#[cfg(any(test, fuzzing))]
pub(crate) mod check {
    use super::*;
    use crate::decoders::shown;

    /// What is read stays the same when it is written, and bytes that were written are written again; a pack that is put in
    /// is read back, and all others stay.
    pub fn lock_file(bytes: &[u8]) {
        let path = Path::new(LOCK_FILE);
        let lock = match Lock::from_bytes(bytes, path) {
            Ok(lock) => lock,
            Err(error) => return shown(error),
        };
        let written = lock.to_bytes().expect("JSON");
        let again = Lock::from_bytes(&written, path).expect("what was written");
        assert_eq!(again, lock);
        assert_eq!(again.to_bytes().expect("JSON"), written);
        for (name, entry) in lock.entries() {
            assert_eq!(lock.get(&name), Some(entry.clone()));
            let mut changed = lock.clone();
            changed.put(&name, &Entry { version: semver::Version::new(9, 9, 9), ..entry.clone() });
            assert_eq!(changed.get(&name).map(|entry| entry.version), Some(semver::Version::new(9, 9, 9)));
            assert!(changed.remove(&name, 0) && changed.get(&name).is_none());
            assert_eq!(changed.raw.packs.len() + 1, lock.raw.packs.len());
        }
        for missing in lock.missing_dependencies() {
            shown(missing.pack.as_str());
            shown(missing.dependency.as_str());
        }
    }

    pub fn lock_files() -> Vec<Vec<u8>> {
        // A number of others' that is another when it is read carelessly.
        let number = br#"{"packs":{},"updated_at":"","ggen_version":"","more":1111111111111111111111111111111111111111111111111111111111111}"#;
        vec![include_bytes!("sample.lock").to_vec(), Lock::default().to_bytes().expect("JSON"), number.to_vec()]
    }
}
