//! The manifest file: which one, its text, where its lines are.

use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::path::Path;

use toml_edit::Document;

use super::{Finding, Severity};
use crate::market::error::{Action, IoContext};
use crate::market::files::open_plain;
use crate::market::{MarketError, SafeText};

/// File names of manifests, the preferred one first.
pub(crate) const MANIFEST_NAMES: [&str; 2] = ["gpack.toml", "package.toml"];

/// Bytes of the largest manifest: 256 KiB.
const MAX_MANIFEST: u64 = 256 * 1024;

/// A parsed manifest that knows its lines.
pub(super) struct Source {
    /// File name.
    pub name: &'static str,
    pub document: Document<String>,
    /// Says which manifest was taken where there are several.
    pub choice: Option<Finding>,
    /// Byte offsets of the line ends.
    line_ends: Vec<usize>,
}

impl Source {
    pub fn open(dir: &Path) -> Result<Self, MarketError> {
        let name = *existing(dir)?.first().ok_or_else(|| no_manifest(dir))?;
        let text = read(dir, name)?;
        let document = Document::parse(text.clone()).map_err(|error| syntax_error(dir, name, &text, &error))?;
        let line_ends = text.match_indices('\n').map(|(at, _)| at).collect();
        Ok(Self { name, document, choice: choice(dir)?, line_ends })
    }

    /// The line (from 1) on which `span` begins.
    pub fn line(&self, span: Option<Range<usize>>) -> Option<u32> {
        let start = span?.start;
        u32::try_from(self.line_ends.partition_point(|end| *end < start) + 1).ok()
    }
}

/// What keeps the manifest in `dir` from being read, as a finding; errors of the system stay errors.
pub(super) fn finding(dir: &Path, error: MarketError) -> Result<Finding, MarketError> {
    let of = existing(dir)?.first().copied();
    let hint = error.hint().unwrap_or_default();
    let about = |code: &str, message: &str| {
        Finding::about(Severity::Error, code, of.unwrap_or(MANIFEST_NAMES[0]), message, &hint)
    };
    match error {
        MarketError::Toml { line, column, message, .. } => {
            let line = u32::try_from(line).ok();
            Ok(Finding { line, ..about("toml-invalid", &format!("not valid TOML (column {column}): {message}")) })
        }
        MarketError::Refused { .. } if of.is_none() => {
            Ok(about("manifest-missing", "there is neither a gpack.toml nor a package.toml"))
        }
        MarketError::Refused { message, .. } => Ok(about("manifest-unreadable", &message)),
        other => Err(other),
    }
}

fn existing(dir: &Path) -> Result<Vec<&'static str>, MarketError> {
    let about = std::fs::metadata(dir).at(Action::Read, dir)?;
    if !about.is_dir() {
        return Err(MarketError::Refused {
            message: format!("{} is not a directory", dir.display()),
            hint: "give the directory that holds the package's gpack.toml or package.toml".into(),
        });
    }
    Ok(MANIFEST_NAMES.into_iter().filter(|name| dir.join(name).symlink_metadata().is_ok()).collect())
}

fn no_manifest(dir: &Path) -> MarketError {
    MarketError::Refused {
        message: format!("{} is no package: it has neither gpack.toml nor package.toml", dir.display()),
        hint: format!("`ggen-p2p-tui init {}` writes one", dir.display()),
    }
}

fn choice(dir: &Path) -> Result<Option<Finding>, MarketError> {
    Ok(match existing(dir)?[..] {
        [chosen, other, ..] => Some(Finding::about(
            Severity::Info,
            "manifest-choice",
            chosen,
            &format!("there is a {other} too; {chosen} was read"),
            &format!("keep {other} in step with it, or remove it"),
        )),
        _ => None,
    })
}

/// A symbolic link could show any file of this machine to others, so only regular files are read.
fn read(dir: &Path, name: &str) -> Result<String, MarketError> {
    let path = dir.join(name);
    let no_file = || refused(&path, "is not a regular file", "put the manifest itself there");
    let file = match open_plain(&path) {
        Err(error) if error.kind() == ErrorKind::InvalidInput => return Err(no_file()),
        opened => opened.at(Action::Read, &path)?,
    };
    let mut bytes = Vec::new();
    file.take(MAX_MANIFEST + 1).read_to_end(&mut bytes).at(Action::Read, &path)?;
    if bytes.len() as u64 > MAX_MANIFEST {
        return Err(refused(&path, "is larger than 256 KiB", "move long texts into files of their own"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes().iter().take(error.utf8_error().valid_up_to()).filter(|b| **b == b'\n').count() + 1;
        refused(&path, &format!("is not UTF-8 text (line {line})"), "save it as UTF-8")
    })
}

fn refused(path: &Path, fault: &str, hint: &str) -> MarketError {
    MarketError::Refused { message: format!("{} {fault}", path.display()), hint: hint.to_owned() }
}

fn syntax_error(dir: &Path, name: &str, text: &str, error: &toml_edit::TomlError) -> MarketError {
    let (line, column) = position(text, error.span().map_or(0, |span| span.start));
    MarketError::Toml {
        file: dir.join(name).display().to_string(),
        line,
        column,
        message: SafeText::new(error.message()).to_string(),
    }
}

/// Line and column (in characters) of a byte offset, both from 1.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line_start..).map_or(0, |line| line.chars().count());
    (before.matches('\n').count() + 1, column + 1)
}
