//! The search engine: SQLite's full-text index proposes a bounded number of packages, the newest first; they are judged,
//! ranked and counted here, from narrow rows; envelopes are read only for what is answered.
//!
//! Nothing outside this folder knows the tables `search_*`.

mod candidates;
mod facets;
mod index;
mod judge;
mod labels;
mod tokens;

#[cfg(test)]
mod tests;

use rusqlite::{Connection, Row};

use super::convert::{self, to_u64};
use super::{Db, Found};
use crate::market::search::{Answer, Query, Sort, Standing};
use crate::market::{MarketError, PackageId, PublisherKey};
use judge::Fit;

pub(super) use index::{Batch, Shown, rebuild};
pub(in crate::market) use judge::{Text, relevance};
pub(in crate::market) use labels::licences_in;

/// What is told of a release that was found, and what this node has of it.
const FOUND: &str = "SELECT r.id, r.envelope, r.first_seen,
        EXISTS (SELECT 1 FROM blobs b WHERE b.package_id = r.package_id),
        (SELECT i.version FROM installs i WHERE i.name = p.name)
    FROM releases r JOIN packages p ON p.key = r.package WHERE r.key = ?1";

const BYTES: &str = "SELECT r.package_id, p.publisher, EXISTS (SELECT 1 FROM blobs b WHERE b.package_id = r.package_id)
    FROM releases r JOIN packages p ON p.key = r.package WHERE r.key = ?1";

impl Db {
    /// Answers `query` with the newest release of each (publisher, name) that fits. The work is bounded whatever the
    /// words: of those that a great many packages have, the packages that came last are looked at.
    pub fn search(&mut self, query: &Query, standing: &dyn Standing) -> Result<Answer, MarketError> {
        // One look at the database for all of it: each statement by itself would lock and unlock the file.
        let tx = self.conn.transaction()?;
        let conn = &*tx;
        let Some(wanted) = labels::resolve(conn, &query.filters)? else { return Ok(nothing(query)) };
        let mut facets = query.facets.then(facets::Counting::default);
        let Looked { mut fits, mut total, at_least } = look(conn, query, &wanted, facets.as_mut())?;
        if is_weighed(query) {
            weigh(conn, &mut fits, query, standing)?;
            total = fits.len() as u64;
            facets = recount(conn, &fits, facets)?;
        }
        judge::order(&mut fits, query);
        fits.truncate(query.limit);
        Ok(Answer {
            hits: found(conn, &fits)?,
            total,
            at_least,
            facets: facets.map(|counting| counting.told(conn)).transpose()?,
        })
    }

    /// Makes everything that searching uses anew from the releases. Atomic.
    pub fn rebuild_index(&mut self) -> Result<(), MarketError> {
        let tx = self.conn.transaction()?;
        rebuild(&tx)?;
        Ok(tx.commit()?)
    }
}

/// A filter asks for what no package has.
fn nothing(query: &Query) -> Answer {
    Answer { facets: query.facets.then(Default::default), ..Answer::default() }
}

/// What the index knows of a query.
struct Looked {
    /// Those that can be among the first, and maybe others.
    fits: Vec<Fit>,
    total: u64,
    at_least: bool,
}

/// First the packages that have the words in their name. The others come behind them where the order is by relevance, so
/// that no more of them are ranked than are needed; the rest is counted.
fn look(
    conn: &Connection,
    query: &Query,
    wanted: &[Vec<i64>],
    mut facets: Option<&mut facets::Counting>,
) -> Result<Looked, MarketError> {
    let named = candidates::named(conn, query, wanted)?;
    let mut fits = judge::judge(conn, query, wanted, &named, facets.as_deref_mut())?;
    let mut listed = candidates::anywhere(conn, query, wanted)?;
    listed.keys.retain(|key| named.binary_search(key).is_err());
    let ranked = match listed.exact && query.sort == Sort::Relevance && !is_weighed(query) {
        false => listed.keys.len(),
        true if fits.iter().filter(|fit| fit.is_named()).count() >= query.limit => 0,
        true => candidates::RANKED.max(query.limit),
    };
    let (ranked, counted) = listed.keys.split_at(ranked.min(listed.keys.len()));
    fits.extend(judge::judge(conn, query, wanted, ranked, facets.as_deref_mut())?);
    if let Some(facets) = facets {
        facets.add_all(conn, counted.iter().copied())?;
    }
    let total = (fits.len() + counted.len()) as u64;
    Ok(Looked { fits, total, at_least: listed.bounded })
}

/// Whether the answer depends on how the peers stand to each package.
fn is_weighed(query: &Query) -> bool {
    query.sort == Sort::Providers || query.filters.min_reputation.is_some()
}

/// Asks how the peers stand to each that fits; those below the reputation wanted go.
fn weigh(conn: &Connection, fits: &mut Vec<Fit>, query: &Query, standing: &dyn Standing) -> Result<(), MarketError> {
    let mut bytes = conn.prepare_cached(BYTES)?;
    for fit in fits.iter_mut() {
        let (package, publisher, here) = bytes.query_row([fit.release], |row| {
            Ok((PackageId(row.get(0)?), PublisherKey(row.get(1)?), row.get::<_, bool>(2)?))
        })?;
        fit.providers = standing.providers(package) + usize::from(here);
        if let Some(least) = query.filters.min_reputation {
            fit.rejected = least > 0.0 && standing.reputation(publisher, package).is_none_or(|known| known < least);
        }
    }
    fits.retain(|fit| !fit.rejected);
    Ok(())
}

/// Facets again, where the peers' standing left some out.
fn recount(
    conn: &Connection,
    fits: &[Fit],
    facets: Option<facets::Counting>,
) -> Result<Option<facets::Counting>, MarketError> {
    let Some(_) = facets else { return Ok(None) };
    let mut counting = facets::Counting::default();
    counting.add_all(conn, fits.iter().map(|fit| fit.key))?;
    Ok(Some(counting))
}

fn found(conn: &Connection, fits: &[Fit]) -> Result<Vec<Found>, MarketError> {
    let mut answer = conn.prepare_cached(FOUND)?;
    fits.iter()
        .map(|fit| {
            let mut rows = answer.query([fit.release])?;
            let row = rows.next()?.ok_or_else(|| convert::damaged("search index"))?;
            found_in(row, fit.score)
        })
        .collect()
}

fn found_in(row: &Row<'_>, score: f64) -> Result<Found, MarketError> {
    let installed: Option<String> = row.get(4)?;
    Ok(Found {
        release: convert::release(row, 0)?,
        first_seen: to_u64(row.get(2)?),
        have_blob: row.get(3)?,
        installed: installed.map(|version| convert::parsed(&version, "version")).transpose()?,
        score,
    })
}
