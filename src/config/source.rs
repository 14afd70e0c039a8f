//! Reading a settings file: every key and value checked, every complaint with its line and column.

use std::ops::Range;
use std::path::Path;

use toml_edit::{Document, Item, TableLike};

use super::error::ConfigError;
use super::keys::{self, Key};

/// Largest settings file in bytes.
const MAX_FILE: u64 = 1024 * 1024;

/// One setting as a file gives it.
#[derive(Debug)]
pub struct Entry {
    pub key: &'static Key,
    pub value: toml::Value,
    /// Counted from 1.
    pub line: usize,
}

/// The text of the file; `None` when there is none.
pub fn read(file: &Path) -> Result<Option<String>, ConfigError> {
    use std::io::Read;
    let opened = match std::fs::File::open(file) {
        Ok(opened) => opened,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ConfigError::io("read", file, error)),
    };
    let mut bytes = Vec::new();
    opened.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|e| ConfigError::io("read", file, e))?;
    if bytes.len() as u64 > MAX_FILE {
        let source = std::io::Error::new(std::io::ErrorKind::InvalidData, "it is over 1 MiB");
        return Err(ConfigError::io("read", file, source));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let start = String::from_utf8_lossy(error.as_bytes().get(..valid).unwrap_or_default()).into_owned();
            let (line, column) = position(&start, start.len());
            Err(ConfigError::InFile { file: file.to_owned(), line, column, problem: "this is no UTF-8 text".into() })
        }
    }
}

/// Checks `text` as the content of `file`.
///
/// # Errors
/// The first thing wrong, in the order of the text within a section.
pub fn parse(file: &Path, text: &str) -> Result<Vec<Entry>, ConfigError> {
    let at = Locate { file, text };
    let document = Document::parse(text).map_err(|error| at.fault(error.span(), one_line(error.message())))?;
    let mut entries = Vec::new();
    for (section, item) in document.iter() {
        let span = || document.as_table().key(section).and_then(|key| key.span());
        if !keys::sections().contains(&section) {
            let known = keys::sections().into_iter().map(str::to_owned).chain(keys::names());
            return Err(at.fault(span(), keys::unknown("section", section, known)));
        }
        let Some(table) = item.as_table_like() else {
            return Err(at.fault(span(), format!("{section} is a section: write [{section}] and its keys below")));
        };
        read_section(&at, section, table, &mut entries)?;
    }
    Ok(entries)
}

fn read_section(
    at: &Locate<'_>,
    section: &str,
    table: &dyn TableLike,
    entries: &mut Vec<Entry>,
) -> Result<(), ConfigError> {
    for (leaf, item) in table.iter() {
        let span = table.key(leaf).and_then(|key| key.span());
        let name = format!("{section}.{leaf}");
        let Some(key) = keys::find(&name) else {
            return Err(at.fault(span, keys::unknown("key", &name, keys::names())));
        };
        let value = plain(item).ok_or_else(|| at.fault(span.clone(), format!("{name}: expected a value")))?;
        key.kind
            .check(&value)
            .map_err(|problem| at.fault(item.span().or_else(|| span.clone()), format!("{name}: {problem}")))?;
        let line = position(at.text, span.map_or(0, |span| span.start)).0;
        entries.push(Entry { key, value, line });
    }
    Ok(())
}

/// The value without its place and comments.
fn plain(item: &Item) -> Option<toml::Value> {
    match item {
        Item::None => None,
        Item::Value(value) => plain_value(value),
        Item::Table(table) => plain_table(table),
        Item::ArrayOfTables(tables) => {
            let tables: Option<Vec<_>> = tables.iter().map(|table| plain_table(table)).collect();
            tables.map(toml::Value::Array)
        }
    }
}

fn plain_table(table: &dyn TableLike) -> Option<toml::Value> {
    let entries = table.iter().map(|(key, item)| Some((key.to_owned(), plain(item)?)));
    entries.collect::<Option<toml::Table>>().map(toml::Value::Table)
}

fn plain_value(value: &toml_edit::Value) -> Option<toml::Value> {
    use toml_edit::Value as V;
    Some(match value {
        V::String(text) => toml::Value::String(text.value().clone()),
        V::Integer(number) => toml::Value::Integer(*number.value()),
        V::Float(number) => toml::Value::Float(*number.value()),
        V::Boolean(flag) => toml::Value::Boolean(*flag.value()),
        V::Datetime(date) => toml::Value::Datetime(*date.value()),
        V::Array(items) => toml::Value::Array(items.iter().map(plain_value).collect::<Option<_>>()?),
        V::InlineTable(table) => plain_table(table)?,
    })
}

/// Where in a file something stands.
pub(super) struct Locate<'a> {
    pub file: &'a Path,
    pub text: &'a str,
}

impl Locate<'_> {
    pub fn fault(&self, span: Option<Range<usize>>, problem: String) -> ConfigError {
        let (line, column) = position(self.text, span.map_or(0, |span| span.start));
        ConfigError::InFile { file: self.file.to_owned(), line, column, problem }
    }
}

/// Line and column, from 1, of a byte offset; columns count characters.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let column = before.get(line_start..).map_or(0, |rest| rest.chars().count());
    (before.matches('\n').count() + 1, column + 1)
}

pub(super) fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}
