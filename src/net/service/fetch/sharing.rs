//! A download under way, as its lanes fill it and as others may already draw from it.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::market::error::{Action, MarketError};
use crate::market::merkle::{Hash, LEAF_SIZE};
use crate::market::store::{Partial, PartialLock, Resumed};
use crate::market::{PackageId, VerifiedRelease};

use super::super::super::protocol::ProtocolError;
use super::super::super::protocol::blob::{self, Leaf};
use super::schedule::{LaneId, Schedule};

/// Bytes written at once. Linux takes blocks of memory as large as a write for the page cache, and the large free ones are those
/// that the host of a virtual machine has taken back: a leaf at once often took four times as long there.
const WRITE: usize = 16 * 1024;

/// What lanes, conductor and uploads of one download have in common.
pub struct Sharing {
    id: PackageId,
    size: u64,
    partial: Partial,
    file: Arc<File>,
    /// The signed leaf list, once somebody has given it.
    leaves: OnceLock<Vec<Hash>>,
    schedule: Mutex<Schedule>,
    whole: Mutex<Whole>,
    /// Lanes without work may have some.
    changed: Notify,
}

/// SHA-256 of the bytes from the beginning, as far as they are here without a gap.
#[derive(Default)]
struct Whole {
    hasher: Sha256,
    next: u32,
    /// What is read back.
    buffer: Vec<u8>,
}

impl fmt::Debug for Sharing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sharing({})", self.id)
    }
}

impl Sharing {
    /// Goes on with what `partial` holds, or begins anew. Reads all of it; not for async code.
    pub fn resume(
        release: &VerifiedRelease,
        (mut partial, mut lock): (Partial, PartialLock),
        seed: u64,
    ) -> Result<(Self, PartialLock), MarketError> {
        let signed = release.release();
        let resumed = partial.resume(&signed.merkle_root).map_err(disk)?;
        if resumed.is_none() {
            lock = partial.renew().map_err(disk)?;
        }
        let count = crate::market::merkle::leaf_count(signed.size);
        let sharing = Self {
            id: signed.package_id,
            size: signed.size,
            file: partial.file(),
            partial,
            leaves: OnceLock::new(),
            schedule: Mutex::new(Schedule::new(usize::try_from(count).unwrap_or(usize::MAX), seed)),
            whole: Mutex::default(),
            changed: Notify::new(),
        };
        if let Some(Resumed { leaves, here }) = resumed {
            let mut schedule = sharing.schedule();
            for (index, _) in (0u32..).zip(here).filter(|(_, here)| *here) {
                schedule.here(index);
            }
            drop(schedule);
            let _ = sharing.leaves.set(leaves);
        }
        Ok((sharing, lock))
    }

    pub fn package_id(&self) -> PackageId {
        self.id
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    /// Leaf hashes, once they are known.
    pub fn leaves(&self) -> Option<&[Hash]> {
        self.leaves.get().map(Vec::as_slice)
    }

    /// The lock is never held across an await.
    pub fn schedule(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_complete(&self) -> bool {
        self.schedule().left() == 0
    }

    /// Leaves that are here.
    pub fn here(&self) -> Vec<bool> {
        self.schedule().bitmap().collect()
    }

    /// Bytes and leaves that are here.
    pub fn progress(&self) -> (u64, u64) {
        let schedule = self.schedule();
        let leaves = schedule.all() - schedule.left();
        // All are of one length but the last.
        let last = u32::try_from(schedule.all().saturating_sub(1)).unwrap_or(u32::MAX);
        let short = if schedule.is_here(last) { LEAF_SIZE - self.length(last) } else { 0 };
        ((leaves * LEAF_SIZE - short) as u64, leaves as u64)
    }

    /// Takes the leaf list, whose root must be the signed one, where none is known yet. Writes; not for async code.
    pub fn begin(&self, leaves: Vec<Hash>) -> Result<(), ProtocolError> {
        // Lanes that open at the same time bring the same list, and the second waits for the first.
        let _turn = self.whole();
        if self.leaves.get().is_none() {
            self.partial.begin(&leaves).map_err(disk)?;
            let _ = self.leaves.set(leaves);
        }
        Ok(())
    }

    /// Verifies a leaf and puts it in its place; gives whether it is new. Not for async code.
    pub fn take(&self, lane: LaneId, leaf: &Leaf) -> Result<bool, ProtocolError> {
        let (index, bytes) = (leaf.index, leaf.bytes());
        let expected = self.leaves().and_then(|leaves| leaves.get(index as usize)).ok_or(ProtocolError::Unexpected)?;
        blob::check(leaf, expected)?;
        // A hash that fits a leaf of another length would be a broken hash; the file's size is what was signed all the same.
        if bytes.len() != self.length(index) {
            return Err(ProtocolError::Lie(format!("leaf {index}: another length than was signed")));
        }
        if !self.schedule().is_here(index) {
            self.write(index, bytes).map_err(disk)?;
        }
        let is_new = self.schedule().arrived(lane, index, Instant::now());
        if is_new {
            self.hash_on(index, bytes)?;
        }
        self.changed.notify_waiters();
        Ok(is_new)
    }

    fn write(&self, index: u32, bytes: &[u8]) -> std::io::Result<()> {
        let mut at = offset(index);
        for piece in bytes.chunks(WRITE) {
            self.file.write_all_at(piece, at)?;
            at += piece.len() as u64;
        }
        Ok(())
    }

    fn length(&self, index: u32) -> usize {
        usize::try_from(self.size.saturating_sub(offset(index))).unwrap_or(LEAF_SIZE).min(LEAF_SIZE)
    }

    /// Goes on with the hash of the whole as far as that is possible now; what came before its turn is read back.
    fn hash_on(&self, index: u32, bytes: &[u8]) -> Result<(), ProtocolError> {
        // Whoever is at it takes along what has come meanwhile, or the end does.
        let Ok(mut whole) = self.whole.try_lock() else { return Ok(()) };
        if whole.next == index {
            whole.hasher.update(bytes);
            whole.next += 1;
        }
        self.catch_up(&mut whole)
    }

    fn catch_up(&self, whole: &mut Whole) -> Result<(), ProtocolError> {
        while self.schedule().is_here(whole.next) {
            let Whole { hasher, next, buffer } = &mut *whole;
            buffer.resize(self.length(*next), 0);
            self.file.read_exact_at(buffer, offset(*next)).map_err(disk)?;
            hasher.update(buffer);
            *next += 1;
        }
        Ok(())
    }

    /// Every leaf is the signed one; what is left is whether the publisher signed a package id that fits them. Hashes what is
    /// not hashed yet; not for async code.
    pub fn check_whole(&self) -> Result<(), ProtocolError> {
        let mut whole = self.whole();
        self.catch_up(&mut whole)?;
        let (id, got) = (self.id, PackageId(std::mem::take(&mut *whole).hasher.finalize().into()));
        if got == id {
            return Ok(());
        }
        Err(ProtocolError::Signed(format!("the publisher signed package id {id}, but the signed bytes have {got}")))
    }

    /// For reading leaves that are here.
    pub fn file(&self) -> Arc<File> {
        self.file.clone()
    }

    pub fn partial(&self) -> &Partial {
        &self.partial
    }

    /// Somebody left, or has more: others may have work now.
    pub fn stir(&self) {
        self.changed.notify_waiters();
    }

    /// Returns when there may be work, or after `limit`.
    pub async fn changed(&self, limit: Duration) {
        let _ = timeout(limit, self.changed.notified()).await;
    }

    fn whole(&self) -> MutexGuard<'_, Whole> {
        self.whole.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn offset(index: u32) -> u64 {
    u64::from(index) * LEAF_SIZE as u64
}

pub fn disk(error: std::io::Error) -> MarketError {
    MarketError::io(Action::Write, Path::new("the download"), error)
}

/// Downloads under way, for those who ask for what is here of them. At most as many as installs and the mirror have at a time.
#[derive(Default)]
pub struct Downloads {
    inner: Mutex<HashMap<PackageId, Weak<Sharing>>>,
}

impl Downloads {
    pub(super) fn add(&self, sharing: &Arc<Sharing>) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.retain(|_, sharing| sharing.strong_count() > 0);
        inner.insert(sharing.id, Arc::downgrade(sharing));
    }

    /// The download of `package`, once its leaf list is known.
    pub fn of(&self, package: PackageId) -> Option<Arc<Sharing>> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.get(&package).and_then(Weak::upgrade).filter(|sharing| sharing.leaves.get().is_some())
    }
}
