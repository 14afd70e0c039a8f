//! Releases: reading them, and letting the expired go.

use std::collections::{BTreeSet, HashMap};

use rusqlite::{Connection, OptionalExtension, params};
use semver::Version;

use super::convert::{self, to_i64, to_u64};
use super::{Db, heads, newest, totals};
use crate::market::{MarketError, PackageName, PublisherKey, ReleaseId, VerifiedRelease};

impl Db {
    /// The release with this id.
    pub fn release(&mut self, id: ReleaseId) -> Result<Option<VerifiedRelease>, MarketError> {
        Ok(self.releases(&[id])?.pop())
    }

    /// The releases with these ids, in their order; those that are not there are left out.
    pub fn releases(&mut self, ids: &[ReleaseId]) -> Result<Vec<VerifiedRelease>, MarketError> {
        let mut query = self.conn.prepare_cached(
            "SELECT id, envelope FROM releases WHERE substr(id, 1, 8) = substr(?1, 1, 8) AND id = ?1",
        )?;
        let mut found = Vec::new();
        for id in ids {
            if let Some(row) = query.query([id.0])?.next()? {
                found.push(convert::release(row, 0)?);
            }
        }
        Ok(found)
    }

    /// The envelopes of the releases and key statements with these ids, in their order; those that are not there are left
    /// out.
    pub fn envelopes(&mut self, ids: &[ReleaseId]) -> Result<Vec<Vec<u8>>, MarketError> {
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            match self.release(*id)? {
                Some(release) => found.push(release.envelope().to_bytes()),
                None => found.extend(self.key_statement(*id)?.map(|statement| statement.envelope().to_bytes())),
            }
        }
        Ok(found)
    }

    /// When this node first saw the release, in Unix seconds.
    pub fn first_seen(&mut self, id: ReleaseId) -> Result<Option<u64>, MarketError> {
        let mut query = self
            .conn
            .prepare_cached("SELECT first_seen FROM releases WHERE substr(id, 1, 8) = substr(?1, 1, 8) AND id = ?1")?;
        Ok(query.query_row([id.0], |row| row.get(0)).optional()?.map(to_u64))
    }

    /// Highest version first; all publishers when `publisher` is `None`. Each (publisher, version) is there once, as
    /// its latest release says: a withdrawn version has a `yank_reason`.
    pub fn versions(
        &mut self,
        name: &PackageName,
        publisher: Option<PublisherKey>,
    ) -> Result<Vec<VerifiedRelease>, MarketError> {
        let mut query = self.conn.prepare_cached(
            "SELECT r.id, r.envelope FROM packages p JOIN releases r ON r.package = p.key
             WHERE p.name = ?1 AND (?2 IS NULL OR p.publisher = ?2) ORDER BY r.sequence",
        )?;
        let mut rows = query.query(params![name.as_str(), publisher.map(|key| key.0)])?;
        let mut latest: HashMap<(PublisherKey, Version), VerifiedRelease> = HashMap::new();
        while let Some(row) = rows.next()? {
            let found = convert::release(row, 0)?;
            if found.release().name != *name {
                return Err(convert::damaged("name"));
            }
            // What is installed is chosen from here: a tampered row must not pass for a release.
            if !found.signature_holds() {
                tracing::error!(release = %found.id(), "a stored release has a wrong signature and is left out");
                continue;
            }
            latest.insert((found.release().publisher, found.release().version.clone()), found);
        }
        let mut versions: Vec<_> = latest.into_values().collect();
        versions.sort_by(|a, b| {
            let (a, b) = (a.release(), b.release());
            b.version.cmp(&a.version).then_with(|| a.publisher.cmp(&b.publisher))
        });
        Ok(versions)
    }

    /// The newest releases, newest first; none that nobody would take from this node any more.
    pub fn recent(&mut self, limit: usize) -> Result<Vec<VerifiedRelease>, MarketError> {
        let mut query = self.conn.prepare_cached(
            "SELECT id, envelope FROM releases WHERE retired = 0 ORDER BY published_at DESC, id DESC LIMIT ?1",
        )?;
        collect(query.query([convert::limit(limit)])?)
    }

    /// This publisher's last release of the name: (sequence, id), for the next one's chain.
    pub fn last_of(
        &mut self,
        publisher: PublisherKey,
        name: &PackageName,
    ) -> Result<Option<(u64, ReleaseId)>, MarketError> {
        let mut query = self.conn.prepare_cached(
            "SELECT sequence, id FROM releases
             WHERE package = (SELECT key FROM packages WHERE name = ?2 AND publisher = ?1) ORDER BY sequence DESC LIMIT 1",
        )?;
        let last = query.query_row(params![publisher.0, name.as_str()], |row| Ok((row.get(0)?, row.get(1)?)));
        Ok(last.optional()?.map(|(sequence, id)| (to_u64(sequence), ReleaseId(id))))
    }

    /// Removes the releases that expired before `now` (Unix seconds), except those of `own`: a publisher keeps its
    /// chain, so that the next release continues it. Returns how many went.
    pub fn drop_expired(&mut self, now: u64, own: PublisherKey) -> Result<usize, MarketError> {
        let tx = self.conn.transaction()?;
        let mut query = tx.prepare(
            "SELECT r.key, r.package FROM releases r JOIN packages p ON p.key = r.package
             WHERE r.expires_at <= ?1 AND p.publisher <> ?2",
        )?;
        let expired = query.query_map(params![to_i64(now), own.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let expired = expired.collect::<Result<Vec<_>, _>>()?;
        drop(query);
        forget(&tx, &expired)?;
        tx.commit()?;
        Ok(expired.len())
    }
}

fn collect(mut rows: rusqlite::Rows<'_>) -> Result<Vec<VerifiedRelease>, MarketError> {
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(convert::release(row, 0)?);
    }
    Ok(found)
}

/// Takes releases (`releases.key` and the package of each) out of the catalogue, as if they had never come.
pub(super) fn forget(conn: &Connection, releases: &[(i64, i64)]) -> Result<(), MarketError> {
    let mut delete = conn.prepare_cached("DELETE FROM releases WHERE key = ?1")?;
    for (key, _) in releases {
        delete.execute([key])?;
    }
    totals::add(conn, -(releases.len() as i64), 0)?;
    let packages: BTreeSet<i64> = releases.iter().map(|(_, package)| *package).collect();
    packages.iter().try_for_each(|package| heads::forget_empty(conn, *package))?;
    newest::rescan(conn, packages)
}
