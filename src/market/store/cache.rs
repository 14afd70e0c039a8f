//! What the blobs may take on disk, and which go first when it is too much.

use std::collections::{HashMap, HashSet};

use semver::Version;

use super::Db;
use super::convert::{parsed, to_u64};
use crate::market::{MarketError, PackageId, PublisherKey};

/// What holds for the blob folder.
#[derive(Clone, Debug)]
pub struct CacheRules {
    /// Bytes that all blobs may take.
    pub quota: u64,
    /// Versions of a package kept for others.
    pub keep_versions: usize,
    /// The keys whose releases are this user's own, older ones included.
    pub own: Vec<PublisherKey>,
}

/// How the quota is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheUse {
    /// Bytes of all blobs.
    pub used: u64,
    /// Of these, what is never removed: installed packages and the user's own.
    pub bound: u64,
}

/// What garbage collection took away.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Collected {
    pub removed: Vec<PackageId>,
    /// Bytes.
    pub freed: u64,
    /// The use afterwards.
    pub now: CacheUse,
}

/// A blob that may be removed.
struct Candidate {
    id: PackageId,
    size: u64,
    used_at: i64,
    value: Value,
}

/// Of what use a blob is to others, least first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    /// `keep_versions` newer ones are held.
    Superseded,
    /// No release in the catalogue is of it.
    Unknown,
    Kept,
}

impl Db {
    /// How many bytes are used, and how many of them for good.
    pub fn cache_use(&mut self, rules: &CacheRules) -> Result<CacheUse, MarketError> {
        let (candidates, bound) = self.candidates(rules)?;
        Ok(CacheUse { used: bound + candidates.iter().map(|one| one.size).sum::<u64>(), bound })
    }

    /// Removes what is left of broken-off downloads where there is no room for it, then blobs kept for others: versions beyond
    /// `keep_versions`, then the least recently used, until all blobs and `wanted` bytes more fit the quota. What is installed
    /// and the user's own stays, also where it does not fit.
    pub fn collect_garbage(&mut self, rules: &CacheRules, wanted: u64) -> Result<Collected, MarketError> {
        let (mut candidates, bound) = self.candidates(rules)?;
        candidates.sort_by_key(|one| (one.value, one.used_at, one.id));
        let mut used = bound + candidates.iter().map(|one| one.size).sum::<u64>();
        // Downloads that nobody goes on with are of the least use.
        self.tidy_partials(rules.quota.saturating_sub(used.saturating_add(wanted)))?;
        let mut collected = Collected::default();
        for one in candidates {
            if one.value != Value::Superseded && used.saturating_add(wanted) <= rules.quota {
                break;
            }
            self.remove_blob(one.id)?;
            used = used.saturating_sub(one.size);
            collected.freed += one.size;
            collected.removed.push(one.id);
        }
        collected.now = CacheUse { used, bound };
        Ok(collected)
    }

    /// What may be removed, and the bytes of the rest.
    fn candidates(&mut self, rules: &CacheRules) -> Result<(Vec<Candidate>, u64), MarketError> {
        let installed: HashSet<PackageId> = self.installed()?.into_iter().map(|entry| entry.package_id).collect();
        let [own, beyond, known] = self.standing(rules)?;
        let mut query = self.conn.prepare_cached("SELECT package_id, size, used_at FROM blobs")?;
        let mut rows = query.query([])?;
        let (mut candidates, mut bound) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            let (id, size) = (PackageId(row.get(0)?), to_u64(row.get(1)?));
            if installed.contains(&id) || own.contains(&id) {
                bound += size;
            } else {
                let value = match () {
                    () if beyond.contains(&id) => Value::Superseded,
                    () if !known.contains(&id) => Value::Unknown,
                    () => Value::Kept,
                };
                candidates.push(Candidate { id, size, used_at: row.get(2)?, value });
            }
        }
        Ok((candidates, bound))
    }

    /// Of the blobs here: those of the user's own releases, those beyond `keep_versions`, and those any release is of.
    fn standing(&mut self, rules: &CacheRules) -> Result<[HashSet<PackageId>; 3], MarketError> {
        let mut query = self.conn.prepare_cached(
            "SELECT r.package_id, p.publisher, p.name, r.version FROM blobs b
             JOIN releases r ON substr(r.package_id, 1, 8) = substr(b.package_id, 1, 8) AND r.package_id = b.package_id
             JOIN packages p ON p.key = r.package",
        )?;
        let mut rows = query.query([])?;
        let (mut own, mut known) = (HashSet::new(), HashSet::new());
        let mut packages: HashMap<(PublisherKey, String), Vec<(Version, PackageId)>> = HashMap::new();
        while let Some(row) = rows.next()? {
            let (id, publisher) = (PackageId(row.get(0)?), PublisherKey(row.get(1)?));
            let version = parsed(&row.get::<_, String>(3)?, "version")?;
            known.insert(id);
            if rules.own.contains(&publisher) {
                own.insert(id);
            }
            packages.entry((publisher, row.get(2)?)).or_default().push((version, id));
        }
        let (mut kept, mut beyond) = (HashSet::new(), HashSet::new());
        for versions in packages.values_mut() {
            versions.sort_by(|a, b| b.cmp(a));
            versions.dedup();
            let keep = versions.len().min(rules.keep_versions);
            let (newest, older) = versions.split_at(keep);
            kept.extend(newest.iter().map(|(_, id)| *id));
            beyond.extend(older.iter().map(|(_, id)| *id));
        }
        // The same bytes may be another package's newest.
        beyond.retain(|id| !kept.contains(id));
        Ok([own, beyond, known])
    }
}
