//! How often each value occurs among what fits.

use std::collections::HashMap;

use rusqlite::Connection;

use super::super::convert::damaged;
use super::labels;
use crate::market::search::{Facet, Facets, MAX_FACET};
use crate::market::{MarketError, SafeText};

/// Packages by label, for each kind of label.
#[derive(Default)]
pub struct Counting {
    publishers: HashMap<i64, u64>,
    categories: HashMap<i64, u64>,
    licences: HashMap<i64, u64>,
    tags: HashMap<i64, u64>,
}

impl Counting {
    /// Counts a package by its column `labels`.
    pub fn add(&mut self, labels: &[u8]) {
        let mut numbers = labels::numbers(labels);
        for counts in [&mut self.publishers, &mut self.categories, &mut self.licences] {
            if let Some(id) = numbers.next().filter(|id| *id > 0) {
                *counts.entry(id).or_default() += 1;
            }
        }
        let licences = usize::try_from(numbers.next().unwrap_or_default()).unwrap_or_default();
        for id in numbers.skip(licences) {
            *self.tags.entry(id).or_default() += 1;
        }
    }

    /// Counts the packages of these rows of `search_docs`.
    pub fn add_all(&mut self, conn: &Connection, keys: impl Iterator<Item = i64>) -> Result<(), MarketError> {
        let mut labels = conn.prepare_cached("SELECT labels FROM search_docs WHERE key = ?1")?;
        for key in keys {
            let mut rows = labels.query([key])?;
            let row = rows.next()?.ok_or_else(|| damaged("search index"))?;
            self.add(row.get_ref(0)?.as_blob().map_err(|_| damaged("search index"))?);
        }
        Ok(())
    }

    /// The most frequent values of each kind.
    pub fn told(self, conn: &Connection) -> Result<Facets, MarketError> {
        Ok(Facets {
            categories: most(conn, self.categories)?,
            licences: most(conn, self.licences)?,
            tags: most(conn, self.tags)?,
            publishers: most(conn, self.publishers)?,
        })
    }
}

fn most(conn: &Connection, counts: HashMap<i64, u64>) -> Result<Vec<Facet>, MarketError> {
    let mut counts: Vec<(i64, u64)> = counts.into_iter().collect();
    counts.sort_unstable_by_key(|(id, count)| (std::cmp::Reverse(*count), *id));
    counts.truncate(MAX_FACET);
    let mut shown = conn.prepare_cached("SELECT shown FROM search_labels WHERE id = ?1")?;
    let facet = |(id, count)| {
        let value: String = shown.query_row([id], |row| row.get(0))?;
        Ok(Facet { value: SafeText::new(&value), count })
    };
    counts.into_iter().map(facet).collect()
}
