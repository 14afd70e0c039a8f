//! Opening files below a directory without ever leaving it, whatever changes meanwhile.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::market::MarketError;
use crate::market::error::{Action, IoContext};

/// A directory that symbolic links may not lead out of.
#[derive(Debug)]
pub(super) struct Beneath {
    root: File,
    dir: PathBuf,
}

/// Which file it is, whatever it is called: device and inode.
pub(super) type FileId = (u64, u64);

impl Beneath {
    pub fn new(root: &Path) -> Result<Self, MarketError> {
        Ok(Self { root: File::open(root).at(Action::Read, root)?, dir: root.to_path_buf() })
    }

    /// What the file at `path` is called in messages.
    pub fn full(&self, path: &str) -> PathBuf {
        self.dir.join(path)
    }

    /// Opens `path` (relative to the directory) for reading; links are followed as long as they stay inside. A path that
    /// leads out fails with `EXDEV`, also when something is moved while it is walked.
    pub fn open(&self, path: &Path) -> io::Result<File> {
        // Not blocking: what is a file now may be a pipe when it is opened.
        open(&self.root, path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC)
    }
}

pub(super) fn id_of(about: &Metadata) -> FileId {
    (about.dev(), about.ino())
}

/// Whether an error says that a path leads out of the directory.
pub(super) fn leads_out(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::XDEV.raw_os_error())
}

/// Whether an error says that links lead in a circle.
pub(super) fn is_circle(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

#[cfg(target_os = "linux")]
fn open(root: &File, path: &Path, flags: OFlags) -> io::Result<File> {
    use rustix::fs::{Mode, ResolveFlags, openat2};
    /// The kernel gives up with `EAGAIN` when something was renamed meanwhile.
    const ATTEMPTS: usize = 16;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let mut attempts = 0;
    loop {
        attempts += 1;
        match openat2(root, path, flags, Mode::empty(), resolve) {
            Err(rustix::io::Errno::AGAIN) if attempts < ATTEMPTS => {}
            opened => return Ok(File::from(opened?)),
        }
    }
}

/// Without `openat2` every part is opened by itself and links are not followed.
#[cfg(not(target_os = "linux"))]
fn open(root: &File, path: &Path, flags: OFlags) -> io::Result<File> {
    use rustix::fs::{Mode, openat};
    let mut at = root.try_clone()?;
    for part in path.components() {
        let std::path::Component::Normal(part) = part else {
            return Err(rustix::io::Errno::XDEV.into());
        };
        at = openat(&at, part, flags | OFlags::NOFOLLOW, Mode::empty())?.into();
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::market::testing::write_tree;

    #[test]
    fn links_are_followed_inside_only() {
        let dir = tempfile::tempdir().expect("temp dir");
        write_tree(dir.path(), &[("in/a", "inside"), ("in/d/b", "b"), ("out", "outside")]);
        let link = |target: &str, name: &str| symlink(target, dir.path().join("in").join(name)).expect("link");
        link("a", "near");
        link("../a", "d/up");
        link("../out", "escape");
        link("/etc/passwd", "absolute");
        link("..", "above");
        link("circle", "circle");
        let root = Beneath::new(&dir.path().join("in")).expect("root");
        let read = |name: &str| {
            let mut text = String::new();
            root.open(Path::new(name)).and_then(|mut file| file.read_to_string(&mut text)).map(|_| text)
        };
        assert_eq!(read("near").expect("near"), "inside");
        assert_eq!(read("d/up").expect("up"), "inside");
        for name in ["escape", "absolute", "above/out", "../out", "/etc/passwd"] {
            assert!(leads_out(&read(name).expect_err(name)), "{name}");
        }
        assert!(is_circle(&read("circle").expect_err("circle")));
        let missing = read("missing").expect_err("missing");
        assert!(!leads_out(&missing) && !is_circle(&missing));
    }

    /// So that a pipe put in a file's place holds nobody up, and that no other program gets the file.
    #[test]
    fn files_are_opened_without_waiting_and_for_this_program_only() {
        let dir = tempfile::tempdir().expect("temp dir");
        write_tree(dir.path(), &[("a", "content")]);
        let root = Beneath::new(dir.path()).expect("root");
        let file = root.open(Path::new("a")).expect("open");
        assert!(rustix::fs::fcntl_getfl(&file).expect("flags").contains(OFlags::NONBLOCK));
        assert!(rustix::io::fcntl_getfd(&file).expect("flags").contains(rustix::io::FdFlags::CLOEXEC));
    }

    #[test]
    fn a_file_has_one_id_under_all_its_names_and_a_full_path() {
        let dir = tempfile::tempdir().expect("temp dir");
        write_tree(dir.path(), &[("a", "one"), ("b", "two")]);
        std::fs::hard_link(dir.path().join("a"), dir.path().join("c")).expect("link");
        let root = Beneath::new(dir.path()).expect("root");
        let id = |name: &str| id_of(&root.open(Path::new(name)).expect("open").metadata().expect("stat"));
        assert_eq!((id("a") == id("c"), id("a") == id("b")), (true, false));
        assert_eq!(root.full("a"), dir.path().join("a"));
    }
}
