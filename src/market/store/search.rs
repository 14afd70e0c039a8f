//! Finding packages by words.

use rusqlite::{Connection, Row, params};

use super::convert::{self, to_u64};
use super::{Db, Found};
use crate::market::MarketError;

/// Words of a query that are looked at, and characters of each.
const MAX_WORDS: usize = 16;
const MAX_WORD: usize = 64;

/// Names that are or begin with the query, in the order of their index: an exact one comes first. `~` sorts behind every
/// character of a name.
const BY_NAME: &str = "SELECT key, name = ?1 FROM packages
    WHERE name >= ?1 AND name < ?1 || '~' AND newest IS NOT NULL ORDER BY name, publisher LIMIT ?2";

/// Best matches by bm25 (weights for name, description, tags, keywords, category). Words that a great many packages have
/// say little: of those, only the packages that came last are ranked, so that searching while typing stays quick.
const BY_WORDS: &str = "SELECT rowid, distance FROM (
        SELECT rowid, bm25(package_text, 10.0, 2.0, 6.0, 5.0, 3.0) AS distance FROM package_text
        WHERE package_text MATCH ?1 ORDER BY rowid DESC LIMIT 20000)
    ORDER BY distance, rowid DESC LIMIT ?2";

const NEWEST: &str = "SELECT p.key FROM releases r JOIN packages p ON p.newest = r.key
    ORDER BY r.published_at DESC, r.id DESC LIMIT ?1";

/// The newest release of a package, and what this node has of it.
const ANSWER: &str = "SELECT r.id, r.envelope, r.first_seen,
        EXISTS (SELECT 1 FROM blobs b WHERE b.package_id = r.package_id),
        (SELECT i.version FROM installs i WHERE i.name = p.name)
    FROM packages p JOIN releases r ON r.key = p.newest WHERE p.key = ?1";

/// Scores of an exact name and of one that begins with the query; bm25 stays far below.
const EXACT: f64 = 2000.0;
const PREFIX: f64 = 1000.0;

/// A package (`packages.key`) and its score.
type Hit = (i64, f64);

impl Db {
    /// Names, words with prefix on the last one; grouped to the newest release of each (publisher, name) that is not
    /// withdrawn. An empty query gives the newest packages. Nothing in `query` is an operator.
    pub fn search(&mut self, query: &str, limit: usize) -> Result<Vec<Found>, MarketError> {
        let query = query.trim().to_lowercase();
        let hits = match (query.is_empty(), match_expression(&query)) {
            (true, _) => newest(&self.conn, limit)?,
            (false, None) => Vec::new(),
            (false, Some(words)) => best(&self.conn, &query, &words, limit)?,
        };
        let mut answer = self.conn.prepare_cached(ANSWER)?;
        let mut found = Vec::with_capacity(hits.len());
        for (key, score) in hits {
            let mut rows = answer.query([key])?;
            let row = rows.next()?.ok_or_else(|| convert::damaged("search index"))?;
            found.push(found_in(row, score)?);
        }
        Ok(found)
    }
}

fn newest(conn: &Connection, limit: usize) -> Result<Vec<Hit>, MarketError> {
    let mut newest = conn.prepare_cached(NEWEST)?;
    let hits = newest.query_map([convert::limit(limit)], |row| Ok((row.get(0)?, 0.0)))?;
    Ok(hits.collect::<Result<_, _>>()?)
}

/// Hits by name first, then by words.
fn best(conn: &Connection, query: &str, words: &str, limit: usize) -> Result<Vec<Hit>, MarketError> {
    let mut hits = by_name(conn, query, limit)?;
    let named: std::collections::HashSet<i64> = hits.iter().map(|(key, _)| *key).collect();
    let mut by_words = conn.prepare_cached(BY_WORDS)?;
    let enough = convert::limit(limit.saturating_add(named.len()));
    let others = by_words.query_map(params![words, enough], |row| Ok((row.get(0)?, -row.get::<_, f64>(1)?)))?;
    for hit in others {
        let hit = hit?;
        if hits.len() < limit && !named.contains(&hit.0) {
            hits.push(hit);
        }
    }
    Ok(hits)
}

fn by_name(conn: &Connection, query: &str, limit: usize) -> Result<Vec<Hit>, MarketError> {
    let mut by_name = conn.prepare_cached(BY_NAME)?;
    let rows = by_name.query_map(params![query, convert::limit(limit)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let rows = rows.collect::<Result<Vec<(i64, bool)>, _>>()?;
    let mut place = 0.0;
    let score = |(key, is_exact)| {
        place += 1.0;
        (key, if is_exact { EXACT } else { PREFIX + 1.0 / place })
    };
    Ok(rows.into_iter().map(score).collect())
}

/// The query in FTS5's syntax: every word quoted, all required, the last one a prefix. `None` when it has no word.
fn match_expression(query: &str) -> Option<String> {
    let words: Vec<String> = query
        .split(|c: char| !c.is_alphanumeric() && !unicode_normalization::char::is_combining_mark(c))
        .filter(|word| word.contains(char::is_alphanumeric))
        .take(MAX_WORDS)
        .map(|word| format!("\"{}\"", word.chars().take(MAX_WORD).collect::<String>()))
        .collect();
    (!words.is_empty()).then(|| format!("{} *", words.join(" AND ")))
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
