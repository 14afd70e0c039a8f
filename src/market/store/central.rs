//! Copies of central indexes, for when their servers cannot be reached.

use rusqlite::{Row, params};

use super::Db;
use super::convert::{to_i64, to_u64};
use crate::market::MarketError;

/// The last good copy of an index. Its bytes are in a file named by their hash, written before this is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CentralCopy {
    /// As the settings name it.
    pub location: String,
    pub sha256: [u8; 32],
    /// Bytes.
    pub size: u64,
    /// Empty: none was given.
    pub etag: String,
    pub last_modified: String,
    /// Unix seconds: when it came, and when it was last known to be what the server has.
    pub fetched_at: u64,
    pub checked_at: u64,
}

impl Db {
    /// All copies.
    pub fn central_copies(&mut self) -> Result<Vec<CentralCopy>, MarketError> {
        let mut query = self.conn.prepare_cached(
            "SELECT location, sha256, size, etag, last_modified, fetched_at, checked_at FROM central_copies",
        )?;
        let copies = query.query_map([], copy_in)?.collect::<Result<_, _>>()?;
        Ok(copies)
    }

    /// Notes a copy, in place of an older one of its location.
    pub fn record_central_copy(&mut self, copy: &CentralCopy) -> Result<(), MarketError> {
        self.conn.execute(
            "INSERT OR REPLACE INTO central_copies
                (location, sha256, size, etag, last_modified, fetched_at, checked_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                copy.location,
                copy.sha256,
                to_i64(copy.size),
                copy.etag,
                copy.last_modified,
                to_i64(copy.fetched_at),
                to_i64(copy.checked_at),
            ],
        )?;
        Ok(())
    }

    /// Forgets a copy whose file is gone, damaged or no longer wanted.
    pub fn forget_central_copy(&mut self, location: &str) -> Result<(), MarketError> {
        self.conn.execute("DELETE FROM central_copies WHERE location = ?1", [location])?;
        Ok(())
    }
}

fn copy_in(row: &Row<'_>) -> rusqlite::Result<CentralCopy> {
    Ok(CentralCopy {
        location: row.get(0)?,
        sha256: row.get(1)?,
        size: to_u64(row.get(2)?),
        etag: row.get(3)?,
        last_modified: row.get(4)?,
        fetched_at: to_u64(row.get(5)?),
        checked_at: to_u64(row.get(6)?),
    })
}
