//! Where the files of a package go, under the rules of packages.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::super::rules::{self, Names};
use super::super::{Extracted, MAX_ARCHIVE, MAX_FILES, unpacked_limit};
use super::{damaged, refused};
use crate::market::error::{Action, IoContext};
use crate::market::{MarketError, SafeText, files};

pub(super) struct Sink<'d> {
    into: &'d Path,
    names: Names,
    /// Directories made, to be made durable at the end.
    dirs: Vec<PathBuf>,
    done: Extracted,
    /// Bytes of files that may come.
    limit: u64,
}

impl<'d> Sink<'d> {
    /// For an archive of `size` bytes.
    pub fn new(into: &'d Path, size: u64) -> Self {
        let done = Extracted { files: 0, bytes: 0 };
        Self { into, names: Names::default(), dirs: Vec::new(), done, limit: unpacked_limit(size).min(MAX_ARCHIVE) }
    }

    /// `path` is relative to the package, without a slash at its end.
    pub fn dir(&mut self, path: &str) -> Result<(), MarketError> {
        check_path(path)?;
        self.names.add_dir(path).map_err(refused)?;
        self.make_dirs(&self.into.join(path))
    }

    /// Takes a file that must have `size` bytes. Of `mode`, only whether the owner may execute it counts; set-uid, set-gid
    /// and sticky bits are refused.
    pub fn file(&mut self, path: &str, size: u64, mode: u32, content: impl Read) -> Result<(), MarketError> {
        check_path(path)?;
        self.names.add_file(path).map_err(refused)?;
        if mode & 0o7000 != 0 {
            return Err(refused(format!("'{}' is set-uid, set-gid or sticky", shown(path))));
        }
        self.done.files += 1;
        self.done.bytes = self.done.bytes.saturating_add(size);
        if self.done.files > MAX_FILES {
            return Err(refused(format!("the package has more than {MAX_FILES} files")));
        }
        if self.done.bytes > self.limit {
            return Err(refused(format!("the package unpacks to more than {} bytes", self.limit)));
        }
        let target = self.into.join(path);
        self.make_dirs(&files::parent(&target))?;
        write(content, size, if mode & 0o100 == 0 { 0o644 } else { 0o755 }, &target)
    }

    /// Makes the directories durable and says what was written.
    pub fn finish(self) -> Result<Extracted, MarketError> {
        self.dirs.iter().map(PathBuf::as_path).chain([self.into]).try_for_each(files::sync_dir)?;
        Ok(self.done)
    }

    fn make_dirs(&mut self, dir: &Path) -> Result<(), MarketError> {
        let missing: Vec<&Path> = dir.ancestors().take_while(|dir| *dir != self.into && !dir.is_dir()).collect();
        for dir in missing.into_iter().rev() {
            DirBuilder::new().mode(0o755).create(dir).at(Action::Create, dir)?;
            self.dirs.push(dir.to_path_buf());
        }
        Ok(())
    }
}

fn check_path(path: &str) -> Result<(), MarketError> {
    rules::fault(path).map_or(Ok(()), |fault| Err(refused(format!("'{}': {fault}", shown(path)))))
}

pub(super) fn shown(path: &str) -> SafeText {
    SafeText::capped(path, 100)
}

/// Made new, so that nothing which is there can be written through.
fn write(mut content: impl Read, size: u64, mode: u32, target: &Path) -> Result<(), MarketError> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(target);
    let mut file = file.at(Action::Create, target)?;
    let mut buffer = vec![0; 64 * 1024];
    let mut written = 0u64;
    loop {
        let read = match content.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(damaged)?,
        };
        written += read as u64;
        if written > size {
            return Err(refused("a file is longer than the archive says"));
        }
        match buffer.get(..read) {
            None | Some([]) => break,
            Some(bytes) => file.write_all(bytes).at(Action::Write, target)?,
        }
    }
    if written < size {
        return Err(refused("it ends in the middle of a file"));
    }
    file.sync_all().at(Action::Write, target)
}
