//! The language of queries: words, and filters such as `category:web`.

use super::{Filters, MAX_TAGS, MAX_WORDS, Query, Sort, words};
use crate::market::SafeText;

impl Query {
    /// Reads what a user typed. Nothing is an error: a `word:` that is no filter is text; a filter without a value is
    /// not complete yet and ignored; one with a value that it does not know is ignored and told of in `faults`.
    pub fn parse(text: &str) -> Self {
        let mut query = Self::default();
        let mut plain: Vec<String> = Vec::new();
        for part in Parts(text) {
            if let Some(shared) = part.strip_prefix("ggen:") {
                plain.push(query.take_shared(&unquoted(shared)));
                continue;
            }
            let filter = part.split_once(':').is_some_and(|(key, value)| query.take(key, &unquoted(value)));
            if !filter {
                plain.push(unquoted(part));
            }
        }
        query.text = plain.join(" ").trim().to_lowercase();
        query.words = words::of(&query.text);
        query.words.truncate(MAX_WORDS);
        query
    }

    /// At most `limit` hits.
    pub fn limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// What `publish` gives to share, `ggen:NAME@VERSION?publisher=KEY`, looks for the name by that key: the version that is out
    /// now may be a newer one. Returns the name.
    fn take_shared(&mut self, shared: &str) -> String {
        let (package, publisher) = shared.split_once("?publisher=").unwrap_or((shared, ""));
        self.take("publisher", publisher);
        package.split('@').next().unwrap_or_default().to_owned()
    }

    /// Takes a filter in; `false`: `key` is none.
    fn take(&mut self, key: &str, value: &str) -> bool {
        let value = value.trim();
        let Self { filters, faults, .. } = self;
        let text = (!value.is_empty()).then(|| value.to_owned());
        match key.to_ascii_lowercase().as_str() {
            "category" => filters.category = text.or(filters.category.take()),
            "licence" | "license" => filters.licence = text.or(filters.licence.take()),
            "publisher" => filters.publisher = text.or(filters.publisher.take()),
            "tag" => filters.tags.extend(text.filter(|_| filters.tags.len() < MAX_TAGS)),
            "installed" => filters.installed = choice(faults, key, value, yes_or_no).or(filters.installed),
            "yanked" => filters.yanked = choice(faults, key, value, yes_or_no).unwrap_or(filters.yanked),
            "min-reputation" => {
                filters.min_reputation = choice(faults, key, value, share).or(filters.min_reputation);
            }
            "sort" => self.sort = choice(faults, key, value, str::parse).unwrap_or(self.sort),
            _ => return false,
        }
        true
    }

    /// What another node may be asked: without what only this one knows of itself, its installs and whom it trusts.
    /// At most `max` bytes; words that do not fit are left out.
    pub fn for_others(&self, max: usize) -> String {
        let filters = &self.filters;
        let mut parts = Vec::new();
        let mut put = |key: &str, value: &str| parts.push(format!("{key}:\"{}\"", value.replace('"', " ")));
        let texts = [("category", &filters.category), ("licence", &filters.licence), ("publisher", &filters.publisher)];
        for (key, value) in texts {
            if let Some(value) = value {
                put(key, value);
            }
        }
        filters.tags.iter().for_each(|tag| put("tag", tag));
        if filters.yanked {
            parts.push("yanked:yes".into());
        }
        if self.sort == Sort::Newest {
            parts.push("sort:newest".into());
        }
        let text = self.text.replace('"', " ");
        parts.extend(text.split_whitespace().map(|word| word.replace(':', " ")));
        let mut out = String::new();
        for part in parts {
            if out.len() + part.len() <= max {
                out.push_str(&part);
                out.push(' ');
            }
        }
        out.truncate(out.trim_end().len());
        out
    }

    /// Whether other nodes can add anything: not without a question, nor to what is installed here.
    pub fn concerns_others(&self) -> bool {
        let Filters { installed, category, tags, licence, publisher, .. } = &self.filters;
        let filtered = category.is_some() || !tags.is_empty() || licence.is_some() || publisher.is_some();
        *installed != Some(true) && (filtered || !self.words.is_empty())
    }

    /// For a question that another node asked: what is installed here is none of its business.
    #[must_use]
    pub fn from_other(self) -> Self {
        let filters = Filters { installed: None, min_reputation: None, ..self.filters };
        let sort = if self.sort == Sort::Providers { Sort::Relevance } else { self.sort };
        Self { filters, sort, facets: false, ..self }
    }
}

fn choice<T>(faults: &mut Vec<String>, key: &str, value: &str, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
    if value.is_empty() {
        return None;
    }
    // It quotes what was typed, or sent by a script, and is shown.
    let fault = |fault: String| faults.push(SafeText::new(&format!("{key}: {fault}")).to_string());
    read(value).map_err(fault).ok()
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "y" => Ok(true),
        "no" | "false" | "n" => Ok(false),
        _ => Err(format!("'{text}' is neither yes nor no")),
    }
}

fn share(text: &str) -> Result<f64, String> {
    let share: Option<f64> = text.parse().ok();
    share.filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| format!("'{text}' is no number from 0 to 1"))
}

/// Parts between white space; within quotes white space does not part. A quote that is never closed reaches to the end.
struct Parts<'a>(&'a str);

impl<'a> Iterator for Parts<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.0.trim_start();
        let mut quoted = false;
        let end = text.find(|c: char| {
            quoted ^= c == '"';
            c.is_whitespace() && !quoted
        });
        let (part, rest) = text.split_at(end.unwrap_or(text.len()));
        self.0 = rest;
        (!part.is_empty()).then_some(part)
    }
}

fn unquoted(text: &str) -> String {
    text.replace('"', "")
}
