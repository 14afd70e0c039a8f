//! Whether the files that a manifest names are there.

use std::path::{Component, Path};

use toml_edit::{Item, TableLike, Value};

use super::Severity;
use super::fields::{Field, Reader};

/// Sections whose `file`, `main`, `readme` and `files` entries name files of the package.
const SECTIONS: [&str; 5] = ["ontology", "sparql", "templates", "tests", "documentation"];

/// Notes each file that the manifest lists and `dir` does not hold.
pub(super) fn check(reader: &mut Reader<'_>, dir: &Path) {
    for (path, line) in listed(reader) {
        let relative = Path::new(&path);
        if relative.components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir)) {
            let message = format!("'{path}' lies outside the package");
            reader.note(Severity::Warning, "file-outside", line, &message, "name files relative to the package");
        } else if dir.join(relative).symlink_metadata().is_err() {
            let message = format!("'{path}' is listed but not there");
            reader.note(Severity::Warning, "file-missing", line, &message, "add the file or take it off the list");
        }
    }
}

fn listed(reader: &Reader<'_>) -> Vec<(String, Option<u32>)> {
    let mut paths = Vec::new();
    if let Some(files) = reader.root("files") {
        match (files.item.as_table_like(), files.item.as_array()) {
            (Some(table), _) => {
                paths.extend(table.iter().map(|(path, item)| (path.to_owned(), line_in(reader, table, path, item))))
            }
            (None, Some(list)) => paths.extend(texts(list.iter(), files.line)),
            _ => {}
        }
    }
    for section in SECTIONS {
        let table = reader.root(section).and_then(|field| field.item.as_table_like());
        paths.extend(table.into_iter().flat_map(|table| in_section(reader, table, 1)));
    }
    paths.retain(|(path, _)| !path.is_empty() && !path.contains(['*', '{', '?']));
    paths
}

/// File entries of a section and, `depth` levels down, of the tables in it.
fn in_section(reader: &Reader<'_>, table: &dyn TableLike, depth: usize) -> Vec<(String, Option<u32>)> {
    let mut paths = Vec::new();
    for (key, item) in table.iter() {
        let field = Field { item, line: line_in(reader, table, key, item) };
        match (key, item.as_str(), item.as_array(), item.as_table_like()) {
            ("file" | "main" | "readme", Some(path), ..) => paths.push((path.to_owned(), field.line)),
            ("files", _, Some(list), _) => paths.extend(texts(list.iter(), field.line)),
            (.., Some(inner)) if depth > 0 => paths.extend(in_section(reader, inner, depth - 1)),
            _ => {}
        }
    }
    paths
}

fn line_in(reader: &Reader<'_>, table: &dyn TableLike, key: &str, item: &Item) -> Option<u32> {
    table.get_key_value(key).and_then(|(key, _)| reader.line(key, item))
}

fn texts<'v>(list: impl Iterator<Item = &'v Value>, line: Option<u32>) -> Vec<(String, Option<u32>)> {
    list.filter_map(Value::as_str).map(|path| (path.to_owned(), line)).collect()
}
