//! One at a time for each name, package or whatever else is taken in turns.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::OwnedMutexGuard;

/// A lock for each key that somebody holds or waits for.
pub struct Turns<K> {
    locks: Mutex<HashMap<K, Weak<tokio::sync::Mutex<()>>>>,
}

impl<K> Default for Turns<K> {
    fn default() -> Self {
        Self { locks: Mutex::default() }
    }
}

impl<K: Clone + Eq + Hash> Turns<K> {
    /// Waits for the turn of `key`; it ends when the guard is dropped.
    pub async fn take(&self, key: &K) -> OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
            locks.retain(|_, lock| lock.strong_count() > 0);
            match locks.get(key).and_then(Weak::upgrade) {
                Some(lock) => lock,
                None => {
                    let lock = Arc::default();
                    locks.insert(key.clone(), Arc::downgrade(&lock));
                    lock
                }
            }
        };
        lock.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_key_one_turn_and_no_key_is_kept() {
        let turns = Turns::default();
        let first = turns.take(&1).await;
        let _other = turns.take(&2).await;
        let waiting = turns.take(&1);
        tokio::pin!(waiting);
        assert!(futures::poll!(&mut waiting).is_pending());
        drop(first);
        drop(waiting.await);
        drop(turns.take(&3).await);
        assert!(turns.locks.lock().unwrap().len() <= 2);
    }
}
