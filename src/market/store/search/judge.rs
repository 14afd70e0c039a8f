//! Whether a package fits a query, and how well.

use std::collections::HashSet;

use rusqlite::{Connection, Row};

use super::super::convert::damaged;
use super::facets::Counting;
use super::labels;
use crate::market::MarketError;
use crate::market::search::{Query, Sort};

const ROW: &str = "SELECT release, published_at, yanked, name, labels, words FROM search_docs WHERE key = ?1";

/// What a word counts in the name, among the labels (tags, keywords, category) and in the description.
const NAME: f64 = 8.0;
const LABELS: f64 = 4.0;
const DESCRIPTION: f64 = 1.0;
/// How fast more of the same word stops to matter (k1 of BM25).
const SATURATION: f64 = 1.2;
/// How much long text lowers what a word in it counts (b of BM25), and the number of words that is neither long nor short.
const LENGTH: f64 = 0.75;
const USUAL_LENGTH: f64 = 16.0;
/// What a better place of the words in the name adds.
const STEP: f64 = 10.0;
/// What being new adds at most, and the age in seconds at which half of it is left.
const RECENT: f64 = 0.1;
const HALF: f64 = 180.0 * 86_400.0;

/// A package that fits.
#[derive(Clone, Debug)]
pub struct Fit {
    pub key: i64,
    /// `releases.key`
    pub release: i64,
    pub published_at: i64,
    pub score: f64,
    pub providers: usize,
    pub rejected: bool,
    /// Only where the order is by name.
    name: String,
}

impl Fit {
    /// The name has all words: it comes before all that have not, where the order is by relevance.
    pub fn is_named(&self) -> bool {
        self.score >= STEP
    }
}

/// Those of `keys` that fit, scored; `facets` counts them.
pub fn judge(
    conn: &Connection,
    query: &Query,
    wanted: &[Vec<i64>],
    keys: &[i64],
    mut facets: Option<&mut Counting>,
) -> Result<Vec<Fit>, MarketError> {
    let installed =
        query.filters.installed.map(|wanted| Ok::<_, MarketError>((wanted, installed(conn)?))).transpose()?;
    let mut statement = conn.prepare_cached(ROW)?;
    let mut fits = Vec::with_capacity(keys.len());
    for key in keys {
        let mut rows = statement.query([key])?;
        let row = rows.next()?.ok_or_else(|| damaged("search index"))?;
        let doc = Doc::read(row)?;
        if (doc.yanked && !query.filters.yanked) || !doc.has(wanted) {
            continue;
        }
        if let Some((wanted, names)) = &installed
            && names.contains(doc.name) != *wanted
        {
            continue;
        }
        let Some(score) = relevance(query, doc.text()) else { continue };
        if let Some(facets) = facets.as_deref_mut() {
            facets.add(doc.labels);
        }
        let name = if query.sort == Sort::Name { doc.name.to_owned() } else { String::new() };
        let (release, published_at) = (doc.release, doc.published_at);
        fits.push(Fit { key: *key, release, published_at, score, providers: 0, rejected: false, name });
    }
    Ok(fits)
}

fn installed(conn: &Connection) -> Result<HashSet<String>, MarketError> {
    let mut query = conn.prepare_cached("SELECT name FROM installs")?;
    Ok(query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

/// Puts those that come first in front, in order; `query.limit` of them.
pub fn order(fits: &mut [Fit], query: &Query) {
    let newest = fits.iter().map(|fit| fit.published_at).max().unwrap_or_default();
    for fit in fits.iter_mut().filter(|_| query.sort == Sort::Relevance) {
        let age = newest.saturating_sub(fit.published_at) as f64;
        fit.score += RECENT * HALF / (HALF + age);
    }
    let newer = |a: &Fit, b: &Fit| (b.published_at, b.key).cmp(&(a.published_at, a.key));
    let compare = |a: &Fit, b: &Fit| match query.sort {
        Sort::Relevance => b.score.total_cmp(&a.score).then_with(|| newer(a, b)),
        Sort::Newest => newer(a, b),
        Sort::Name => a.name.cmp(&b.name).then_with(|| newer(a, b)),
        Sort::Providers => b.providers.cmp(&a.providers).then(b.score.total_cmp(&a.score)).then_with(|| newer(a, b)),
    };
    if query.limit > 0 && query.limit < fits.len() {
        fits.select_nth_unstable_by(query.limit, compare);
        if let Some(first) = fits.get_mut(..query.limit) {
            first.sort_unstable_by(compare);
        }
    } else {
        fits.sort_unstable_by(compare);
    }
}

/// A row of `search_docs`.
struct Doc<'a> {
    release: i64,
    published_at: i64,
    yanked: bool,
    name: &'a str,
    labels: &'a [u8],
    /// Words of tags, keywords and category.
    terms: &'a str,
    description: &'a str,
}

impl<'a> Doc<'a> {
    fn read(row: &'a Row<'_>) -> Result<Self, MarketError> {
        let text = |at| row.get_ref(at)?.as_str().map_err(|_| damaged("search index"));
        let (terms, description) = text(5)?.split_once('\n').unwrap_or_default();
        Ok(Self {
            release: row.get(0)?,
            published_at: row.get(1)?,
            yanked: row.get(2)?,
            name: text(3)?,
            labels: row.get_ref(4)?.as_blob().map_err(|_| damaged("search index"))?,
            terms,
            description,
        })
    }

    fn text(&self) -> Text<'a> {
        Text { name: self.name, terms: self.terms, description: self.description }
    }

    /// Whether it has a label of each list.
    fn has(&self, wanted: &[Vec<i64>]) -> bool {
        // The fourth number is a count.
        let labels = || labels::numbers(self.labels).enumerate().filter(|(place, _)| *place != 3).map(|(_, id)| id);
        wanted.iter().all(|any_of| labels().any(|id| any_of.binary_search(&id).is_ok()))
    }
}

/// What the words of a query are looked for in; but for the name, folded words with spaces between.
#[derive(Clone, Copy)]
pub(in crate::market) struct Text<'a> {
    pub name: &'a str,
    /// Words of tags, keywords and category.
    pub terms: &'a str,
    pub description: &'a str,
}

/// How well the words fit; `None` when one is missing. Above all stands the name (literally the query, the same words,
/// beginning with them, having them), in steps of 10; within a step, BM25 over the three fields with weights (BM25F,
/// Robertson and Zaragoza 2009), without the part that weighs words by their rarity, since all words are required; 0 to 1.
pub(in crate::market) fn relevance(query: &Query, doc: Text<'_>) -> Option<f64> {
    let Some((last, whole)) = query.words.split_last() else { return Some(0.0) };
    let mut sum = 0.0;
    let mut named = 0;
    for (index, word) in query.words.iter().enumerate() {
        let fits: fn(&str, &str) -> bool = if index < whole.len() { |a, b| a == b } else { |a, b| a.starts_with(b) };
        let name = Field::of(doc.name.split(['-', '_', '.']), word, fits);
        let terms = Field::of(doc.terms.split(' '), word, fits);
        let description = Field::of(doc.description.split(' '), word, fits);
        let weight = NAME * name.weight() + LABELS * terms.weight() + DESCRIPTION * description.weight();
        if weight == 0.0 {
            return None;
        }
        named += usize::from(name.count > 0);
        sum += weight / (SATURATION + weight);
    }
    let words = query.words.len();
    let step = if doc.name == query.text {
        4.0
    } else if named == words {
        begins(doc.name, whole, last)
    } else {
        0.0
    };
    Some(step * STEP + sum / words as f64)
}

/// 3: the name is these words; 2: it begins with them; 1: it has them.
fn begins(name: &str, whole: &[String], last: &str) -> f64 {
    let mut parts = name.split(['-', '_', '.']);
    if !whole.iter().all(|word| parts.next() == Some(word)) {
        return 1.0;
    }
    match parts.next() {
        Some(part) if part == last && parts.next().is_none() => 3.0,
        Some(part) if part.starts_with(last) => 2.0,
        _ => 1.0,
    }
}

/// A word in one field.
struct Field {
    count: u32,
    length: u32,
}

impl Field {
    fn of<'a>(words: impl Iterator<Item = &'a str>, word: &str, fits: fn(&str, &str) -> bool) -> Self {
        let mut field = Self { count: 0, length: 0 };
        for part in words.filter(|part| !part.is_empty()) {
            field.length += 1;
            field.count += u32::from(fits(part, word));
        }
        field
    }

    fn weight(&self) -> f64 {
        f64::from(self.count) / (1.0 - LENGTH + LENGTH * f64::from(self.length) / USUAL_LENGTH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(query: &str, name: &str, terms: &str, description: &str) -> Option<f64> {
        relevance(&Query::parse(query), Text { name, terms, description })
    }

    #[test]
    fn names_come_before_labels_before_descriptions() {
        let order = [
            score("rest-api", "rest-api", "", ""),
            score("rest-api", "rest.api", "", ""),
            score("rest-api", "rest-api-server", "", ""),
            score("rest-api", "api-rest", "", ""),
            score("rest-api", "my-rest-api", "", ""),
            score("rest-api", "rest", "api", ""),
            score("rest-api", "other", "rest api", ""),
            score("rest-api", "other", "", "a rest api"),
            score(
                "rest-api",
                "other",
                "",
                "a rest api beside many other words that are about something else, not this",
            ),
        ];
        let scores: Vec<f64> = order.into_iter().map(|score| score.unwrap()).collect();
        assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
        assert!(scores[4] > 10.0 && scores[5] < 10.0, "{scores:?}");
        assert!(scores[0] > scores[1] && scores[1] > scores[2] + 5.0 && scores[2] > scores[3] + 5.0, "{scores:?}");
        assert!(scores[7] > scores[8] && scores[5] < 1.0, "{scores:?}");
        assert!(score("api", "other", "api", "") > score("api", "other", "", "api"));
        assert_eq!(score("api", "other", "api ", ""), score("api", "other", "api", ""), "no word is no length");
        assert!(score("rest ap", "rest-my-api", "", "").unwrap() < 20.0, "it does not begin with them");
        assert!(
            score("rest api", "rest-api", "", "").unwrap() >= 30.0
                && score("a b", "other", "a a a b b b", "").unwrap() < 1.0
        );
    }

    #[test]
    fn a_word_counts_by_its_field_and_by_how_long_that_is() {
        let weighed = |weight: f64| Some(weight / (SATURATION + weight));
        let usual = "api".to_owned() + &" word".repeat(15);
        assert_eq!(score("api", "other", "", &usual), weighed(DESCRIPTION));
        assert_eq!(score("api", "other", &usual, ""), weighed(LABELS));
        assert_eq!(score("api", "other", "", &(usual + &" more".repeat(16))), weighed(1.0 / 1.75));
    }

    #[test]
    fn what_is_new_counts_a_little_more() {
        let half_a_year = 15_552_000.0;
        let fit = |key, age: f64| Fit {
            key,
            release: key,
            published_at: (2.0 * half_a_year - age) as i64,
            score: 1.0,
            providers: 0,
            rejected: false,
            name: String::new(),
        };
        let mut fits = [fit(1, half_a_year), fit(2, 0.0)];
        order(&mut fits, &Query::parse("word").limit(2));
        assert_eq!(fits.each_ref().map(|fit| (fit.key, fit.score)), [(2, 1.0 + RECENT), (1, 1.0 + RECENT / 2.0)]);
        let mut fits = [fit(1, half_a_year), fit(2, 0.0)];
        order(&mut fits, &Query::parse("word sort:newest").limit(2));
        assert_eq!(fits.each_ref().map(|fit| (fit.key, fit.score)), [(2, 1.0), (1, 1.0)]);
    }

    #[test]
    fn a_number_of_licences_is_no_label() {
        let labels =
            labels::Labels { publisher: 7, licence: 9, licences: vec![10, 11], ..Default::default() }.to_bytes();
        let doc =
            Doc { release: 1, published_at: 1, yanked: false, name: "x", labels: &labels, terms: "", description: "" };
        assert!(doc.has(&[vec![7], vec![1, 11]]) && !doc.has(&[vec![2]]) && !doc.has(&[vec![7], vec![8]]));
    }

    #[test]
    fn all_words_are_needed_and_only_the_last_may_be_a_beginning() {
        assert_eq!(score("rest server", "rest-api", "", ""), None);
        assert_eq!(score("res api", "rest-api", "", ""), None);
        assert!(score("rest ap", "rest-api", "", "").unwrap() > 20.0);
        assert_eq!(score("", "rest-api", "", ""), Some(0.0));
    }
}
