//! Central indexes: what they offer and how they are doing.

use serde::{Deserialize, Serialize};

use crate::market::SafeText;

/// What a central index says of a package. Nobody has signed it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CentralOffer {
    /// The index, as the settings name it.
    pub index: SafeText,
    /// The newest version there.
    pub version: semver::Version,
    pub author: SafeText,
    /// An archive of a whole repository, and the path of the package in it; none: it cannot be installed from there.
    pub download_url: Option<SafeText>,
    pub path: SafeText,
    /// SHA-256 of the package's directory (64 hex), where the index gives one.
    pub checksum: Option<String>,
    /// Why it cannot be installed from there.
    pub unavailable: Option<SafeText>,
}

/// How a central index is doing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CentralInfo {
    /// As the settings name it.
    pub location: SafeText,
    /// Versions of packages that were taken of it.
    pub packages: usize,
    /// Entries that could not be taken, and why for the first of them.
    pub skipped: u64,
    pub skipped_first: Vec<SafeText>,
    /// When its content came; none: there is none.
    pub fetched_at: Option<u64>,
    /// When it was last known to be what the server has.
    pub checked_at: Option<u64>,
    /// Why the last try to fetch it failed.
    pub error: Option<SafeText>,
    /// Whether it is being fetched right now.
    pub fetching: bool,
}
