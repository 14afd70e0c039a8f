//! Releases: taking them in, reading them, and which one of a package is its newest.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};
use semver::Version;

use super::convert::{self, to_i64, to_u64};
use super::keys::Standing;
use super::search::{self, Shown};
use super::{Accepted, Counts, Db, heads};
use crate::market::{MarketError, PackageName, PublisherKey, Release, ReleaseId, VerifiedRelease};

impl Db {
    /// Takes a release into the catalogue; durable when this returns. `now` in Unix seconds is noted as first seen.
    pub fn accept(&mut self, release: &VerifiedRelease, now: u64) -> Result<Accepted, MarketError> {
        let tx = self.conn.transaction()?;
        let accepted = accept_in(&tx, release, now)?;
        tx.commit()?;
        Ok(accepted)
    }

    /// Many in one transaction.
    pub fn accept_all(&mut self, releases: &[VerifiedRelease], now: u64) -> Result<Vec<Accepted>, MarketError> {
        let tx = self.conn.transaction()?;
        let accepted = releases.iter().map(|release| accept_in(&tx, release, now)).collect::<Result<_, _>>()?;
        tx.commit()?;
        Ok(accepted)
    }

    /// The release with this id.
    pub fn release(&mut self, id: ReleaseId) -> Result<Option<VerifiedRelease>, MarketError> {
        Ok(self.releases(&[id])?.pop())
    }

    /// The releases with these ids, in their order; those that are not there are left out.
    pub fn releases(&mut self, ids: &[ReleaseId]) -> Result<Vec<VerifiedRelease>, MarketError> {
        let mut query = self.conn.prepare_cached("SELECT id, envelope FROM releases WHERE id = ?1")?;
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
        let mut query = self.conn.prepare_cached("SELECT first_seen FROM releases WHERE id = ?1")?;
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
            "SELECT id, envelope FROM releases WHERE name = ?1 AND (?2 IS NULL OR publisher = ?2) ORDER BY sequence",
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

    /// The newest releases, newest first.
    pub fn recent(&mut self, limit: usize) -> Result<Vec<VerifiedRelease>, MarketError> {
        let mut query = self
            .conn
            .prepare_cached("SELECT id, envelope FROM releases ORDER BY published_at DESC, id DESC LIMIT ?1")?;
        collect(query.query([convert::limit(limit)])?)
    }

    /// This publisher's last release of the name: (sequence, id), for the next one's chain.
    pub fn last_of(
        &mut self,
        publisher: PublisherKey,
        name: &PackageName,
    ) -> Result<Option<(u64, ReleaseId)>, MarketError> {
        let mut query = self.conn.prepare_cached(
            "SELECT sequence, id FROM releases WHERE publisher = ?1 AND name = ?2 ORDER BY sequence DESC LIMIT 1",
        )?;
        let last = query.query_row(params![publisher.0, name.as_str()], |row| Ok((row.get(0)?, row.get(1)?)));
        Ok(last.optional()?.map(|(sequence, id)| (to_u64(sequence), ReleaseId(id))))
    }

    /// The ids of all releases and key statements with their times, for set reconciliation; ordered by (time, id). Releases
    /// that a node which knows the statements would not take are left out.
    pub fn sync_items(&mut self) -> Result<Vec<(u64, ReleaseId)>, MarketError> {
        let mut query = self.conn.prepare_cached(
            "SELECT published_at, id FROM releases r WHERE NOT EXISTS
                 (SELECT 1 FROM key_statements k WHERE k.key = r.publisher
                  AND (k.kind = 2 OR (k.signed_at < r.published_at AND r.yank = 0)))
             UNION ALL SELECT signed_at, id FROM key_statements
             ORDER BY 1, 2",
        )?;
        let items = query.query_map([], |row| Ok((to_u64(row.get(0)?), ReleaseId(row.get(1)?))))?;
        Ok(items.collect::<Result<_, _>>()?)
    }

    /// Removes the releases that expired before `now` (Unix seconds), except those of `own`: a publisher keeps its
    /// chain, so that the next release continues it. Returns how many went.
    pub fn drop_expired(&mut self, now: u64, own: PublisherKey) -> Result<usize, MarketError> {
        let tx = self.conn.transaction()?;
        let mut query =
            tx.prepare("SELECT key, publisher, name FROM releases WHERE expires_at <= ?1 AND publisher <> ?2")?;
        let expired = query.query_map(params![to_i64(now), own.0], |row| {
            Ok((row.get::<_, i64>(0)?, PublisherKey(row.get(1)?), row.get::<_, String>(2)?))
        })?;
        let expired = expired.collect::<Result<Vec<_>, _>>()?;
        drop(query);
        for (key, publisher, name) in &expired {
            tx.execute("UPDATE packages SET newest = NULL WHERE newest = ?1", [key])?;
            tx.execute("DELETE FROM releases WHERE key = ?1", [key])?;
            rescan(&tx, *publisher, name)?;
            forget_empty(&tx, *publisher, name)?;
            heads::forget_empty(&tx, *publisher, name)?;
        }
        tx.commit()?;
        Ok(expired.len())
    }

    /// How much there is.
    pub fn counts(&mut self) -> Result<Counts, MarketError> {
        let mut query = self.conn.prepare_cached(
            "SELECT (SELECT count(*) FROM packages), (SELECT count(*) FROM releases),
                    (SELECT count(*) FROM blobs), (SELECT coalesce(sum(size), 0) FROM blobs)",
        )?;
        Ok(query.query_row([], |row| {
            Ok(Counts {
                packages: to_u64(row.get(0)?),
                releases: to_u64(row.get(1)?),
                blobs: to_u64(row.get(2)?),
                blob_bytes: to_u64(row.get(3)?),
            })
        })?)
    }
}

fn collect(mut rows: rusqlite::Rows<'_>) -> Result<Vec<VerifiedRelease>, MarketError> {
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(convert::release(row, 0)?);
    }
    Ok(found)
}

/// Takes a release in, inside the caller's transaction.
pub(super) fn accept_in(conn: &Connection, verified: &VerifiedRelease, now: u64) -> Result<Accepted, MarketError> {
    let known = "SELECT 1 FROM releases WHERE id = ?1";
    if conn.prepare_cached(known)?.exists([verified.id().0])? {
        return Ok(Accepted::Known);
    }
    if Standing::of(conn, verified.release().publisher)?.refuses(verified.release()) {
        return Ok(Accepted::Retired);
    }
    if contradicts(conn, verified.release())? {
        return Ok(Accepted::Conflict);
    }
    insert(conn, verified, now)?;
    update_newest(conn, verified.release(), conn.last_insert_rowid())?;
    Ok(Accepted::New)
}

/// Whether another release has this one's place in the chain, or the same version with other content. The same version
/// with the same content is a renewal, or takes a yank back.
fn contradicts(conn: &Connection, release: &Release) -> Result<bool, MarketError> {
    let mut rival = conn.prepare_cached(
        "SELECT 1 FROM releases WHERE publisher = ?1 AND name = ?2 AND sequence = ?3
         UNION ALL
         SELECT 1 FROM releases WHERE publisher = ?1 AND name = ?2 AND version = ?4 AND package_id <> ?5
             AND yank = 0 AND ?6 = 0",
    )?;
    Ok(rival.exists(params![
        release.publisher.0,
        release.name.as_str(),
        to_i64(release.sequence),
        release.version.to_string(),
        release.package_id.0,
        release.yank_reason.is_some(),
    ])?)
}

fn insert(conn: &Connection, verified: &VerifiedRelease, now: u64) -> Result<(), MarketError> {
    let release = verified.release();
    let mut insert = conn.prepare_cached(
        "INSERT INTO releases (id, publisher, name, version, sequence, yank, package_id, published_at, expires_at,
                               first_seen, envelope)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    insert.execute(params![
        verified.id().0,
        release.publisher.0,
        release.name.as_str(),
        release.version.to_string(),
        to_i64(release.sequence),
        release.yank_reason.is_some(),
        release.package_id.0,
        to_i64(release.published_at),
        to_i64(release.expires_at),
        to_i64(now),
        verified.envelope().to_bytes(),
    ])?;
    Ok(())
}

/// How versions compete to be a package's newest: pre-releases only when there is nothing else.
fn rank(version: &Version) -> (bool, &Version) {
    (version.pre.is_empty(), version)
}

/// Puts a release just inserted under `key` in its place. All versions are read only where one is withdrawn or
/// renewed, so that a package of many versions does not cost more with each.
fn update_newest(conn: &Connection, release: &Release, key: i64) -> Result<(), MarketError> {
    let name = release.name.as_str();
    let current = newest_version(conn, release.publisher, name)?;
    let disputed = releases_of_version(conn, release)? > 1;
    if disputed || release.yank_reason.is_some() {
        return rescan(conn, release.publisher, name);
    }
    match current {
        Some(current) if rank(&current) > rank(&release.version) => Ok(()),
        _ => {
            let package = set_newest(conn, release.publisher, name, Some(key))?;
            search::put(conn, package, Some(&Shown { key, release, withdrawn: false }))
        }
    }
}

fn newest_version(conn: &Connection, publisher: PublisherKey, name: &str) -> Result<Option<Version>, MarketError> {
    let mut query = conn.prepare_cached(
        "SELECT r.version FROM packages p JOIN releases r ON r.key = p.newest WHERE p.name = ?1 AND p.publisher = ?2",
    )?;
    let text: Option<String> = query.query_row(params![name, publisher.0], |row| row.get(0)).optional()?;
    text.map(|text| convert::parsed(&text, "version")).transpose()
}

fn releases_of_version(conn: &Connection, release: &Release) -> Result<i64, MarketError> {
    let mut query =
        conn.prepare_cached("SELECT count(*) FROM releases WHERE name = ?1 AND publisher = ?2 AND version = ?3")?;
    let values = params![release.name.as_str(), release.publisher.0, release.version.to_string()];
    Ok(query.query_row(values, |row| row.get(0))?)
}

/// Finds the newest version from all releases of the package: of each version the latest release decides whether it is
/// withdrawn.
pub(super) fn rescan(conn: &Connection, publisher: PublisherKey, name: &str) -> Result<(), MarketError> {
    let (newest, last) = newest_of(conn, publisher, name)?;
    let package = set_newest(conn, publisher, name, newest)?;
    let Some(key) = newest.or(last) else { return search::put(conn, package, None) };
    let mut query = conn.prepare_cached("SELECT id, envelope FROM releases WHERE key = ?1")?;
    let mut rows = query.query([key])?;
    let row = rows.next()?.ok_or_else(|| convert::damaged("release"))?;
    let release = convert::release(row, 0)?;
    search::put(conn, package, Some(&Shown { key, release: release.release(), withdrawn: newest.is_none() }))
}

/// The keys of a package's newest release that is not withdrawn, and of its last one.
pub(super) fn newest_of(
    conn: &Connection,
    publisher: PublisherKey,
    name: &str,
) -> Result<(Option<i64>, Option<i64>), MarketError> {
    let mut query = conn.prepare_cached(
        "SELECT key, version, yank FROM releases WHERE name = ?1 AND publisher = ?2 ORDER BY sequence",
    )?;
    let mut rows = query.query(params![name, publisher.0])?;
    let mut latest: HashMap<Version, (i64, bool)> = HashMap::new();
    let mut last = None;
    while let Some(row) = rows.next()? {
        let version = convert::parsed(&row.get::<_, String>(1)?, "version")?;
        last = Some(row.get(0)?);
        latest.insert(version, (row.get(0)?, row.get(2)?));
    }
    let live = latest.iter().filter(|(_, (_, yanked))| !yanked);
    let newest = live.max_by(|(a, _), (b, _)| rank(a).cmp(&rank(b))).map(|(_, (key, _))| *key);
    Ok((newest, last))
}

/// Notes which release is the newest. Returns the package's key.
fn set_newest(conn: &Connection, publisher: PublisherKey, name: &str, newest: Option<i64>) -> Result<i64, MarketError> {
    let mut upsert = conn.prepare_cached(
        "INSERT INTO packages (publisher, name, newest) VALUES (?1, ?2, ?3)
         ON CONFLICT (name, publisher) DO UPDATE SET newest = excluded.newest RETURNING key",
    )?;
    Ok(upsert.query_row(params![publisher.0, name, newest], |row| row.get(0))?)
}

pub(super) fn forget_empty(conn: &Connection, publisher: PublisherKey, name: &str) -> Result<(), MarketError> {
    let mut delete = conn.prepare_cached(
        "DELETE FROM packages WHERE name = ?1 AND publisher = ?2
         AND NOT EXISTS (SELECT 1 FROM releases WHERE name = ?1 AND publisher = ?2)",
    )?;
    delete.execute(params![name, publisher.0])?;
    Ok(())
}
