//! Whether the files that a manifest names are there.

use std::path::{Component, Path};

use toml_edit::{Item, TableLike, Value};

use super::Severity;
use super::fields::{Field, Reader};

/// Sections whose entries name files of the package.
const SECTIONS: [&str; 9] =
    ["ontology", "sparql", "templates", "tests", "documentation", "queries", "shapes", "metadata", "validation"];

/// Entries that are a file or directory, and entries that are a list of them.
const ONE: [&str; 5] = ["file", "main", "readme", "directory", "test_dir"];
const MANY: [&str; 3] = ["files", "guides", "required_files"];

/// Notes each file that the manifest lists and `dir` does not hold.
pub(super) fn check(reader: &mut Reader<'_>, dir: &Path) {
    for (path, line) in listed(reader) {
        let relative = Path::new(&path);
        if relative.components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir)) {
            let message = format!("'{path}' lies outside the package");
            reader.note(Severity::Warning, "file-outside", line, &message, "name files relative to the package");
        } else if dir.join(relative).symlink_metadata().is_err() {
            let message = format!("'{path}' is listed but not there");
            let hint = match other_spelling(dir, relative) {
                Some(there) => format!("there is '{there}'; spell it so"),
                None => "add the file or take it off the list".to_owned(),
            };
            reader.note(Severity::Warning, "file-missing", line, &message, &hint);
        }
    }
}

/// A file in the same directory whose name differs in case only.
fn other_spelling(dir: &Path, relative: &Path) -> Option<String> {
    /// Entries looked at.
    const MOST: usize = 1000;
    let wanted = relative.file_name()?.to_str()?.to_lowercase();
    let above = relative.parent()?;
    let names = std::fs::read_dir(dir.join(above))
        .ok()?
        .take(MOST)
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let there = names.into_iter().find(|name| name.to_lowercase() == wanted)?;
    Some(above.join(there).display().to_string())
}

fn listed(reader: &Reader<'_>) -> Vec<(String, Option<u32>)> {
    let mut paths = Vec::new();
    if let Some(files) = reader.root("files") {
        match (files.item.as_table_like(), files.item.as_array()) {
            (Some(table), _) => {
                paths.extend(table.iter().map(|(path, item)| (path.to_owned(), line_in(reader, table, path, item))))
            }
            (None, Some(list)) => paths.extend(texts(reader, list.iter(), files.line)),
            _ => {}
        }
    }
    for section in SECTIONS {
        let table = reader.root(section).and_then(|field| field.item.as_table_like());
        paths.extend(table.into_iter().flat_map(|table| in_section(reader, table, 1)));
    }
    paths.retain(|(path, _)| !path.is_empty() && !path.contains(['*', '{', '?']) && !path.contains("://"));
    paths
}

/// File entries of a section and, `depth` levels down, of the tables in it.
fn in_section(reader: &Reader<'_>, table: &dyn TableLike, depth: usize) -> Vec<(String, Option<u32>)> {
    let mut paths = Vec::new();
    for (key, item) in table.iter() {
        let field = Field { item, line: line_in(reader, table, key, item) };
        match (item.as_str(), item.as_array(), item.as_table_like()) {
            (Some(path), ..) if ONE.contains(&key) => paths.push((path.to_owned(), field.line)),
            (_, Some(list), _) if MANY.contains(&key) => paths.extend(texts(reader, list.iter(), field.line)),
            // "scaffold/main.rs.tmpl" = { description = … }
            (.., Some(_)) if key.contains(['/', '.']) => paths.push((key.to_owned(), field.line)),
            (.., Some(inner)) if depth > 0 => paths.extend(in_section(reader, inner, depth - 1)),
            _ => {}
        }
    }
    paths
}

fn line_in(reader: &Reader<'_>, table: &dyn TableLike, key: &str, item: &Item) -> Option<u32> {
    table.get_key_value(key).and_then(|(key, _)| reader.line(key, item))
}

/// The texts in a list, each with its own line.
fn texts<'v>(
    reader: &Reader<'_>,
    list: impl Iterator<Item = &'v Value>,
    line: Option<u32>,
) -> Vec<(String, Option<u32>)> {
    let texts = list.filter_map(|value| Some((value.as_str()?.to_owned(), reader.value_line(value).or(line))));
    texts.collect()
}
