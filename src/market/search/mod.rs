//! What can be asked of the catalogue and what it answers: one question in, one answer out, whatever engine is behind.
//!
//! [`Query::parse`] reads what a user types; [`Db::search`](super::store::Db::search) answers it.

mod parse;
#[cfg(test)]
mod tests;
pub mod words;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::store::Found;
use super::{PackageId, PublisherKey, SafeText};

/// Words of a query that are looked at; what comes behind them is ignored.
pub const MAX_WORDS: usize = 16;
/// Tags that can be asked for at once; what comes behind them is ignored.
pub const MAX_TAGS: usize = 8;
/// Values told of each facet.
pub const MAX_FACET: usize = 10;

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// What was typed but for the filters, in lower case: a package may have just that name.
    pub text: String,
    /// Folded (see [`words`]). A package must have all of them; the last one may be a beginning.
    pub words: Vec<String>,
    pub filters: Filters,
    pub sort: Sort,
    /// Most hits of the answer.
    pub limit: usize,
    /// Whether [`Answer::facets`] is wanted.
    pub facets: bool,
    /// What in the text could not be used, and why, for whoever typed it.
    pub faults: Vec<String>,
}

/// What a hit must satisfy, all of it. Text is compared folded: case, accents and punctuation do not matter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filters {
    pub category: Option<String>,
    /// Each of them.
    pub tags: Vec<String>,
    /// The whole licence expression, or one licence of it: `MIT` finds `MIT OR Apache-2.0`.
    pub licence: Option<String>,
    /// A key, its beginning, or its last eight or more characters.
    pub publisher: Option<String>,
    /// 0 to 1; see [`Standing::reputation`].
    pub min_reputation: Option<f64>,
    pub installed: Option<bool>,
    /// Also packages of which every version is withdrawn.
    pub yanked: bool,
}

impl Filters {
    /// Whether they leave out nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The order of the hits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// Exact name, names that begin with the query, names with all its words, then by how well the words fit. Without
    /// words: newest first.
    #[default]
    Relevance,
    /// Last published first.
    Newest,
    Name,
    /// Known holders of the bytes, most first.
    Providers,
}

impl Sort {
    pub const ALL: [Self; 4] = [Self::Relevance, Self::Newest, Self::Name, Self::Providers];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Relevance => "relevance",
            Self::Newest => "newest",
            Self::Name => "name",
            Self::Providers => "providers",
        }
    }
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Sort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|sort| sort.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| format!("'{text}' is no order: use relevance, newest, name or providers"))
    }
}

/// What the catalogue cannot know of a package by itself.
pub trait Standing {
    /// How many peers are known to hold the bytes.
    fn providers(&self, package: PackageId) -> usize;

    /// The best reputation (0 to 1) among the publisher's own node and the known holders; none without any evidence.
    fn reputation(&self, publisher: PublisherKey, package: PackageId) -> Option<f64>;
}

/// Where no peers are known.
pub struct Nobody;

impl Standing for Nobody {
    fn providers(&self, _: PackageId) -> usize {
        0
    }

    fn reputation(&self, _: PublisherKey, _: PackageId) -> Option<f64> {
        None
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// In the order asked for, at most as many as asked for.
    pub hits: Vec<Found>,
    /// Packages that fit.
    pub total: u64,
    /// There were more than the bounded work looked at: `total` and the facets' counts are lower bounds.
    pub at_least: bool,
    /// Where they were asked for.
    pub facets: Option<Facets>,
}

/// How the packages that fit spread over the values that can be filtered by; of each the [`MAX_FACET`] most frequent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facets {
    pub categories: Vec<Facet>,
    pub licences: Vec<Facet>,
    pub tags: Vec<Facet>,
    /// Values are keys.
    pub publishers: Vec<Facet>,
}

/// One value and how many packages have it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facet {
    pub value: SafeText,
    pub count: u64,
}
