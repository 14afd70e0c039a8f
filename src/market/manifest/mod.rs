//! The three manifest kinds: `gpack.toml` in both dialects and `package.toml`.
//!
//! Real manifests are irregular. What can be read is read, and each irregularity becomes a [`Finding`] with its line;
//! only what leaves a package without an identity is an error.

mod dependencies;
mod draft;
mod fields;
mod identity;
mod listed;
mod needs;
mod source;
mod version;

#[cfg(test)]
mod tests;

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{MarketError, PackageName, PublisherKey, SafeText};
use fields::Reader;
use identity::Unnamed;
use source::Source;

pub use draft::{Draft, pack_toml, write};
pub(crate) use source::MANIFEST_NAMES;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    Warning,
    Error,
}

/// One thing that reading a manifest or listing a package's files brought up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub severity: Severity,
    /// Stable, e.g. `version-incomplete`.
    pub code: String,
    /// Relative to the package directory.
    pub file: SafeText,
    /// Counted from 1.
    pub line: Option<u32>,
    pub message: SafeText,
    pub hint: SafeText,
}

impl Finding {
    /// A finding about `file` as a whole.
    pub(crate) fn about(severity: Severity, code: &str, file: &str, message: &str, hint: &str) -> Self {
        Self {
            severity,
            code: code.to_owned(),
            file: file.into(),
            line: None,
            message: message.into(),
            hint: hint.into(),
        }
    }
}

/// A dependency on another ggen package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    pub name: PackageName,
    pub requirement: semver::VersionReq,
    pub publisher: Option<PublisherKey>,
}

/// What a manifest says, whatever its dialect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub name: PackageName,
    pub version: semver::Version,
    pub title: SafeText,
    pub description: SafeText,
    pub category: SafeText,
    pub tags: Vec<SafeText>,
    pub keywords: Vec<SafeText>,
    pub authors: Vec<SafeText>,
    pub licence: SafeText,
    pub repository: SafeText,
    pub dependencies: Vec<Dependency>,
}

impl Manifest {
    /// Reads the manifest of the package in `dir`. Findings of severity `Error` make the package unpublishable but do
    /// not stop the reading; `Err` is for what cannot be read at all: no manifest, not TOML (line and column named),
    /// no name that could be an identity.
    pub fn read(dir: &Path) -> Result<(Self, Vec<Finding>), MarketError> {
        let source = Source::open(dir)?;
        let mut reader = Reader::new(&source)?;
        match examine(&mut reader, dir) {
            Ok(manifest) => Ok((manifest, reader.into_findings())),
            Err(unnamed) => Err(unnamed.error(source.name)),
        }
    }

    /// The same for a list of findings: what [`Manifest::read`] fails with is among them, and there is no manifest then.
    /// `Err` is left for a directory or file that the system does not let us read.
    pub fn check(dir: &Path) -> Result<(Option<Self>, Vec<Finding>), MarketError> {
        let source = match Source::open(dir) {
            Ok(source) => source,
            Err(error) => return Ok((None, vec![source::finding(dir, error)?])),
        };
        let mut reader = match Reader::new(&source) {
            Ok(reader) => reader,
            Err(error) => {
                let hint = error.hint().unwrap_or_default();
                let line = Some(1);
                let what = Finding::about(Severity::Error, "section-missing", source.name, &error.to_string(), &hint);
                return Ok((None, vec![Finding { line, ..what }]));
            }
        };
        let manifest = examine(&mut reader, dir).map_err(|unnamed| unnamed.note(&mut reader)).ok();
        Ok((manifest, reader.into_findings()))
    }
}

/// Reads all there is, also without a name.
fn examine(reader: &mut Reader<'_>, dir: &Path) -> Result<Manifest, Unnamed> {
    let named = identity::name(reader);
    let own = named.as_ref().ok().map(|(name, _)| name.clone());
    let version = identity::version(reader);
    let (description, category) = (reader.description(), reader.category());
    let (tags, keywords, authors) = (reader.labels("tags"), reader.labels("keywords"), reader.authors());
    let (licence, repository) = (reader.licence(), reader.repository());
    let dependencies = dependencies::read(reader, own.as_ref());
    listed::check(reader, dir);
    let (name, title) = named?;
    Ok(Manifest {
        name,
        version,
        title,
        description,
        category,
        tags,
        keywords,
        authors,
        licence,
        repository,
        dependencies,
    })
}
