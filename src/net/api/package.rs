//! Packages: heard of, found, published, installed.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::market::archive::{Bump, FileChange, FileEntry, Packed};
use crate::market::search::Facets;
use crate::market::{
    Dependency, Finding, Manifest, PackageId, PackageName, PublisherKey, ReleaseId, SafeText, Severity,
};

use super::central::{CentralInfo, CentralOffer};

/// How a release reached this node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    #[default]
    Gossip,
    Sync,
    Search,
    /// Published here.
    Own,
}

/// A release as it came in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeedItem {
    pub release_id: ReleaseId,
    pub package_id: PackageId,
    pub name: PackageName,
    pub version: semver::Version,
    pub publisher: PublisherKey,
    pub description: SafeText,
    pub category: SafeText,
    pub size: u64,
    pub published_at: u64,
    pub received_at: u64,
    pub via: Via,
    /// Peer id it came from; none when published here.
    pub from: Option<String>,
    /// Peers that passed it on so far, as far as they are counted.
    #[serde(default)]
    pub heard_from: u32,
    pub yanked: bool,
}

/// One search result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchHit {
    pub name: PackageName,
    pub version: semver::Version,
    /// None: nobody signed it, a central index lists it. So with `package_id`, `size` and `published_at`.
    pub publisher: Option<PublisherKey>,
    pub package_id: Option<PackageId>,
    pub category: SafeText,
    pub tags: Vec<SafeText>,
    pub description: SafeText,
    pub size: Option<u64>,
    /// `local`: from this node's catalogue; `peer`: a peer answered it; `central`: a central index.
    pub source: Source,
    /// All that have this version; `source` first.
    pub sources: Vec<Source>,
    /// What a central index says of the name, where one does.
    pub central: Option<CentralOffer>,
    pub score: f64,
    /// Peers known to have the bytes, this node included.
    pub providers: usize,
    pub licence: SafeText,
    pub published_at: Option<u64>,
    pub installed: Option<semver::Version>,
    /// All its versions are withdrawn; found only where that is asked for.
    #[serde(default)]
    pub yanked: bool,
    /// Its publisher's key was revoked.
    #[serde(default)]
    pub revoked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    Local,
    Peer,
    Central,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SearchAnswer {
    /// In the order asked for.
    pub results: Vec<SearchHit>,
    /// Packages in the catalogue that fit; of very many, as many as were looked at.
    #[serde(default)]
    pub total: u64,
    /// More may fit: `total` and the facets' counts are lower bounds.
    #[serde(default)]
    pub at_least: bool,
    /// Where they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facets: Option<Facets>,
    /// Filters that could not be used, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
    pub elapsed_ms: f64,
    pub peers_asked: usize,
    pub peers_answered: usize,
    /// The central indexes that were looked into, or could not be.
    #[serde(default)]
    pub central: Vec<CentralInfo>,
}

/// One release in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReleaseInfo {
    pub name: PackageName,
    pub version: semver::Version,
    pub publisher: PublisherKey,
    pub release_id: ReleaseId,
    pub package_id: PackageId,
    pub size: u64,
    pub file_count: u32,
    pub description: SafeText,
    pub category: SafeText,
    pub tags: Vec<SafeText>,
    pub keywords: Vec<SafeText>,
    pub licence: SafeText,
    pub repository: SafeText,
    pub dependencies: Vec<Dependency>,
    pub sequence: u64,
    pub published_at: u64,
    pub expires_at: u64,
    pub first_seen: u64,
    pub yank_reason: Option<SafeText>,
    pub have_blob: bool,
    /// Nodes known to have the bytes, this one included.
    pub providers: usize,
    /// Some of the peers that are known to have the bytes, those most worth asking first.
    #[serde(default)]
    pub holders: Vec<HolderInfo>,
    pub installed: bool,
    /// The key pinned for this name, if any.
    pub pinned: Option<PublisherKey>,
}

/// A peer that is known to have a package's bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HolderInfo {
    pub peer_id: String,
    pub connected: bool,
    /// None: nothing speaks for it or against it.
    pub reputation: Option<f64>,
}

/// What a directory that is to be published is like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Inspection {
    /// It is a package, whether it can be published or not.
    Package(Box<PublishPlan>),
    /// What keeps it from being read or packed.
    Unreadable(Vec<Finding>),
}

impl From<PublishPlan> for Inspection {
    fn from(plan: PublishPlan) -> Self {
        Self::Package(Box::new(plan))
    }
}

/// What publishing a directory would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishPlan {
    pub path: String,
    pub name: PackageName,
    pub version: semver::Version,
    pub description: SafeText,
    pub category: SafeText,
    pub tags: Vec<SafeText>,
    pub licence: SafeText,
    /// None where the home has no key yet: the first publish makes it.
    pub publisher: Option<PublisherKey>,
    pub package_id: PackageId,
    /// Archive bytes.
    pub size: u64,
    pub files: Vec<FileEntry>,
    pub findings: Vec<Finding>,
    /// Newest version this publisher has out under the name.
    pub previous: Option<semver::Version>,
    /// What is another in the files than in `previous`, at most 2000; none: its bytes are not here any more.
    #[serde(default)]
    pub changes: Option<Vec<FileChange>>,
    /// Whether it can be published: no finding of severity `error`.
    pub publishable: bool,
    /// Whether this version is out already by this publisher, as far as this node knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub already: Option<Already>,
}

/// A version that is out already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Already {
    /// With just these bytes: publishing announces it again.
    Same,
    /// With other bytes, and published versions never change.
    Other,
}

impl Already {
    /// What is known of `version` with these bytes; `out`: versions that are out, and their bytes.
    pub fn of(
        out: impl IntoIterator<Item = (semver::Version, PackageId)>,
        version: &semver::Version,
        package_id: PackageId,
    ) -> Option<Self> {
        let mut ids = out.into_iter().filter(|(one, _)| one == version).map(|(_, id)| id);
        let first = ids.next()?;
        // A version that was withdrawn, or renewed, is out several times, always with the same bytes.
        Some(if first == package_id || ids.any(|id| id == package_id) { Self::Same } else { Self::Other })
    }
}

impl PublishPlan {
    /// What is known of the package in `path`, read and packed. `findings` are those of manifest and files.
    pub fn of(
        path: &Path,
        manifest: Manifest,
        packed: Packed,
        findings: Vec<Finding>,
        publisher: Option<PublisherKey>,
        previous: Option<semver::Version>,
    ) -> Self {
        Self {
            path: path.display().to_string(),
            name: manifest.name,
            version: manifest.version,
            description: manifest.description,
            category: manifest.category,
            tags: manifest.tags,
            licence: manifest.licence,
            publisher,
            package_id: packed.package_id,
            size: packed.size,
            files: packed.files,
            publishable: !findings.iter().any(|finding| finding.severity == Severity::Error),
            findings,
            previous,
            changes: None,
            already: None,
        }
    }

    /// Versions that could follow the previous one, and whether the changes ask for it.
    pub fn proposals(&self) -> Vec<(Bump, semver::Version, bool)> {
        let Some(previous) = &self.previous else { return Vec::new() };
        let asked = self.changes.as_deref().map(Bump::of);
        Bump::ALL.into_iter().map(|bump| (bump, bump.after(previous), asked == Some(bump))).collect()
    }

    /// The key it is signed with, for people.
    pub fn key(&self) -> String {
        self.publisher.map_or_else(|| "a new key, made by the first publish".into(), |key| key.to_string())
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishAnswer {
    pub name: PackageName,
    pub version: semver::Version,
    pub publisher: PublisherKey,
    pub package_id: PackageId,
    pub release_id: ReleaseId,
    pub size: u64,
    /// How many files.
    pub files: usize,
    /// Peers that confirmed the release is in their catalogue.
    pub seen_by: usize,
    /// Some of them.
    #[serde(default)]
    pub seen_by_peers: Vec<String>,
    /// Peers that confirmed they hold the bytes.
    pub held_by: usize,
    pub findings: Vec<Finding>,
    /// It was published just like this before: that was announced again.
    #[serde(default)]
    pub again: bool,
    /// What to give to others: `ggen:<name>@<version>?publisher=<key>`.
    pub share: String,
}
