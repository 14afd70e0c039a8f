//! The blob folder: complete archives, named by their hash.

use std::collections::HashSet;
use std::fs;
use std::io::{ErrorKind, Seek};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};
use tempfile::NamedTempFile;

use super::convert::{persist, to_i64, to_u64};
use super::intake::accept_in;
use super::partial::partial_id;
use super::{Accepted, BlobInfo, Db};
use crate::market::archive::{self, Packed};
use crate::market::error::{Action, IoContext};
use crate::market::merkle::{BlobDigest, Hash, leaf_count};
use crate::market::{MarketError, PackageId, Severity, VerifiedRelease, files};

/// Damaged files kept for whoever wants to look at them; more push out the oldest.
const QUARANTINED: usize = 16;

/// What became of a blob that was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The bytes are the ones that its name says.
    Sound,
    /// They are not: the file is in quarantine now.
    Torn,
    /// There is no such blob.
    Gone,
}

/// Hashes a file of the blob folder. Takes as long as it is large; not for async code, nor for the database thread.
pub fn digest(file: &Path) -> std::io::Result<BlobDigest> {
    let source = fs::File::open(file)?;
    let size = source.metadata()?.len();
    archive::digest(&source, size)
}

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
        place(packed.archive, &blob, &target, &self.place.blobs)?;
        insert(&tx, &blob)?;
        tx.commit()?;
        self.vetted.insert(blob.package_id);
        Ok(())
    }

    /// Moves a completely downloaded, verified file into the blob folder. `file` must be on the same file system.
    pub fn store_blob(&mut self, file: NamedTempFile, blob: BlobInfo) -> Result<(), MarketError> {
        place(file, &blob, &self.blob_path(blob.package_id), &self.place.blobs)?;
        insert(&self.conn, &blob)?;
        self.vetted.insert(blob.package_id);
        Ok(())
    }

    /// The blob, when this node holds all of it. A row whose file was deleted by someone, or cut short, is forgotten.
    pub fn blob(&mut self, id: PackageId) -> Result<Option<BlobInfo>, MarketError> {
        let mut query = self.conn.prepare_cached("SELECT size, leaves FROM blobs WHERE package_id = ?1")?;
        let row: Option<(i64, Vec<u8>)> = query.query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        drop(query);
        let Some((size, leaves)) = row else { return Ok(None) };
        let size = to_u64(size);
        let (leaves, rest) = leaves.as_chunks::<32>();
        let fits = rest.is_empty() && leaves.len() as u64 == leaf_count(size) && has_size(&self.blob_path(id), size);
        if !fits && self.examine(id)? != Condition::Sound {
            return Ok(None);
        }
        if !fits {
            // The row was wrong, the file was not.
            return self.blob(id);
        }
        Ok(Some(BlobInfo { package_id: id, size, leaves: leaves.to_vec() }))
    }

    /// Notes that the blob was of use, so that the quota takes others first. To the hour: it need not cost a write each time.
    pub fn touch_blob(&mut self, id: PackageId) -> Result<(), MarketError> {
        let touch = "UPDATE blobs SET used_at = unixepoch() WHERE package_id = ?1 AND used_at < unixepoch() - 3600";
        self.conn.prepare_cached(touch)?.execute([id.0])?;
        Ok(())
    }

    /// Takes note of what [`digest`] found in the blob's file: a wrong row is put right, a wrong file put into quarantine.
    pub fn judge_blob(&mut self, id: PackageId, found: BlobDigest) -> Result<Condition, MarketError> {
        if found.sha256 != id.0 {
            self.quarantine(id)?;
            return Ok(Condition::Torn);
        }
        let known = "SELECT 1 FROM blobs WHERE package_id = ?1 AND size = ?2 AND leaves = ?3";
        let values = params![id.0, to_i64(found.size), found.leaves.as_flattened()];
        if !self.conn.prepare_cached(known)?.exists(values)? {
            tracing::warn!(package = %id, "what was noted of a stored blob was damaged and is put right");
            insert(&self.conn, &BlobInfo { package_id: id, size: found.size, leaves: found.leaves })?;
        }
        self.vetted.insert(id);
        Ok(Condition::Sound)
    }

    /// Whether the blob was stored or found sound since the store was opened.
    pub fn is_vetted(&self, id: PackageId) -> bool {
        self.vetted.contains(&id)
    }

    /// Reads the blob's file through and takes the consequences.
    fn examine(&mut self, id: PackageId) -> Result<Condition, MarketError> {
        let path = self.blob_path(id);
        match digest(&path) {
            Ok(found) => self.judge_blob(id, found),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.forget_blob(id)?;
                Ok(Condition::Gone)
            }
            Err(error) => Err(MarketError::io(Action::Read, &path, error)),
        }
    }

    /// Moves the file away from where it would be given to others or installed from.
    pub fn quarantine(&mut self, id: PackageId) -> Result<(), MarketError> {
        let (from, to) = (self.blob_path(id), self.place.quarantine.join(id.to_string()));
        files::create_dir(&self.place.quarantine, 0o700)?;
        match fs::rename(&from, &to) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            other => other.at(Action::Rename, &from)?,
        }
        self.forget_blob(id)?;
        tracing::warn!(package = %id, "a stored blob is damaged; it was moved to {}", to.display());
        self.repairs.push(format!("a stored blob was damaged and is now in {}", to.display()));
        let mut kept = entries(&self.place.quarantine)?;
        kept.sort_by_key(|file| fs::metadata(file).and_then(|about| about.modified()).ok());
        let surplus = kept.len().saturating_sub(QUARANTINED);
        kept.iter().take(surplus).try_for_each(|file| remove_if_there(file))
    }

    /// Where the blob's file is, or would be: `<2 hex>/<64 hex>` in the blob folder.
    pub fn blob_path(&self, id: PackageId) -> PathBuf {
        let hex = id.to_string();
        self.place.blobs.join(hex.get(..2).unwrap_or_default()).join(&hex)
    }

    /// Where partial downloads are kept (same file system as the blobs).
    pub fn incoming_dir(&self) -> PathBuf {
        self.place.incoming.clone()
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
        self.vetted.remove(&id);
        self.conn.prepare_cached("DELETE FROM blobs WHERE package_id = ?1")?.execute([id.0])?;
        Ok(())
    }

    /// Makes rows and files agree again after a crash, or after someone cleared the cache by hand. Only while nobody else has
    /// the store open: what has no row might be about to get one. `complete`: no rows are known to be lost.
    pub(super) fn reconcile_blobs(&mut self, complete: bool) -> Result<(), MarketError> {
        let mut known = HashSet::new();
        for id in self.blob_ids()? {
            if self.blob(id)?.is_some() {
                known.insert(self.blob_path(id));
            }
        }
        for folder in entries(&self.place.blobs)? {
            if folder.is_dir() {
                for file in entries(&folder)?.into_iter().filter(|file| !known.contains(file)) {
                    self.adopt_or_remove(&file, complete)?;
                }
            }
        }
        for file in entries(&self.place.incoming)? {
            // A download goes on where it was, unless it is done.
            if partial_id(&file).is_none_or(|id| known.contains(&self.blob_path(id))) {
                remove_if_there(&file)?;
            }
        }
        Ok(())
    }

    /// A file without a row is what a crash left of a publish or download, unless the row was lost: then a release tells.
    fn adopt_or_remove(&mut self, file: &Path, complete: bool) -> Result<(), MarketError> {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some(id) = name.parse::<PackageId>().ok().filter(|id| self.blob_path(*id) == file) else {
            return remove_if_there(file);
        };
        let of_it = "SELECT 1 FROM releases WHERE substr(package_id, 1, 8) = substr(?1, 1, 8) AND package_id = ?1";
        let released = self.conn.prepare_cached(of_it)?.exists([id.0])?;
        if complete && !released {
            return remove_if_there(file);
        }
        self.examine(id).map(drop)
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
    conn.prepare_cached(
        "INSERT OR REPLACE INTO blobs (package_id, size, leaves, used_at) VALUES (?1, ?2, ?3, unixepoch())",
    )?
    .execute(params![blob.package_id.0, to_i64(blob.size), leaves.as_flattened()])?;
    Ok(())
}

fn has_size(path: &Path, size: u64) -> bool {
    fs::metadata(path).is_ok_and(|about| about.is_file() && about.len() == size)
}

pub(super) fn entries(dir: &Path) -> Result<Vec<PathBuf>, MarketError> {
    let entries = fs::read_dir(dir).at(Action::List, dir)?;
    entries.map(|entry| Ok(entry.at(Action::List, dir)?.path())).collect()
}

pub(super) fn remove_if_there(file: &Path) -> Result<(), MarketError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other.at(Action::Remove, file),
    }
}
