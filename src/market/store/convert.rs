//! Between SQLite's values and ours.

use rusqlite::{ErrorCode, Row};

use crate::market::error::{Action, MarketErrorKind};
use crate::market::{MarketError, ReleaseId, VerifiedRelease};

/// SQLite counts in signed 64 bits; nothing we store is larger, except marks such as "for ever", which saturate.
pub(super) fn to_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The inverse of [`to_i64`]; a saturated number comes back as `u64::MAX`.
pub(super) fn to_u64(number: i64) -> u64 {
    if number == i64::MAX { u64::MAX } else { u64::try_from(number).unwrap_or(0) }
}

/// A row limit. SQLite takes a negative one for none, so it is saturated.
pub(super) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// A stored text that must parse.
pub(super) fn parsed<T: std::str::FromStr>(text: &str, what: &str) -> Result<T, MarketError> {
    text.parse().map_err(|_| damaged(what))
}

/// The release of a row whose columns `at` and `at + 1` are id and envelope.
pub(super) fn release(row: &Row<'_>, at: usize) -> Result<VerifiedRelease, MarketError> {
    let id = ReleaseId(row.get(at)?);
    let envelope = row.get_ref(at + 1)?.as_blob().map_err(|_| damaged("envelope"))?;
    VerifiedRelease::from_store(envelope, id)
}

/// A row that this program cannot have written.
pub(super) fn damaged(what: &str) -> MarketError {
    MarketError::Database {
        message: format!("a stored {what} is damaged"),
        kind: MarketErrorKind::Failed,
        hint: Some(REBUILD.into()),
    }
}

const REBUILD: &str = "stop the node, move p2p/market.db (and its -wal and -shm files) out of the home directory and start again: \
                       the catalogue is fetched anew from peers";

impl From<rusqlite::Error> for MarketError {
    fn from(error: rusqlite::Error) -> Self {
        use MarketErrorKind as Kind;
        let (kind, hint) = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => (Kind::Disk, Some("free some space and try again")),
            Some(ErrorCode::SystemIoFailure) => {
                (Kind::Disk, Some("the disk may be full or failing: check df and dmesg"))
            }
            Some(ErrorCode::PermissionDenied | ErrorCode::ReadOnly | ErrorCode::CannotOpen) => {
                (Kind::Permission, Some("check who owns the files in p2p/ of the home directory: ls -l"))
            }
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => (Kind::Failed, Some(REBUILD)),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                (Kind::Failed, Some("another program is using the database; stop it and try again"))
            }
            _ => (Kind::Failed, None),
        };
        Self::Database { message: error.to_string(), kind, hint: hint.map(str::to_owned) }
    }
}

/// Names the action and path that a file operation of the store was about.
pub(super) fn persist(error: std::io::Error, path: &std::path::Path) -> MarketError {
    MarketError::io(Action::Rename, path, error)
}
