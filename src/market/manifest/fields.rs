//! Reading descriptive fields in the shapes that they are written in.

use toml_edit::{Item, Key, TableLike, Value};

use super::source::Source;
use super::{Finding, Severity};
use crate::market::release::{MAX_DESCRIPTION, MAX_LICENCE, MAX_REPOSITORY};
use crate::market::{MarketError, SafeText};

/// Labels (tags, keywords) kept, and terminal cells of each.
const MAX_LABELS: usize = 32;
const MAX_LABEL: usize = 64;

/// What the address of a repository begins with.
const REPOSITORY_STARTS: [&str; 6] = ["https://", "http://", "git://", "ssh://", "git+", "git@"];

/// Authors kept.
const MAX_AUTHORS: usize = 16;

/// Findings kept; what is beyond is counted.
const MAX_FINDINGS: usize = 100;

/// A key, its value and its line.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub item: &'a Item,
    pub line: Option<u32>,
}

/// The manifest being read, and what it brought up so far.
pub(super) struct Reader<'a> {
    source: &'a Source,
    /// `[package]` or `[gpack]`.
    main: &'a dyn TableLike,
    /// The name of that section.
    pub dialect: &'static str,
    findings: Vec<Finding>,
    omitted: usize,
}

impl<'a> Reader<'a> {
    pub fn new(source: &'a Source) -> Result<Self, MarketError> {
        let root = source.document.as_table();
        let section = |name: &'static str| Some((name, root.get(name)?.as_table_like()?));
        let (dialect, main) = section("gpack").or_else(|| section("package")).ok_or_else(|| MarketError::Refused {
            message: format!("{} has neither a [package] nor a [gpack] section", source.name),
            hint: "write [package] with name, version and description".into(),
        })?;
        Ok(Self { source, main, dialect, findings: source.choice.iter().cloned().collect(), omitted: 0 })
    }

    pub fn into_findings(mut self) -> Vec<Finding> {
        if self.omitted > 0 {
            let message = format!("{} more findings are not shown", self.omitted);
            let hint = "mend the ones above first";
            self.findings.push(Finding::about(Severity::Warning, "more", self.source.name, &message, hint));
        }
        self.findings
    }

    pub fn note(&mut self, severity: Severity, code: &str, line: Option<u32>, message: &str, hint: &str) {
        if self.findings.len() >= MAX_FINDINGS && severity < Severity::Error {
            self.omitted += 1;
            return;
        }
        self.findings.push(Finding { line, ..Finding::about(severity, code, self.source.name, message, hint) });
    }

    /// A field of the main section.
    pub fn main(&self, key: &str) -> Option<Field<'a>> {
        self.field(self.main, key)
    }

    /// The top-level value `key`.
    pub fn root(&self, key: &str) -> Option<Field<'a>> {
        self.field(self.source.document.as_table(), key)
    }

    /// `key` in the top-level table `table`.
    pub fn nested(&self, table: &str, key: &str) -> Option<Field<'a>> {
        self.field(self.root(table)?.item.as_table_like()?, key)
    }

    pub fn field(&self, table: &'a dyn TableLike, key: &str) -> Option<Field<'a>> {
        let (key, item) = table.get_key_value(key)?;
        Some(Field { item, line: self.line(key, item) })
    }

    /// The line on which the main section begins.
    pub fn section_line(&self) -> Option<u32> {
        self.source.line(self.source.document.get(self.dialect).and_then(Item::span))
    }

    /// The line of a key, or of its value where the key has none.
    pub fn line(&self, key: &Key, item: &Item) -> Option<u32> {
        self.source.line(key.span().or_else(|| item.span()))
    }

    /// The line of a value in a list.
    pub fn value_line(&self, value: &Value) -> Option<u32> {
        self.source.line(value.span())
    }

    /// The text of `field`; anything else than text is noted and passed over.
    pub fn text(&mut self, key: &str, field: Option<Field<'a>>) -> Option<SafeText> {
        let field = field?;
        match field.item.as_str() {
            Some(text) => Some(self.signable(key, text.trim(), field.line)).filter(|text| !text.is_empty()),
            None => {
                let message = format!("'{key}' is {}, not text; it was passed over", kind(field.item));
                self.note(Severity::Warning, "field-type", field.line, &message, &format!("write {key} = \"…\""));
                None
            }
        }
    }

    /// What can be signed and shown of a text; a finding says where that is not all of it.
    fn signable(&mut self, key: &str, raw: &str, line: Option<u32>) -> SafeText {
        let bytes = match key {
            "description" => MAX_DESCRIPTION,
            "license" => MAX_LICENCE,
            "repository" => MAX_REPOSITORY,
            _ => MAX_LABEL,
        };
        let text = SafeText::capped_bytes(raw, bytes);
        // Ends of lines are blanks from here on.
        if text.split_whitespace().eq(raw.split_whitespace()) {
            return text;
        }
        if text.ends_with('…') && !raw.ends_with('…') {
            let message =
                format!("'{key}' is longer than what is signed and shown of it, and is cut after: {}", tail(&text));
            self.note(Severity::Warning, "text-cut", line, &message, "say it in fewer words");
        } else {
            let message =
                format!("'{key}' has characters that no screen is to be given; it is read as: {}", tail(&text));
            self.note(Severity::Warning, "text-cleaned", line, &message, "leave out what cannot be seen");
        }
        text
    }

    pub fn description(&mut self) -> SafeText {
        let field = self.main("description");
        self.text("description", field)
            .unwrap_or_else(|| self.missing("description", "one sentence that says what it is for"))
    }

    pub fn licence(&mut self) -> SafeText {
        let field = self.main("license").or_else(|| self.main("licence"));
        self.text("license", field).unwrap_or_else(|| self.missing("license", "an SPDX expression such as \"MIT\""))
    }

    pub fn repository(&mut self) -> SafeText {
        let nested = self.nested("metadata", "repository");
        let field = self.main("repository").or(nested);
        let repository = self.text("repository", field).unwrap_or_default();
        if !repository.is_empty() && !REPOSITORY_STARTS.iter().any(|start| repository.starts_with(start)) {
            let message = format!("'{repository}' is no address that a repository can be fetched from");
            let line = field.and_then(|field| field.line);
            self.note(Severity::Warning, "repository-unclear", line, &message, "write the whole address: https://…");
        }
        repository
    }

    fn missing(&mut self, key: &str, example: &str) -> SafeText {
        let message = format!("there is no '{key}'; people search and choose by it");
        let line = self.section_line();
        self.note(Severity::Warning, &format!("{key}-missing"), line, &message, &format!("add {key}: {example}"));
        SafeText::default()
    }

    /// `category`, else that of `[marketplace]`, else the first of `categories`.
    pub fn category(&mut self) -> SafeText {
        if let Some(category) = self.text("category", self.main("category")) {
            return category;
        }
        let elsewhere = self.nested("marketplace", "category");
        let guess = elsewhere.and_then(|field| Some((field, field.item.as_str()?, "[marketplace] category")));
        let guess = guess.or_else(|| {
            let field = self.main("categories")?;
            Some((field, field.item.as_array()?.get(0)?.as_str()?, "the first of 'categories'"))
        });
        let Some((field, category, from)) = guess else {
            return self.missing("category", "e.g. \"templates\"");
        };
        let message = format!("there is no 'category'; {from} was taken: {category}");
        self.note(Severity::Info, "category-guessed", field.line, &message, "add category to choose it yourself");
        SafeText::new(category)
    }

    /// Tags or keywords: of the main section, else top-level, else of `[marketplace]`.
    pub fn labels(&mut self, key: &str) -> Vec<SafeText> {
        let marketplace = self.nested("marketplace", key);
        let Some(field) = self.main(key).or_else(|| self.root(key)).or(marketplace) else { return Vec::new() };
        let mut labels: Vec<SafeText> = Vec::new();
        for raw in self.label_texts(key, field) {
            let label = self.signable(key, raw.trim(), field.line);
            if !label.is_empty() && !labels.contains(&label) {
                labels.push(label);
            }
        }
        if labels.len() > MAX_LABELS {
            let message = format!("there are {} {key}; the first {MAX_LABELS} were taken", labels.len());
            self.note(Severity::Warning, "labels-too-many", field.line, &message, "keep the ones people search for");
            labels.truncate(MAX_LABELS);
        }
        labels
    }

    /// A list of text; a table with such a list inside; a table of names that are `true`; or text with commas.
    fn label_texts(&mut self, key: &str, field: Field<'a>) -> Vec<&'a str> {
        if let Some(list) = field.item.as_array() {
            return list.iter().filter_map(Value::as_str).collect();
        }
        if let Some(table) = field.item.as_table_like() {
            let message = format!("'{key}' is a table; what it holds was read as the list");
            self.note(
                Severity::Warning,
                "list-in-table",
                field.line,
                &message,
                &format!("write {key} = [\"…\", \"…\"]"),
            );
            return table.iter().flat_map(|(name, item)| labels_in(name, item)).collect();
        }
        match field.item.as_str() {
            Some(text) => text.split(',').collect(),
            None => {
                let message = format!("'{key}' is {}, not a list; it was passed over", kind(field.item));
                self.note(Severity::Warning, "field-type", field.line, &message, &format!("write {key} = [\"…\"]"));
                Vec::new()
            }
        }
    }

    /// `authors` or `author`: text, a list of text, or tables with a name and an e-mail address.
    pub fn authors(&mut self) -> Vec<SafeText> {
        let Some(field) = self.main("authors").or_else(|| self.main("author")) else { return Vec::new() };
        let one = |value: &Value| match (value.as_str(), value.as_inline_table()) {
            (Some(text), _) => Some(SafeText::new(text)),
            (None, Some(table)) => named_author(table),
            _ => None,
        };
        let mut authors: Vec<SafeText> = match (field.item.as_array(), field.item.as_value()) {
            (Some(list), _) => list.iter().filter_map(one).collect(),
            (None, Some(value)) => one(value).into_iter().collect(),
            _ => field.item.as_table_like().and_then(named_author).into_iter().collect(),
        };
        authors.truncate(MAX_AUTHORS);
        authors
    }
}

/// The end of a text, for a sentence.
fn tail(text: &SafeText) -> String {
    let skipped = text.chars().count().saturating_sub(40);
    text.chars().skip(skipped).collect()
}

fn labels_in<'a>(name: &'a str, item: &'a Item) -> Vec<&'a str> {
    match (item.as_array(), item.as_bool()) {
        (Some(list), _) => list.iter().filter_map(Value::as_str).collect(),
        (None, Some(true)) => vec![name],
        _ => Vec::new(),
    }
}

fn named_author(table: &dyn TableLike) -> Option<SafeText> {
    let text = |key: &str| table.get(key).and_then(Item::as_str);
    let name = text("name")?;
    Some(text("email").map_or_else(|| SafeText::new(name), |email| SafeText::from(format!("{name} <{email}>"))))
}

/// What an item is, for a sentence.
pub(super) fn kind(item: &Item) -> &'static str {
    match item.type_name() {
        "string" => "text",
        "integer" | "float" => "a number",
        "boolean" => "true or false",
        "datetime" => "a date",
        "array" | "array of tables" => "a list",
        "table" | "inline table" => "a table",
        _ => "empty",
    }
}
