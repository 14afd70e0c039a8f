//! What is installed, and what is being installed or removed. The files themselves: `market::install`.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use semver::VersionReq;

use super::convert::{self, damaged, parsed, to_i64, to_u64};
use super::{Db, InstallSource, Installed, Reason};
use crate::market::install::{Inventory, Stamp};
use crate::market::{Dependency, MarketError, PackageId, PackageName, PublisherKey, trust};

/// Of both `installs` and `install_intents`.
const COLUMNS: &str = "name, version, publisher, package_id, installed_at, files, bytes, reason, requirement, source, \
    dependencies, inventory";

/// The values of `installed_files.pending`.
const IN_PLACE: bool = false;
const PENDING: bool = true;

impl Db {
    /// What is installed, by name.
    pub fn installed(&mut self) -> Result<Vec<Installed>, MarketError> {
        let mut query = self.conn.prepare_cached(&format!("SELECT {COLUMNS} FROM installs ORDER BY name"))?;
        let mut rows = query.query([])?;
        let mut installed = Vec::new();
        while let Some(row) = rows.next()? {
            installed.push(installed_in(row)?);
        }
        Ok(installed)
    }

    /// What is installed under a name.
    pub fn installed_as(&mut self, name: &PackageName) -> Result<Option<Installed>, MarketError> {
        let mut query = self.conn.prepare_cached(&format!("SELECT {COLUMNS} FROM installs WHERE name = ?1"))?;
        let mut rows = query.query([name.as_str()])?;
        rows.next()?.map(installed_in).transpose()
    }

    /// The files that the install of a name put in place. None where it is not installed, was installed before this was kept,
    /// or what is kept of it is damaged.
    pub fn inventory(&mut self, name: &PackageName) -> Result<Option<Inventory>, MarketError> {
        let digest: Option<Vec<u8>> = self
            .conn
            .prepare_cached("SELECT inventory FROM installs WHERE name = ?1")?
            .query_row([name.as_str()], |row| row.get(0))
            .optional()?;
        let Some(digest) = digest.filter(|digest| !digest.is_empty()) else { return Ok(None) };
        read_inventory(&self.conn, name.as_str(), IN_PLACE, &digest)
    }

    /// Notes that the user wants a package that is installed, in versions that fit `requirement`. `false` when it is not.
    pub fn note_asked(&mut self, name: &PackageName, requirement: Option<&VersionReq>) -> Result<bool, MarketError> {
        let changed = self.conn.execute(
            "UPDATE installs SET reason = ?2, requirement = ?3 WHERE name = ?1",
            params![name.as_str(), Reason::Asked.name(), requirement_text(requirement)],
        )?;
        Ok(changed > 0)
    }

    /// Writes down what is about to be put in place.
    pub(in crate::market) fn intend_install(
        &mut self,
        entry: &Installed,
        inventory: &Inventory,
    ) -> Result<(), MarketError> {
        let tx = self.conn.transaction()?;
        drop_intent(&tx, entry.name.as_str())?;
        let insert = format!(
            "INSERT INTO install_intents ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
        );
        let location = match &entry.source {
            InstallSource::Peers => "",
            InstallSource::Central { location } => location,
        };
        let dependencies = serde_json::to_string(&entry.dependencies).map_err(|_| damaged("list of dependencies"))?;
        tx.prepare_cached(&insert)?.execute(params![
            entry.name.as_str(),
            entry.version.to_string(),
            entry.publisher.as_ref().map_or(&[][..], |key| &key.0[..]),
            entry.package_id.0,
            to_i64(entry.installed_at),
            entry.files,
            to_i64(entry.bytes),
            entry.reason.name(),
            requirement_text(entry.requirement.as_ref()),
            location,
            dependencies,
            inventory.digest(),
        ])?;
        write_inventory(&tx, entry.name.as_str(), inventory)?;
        Ok(tx.commit()?)
    }

    /// What is about to be put in place, as far as it was noted whole; what was not is none.
    pub(in crate::market) fn install_intents(&mut self) -> Result<Vec<(PackageName, Option<Inventory>)>, MarketError> {
        let mut query = self.conn.prepare_cached("SELECT name, inventory FROM install_intents ORDER BY name")?;
        let rows = query.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
        let mut intents = Vec::new();
        for row in rows {
            let (name, digest) = row?;
            let inventory = read_inventory(&self.conn, &name, PENDING, &digest)?;
            intents.push((parsed(&name, "package name")?, inventory));
        }
        Ok(intents)
    }

    /// The files are in place: makes the intent the note of what is installed, in place of an older one of the name, and
    /// pins the name to its publisher, if it has one. Whether another key may take the pin's place is asked before.
    pub(in crate::market) fn conclude_install(&mut self, name: &PackageName) -> Result<(), MarketError> {
        let intent = {
            let mut query = self.conn.prepare(&format!("SELECT {COLUMNS} FROM install_intents WHERE name = ?1"))?;
            let mut rows = query.query([name.as_str()])?;
            rows.next()?.map(installed_in).transpose()?
        };
        let Some(intent) = intent else { return Ok(()) };
        if let Some(publisher) = intent.publisher {
            // First: after a crash in between, the intent is still there.
            trust::settle(self, name, publisher, intent.installed_at)?;
        }
        let tx = self.conn.transaction()?;
        tx.execute("DELETE FROM installed_files WHERE name = ?1 AND pending = ?2", params![name.as_str(), IN_PLACE])?;
        tx.execute("UPDATE installed_files SET pending = ?2 WHERE name = ?1", params![name.as_str(), IN_PLACE])?;
        let promote = format!(
            "INSERT OR REPLACE INTO installs ({COLUMNS}) SELECT {COLUMNS} FROM install_intents WHERE name = ?1"
        );
        tx.execute(&promote, [name.as_str()])?;
        if let Some(publisher) = intent.publisher {
            tx.execute(
                "INSERT OR IGNORE INTO pins (name, publisher, since) VALUES (?1, ?2, ?3)",
                params![name.as_str(), publisher.0, to_i64(intent.installed_at)],
            )?;
        }
        tx.execute("DELETE FROM install_intents WHERE name = ?1", [name.as_str()])?;
        Ok(tx.commit()?)
    }

    /// Writes down that a package is about to be taken away.
    pub(in crate::market) fn intend_removal(&mut self, name: &PackageName) -> Result<(), MarketError> {
        self.conn.execute("INSERT OR IGNORE INTO removal_intents (name) VALUES (?1)", [name.as_str()])?;
        Ok(())
    }

    /// What is about to be taken away.
    pub(in crate::market) fn removal_intents(&mut self) -> Result<Vec<PackageName>, MarketError> {
        let mut query = self.conn.prepare_cached("SELECT name FROM removal_intents ORDER BY name")?;
        let names = query.query_map([], |row| row.get::<_, String>(0))?;
        names.map(|name| parsed(&name?, "package name")).collect()
    }

    /// The files are gone: forgets the install. Its pin stays: removing a package is no reason to trust another key.
    pub(in crate::market) fn conclude_removal(&mut self, name: &PackageName) -> Result<(), MarketError> {
        let tx = self.conn.transaction()?;
        drop_intent(&tx, name.as_str())?;
        tx.execute("DELETE FROM installed_files WHERE name = ?1", [name.as_str()])?;
        tx.execute("DELETE FROM installs WHERE name = ?1", [name.as_str()])?;
        Ok(tx.commit()?)
    }

    /// What was intended with a name has not come about.
    pub(in crate::market) fn drop_intent(&mut self, name: &PackageName) -> Result<(), MarketError> {
        let tx = self.conn.transaction()?;
        drop_intent(&tx, name.as_str())?;
        Ok(tx.commit()?)
    }
}

fn drop_intent(conn: &Connection, name: &str) -> Result<(), MarketError> {
    conn.execute("DELETE FROM installed_files WHERE name = ?1 AND pending = ?2", params![name, PENDING])?;
    conn.execute("DELETE FROM install_intents WHERE name = ?1", [name])?;
    conn.execute("DELETE FROM removal_intents WHERE name = ?1", [name])?;
    Ok(())
}

fn write_inventory(conn: &Connection, name: &str, inventory: &Inventory) -> Result<(), MarketError> {
    let mut insert = conn.prepare_cached(
        "INSERT INTO installed_files (name, pending, path, size, sha256, mode) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (path, stamp) in &inventory.files {
        insert.execute(params![name, PENDING, path, to_i64(stamp.size), stamp.sha256, stamp.mode])?;
    }
    Ok(())
}

/// The inventory with this digest. Rows that do not add up to it were damaged, and are not to be gone by.
pub(super) fn read_inventory(
    conn: &Connection,
    name: &str,
    pending: bool,
    digest: &[u8],
) -> Result<Option<Inventory>, MarketError> {
    let mut query =
        conn.prepare_cached("SELECT path, size, sha256, mode FROM installed_files WHERE name = ?1 AND pending = ?2")?;
    let mut rows = query.query(params![name, pending])?;
    let mut files = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let (Ok(path), Ok(size), Ok(sha256), Ok(mode)) = (row.get(0), row.get(1), row.get(2), row.get(3)) else {
            return Ok(None);
        };
        files.insert(path, Stamp { size: to_u64(size), sha256, mode });
    }
    let inventory = Inventory { files };
    Ok((inventory.digest()[..] == *digest).then_some(inventory))
}

/// Installs from before dependencies were noted have them in their releases.
pub(super) fn note_dependencies(conn: &Connection) -> Result<(), MarketError> {
    let mut query = conn.prepare(
        "SELECT i.name, r.envelope FROM installs i JOIN packages p ON p.name = i.name JOIN releases r ON r.package = p.key
         WHERE r.package_id = i.package_id AND r.version = i.version AND r.yank = 0",
    )?;
    let rows = query.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
    for row in rows.collect::<Result<Vec<_>, _>>()? {
        let Some(release) = convert::signed(&row.1) else { continue };
        let json = serde_json::to_string(&release.release().dependencies);
        let json = json.map_err(|_| damaged("list of dependencies"))?;
        conn.execute("UPDATE installs SET dependencies = ?2 WHERE name = ?1", params![row.0, json])?;
    }
    Ok(())
}

fn requirement_text(requirement: Option<&VersionReq>) -> String {
    requirement.map(ToString::to_string).unwrap_or_default()
}

fn installed_in(row: &Row<'_>) -> Result<Installed, MarketError> {
    let requirement: String = row.get(8)?;
    let location: String = row.get(9)?;
    Ok(Installed {
        name: parsed(&row.get::<_, String>(0)?, "package name")?,
        version: parsed(&row.get::<_, String>(1)?, "version")?,
        publisher: publisher(row.get_ref(2)?.as_blob().map_err(|_| damaged("publisher"))?)?,
        package_id: PackageId(row.get(3)?),
        installed_at: to_u64(row.get(4)?),
        files: row.get(5)?,
        bytes: to_u64(row.get(6)?),
        reason: Reason::of(&row.get::<_, String>(7)?).ok_or_else(|| damaged("reason"))?,
        requirement: match requirement.as_str() {
            "" => None,
            text => Some(parsed(text, "requirement")?),
        },
        source: if location.is_empty() { InstallSource::Peers } else { InstallSource::Central { location } },
        dependencies: dependencies(&row.get::<_, String>(10)?).ok_or_else(|| damaged("list of dependencies"))?,
    })
}

/// Empty: nobody signed it.
fn publisher(bytes: &[u8]) -> Result<Option<PublisherKey>, MarketError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    bytes.try_into().map(|key| Some(PublisherKey(key))).map_err(|_| damaged("publisher"))
}

/// The dependencies of a row, if it is what this program writes.
pub(super) fn dependencies(json: &str) -> Option<Vec<Dependency>> {
    serde_json::from_str(json).ok()
}
