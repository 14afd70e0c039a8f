//! Opening, and the shape of the database through its versions.

use std::collections::HashSet;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior};

use super::merge::Words;
use super::turn::Turn;
use super::{Db, Place, convert, installs, rescue, scan, search};
use crate::config::Home;
use crate::market::error::{Action, IoContext, MarketErrorKind};
use crate::market::{MarketError, files, install};

/// Each entry brings the database from the version of its index to the next. Entries are never changed once released.
const MIGRATIONS: &[&str] = &[
    include_str!("schema_1.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
    include_str!("schema_5.sql"),
    include_str!("schema_6.sql"),
    include_str!("schema_7.sql"),
    include_str!("schema_8.sql"),
    include_str!("schema_9.sql"),
    include_str!("schema_10.sql"),
    include_str!("schema_11.sql"),
];

/// The version that brought the tables of the search, which are filled from the releases.
const SEARCH_VERSION: usize = 3;

/// The version that brought the dependencies of installs, which are in their releases.
const INSTALLS_VERSION: usize = 6;

/// The version that wrote the releases anew: half of the file is free pages then.
const COMPACTED_VERSION: usize = 9;

/// No program of the next hundred years writes this version.
const NO_VERSION: usize = 1000;

impl Db {
    /// Opens (or makes, or migrates) the database and blob folder of `home`.
    ///
    /// Who opens it alone makes files and rows agree first, and a damaged database anew from what can be read of it.
    pub fn open(home: &Home) -> Result<Self, MarketError> {
        private_dir(home.root())?;
        private_dir(&home.p2p_dir())?;
        let place = Place::of(home);
        files::create_dir(&place.blobs, 0o700)?;
        files::create_dir(&place.incoming, 0o700)?;
        let turn = Turn::take(&place.blobs)?;
        let (mut repairs, is_new) = (Vec::new(), !place.file.exists());
        let conn = if turn.is_alone() { open_alone(&place, &mut repairs) } else { connect(&place.file) };
        let conn = conn.map_err(|error| named(error, &place.file))?;
        let mut db = Self { conn, place, turn, repairs, vetted: HashSet::new(), words: Words::default() };
        if db.turn.is_alone() {
            // A new database, or one made anew, does not know every file that is of use.
            let complete = !is_new && db.repairs.is_empty();
            match db.tidy(complete) {
                // A page that the look at a large file has left out.
                Err(error) if is_damage(&error) => {
                    tracing::warn!("{error}");
                    db.make_anew()?;
                    db.tidy(false)?;
                }
                done => done?,
            }
            db.turn.share()?;
        }
        Ok(db)
    }

    /// Makes files and rows agree after a crash, or after someone cleared the cache by hand.
    fn tidy(&mut self, complete: bool) -> Result<(), MarketError> {
        files::remove_temporary(&files::parent(&self.place.file))?;
        self.reconcile_blobs(complete)?;
        // Not counted to the end: that reads an index through.
        let more = "SELECT 1 FROM releases LIMIT 1 OFFSET ?1";
        if !self.conn.prepare(more)?.exists([CHECKED_AT_OPENING])? {
            self.mend()?;
        }
        // What is in the way there is told by the next install or removal; it is no reason to read nothing.
        let packs = self.place.packs.clone();
        if let Err(error) = install::recover_notes(self, &packs) {
            tracing::warn!("what was being installed or removed is not put right yet: {error}");
        }
        Ok(())
    }

    /// Makes the database anew from what can be read of it, while it is open: SQLite has come upon a damaged page.
    pub fn rebuild(&mut self) -> Result<(), MarketError> {
        if !self.turn.try_alone()? {
            return Err(in_use(&self.place.file));
        }
        let anew = self.make_anew();
        self.turn.share()?;
        anew
    }

    /// For whoever is alone with it.
    fn make_anew(&mut self) -> Result<(), MarketError> {
        // What stands in for the connection meanwhile.
        drop(std::mem::replace(&mut self.conn, Connection::open_in_memory()?));
        let rescued = rescue::rescue(&self.place.file).map(|rescued| {
            tracing::error!("{rescued}");
            self.repairs.push(rescued.to_string());
        });
        self.conn = connect(&self.place.file).map_err(|error| named(error, &self.place.file))?;
        rescued
    }
}

/// Releases that are compared with their envelopes when the database is opened; of more, the node does it at its leisure.
const CHECKED_AT_OPENING: i64 = 200;

/// Bytes of the largest database file whose pages are looked through when it is opened.
pub(super) const SCANNED_AT_OPENING: u64 = 8 << 20;

/// What SQLite keeps of the database in memory at most.
const CACHE_KIB: i64 = 8 << 10;

/// The same while a large batch of releases is taken in. It changes pages all over the indexes; with less memory each would be
/// written and read again several times within one transaction.
const BATCH_CACHE_KIB: i64 = 16 << 10;

/// Pages in the log before they are put into the database: a page that changes often is written there once.
const LOG_PAGES: i64 = 8000;

/// The same between large batches, each of which changes much of what the one before has changed.
const BATCH_LOG_PAGES: i64 = 32_000;

/// Bytes of the log's file that are kept when it begins anew.
const LOG_BYTES: i64 = LOG_PAGES * 4096;

fn open_alone(place: &Place, repairs: &mut Vec<String>) -> Result<Connection, MarketError> {
    rescue::finish_interrupted(&place.file)?;
    // Before SQLite opens it, which takes the log for shorter than it is.
    if !rescue::log_is_damaged(&place.file) {
        match connect(&place.file).and_then(|conn| Ok((is_sound(&conn, &place.file)?, conn))) {
            Ok((true, conn)) => return Ok(conn),
            Ok((false, _)) => {}
            Err(error) if is_damage(&error) => tracing::warn!("{error}"),
            Err(error) => return Err(error),
        }
    }
    let rescued = rescue::rescue(&place.file)?;
    tracing::error!("{rescued}");
    repairs.push(rescued.to_string());
    connect(&place.file)
}

/// Whether a small database is in order, its indexes and search index included.
fn is_sound(conn: &Connection, file: &Path) -> Result<bool, MarketError> {
    if !has_our_schema(conn)? {
        return Ok(false);
    }
    let size = std::fs::metadata(file).map_or(0, |about| about.len());
    Ok(size > SCANNED_AT_OPENING || scan::is_sound(conn)?)
}

/// Whether tables and indexes are the ones that the migrations make. A changed word in their definitions is no damage to
/// SQLite.
fn has_our_schema(conn: &Connection) -> Result<bool, MarketError> {
    let mut fresh = Connection::open_in_memory()?;
    migrate(&mut fresh)?;
    Ok(definitions(conn)? == definitions(&fresh)?)
}

fn definitions(conn: &Connection) -> Result<Vec<[Option<String>; 4]>, MarketError> {
    let mut query = conn.prepare(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY type, name",
    )?;
    let rows = query.query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn is_damage(error: &MarketError) -> bool {
    matches!(error, MarketError::Database { kind: MarketErrorKind::Damaged, .. })
}

fn in_use(file: &Path) -> MarketError {
    MarketError::Database {
        message: format!("{} is damaged, and another process uses it", file.display()),
        kind: MarketErrorKind::Failed,
        hint: Some("stop the node and try again: what can be read of it is saved then".into()),
    }
}

/// The home and its `p2p` directory are for their owner only, also when they were made by something else.
fn private_dir(dir: &Path) -> Result<(), MarketError> {
    files::create_dir(dir, 0o700)?;
    let about = std::fs::metadata(dir).at(Action::Read, dir)?;
    if about.permissions().mode() & 0o077 != 0 {
        std::fs::set_permissions(dir, Permissions::from_mode(0o700)).at(Action::Write, dir)?;
    }
    Ok(())
}

pub(super) fn connect(file: &Path) -> Result<Connection, MarketError> {
    let mut conn = Connection::open(file)?;
    conn.busy_timeout(Duration::from_secs(5))?;
    conn.pragma_update(None, "journal_mode", "wal")?;
    // A publish that was acknowledged must survive a power cut.
    conn.pragma_update(None, "synchronous", "full")?;
    // Checking that packages name releases that are there costs a savepoint for each change, at each of which the
    // full-text index writes what it has so far: ten times the work of a batch. `check` finds such rows.
    conn.pragma_update(None, "foreign_keys", false)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    // Otherwise some statements are planned anew with each value that is bound.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    for_every_day(&conn)?;
    conn.set_prepared_statement_cache_capacity(64);
    let version = migrate(&mut conn)?;
    if (1..COMPACTED_VERSION).contains(&version)
        && let Err(error) = conn.execute_batch("VACUUM")
    {
        tracing::warn!("the database keeps its size: {error}");
    }
    Ok(conn)
}

/// Returns the version that the database had.
fn migrate(conn: &mut Connection) -> Result<usize, MarketError> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: usize = tx.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0))? as usize;
    if version > NO_VERSION {
        return Err(convert::damaged("version number"));
    }
    let Some(missing) = MIGRATIONS.get(version..) else {
        return Err(MarketError::Database {
            message: format!("it has version {version}, this program knows versions up to {}", MIGRATIONS.len()),
            kind: MarketErrorKind::Invalid,
            hint: Some("it was written by a newer ggen-p2p-tui: use that one, or another --home".into()),
        });
    };
    for migration in missing {
        // What is there already, or is not, when it should be the other way round: the version number is wrong.
        tx.execute_batch(migration).map_err(|error| match MarketError::from(error) {
            MarketError::Database { message, kind: MarketErrorKind::Failed, .. } => {
                MarketError::Database { message, kind: MarketErrorKind::Damaged, hint: None }
            }
            other => other,
        })?;
    }
    if version < SEARCH_VERSION {
        search::rebuild(&tx)?;
    }
    if version < INSTALLS_VERSION {
        installs::note_dependencies(&tx)?;
    }
    tx.pragma_update(None, "user_version", u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX))?;
    tx.commit()?;
    Ok(version)
}

/// Says which file it was.
fn named(error: MarketError, file: &Path) -> MarketError {
    match error {
        MarketError::Database { message, kind, hint } => {
            MarketError::Database { message: format!("{}: {message}", file.display()), kind, hint }
        }
        other => other,
    }
}

/// Cache and log of every day; what the cache has above that is given back.
pub(super) fn for_every_day(conn: &Connection) -> Result<(), MarketError> {
    keep(conn, CACHE_KIB, LOG_PAGES)
}

/// Cache and log for large batches.
pub(super) fn for_batches(conn: &Connection) -> Result<(), MarketError> {
    keep(conn, BATCH_CACHE_KIB, BATCH_LOG_PAGES)
}

fn keep(conn: &Connection, cache: i64, log: i64) -> Result<(), MarketError> {
    conn.pragma_update(None, "cache_size", -cache)?;
    Ok(conn.pragma_update(None, "wal_autocheckpoint", log)?)
}
