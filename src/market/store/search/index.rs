//! Keeping the index beside the releases: in the transaction that changes them.

use std::fmt::Write;

use rusqlite::{Connection, params};

use super::super::convert::{self, to_i64};
use super::labels::{LabelIds, Labels};
use super::tokens::{self, push_label};
use crate::market::search::words;
use crate::market::{MarketError, Release};

/// The release that stands for a package.
pub(in crate::market::store) struct Shown<'a> {
    /// `releases.key`
    pub key: i64,
    pub release: &'a Release,
    /// All versions are withdrawn.
    pub withdrawn: bool,
}

/// What the packages indexed within one transaction have in common.
#[derive(Default)]
pub(in crate::market::store) struct Batch {
    labels: LabelIds,
    /// Rows that are out of date. They go last and in order: the full-text index writes what it has in memory whenever it
    /// comes to a lower row than before. Until then they keep their keys from being given again.
    dropped: Vec<i64>,
}

impl Batch {
    /// Indexes `shown` for the package (`packages.key`) in place of `old`, which is its `doc` so far; the caller puts what this
    /// returns there. `None`: it is not found any more. To be [finished](Self::finish) in the same transaction.
    pub fn replace(
        &mut self,
        conn: &Connection,
        package: i64,
        old: Option<i64>,
        shown: Option<&Shown<'_>>,
    ) -> Result<Option<i64>, MarketError> {
        self.dropped.extend(old);
        shown.map(|shown| insert(conn, package, shown, &mut self.labels)).transpose()
    }

    pub fn finish(mut self, conn: &Connection) -> Result<(), MarketError> {
        self.dropped.sort_unstable();
        let mut rows = conn.prepare_cached("DELETE FROM search_docs WHERE key = ?1")?;
        let mut words = conn.prepare_cached("DELETE FROM search_words WHERE rowid = ?1")?;
        for doc in self.dropped {
            rows.execute([doc])?;
            words.execute([doc])?;
        }
        Ok(())
    }
}

/// Returns the new row's key.
fn insert(conn: &Connection, package: i64, shown: &Shown<'_>, ids: &mut LabelIds) -> Result<i64, MarketError> {
    let release = shown.release;
    let labels = Labels::of(conn, release, ids)?;
    let mut text = String::new();
    for label in release.tags.iter().chain(&release.keywords).chain([&release.category]) {
        push_words(&mut text, label);
    }
    text.push('\n');
    push_words(&mut text, &release.description);
    let mut insert = conn.prepare_cached(
        "INSERT INTO search_docs (package, release, published_at, yanked, name, labels, words)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let doc = insert.insert(params![
        package,
        shown.key,
        to_i64(release.published_at),
        shown.withdrawn,
        release.name.as_str(),
        labels.to_bytes(),
        text,
    ])?;
    words::each(release.name.as_str(), |word| {
        let _ = write!(text, "{word} ={word} ");
    });
    for label in labels.all().chain(shown.withdrawn.then_some(tokens::WITHDRAWN)) {
        push_label(&mut text, label);
    }
    conn.prepare_cached("INSERT INTO search_words (rowid, words) VALUES (?1, ?2)")?.execute(params![doc, text])?;
    Ok(doc)
}

fn push_words(out: &mut String, text: &str) {
    words::each(text, |word| {
        out.push_str(word);
        out.push(' ');
    });
}

/// Makes every table of the search anew, in the caller's transaction. Packages come in the order they were published.
pub(in crate::market::store) fn rebuild(conn: &Connection) -> Result<(), MarketError> {
    conn.execute_batch(
        "INSERT INTO search_words (search_words) VALUES ('delete-all');
         DELETE FROM search_docs; DELETE FROM search_labels; UPDATE packages SET doc = NULL;",
    )?;
    let mut packages = conn.prepare(
        "SELECT p.key, r.key, r.id, r.envelope, p.newest IS NULL FROM packages p JOIN releases r ON r.key = coalesce(p.newest,
             (SELECT key FROM releases y WHERE y.package = p.key ORDER BY sequence DESC LIMIT 1))
         ORDER BY r.published_at, r.key",
    )?;
    let mut rows = packages.query([])?;
    let mut update = conn.prepare_cached("UPDATE packages SET doc = ?2 WHERE key = ?1")?;
    let mut batch = Batch::default();
    while let Some(row) = rows.next()? {
        let (package, release) = (row.get(0)?, convert::release(row, 2)?);
        let shown = Shown { key: row.get(1)?, release: release.release(), withdrawn: row.get(4)? };
        let doc = batch.replace(conn, package, None, Some(&shown))?;
        update.execute(params![package, doc])?;
    }
    batch.finish(conn)
}
