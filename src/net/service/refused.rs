//! What is validly signed and yet not taken here, and why: not fetched anew by each sync, and counted for people to see.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use crate::market::{MarketError, NotNow, PublisherKey, ReleaseId};

use super::super::api::RefusedReleases;

/// Releases remembered.
const MAX_REFUSED: usize = 4096;
/// For so long: what a clock that was wrong, here or there, had refused is taken later.
const REFUSED_FOR: Duration = Duration::from_secs(15 * 60);
/// And counted a little longer, until a sync has met them again.
const COUNTED_FOR: Duration = Duration::from_secs(20 * 60);

/// Why a release is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// By this computer's clock it is not published yet.
    Future,
    Expired,
    Network,
    /// Its key was revoked, or replaced before it was published.
    Key,
    /// It contradicts one that is known.
    Conflict,
    /// Made by rules that this node does not know, or a statement that there is no room for.
    Other,
}

/// As scripts see them, in the order in which they are told.
const ALL: [(Why, &str); 6] = [
    (Why::Future, "future"),
    (Why::Expired, "expired"),
    (Why::Network, "network"),
    (Why::Key, "key"),
    (Why::Conflict, "conflict"),
    (Why::Other, "other"),
];

impl Why {
    pub fn name(self) -> &'static str {
        ALL.iter().find(|(why, _)| *why == self).map_or("other", |(_, name)| name)
    }

    pub fn of(error: &MarketError) -> Self {
        match error {
            MarketError::NotNow(NotNow::Future, _) => Self::Future,
            MarketError::NotNow(NotNow::Expired, _) => Self::Expired,
            MarketError::NotNow(NotNow::Network, _) => Self::Network,
            _ => Self::Other,
        }
    }
}

struct One {
    since: Instant,
    why: Why,
    publisher: PublisherKey,
}

/// The last ones.
#[derive(Default)]
pub struct Refused {
    known: HashMap<ReleaseId, One>,
    /// Oldest first.
    order: VecDeque<ReleaseId>,
}

impl Refused {
    pub fn add(&mut self, release: ReleaseId, publisher: PublisherKey, why: Why, now: Instant) {
        if self.known.insert(release, One { since: now, why, publisher }).is_some() {
            return;
        }
        self.order.push_back(release);
        if self.order.len() > MAX_REFUSED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    /// It was taken after all.
    pub fn forget(&mut self, release: ReleaseId) {
        if self.known.remove(&release).is_some() {
            self.order.retain(|known| *known != release);
        }
    }

    pub fn has(&self, release: ReleaseId, now: Instant) -> bool {
        self.known.get(&release).is_some_and(|one| now.saturating_duration_since(one.since) < REFUSED_FOR)
    }

    /// How many there are of each kind, and of how many publishers.
    pub fn counts(&self, now: Instant) -> Vec<RefusedReleases> {
        let lately = |one: &&One| now.saturating_duration_since(one.since) < COUNTED_FOR;
        let each = ALL.into_iter().map(|(why, name)| {
            let of_it = || self.known.values().filter(lately).filter(|one| one.why == why);
            let publishers: HashSet<_> = of_it().map(|one| one.publisher).collect();
            RefusedReleases { why: name.into(), releases: of_it().count() as u64, publishers: publishers.len() as u64 }
        });
        each.filter(|refused| refused.releases > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(index: u64) -> ReleaseId {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&index.to_le_bytes());
        ReleaseId(id)
    }

    #[test]
    fn refused_releases_are_remembered_for_a_while_and_bounded() {
        let (mut refused, now, key) = (Refused::default(), Instant::now(), PublisherKey::default());
        for index in 0..MAX_REFUSED as u64 + 1 {
            refused.add(id(index), key, Why::Future, now);
        }
        assert_eq!((refused.known.len(), refused.order.len()), (MAX_REFUSED, MAX_REFUSED));
        let last = *refused.order.back().unwrap();
        assert!(refused.has(last, now) && !refused.has(id(0), now));
        assert!(!refused.has(last, now + REFUSED_FOR));
        refused.add(last, key, Why::Future, now + REFUSED_FOR);
        assert!(refused.has(last, now + REFUSED_FOR) && refused.order.len() == MAX_REFUSED);
    }

    #[test]
    fn they_are_counted_by_why_until_they_are_taken_or_long_not_met() {
        let (mut refused, now) = (Refused::default(), Instant::now());
        for (index, (key, why)) in [(1, Why::Key), (1, Why::Future), (2, Why::Future)].into_iter().enumerate() {
            refused.add(id(index as u64), PublisherKey([key; 32]), why, now);
        }
        let told = |refused: &Refused, now| {
            let counts = refused.counts(now).into_iter();
            counts.map(|one| (one.why, one.releases, one.publishers)).collect::<Vec<_>>()
        };
        assert_eq!(told(&refused, now), [("future".into(), 2, 2), ("key".into(), 1, 1)]);
        refused.forget(id(2));
        assert_eq!(told(&refused, now), [("future".into(), 1, 1), ("key".into(), 1, 1)]);
        assert!(told(&refused, now + COUNTED_FOR).is_empty());
    }
}
