//! Which packages are worth a look: bounded lists from the indexes.

use rusqlite::{Connection, ToSql};

use super::tokens::{Place, expression};
use crate::market::MarketError;
use crate::market::search::{Query, Sort};

/// Packages that are judged and ranked for one query, for each of the two places that words are looked for.
const RANKED: usize = 1000;
/// Where facets are wanted too, they are counted over so many.
const COUNTED: usize = 5000;
/// Packages whose name begins with what was typed, in the order of the alphabet: they are proposed whatever came later.
const NAMED: usize = 50;

/// The beginning of the next name that cannot begin with ?1: `~` sorts behind every character of a name.
const BY_NAME: &str = "SELECT doc FROM packages
    WHERE name >= ?1 AND name < ?1 || '~' AND doc IS NOT NULL ORDER BY name, publisher LIMIT ?2";
const BY_WORDS: &str = "SELECT rowid FROM search_words WHERE search_words MATCH ?1 ORDER BY rowid DESC LIMIT ?2";
const NEWEST: &str = "SELECT key FROM search_docs ORDER BY published_at DESC, key DESC LIMIT ?1";
const INSTALLED: &str = "SELECT p.doc FROM installs i JOIN packages p ON p.name = i.name
    WHERE p.doc IS NOT NULL ORDER BY p.doc DESC LIMIT ?1";

/// Rows of `search_docs` to be judged.
pub struct Proposed {
    /// Sorted, each once.
    pub keys: Vec<i64>,
    /// There may be more that fit.
    pub bounded: bool,
}

impl Proposed {
    fn add(&mut self, conn: &Connection, sql: &str, text: Option<&str>, limit: usize) -> Result<(), MarketError> {
        let rows = i64::try_from(limit).unwrap_or(i64::MAX);
        let values: Vec<&dyn ToSql> = text.iter().map(|text| text as &dyn ToSql).chain([&rows as &dyn ToSql]).collect();
        let mut query = conn.prepare_cached(sql)?;
        let before = self.keys.len();
        let keys = query.query_map(values.as_slice(), |row| row.get(0))?;
        for key in keys {
            self.keys.push(key?);
        }
        self.bounded = self.keys.len() - before >= limit;
        Ok(())
    }
}

/// Every package that fits is among the answer, unless it is `bounded`; what does not fit may be too.
pub fn propose(conn: &Connection, query: &Query, wanted: &[Vec<i64>]) -> Result<Proposed, MarketError> {
    let mut proposed = Proposed { keys: Vec::new(), bounded: false };
    let limit = if query.facets { COUNTED } else { RANKED.max(query.limit) };
    let withdrawn = query.filters.yanked;
    if query.filters.installed == Some(true) {
        proposed.add(conn, INSTALLED, None, COUNTED)?;
    } else if query.words.is_empty() && !query.text.is_empty() {
        // Only punctuation: there is no such word.
        return Ok(proposed);
    } else if let Some(anywhere) = expression(&query.words, Place::Anywhere, wanted, withdrawn) {
        if let Some(named) = expression(&query.words, Place::Name, wanted, withdrawn).filter(|_| by_name(query)) {
            proposed.add(conn, BY_NAME, Some(&query.text), NAMED)?;
            proposed.add(conn, BY_WORDS, Some(&named), limit)?;
        }
        proposed.add(conn, BY_WORDS, Some(&anywhere), limit)?;
    } else {
        proposed.add(conn, NEWEST, None, limit)?;
    }
    proposed.keys.sort_unstable();
    proposed.keys.dedup();
    Ok(proposed)
}

/// Whether names are worth a look of their own: they come first where the order is by relevance.
fn by_name(query: &Query) -> bool {
    query.sort == Sort::Relevance && !query.words.is_empty()
}
