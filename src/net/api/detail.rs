//! What a store knows of a package's releases.

use crate::market::{Db, MarketError, PackageName, PublisherKey, VerifiedRelease};

use super::package::ReleaseInfo;

impl ReleaseInfo {
    /// All releases of a name, newest first, of all publishers where none is named.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn all_of(db: &mut Db, name: &PackageName, publisher: Option<PublisherKey>) -> Result<Vec<Self>, MarketError> {
        let pinned = db.pinned(name)?;
        let installed = db.installed_as(name)?.map(|entry| entry.package_id);
        let mut infos = Vec::new();
        for release in db.versions(name, publisher)? {
            let id = release.release().package_id;
            let have_blob = db.blob(id)?.is_some();
            infos.push(Self {
                first_seen: db.first_seen(release.id())?.unwrap_or(release.release().published_at),
                have_blob,
                providers: usize::from(have_blob),
                installed: installed == Some(id),
                pinned,
                ..Self::of(&release)
            });
        }
        Ok(infos)
    }

    /// What the release itself says.
    fn of(release: &VerifiedRelease) -> Self {
        let signed = release.release();
        Self {
            name: signed.name.clone(),
            version: signed.version.clone(),
            publisher: signed.publisher,
            release_id: release.id(),
            package_id: signed.package_id,
            size: signed.size,
            file_count: signed.file_count,
            description: signed.description.clone(),
            category: signed.category.clone(),
            tags: signed.tags.clone(),
            keywords: signed.keywords.clone(),
            licence: signed.licence.clone(),
            repository: signed.repository.clone(),
            dependencies: signed.dependencies.clone(),
            sequence: signed.sequence,
            published_at: signed.published_at,
            expires_at: signed.expires_at,
            first_seen: signed.published_at,
            yank_reason: signed.yank_reason.clone(),
            have_blob: false,
            providers: 0,
            holders: Vec::new(),
            installed: false,
            pinned: None,
        }
    }
}
