//! Whether the rows of the catalogue are what the signed envelopes in it say, a slice at a time.
//!
//! SQLite notices damage to its own structure, not a bit that turned over inside a value. Each release is verified again,
//! its columns compared with it, and each package's newest release found anew; what differs is put right.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use super::check_signed::HeadPlace;
use super::convert::{self, to_i64};
use super::intake::next_package;
use super::keys::IS_RETIRED;
use super::newest::{Summary, newest_of, rescan};
use super::{Db, check_notes, check_signed, totals};
use crate::market::{MarketError, VerifiedRelease};

/// Rows of one slice: some milliseconds of the database thread.
pub(super) const SLICE: usize = 64;

/// How far a check has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slice {
    table: Table,
    /// Behind the last row looked at.
    after: i64,
    /// The same for heads, which have no row number.
    head: HeadPlace,
    /// Rows put right, or thrown away since nothing signed was in them.
    pub mended: u64,
}

/// The tables in the order they are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Table {
    #[default]
    Releases,
    Packages,
    Heads,
    Statements,
}

impl Slice {
    fn of(table: Table, before: Self) -> Self {
        Self { table, after: i64::MIN, ..before }
    }
}

/// What a release's columns should hold, in the order of [`READ`].
type Columns = Vec<Value>;

const READ: &str = "SELECT key, package, id, version, sequence, yank, package_id, published_at, expires_at, envelope
    FROM releases WHERE key > ?1 ORDER BY key LIMIT ?2";

const WRITE: &str = "UPDATE OR REPLACE releases SET package = ?2, id = ?3, version = ?4, sequence = ?5, yank = ?6,
    package_id = ?7, published_at = ?8, expires_at = ?9 WHERE key = ?1";

/// A time that no clock has shown, after which a release would count as new for ever.
const FIRST_SEEN: &str = "UPDATE releases SET first_seen = unixepoch()
    WHERE key > ?1 AND key <= ?2 AND first_seen NOT BETWEEN 0 AND 1 << 40";

impl Db {
    /// Looks at the next rows and puts right what differs. `None`: that was all.
    pub fn check_slice(&mut self, slice: Slice) -> Result<Option<Slice>, MarketError> {
        match slice.table {
            Table::Releases => self.check_releases(slice).map(Some),
            Table::Packages => self.check_packages(slice).map(Some),
            Table::Heads => self.check_heads(slice).map(Some),
            Table::Statements => self.check_statements(slice),
        }
    }

    /// Looks at all rows at once. How many were put right.
    pub fn mend(&mut self) -> Result<u64, MarketError> {
        let (mut slice, mut mended) = (Slice::default(), 0);
        while let Some(next) = self.check_slice(slice)? {
            (mended, slice) = (next.mended, next);
        }
        mended += check_notes::mend(&self.conn)?;
        let nobodys =
            "SELECT 1 FROM search_docs d LEFT JOIN packages p ON p.key = d.package WHERE p.doc IS NOT d.key LIMIT 1";
        let nobodys = u64::from(self.conn.prepare(nobodys)?.exists([])?);
        mended += nobodys;
        if mended > 0 {
            self.rebuild_index()?;
        }
        if mended > 0 {
            tracing::warn!(mended, "rows of the catalogue were damaged and are put right");
            self.repairs.push(format!("{mended} damaged rows of the catalogue were put right"));
        }
        Ok(mended)
    }

    /// What was put right since the store was opened, for people.
    pub fn repairs(&self) -> &[String] {
        &self.repairs
    }

    fn check_releases(&mut self, mut slice: Slice) -> Result<Slice, MarketError> {
        let tx = self.conn.transaction()?;
        let rows = values(&tx, READ, slice.after, 10)?;
        if rows.is_empty() {
            return Ok(Slice::of(Table::Packages, slice));
        }
        let before = slice.after;
        for row in &rows {
            let [Value::Integer(key), package, found @ .., envelope] = row.as_slice() else { continue };
            slice.after = *key;
            let release = if let Value::Blob(envelope) = envelope { convert::signed(envelope) } else { None };
            let right = match &release {
                Some(release) => found == columns(release).as_slice() && is_of(&tx, package, release)?,
                None => false,
            };
            if !right {
                put_right(&tx, *key, package, release.as_ref())?;
                slice.mended += 1;
            }
        }
        tx.execute(FIRST_SEEN, params![before, slice.after])?;
        slice.mended += retired_again(&tx, before, slice.after)?;
        tx.commit()?;
        Ok(slice)
    }

    fn check_packages(&mut self, mut slice: Slice) -> Result<Slice, MarketError> {
        let tx = self.conn.transaction()?;
        let read = "SELECT key, publisher, name, newest FROM packages WHERE key > ?1 ORDER BY key LIMIT ?2";
        let rows = values(&tx, read, slice.after, 4)?;
        if rows.is_empty() {
            slice.mended += totals::count_again(&tx)?;
            tx.commit()?;
            return Ok(Slice::of(Table::Heads, slice));
        }
        for row in &rows {
            let [Value::Integer(key), publisher, name, newest] = row.as_slice() else { continue };
            slice.after = *key;
            let is_named = is_name(publisher, name);
            if is_named && package_is_right(&tx, *key, newest)? {
                continue;
            }
            match is_named {
                true => rescan(&tx, [*key])?,
                false => tx.execute("DELETE FROM packages WHERE key = ?1", [key]).map(drop)?,
            }
            slice.mended += 1;
        }
        tx.commit()?;
        Ok(slice)
    }
}

impl Db {
    fn check_heads(&mut self, mut slice: Slice) -> Result<Slice, MarketError> {
        let tx = self.conn.transaction()?;
        let (mended, last) = check_signed::heads(&tx, &slice.head)?;
        tx.commit()?;
        slice.mended += mended;
        Ok(match last {
            Some(head) => Slice { head, ..slice },
            None => Slice::of(Table::Statements, slice),
        })
    }

    fn check_statements(&mut self, mut slice: Slice) -> Result<Option<Slice>, MarketError> {
        let tx = self.conn.transaction()?;
        let (mended, last) = check_signed::statements(&tx, slice.after)?;
        tx.commit()?;
        slice.mended += mended;
        Ok(last.map(|after| Slice { after, ..slice }))
    }
}

/// Which releases are passed on is what the statements of their keys say.
fn retired_again(conn: &Connection, after: i64, last: i64) -> Result<u64, MarketError> {
    let mut update = conn.prepare_cached(&format!(
        "UPDATE releases SET retired = {IS_RETIRED} WHERE key > ?1 AND key <= ?2 AND retired <> {IS_RETIRED}"
    ))?;
    Ok(update.execute(params![after, last])? as u64)
}

fn values(conn: &Connection, query: &str, after: i64, columns: usize) -> Result<Vec<Columns>, MarketError> {
    let mut query = conn.prepare_cached(query)?;
    let rows =
        query.query_map(params![after, convert::limit(SLICE)], |row| (0..columns).map(|at| row.get(at)).collect())?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// id, version, sequence, yank, package, published, expires.
fn columns(verified: &VerifiedRelease) -> Columns {
    let release = verified.release();
    vec![
        Value::Blob(verified.id().0.to_vec()),
        Value::Text(release.version.to_string()),
        Value::Integer(to_i64(release.sequence)),
        Value::Integer(i64::from(release.yank_reason.is_some())),
        Value::Blob(release.package_id.0.to_vec()),
        Value::Integer(to_i64(release.published_at)),
        Value::Integer(to_i64(release.expires_at)),
    ]
}

/// Whether `package` is the key of the release's package.
fn is_of(conn: &Connection, package: &Value, verified: &VerifiedRelease) -> Result<bool, MarketError> {
    let release = verified.release();
    let mut query = conn.prepare_cached("SELECT 1 FROM packages WHERE name = ?1 AND publisher = ?2 AND key = ?3")?;
    Ok(query.exists(params![release.name.as_str(), release.publisher.0, package])?)
}

/// Writes what the envelope says, or takes the row away, and finds the newest of the packages concerned.
fn put_right(
    conn: &Connection,
    key: i64,
    package: &Value,
    release: Option<&VerifiedRelease>,
) -> Result<(), MarketError> {
    match release {
        Some(release) => {
            let package = package_of(conn, release)?;
            let values = [Value::Integer(key), Value::Integer(package)].into_iter().chain(columns(release));
            conn.prepare_cached(WRITE)?.execute(params_from_iter(values))?;
            rescan(conn, [package])?;
        }
        None => {
            conn.execute("DELETE FROM releases WHERE key = ?1", [key])?;
            totals::add(conn, -1, 0)?;
        }
    }
    if let Value::Integer(said) = package { rescan(conn, [*said]) } else { Ok(()) }
}

/// The key of a release's package, which is made where there is none.
fn package_of(conn: &Connection, verified: &VerifiedRelease) -> Result<i64, MarketError> {
    let (name, publisher) = (verified.release().name.as_str(), verified.release().publisher.0);
    let mut known = conn.prepare_cached("SELECT key FROM packages WHERE name = ?1 AND publisher = ?2")?;
    if let Some(key) = known.query_row(params![name, publisher], |row| row.get(0)).optional()? {
        return Ok(key);
    }
    let key = next_package(conn)?;
    let mut insert = conn.prepare_cached("INSERT INTO packages (key, name, publisher) VALUES (?1, ?2, ?3)")?;
    insert.execute(params![key, name, publisher])?;
    totals::add(conn, 0, 1)?;
    Ok(key)
}

fn is_name(publisher: &Value, name: &Value) -> bool {
    matches!((publisher, name), (Value::Blob(publisher), Value::Text(_)) if publisher.len() == 32)
}

/// Whether the newest release of a package is the one that its row and the search name.
fn package_is_right(conn: &Connection, key: i64, newest: &Value) -> Result<bool, MarketError> {
    let Summary { newest: wanted, last } = newest_of(conn, key)?;
    let wanted = wanted.map(|(key, _)| key);
    let said = if let Value::Integer(key) = newest { Some(*key) } else { None };
    let mut indexed = conn.prepare_cached(
        "SELECT 1 FROM packages p JOIN search_docs d ON d.key = p.doc
         WHERE p.key = ?1 AND d.package = p.key AND d.name = p.name AND d.release = ?2 AND d.yanked = ?3",
    )?;
    let is_indexed = last.is_some() && indexed.exists(params![key, wanted.or(last), wanted.is_none()])?;
    Ok(said == wanted && is_indexed)
}
