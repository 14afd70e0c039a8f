//! The catalogue as a negentropy set, off the async threads.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use negentropy::{Bound, Error, Id, Item, Negentropy, NegentropyStorageBase};
use tokio::task::spawn_blocking;

use crate::market::error::MarketErrorKind;
use crate::market::store::SyncSet;
use crate::market::{Db, MarketError, ReleaseId};

use super::super::super::context::Context;
use super::super::ProtocolError;
use super::message::NEGENTROPY_FRAME;
use super::window;

/// A side of a reconciliation: this node's releases as they were when it began.
pub struct Set<S: 'static = Catalogue> {
    negentropy: Negentropy<'static, S>,
    /// Unix seconds; only what is not older takes part.
    since: u64,
    failure: Failure,
}

/// Why the storage could not be read: negentropy has no error for that.
type Failure = Arc<Mutex<Option<MarketError>>>;

/// What one round brought the initiator.
#[derive(Default)]
pub struct Round {
    /// The next message; none when reconciled.
    pub next: Option<Vec<u8>>,
    /// In this catalogue only.
    pub have: Vec<ReleaseId>,
    /// In the other's only.
    pub need: Vec<ReleaseId>,
}

impl Set {
    /// The catalogue as it is now, as far as it is not older than `since` (Unix seconds).
    pub async fn of(context: &Context, since: u64) -> Result<Self, ProtocolError> {
        let home = context.home.clone();
        let opened = spawn_blocking(move || SyncSet::open(&home, since));
        let set = match opened.await.map_err(|_| stopped())? {
            Ok(set) => set,
            Err(error) => {
                if matches!(error, MarketError::Database { kind: MarketErrorKind::Damaged, .. }) {
                    context.store.run(Db::rebuild).await?;
                }
                return Err(error.into());
            }
        };
        let failure = Failure::default();
        let storage = Catalogue { set: Mutex::new(set), failure: failure.clone() };
        let negentropy = Negentropy::owned(storage, NEGENTROPY_FRAME).map_err(refused)?;
        Ok(Self { negentropy, since, failure })
    }
}

impl<S: NegentropyStorageBase + Send + Sync> Set<S> {
    /// Of any items, as they are.
    #[cfg(any(test, fuzzing))]
    pub(in crate::net) fn over(storage: S) -> Result<Self, Error> {
        Ok(Self { negentropy: Negentropy::owned(storage, NEGENTROPY_FRAME)?, since: 0, failure: Failure::default() })
    }

    /// The initiator's first message.
    pub async fn initiate(self) -> Result<(Self, Vec<u8>), ProtocolError> {
        let since = self.since;
        let (set, first) = self.blocking(Negentropy::initiate).await?;
        Ok((set, window::only_since(since, first)))
    }

    /// The responder's answer to `query`.
    pub async fn answer(self, query: Vec<u8>) -> Result<(Self, Vec<u8>), ProtocolError> {
        self.blocking(move |negentropy| negentropy.reconcile(&query)).await
    }

    /// The initiator's next step after `answer`.
    pub async fn step(self, answer: Vec<u8>) -> Result<(Self, Round), ProtocolError> {
        self.blocking(move |negentropy| {
            let (mut have, mut need) = (Vec::new(), Vec::new());
            let next = negentropy.reconcile_with_ids(&answer, &mut have, &mut need)?;
            Ok(Round { next, have: releases(have), need: releases(need) })
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        mut self,
        job: impl FnOnce(&mut Negentropy<'static, S>) -> Result<T, Error> + Send + 'static,
    ) -> Result<(Self, T), ProtocolError> {
        let done = spawn_blocking(move || {
            let done = job(&mut self.negentropy);
            (self, done)
        });
        let (set, done) = done.await.map_err(|_| stopped())?;
        let failed = lock(&set.failure).take();
        if let Some(error) = failed {
            return Err(error.into());
        }
        Ok((set, done.map_err(refused)?))
    }
}

fn releases(ids: Vec<Id>) -> Vec<ReleaseId> {
    ids.into_iter().map(|id| ReleaseId(id.to_bytes())).collect()
}

fn refused(error: Error) -> ProtocolError {
    ProtocolError::Sync(error.to_string())
}

fn stopped() -> ProtocolError {
    ProtocolError::Local(MarketError::Failed("a worker stopped".into()))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The items where they lie in the database.
pub struct Catalogue {
    /// Never waited for: a set is used by one at a time, which negentropy cannot know.
    set: Mutex<SyncSet>,
    failure: Failure,
}

impl Catalogue {
    fn failed(&self, error: MarketError) -> Error {
        lock(&self.failure).get_or_insert(error);
        Error::BadRange
    }
}

impl NegentropyStorageBase for Catalogue {
    fn size(&self) -> Result<usize, Error> {
        Ok(lock(&self.set).len())
    }

    fn get_item(&self, number: usize) -> Result<Option<Item>, Error> {
        let mut found = None;
        self.iterate(number, number.saturating_add(1), &mut |item, _| {
            found = Some(item);
            Ok(true)
        })?;
        Ok(found)
    }

    fn iterate(
        &self,
        begin: usize,
        end: usize,
        each: &mut dyn FnMut(Item, usize) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let mut stopped = Ok(());
        let read = lock(&self.set).each(begin, end, |number, at, id| {
            let item = Item::with_timestamp_and_id(at, Id::from_byte_array(id.0));
            each(item, number).unwrap_or_else(|error| {
                stopped = Err(error);
                false
            })
        });
        read.map_err(|error| self.failed(error))?;
        stopped
    }

    fn find_lower_bound(&self, first: usize, last: usize, bound: &Bound) -> usize {
        let Item { timestamp, id } = bound.item;
        let found = lock(&self.set).lower_bound(timestamp, ReleaseId(id.to_bytes()));
        found.map_or_else(
            |error| {
                self.failed(error);
                last
            },
            |found| found.clamp(first, last),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::protocol::sync::message::MAX_MESSAGE;
    use negentropy::NegentropyStorageVector;
    use std::collections::HashSet;

    /// In memory, as the crate has it.
    fn set(items: impl Iterator<Item = (u64, ReleaseId)>) -> Set<NegentropyStorageVector> {
        let mut storage = NegentropyStorageVector::new();
        items.for_each(|(at, id)| storage.insert(at, Id::from_byte_array(id.0)).unwrap());
        storage.seal().unwrap();
        Set::over(storage).unwrap()
    }

    fn item(n: u64) -> (u64, ReleaseId) {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        id[8..16].copy_from_slice(&n.to_be_bytes());
        // Many share a second, as after a bulk publish.
        (1_700_000_000 + n / 50, ReleaseId(id))
    }

    #[tokio::test]
    async fn two_sets_learn_their_differences_within_the_message_limit() {
        let ours = set((0..6000).map(item));
        let mut theirs = set((1000..9000).map(item));
        let (mut ours, mut message) = ours.initiate().await.unwrap();
        let (mut have, mut need) = (HashSet::new(), HashSet::new());
        loop {
            assert!(message.len() < MAX_MESSAGE / 4, "{} bytes", message.len());
            let answer;
            (theirs, answer) = theirs.answer(message).await.unwrap();
            let round;
            (ours, round) = ours.step(answer).await.unwrap();
            have.extend(round.have);
            need.extend(round.need);
            match round.next {
                Some(next) => message = next,
                None => break,
            }
        }
        assert_eq!(have, (0..1000).map(|n| item(n).1).collect());
        assert_eq!(need, (6000..9000).map(|n| item(n).1).collect());
    }

    #[tokio::test]
    async fn garbage_is_an_error() {
        let set = set((0..100).map(item));
        // A list of five ids, and none of them.
        assert!(set.answer(vec![0x61, 0, 0, 2, 5]).await.is_err());
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        #[test]
        fn any_message_is_survived(mut bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            bytes.insert(0, 0x61);
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            for message in [bytes.clone(), bytes.split_off(1)] {
                let set = || set((0..50).map(item));
                // A panic on the worker would come as an error of this node's own.
                for error in [
                    runtime.block_on(set().answer(message.clone())).err(),
                    runtime.block_on(async { set().initiate().await?.0.step(message).await.map(drop) }).err(),
                ] {
                    proptest::prop_assert!(!matches!(error, Some(ProtocolError::Local(_))), "{error:?}");
                }
            }
        }
    }
}
