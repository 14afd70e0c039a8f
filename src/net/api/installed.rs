//! What is installed, and what is taken away.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::market::install::needed_by;
use crate::market::store::{InstallSource, Installed, Reason};
use crate::market::{Db, Dependency, MarketError, PackageId, PackageName, PublisherKey, SafeText};

/// An installed package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstalledInfo {
    pub name: PackageName,
    pub version: semver::Version,
    /// None: nobody signed it, it comes from a central index.
    pub publisher: Option<PublisherKey>,
    pub package_id: PackageId,
    pub path: String,
    pub installed_at: u64,
    pub files: u32,
    pub bytes: u64,
    pub reason: Reason,
    /// The versions that were asked for; none: any.
    pub requirement: Option<semver::VersionReq>,
    pub source: InstallSource,
    pub dependencies: Vec<Dependency>,
    /// Installed packages that need it.
    pub needed_by: Vec<PackageName>,
    /// Why its publisher withdrew this version.
    pub yanked: Option<SafeText>,
    /// Why nothing of its publisher's key is to be believed any more.
    pub revoked: Option<SafeText>,
}

impl InstalledInfo {
    /// All that is installed below `packs`, by name, with what has become known of it since.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn all_of(db: &mut Db, packs: &Path) -> Result<Vec<Self>, MarketError> {
        let installed = db.installed()?;
        installed.iter().map(|entry| Self::of(db, entry, &installed, packs)).collect()
    }

    /// One for tests, told from others by its number.
    #[cfg(test)]
    pub fn sample(n: u8) -> Self {
        let name: PackageName = format!("pack-{n}").parse().unwrap();
        Self {
            path: format!("/home/ada/.ggen/packs/{name}"),
            name,
            version: semver::Version::new(1, 0, 0),
            publisher: Some(PublisherKey([n; 32])),
            package_id: PackageId([n; 32]),
            installed_at: 0,
            files: 3,
            bytes: 30,
            reason: Reason::Asked,
            requirement: None,
            source: InstallSource::Peers,
            dependencies: Vec::new(),
            needed_by: Vec::new(),
            yanked: None,
            revoked: None,
        }
    }

    fn of(db: &mut Db, entry: &Installed, all: &[Installed], packs: &Path) -> Result<Self, MarketError> {
        let (mut yanked, mut revoked) = (None, None);
        if let Some(publisher) = entry.publisher {
            let last = db.last_word(publisher, &entry.name, &entry.version)?;
            yanked = last.and_then(|release| release.release().yank_reason.clone());
            revoked = db.revocation(publisher)?.map(|revocation| revocation.reason);
        }
        Ok(Self {
            name: entry.name.clone(),
            version: entry.version.clone(),
            publisher: entry.publisher,
            package_id: entry.package_id,
            path: packs.join(entry.name.as_str()).display().to_string(),
            installed_at: entry.installed_at,
            files: entry.files,
            bytes: entry.bytes,
            reason: entry.reason,
            requirement: entry.requirement.clone(),
            source: entry.source.clone(),
            dependencies: entry.dependencies.clone(),
            needed_by: needed_by(all, &entry.name).into_iter().cloned().collect(),
            yanked,
            revoked,
        })
    }
}

/// What was taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveAnswer {
    pub removed: Vec<PackageName>,
    /// What came only as a dependency and is needed by nobody any more.
    pub unused: Vec<PackageName>,
}
