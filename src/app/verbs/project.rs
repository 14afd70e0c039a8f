//! The project whose lock file a verb reads and writes.

use std::path::{Path, PathBuf};

use crate::config::cli::ProjectArgs;
use crate::market::PackageName;
use crate::market::lock::{Entry, LOCK_FILE, Lock, Source};
use crate::net::api::{InstallAnswer, InstalledPackage, LockedPackage, WantedPackage};
use crate::net::{ErrorKind, NodeError, unix_now};

use super::Context;

/// What marks a directory as a project.
const MARKS: [&str; 2] = ["ggen.toml", ".ggen"];

/// A directory with a lock file, or where one may be.
pub struct Project {
    dir: PathBuf,
    lock: Lock,
}

impl Project {
    /// The one that is named, else the closest above the working directory; none where there is none.
    ///
    /// # Errors
    /// What is named is no directory; or the lock file cannot be read.
    pub fn find(arguments: &ProjectArgs, context: &Context) -> Result<Option<Self>, NodeError> {
        let dir = match &arguments.project {
            _ if arguments.no_project => None,
            Some(dir) if !dir.is_dir() => {
                return Err(NodeError::new(ErrorKind::NotFound, format!("{} is no directory", dir.display()))
                    .hint("name the directory of the project: --project DIR"));
            }
            Some(dir) => Some(dir.clone()),
            None => std::env::current_dir().ok().and_then(|dir| above(&dir, context.home.root())),
        };
        let Some(dir) = dir else { return Ok(None) };
        let lock = Lock::read(&dir)?.unwrap_or_default();
        Ok(Some(Self { dir, lock }))
    }

    /// Every entry, as what to prefer; but those that other tools took from elsewhere.
    pub fn locked(&self) -> Vec<LockedPackage> {
        let ours = self.lock.entries().filter(|(_, entry)| !matches!(entry.source, Source::Other(_)));
        let locked = |(name, entry): (PackageName, Entry)| LockedPackage {
            name,
            publisher: entry.publisher(),
            version: entry.version,
            package_id: entry.integrity,
        };
        ours.map(locked).collect()
    }

    /// Every entry, as what to install.
    ///
    /// # Errors
    /// There is none.
    pub fn exactly(&self) -> Result<Vec<WantedPackage>, NodeError> {
        let wanted = |locked: LockedPackage| WantedPackage {
            requirement: format!("={}", locked.version).parse().ok(),
            name: locked.name,
            publisher: locked.publisher,
        };
        let packages: Vec<_> = self.locked().into_iter().map(wanted).collect();
        if packages.is_empty() {
            let message = format!("no package is locked in {}", self.dir.join(LOCK_FILE).display());
            return Err(NodeError::new(ErrorKind::NotFound, message).hint("install some first, without --locked"));
        }
        Ok(packages)
    }

    /// Notes what was installed, and what was in place for it. A dependency that nobody knows is left out: ggen does not read a
    /// file that names one it has not.
    ///
    /// # Errors
    /// The lock file cannot be written.
    pub fn note(&self, answer: &InstallAnswer) -> Result<(), NodeError> {
        let note = |lock: &mut Lock| {
            for package in &answer.installed {
                let there = |name: &PackageName| {
                    answer.installed.iter().any(|other| other.name == *name) || lock.get(name).is_some()
                };
                let needed = package.dependencies.iter().map(|dependency| &dependency.name);
                let entry = Entry {
                    version: package.version.clone(),
                    source: source(package),
                    integrity: package.package_id,
                    installed_at: unix_now(),
                    dependencies: needed.filter(|name| there(name)).cloned().collect(),
                };
                lock.put(&package.name, &entry);
            }
        };
        Ok(Lock::edit(&self.dir, note)?)
    }
}

fn source(package: &InstalledPackage) -> Source {
    match (package.publisher, &package.index) {
        (Some(key), _) => Source::Publisher(key),
        (None, index) => Source::Registry(index.clone().unwrap_or_default()),
    }
}

/// The closest directory at or above `dir` that is a project. The home directory of the program, which is called `.ggen` too,
/// makes none of the directory that it lies in.
fn above(dir: &Path, home: &Path) -> Option<PathBuf> {
    let is_mark = |path: PathBuf| path.exists() && !same(&path, home);
    dir.ancestors().find(|dir| MARKS.iter().any(|mark| is_mark(dir.join(mark)))).map(Path::to_owned)
}

fn same(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_directory_with_a_mark_is_the_project() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("outer/inner/deep");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::create_dir(root.path().join(".ggen")).unwrap();
        assert_eq!(above(&inner, &root.path().join(".ggen")), None, "the home is no project");
        assert_eq!(above(&inner, Path::new("/elsewhere")).as_deref(), Some(root.path()));
        std::fs::write(root.path().join("outer/inner/ggen.toml"), "").unwrap();
        assert_eq!(above(&inner, Path::new("/elsewhere")), Some(root.path().join("outer/inner")));
    }
}
