//! What is installed.

use rusqlite::{Row, params};

use super::convert::{parsed, to_i64, to_u64};
use super::{Db, Installed};
use crate::market::{MarketError, PackageId, PackageName, PublisherKey};

impl Db {
    // The files themselves: `market::install`.

    /// What is installed, by name.
    pub fn installed(&mut self) -> Result<Vec<Installed>, MarketError> {
        let mut query = self.conn.prepare_cached(
            "SELECT name, version, publisher, package_id, installed_at, files, bytes FROM installs ORDER BY name",
        )?;
        let mut rows = query.query([])?;
        let mut installed = Vec::new();
        while let Some(row) = rows.next()? {
            installed.push(installed_in(row)?);
        }
        Ok(installed)
    }

    /// What is installed under a name.
    pub fn installed_as(&mut self, name: &PackageName) -> Result<Option<Installed>, MarketError> {
        let mut query = self.conn.prepare_cached(
            "SELECT name, version, publisher, package_id, installed_at, files, bytes FROM installs WHERE name = ?1",
        )?;
        let mut rows = query.query([name.as_str()])?;
        rows.next()?.map(installed_in).transpose()
    }

    /// Notes an install, in place of an older one of the name, and pins the name to its publisher where it is not
    /// pinned yet. A pin to another key stays; ask [`Db::pinned`] before installing.
    pub fn record_installed(&mut self, entry: &Installed) -> Result<(), MarketError> {
        let tx = self.conn.transaction()?;
        tx.execute(
            "INSERT OR REPLACE INTO installs (name, version, publisher, package_id, installed_at, files, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                entry.name.as_str(),
                entry.version.to_string(),
                entry.publisher.0,
                entry.package_id.0,
                to_i64(entry.installed_at),
                entry.files,
                to_i64(entry.bytes),
            ],
        )?;
        tx.execute(
            "INSERT OR IGNORE INTO pins (name, publisher, since) VALUES (?1, ?2, ?3)",
            params![entry.name.as_str(), entry.publisher.0, to_i64(entry.installed_at)],
        )?;
        Ok(tx.commit()?)
    }

    /// `false` when the name was not installed. Its pin stays: removing a package is no reason to trust another key.
    pub fn forget_installed(&mut self, name: &PackageName) -> Result<bool, MarketError> {
        Ok(self.conn.execute("DELETE FROM installs WHERE name = ?1", [name.as_str()])? > 0)
    }
}

fn installed_in(row: &Row<'_>) -> Result<Installed, MarketError> {
    Ok(Installed {
        name: parsed(&row.get::<_, String>(0)?, "package name")?,
        version: parsed(&row.get::<_, String>(1)?, "version")?,
        publisher: PublisherKey(row.get(2)?),
        package_id: PackageId(row.get(3)?),
        installed_at: to_u64(row.get(4)?),
        files: row.get(5)?,
        bytes: to_u64(row.get(6)?),
    })
}
