//! The same for notes of this node's own, which nobody signed: what cannot have been written is replaced by what the catalogue
//! says, or by what is harmless, and else goes.

use rusqlite::Connection;

use crate::market::{MarketError, PackageName};

/// An install whose version or publisher is not that of the release with its name and bytes.
const INSTALLS: &str = "UPDATE installs SET (version, publisher) =
        (SELECT r.version, r.publisher FROM releases r
         WHERE r.package_id = installs.package_id AND r.name = installs.name ORDER BY r.sequence DESC LIMIT 1)
    WHERE EXISTS (SELECT 1 FROM releases r WHERE r.package_id = installs.package_id AND r.name = installs.name)
      AND NOT EXISTS (SELECT 1 FROM releases r WHERE r.package_id = installs.package_id AND r.name = installs.name
                      AND r.version = installs.version AND r.publisher = installs.publisher)";

/// Where a pin comes from is told to people only.
const ORIGINS: &str = "UPDATE pins SET origin = 'installed' WHERE origin NOT IN ('installed', 'accepted', 'rotated')";

const ADDRESSES: &str = "UPDATE peers SET addrs = '[]' WHERE NOT json_valid(addrs)";

/// How many rows were put right.
pub fn mend(conn: &Connection) -> Result<u64, MarketError> {
    let mut mended = 0;
    for repair in [INSTALLS, ORIGINS, ADDRESSES] {
        mended += conn.execute(repair, [])? as u64;
    }
    let is_name = |name: &[u8]| std::str::from_utf8(name).is_ok_and(|name| PackageName::new(name).is_ok());
    mended += drop_rows(conn, "pins", "name", is_name)?;
    mended += drop_rows(conn, "pins", "publisher", |key| key.len() == 32)?;
    mended += drop_rows(conn, "installs", "name", is_name)?;
    mended += drop_rows(conn, "installs", "publisher", |key| key.len() == 32)?;
    mended += drop_rows(conn, "installs", "package_id", |id| id.len() == 32)?;
    let is_version = |text: &[u8]| std::str::from_utf8(text).is_ok_and(|text| semver::Version::parse(text).is_ok());
    mended += drop_rows(conn, "installs", "version", is_version)?;
    let is_text = |text: &[u8]| std::str::from_utf8(text).is_ok();
    for column in ["peer_id", "agent", "ban_reason", "addrs"] {
        mended += drop_rows(conn, "peers", column, is_text)?;
    }
    Ok(mended)
}

/// Removes the rows whose value in `column` cannot be. The names are ours.
fn drop_rows(conn: &Connection, table: &str, column: &str, can_be: impl Fn(&[u8]) -> bool) -> Result<u64, MarketError> {
    let mut query = conn.prepare(&format!("SELECT rowid, CAST({column} AS BLOB) FROM {table}"))?;
    let rows = query.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
    let mut dropped = 0;
    for row in rows.collect::<Result<Vec<_>, _>>()? {
        if !can_be(&row.1) {
            dropped += conn.execute(&format!("DELETE FROM {table} WHERE rowid = ?1"), [row.0])? as u64;
            tracing::error!(table, column, "a note that was damaged beyond repair is gone");
        }
    }
    Ok(dropped)
}
