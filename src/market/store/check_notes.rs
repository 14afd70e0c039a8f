//! The same for notes of this node's own, which nobody signed: what cannot have been written is replaced by what the catalogue
//! says, or by what is harmless, and else goes.

use rusqlite::Connection;

use super::{PeerConduct, installs};
use crate::market::{MarketError, PackageName};

/// An install whose version or publisher is not that of the release with its name and bytes.
const INSTALLS: &str = "UPDATE installs SET (version, publisher) =
        (SELECT r.version, p.publisher FROM packages p JOIN releases r ON r.package = p.key
         WHERE p.name = installs.name AND r.package_id = installs.package_id ORDER BY r.sequence DESC LIMIT 1)
    WHERE installs.publisher <> x''
      AND EXISTS (SELECT 1 FROM packages p JOIN releases r ON r.package = p.key
                  WHERE p.name = installs.name AND r.package_id = installs.package_id)
      AND NOT EXISTS (SELECT 1 FROM packages p JOIN releases r ON r.package = p.key
                      WHERE p.name = installs.name AND p.publisher = installs.publisher
                        AND r.package_id = installs.package_id AND r.version = installs.version)";

/// Nothing of the user's is removed as needed by nobody because of a damaged word.
const REASONS: &str = "UPDATE installs SET reason = 'asked' WHERE reason NOT IN ('asked', 'needed')";

/// Files of nothing that is installed or being installed.
const FILES: &str = "DELETE FROM installed_files
    WHERE NOT EXISTS (SELECT 1 FROM installs i WHERE i.name = installed_files.name AND installed_files.pending = 0)
      AND NOT EXISTS (SELECT 1 FROM install_intents i
                      WHERE i.name = installed_files.name AND installed_files.pending = 1)";

/// Where a pin comes from is told to people only.
const ORIGINS: &str = "UPDATE pins SET origin = 'installed' WHERE origin NOT IN ('installed', 'accepted', 'rotated')";

const ADDRESSES: &str = "UPDATE peers SET addrs = '[]' WHERE NOT json_valid(addrs)";

/// How many rows were put right.
pub fn mend(conn: &Connection) -> Result<u64, MarketError> {
    let mut mended = 0;
    for repair in [INSTALLS, REASONS, ORIGINS, ADDRESSES] {
        mended += conn.execute(repair, [])? as u64;
    }
    mended += drop_rows(conn, "pins", "name", is_name)?;
    mended += drop_rows(conn, "pins", "publisher", |key| key.len() == 32)?;
    for table in ["installs", "install_intents"] {
        mended += mend_entries(conn, table)?;
    }
    mended += drop_rows(conn, "removal_intents", "name", is_name)?;
    mended += conn.execute(FILES, [])? as u64;
    mended += blank(conn, "peers", "conduct", "{}", |json| serde_json::from_slice::<PeerConduct>(json).is_ok())?;
    let is_text = |text: &[u8]| std::str::from_utf8(text).is_ok();
    for column in ["peer_id", "agent", "ban_reason", "addrs"] {
        mended += drop_rows(conn, "peers", column, is_text)?;
    }
    Ok(mended)
}

/// Installs and intents, whose columns are the same.
fn mend_entries(conn: &Connection, table: &str) -> Result<u64, MarketError> {
    let mut mended = 0;
    mended += blank(conn, table, "requirement", "", parses::<semver::VersionReq>)?;
    let unread = blank(conn, table, "dependencies", "[]", |text| {
        std::str::from_utf8(text).is_ok_and(|json| installs::dependencies(json).is_some())
    })?;
    if unread > 0 {
        installs::note_dependencies(conn)?;
    }
    mended += unread;
    mended += drop_rows(conn, table, "name", is_name)?;
    mended += drop_rows(conn, table, "publisher", |key| matches!(key.len(), 0 | 32))?;
    mended += drop_rows(conn, table, "package_id", |id| id.len() == 32)?;
    mended += drop_rows(conn, table, "version", parses::<semver::Version>)?;
    mended += drop_rows(conn, table, "source", |text| std::str::from_utf8(text).is_ok())?;
    Ok(mended)
}

fn is_name(name: &[u8]) -> bool {
    std::str::from_utf8(name).is_ok_and(|name| PackageName::new(name).is_ok())
}

fn parses<T: std::str::FromStr>(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text.parse::<T>().is_ok())
}

/// Replaces the values in `column` that cannot be and are not `instead`. The names are ours.
fn blank(
    conn: &Connection,
    table: &str,
    column: &str,
    instead: &str,
    can_be: impl Fn(&[u8]) -> bool,
) -> Result<u64, MarketError> {
    let mut query = conn.prepare(&format!("SELECT rowid, CAST({column} AS BLOB) FROM {table}"))?;
    let rows = query.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
    let mut blanked = 0;
    for (rowid, value) in rows.collect::<Result<Vec<_>, _>>()? {
        if value != instead.as_bytes() && !can_be(&value) {
            let update = format!("UPDATE {table} SET {column} = ?2 WHERE rowid = ?1");
            blanked += conn.execute(&update, rusqlite::params![rowid, instead])? as u64;
        }
    }
    Ok(blanked)
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
