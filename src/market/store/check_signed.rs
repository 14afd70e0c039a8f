//! The same for heads and statements about keys: what is not signed goes, columns that differ are written anew. Both come
//! again from other nodes.

use rusqlite::types::Value;
use rusqlite::{Connection, params};

use super::check::SLICE;
use super::convert::{self, to_i64, to_u64};
use super::{heads, keys};
use crate::market::{MarketError, PublisherKey, VerifiedHead, VerifiedKeyStatement};

/// Where a slice of the heads ends: publisher and name.
pub type HeadPlace = (Vec<u8>, String);

/// Looks at the heads behind `after`. How many were put right, and how far it came; `None`: that was all.
pub fn heads(conn: &Connection, after: &HeadPlace) -> Result<(u64, Option<HeadPlace>), MarketError> {
    let mut query = conn.prepare_cached(
        "SELECT publisher, name, sequence, signed_at, expires_at, envelope FROM heads
         WHERE (publisher, name) > (?1, ?2) ORDER BY publisher, name LIMIT ?3",
    )?;
    let rows = query.query_map(params![after.0, after.1, convert::limit(SLICE)], |row| {
        let numbers = [row.get(2)?, row.get(3)?, row.get(4)?];
        Ok(((row.get(0)?, row.get(1)?), numbers, row.get(5)?))
    })?;
    let rows = rows.collect::<Result<Vec<(HeadPlace, [i64; 3], Vec<u8>)>, _>>()?;
    let mut mended = 0;
    for ((publisher, name), numbers, envelope) in &rows {
        let head = VerifiedHead::from_store(envelope).ok();
        let is_right = head.as_ref().map(VerifiedHead::head).is_some_and(|head| {
            let wanted = [head.sequence, head.signed_at, head.expires_at].map(to_i64);
            publisher == &head.publisher.0 && name == head.name.as_str() && *numbers == wanted
        });
        if is_right {
            continue;
        }
        mended += 1;
        conn.execute("DELETE FROM heads WHERE publisher = ?1 AND name = ?2", params![publisher, name])?;
        if let Some(head) = head {
            heads::store(conn, &head)?;
        }
    }
    Ok((mended, rows.into_iter().next_back().map(|(place, ..)| place)))
}

/// The same for statements, behind the row `after`.
pub fn statements(conn: &Connection, after: i64) -> Result<(u64, Option<i64>), MarketError> {
    let mut query = conn.prepare_cached(
        "SELECT rowid, id, key, kind, successor, signed_at, first_seen, envelope FROM key_statements
         WHERE rowid > ?1 ORDER BY rowid LIMIT ?2",
    )?;
    let rows = query.query_map(params![after, convert::limit(SLICE)], |row| {
        let columns: [Value; 5] = [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?];
        Ok((row.get(0)?, columns, row.get(6)?, row.get(7)?))
    })?;
    let rows = rows.collect::<Result<Vec<(i64, [Value; 5], i64, Vec<u8>)>, _>>()?;
    let mut mended = 0;
    for (row, columns, first_seen, envelope) in &rows {
        let statement = VerifiedKeyStatement::from_store(envelope).ok();
        if statement.as_ref().is_some_and(|statement| keys::columns(statement) == *columns) {
            continue;
        }
        mended += 1;
        conn.execute("DELETE FROM key_statements WHERE rowid = ?1", [row])?;
        if let Some(Value::Blob(key)) = columns.get(1)
            && let Ok(key) = key.as_slice().try_into()
        {
            keys::retire(conn, PublisherKey(key))?;
        }
        if let Some(statement) = statement {
            keys::accept_in(conn, &statement, to_u64(*first_seen))?;
        }
    }
    Ok((mended, rows.last().map(|(row, ..)| *row)))
}
