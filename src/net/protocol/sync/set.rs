//! The catalogue as a negentropy set, off the async threads.

use negentropy::{Id, Negentropy, NegentropyStorageVector};
use tokio::task::spawn_blocking;

use crate::market::{MarketError, ReleaseId};

use super::super::super::context::Context;
use super::super::ProtocolError;
use super::message::NEGENTROPY_FRAME;

/// A side of a reconciliation: this node's releases as they were when it began.
pub struct Set(Negentropy<'static, NegentropyStorageVector>);

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
    /// The catalogue as it is now.
    pub async fn of(context: &Context) -> Result<Self, ProtocolError> {
        let items = context.store.run(|db| db.sync_items()).await?;
        blocking(move || Self::new(items)).await
    }

    pub(in crate::net) fn new(items: Vec<(u64, ReleaseId)>) -> Result<Self, negentropy::Error> {
        let mut storage = NegentropyStorageVector::with_capacity(items.len());
        for (at, id) in items {
            storage.insert(at, Id::from_byte_array(id.0))?;
        }
        storage.seal()?;
        Negentropy::owned(storage, NEGENTROPY_FRAME).map(Self)
    }

    /// The initiator's first message.
    pub async fn initiate(mut self) -> Result<(Self, Vec<u8>), ProtocolError> {
        blocking(move || self.0.initiate().map(|first| (self, first))).await
    }

    /// The responder's answer to `query`.
    pub async fn answer(mut self, query: Vec<u8>) -> Result<(Self, Vec<u8>), ProtocolError> {
        blocking(move || self.0.reconcile(&query).map(|answer| (self, answer))).await
    }

    /// The initiator's next step after `answer`.
    pub async fn step(mut self, answer: Vec<u8>) -> Result<(Self, Round), ProtocolError> {
        blocking(move || {
            let (mut have, mut need) = (Vec::new(), Vec::new());
            let next = self.0.reconcile_with_ids(&answer, &mut have, &mut need)?;
            Ok((self, Round { next, have: releases(have), need: releases(need) }))
        })
        .await
    }
}

fn releases(ids: Vec<Id>) -> Vec<ReleaseId> {
    ids.into_iter().map(|id| ReleaseId(id.to_bytes())).collect()
}

async fn blocking<T: Send + 'static>(
    job: impl FnOnce() -> Result<T, negentropy::Error> + Send + 'static,
) -> Result<T, ProtocolError> {
    match spawn_blocking(job).await {
        Ok(result) => result.map_err(|error| ProtocolError::Sync(error.to_string())),
        Err(_) => Err(ProtocolError::Local(MarketError::Failed("a worker stopped".into()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::protocol::sync::message::MAX_MESSAGE;
    use std::collections::HashSet;

    fn item(n: u64) -> (u64, ReleaseId) {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        id[8..16].copy_from_slice(&n.to_be_bytes());
        // Many share a second, as after a bulk publish.
        (1_700_000_000 + n / 50, ReleaseId(id))
    }

    #[tokio::test]
    async fn two_sets_learn_their_differences_within_the_message_limit() {
        let ours = Set::new((0..6000).map(item).collect()).unwrap();
        let mut theirs = Set::new((1000..9000).map(item).collect()).unwrap();
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
        let set = Set::new((0..100).map(item).collect()).unwrap();
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
                let set = || Set::new((0..50).map(item).collect()).unwrap();
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
