//! Downloads under way: a file each in the folder for incoming files, which outlives a crash.
//!
//! It has a place for every byte of the archive and, behind them, the leaf list that the publisher signed. Which leaves are there
//! is found out by hashing them: nothing that a crash or a failing disk may have changed is taken on trust.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;
use tempfile::{NamedTempFile, TempPath};

use super::Db;
use super::blobs::{digest, entries, remove_if_there};
use crate::market::error::{Action, IoContext};
use crate::market::merkle::{self, Hash, LEAF_SIZE, leaf_count};
use crate::market::{MarketError, PackageId, files};

/// Ends the names of these files; before it stands the package id.
const SUFFIX: &str = ".part";
/// How long one that nobody goes on with is kept.
const KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 3600);
/// Bytes of the blocks that a file's size on disk is counted in (POSIX `stat`).
const BLOCK: u64 = 512;

/// The file of one download.
#[derive(Debug)]
pub struct Partial {
    path: PathBuf,
    file: Arc<File>,
    size: u64,
}

/// While it is there, no tidying takes the file away, and nobody else begins the same download. Has a handle of its own, as a
/// lock lasts as long as any copy of its handle, and who reads from the file may have one for long.
#[derive(Debug)]
pub struct PartialLock {
    _handle: File,
}

/// What an earlier attempt left: the leaf list, and for each leaf whether it is there.
pub struct Resumed {
    pub leaves: Vec<Hash>,
    pub here: Vec<bool>,
}

impl Db {
    /// Opens what there is of a download of `size` bytes, or makes it. What others left behind makes room within `quota`.
    ///
    /// # Errors
    /// Failed: it is being downloaded already. Otherwise those of the disk.
    pub fn open_partial(
        &mut self,
        id: PackageId,
        size: u64,
        quota: u64,
    ) -> Result<(Partial, PartialLock), MarketError> {
        let path = self.place.incoming.join(format!("{id}{SUFFIX}"));
        let file = open(&path, true).at(Action::Create, &path)?;
        let lock = open(&path, false).at(Action::Read, &path)?;
        lock.try_lock().map_err(|_| MarketError::Failed(format!("{id} is being downloaded already")))?;
        self.tidy_partials(quota.saturating_sub(size))?;
        Ok((Partial { path, file: Arc::new(file), size }, PartialLock { _handle: lock }))
    }

    /// Removes what is left of downloads too long ago, and the oldest of the others until they take at most `room` bytes.
    pub fn tidy_partials(&mut self, room: u64) -> Result<(), MarketError> {
        let mut used = 0u64;
        for idle in self.idle()? {
            used = used.saturating_add(idle.bytes);
            let is_old = idle.modified.elapsed().is_ok_and(|age| age > KEPT_FOR);
            if is_old || used > room {
                used = used.saturating_sub(idle.bytes);
                remove_if_there(&idle.path)?;
            }
        }
        Ok(())
    }

    /// Those that nobody goes on with, the last used first.
    fn idle(&self) -> Result<Vec<Idle>, MarketError> {
        let mut found = Vec::new();
        for path in entries(&self.place.incoming)?.into_iter().filter(|path| partial_id(path).is_some()) {
            let Ok(file) = open(&path, false) else { continue };
            let about = file.metadata().at(Action::Read, &path)?;
            if file.try_lock().is_ok() {
                let modified = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                found.push(Idle { path, modified, bytes: about.blocks().saturating_mul(BLOCK) });
            }
        }
        found.sort_by_key(|idle| std::cmp::Reverse(idle.modified));
        Ok(found)
    }
}

struct Idle {
    path: PathBuf,
    modified: SystemTime,
    /// On disk: what is not there yet takes no place.
    bytes: u64,
}

/// Whose download a file in the folder for incoming files is.
pub(super) fn partial_id(path: &Path) -> Option<PackageId> {
    path.file_name()?.to_str()?.strip_suffix(SUFFIX)?.parse().ok()
}

fn open(path: &Path, create: bool) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW.bits().cast_signed();
    OpenOptions::new().read(true).write(true).create(create).mode(0o600).custom_flags(flags).open(path)
}

impl Partial {
    /// For reading leaves that are known to be there, and for writing such as were verified.
    pub fn file(&self) -> Arc<File> {
        self.file.clone()
    }

    /// What is there of a download whose leaves have this Merkle root. Reads all of it.
    pub fn resume(&self, root: &Hash) -> io::Result<Option<Resumed>> {
        let length = self.file.metadata()?.len();
        if length == self.size {
            // A crash between its last byte and its way into the blob folder.
            let found = digest(&self.path)?;
            let count = found.leaves.len();
            let whole = found.merkle_root() == *root && found.size == self.size;
            return Ok(whole.then(|| Resumed { leaves: found.leaves, here: vec![true; count] }));
        }
        let Some(leaves) = self.list(length)?.filter(|leaves| merkle::root(leaves) == *root) else { return Ok(None) };
        let mut buffer = vec![0; LEAF_SIZE];
        let mut here = Vec::with_capacity(leaves.len());
        for (index, leaf) in (0u64..).zip(&leaves) {
            let bytes = self.read(index, &mut buffer)?;
            here.push(merkle::leaf_hash(bytes) == *leaf);
        }
        Ok(Some(Resumed { leaves, here }))
    }

    /// The leaf list behind the bytes, unverified.
    fn list(&self, length: u64) -> io::Result<Option<Vec<Hash>>> {
        let count = leaf_count(self.size);
        if length != self.size.saturating_add(count * size_of::<Hash>() as u64) {
            return Ok(None);
        }
        let mut leaves: Vec<Hash> = vec![Hash::default(); usize::try_from(count).unwrap_or(0)];
        self.file.read_exact_at(leaves.as_flattened_mut(), self.size)?;
        Ok(Some(leaves))
    }

    fn read<'a>(&self, leaf: u64, buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
        let offset = leaf * LEAF_SIZE as u64;
        let length = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(LEAF_SIZE).min(LEAF_SIZE);
        let bytes = buffer.get_mut(..length).unwrap_or_default();
        self.file.read_exact_at(bytes, offset)?;
        Ok(bytes)
    }

    /// Begins anew: in a file of its own, as somebody who gave up may still be writing to the old one.
    pub fn renew(&mut self) -> io::Result<PartialLock> {
        let new = tempfile::Builder::new().prefix("new-").tempfile_in(files::parent(&self.path))?;
        let lock = new.reopen()?;
        lock.try_lock()?;
        self.file = Arc::new(new.persist(&self.path)?);
        Ok(PartialLock { _handle: lock })
    }

    /// Takes the leaf list, which must be the signed one.
    pub fn begin(&self, leaves: &[Hash]) -> io::Result<()> {
        self.file.set_len(self.size)?;
        self.file.write_all_at(leaves.as_flattened(), self.size)
    }

    /// Takes the leaf list off: what remains is the archive, which is gone with the returned file unless that is stored.
    pub fn finish(&self) -> Result<NamedTempFile, MarketError> {
        self.file.set_len(self.size).at(Action::Write, &self.path)?;
        let path = TempPath::try_from_path(&self.path).at(Action::Read, &self.path)?;
        Ok(NamedTempFile::from_parts(self.file.try_clone().at(Action::Read, &self.path)?, path))
    }

    /// Takes the file away.
    pub fn remove(&self) -> Result<(), MarketError> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other.at(Action::Remove, &self.path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Home;
    use crate::market::merkle::BlobHasher;
    use crate::market::store::BlobInfo;

    const SIZE: usize = 3 * LEAF_SIZE + 100;

    struct Sample {
        bytes: Vec<u8>,
        leaves: Vec<Hash>,
        root: Hash,
        id: PackageId,
    }

    fn sample(seed: u8) -> Sample {
        let bytes: Vec<u8> = (0..SIZE).map(|n| (n / 7) as u8 ^ seed).collect();
        let mut hasher = BlobHasher::default();
        hasher.update(&bytes);
        let digest = hasher.finish();
        Sample { bytes, root: digest.merkle_root(), id: PackageId(digest.sha256), leaves: digest.leaves }
    }

    fn opened(db: &mut Db, sample: &Sample) -> (Partial, PartialLock) {
        db.open_partial(sample.id, SIZE as u64, 1 << 30).expect("a partial file")
    }

    fn put(partial: &Partial, sample: &Sample, leaf: usize) {
        let bytes = sample.bytes.chunks(LEAF_SIZE).nth(leaf).expect("a leaf");
        partial.file().write_all_at(bytes, (leaf * LEAF_SIZE) as u64).expect("written");
    }

    fn here(partial: &Partial, sample: &Sample) -> Option<Vec<bool>> {
        partial.resume(&sample.root).expect("read").map(|resumed| resumed.here)
    }

    #[test]
    fn what_a_crash_left_is_found_by_its_hashes_and_survives_opening() {
        let dir = tempfile::tempdir().expect("temp dir");
        let home = Home::new(dir.path());
        let mut db = Db::open(&home).expect("open");
        let sample = sample(1);
        let (mut partial, first) = opened(&mut db, &sample);
        assert_eq!(here(&partial, &sample), None);
        let lock = partial.renew().expect("a new file");
        drop(first);
        partial.begin(&sample.leaves).expect("begun");
        assert_eq!(here(&partial, &sample), Some(vec![false; 4]));
        put(&partial, &sample, 1);
        put(&partial, &sample, 3);
        // A page of a third leaf that never reached the disk.
        put(&partial, &sample, 2);
        partial.file().write_all_at(&[0; 4096], 2 * LEAF_SIZE as u64 + 8192).expect("written");
        let error = db.open_partial(sample.id, SIZE as u64, 1 << 30).expect_err("in use");
        assert!(error.to_string().contains("already"), "{error}");
        drop((partial, lock, db));

        let mut db = Db::open(&home).expect("reopen");
        let (partial, lock) = opened(&mut db, &sample);
        assert_eq!(here(&partial, &sample), Some(vec![false, true, false, true]));
        assert_eq!(partial.resume(&[9; 32]).expect("read").map(|resumed| resumed.here), None, "another leaf list");
        put(&partial, &sample, 0);
        put(&partial, &sample, 2);
        // A crash after the leaf list was taken off.
        drop(partial.finish().expect("finished").keep().expect("kept"));
        drop((partial, lock, db));
        let mut db = Db::open(&home).expect("reopen");
        let (partial, _lock) = opened(&mut db, &sample);
        assert_eq!(here(&partial, &sample), Some(vec![true; 4]));

        let blob = BlobInfo { package_id: sample.id, size: SIZE as u64, leaves: sample.leaves.clone() };
        db.store_blob(partial.finish().expect("finished"), blob).expect("stored");
        assert_eq!(fs::read(db.blob_path(sample.id)).expect("the blob"), sample.bytes);
        assert_eq!(entries(&db.incoming_dir()).expect("listed"), Vec::<PathBuf>::new());
    }

    #[test]
    fn what_is_left_behind_keeps_to_its_room_and_time() {
        let dir = tempfile::tempdir().expect("temp dir");
        let mut db = Db::open(&Home::new(dir.path())).expect("open");
        let samples: Vec<_> = (1..=4).map(sample).collect();
        for (age, sample) in samples.iter().enumerate().map(|(n, sample)| (4 - n as u64, sample)) {
            let (partial, _lock) = opened(&mut db, sample);
            partial.begin(&sample.leaves).expect("begun");
            put(&partial, sample, 0);
            let days = Duration::from_secs(age * 3 * 24 * 3600);
            partial.file().set_modified(SystemTime::now() - days).expect("aged");
        }
        let left = |db: &Db| entries(&db.incoming_dir()).expect("listed").len();
        assert_eq!(left(&db), 2, "those of nine and twelve days ago are gone");
        let used = db.idle().expect("listed").iter().map(|idle| idle.bytes).sum();
        db.tidy_partials(used).expect("tidied");
        assert_eq!(left(&db), 2);
        db.tidy_partials(used - 1).expect("tidied");
        assert_eq!(left(&db), 1);
        // The one that is in use stays whatever the room.
        let (_, newest) = opened(&mut db, &samples[3]);
        db.tidy_partials(0).expect("tidied");
        assert_eq!(left(&db), 1);
        drop(newest);
        db.tidy_partials(0).expect("tidied");
        assert_eq!(left(&db), 0);
    }

    #[test]
    fn nothing_stays_of_what_is_a_blob_or_no_download() {
        let dir = tempfile::tempdir().expect("temp dir");
        let home = Home::new(dir.path());
        let mut db = Db::open(&home).expect("open");
        let sample = sample(1);
        let (partial, lock) = opened(&mut db, &sample);
        partial.begin(&sample.leaves).expect("begun");
        (0..4).for_each(|leaf| put(&partial, &sample, leaf));
        let blob = BlobInfo { package_id: sample.id, size: SIZE as u64, leaves: sample.leaves.clone() };
        db.store_blob(partial.finish().expect("finished"), blob).expect("stored");
        drop((partial, lock));
        drop(opened(&mut db, &sample));
        fs::write(db.incoming_dir().join("fetch-x"), "x").expect("written");
        fs::write(db.incoming_dir().join("short.part"), "x").expect("written");
        drop(db);
        let db = Db::open(&home).expect("reopen");
        assert_eq!(entries(&db.incoming_dir()).expect("listed"), Vec::<PathBuf>::new());
    }
}
