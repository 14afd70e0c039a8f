//! Finding packages of an index, by the rules of the catalogue's own search.

use std::collections::HashMap;

use super::{CentralPackage, Index};
use crate::market::search::{Filters, Query, words};
use crate::market::store::search::{Text, licences_in, relevance};

impl Index {
    /// The newest version of each name that fits `query`, in the order of the index, with the score that the catalogue
    /// would give it. A query without words and filters gives nothing: an index does not say what is new. Whether it is
    /// installed is not looked at.
    pub fn search(&self, query: &Query) -> Vec<(&CentralPackage, f64)> {
        if query.words.is_empty() && query.filters.is_empty() {
            return Vec::new();
        }
        let mut newest = HashMap::new();
        for package in &self.packages {
            let version = newest.entry(&package.name).or_insert(&package.version);
            *version = (*version).max(&package.version);
        }
        let newest = self.packages.iter().filter(|package| newest.get(&package.name) == Some(&&package.version));
        newest.filter(|one| fits(&query.filters, one)).filter_map(|one| Some((one, score(query, one)?))).collect()
    }
}

/// Whether it has what the filters ask for. It has no publisher, and so no reputation.
fn fits(filters: &Filters, package: &CentralPackage) -> bool {
    let same = |wanted: &String, text: &str| words::value(text) == words::value(wanted);
    let licences = || licences_in(&package.licence).into_iter().chain([package.licence.as_str()]);
    filters.publisher.is_none()
        && filters.min_reputation.is_none_or(|least| least <= 0.0)
        && filters.category.as_ref().is_none_or(|wanted| same(wanted, &package.category))
        && filters.licence.as_ref().is_none_or(|wanted| licences().any(|one| same(wanted, one)))
        && filters.tags.iter().all(|wanted| package.tags.iter().any(|tag| same(wanted, tag)))
}

fn score(query: &Query, package: &CentralPackage) -> Option<f64> {
    let labels = package.tags.iter().chain(&package.keywords).chain([&package.category]);
    let terms: Vec<String> = labels.map(|label| words::value(label)).collect();
    let (terms, description) = (terms.join(" "), words::value(&package.description));
    relevance(query, Text { name: package.name.as_str(), terms: &terms, description: &description })
}
