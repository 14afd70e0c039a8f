//! The blob folder: complete archives, named by their hash.

use std::collections::HashSet;
use std::fs;
use std::io::{ErrorKind, Seek};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OptionalExtension, params};
use tempfile::NamedTempFile;

use super::catalogue::accept_in;
use super::convert::{damaged, persist, to_i64, to_u64};
use super::{Accepted, BlobInfo, Db};
use crate::market::archive::Packed;
use crate::market::error::{Action, IoContext};
use crate::market::merkle::Hash;
use crate::market::{MarketError, PackageId, Severity, VerifiedRelease, files};

/// A file without a row, or of a download or packing, is taken for a leftover when it is older than this; younger ones may be about to get theirs.
const LEFTOVER_AGE: Duration = Duration::from_secs(60 * 60);

impl Db {
    /// Durably stores a packed archive as blob and, in the same step, its release (write order: DESIGN section 8).
    /// Refused when the release contradicts one that this publisher has out already.
    pub fn store_published(&mut self, packed: Packed, release: &VerifiedRelease, now: u64) -> Result<(), MarketError> {
        let blob = BlobInfo { package_id: packed.package_id, size: packed.size, leaves: packed.leaves };
        if release.release().package_id != blob.package_id {
            return Err(MarketError::Invalid("the release to store is of another archive".into()));
        }
        if let Some(fault) = packed.findings.iter().find(|finding| finding.severity == Severity::Error) {
            return Err(MarketError::Refused {
                message: format!("not to be published: {}: {}", fault.file, fault.message),
                hint: fault.hint.to_string(),
            });
        }
        let target = self.blob_path(blob.package_id);
        let tx = self.conn.transaction()?;
        match accept_in(&tx, release, now)? {
            Accepted::New | Accepted::Known => {}
            Accepted::Conflict => return Err(already_published(release)),
            Accepted::Retired => return Err(retired(release)),
        }
        place(packed.archive, &blob, &target, &self.blobs)?;
        insert(&tx, &blob)?;
        Ok(tx.commit()?)
    }

    /// Moves a completely downloaded, verified file into the blob folder. `file` must be on the same file system.
    pub fn store_blob(&mut self, file: NamedTempFile, blob: BlobInfo) -> Result<(), MarketError> {
        place(file, &blob, &self.blob_path(blob.package_id), &self.blobs)?;
        insert(&self.conn, &blob)
    }

    /// The blob, when this node holds all of it. A row whose file was deleted by someone is forgotten.
    pub fn blob(&mut self, id: PackageId) -> Result<Option<BlobInfo>, MarketError> {
        let mut query = self.conn.prepare_cached("SELECT size, leaves FROM blobs WHERE package_id = ?1")?;
        let row: Option<(i64, Vec<u8>)> = query.query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        drop(query);
        let Some((size, leaves)) = row else { return Ok(None) };
        let size = to_u64(size);
        if !has_size(&self.blob_path(id), size) {
            self.forget_blob(id)?;
            return Ok(None);
        }
        let (leaves, rest) = leaves.as_chunks::<32>();
        if !rest.is_empty() {
            return Err(damaged("list of leaf hashes"));
        }
        Ok(Some(BlobInfo { package_id: id, size, leaves: leaves.to_vec() }))
    }

    /// Where the blob's file is, or would be: `<2 hex>/<64 hex>` in the blob folder.
    pub fn blob_path(&self, id: PackageId) -> PathBuf {
        let hex = id.to_string();
        self.blobs.join(hex.get(..2).unwrap_or_default()).join(&hex)
    }

    /// Where partial downloads are kept (same file system as the blobs).
    pub fn incoming_dir(&self) -> PathBuf {
        self.incoming.clone()
    }

    /// The ids of all blobs this node holds, in order.
    pub fn blob_ids(&mut self) -> Result<Vec<PackageId>, MarketError> {
        let mut query = self.conn.prepare_cached("SELECT package_id FROM blobs ORDER BY package_id")?;
        let ids = query.query_map([], |row| Ok(PackageId(row.get(0)?)))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// Forgets the blob and deletes its file. Nothing happens where there is none.
    pub fn remove_blob(&mut self, id: PackageId) -> Result<(), MarketError> {
        self.forget_blob(id)?;
        remove_if_there(&self.blob_path(id))
    }

    fn forget_blob(&mut self, id: PackageId) -> Result<(), MarketError> {
        self.conn.prepare_cached("DELETE FROM blobs WHERE package_id = ?1")?.execute([id.0])?;
        Ok(())
    }

    /// Makes rows and files agree again after a crash, or after someone cleared the cache by hand.
    pub(super) fn reconcile_blobs(&mut self) -> Result<(), MarketError> {
        let mut known = HashSet::new();
        for id in self.blob_ids()? {
            if self.blob(id)?.is_some() {
                known.insert(self.blob_path(id));
            }
        }
        for folder in entries(&self.blobs)? {
            if folder.is_dir() {
                remove_leftovers(&folder, &known)?;
            }
        }
        remove_leftovers(&self.incoming, &known)
    }
}

/// The key was replaced or revoked.
pub(super) fn retired(release: &VerifiedRelease) -> MarketError {
    MarketError::Refused {
        message: format!("the key {} was replaced or revoked and publishes nothing more", release.release().publisher),
        hint: "see with: ggen-p2p-tui key show; a node that runs since before must be restarted to use the new key"
            .into(),
    }
}

fn already_published(release: &VerifiedRelease) -> MarketError {
    let release = release.release();
    MarketError::Refused {
        message: format!("{} {} is already published, with other content", release.name, release.version),
        hint: "a published version never changes: raise the version in the manifest and publish again".into(),
    }
}

/// fsync → rename → fsync of the directories.
fn place(file: NamedTempFile, blob: &BlobInfo, target: &Path, blobs: &Path) -> Result<(), MarketError> {
    let size = file.as_file().metadata().at(Action::Read, file.path())?.len();
    if size != blob.size {
        return Err(MarketError::Mismatch {
            what: format!("the size of blob {}", blob.package_id),
            expected: format!("{} bytes", blob.size),
            got: format!("{size} bytes"),
        });
    }
    let folder = files::parent(target);
    files::create_dir(&folder, 0o700)?;
    file.as_file().sync_all().at(Action::Write, file.path())?;
    match file.persist(target) {
        Ok(_) => {}
        Err(refused) if refused.error.kind() == ErrorKind::CrossesDevices => copy(refused.file, &folder, target)?,
        Err(refused) => return Err(persist(refused.error, target)),
    }
    files::sync_dir(&folder)?;
    files::sync_dir(blobs)
}

/// A temporary directory on another file system costs a copy.
fn copy(mut from: NamedTempFile, folder: &Path, target: &Path) -> Result<(), MarketError> {
    let mut temp = files::temp_file(folder)?;
    from.as_file_mut().rewind().at(Action::Read, target)?;
    std::io::copy(from.as_file_mut(), temp.as_file_mut()).at(Action::Write, target)?;
    temp.as_file().sync_all().at(Action::Write, target)?;
    temp.persist(target).map(drop).map_err(|refused| persist(refused.error, target))
}

fn insert(conn: &Connection, blob: &BlobInfo) -> Result<(), MarketError> {
    let leaves: &[Hash] = &blob.leaves;
    conn.prepare_cached("INSERT OR REPLACE INTO blobs (package_id, size, leaves) VALUES (?1, ?2, ?3)")?
        .execute(params![blob.package_id.0, to_i64(blob.size), leaves.as_flattened()])?;
    Ok(())
}

fn has_size(path: &Path, size: u64) -> bool {
    fs::metadata(path).is_ok_and(|about| about.is_file() && about.len() == size)
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, MarketError> {
    let entries = fs::read_dir(dir).at(Action::List, dir)?;
    entries.map(|entry| Ok(entry.at(Action::List, dir)?.path())).collect()
}

fn remove_leftovers(folder: &Path, known: &HashSet<PathBuf>) -> Result<(), MarketError> {
    for file in entries(folder)? {
        if !known.contains(&file) && is_old(&file) {
            remove_if_there(&file)?;
        }
    }
    Ok(())
}

fn is_old(file: &Path) -> bool {
    let age = |about: fs::Metadata| SystemTime::now().duration_since(about.modified().ok()?).ok();
    fs::symlink_metadata(file).ok().filter(fs::Metadata::is_file).and_then(age).is_some_and(|age| age > LEFTOVER_AGE)
}

fn remove_if_there(file: &Path) -> Result<(), MarketError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other.at(Action::Remove, file),
    }
}
