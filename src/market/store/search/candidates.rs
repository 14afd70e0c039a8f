//! Which packages are worth a look: bounded lists from the indexes.

use rusqlite::{Connection, ToSql};

use super::tokens::{Place, asks_for_all, expression};
use crate::market::MarketError;
use crate::market::search::{Query, Sort};

/// Packages that are found by words anywhere for one query.
const LISTED: usize = 1000;
/// Where facets are wanted too, they are counted over so many.
const COUNTED: usize = 3000;
/// Where the order is by relevance, so many are ranked that have the words in their name, and so many of the others.
pub const RANKED: usize = 150;
/// Packages whose name begins with what was typed, in the order of the alphabet: they are proposed whatever came later.
const NAMED: usize = 50;

/// The beginning of the next name that cannot begin with ?1: `~` sorts behind every character of a name.
const BY_NAME: &str = "SELECT doc FROM packages
    WHERE name >= ?1 AND name < ?1 || '~' AND doc IS NOT NULL ORDER BY name, publisher LIMIT ?2";
const BY_WORDS: &str = "SELECT rowid FROM search_words WHERE search_words MATCH ?1 ORDER BY rowid DESC LIMIT ?2";
const NEWEST: &str = "SELECT key FROM search_docs ORDER BY published_at DESC, key DESC LIMIT ?1";
const INSTALLED: &str = "SELECT p.doc FROM installs i JOIN packages p ON p.name = i.name
    WHERE p.doc IS NOT NULL ORDER BY p.doc DESC LIMIT ?1";

/// Rows of `search_docs`, newest first.
#[derive(Default)]
pub struct Listed {
    pub keys: Vec<i64>,
    /// There may be more that fit.
    pub bounded: bool,
    /// Each of them fits, so that they can be counted without a look.
    pub exact: bool,
}

/// Packages that have the words of the query in their name: these come first where the order is by relevance. Sorted, each
/// once.
pub fn named(conn: &Connection, query: &Query, wanted: &[Vec<i64>]) -> Result<Vec<i64>, MarketError> {
    let expression = expression(&query.words, Place::Name, wanted, query.filters.yanked);
    let wanted = query.sort == Sort::Relevance && !query.words.is_empty() && query.filters.installed != Some(true);
    let Some(expression) = expression.filter(|_| wanted) else { return Ok(Vec::new()) };
    let mut keys = list(conn, BY_NAME, Some(&query.text), NAMED)?;
    keys.extend(list(conn, BY_WORDS, Some(&expression), RANKED.max(query.limit))?);
    keys.sort_unstable();
    keys.dedup();
    Ok(keys)
}

/// Every package that fits is among these, unless they are `bounded`; what does not fit may be too, unless they are `exact`.
pub fn anywhere(conn: &Connection, query: &Query, wanted: &[Vec<i64>]) -> Result<Listed, MarketError> {
    let limit = if query.facets { COUNTED } else { LISTED }.max(query.limit);
    let (keys, limit, exact) = if query.filters.installed == Some(true) {
        (list(conn, INSTALLED, None, COUNTED)?, COUNTED, false)
    } else if query.words.is_empty() && !query.text.is_empty() {
        // Only punctuation: there is no such word.
        return Ok(Listed::default());
    } else if let Some(expression) = expression(&query.words, Place::Anywhere, wanted, query.filters.yanked) {
        let exact = query.filters.installed.is_none() && asks_for_all(wanted);
        (list(conn, BY_WORDS, Some(&expression), limit)?, limit, exact)
    } else {
        (list(conn, NEWEST, None, limit)?, limit, false)
    };
    Ok(Listed { bounded: keys.len() >= limit, exact, keys })
}

fn list(conn: &Connection, sql: &str, text: Option<&str>, limit: usize) -> Result<Vec<i64>, MarketError> {
    let rows = i64::try_from(limit).unwrap_or(i64::MAX);
    let values: Vec<&dyn ToSql> = text.iter().map(|text| text as &dyn ToSql).chain([&rows as &dyn ToSql]).collect();
    let mut query = conn.prepare_cached(sql)?;
    let keys = query.query_map(values.as_slice(), |row| row.get(0))?;
    Ok(keys.collect::<Result<_, _>>()?)
}
