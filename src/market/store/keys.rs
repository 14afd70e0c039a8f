//! What keys say of themselves: who takes over from whom, and what is no longer believed.

use std::collections::HashSet;
use std::fmt;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params};

use super::Db;
use super::convert::{self, to_i64, to_u64};
use crate::market::keys::KeyWord;
use crate::market::{MarketError, PublisherKey, Release, ReleaseId, SafeText, VerifiedKeyStatement};

/// Statements of one kind kept for one key. Two that differ are enough to show that they contradict each other.
const MAX_PER_KEY: usize = 2;

/// Statements kept in all; beyond that, only those of keys that the catalogue knows.
const MAX_STATEMENTS: u64 = 16_384;

/// Rotations followed from one key.
const MAX_CHAIN: usize = 16;

const ROTATION: i64 = 1;
const REVOCATION: i64 = 2;

/// What became of a statement given to [`Db::accept_key_statement`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAccepted {
    New,
    /// Says nothing new.
    Known,
    /// Validly signed, and yet not taken.
    Refused(KeyFault),
}

/// Why a validly signed statement is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFault {
    /// The key has said enough of this kind.
    TooMany,
    /// There are many statements, and nothing else of this key is known.
    Stranger,
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooMany => "the key has made contradicting statements already",
            Self::Stranger => "there is no room for statements of keys that nothing else is known of",
        })
    }
}

/// A key's revocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    pub reason: SafeText,
    /// Unix seconds, as the key itself said.
    pub signed_at: u64,
    /// Unix seconds; when this node first saw it.
    pub first_seen: u64,
}

/// What a key's statements mean for its releases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    pub revoked: bool,
    /// Unix seconds from which another key publishes in its place.
    pub replaced_at: Option<u64>,
}

impl Standing {
    pub fn of(conn: &Connection, key: PublisherKey) -> Result<Self, MarketError> {
        let mut query = conn.prepare_cached("SELECT kind, signed_at FROM key_statements WHERE key = ?1")?;
        let mut rows = query.query([key.0])?;
        let mut standing = Self::default();
        while let Some(row) = rows.next()? {
            match row.get::<_, i64>(0)? {
                REVOCATION => standing.revoked = true,
                _ => {
                    let at = to_u64(row.get(1)?);
                    standing.replaced_at = Some(standing.replaced_at.map_or(at, |before| before.min(at)));
                }
            }
        }
        Ok(standing)
    }

    /// Whether a release that was not known so far comes too late. A key that was replaced may still withdraw what it had
    /// published.
    pub fn refuses(self, release: &Release) -> bool {
        let late = self.replaced_at.is_some_and(|at| release.published_at > at) && release.yank_reason.is_none();
        self.revoked || late
    }
}

impl Db {
    /// Takes what a key says of itself; durable when this returns. `now` in Unix seconds is noted as first seen.
    pub fn accept_key_statement(
        &mut self,
        verified: &VerifiedKeyStatement,
        now: u64,
    ) -> Result<KeyAccepted, MarketError> {
        let tx = self.conn.transaction()?;
        let accepted = accept_in(&tx, verified, now)?;
        tx.commit()?;
        Ok(accepted)
    }

    /// The key that publishes in the place of `key` now, over all rotations. `None`: there is none, or what the keys say
    /// cannot be followed: a key names two successors, or they go round in a circle.
    pub fn successor(&mut self, key: PublisherKey) -> Result<Option<PublisherKey>, MarketError> {
        let (mut seen, mut last) = (HashSet::from([key]), key);
        while let Some(next) = named_by(&self.conn, last)? {
            if !seen.insert(next) || seen.len() > MAX_CHAIN + 1 {
                return Ok(None);
            }
            last = next;
        }
        Ok((last != key).then_some(last))
    }

    /// Whether, why and since when `key` is revoked.
    pub fn revocation(&mut self, key: PublisherKey) -> Result<Option<Revocation>, MarketError> {
        let statements = self.key_statements(key)?;
        let revocations = statements.into_iter().filter_map(|(statement, first_seen)| {
            let KeyWord::Revocation { reason, .. } = &statement.statement().word else { return None };
            Some(Revocation { reason: reason.clone(), signed_at: statement.statement().signed_at, first_seen })
        });
        Ok(revocations.min_by_key(|revocation| revocation.first_seen))
    }

    /// What `key` said of itself and when this node first saw it, in Unix seconds; oldest first.
    pub fn key_statements(&mut self, key: PublisherKey) -> Result<Vec<(VerifiedKeyStatement, u64)>, MarketError> {
        let mut query = self.conn.prepare_cached(
            "SELECT envelope, first_seen FROM key_statements WHERE key = ?1 ORDER BY first_seen, signed_at, id",
        )?;
        let rows = query.query_map([key.0], |row| Ok((row.get::<_, Vec<u8>>(0)?, to_u64(row.get(1)?))))?;
        rows.map(|row| {
            let (envelope, first_seen) = row?;
            Ok((from_store(&envelope)?, first_seen))
        })
        .collect()
    }

    /// The statement with this id.
    pub fn key_statement(&mut self, id: ReleaseId) -> Result<Option<VerifiedKeyStatement>, MarketError> {
        let mut query = self.conn.prepare_cached("SELECT envelope FROM key_statements WHERE id = ?1")?;
        let envelope: Option<Vec<u8>> = query.query_row([id.0], |row| row.get(0)).optional()?;
        envelope.map(|envelope| from_store(&envelope)).transpose()
    }
}

pub(super) fn accept_in(
    conn: &Connection,
    verified: &VerifiedKeyStatement,
    now: u64,
) -> Result<KeyAccepted, MarketError> {
    let said = verified.statement();
    let kind = kind_of(&said.word);
    let successor = successor_column(said.successor());
    let mut query =
        conn.prepare_cached("SELECT successor, signed_at, id FROM key_statements WHERE key = ?1 AND kind = ?2")?;
    let known = query.query_map(params![said.key.0, kind], |row| {
        Ok((row.get::<_, Vec<u8>>(0)?, to_u64(row.get(1)?), ReleaseId(row.get(2)?)))
    })?;
    let known = known.collect::<Result<Vec<_>, _>>()?;
    if let Some((_, signed_at, id)) = known.iter().find(|(to, ..)| *to == successor) {
        // Said twice: every node keeps the same one, the earliest.
        if (*signed_at, *id) <= (said.signed_at, verified.id()) {
            return Ok(KeyAccepted::Known);
        }
        conn.execute("DELETE FROM key_statements WHERE id = ?1", [id.0])?;
    } else if known.len() >= MAX_PER_KEY {
        return Ok(KeyAccepted::Refused(KeyFault::TooMany));
    }
    if count(conn)? >= MAX_STATEMENTS && !is_known_publisher(conn, said.key)? {
        return Ok(KeyAccepted::Refused(KeyFault::Stranger));
    }
    let mut insert = conn.prepare_cached(
        "INSERT INTO key_statements (id, key, kind, successor, signed_at, first_seen, envelope)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let (id, envelope) = (verified.id().0, verified.envelope().to_bytes());
    insert.execute(params![id, said.key.0, kind, successor, to_i64(said.signed_at), to_i64(now), envelope])?;
    retire(conn, said.key)?;
    Ok(KeyAccepted::New)
}

/// Marks the releases of `key` that a node which knows its statements would not take: [`Standing::refuses`] in SQL.
pub(super) fn retire(conn: &Connection, key: PublisherKey) -> Result<(), MarketError> {
    conn.prepare_cached(&format!(
        "UPDATE releases SET retired = {IS_RETIRED} WHERE retired <> {IS_RETIRED} AND package IN
             (SELECT key FROM packages WHERE substr(publisher, 1, 8) = substr(?1, 1, 8) AND publisher = ?1)"
    ))?
    .execute([key.0])?;
    Ok(())
}

/// The same for all keys.
pub(super) fn retire_all(conn: &Connection) -> Result<(), MarketError> {
    conn.execute(&format!("UPDATE releases SET retired = {IS_RETIRED} WHERE retired <> {IS_RETIRED}"), [])?;
    Ok(())
}

/// Whether the row of `releases` is of a key that was revoked, or replaced before.
pub(super) const IS_RETIRED: &str = "EXISTS (SELECT 1 FROM packages p JOIN key_statements k ON k.key = p.publisher
    WHERE p.key = releases.package AND (k.kind = 2 OR (k.signed_at < releases.published_at AND releases.yank = 0)))";

fn from_store(envelope: &[u8]) -> Result<VerifiedKeyStatement, MarketError> {
    VerifiedKeyStatement::from_store(envelope).map_err(|_| convert::damaged("key statement"))
}

/// What the columns id, key, kind, successor and signed_at of a statement should hold.
pub(super) fn columns(verified: &VerifiedKeyStatement) -> [Value; 5] {
    let said = verified.statement();
    [
        Value::Blob(verified.id().0.to_vec()),
        Value::Blob(said.key.0.to_vec()),
        Value::Integer(kind_of(&said.word)),
        Value::Blob(successor_column(said.successor())),
        Value::Integer(to_i64(said.signed_at)),
    ]
}

fn kind_of(word: &KeyWord) -> i64 {
    match word {
        KeyWord::Rotation { .. } => ROTATION,
        KeyWord::Revocation { .. } => REVOCATION,
    }
}

fn successor_column(successor: Option<PublisherKey>) -> Vec<u8> {
    successor.map(|key| key.0.to_vec()).unwrap_or_default()
}

/// The one key that `key` names in its place, if it names one only; once it is revoked, only if the revocation repeats it.
fn named_by(conn: &Connection, key: PublisherKey) -> Result<Option<PublisherKey>, MarketError> {
    let mut query = conn.prepare_cached("SELECT kind, successor FROM key_statements WHERE key = ?1")?;
    let rows = query.query_map([key.0], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    let mut rotations = rows.iter().filter(|(kind, _)| *kind == ROTATION);
    let (Some((_, successor)), None) = (rotations.next(), rotations.next()) else { return Ok(None) };
    let confirmed = rows.iter().filter(|(kind, _)| *kind == REVOCATION).all(|(_, named)| named == successor);
    let bytes: [u8; 32] = successor.as_slice().try_into().map_err(|_| convert::damaged("key statement"))?;
    Ok(confirmed.then_some(PublisherKey(bytes)))
}

fn count(conn: &Connection) -> Result<u64, MarketError> {
    Ok(to_u64(conn.prepare_cached("SELECT count(*) FROM key_statements")?.query_row([], |row| row.get(0))?))
}

/// Whether the catalogue or a pin knows the key, or another one names it.
fn is_known_publisher(conn: &Connection, key: PublisherKey) -> Result<bool, MarketError> {
    let mut query = conn.prepare_cached(
        "SELECT 1 FROM packages WHERE substr(publisher, 1, 8) = substr(?1, 1, 8) AND publisher = ?1
         UNION ALL SELECT 1 FROM pins WHERE publisher = ?1
         UNION ALL SELECT 1 FROM key_statements WHERE successor = ?1 LIMIT 1",
    )?;
    Ok(query.exists([key.0])?)
}
