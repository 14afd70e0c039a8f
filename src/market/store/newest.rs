//! Which release of a package is its newest.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};
use semver::Version;

use super::search::{Batch, Shown};
use super::{convert, totals};
use crate::market::MarketError;

/// How versions compete to be a package's newest: pre-releases only when there is nothing else.
pub(super) fn rank(version: &Version) -> (bool, &Version) {
    (version.pre.is_empty(), version)
}

/// What all releases of a package come to.
pub(super) struct Summary {
    /// The key and version of the newest that is not withdrawn.
    pub newest: Option<(i64, Version)>,
    /// The key of the last in the chain.
    pub last: Option<i64>,
}

/// Reads all releases of the package. Of each version the latest one decides whether it is withdrawn.
pub(super) fn newest_of(conn: &Connection, package: i64) -> Result<Summary, MarketError> {
    let mut query =
        conn.prepare_cached("SELECT key, version, yank FROM releases WHERE package = ?1 ORDER BY sequence")?;
    let mut rows = query.query([package])?;
    let mut latest: HashMap<Version, (i64, bool)> = HashMap::new();
    let mut last = None;
    while let Some(row) = rows.next()? {
        let version = convert::parsed(&row.get::<_, String>(1)?, "version")?;
        last = Some(row.get(0)?);
        latest.insert(version, (row.get(0)?, row.get(2)?));
    }
    let live = latest.into_iter().filter(|(_, (_, yanked))| !yanked);
    let newest = live.max_by(|(a, _), (b, _)| rank(a).cmp(&rank(b))).map(|(version, (key, _))| (key, version));
    Ok(Summary { newest, last })
}

/// Indexes the newest version of the package (`packages.key`), found among all its releases, in place of its row `old`; the
/// newest withdrawn one where all are. Returns what the columns `newest` and `doc` of the package are then.
pub(super) fn resolve(
    conn: &Connection,
    package: i64,
    old: Option<i64>,
    index: &mut Batch,
) -> Result<(Option<i64>, Option<i64>), MarketError> {
    let Summary { newest, last } = newest_of(conn, package)?;
    let newest = newest.map(|(key, _)| key);
    let Some(key) = newest.or(last) else { return Ok((None, index.replace(conn, package, old, None)?)) };
    let mut query = conn.prepare_cached("SELECT id, envelope FROM releases WHERE key = ?1")?;
    let mut rows = query.query([key])?;
    let row = rows.next()?.ok_or_else(|| convert::damaged("release"))?;
    let release = convert::release(row, 0)?;
    let shown = Shown { key, release: release.release(), withdrawn: newest.is_none() };
    Ok((newest, index.replace(conn, package, old, Some(&shown))?))
}

/// The same for packages whose releases have changed, written. One that has none is gone after this.
pub(super) fn rescan(conn: &Connection, packages: impl IntoIterator<Item = i64>) -> Result<(), MarketError> {
    let mut index = Batch::default();
    let mut doc = conn.prepare_cached("SELECT doc FROM packages WHERE key = ?1")?;
    let mut update = conn.prepare_cached("UPDATE packages SET newest = ?2, doc = ?3 WHERE key = ?1")?;
    let mut delete = conn.prepare_cached("DELETE FROM packages WHERE key = ?1")?;
    let mut gone = 0;
    for package in packages {
        let Some(old) = doc.query_row([package], |row| row.get(0)).optional()? else { continue };
        match resolve(conn, package, old, &mut index)? {
            (_, None) => gone += delete.execute([package])? as i64,
            (newest, doc) => drop(update.execute(params![package, newest, doc])?),
        }
    }
    totals::add(conn, 0, -gone)?;
    index.finish(conn)
}
