//! What can be saved of a damaged database.
//!
//! The releases are signed, so each that verifies is taken over, wherever in the file it is found; the tables of what is
//! installed, pinned, held and remembered as far as their pages can be read. What is derived from the releases (the search
//! index among it) is made anew on the way. The damaged file is kept beside the new one.

mod pages;
mod rows;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::Connection;
use rusqlite::types::Value;

use super::intake::Intake;
use super::{Accepted, convert, keys, schema};
use crate::market::error::{Action, IoContext};
use crate::market::{MarketError, VerifiedRelease, files};

use pages::Pages;
use rows::Row;

/// Made from the releases as they are accepted.
const DERIVED: &[&str] = &["packages", "search_docs", "search_labels", "totals"];

/// Damaged files kept.
const KEPT: usize = 2;

/// Releases taken over in one transaction.
const BATCH: usize = 10_000;

/// What became of a damaged database.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rescued {
    /// Rows taken over, by table.
    pub kept: Vec<(String, u64)>,
    /// Pages and rows that could not be read or taken.
    pub lost: u64,
    /// Where the damaged file is now.
    pub aside: PathBuf,
}

impl std::fmt::Display for Rescued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kept: Vec<_> = self.kept.iter().map(|(table, count)| format!("{count} {table}")).collect();
        let kept = if kept.is_empty() { "nothing".to_owned() } else { kept.join(", ") };
        write!(f, "the database was damaged and has been made anew: taken over were {kept}; ")?;
        match self.lost {
            0 => f.write_str("nothing was lost; ")?,
            lost => write!(f, "{lost} rows or pages could not be read, their releases come again from peers; ")?,
        }
        write!(f, "the damaged file is kept as {}", self.aside.display())
    }
}

/// Puts a new database in the place of the damaged `file`, with all that can be saved of it.
pub(super) fn rescue(file: &Path) -> Result<Rescued, MarketError> {
    let fresh = beside(file, ".new");
    remove_database(&fresh)?;
    let pages = Pages::open(file, &beside(file, "-wal")).at(Action::Read, file)?;
    let mut conn = schema::connect(&fresh)?;
    conn.pragma_update(None, "foreign_keys", false)?;
    let mut rescued = copy(&pages, &mut conn)?;
    conn.close().map_err(|(_, error)| error)?;
    rescued.aside = put_aside(file)?;
    take_place(&fresh, file)?;
    Ok(rescued)
}

/// Whether the log of `file` was damaged where SQLite takes it to end.
pub(super) fn log_is_damaged(file: &Path) -> bool {
    pages::log_is_damaged(&beside(file, "-wal"))
}

/// Ends what a crash left half done: once the damaged file is aside, the new one is complete.
pub(super) fn finish_interrupted(file: &Path) -> Result<(), MarketError> {
    let fresh = beside(file, ".new");
    if !fresh.exists() {
        return Ok(());
    }
    if file.exists() {
        return remove_database(&fresh);
    }
    put_aside(file)?;
    take_place(&fresh, file)
}

fn take_place(fresh: &Path, file: &Path) -> Result<(), MarketError> {
    fs::rename(fresh, file).at(Action::Rename, fresh)?;
    files::sync_dir(&files::parent(file))
}

/// Moves the file and its log away: a log left behind would be taken for the new file's.
fn put_aside(file: &Path) -> Result<PathBuf, MarketError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut aside = beside(file, &format!(".damaged-{now}"));
    for number in 1.. {
        if !aside.exists() && !beside(&aside, "-wal").exists() {
            break;
        }
        aside = beside(file, &format!(".damaged-{now}.{number}"));
    }
    move_if_there(file, &aside)?;
    move_if_there(&beside(file, "-wal"), &beside(&aside, "-wal"))?;
    remove_if_there(&beside(file, "-shm"))?;
    files::sync_dir(&files::parent(file))?;
    forget_oldest(file)?;
    Ok(aside)
}

fn forget_oldest(file: &Path) -> Result<(), MarketError> {
    let prefix = format!("{}.damaged-", file.file_name().unwrap_or_default().to_string_lossy());
    let dir = files::parent(file);
    let mut kept = Vec::new();
    for entry in fs::read_dir(&dir).at(Action::List, &dir)? {
        let path = entry.at(Action::List, &dir)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with(&prefix) && !name.ends_with("-wal") {
            kept.push(path);
        }
    }
    kept.sort();
    let surplus = kept.len().saturating_sub(KEPT);
    kept.iter().take(surplus).try_for_each(|path| remove_database(path))
}

/// `file` with something added to its name.
fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn remove_database(file: &Path) -> Result<(), MarketError> {
    ["", "-wal", "-shm"].iter().try_for_each(|end| remove_if_there(&beside(file, end)))
}

fn remove_if_there(file: &Path) -> Result<(), MarketError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other.at(Action::Remove, file),
    }
}

fn move_if_there(from: &Path, to: &Path) -> Result<(), MarketError> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other.at(Action::Rename, from),
    }
}

fn copy(pages: &Pages, conn: &mut Connection) -> Result<Rescued, MarketError> {
    let mut rescued = Rescued::default();
    let (roots, unread) = roots(pages, conn)?;
    rescued.lost += unread;
    for (table, root) in roots {
        let (kept, lost) = if table == "releases" {
            copy_releases(pages, root, conn)?
        } else {
            copy_table(pages, root, &table, conn)?
        };
        rescued.lost += lost;
        if kept > 0 {
            rescued.kept.push((table, kept));
        }
    }
    keys::retire_all(conn)?;
    Ok(rescued)
}

/// The tables to copy, and the page that each begins on: as the damaged file says, else as in a new one, since tables are
/// made in the same order everywhere.
fn roots(pages: &Pages, conn: &Connection) -> Result<(Vec<(String, u32)>, u64), MarketError> {
    let mut said = HashMap::new();
    let unread = rows::of_table(pages, 1, &mut |row| {
        if let [Value::Text(kind), Value::Text(name), _, Value::Integer(root), ..] = row.values.as_slice()
            && kind == "table"
            && let Ok(root) = u32::try_from(*root)
        {
            said.insert(name.clone(), root);
        }
    });
    let mut query = conn.prepare(
        "SELECT name, rootpage FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 AND name NOT LIKE 'sqlite_%'
             AND NOT EXISTS (SELECT 1 FROM pragma_table_list t WHERE t.name = sqlite_schema.name AND t.type <> 'table')
         ORDER BY name = 'releases' DESC, name",
    )?;
    let tables = query.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?)))?;
    let mut roots = Vec::new();
    for table in tables {
        let (name, root) = table?;
        if !DERIVED.contains(&name.as_str()) {
            let root = said.get(&name).copied().unwrap_or(root);
            roots.push((name, root));
        }
    }
    Ok((roots, unread))
}

/// Every release that verifies: those of the table, and where pages of it are damaged, those in any page.
fn copy_releases(pages: &Pages, root: u32, conn: &mut Connection) -> Result<(u64, u64), MarketError> {
    let mut taking = Taking { conn, waiting: Vec::new(), kept: 0, refused: 0, failed: None };
    let unread = rows::of_table(pages, root, &mut |row| taking.offer(&row));
    let mut lost = unread + taking.refused;
    if lost > 0 {
        let before = taking.kept;
        rows::of_all_leaves(pages, &mut |row| taking.offer(&row));
        taking.flush();
        lost = lost.saturating_sub(taking.kept.saturating_sub(before)).max(1);
    }
    taking.flush();
    match taking.failed {
        Some(error) => Err(error),
        None => Ok((taking.kept, lost)),
    }
}

struct Taking<'a> {
    conn: &'a mut Connection,
    waiting: Vec<(VerifiedRelease, u64)>,
    kept: u64,
    refused: u64,
    failed: Option<MarketError>,
}

impl Taking<'_> {
    fn offer(&mut self, row: &Row) {
        match release_in(row) {
            Some(release) => self.waiting.push(release),
            None => self.refused += 1,
        }
        if self.waiting.len() >= BATCH {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if let Err(error) = self.accept_waiting() {
            self.failed.get_or_insert(error);
        }
    }

    fn accept_waiting(&mut self) -> Result<(), MarketError> {
        let waiting = std::mem::take(&mut self.waiting);
        let tx = self.conn.transaction()?;
        let (mut intake, mut kept) = (Intake::default(), 0);
        for (release, first_seen) in &waiting {
            kept += u64::from(intake.take(&tx, release, *first_seen)? == Accepted::New);
        }
        intake.finish(&tx)?;
        tx.commit()?;
        self.kept += kept;
        Ok(())
    }
}

/// The release of a row of the table, its signature checked, and when it was first seen. The two stand side by side in every
/// version of the table.
fn release_in(row: &Row) -> Option<(VerifiedRelease, u64)> {
    row.values.array_windows().find_map(|pair| match pair {
        [Value::Integer(first_seen), Value::Blob(envelope)] => {
            Some((convert::signed(envelope)?, convert::to_u64(*first_seen)))
        }
        _ => None,
    })
}

/// Rows of any other table, as far as the new one takes them.
fn copy_table(pages: &Pages, root: u32, table: &str, conn: &mut Connection) -> Result<(u64, u64), MarketError> {
    let columns = columns(conn, table)?;
    let mut found = Vec::new();
    let mut lost = rows::of_table(pages, root, &mut |row| found.push(row));
    let tx = conn.transaction()?;
    let mut kept = 0;
    for mut row in found {
        let Some(used) = columns.get(..row.values.len()).filter(|used| !used.is_empty()) else {
            lost += 1;
            continue;
        };
        for (value, (_, is_rowid)) in row.values.iter_mut().zip(used) {
            if *is_rowid && *value == Value::Null {
                *value = Value::Integer(row.rowid);
            }
        }
        let names: Vec<_> = used.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let marks = vec!["?"; used.len()].join(", ");
        let insert = format!("INSERT OR IGNORE INTO \"{table}\" ({}) VALUES ({marks})", names.join(", "));
        match tx.prepare_cached(&insert)?.execute(rusqlite::params_from_iter(row.values)) {
            Ok(count) => kept += count as u64,
            Err(error) if is_refusal(&error) => lost += 1,
            Err(error) => return Err(error.into()),
        }
    }
    tx.commit()?;
    Ok((kept, lost))
}

/// The names of a table's columns, and which of them is the row id.
fn columns(conn: &Connection, table: &str) -> Result<Vec<(String, bool)>, MarketError> {
    let mut query = conn.prepare("SELECT name, pk > 0 AND type = 'INTEGER' FROM pragma_table_info(?1) ORDER BY cid")?;
    let columns = query.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(columns.collect::<Result<_, _>>()?)
}

/// A value that the table does not take, as opposed to a failing disk.
fn is_refusal(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{ConstraintViolation, TypeMismatch};
    matches!(error.sqlite_error_code(), Some(ConstraintViolation | TypeMismatch))
}
