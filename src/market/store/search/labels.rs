//! Values that packages are filtered by and counted under. Each has an id, by which rows and index name it.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use crate::market::search::{Filters, words};
use crate::market::{MarketError, PublisherKey, Release};

/// What a label is a value of; the number in `search_labels.kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Publisher = 1,
    Category = 2,
    Licence = 3,
    Tag = 4,
}

/// Keys that a beginning of one may stand for in one query.
const MAX_PUBLISHERS: i64 = 10_000;
/// Characters of a key's end that are enough to name it.
const END: usize = 8;

/// The labels of one package.
#[derive(Debug, Default, PartialEq)]
pub struct Labels {
    pub publisher: i64,
    /// 0 is none, here and below.
    pub category: i64,
    /// The whole expression.
    pub licence: i64,
    /// The licences in it, where there are several.
    pub licences: Vec<i64>,
    pub tags: Vec<i64>,
}

/// Ids that were looked up before, within one transaction.
#[derive(Default)]
pub struct LabelIds {
    publishers: HashMap<PublisherKey, i64>,
    /// By what was written.
    categories: HashMap<String, i64>,
    licences: HashMap<String, i64>,
    tags: HashMap<String, i64>,
}

impl LabelIds {
    fn publisher(&mut self, conn: &Connection, key: PublisherKey) -> Result<i64, MarketError> {
        if let Some(id) = self.publishers.get(&key) {
            return Ok(*id);
        }
        let text = key.to_string();
        let id = id(conn, Kind::Publisher, text.clone(), &text)?;
        self.publishers.insert(key, id);
        Ok(id)
    }

    fn category(&mut self, conn: &Connection, text: &str) -> Result<i64, MarketError> {
        remembered(&mut self.categories, conn, Kind::Category, text)
    }

    fn licence(&mut self, conn: &Connection, text: &str) -> Result<i64, MarketError> {
        remembered(&mut self.licences, conn, Kind::Licence, text)
    }

    fn tag(&mut self, conn: &Connection, text: &str) -> Result<i64, MarketError> {
        remembered(&mut self.tags, conn, Kind::Tag, text)
    }
}

fn remembered(known: &mut HashMap<String, i64>, conn: &Connection, kind: Kind, text: &str) -> Result<i64, MarketError> {
    if let Some(id) = known.get(text) {
        return Ok(*id);
    }
    let id = folded(conn, kind, text)?;
    known.insert(text.to_owned(), id);
    Ok(id)
}

impl Labels {
    /// Finds or makes the labels of `release`.
    pub fn of(conn: &Connection, release: &Release, ids: &mut LabelIds) -> Result<Self, MarketError> {
        let mut labels = Self {
            publisher: ids.publisher(conn, release.publisher)?,
            category: ids.category(conn, &release.category)?,
            licence: ids.licence(conn, &release.licence)?,
            ..Self::default()
        };
        for part in licences_in(&release.licence) {
            labels.licences.push(ids.licence(conn, part)?);
        }
        for tag in &release.tags {
            labels.tags.push(ids.tag(conn, tag)?);
        }
        labels.tags.retain(|id| *id > 0);
        labels.tags.sort_unstable();
        labels.tags.dedup();
        Ok(labels)
    }

    /// Every label, once each or more.
    pub fn all(&self) -> impl Iterator<Item = i64> {
        let one = [self.publisher, self.category, self.licence];
        one.into_iter().chain(self.licences.iter().copied()).chain(self.tags.iter().copied()).filter(|id| *id > 0)
    }

    /// For the column `labels`: publisher, category, licence, number of licences in it, those, tags; as LEB128 numbers.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let count = i64::try_from(self.licences.len()).unwrap_or_default();
        let head = [self.publisher, self.category, self.licence, count];
        for id in head.iter().chain(&self.licences).chain(&self.tags) {
            let mut rest = id.unsigned_abs();
            while rest >= 0x80 {
                bytes.push((rest & 0x7f) as u8 | 0x80);
                rest >>= 7;
            }
            bytes.push(rest as u8);
        }
        bytes
    }
}

/// The numbers of a column `labels`, in its order.
pub fn numbers(bytes: &[u8]) -> impl Iterator<Item = i64> {
    let mut rest = bytes.iter();
    std::iter::from_fn(move || {
        let (mut number, mut shift) = (0i64, 0);
        for byte in rest.by_ref() {
            number |= i64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
            shift += 7;
        }
        None
    })
}

/// `MIT OR Apache-2.0` is two licences; `MIT` is one, and no expression.
pub(in crate::market) fn licences_in(expression: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut end) = (None, 0);
    for word in expression.split([' ', '/', ',', '(', ')', ';', '|', '&']).filter(|word| !word.is_empty()) {
        let at = word.as_ptr() as usize - expression.as_ptr() as usize;
        if ["or", "and", "with"].iter().any(|joint| word.eq_ignore_ascii_case(joint)) {
            parts.extend(start.take().and_then(|from: usize| expression.get(from..end)));
            continue;
        }
        let joined = start.is_some() && expression.get(end..at).is_some_and(|between| between.trim().is_empty());
        if !joined {
            parts.extend(start.take().and_then(|from| expression.get(from..end)));
        }
        start.get_or_insert(at);
        end = at + word.len();
    }
    let whole = start == Some(0) && end == expression.len() && parts.is_empty();
    if !whole {
        parts.extend(start.and_then(|from| expression.get(from..end)));
    }
    parts
}

/// The label of `text`, 0 where it has no word.
fn folded(conn: &Connection, kind: Kind, text: &str) -> Result<i64, MarketError> {
    let value = words::value(text);
    if value.is_empty() { Ok(0) } else { id(conn, kind, value, text) }
}

fn id(conn: &Connection, kind: Kind, value: String, shown: &str) -> Result<i64, MarketError> {
    if let Some(id) = known(conn, kind, &value)? {
        return Ok(id);
    }
    let mut insert = conn.prepare_cached("INSERT INTO search_labels (kind, value, shown) VALUES (?1, ?2, ?3)")?;
    Ok(insert.insert(params![kind as i64, value, shown])?)
}

fn known(conn: &Connection, kind: Kind, value: &str) -> Result<Option<i64>, MarketError> {
    // Were the kind a parameter, each value of it would be planned anew, since one index is of publishers only.
    let mut query = conn.prepare_cached(match kind {
        Kind::Publisher => "SELECT id FROM search_labels WHERE kind = 1 AND value = ?1",
        Kind::Category => "SELECT id FROM search_labels WHERE kind = 2 AND value = ?1",
        Kind::Licence => "SELECT id FROM search_labels WHERE kind = 3 AND value = ?1",
        Kind::Tag => "SELECT id FROM search_labels WHERE kind = 4 AND value = ?1",
    })?;
    Ok(query.query_row([value], |row| row.get(0)).optional()?)
}

/// The labels that `filters` ask for: one of each list, which is sorted. `None`: no package has one that is asked for.
pub fn resolve(conn: &Connection, filters: &Filters) -> Result<Option<Vec<Vec<i64>>>, MarketError> {
    let mut wanted = Vec::new();
    let category = filters.category.iter().map(|value| (Kind::Category, value));
    let licence = filters.licence.iter().map(|value| (Kind::Licence, value));
    for (kind, value) in category.chain(licence).chain(filters.tags.iter().map(|value| (Kind::Tag, value))) {
        match known(conn, kind, &words::value(value))? {
            Some(id) => wanted.push(vec![id]),
            None => return Ok(None),
        }
    }
    if let Some(key) = &filters.publisher {
        let keys = publishers(conn, key)?;
        if keys.is_empty() {
            return Ok(None);
        }
        wanted.push(keys);
    }
    Ok(Some(wanted))
}

/// Keys that begin with `part`, or end with it when it is long enough.
fn publishers(conn: &Connection, part: &str) -> Result<Vec<i64>, MarketError> {
    let part = part.trim_start_matches('…');
    let mut begins = conn.prepare_cached(
        "SELECT id FROM search_labels WHERE kind = 1 AND value >= ?1 AND value < ?1 || char(0x10ffff) LIMIT ?2",
    )?;
    let mut keys: Vec<i64> =
        begins.query_map(params![part, MAX_PUBLISHERS], |row| row.get(0))?.collect::<Result<_, _>>()?;
    if let Some((at, _)) = part.char_indices().rev().nth(END - 1) {
        let mut ends = conn
            .prepare_cached("SELECT id, value FROM search_labels WHERE kind = 1 AND substr(value, -8) = ?1 LIMIT ?2")?;
        let mut rows = ends.query(params![part.get(at..), MAX_PUBLISHERS])?;
        while let Some(row) = rows.next()? {
            if row.get_ref(1)?.as_str().is_ok_and(|value| value.ends_with(part)) {
                keys.push(row.get(0)?);
            }
        }
    }
    keys.sort_unstable();
    keys.dedup();
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_of_an_expression() {
        for (expression, parts) in [
            ("MIT", vec![]),
            ("", vec![]),
            ("MIT OR Apache-2.0", vec!["MIT", "Apache-2.0"]),
            ("MIT/Apache-2.0", vec!["MIT", "Apache-2.0"]),
            ("(MIT or BSD 3-Clause) AND Zlib", vec!["MIT", "BSD 3-Clause", "Zlib"]),
            ("Apache 2.0", vec![]),
            ("(MIT", vec!["MIT"]),
            ("MIT)", vec!["MIT"]),
        ] {
            assert_eq!(licences_in(expression), parts, "{expression}");
        }
    }

    #[test]
    fn columns_come_back() {
        let labels =
            Labels { publisher: 1, category: 0, licence: 300, licences: vec![5, 128, 70_000], tags: vec![9, 1 << 40] };
        let read: Vec<i64> = numbers(&labels.to_bytes()).collect();
        assert_eq!(read, [1, 0, 300, 3, 5, 128, 70_000, 9, 1 << 40]);
        assert_eq!(numbers(&[0x80; 40]).count(), 0, "a damaged one ends");
    }
}
