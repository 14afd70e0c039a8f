//! The three manifest kinds: `gpack.toml` in both dialects and `package.toml`.
//!
//! Real manifests are irregular. What can be read is read, and each irregularity becomes a [`Finding`] with its line;
//! only what leaves a package without an identity is an error.

mod dependencies;
mod fields;
mod identity;
mod listed;
mod source;

#[cfg(test)]
mod tests;

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{MarketError, PackageName, PublisherKey, SafeText};
use fields::Reader;
use source::Source;

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
        let (name, title) = identity::name(&mut reader)?;
        let version = identity::version(&mut reader);
        let (description, category) = (reader.description(), reader.category());
        let manifest = Self {
            version,
            title,
            description,
            category,
            tags: reader.labels("tags"),
            keywords: reader.labels("keywords"),
            authors: reader.authors(),
            licence: reader.licence(),
            repository: reader.repository(),
            dependencies: dependencies::read(&mut reader, &name),
            name,
        };
        listed::check(&mut reader, dir);
        Ok((manifest, reader.into_findings()))
    }
}
