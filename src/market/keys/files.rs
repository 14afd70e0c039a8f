//! The key files of a home: the one in use, the next one while a key is replaced, and those used before.
//!
//! Order of a replacement, so that a crash never loses a key nor leaves a statement about one that is gone: the new key is
//! made durable as `identity.key.new`; the statement is signed and stored in the database; the old key is kept as
//! `identity.key.<n>`; the new file takes the old one's name. Until the statement is stored nothing has happened; after it,
//! [`complete`] does the rest at the next start.

use std::path::{Path, PathBuf};

use crate::market::error::{Action, IoContext};
use crate::market::files::{self, Existing};
use crate::market::{Identity, MarketError, PublisherKey};

/// Key files looked at.
const MAX_FILES: u32 = 1000;

/// A key file of a home.
#[derive(Clone, Debug)]
pub struct KeyFile {
    pub path: PathBuf,
    pub identity: Identity,
}

/// The new key beside the one in `file`: durable when this returns. One that an interrupted replacement left is taken.
pub fn prepare_next(file: &Path) -> Result<Identity, MarketError> {
    Identity::load_or_create(&beside(file, "new"))
}

/// Puts the prepared key in the place of the one in `file`, which is kept as `<file>.<n>`; returns where.
pub fn replace(file: &Path) -> Result<PathBuf, MarketError> {
    let kept = keep_old(file)?;
    let next = beside(file, "new");
    std::fs::rename(&next, file).at(Action::Rename, file)?;
    files::sync_dir(&files::parent(file))?;
    Ok(kept)
}

/// Ends a replacement that was interrupted: `is_over` says whether a statement of that key is stored by which it gave up its
/// place (to the key given second, or to any). Returns the key in use.
pub fn complete(
    file: &Path,
    current: Identity,
    is_over: impl FnOnce(PublisherKey, PublisherKey) -> Result<bool, MarketError>,
) -> Result<Identity, MarketError> {
    let next = beside(file, "new");
    if !next.exists() {
        return Ok(current);
    }
    let next = Identity::load_or_create(&next)?;
    if !is_over(current.public(), next.public())? {
        return Ok(current);
    }
    let kept = replace(file)?;
    tracing::warn!(key = %next.public(), old = %kept.display(), "the replacement of this home's key was completed");
    Ok(next)
}

/// The keys used before, oldest first.
pub fn key_files(file: &Path) -> Result<Vec<KeyFile>, MarketError> {
    let mut found = Vec::new();
    for n in 1..MAX_FILES {
        let path = beside(file, &n.to_string());
        if !path.exists() {
            break;
        }
        found.push(KeyFile { identity: Identity::load_or_create(&path)?, path });
    }
    Ok(found)
}

/// The old key under a name of its own: copied, so that there is one in place at every moment.
fn keep_old(file: &Path) -> Result<PathBuf, MarketError> {
    let bytes = std::fs::read(file).at(Action::Read, file)?;
    for n in 1..MAX_FILES {
        let kept = beside(file, &n.to_string());
        // The same bytes: an interrupted replacement came so far.
        if std::fs::read(&kept).is_ok_and(|there| there == bytes)
            || files::write_durably(&kept, &bytes, 0o600, Existing::Keep)?
        {
            return Ok(kept);
        }
    }
    Err(MarketError::Failed(format!("there are {MAX_FILES} old keys beside {}", file.display())))
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}
