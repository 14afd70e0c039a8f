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

pub(super) use index::{Shown, put, rebuild};
pub(in crate::market) use judge::{Text, relevance};
pub(in crate::market) use labels::licences_in;

/// What is told of a release that was found, and what this node has of it.
const FOUND: &str = "SELECT r.id, r.envelope, r.first_seen,
        EXISTS (SELECT 1 FROM blobs b WHERE b.package_id = r.package_id),
        (SELECT i.version FROM installs i WHERE i.name = r.name)
    FROM releases r WHERE r.key = ?1";

const BYTES: &str = "SELECT package_id, publisher, EXISTS (SELECT 1 FROM blobs b WHERE b.package_id = r.package_id)
    FROM releases r WHERE r.key = ?1";

impl Db {
    /// Answers `query` with the newest release of each (publisher, name) that fits. The work is bounded whatever the
    /// words: of those that a great many packages have, the packages that came last are looked at.
    pub fn search(&mut self, query: &Query, standing: &dyn Standing) -> Result<Answer, MarketError> {
        let conn = &self.conn;
        let Some(wanted) = labels::resolve(conn, &query.filters)? else { return Ok(nothing(query)) };
        let proposed = candidates::propose(conn, query, &wanted)?;
        let mut facets = query.facets.then(facets::Counting::default);
        let mut fits = judge::judge(conn, query, &wanted, &proposed.keys, facets.as_mut())?;
        if query.sort == Sort::Providers || query.filters.min_reputation.is_some() {
            weigh(conn, &mut fits, query, standing)?;
            facets = recount(conn, &fits, facets)?;
        }
        judge::order(&mut fits, query);
        let total = fits.len() as u64;
        fits.truncate(query.limit);
        Ok(Answer {
            hits: found(conn, &fits)?,
            total,
            at_least: proposed.bounded,
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
    let mut labels = conn.prepare_cached("SELECT labels FROM search_docs WHERE key = ?1")?;
    for fit in fits {
        let mut rows = labels.query([fit.key])?;
        if let Some(row) = rows.next()? {
            counting.add(row.get_ref(0)?.as_blob().map_err(|_| convert::damaged("search index"))?);
        }
    }
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
