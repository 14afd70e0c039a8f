//! A look into a package that need not be installed.

use crate::market::{PackageName, PublisherKey};
use crate::net::NodeError;
use crate::net::api::{FileList, SearchHit};

/// What the detail of a search result shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    #[default]
    All,
    /// Why it is trusted, or not.
    Why,
    /// What is in it.
    Files,
}

/// The files of one release.
#[derive(Clone, Debug, PartialEq)]
pub struct Inside {
    pub name: PackageName,
    pub version: semver::Version,
    pub publisher: PublisherKey,
    /// None: being fetched.
    pub files: Option<Result<FileList, NodeError>>,
}

impl Inside {
    /// Whether it is of this line.
    pub fn is_of(&self, hit: &SearchHit) -> bool {
        (&self.name, &self.version, Some(self.publisher)) == (&hit.name, &hit.version, hit.publisher)
    }
}
