//! Taking releases in: which are new, and what they change about their packages.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::{Connection, params};
use semver::Version;

use super::convert::{self, to_i64, to_u64};
use super::keys::Standing;
use super::newest::{newest_of, rank, resolve};
use super::search::{Batch, Shown};
use super::{Accepted, Db, schema, totals};
use crate::market::{MarketError, PublisherKey, Release, VerifiedRelease};

/// Releases in a batch from which on more memory is worth its while.
const LARGE_BATCH: usize = 1000;

impl Db {
    /// Takes a release into the catalogue; durable when this returns. `now` in Unix seconds is noted as first seen.
    pub fn accept(&mut self, release: &VerifiedRelease, now: u64) -> Result<Accepted, MarketError> {
        let tx = self.conn.transaction()?;
        let accepted = accept_in(&tx, release, now)?;
        tx.commit()?;
        self.words_changed(&[accepted]);
        Ok(accepted)
    }

    /// Many in one transaction.
    pub fn accept_all(&mut self, releases: &[VerifiedRelease], now: u64) -> Result<Vec<Accepted>, MarketError> {
        if releases.len() < LARGE_BATCH {
            return self.accept_batch(releases, now);
        }
        schema::for_batches(&self.conn)?;
        let accepted = self.accept_batch(releases, now);
        schema::for_every_day(&self.conn)?;
        accepted
    }

    fn accept_batch(&mut self, releases: &[VerifiedRelease], now: u64) -> Result<Vec<Accepted>, MarketError> {
        let tx = self.conn.transaction()?;
        let mut intake = Intake::default();
        let accepted = releases.iter().map(|release| intake.take(&tx, release, now));
        let accepted = accepted.collect::<Result<Vec<_>, _>>()?;
        intake.finish(&tx)?;
        tx.commit()?;
        self.words_changed(&accepted);
        Ok(accepted)
    }
}

/// Takes a release in, inside the caller's transaction.
pub(super) fn accept_in(conn: &Connection, release: &VerifiedRelease, now: u64) -> Result<Accepted, MarketError> {
    let mut intake = Intake::default();
    let accepted = intake.take(conn, release, now)?;
    intake.finish(conn)?;
    Ok(accepted)
}

/// What the releases taken in within one transaction have in common. Their packages are written at the end, each once,
/// however many releases of it there are; to be [finished](Self::finish) in the same transaction.
#[derive(Default)]
pub(super) struct Intake<'a> {
    standings: HashMap<PublisherKey, Standing>,
    packages: HashMap<(PublisherKey, &'a str), Package<'a>>,
    /// The key of the next new package, once there was one.
    next: Option<i64>,
    /// Releases taken in, and changes of packages by them.
    taken: i64,
    changes: u64,
}

/// A row of the packages, as it will be.
struct Package<'a> {
    key: i64,
    is_new: bool,
    doc: Option<i64>,
    newest: Newest<'a>,
    /// The number of its last change; 0: it stays as it is.
    changed: u64,
}

enum Newest<'a> {
    /// What it is in the table. `None`: all versions are withdrawn.
    Stays(Option<Version>),
    /// The release taken in under this key.
    Taken(i64, &'a Release),
    /// Found among all its releases, and to be looked up there.
    Found(Option<Version>),
}

impl<'a> Intake<'a> {
    /// `now` in Unix seconds is noted as first seen.
    pub fn take(
        &mut self,
        conn: &Connection,
        verified: &'a VerifiedRelease,
        now: u64,
    ) -> Result<Accepted, MarketError> {
        let release = verified.release();
        let name = (release.publisher, release.name.as_str());
        if !self.packages.contains_key(&name)
            && let Some(package) = Package::find(conn, name)?
        {
            self.packages.insert(name, package);
        }
        let known = match self.packages.get(&name) {
            Some(package) => Known::of(conn, package.key, verified)?,
            None => Known::default(),
        };
        if known.is_same {
            return Ok(Accepted::Known);
        }
        if self.standing(conn, release.publisher)?.refuses(release) {
            return Ok(Accepted::Retired);
        }
        if known.has_place || (known.differs && release.yank_reason.is_none()) {
            return Ok(Accepted::Conflict);
        }
        let package = match self.packages.entry(name) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let key = self.next.map_or_else(|| next_package(conn), Ok)?;
                self.next = Some(key + 1);
                new.insert(Package::new(key))
            }
        };
        let seen = known.first_seen.map_or(now, |before| before.min(now));
        let key = insert(conn, package.key, verified, seen)?;
        self.taken += 1;
        if package.update(conn, key, release, known.has_version)? {
            self.changes += 1;
            package.changed = self.changes;
        }
        Ok(Accepted::New)
    }

    fn standing(&mut self, conn: &Connection, publisher: PublisherKey) -> Result<Standing, MarketError> {
        Ok(match self.standings.entry(publisher) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => *new.insert(Standing::of(conn, publisher)?),
        })
    }

    /// Indexes the packages that have changed, in the order of their last changes, and writes their rows.
    pub fn finish(self, conn: &Connection) -> Result<(), MarketError> {
        let mut changed: Vec<_> = self.packages.into_iter().filter(|(_, package)| package.changed > 0).collect();
        changed.sort_unstable_by_key(|(_, package)| package.changed);
        let mut index = Batch::default();
        let mut rows = Vec::with_capacity(changed.len());
        for (name, package) in changed {
            let (newest, doc) = match package.newest {
                Newest::Taken(key, release) => {
                    let shown = Shown { key, release, withdrawn: false };
                    (Some(key), index.replace(conn, package.key, package.doc, Some(&shown))?)
                }
                Newest::Stays(_) | Newest::Found(_) => resolve(conn, package.key, package.doc, &mut index)?,
            };
            rows.push((package.key, package.is_new.then_some(name), newest, doc));
        }
        let new = rows.iter().filter(|(_, name, ..)| name.is_some()).count();
        totals::add(conn, self.taken, new as i64)?;
        // Neighbours in the table come one after the other.
        rows.sort_unstable_by_key(|(key, ..)| *key);
        let mut insert = conn
            .prepare_cached("INSERT INTO packages (key, publisher, name, newest, doc) VALUES (?1, ?2, ?3, ?4, ?5)")?;
        let mut update = conn.prepare_cached("UPDATE packages SET newest = ?2, doc = ?3 WHERE key = ?1")?;
        for (key, name, newest, doc) in rows {
            match name {
                Some((publisher, name)) => insert.execute(params![key, publisher.0, name, newest, doc])?,
                None => update.execute(params![key, newest, doc])?,
            };
        }
        index.finish(conn)
    }
}

/// The key of a new package: one that no release has.
pub(super) fn next_package(conn: &Connection) -> Result<i64, MarketError> {
    let last =
        "SELECT max((SELECT coalesce(max(key), 0) FROM packages), (SELECT coalesce(max(package), 0) FROM releases))";
    Ok(conn.prepare_cached(last)?.query_row([], |row| row.get::<_, i64>(0))? + 1)
}

impl<'a> Package<'a> {
    fn new(key: i64) -> Self {
        Self { key, is_new: true, doc: None, newest: Newest::Stays(None), changed: 0 }
    }

    fn find(conn: &Connection, (publisher, name): (PublisherKey, &str)) -> Result<Option<Self>, MarketError> {
        let mut query = conn.prepare_cached(
            "SELECT p.key, p.doc, r.version FROM packages p LEFT JOIN releases r ON r.key = p.newest
             WHERE p.name = ?1 AND p.publisher = ?2",
        )?;
        let mut rows = query.query(params![name, publisher.0])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let newest: Option<String> = row.get(2)?;
        let newest = newest.map(|text| convert::parsed(&text, "version")).transpose()?;
        Ok(Some(Self { key: row.get(0)?, is_new: false, doc: row.get(1)?, newest: Newest::Stays(newest), changed: 0 }))
    }

    /// Puts a release just inserted under `key` in its place; whether that changes what is shown of the package. All versions
    /// are read only where one is withdrawn or renewed, so that a package of many versions does not cost more with each.
    fn update(
        &mut self,
        conn: &Connection,
        key: i64,
        release: &'a Release,
        renewed: bool,
    ) -> Result<bool, MarketError> {
        if renewed || release.yank_reason.is_some() {
            self.newest = Newest::Found(newest_of(conn, self.key)?.newest.map(|(_, version)| version));
            return Ok(true);
        }
        let before = match &self.newest {
            Newest::Stays(version) | Newest::Found(version) => version.as_ref(),
            Newest::Taken(_, release) => Some(&release.version),
        };
        let is_newest = before.is_none_or(|before| rank(before) <= rank(&release.version));
        if is_newest {
            self.newest = Newest::Taken(key, release);
        }
        Ok(is_newest)
    }
}

/// What there is already where a release belongs.
#[derive(Default)]
struct Known {
    is_same: bool,
    /// Another release has its place in the chain.
    has_place: bool,
    /// There is one of its version: with the same content it is a renewal, or takes a yank back.
    has_version: bool,
    /// One of its version that is no yank has other content.
    differs: bool,
    /// When the version with this content was first seen: a yank, and taking it back, make nothing new of it.
    first_seen: Option<u64>,
}

impl Known {
    fn of(conn: &Connection, package: i64, verified: &VerifiedRelease) -> Result<Self, MarketError> {
        let release = verified.release();
        let mut known = Self::default();
        let mut placed = conn.prepare_cached("SELECT id FROM releases WHERE package = ?1 AND sequence = ?2")?;
        let mut rows = placed.query(params![package, to_i64(release.sequence)])?;
        if let Some(row) = rows.next()? {
            known.is_same = row.get_ref(0)?.as_blob().is_ok_and(|id| id == verified.id().0);
            known.has_place = !known.is_same;
        }
        let mut same = conn.prepare_cached(
            "SELECT count(*), coalesce(max(package_id <> ?3 AND yank = 0), 0),
                    min(CASE WHEN package_id = ?3 THEN first_seen END)
             FROM releases WHERE package = ?1 AND version = ?2",
        )?;
        let values = params![package, release.version.to_string(), release.package_id.0];
        (known.has_version, known.differs, known.first_seen) = same.query_row(values, |row| {
            let first_seen: Option<i64> = row.get(2)?;
            Ok((row.get::<_, i64>(0)? > 0, row.get(1)?, first_seen.map(to_u64)))
        })?;
        Ok(known)
    }
}

/// Returns its key.
fn insert(conn: &Connection, package: i64, verified: &VerifiedRelease, first_seen: u64) -> Result<i64, MarketError> {
    let release = verified.release();
    let mut insert = conn.prepare_cached(
        "INSERT INTO releases (id, package, version, sequence, yank, package_id, published_at, expires_at, first_seen,
                               envelope)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    Ok(insert.insert(params![
        verified.id().0,
        package,
        release.version.to_string(),
        to_i64(release.sequence),
        release.yank_reason.is_some(),
        release.package_id.0,
        to_i64(release.published_at),
        to_i64(release.expires_at),
        to_i64(first_seen),
        verified.envelope().to_bytes(),
    ])?)
}
