//! Plain FTS5: all that fits is scored in SQL.

use std::fmt::Write;
use std::path::Path;

use rusqlite::Connection;

use super::{Document, Engine, LIMIT, parts};
use crate::queries::Question;

pub fn build<'a>(dir: &Path, each: impl FnOnce(&mut dyn FnMut(Document<'_>))) {
    let mut conn = Connection::open(dir.join("fts5.db")).expect("a database");
    conn.pragma_update(None, "journal_mode", "wal").expect("a log");
    let tx = conn.transaction().expect("a transaction");
    tx.execute_batch("CREATE VIRTUAL TABLE packages USING fts5(name, labels, description, prefix = '1 2 3 4')")
        .expect("a table");
    let mut insert = tx.prepare("INSERT INTO packages VALUES (?1, ?2, ?3)").expect("a statement");
    each(&mut |document| {
        insert.execute([document.name, document.labels, document.description]).expect("a row");
    });
    drop(insert);
    tx.commit().expect("a commit");
}

pub struct Fts5(Connection);

impl Fts5 {
    pub fn open(dir: &Path) -> Self {
        Self(Connection::open(dir.join("fts5.db")).expect("a database"))
    }
}

impl Engine for Fts5 {
    fn search(&mut self, question: &Question) -> usize {
        self.names(question).len()
    }

    fn names(&mut self, question: &Question) -> Vec<String> {
        let (whole, last) = parts(&question.text);
        let mut words = String::new();
        for word in whole {
            let _ = write!(words, "\"{word}\" AND ");
        }
        let _ = write!(words, "\"{last}\" *");
        let mut query = self
            .0
            .prepare_cached(
                "SELECT name, labels, description FROM packages WHERE packages MATCH ?1
                 ORDER BY bm25(packages, 8.0, 4.0, 1.0) LIMIT ?2",
            )
            .expect("a statement");
        let rows = query.query_map((words, LIMIT as i64), |row| {
            let _: (String, String) = (row.get(1)?, row.get(2)?);
            row.get(0)
        });
        rows.expect("an answer").collect::<Result<_, _>>().expect("rows")
    }
}
