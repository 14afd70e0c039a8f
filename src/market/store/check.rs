//! Whether the rows of the catalogue are what the signed envelopes in it say, a slice at a time.
//!
//! SQLite notices damage to its own structure, not a bit that turned over inside a value. Each release is verified again,
//! its columns compared with it, and each package's newest release found anew; what differs is put right.

use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::catalogue::{forget_empty, newest_of, rescan};
use super::check_signed::HeadPlace;
use super::convert::{self, to_i64};
use super::keys::IS_RETIRED;
use super::{Db, check_notes, check_signed};
use crate::market::{MarketError, PublisherKey, VerifiedRelease};

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

const READ: &str = "SELECT key, first_seen, id, publisher, name, version, sequence, yank, package_id, published_at, \
    expires_at, envelope FROM releases WHERE key > ?1 ORDER BY key LIMIT ?2";

const WRITE: &str = "UPDATE OR REPLACE releases SET id = ?2, publisher = ?3, name = ?4, version = ?5, sequence = ?6,
    yank = ?7, package_id = ?8, published_at = ?9, expires_at = ?10 WHERE key = ?1";

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
            "SELECT 1 FROM search_docs d WHERE NOT EXISTS (SELECT 1 FROM packages p WHERE p.doc = d.key) LIMIT 1";
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
        let rows = values(&tx, READ, slice.after, 12)?;
        if rows.is_empty() {
            return Ok(Slice::of(Table::Packages, slice));
        }
        let before = slice.after;
        for row in &rows {
            let (Some(Value::Integer(key)), Some(found)) = (row.first(), row.get(2..)) else { continue };
            slice.after = *key;
            let release = match found.last() {
                Some(Value::Blob(envelope)) => convert::signed(envelope),
                _ => None,
            };
            let right = match &release {
                Some(release) => {
                    let wanted = columns(release);
                    found.get(..wanted.len()) == Some(wanted.as_slice()) && is_indexed(&tx, release)?
                }
                None => false,
            };
            if !right {
                put_right(&tx, *key, found, release.as_ref())?;
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
            return Ok(Slice::of(Table::Heads, slice));
        }
        for row in &rows {
            let [Value::Integer(key), publisher, name, newest] = row.as_slice() else { continue };
            slice.after = *key;
            slice.mended += u64::from(!package_is_right(&tx, *key, publisher, name, newest)?);
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

/// id, publisher, name, version, sequence, yank, package, published, expires.
fn columns(verified: &VerifiedRelease) -> Columns {
    let release = verified.release();
    vec![
        Value::Blob(verified.id().0.to_vec()),
        Value::Blob(release.publisher.0.to_vec()),
        Value::Text(release.name.to_string()),
        Value::Text(release.version.to_string()),
        Value::Integer(to_i64(release.sequence)),
        Value::Integer(i64::from(release.yank_reason.is_some())),
        Value::Blob(release.package_id.0.to_vec()),
        Value::Integer(to_i64(release.published_at)),
        Value::Integer(to_i64(release.expires_at)),
    ]
}

fn is_indexed(conn: &Connection, verified: &VerifiedRelease) -> Result<bool, MarketError> {
    let release = verified.release();
    let mut query = conn.prepare_cached("SELECT 1 FROM packages WHERE name = ?1 AND publisher = ?2")?;
    Ok(query.exists(params![release.name.as_str(), release.publisher.0])?)
}

/// Writes what the envelope says, or takes the row away, and finds the newest of the packages concerned.
fn put_right(
    conn: &Connection,
    key: i64,
    found: &[Value],
    release: Option<&VerifiedRelease>,
) -> Result<(), MarketError> {
    conn.execute("UPDATE packages SET newest = NULL WHERE newest = ?1", [key])?;
    match release {
        Some(release) => {
            let values = std::iter::once(Value::Integer(key)).chain(columns(release));
            conn.prepare_cached(WRITE)?.execute(params_from_iter(values))?;
            rescan(conn, release.release().publisher, release.release().name.as_str())?;
        }
        None => {
            conn.execute("DELETE FROM releases WHERE key = ?1", [key])?;
        }
    }
    match found {
        [_, Value::Blob(publisher), Value::Text(name), ..] => match publisher.as_slice().try_into() {
            Ok(publisher) => package_again(conn, PublisherKey(publisher), name),
            Err(_) => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Finds the newest release of a package, or that there is none left.
fn package_again(conn: &Connection, publisher: PublisherKey, name: &str) -> Result<(), MarketError> {
    rescan(conn, publisher, name)?;
    forget_empty(conn, publisher, name)
}

/// Puts a wrong row of the table of packages right; `false` when it was wrong.
fn package_is_right(
    conn: &Connection,
    key: i64,
    publisher: &Value,
    name: &Value,
    newest: &Value,
) -> Result<bool, MarketError> {
    let named = match (publisher, name) {
        (Value::Blob(publisher), Value::Text(name)) => {
            publisher.as_slice().try_into().ok().map(|key| (PublisherKey(key), name))
        }
        _ => None,
    };
    let Some((publisher, name)) = named else {
        conn.execute("DELETE FROM packages WHERE key = ?1", [key])?;
        return Ok(false);
    };
    let (wanted, last) = newest_of(conn, publisher, name)?;
    let said = if let Value::Integer(key) = newest { Some(*key) } else { None };
    let mut indexed = conn.prepare_cached(
        "SELECT 1 FROM packages p JOIN search_docs d ON d.key = p.doc
         WHERE p.key = ?1 AND d.package = p.key AND d.name = p.name AND d.release = ?2 AND d.yanked = ?3",
    )?;
    let is_indexed = last.is_some() && indexed.exists(params![key, wanted.or(last), wanted.is_none()])?;
    if said == wanted && is_indexed {
        return Ok(true);
    }
    package_again(conn, publisher, name)?;
    Ok(false)
}
