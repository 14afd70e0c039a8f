//! The SQLite store (catalogue, blobs, installs, peers) and the blob folder.
//!
//! The catalogue holds verified releases only: the ways in take [`VerifiedRelease`]. Blobs are files named by their
//! hash; a row says that one is complete. File first, database commit last, so that a crash leaves at worst a file
//! without a row, which the next start removes.
//!
//! Damage is met in five places: opening scans a small database (`schema`), the node one of any size while it is in use
//! (`scan`), rows are compared with the envelopes they were taken from (`check`), a database that SQLite cannot read is made
//! anew from what can be read of it (`rescue`), and blobs that are not what their name says are moved into quarantine
//! (`blobs`).

mod blobs;
mod cache;
mod catalogue;
mod central;
mod check;
mod check_notes;
mod check_signed;
mod convert;
mod heads;
mod installs;
mod intake;
mod keys;
mod merge;
mod newest;
mod partial;
mod peer_record;
mod peers;
mod rescue;
mod room;
mod scan;
mod schema;
pub(in crate::market) mod search;
mod sync_set;
mod thread;
mod totals;
mod trust;
mod turn;

#[cfg(test)]
mod check_tests;
#[cfg(test)]
mod flips;
#[cfg(test)]
mod head_tests;
#[cfg(test)]
mod install_tests;
#[cfg(test)]
mod intake_tests;
#[cfg(test)]
mod invariants;
#[cfg(test)]
mod key_tests;
#[cfg(test)]
mod publish_tests;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::PathBuf;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::merkle::Hash;
use super::{Dependency, PackageId, PackageName, PublisherKey, VerifiedRelease, files};
use crate::config::Home;
use turn::Turn;

pub use blobs::{Condition, digest};
pub use cache::{CacheRules, CacheUse, Collected};
pub use central::CentralCopy;
pub use check::Slice;
pub use heads::{HeadAccepted, HeadFault, HeadStanding};
pub use keys::{KeyAccepted, KeyFault, Revocation};
pub use partial::{Partial, PartialLock, Resumed};
pub use peer_record::{PeerConduct, PeerEvent, PeerFailures, PeerRecord};
pub use peers::MAX_PEERS;
pub use scan::{Leash, PageScan};
pub use sync_set::SyncSet;
pub use thread::Store;

/// The database, used from one thread only (see [`Store`]).
pub struct Db {
    conn: Connection,
    place: Place,
    turn: Turn,
    /// What was put right since it was opened, for people.
    repairs: Vec<String>,
    /// Blobs known to be sound since it was opened.
    vetted: HashSet<PackageId>,
    words: merge::Words,
}

#[cfg(test)]
impl Db {
    /// For tests that damage rows.
    pub(crate) fn conn(&self) -> &Connection {
        &self.conn
    }
}

/// Where the parts of the store are.
struct Place {
    /// `<home>/p2p/market.db`
    file: PathBuf,
    /// `<home>/p2p-cache/blobs`
    blobs: PathBuf,
    /// `<home>/p2p-cache/incoming`
    incoming: PathBuf,
    /// `<home>/p2p-cache/quarantine`
    quarantine: PathBuf,
    /// `<home>/packs`
    packs: PathBuf,
}

impl Place {
    fn of(home: &Home) -> Self {
        let blobs = home.blobs_dir();
        let beside = |name: &str| files::parent(&blobs).join(name);
        Self {
            file: home.database_file(),
            incoming: beside("incoming"),
            quarantine: beside("quarantine"),
            packs: home.packs_dir(),
            blobs,
        }
    }
}

/// What became of a release given to [`Db::accept`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// New to this catalogue.
    New,
    /// Already there.
    Known,
    /// A validly signed release that contradicts what is there: same (publisher, name, sequence) with other content,
    /// or an already published version changed. Kept out.
    Conflict,
    /// New, and of a key that was revoked, or replaced by another one before the release was made. Kept out.
    Retired,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Distinct (publisher, name).
    pub packages: u64,
    pub releases: u64,
    /// Of them, those that nobody would take from this node any more: their key was revoked, or replaced before.
    pub retired: u64,
    pub blobs: u64,
    /// Bytes of all blobs.
    pub blob_bytes: u64,
}

/// A search answer, best first.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub release: VerifiedRelease,
    /// Higher is better; an exact name comes first.
    pub score: f64,
    /// Whether this node has the blob.
    pub have_blob: bool,
    /// Installed version under that name, if any.
    pub installed: Option<semver::Version>,
    /// Unix seconds.
    pub first_seen: u64,
}

/// A blob this node holds.
#[derive(Clone, Debug, PartialEq)]
pub struct BlobInfo {
    pub package_id: PackageId,
    pub size: u64,
    pub leaves: Vec<Hash>,
}

/// What is installed under a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Installed {
    pub name: PackageName,
    pub version: semver::Version,
    /// None: nobody signed it, it comes from a central index.
    pub publisher: Option<PublisherKey>,
    /// Of what nobody signed: the checksum of its directory.
    pub package_id: PackageId,
    /// Unix seconds.
    pub installed_at: u64,
    pub files: u32,
    pub bytes: u64,
    pub reason: Reason,
    /// The versions that the user asked for; none: any.
    pub requirement: Option<semver::VersionReq>,
    pub source: InstallSource,
    pub dependencies: Vec<Dependency>,
}

/// Why a package is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// The user asked for it.
    Asked,
    /// Only because another package needs it.
    Needed,
}

impl Reason {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Needed => "needed",
        }
    }

    fn of(name: &str) -> Option<Self> {
        [Self::Asked, Self::Needed].into_iter().find(|reason| reason.name() == name)
    }
}

/// What an install was taken from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum InstallSource {
    /// A signed release.
    Peers,
    /// An entry of a central index, which nobody signed.
    Central {
        /// As the settings name it.
        location: String,
    },
}

/// The key that releases of a name must be signed with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    pub name: PackageName,
    pub publisher: PublisherKey,
    /// Unix seconds; 0 where it is not known.
    pub since: u64,
    pub origin: PinOrigin,
}

/// Why a key is pinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PinOrigin {
    /// By the first install of the name.
    Installed,
    /// The user took it in place of another.
    Accepted,
    /// The key pinned before signed it over.
    Rotated,
}

impl PinOrigin {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::Accepted => "accepted",
            Self::Rotated => "rotated",
        }
    }

    fn of(name: &str) -> Option<Self> {
        [Self::Installed, Self::Accepted, Self::Rotated].into_iter().find(|origin| origin.name() == name)
    }
}

/// A publisher of a name, as this node has seen it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    pub publisher: PublisherKey,
    /// Unix seconds.
    pub first_seen: u64,
    pub releases: u64,
}

/// How much a name is used in the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameUse {
    pub name: PackageName,
    pub publishers: u64,
    pub releases: u64,
    /// Unix seconds.
    pub first_seen: u64,
}
