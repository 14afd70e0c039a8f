//! What trust is judged by: pinned keys, who uses a name, which names look like it.

use rusqlite::{OptionalExtension, Row, params};
use semver::Version;

use super::convert::{self, damaged, parsed, to_i64, to_u64};
use super::{Db, NameUse, Pin, PinOrigin, Sighting};
use crate::market::{MarketError, PackageName, PublisherKey, ReleaseId, VerifiedRelease};

/// Publishers of one name that are looked at.
const MAX_PUBLISHERS: usize = 100;
/// Names alike to one that are looked at.
const MAX_ALIKE: usize = 200;

impl Db {
    /// The key pinned for a name, if any (set by the first install).
    pub fn pinned(&mut self, name: &PackageName) -> Result<Option<PublisherKey>, MarketError> {
        Ok(self.pin_of(name)?.map(|pin| pin.publisher))
    }

    /// The same, with since when and why.
    pub fn pin_of(&mut self, name: &PackageName) -> Result<Option<Pin>, MarketError> {
        let mut query = self.conn.prepare_cached("SELECT name, publisher, since, origin FROM pins WHERE name = ?1")?;
        let mut rows = query.query([name.as_str()])?;
        rows.next()?.map(pin_in).transpose()
    }

    /// Every pin, by name.
    pub fn pins(&mut self) -> Result<Vec<Pin>, MarketError> {
        let mut query = self.conn.prepare_cached("SELECT name, publisher, since, origin FROM pins ORDER BY name")?;
        let mut rows = query.query([])?;
        let mut pins = Vec::new();
        while let Some(row) = rows.next()? {
            pins.push(pin_in(row)?);
        }
        Ok(pins)
    }

    /// Pins a name, in place of an older pin; only where the user said so, or the older key did.
    pub fn pin(&mut self, pin: &Pin) -> Result<(), MarketError> {
        self.conn.execute(
            "INSERT OR REPLACE INTO pins (name, publisher, since, origin) VALUES (?1, ?2, ?3, ?4)",
            params![pin.name.as_str(), pin.publisher.0, to_i64(pin.since), pin.origin.name()],
        )?;
        Ok(())
    }

    /// Takes a pin away: the next install of the name pins again. `false` when there was none.
    pub fn unpin(&mut self, name: &PackageName) -> Result<bool, MarketError> {
        Ok(self.conn.execute("DELETE FROM pins WHERE name = ?1", [name.as_str()])? > 0)
    }

    /// Who publishes under a name, those seen first before the others.
    pub fn publishers_of(&mut self, name: &PackageName) -> Result<Vec<Sighting>, MarketError> {
        let mut query = self.conn.prepare_cached(
            "SELECT p.publisher, min(r.first_seen), count(*) FROM packages p JOIN releases r ON r.package = p.key
             WHERE p.name = ?1 GROUP BY p.publisher ORDER BY 2, 1 LIMIT ?2",
        )?;
        let rows = query.query_map(params![name.as_str(), convert::limit(MAX_PUBLISHERS)], |row| {
            Ok(Sighting {
                publisher: PublisherKey(row.get(0)?),
                first_seen: to_u64(row.get(1)?),
                releases: to_u64(row.get(2)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What the publisher says last of a version: its newest release or yank.
    pub fn last_word(
        &mut self,
        publisher: PublisherKey,
        name: &PackageName,
        version: &Version,
    ) -> Result<Option<VerifiedRelease>, MarketError> {
        let mut query = self.conn.prepare_cached(
            "SELECT r.id, r.envelope FROM packages p JOIN releases r ON r.package = p.key
             WHERE p.name = ?1 AND p.publisher = ?2 AND r.version = ?3 ORDER BY r.sequence DESC LIMIT 1",
        )?;
        let mut rows = query.query(params![name.as_str(), publisher.0, version.to_string()])?;
        rows.next()?.map(|row| convert::release(row, 0)).transpose()
    }

    /// Whether the catalogue has the release.
    pub fn knows(&mut self, id: ReleaseId) -> Result<bool, MarketError> {
        let known = "SELECT 1 FROM releases WHERE substr(id, 1, 8) = substr(?1, 1, 8) AND id = ?1";
        Ok(self.conn.prepare_cached(known)?.exists([id.0])?)
    }

    /// Names in the catalogue with one of these folds (see [`trust::names`](crate::market::trust::names)).
    pub fn names_folded(&mut self, folds: &[&str]) -> Result<Vec<NameUse>, MarketError> {
        let mut query = self.conn.prepare_cached(
            "SELECT p.name, count(DISTINCT p.publisher), count(r.key), min(r.first_seen)
             FROM json_each(?1) AS wanted
                 CROSS JOIN packages AS p ON p.fold = wanted.value
                 CROSS JOIN releases AS r ON r.package = p.key
             GROUP BY p.name LIMIT ?2",
        )?;
        let wanted = serde_json::to_string(folds).map_err(|_| damaged("list of names"))?;
        let mut rows = query.query(params![wanted, convert::limit(MAX_ALIKE)])?;
        let mut names = Vec::new();
        while let Some(row) = rows.next()? {
            names.push(NameUse {
                name: parsed(&row.get::<_, String>(0)?, "package name")?,
                publishers: to_u64(row.get(1)?),
                releases: to_u64(row.get(2)?),
                first_seen: to_u64(row.get(3)?),
            });
        }
        Ok(names)
    }

    /// When this node first saw a release of the publisher under the name, in Unix seconds.
    pub fn first_sight(&mut self, publisher: PublisherKey, name: &PackageName) -> Result<Option<u64>, MarketError> {
        let mut query = self.conn.prepare_cached(
            "SELECT min(r.first_seen) FROM packages p JOIN releases r ON r.package = p.key
             WHERE p.name = ?1 AND p.publisher = ?2",
        )?;
        let first: Option<Option<i64>> =
            query.query_row(params![name.as_str(), publisher.0], |row| row.get(0)).optional()?;
        Ok(first.flatten().map(to_u64))
    }
}

fn pin_in(row: &Row<'_>) -> Result<Pin, MarketError> {
    Ok(Pin {
        name: parsed(&row.get::<_, String>(0)?, "package name")?,
        publisher: PublisherKey(row.get(1)?),
        since: to_u64(row.get(2)?),
        origin: PinOrigin::of(&row.get::<_, String>(3)?).ok_or_else(|| damaged("pin"))?,
    })
}
