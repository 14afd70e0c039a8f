//! Durable writes: temporary file in the same directory, fsync, rename, fsync of the directory. And reading nothing but files.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use tempfile::NamedTempFile;

use super::MarketError;
use super::error::{Action, IoContext};

/// Prefix of our temporary files and directories; what a crash left behind is known by it.
pub(crate) const TEMP_PREFIX: &str = ".ggen-tmp-";

/// Makes `dir` and the missing directories above it, with `mode`.
pub(crate) fn create_dir(dir: &Path, mode: u32) -> Result<(), MarketError> {
    DirBuilder::new().recursive(true).mode(mode).create(dir).at(Action::Create, dir)
}

/// A temporary file (0600) in `dir`, removed when dropped.
pub(crate) fn temp_file(dir: &Path) -> Result<NamedTempFile, MarketError> {
    tempfile::Builder::new().prefix(TEMP_PREFIX).tempfile_in(dir).at(Action::Create, dir)
}

/// Removes the temporary files in `dir` that a crash left behind. For whoever alone writes there.
pub(crate) fn remove_temporary(dir: &Path) -> Result<(), MarketError> {
    for entry in std::fs::read_dir(dir).at(Action::List, dir)? {
        let path = entry.at(Action::List, dir)?.path();
        let is_ours = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(TEMP_PREFIX));
        if is_ours && path.is_file() {
            std::fs::remove_file(&path).at(Action::Remove, &path)?;
        }
    }
    Ok(())
}

/// Makes the entries of `dir` durable.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), MarketError> {
    File::open(dir).and_then(|handle| handle.sync_all()).at(Action::Write, dir)
}

/// The directory that holds `file`.
pub(crate) fn parent(file: &Path) -> PathBuf {
    match file.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// Opens a regular file for reading. What is none, links included, fails with [`ErrorKind::InvalidInput`].
pub(crate) fn open_plain(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let no_file = || io::Error::from(ErrorKind::InvalidInput);
    let opened = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path);
    let file = opened.map_err(|error| {
        let is_link = error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
        if is_link { no_file() } else { error }
    })?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(no_file()) }
}

/// Whether an existing file may be replaced.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    Replace,
    Keep,
}

/// Writes `bytes` to `file` durably and all at once. With [`Existing::Keep`], `false` says that the file was there.
pub(crate) fn write_durably(file: &Path, bytes: &[u8], mode: u32, existing: Existing) -> Result<bool, MarketError> {
    let dir = parent(file);
    let mut temp = temp_file(&dir)?;
    temp.write_all(bytes).at(Action::Write, file)?;
    temp.as_file().set_permissions(Permissions::from_mode(mode)).at(Action::Write, file)?;
    temp.as_file().sync_all().at(Action::Write, file)?;
    match existing {
        Existing::Replace => temp.persist(file).map(drop),
        Existing::Keep => match temp.persist_noclobber(file) {
            Err(refused) if refused.error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(false),
            other => other.map(drop),
        },
    }
    .map_err(|refused| MarketError::io(Action::Rename, file, refused.error))?;
    sync_dir(&dir)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_all_at_once_and_leaves_no_temporary_file() {
        let dir = tempfile::tempdir().expect("temp dir");
        let file = dir.path().join("f");
        assert!(write_durably(&file, b"one", 0o600, Existing::Keep).expect("new"));
        assert!(!write_durably(&file, b"two", 0o600, Existing::Keep).expect("kept"));
        assert_eq!(std::fs::read(&file).expect("read"), b"one");
        assert!(write_durably(&file, b"two", 0o644, Existing::Replace).expect("replaced"));
        assert_eq!(std::fs::read(&file).expect("read"), b"two");
        assert_eq!(std::fs::metadata(&file).expect("stat").permissions().mode() & 0o777, 0o644);
        assert_eq!(std::fs::read_dir(dir.path()).expect("list").count(), 1);
    }
}
