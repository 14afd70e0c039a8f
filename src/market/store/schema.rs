//! Opening, and the shape of the database through its versions.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use super::{Db, search};
use crate::config::Home;
use crate::market::error::{Action, IoContext, MarketErrorKind};
use crate::market::{MarketError, files};

/// Each entry brings the database from the version of its index to the next. Entries are never changed once released.
const MIGRATIONS: &[&str] = &[
    include_str!("schema_1.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
    include_str!("schema_5.sql"),
    include_str!("schema_6.sql"),
    include_str!("schema_7.sql"),
];

/// The version that brought the tables of the search, which are filled from the releases.
const SEARCH_VERSION: usize = 3;

impl Db {
    /// Opens (or makes, or migrates) the database and blob folder of `home`.
    pub fn open(home: &Home) -> Result<Self, MarketError> {
        private_dir(home.root())?;
        private_dir(&home.p2p_dir())?;
        let blobs = home.blobs_dir();
        let incoming = files::parent(&blobs).join("incoming");
        files::create_dir(&blobs, 0o700)?;
        files::create_dir(&incoming, 0o700)?;
        let file = home.database_file();
        let conn = connect(&file).map_err(|error| named(error, &file))?;
        let mut db = Self { conn, blobs, incoming };
        db.reconcile_blobs()?;
        Ok(db)
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

fn connect(file: &Path) -> Result<Connection, MarketError> {
    let mut conn = Connection::open(file)?;
    conn.busy_timeout(Duration::from_secs(5))?;
    conn.pragma_update(None, "journal_mode", "wal")?;
    // A publish that was acknowledged must survive a power cut.
    conn.pragma_update(None, "synchronous", "full")?;
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    conn.set_prepared_statement_cache_capacity(64);
    migrate(&mut conn)?;
    Ok(conn)
}

fn migrate(conn: &mut Connection) -> Result<(), MarketError> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: usize = tx.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0))? as usize;
    let Some(missing) = MIGRATIONS.get(version..) else {
        return Err(MarketError::Database {
            message: format!("it has version {version}, this program knows versions up to {}", MIGRATIONS.len()),
            kind: MarketErrorKind::Invalid,
            hint: Some("it was written by a newer ggen-p2p-tui: use that one, or another --home".into()),
        });
    };
    for migration in missing {
        tx.execute_batch(migration)?;
    }
    if version < SEARCH_VERSION {
        search::rebuild(&tx)?;
    }
    tx.pragma_update(None, "user_version", u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX))?;
    Ok(tx.commit()?)
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
