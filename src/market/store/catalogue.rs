//! Releases: taking them in, reading them, and which one of a package is its newest.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};
use semver::Version;

use super::convert::{self, to_i64, to_u64};
use super::keys::Standing;
use super::search::{Batch, Shown};
use super::{Accepted, Counts, Db, heads, schema};
use crate::market::{MarketError, PackageName, PublisherKey, Release, ReleaseId, VerifiedRelease};

/// Releases in a batch from which on more memory is worth its while.
const LARGE_BATCH: usize = 1000;

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
        if releases.len() < LARGE_BATCH {
            return self.accept_batch(releases, now);
        }
        schema::large_cache(&self.conn)?;
        let accepted = self.accept_batch(releases, now);
        schema::small_cache(&self.conn)?;
        accepted
    }

    fn accept_batch(&mut self, releases: &[VerifiedRelease], now: u64) -> Result<Vec<Accepted>, MarketError> {
        let tx = self.conn.transaction()?;
        let mut batch = Batch::default();
        let accepted = releases.iter().map(|release| accept_with(&tx, release, now, &mut batch));
        let accepted = accepted.collect::<Result<_, _>>()?;
        batch.finish(&tx)?;
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
            "SELECT sequence, id FROM releases WHERE publisher = ?1 AND name = ?2 ORDER BY sequence DESC LIMIT 1",
        )?;
        let last = query.query_row(params![publisher.0, name.as_str()], |row| Ok((row.get(0)?, row.get(1)?)));
        Ok(last.optional()?.map(|(sequence, id)| (to_u64(sequence), ReleaseId(id))))
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
            forget(&tx, *key, *publisher, name)?;
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
    let mut batch = Batch::default();
    let accepted = accept_with(conn, verified, now, &mut batch)?;
    batch.finish(conn)?;
    Ok(accepted)
}

/// The same for one of many in one transaction.
fn accept_with(
    conn: &Connection,
    verified: &VerifiedRelease,
    now: u64,
    batch: &mut Batch,
) -> Result<Accepted, MarketError> {
    let release = verified.release();
    let version = SameVersion::of(conn, release)?;
    // A known release is one of its version.
    if version.is_known && is_known(conn, verified.id())? {
        return Ok(Accepted::Known);
    }
    if Standing::of(conn, release.publisher)?.refuses(release) {
        return Ok(Accepted::Retired);
    }
    if version.differs && release.yank_reason.is_none() {
        return Ok(Accepted::Conflict);
    }
    if !insert(conn, verified, now)? {
        return Ok(if is_known(conn, verified.id())? { Accepted::Known } else { Accepted::Conflict });
    }
    update_newest(conn, release, conn.last_insert_rowid(), version.is_known, batch)?;
    Ok(Accepted::New)
}

fn is_known(conn: &Connection, id: ReleaseId) -> Result<bool, MarketError> {
    Ok(conn.prepare_cached("SELECT 1 FROM releases WHERE id = ?1")?.exists([id.0])?)
}

/// What there is of a release's version already. The same version with the same content is a renewal, or takes a yank
/// back.
struct SameVersion {
    is_known: bool,
    /// One that is no yank has other content.
    differs: bool,
}

impl SameVersion {
    fn of(conn: &Connection, release: &Release) -> Result<Self, MarketError> {
        let mut query = conn.prepare_cached(
            "SELECT count(*), coalesce(max(package_id <> ?4 AND yank = 0), 0) FROM releases
             WHERE name = ?1 AND publisher = ?2 AND version = ?3",
        )?;
        let (name, version) = (release.name.as_str(), release.version.to_string());
        let values = params![name, release.publisher.0, version, release.package_id.0];
        Ok(query.query_row(values, |row| Ok(Self { is_known: row.get::<_, i64>(0)? > 0, differs: row.get(1)? }))?)
    }
}

/// `false`: another release has its place in the chain, or it is there.
fn insert(conn: &Connection, verified: &VerifiedRelease, now: u64) -> Result<bool, MarketError> {
    let release = verified.release();
    let mut insert = conn.prepare_cached(
        "INSERT INTO releases (id, publisher, name, version, sequence, yank, package_id, published_at, expires_at,
                               first_seen, envelope)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO NOTHING",
    )?;
    let inserted = insert.execute(params![
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
    Ok(inserted > 0)
}

/// How versions compete to be a package's newest: pre-releases only when there is nothing else.
fn rank(version: &Version) -> (bool, &Version) {
    (version.pre.is_empty(), version)
}

/// Puts a release just inserted under `key` in its place. All versions are read only where one is withdrawn or
/// renewed, so that a package of many versions does not cost more with each.
fn update_newest(
    conn: &Connection,
    release: &Release,
    key: i64,
    renewed: bool,
    batch: &mut Batch,
) -> Result<(), MarketError> {
    let name = release.name.as_str();
    if renewed || release.yank_reason.is_some() {
        return rescan_in(conn, release.publisher, name, batch);
    }
    let (package, old) = match Listed::of(conn, release.publisher, name)? {
        Some(Listed { newest: Some(newest), .. }) if rank(&newest) > rank(&release.version) => return Ok(()),
        Some(package) => (package.key, package.doc),
        None => (insert_package(conn, release.publisher, name, Some(key))?, None),
    };
    let doc = batch.replace(conn, package, old, Some(&Shown { key, release, withdrawn: false }))?;
    let mut update = conn.prepare_cached("UPDATE packages SET newest = ?2, doc = ?3 WHERE key = ?1")?;
    update.execute(params![package, key, doc])?;
    Ok(())
}

/// A row of the packages.
struct Listed {
    key: i64,
    doc: Option<i64>,
    newest: Option<Version>,
}

impl Listed {
    fn of(conn: &Connection, publisher: PublisherKey, name: &str) -> Result<Option<Self>, MarketError> {
        let mut query = conn.prepare_cached(
            "SELECT p.key, p.doc, r.version FROM packages p LEFT JOIN releases r ON r.key = p.newest
             WHERE p.name = ?1 AND p.publisher = ?2",
        )?;
        let mut rows = query.query(params![name, publisher.0])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let newest: Option<String> = row.get(2)?;
        let newest = newest.map(|text| convert::parsed(&text, "version")).transpose()?;
        Ok(Some(Self { key: row.get(0)?, doc: row.get(1)?, newest }))
    }
}

/// Finds the newest version from all releases of the package: of each version the latest release decides whether it is
/// withdrawn.
pub(super) fn rescan(conn: &Connection, publisher: PublisherKey, name: &str) -> Result<(), MarketError> {
    let mut batch = Batch::default();
    rescan_in(conn, publisher, name, &mut batch)?;
    batch.finish(conn)
}

fn rescan_in(conn: &Connection, publisher: PublisherKey, name: &str, batch: &mut Batch) -> Result<(), MarketError> {
    let (newest, last) = newest_of(conn, publisher, name)?;
    let package = set_newest(conn, publisher, name, newest)?;
    let Some(key) = newest.or(last) else { return batch.put(conn, package, None) };
    let mut query = conn.prepare_cached("SELECT id, envelope FROM releases WHERE key = ?1")?;
    let mut rows = query.query([key])?;
    let row = rows.next()?.ok_or_else(|| convert::damaged("release"))?;
    let release = convert::release(row, 0)?;
    batch.put(conn, package, Some(&Shown { key, release: release.release(), withdrawn: newest.is_none() }))
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
// Not an upsert: that takes a savepoint for each row, at which the full-text index writes what it has in memory.
fn set_newest(conn: &Connection, publisher: PublisherKey, name: &str, newest: Option<i64>) -> Result<i64, MarketError> {
    let mut known = conn.prepare_cached("SELECT key FROM packages WHERE name = ?1 AND publisher = ?2")?;
    let Some(key) = known.query_row(params![name, publisher.0], |row| row.get(0)).optional()? else {
        return insert_package(conn, publisher, name, newest);
    };
    conn.prepare_cached("UPDATE packages SET newest = ?2 WHERE key = ?1")?.execute(params![key, newest])?;
    Ok(key)
}

fn insert_package(
    conn: &Connection,
    publisher: PublisherKey,
    name: &str,
    newest: Option<i64>,
) -> Result<i64, MarketError> {
    let insert = "INSERT INTO packages (publisher, name, newest) VALUES (?1, ?2, ?3)";
    Ok(conn.prepare_cached(insert)?.insert(params![publisher.0, name, newest])?)
}

/// Takes a release out of the catalogue, as if it had never come.
pub(super) fn forget(conn: &Connection, key: i64, publisher: PublisherKey, name: &str) -> Result<(), MarketError> {
    conn.prepare_cached("UPDATE packages SET newest = NULL WHERE newest = ?1")?.execute([key])?;
    conn.prepare_cached("DELETE FROM releases WHERE key = ?1")?.execute([key])?;
    rescan(conn, publisher, name)?;
    forget_empty(conn, publisher, name)?;
    heads::forget_empty(conn, publisher, name)
}

pub(super) fn forget_empty(conn: &Connection, publisher: PublisherKey, name: &str) -> Result<(), MarketError> {
    let mut delete = conn.prepare_cached(
        "DELETE FROM packages WHERE name = ?1 AND publisher = ?2
         AND NOT EXISTS (SELECT 1 FROM releases WHERE name = ?1 AND publisher = ?2)",
    )?;
    delete.execute(params![name, publisher.0])?;
    Ok(())
}
