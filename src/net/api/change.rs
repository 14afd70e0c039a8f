//! What a publisher takes back: versions, and keys.

use serde::{Deserialize, Serialize};

use crate::market::{PackageName, PublisherKey, ReleaseId, SafeText};

/// A version that was withdrawn, or is offered again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct YankAnswer {
    pub name: PackageName,
    pub version: semver::Version,
    pub publisher: PublisherKey,
    /// The release that says so.
    pub release_id: ReleaseId,
    /// None: it is offered again.
    pub reason: Option<SafeText>,
    /// Peers that confirmed it is in their catalogue.
    pub seen_by: usize,
}

/// A key of this home.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyInfo {
    pub publisher: PublisherKey,
    /// The beginning of its SHA-256, for people to compare.
    pub fingerprint: String,
    pub file: String,
    /// Whether new releases are signed with it.
    pub in_use: bool,
    /// The key that publishes in its place.
    pub successor: Option<PublisherKey>,
    /// Why it was revoked.
    pub revoked: Option<SafeText>,
}

/// A key that was replaced or revoked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyChange {
    pub old: PublisherKey,
    /// The home's key from now on; none: it stays what it was.
    pub new: Option<PublisherKey>,
    /// Where the old key's file is kept now.
    pub kept: Option<String>,
    /// Peers that were there to hear of it; others get it by catalogue sync.
    pub told: usize,
    /// Whether a node that runs must be restarted to use the new key.
    pub restart: bool,
}
