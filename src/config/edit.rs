//! Changing the settings file in place, comments kept.

use std::io::Write;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, Table, TableLike};

use super::error::ConfigError;
use super::keys::{self, Key};
use super::load::load_from;
use super::source;

/// The settings file with every setting at its default, commented out, and explained.
pub const DEFAULT_FILE: &str = include_str!("../../assets/default-config.toml");

/// Sets `name` (`section.key`, or `ui.keymap.COMMAND`) to `text` in `file`, which is made if there is none.
///
/// # Errors
/// There is no such setting, the value is not allowed, or the file is wrong otherwise; the file is left alone then.
pub fn set(file: &Path, name: &str, text: &str) -> Result<(), ConfigError> {
    let (key, entry) = find(name)?;
    let fault = |problem: String| ConfigError::Value { origin: name.to_owned(), problem };
    let value = match entry {
        None => key.kind.parse(text).map_err(fault)?,
        Some(_) => toml::Value::String(text.to_owned()),
    };
    let before = source::read(file)?.unwrap_or_else(|| DEFAULT_FILE.to_owned());
    let after = match (entry, uncomment(&before, key, &value)) {
        (None, Some(after)) => after,
        _ => insert(file, &before, key, entry, &value)?,
    };
    check_and_write(file, &after)
}

/// Takes `name` out of `file`, so that its default holds again. `false` when it was not there.
///
/// # Errors
/// There is no such setting, or the file cannot be read or written.
///
/// A key that is none of the settings' is taken out where it stands in the file.
pub fn reset(file: &Path, name: &str) -> Result<bool, ConfigError> {
    let (key, entry) = match find(name) {
        Ok(found) => found,
        Err(unknown) => return if remove_unknown(file, name)? { Ok(true) } else { Err(unknown) },
    };
    let Some(before) = source::read(file)? else { return Ok(false) };
    let mut document = parse(file, &before)?;
    let after = match (entry, comment_out(&before, key)) {
        (None, Some(after)) => after,
        _ if remove(&mut document, key, entry) => document.to_string(),
        _ => return Ok(false),
    };
    check_and_write(file, &after)?;
    Ok(true)
}

/// What else is wrong in the file stays for the next time: it may hold several such keys.
fn remove_unknown(file: &Path, name: &str) -> Result<bool, ConfigError> {
    let Some(before) = source::read(file)? else { return Ok(false) };
    let mut document = parse(file, &before)?;
    let mut path: Vec<&str> = name.split('.').collect();
    let Some(leaf) = path.pop() else { return Ok(false) };
    let mut table: Option<&mut dyn TableLike> = Some(document.as_table_mut());
    for part in path {
        table = table.and_then(|table| table.get_mut(part)).and_then(Item::as_table_like_mut);
    }
    if table.and_then(|table| table.remove(leaf)).is_none() {
        return Ok(false);
    }
    write(file, &document.to_string())?;
    Ok(true)
}

/// Takes a key out with the comment above it.
fn remove(document: &mut DocumentMut, key: &Key, entry: Option<&str>) -> bool {
    let Some(section) = document.get_mut(key.section()).and_then(Item::as_table_like_mut) else { return false };
    match entry {
        None => section.remove(key.leaf()).is_some(),
        Some(entry) => {
            let table = section.get_mut(key.leaf()).and_then(Item::as_table_like_mut);
            table.is_some_and(|table| table.remove(entry).is_some())
        }
    }
}

/// Puts the file of defaults in the place of `file`.
pub fn reset_all(file: &Path) -> Result<(), ConfigError> {
    check_and_write(file, DEFAULT_FILE)
}

/// The setting, and the entry's name where it is a table of them.
fn find(name: &str) -> Result<(&'static Key, Option<&str>), ConfigError> {
    if let Some(key) = keys::find(name) {
        return Ok((key, None));
    }
    if let Some((table, entry)) = name.rsplit_once('.')
        && let Some(key) = keys::find(table)
        && matches!(key.kind, super::rules::Kind::Map)
        && !entry.is_empty()
    {
        return Ok((key, Some(entry)));
    }
    Err(ConfigError::Value { origin: "config".into(), problem: keys::unknown("key", name, keys::names()) })
}

fn parse(file: &Path, text: &str) -> Result<DocumentMut, ConfigError> {
    // The read-only parser names the place of a fault; the editable one does not keep it.
    if let Err(error @ ConfigError::InFile { .. }) = source::parse(file, text)
        && text.parse::<DocumentMut>().is_err()
    {
        return Err(error);
    }
    text.parse().map_err(|error: toml_edit::TomlError| ConfigError::Value {
        origin: file.display().to_string(),
        problem: error.message().to_owned(),
    })
}

fn insert(file: &Path, text: &str, key: &Key, entry: Option<&str>, value: &toml::Value) -> Result<String, ConfigError> {
    let mut document = parse(file, text)?;
    let fault = |problem: &str| ConfigError::Value { origin: key.name.to_owned(), problem: problem.to_owned() };
    let section = document.entry(key.section()).or_insert_with(|| Item::Table(Table::new()));
    let section = section.as_table_like_mut().ok_or_else(|| fault("its section is no table in the file"))?;
    match entry {
        None => put(section, key.leaf(), value).ok_or_else(|| fault("the value cannot be written as TOML"))?,
        Some(entry) => {
            let table = section.entry(key.leaf()).or_insert_with(|| Item::Table(Table::new()));
            let table = table.as_table_like_mut().ok_or_else(|| fault("it is no table in the file"))?;
            put(table, entry, value).ok_or_else(|| fault("the value cannot be written as TOML"))?;
        }
    }
    Ok(document.to_string())
}

/// Puts a value where one was, with the spaces and comment that stood around it.
fn put(table: &mut dyn toml_edit::TableLike, leaf: &str, value: &toml::Value) -> Option<()> {
    let mut new: toml_edit::Value = value.to_string().parse().ok()?;
    match table.get_mut(leaf) {
        Some(Item::Value(old)) => {
            *new.decor_mut() = old.decor().clone();
            *old = new;
        }
        _ => {
            table.insert(leaf, Item::Value(new));
        }
    }
    Some(())
}

/// Replaces the line `#key = …` of the file of defaults, if it stands in the key's section and the key is not set.
fn uncomment(text: &str, key: &Key, value: &toml::Value) -> Option<String> {
    let header = format!("[{}]", key.section());
    let marker = format!("#{} =", key.leaf());
    let set = format!("{} =", key.leaf());
    let mut inside = false;
    let mut found = None;
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for (at, line) in lines.iter().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            inside = line == header;
        } else if inside && line.starts_with(&set) {
            return None;
        } else if inside && line.starts_with(&marker) {
            found = Some(at);
        }
    }
    let found = found?;
    let line = format!("{} = {value}\n", key.leaf());
    Some(lines.iter().enumerate().map(|(at, old)| if at == found { line.as_str() } else { old }).collect())
}

/// Replaces `key = value` by its commented-out default, where it stands on lines of its own below its section's header.
/// The comments around it, which may well be those of its neighbours, stay.
fn comment_out(text: &str, key: &Key) -> Option<String> {
    let document = toml_edit::Document::parse(text).ok()?;
    let section = document.get(key.section())?.as_table().filter(|section| !section.is_dotted())?;
    let (name, item) = section.get_key_value(key.leaf())?;
    let (start, end) = (name.span()?.start, item.as_value()?.span()?.end);
    let (before, after) = (text.get(..start)?, text.get(end..)?);
    if !before.is_empty() && !before.ends_with('\n') {
        return None;
    }
    Some(format!("{before}{}{after}", default_line(key)?))
}

/// The commented-out line of a key in the file of defaults.
fn default_line(key: &Key) -> Option<&'static str> {
    let marker = format!("#{} =", key.leaf());
    let (_, section) = DEFAULT_FILE.split_once(&format!("[{}]", key.section()))?;
    section.lines().find(|line| line.starts_with(&marker))
}

/// Writes `text` once it is good as a whole.
fn check_and_write(file: &Path, text: &str) -> Result<(), ConfigError> {
    load_from(file, Some(text), [], &[])?;
    write(file, text)
}

/// Temporary file, fsync, rename, fsync of the directory.
fn write(file: &Path, text: &str) -> Result<(), ConfigError> {
    let target = resolve_link(file);
    let directory = target.parent().unwrap_or(Path::new("."));
    // The kind alone: the text may name the temporary file, which says nothing to anybody.
    let fault = |error: std::io::Error| ConfigError::io("write", file, error.kind().into());
    make_private(directory).map_err(fault)?;
    let mut temporary = tempfile::NamedTempFile::new_in(directory).map_err(fault)?;
    temporary.write_all(text.as_bytes()).map_err(fault)?;
    if let Ok(old) = std::fs::metadata(&target) {
        temporary.as_file().set_permissions(old.permissions()).map_err(fault)?;
    }
    temporary.as_file().sync_all().map_err(fault)?;
    temporary.persist(&target).map_err(|error| fault(error.error))?;
    std::fs::File::open(directory).and_then(|directory| directory.sync_all()).map_err(fault)
}

/// Makes a directory that only this user can enter; one that is there keeps its mode.
fn make_private(directory: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

/// Where a symbolic link leads, so that it is its target that is replaced.
fn resolve_link(file: &Path) -> PathBuf {
    std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned())
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;
