//! What is installed from, and what is known of it once it is unpacked.

use std::fs::File;
use std::path::Path;

use semver::Version;
use serde::{Deserialize, Serialize};

use super::{InstallSource, description};
use crate::market::archive::{self, Extracted, repository};
use crate::market::central::{self, CentralPackage, Checked};
use crate::market::error::{Action, IoContext};
use crate::market::ids::to_hex;
use crate::market::{Dependency, MarketError, PackageId, PackageName, PublisherKey, VerifiedRelease};

/// Where the files of a package come from.
#[derive(Clone, Copy, Debug)]
pub enum Contents<'a> {
    /// The archive that a publisher signed.
    Archive { path: &'a Path, release: &'a VerifiedRelease },
    /// The archive of a repository that a central index names for an entry of its own, which nobody signed. `location` is
    /// the index, as the settings name it.
    Repository { archive: &'a Path, package: &'a CentralPackage, location: &'a str },
}

/// What vouches for the files of an install.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assurance {
    /// They are what the publisher signed.
    Signed,
    /// They have the checksum that the central index gives.
    Checksum,
    /// The index gives a checksum, and none of the orders tried in which it may have been made leads to it. So nothing
    /// vouches for them.
    NotReproduced,
    /// The index gives no checksum.
    None,
}

/// A package in a temporary directory.
pub(super) struct Unpacked {
    pub name: PackageName,
    pub version: Version,
    pub publisher: Option<PublisherKey>,
    pub package_id: PackageId,
    pub source: InstallSource,
    pub dependencies: Vec<Dependency>,
    pub extracted: Extracted,
    pub description: String,
    pub assurance: Assurance,
}

impl Contents<'_> {
    /// Verifies what there is to verify and unpacks into the empty directory `into`.
    pub(super) fn unpack(&self, into: &Path) -> Result<Unpacked, MarketError> {
        match *self {
            Self::Archive { path, release } => signed(path, release, into),
            Self::Repository { archive, package, location } => unsigned(archive, package, location, into),
        }
    }
}

/// SHA-256, Merkle root and size are compared before anything is unpacked.
fn signed(path: &Path, verified: &VerifiedRelease, into: &Path) -> Result<Unpacked, MarketError> {
    let release = verified.release();
    let mut file = File::open(path).at(Action::Read, path)?;
    archive::verify(&mut file, path, verified)?;
    let extracted = archive::extract(&mut file, path, release.file_count, into)?;
    Ok(Unpacked {
        name: release.name.clone(),
        version: release.version.clone(),
        publisher: Some(release.publisher),
        package_id: release.package_id,
        source: InstallSource::Peers,
        dependencies: release.dependencies.clone(),
        extracted,
        description: description::of_release(release, into),
        assurance: Assurance::Signed,
    })
}

/// The package id is the checksum of the directory: an archive of a repository is another with each change elsewhere in it.
fn unsigned(path: &Path, package: &CentralPackage, location: &str, into: &Path) -> Result<Unpacked, MarketError> {
    let below = match &package.download {
        Ok(download) => download.path.as_str(),
        Err(why) => return Err(MarketError::Invalid(format!("{} cannot be installed: {why}", package.name))),
    };
    let mut file = File::open(path).at(Action::Read, path)?;
    let extracted = repository::extract(&mut file, path, below, into)?;
    let (package_id, assurance) = judge(package, into)?;
    Ok(Unpacked {
        name: package.name.clone(),
        version: package.version.clone(),
        publisher: None,
        package_id,
        source: InstallSource::Central { location: location.to_owned() },
        dependencies: package.dependencies.clone(),
        extracted,
        description: description::of_entry(package),
        assurance,
    })
}

fn judge(package: &CentralPackage, dir: &Path) -> Result<(PackageId, Assurance), MarketError> {
    let Some(expected) = package.checksum else {
        return Ok((PackageId(central::directory_checksum(dir)?), Assurance::None));
    };
    match central::check(dir, expected)? {
        Checked::Matches => Ok((PackageId(expected), Assurance::Checksum)),
        Checked::Differs { got, all: false } => Ok((PackageId(got), Assurance::NotReproduced)),
        Checked::Differs { got, all: true } => Err(MarketError::Archive(format!(
            "the files of {} {} have the checksum {}, the index says {}",
            package.name,
            package.version,
            to_hex(&got),
            to_hex(&expected)
        ))),
    }
}
