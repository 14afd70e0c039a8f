//! How much there is, kept beside what is counted: in the transaction that changes it.

use rusqlite::{Connection, params};

use super::convert::to_u64;
use super::{Counts, Db};
use crate::market::MarketError;

/// Where the row says something else than a count does.
const COUNT_AGAIN: &str = "INSERT OR REPLACE INTO totals (key, releases, packages)
    SELECT 1, r.many, p.many FROM (SELECT count(*) AS many FROM releases) r, (SELECT count(*) AS many FROM packages) p
    WHERE NOT EXISTS (SELECT 1 FROM totals t WHERE t.key = 1 AND t.releases = r.many AND t.packages = p.many)";

impl Db {
    /// How much there is.
    pub fn counts(&mut self) -> Result<Counts, MarketError> {
        let mut query = self.conn.prepare_cached(
            "SELECT coalesce((SELECT packages FROM totals WHERE key = 1), 0),
                    coalesce((SELECT releases FROM totals WHERE key = 1), 0),
                    (SELECT count(*) FROM blobs), (SELECT coalesce(sum(size), 0) FROM blobs),
                    (SELECT count(*) FROM (SELECT DISTINCT key FROM key_statements) k
                     JOIN packages p ON substr(p.publisher, 1, 8) = substr(k.key, 1, 8) AND p.publisher = k.key
                     JOIN releases r ON r.package = p.key WHERE r.retired = 1)",
        )?;
        Ok(query.query_row([], |row| {
            Ok(Counts {
                packages: to_u64(row.get(0)?),
                releases: to_u64(row.get(1)?),
                blobs: to_u64(row.get(2)?),
                blob_bytes: to_u64(row.get(3)?),
                retired: to_u64(row.get(4)?),
            })
        })?)
    }
}

/// Notes that so many releases and packages came, or with a negative number, went.
pub fn add(conn: &Connection, releases: i64, packages: i64) -> Result<(), MarketError> {
    let add = "UPDATE totals SET releases = releases + ?1, packages = packages + ?2 WHERE key = 1";
    conn.prepare_cached(add)?.execute(params![releases, packages])?;
    Ok(())
}

/// Counts the rows. How many totals were wrong: 0 or 1.
pub fn count_again(conn: &Connection) -> Result<u64, MarketError> {
    Ok(conn.prepare_cached(COUNT_AGAIN)?.execute([])? as u64)
}
