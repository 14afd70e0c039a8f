//! Between SQLite's values and ours.

use std::cell::Cell;

use rusqlite::{ErrorCode, Row};
use sha2::{Digest, Sha256};

use crate::market::error::{Action, MarketErrorKind};
use crate::market::{MarketError, ReleaseId, SignedRelease, VerifiedRelease};

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
    let id = row.get(at).map(ReleaseId).map_err(|_| damaged("release id"))?;
    let envelope = row.get_ref(at + 1)?.as_blob().map_err(|_| damaged("envelope"))?;
    VerifiedRelease::from_store(envelope, id).map_err(|_| damaged("release"))
}

/// The release of an envelope, its signature checked, whatever its network and time: those were right when it was stored.
pub(super) fn signed(envelope: &[u8]) -> Option<VerifiedRelease> {
    let envelope = SignedRelease::from_bytes(envelope).ok()?;
    let id = ReleaseId(Sha256::digest(&envelope.payload).into());
    let stored = VerifiedRelease::from_store(&envelope.to_bytes(), id).ok()?;
    let release = stored.release();
    envelope.verify(&release.network, release.published_at).ok()
}

/// A row that this program cannot have written.
pub(super) fn damaged(what: &str) -> MarketError {
    note(Suspicion::Rows);
    MarketError::Database {
        message: format!("a stored {what} is damaged"),
        kind: MarketErrorKind::Damaged,
        hint: Some(MENDED.into()),
    }
}

const MENDED: &str = "it is being put right: try again";

/// What the errors of this thread say about the database it works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Suspicion {
    /// Nothing.
    None,
    /// A row is not what this program writes.
    Rows,
    /// SQLite cannot read the file.
    Pages,
}

thread_local! {
    static SUSPICION: Cell<Suspicion> = const { Cell::new(Suspicion::None) };
}

fn note(suspicion: Suspicion) {
    SUSPICION.set(SUSPICION.get().max(suspicion));
}

/// What has come up on this thread since it was last asked.
pub(super) fn take_suspicion() -> Suspicion {
    SUSPICION.replace(Suspicion::None)
}

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
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                note(Suspicion::Pages);
                (Kind::Damaged, Some(MENDED))
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                (Kind::Failed, Some("another program is using the database; stop it and try again"))
            }
            None if is_wrong_value(&error) => {
                note(Suspicion::Rows);
                (Kind::Damaged, Some(MENDED))
            }
            _ => (Kind::Failed, None),
        };
        Self::Database { message: error.to_string(), kind, hint: hint.map(str::to_owned) }
    }
}

/// A column of another type or length than this program writes.
fn is_wrong_value(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error};
    matches!(error, FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) | Utf8Error(..))
}

/// Names the action and path that a file operation of the store was about.
pub(super) fn persist(error: std::io::Error, path: &std::path::Path) -> MarketError {
    MarketError::io(Action::Rename, path, error)
}
