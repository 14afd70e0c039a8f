//! The engines that are measured side by side.

pub mod fts5;
pub mod ours;
pub mod tantivy;

use std::path::Path;

use crate::queries::Question;

/// Hits asked for.
pub const LIMIT: usize = 20;

/// An index opened for searching.
pub trait Engine {
    /// Finds the best [`LIMIT`] with what a list of them shows. How many there were.
    fn search(&mut self, question: &Question) -> usize;

    /// What was found, for people.
    fn names(&mut self, question: &Question) -> Vec<String>;
}

/// Opens the index of the engine called `name` in `dir`.
pub fn open(name: &str, dir: &Path) -> Box<dyn Engine> {
    match name {
        "ours" => Box::new(ours::Ours::open(dir)),
        "fts5" => Box::new(fts5::Fts5::open(dir)),
        "tantivy" => Box::new(tantivy::Tantivy::open(dir)),
        other => panic!("there is no engine called {other}"),
    }
}

/// A package as the other engines index it.
pub struct Document<'a> {
    pub name: &'a str,
    pub labels: &'a str,
    pub description: &'a str,
}

/// Whole words, and the beginning of the last one.
fn parts(text: &str) -> (Vec<&str>, &str) {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let last = words.pop().unwrap_or_default();
    (words, last)
}
