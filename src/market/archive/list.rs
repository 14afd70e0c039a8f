//! Which files of a directory make up its package.

use std::fs::Metadata;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ignore::{DirEntry, WalkBuilder};

use super::allow::Pattern;
use super::beneath::{self, Beneath, FileId};
use super::rules::{self, Names};
use super::{Allowed, FileEntry, MAX_ARCHIVE, MAX_FILES, SECRET, SECRET_ALLOWED, secrets};
use crate::market::error::{Action, MarketErrorKind};
use crate::market::manifest::MANIFEST_NAMES;
use crate::market::{Finding, MarketError, SafeText, Severity};

/// Directories the walk goes down; more than a package may have, so that what is too deep is named.
const WALK_DEPTH: usize = 40;

/// Entries looked at, whatever becomes of them.
const MAX_ENTRIES: usize = 100_000;

/// Findings kept of each severity; what is beyond is counted.
const MAX_FINDINGS: usize = 200;

/// A file to be packed.
#[derive(Debug)]
pub(super) struct Listed {
    /// Relative, `/`-separated.
    pub path: String,
    pub id: FileId,
    /// Bytes.
    pub size: u64,
    pub executable: bool,
}

/// The files of the package in `dir`, sorted bytewise by path, and what stands out among them. `.gitignore` files in the
/// directory hold (not those above it: the same directory is the same package wherever it lies); dot files belong to the
/// package, `.git` and `.ggen` do not. Links to files inside count as those files.
pub(super) fn list(dir: &Path, allowed: &Allowed) -> Result<(Beneath, Vec<Listed>, Vec<Finding>), MarketError> {
    let mut listing = Listing {
        dir,
        root: Beneath::new(dir)?,
        allowed: allowed.patterns().iter().map(|pattern| (pattern, false)).collect(),
        files: Vec::new(),
        findings: Vec::new(),
        omitted: 0,
        names: Names::default(),
        bytes: 0,
    };
    for (seen, entry) in walk(dir).enumerate() {
        if seen > MAX_ENTRIES {
            return Err(too_large(format!("{} has over {MAX_ENTRIES} entries", dir.display())));
        }
        let entry = entry.map_err(|error| unreadable(dir, error))?;
        if entry.depth() > 0 {
            listing.take(&entry)?;
        }
    }
    Ok(listing.finish())
}

/// The same without what stands out among them.
pub(crate) fn files(dir: &Path) -> Result<Vec<FileEntry>, MarketError> {
    let (_, listed, _) = list(dir, &Allowed::default())?;
    Ok(listed.iter().map(|file| FileEntry { path: SafeText::new(&file.path), size: file.size }).collect())
}

fn walk(dir: &Path) -> ignore::Walk {
    WalkBuilder::new(dir)
        .standard_filters(false)
        .git_ignore(true)
        .require_git(false)
        .follow_links(false)
        .max_depth(Some(WALK_DEPTH))
        // Findings come in the same order on every file system.
        .sort_by_file_name(Ord::cmp)
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

pub(super) struct Listing<'d> {
    pub dir: &'d Path,
    pub root: Beneath,
    /// What may be published although it looks like a secret, and whether it was met.
    allowed: Vec<(&'d Pattern, bool)>,
    files: Vec<Listed>,
    findings: Vec<Finding>,
    omitted: usize,
    names: Names,
    bytes: u64,
}

impl Listing<'_> {
    fn take(&mut self, entry: &DirEntry) -> Result<(), MarketError> {
        let Some(kind) = entry.file_type() else { return Ok(()) };
        let relative = entry.path().strip_prefix(self.dir).unwrap_or(entry.path());
        let shown = relative.to_string_lossy();
        if kind.is_dir() {
            if entry.depth() >= WALK_DEPTH {
                let message = "it lies too deep, and what is in it was not looked at";
                self.note(Severity::Error, "path-unsafe", &shown, message, "move it up, or ignore it in .gitignore");
            }
            return Ok(());
        }
        let Some(path) = relative.to_str() else {
            let message = "its name is not UTF-8 text";
            self.note(Severity::Error, "path-unsafe", &shown, message, "rename it");
            return Ok(());
        };
        if kind.is_symlink() {
            return self.link(path);
        }
        if kind.is_file() {
            return self.file(path, path);
        }
        self.special(path);
        Ok(())
    }

    pub fn note(&mut self, severity: Severity, code: &str, file: &str, message: &str, hint: &str) {
        let alike = self.findings.iter().filter(|finding| finding.severity == severity).count();
        if alike >= MAX_FINDINGS {
            self.omitted += 1;
        } else {
            self.findings.push(Finding::about(severity, code, file, message, hint));
        }
    }

    pub fn special(&mut self, path: &str) {
        let message = "it is no regular file (a socket, pipe or device) and was left out";
        self.note(Severity::Warning, "special-file", path, message, "remove it, or ignore it in .gitignore");
    }

    /// Takes the regular file at `path`, which is really called `target` where `path` is a link.
    pub fn file(&mut self, path: &str, target: &str) -> Result<(), MarketError> {
        if let Some(fault) = rules::fault(path).or_else(|| super::pack::unpackable(path)) {
            self.note(Severity::Error, "path-unsafe", path, fault, "rename it, or ignore it in .gitignore");
            return Ok(());
        }
        if let Err(collision) = self.names.add_file(path) {
            self.note(Severity::Error, "path-collision", path, &collision, "rename one of them");
            return Ok(());
        }
        let (about, start) = match self.look_at(path) {
            Ok(looked_at) => looked_at,
            Err(error) => {
                let message = format!("it cannot be read: {error}");
                let hint = "make it readable (chmod u+r), or ignore it in .gitignore";
                self.note(Severity::Error, "file-unreadable", path, &message, hint);
                return Ok(());
            }
        };
        if let Some(suspicion) = secrets::suspicion(path, &start).or_else(|| secrets::suspicion(target, &start))
            && !self.allow(path, suspicion)
        {
            return Ok(());
        }
        self.add(path, &about)
    }

    fn look_at(&self, path: &str) -> std::io::Result<(Metadata, Vec<u8>)> {
        let file = self.root.open(Path::new(path))?;
        let about = file.metadata()?;
        let mut start = Vec::new();
        file.take(secrets::LOOKED_AT).read_to_end(&mut start)?;
        Ok((about, start))
    }

    /// Notes what looks like a secret; whether it is published all the same.
    fn allow(&mut self, path: &str, suspicion: &str) -> bool {
        let mut allowed = false;
        for (_, met) in self.allowed.iter_mut().filter(|(pattern, _)| pattern.covers(path)) {
            (allowed, *met) = (true, true);
        }
        if allowed {
            let message = format!("it is published although it may be a secret: {suspicion}");
            let hint = "what is published cannot be taken back; make sure that it protects nothing";
            self.note(Severity::Warning, SECRET_ALLOWED, path, &message, hint);
        } else {
            let message = format!("it may be a secret: {suspicion}");
            let hint = format!("remove it, ignore it in .gitignore, or publish with --allow '{path}'");
            self.note(Severity::Error, SECRET, path, &message, &hint);
        }
        allowed
    }

    fn add(&mut self, path: &str, about: &Metadata) -> Result<(), MarketError> {
        let (size, executable) = (about.len(), about.permissions().mode() & 0o100 != 0);
        self.bytes = self.bytes.saturating_add(size);
        self.files.push(Listed { path: path.to_owned(), id: beneath::id_of(about), size, executable });
        if self.files.len() > MAX_FILES as usize {
            return Err(too_large(format!("{} has more than {MAX_FILES} files", self.dir.display())));
        }
        if self.bytes > MAX_ARCHIVE {
            return Err(too_large(format!("the files in {} are over 512 MiB together", self.dir.display())));
        }
        Ok(())
    }

    fn finish(mut self) -> (Beneath, Vec<Listed>, Vec<Finding>) {
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
        self.check_manifest();
        self.offer_pack_toml();
        for (pattern, _) in self.allowed.iter().filter(|(_, met)| !met) {
            let message = format!("nothing that looks like a secret is covered by --allow '{}'", pattern.text);
            let hint = "leave it out, or look whether it is spelled as the path is";
            self.findings.push(Finding::about(Severity::Warning, "allow-unused", "", &message, hint));
        }
        self.findings.sort_by(|a, b| a.file.cmp(&b.file));
        if self.omitted > 0 {
            let message = format!("{} more findings are not shown", self.omitted);
            self.findings.push(Finding::about(Severity::Warning, "more", "", &message, "mend the ones above first"));
        }
        (self.root, self.files, self.findings)
    }

    fn has(&self, fits: impl Fn(&str) -> bool) -> bool {
        self.files.iter().any(|file| fits(&file.path))
    }

    /// A package is known to others by its manifest, so it must be among the files.
    fn check_manifest(&mut self) {
        let Some(manifest) = MANIFEST_NAMES.into_iter().find(|name| self.dir.join(name).is_file()) else { return };
        if !self.has(|path| path == manifest) {
            let message = "the manifest itself is ignored";
            self.note(Severity::Error, "manifest-ignored", manifest, message, "take it out of .gitignore");
        }
    }

    /// ggen's engine runs packages that have a `pack.toml`.
    fn offer_pack_toml(&mut self) {
        let complete = self.has(is_template) && self.has(is_ontology);
        if complete && !self.has(|path| path == "pack.toml") {
            let message = "it has templates and an ontology but no pack.toml, by which ggen's engine knows a package";
            let hint = "`ggen-p2p-tui init --pack-toml DIR` writes one";
            self.note(Severity::Info, "pack-toml-missing", "pack.toml", message, hint);
        }
    }
}

/// Whether the file at `path` is a template, by its ending or its directory.
pub(crate) fn is_template(path: &str) -> bool {
    let is_data = is_ontology(path) || path.ends_with(".rq") || path.ends_with(".sparql");
    path.ends_with(".tera") || path.ends_with(".tmpl") || path.starts_with("templates/") && !is_data
}

/// Whether the file at `path` is RDF.
pub(crate) fn is_ontology(path: &str) -> bool {
    [".ttl", ".rdf", ".owl", ".nt", ".trig"].iter().any(|ending| path.ends_with(ending))
}
