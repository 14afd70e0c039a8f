//! One node for each home directory: a kernel lock on a file, which ends with the process however that ends. The file itself
//! stays and means nothing without the lock.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::config::Home;

use super::error::{ErrorKind, NodeError};

/// What the error of a lock that another process holds begins with.
const HELD: &str = "a node already runs on";

/// Whether `error` is that of a lock which another process holds.
pub fn is_held(error: &NodeError) -> bool {
    error.kind == ErrorKind::Failed && error.message.starts_with(HELD)
}

/// Whether the process `pid` holds the lock of `home`.
pub fn is_held_by(home: &Home, pid: u32) -> bool {
    let Ok(mut file) = File::open(home.lock_file()) else { return false };
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Err(rustix::io::Errno::WOULDBLOCK) => signed(&mut file) == Some(pid),
        // Free: what was taken to see that goes with the file.
        _ => false,
    }
}

/// Held while a node runs; given back when dropped.
#[derive(Debug)]
pub struct NodeLock {
    _file: File,
}

impl NodeLock {
    /// Takes the lock of `home`, whose directories are made (0700) where they are missing. The file holds the pid.
    ///
    /// # Errors
    /// Failed: a node runs on this home. Permission or disk: the home cannot be written.
    pub fn take(home: &Home) -> Result<Self, NodeError> {
        let dir = home.p2p_dir();
        DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(|error| unusable(&dir, &error))?;
        let path = home.lock_file();
        // Not truncated: it names the holder while another one has it.
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut file = opened.map_err(|error| unusable(&path, &error))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(held(home, &mut file)),
            Err(error) => return Err(unusable(&path, &error.into())),
        }
        sign(&mut file).map_err(|error| unusable(&path, &error))?;
        Ok(Self { _file: file })
    }
}

fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// The process that the file names.
fn signed(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn held(home: &Home, file: &mut File) -> NodeError {
    let pid = signed(file).map_or(String::new(), |pid| format!(" (pid {pid})"));
    NodeError::new(ErrorKind::Failed, format!("{HELD} {}{pid}", home.root().display()))
        .hint("use that one: its control socket answers every command; or stop it first, or choose another --home")
}

fn unusable(path: &Path, error: &io::Error) -> NodeError {
    use io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let (kind, hint) = match error.kind() {
        PermissionDenied | ReadOnlyFilesystem => {
            (ErrorKind::Permission, "choose a home that you can write: --home DIR or GGEN_HOME")
        }
        StorageFull | QuotaExceeded => (ErrorKind::Disk, "free some space on that file system"),
        _ => (ErrorKind::Disk, "choose another home: --home DIR or GGEN_HOME"),
    };
    NodeError::new(kind, format!("cannot use {}: {error}", path.display())).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn held_twice_fails_and_names_the_holder() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path().join("new"));
        let first = NodeLock::take(&home).unwrap();
        let error = NodeLock::take(&home).unwrap_err();
        assert!(is_held(&error));
        let pid = std::process::id();
        assert_eq!(error.message, format!("a node already runs on {} (pid {pid})", home.root().display()));
        assert!(is_held_by(&home, pid) && !is_held_by(&home, pid + 1));
        drop(first);
        assert!(!is_held_by(&home, pid));
        NodeLock::take(&home).unwrap();
    }

    #[test]
    fn stale_files_are_harmless_and_directories_are_private() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path().join("new"));
        std::fs::create_dir_all(home.p2p_dir()).unwrap();
        std::fs::write(home.lock_file(), "4294967295 and more\n").unwrap();
        drop(NodeLock::take(&home).unwrap());
        let text = std::fs::read_to_string(home.lock_file()).unwrap();
        assert_eq!(text.trim(), std::process::id().to_string());

        let home = Home::new(dir.path().join("fresh"));
        drop(NodeLock::take(&home).unwrap());
        let mode = std::fs::metadata(home.root()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn a_home_that_is_a_file_gives_one_clear_line() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path().join("file"));
        std::fs::write(home.root(), "x").unwrap();
        let error = NodeLock::take(&home).unwrap_err();
        assert!(error.message.contains(&home.p2p_dir().display().to_string()), "{}", error.message);
        assert!(error.hint.is_some());
    }
}
