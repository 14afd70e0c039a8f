//! Which files of a directory make up its package.

use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ignore::{DirEntry, WalkBuilder};

use super::rules::{self, Names};
use super::{MAX_ARCHIVE, MAX_FILES, secrets};
use crate::market::error::{Action, IoContext, MarketErrorKind};
use crate::market::manifest::MANIFEST_NAMES;
use crate::market::{Finding, MarketError, SafeText, Severity};

/// Directories the walk goes down; one more than a package may have, so that what is too deep is named.
const WALK_DEPTH: usize = 40;

/// Entries looked at, whatever becomes of them.
const MAX_ENTRIES: usize = 100_000;

/// A file to be packed.
#[derive(Debug)]
pub(super) struct Listed {
    /// Relative, `/`-separated.
    pub path: String,
    pub source: PathBuf,
    pub size: u64,
    pub executable: bool,
}

/// The files of the package in `dir`, sorted bytewise by path, and what stands out among them. `.gitignore` files in the
/// directory hold (not those above it: the same directory is the same package wherever it lies); dot files belong to the
/// package, `.git` and `.ggen` do not.
pub(super) fn list(dir: &Path) -> Result<(Vec<Listed>, Vec<Finding>), MarketError> {
    let mut listing = Listing { root: dir, files: Vec::new(), findings: Vec::new(), names: Names::default(), bytes: 0 };
    for (seen, entry) in walk(dir).enumerate() {
        if seen > MAX_ENTRIES {
            return Err(too_large(format!("{} has over {MAX_ENTRIES} entries", dir.display())));
        }
        let entry = entry.map_err(|error| unreadable(dir, error))?;
        if entry.depth() > 0 {
            listing.take(&entry)?;
        }
    }
    listing.files.sort_by(|a, b| a.path.cmp(&b.path));
    listing.check_manifest();
    listing.findings.sort_by(|a, b| a.file.cmp(&b.file));
    Ok((listing.files, listing.findings))
}

fn walk(dir: &Path) -> ignore::Walk {
    WalkBuilder::new(dir)
        .standard_filters(false)
        .git_ignore(true)
        .require_git(false)
        .follow_links(false)
        .max_depth(Some(WALK_DEPTH))
        .filter_entry(|entry| entry.depth() == 0 || !matches!(entry.file_name().to_str(), Some(".git" | ".ggen")))
        .build()
}

fn unreadable(dir: &Path, error: ignore::Error) -> MarketError {
    let message = SafeText::new(&error.to_string());
    match error.into_io_error() {
        Some(source) => match MarketError::io(Action::Read, dir, source) {
            MarketError::Permission { hint, .. } => {
                MarketError::Permission { message: format!("cannot list the package: {message}"), hint }
            }
            other if other.kind() == MarketErrorKind::Disk => other,
            _ => MarketError::Failed(format!("cannot list the package: {message}")),
        },
        None => MarketError::Failed(format!("cannot list the package: {message}")),
    }
}

fn too_large(message: String) -> MarketError {
    MarketError::Refused { message, hint: "keep what the package does not need out of it with a .gitignore".into() }
}

struct Listing<'d> {
    root: &'d Path,
    files: Vec<Listed>,
    findings: Vec<Finding>,
    names: Names,
    bytes: u64,
}

impl Listing<'_> {
    fn take(&mut self, entry: &DirEntry) -> Result<(), MarketError> {
        let Some(kind) = entry.file_type() else { return Ok(()) };
        let shown = self.shown(entry.path());
        if kind.is_dir() {
            return Ok(());
        }
        if kind.is_symlink() {
            self.symlink(entry.path(), &shown);
        } else if kind.is_file() {
            self.file(entry, &shown)?;
        } else {
            let message = "it is no regular file (a socket, pipe or device) and was left out";
            self.note(Severity::Warning, "special-file", &shown, message, "remove it");
        }
        Ok(())
    }

    fn shown(&self, path: &Path) -> String {
        path.strip_prefix(self.root).unwrap_or(path).to_string_lossy().into_owned()
    }

    fn note(&mut self, severity: Severity, code: &str, file: &str, message: &str, hint: &str) {
        self.findings.push(Finding::about(severity, code, file, message, hint));
    }

    fn symlink(&mut self, path: &Path, shown: &str) {
        let inside = match (path.canonicalize(), self.root.canonicalize()) {
            (Ok(target), Ok(root)) => target.starts_with(root),
            _ => std::fs::read_link(path).is_ok_and(|target| target.is_relative() && !target.starts_with("..")),
        };
        if inside {
            let message = "it is a symbolic link and was left out";
            self.note(Severity::Warning, "symlink", shown, message, "put the file itself there");
        } else {
            let message = "it is a symbolic link to something outside the package";
            self.note(Severity::Error, "symlink-outside", shown, message, "remove it, or put the file itself there");
        }
    }

    fn file(&mut self, entry: &DirEntry, shown: &str) -> Result<(), MarketError> {
        let relative = entry.path().strip_prefix(self.root).ok().and_then(Path::to_str).filter(|path| *path == shown);
        let Some(path) = relative else {
            let message = "its name is not UTF-8 text";
            self.note(Severity::Error, "path-unsafe", shown, message, "rename it");
            return Ok(());
        };
        if let Some(fault) = rules::fault(path).or_else(|| super::pack::unpackable(path)) {
            self.note(Severity::Error, "path-unsafe", shown, fault, "rename it, or ignore it in .gitignore");
            return Ok(());
        }
        if let Err(collision) = self.names.add_file(path) {
            self.note(Severity::Error, "path-collision", shown, &collision, "rename one of them");
            return Ok(());
        }
        if let Some(suspicion) = secrets::suspicion(&entry.file_name().to_string_lossy(), entry.path()) {
            let hint = "remove it, or ignore it in .gitignore";
            self.note(Severity::Error, "secret", shown, &format!("it may be a secret: {suspicion}"), hint);
            return Ok(());
        }
        let about = entry.path().symlink_metadata().at(Action::Read, entry.path())?;
        self.add(path, entry.path(), &about)
    }

    fn add(&mut self, path: &str, source: &Path, about: &Metadata) -> Result<(), MarketError> {
        let (size, executable) = (about.len(), about.permissions().mode() & 0o100 != 0);
        self.bytes = self.bytes.saturating_add(size);
        self.files.push(Listed { path: path.to_owned(), source: source.to_path_buf(), size, executable });
        if self.files.len() > MAX_FILES as usize {
            return Err(too_large(format!("{} has more than {MAX_FILES} files", self.root.display())));
        }
        if self.bytes > MAX_ARCHIVE {
            return Err(too_large(format!("the files in {} are over 512 MiB together", self.root.display())));
        }
        Ok(())
    }

    /// A package is known to others by its manifest, so it must be among the files.
    fn check_manifest(&mut self) {
        let Some(manifest) = MANIFEST_NAMES.into_iter().find(|name| self.root.join(name).is_file()) else { return };
        if !self.files.iter().any(|file| file.path == manifest) {
            let message = "the manifest itself is ignored";
            self.note(Severity::Error, "manifest-ignored", manifest, message, "take it out of .gitignore");
        }
    }
}
