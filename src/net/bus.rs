//! Events to many subscribers; a slow one loses events and is told how many.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, mpsc};

use crate::market::ReleaseId;

use super::api::{FeedItem, NodeEvent, TransferState};
use super::handle::EventStream;

/// Events one subscriber may lag behind before it loses some.
const QUEUE: usize = 1024;

/// Subscribers at once; more are refused with a stream that has already ended.
const MAX_SUBSCRIBERS: usize = 64;

/// Announcements kept for [`EventBus::recent_feed`].
pub const FEED_KEPT: usize = 512;

/// Hands every event to every subscriber. Cheap to clone.
#[derive(Clone, Default)]
pub struct EventBus {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    inner: Mutex<Inner>,
    /// Kept beside the lock so that asking is free for the tickers.
    subscribers: AtomicUsize,
    /// Counts events after which the counts of catalogue and storage may differ.
    changes: AtomicU64,
    joined: Notify,
}

#[derive(Default)]
struct Inner {
    subscribers: Vec<Subscriber>,
    /// Newest last. Every announcement passes here, so this is where the last ones are kept.
    feed: VecDeque<FeedItem>,
    closed: bool,
}

struct Subscriber {
    queue: mpsc::Sender<NodeEvent>,
    dropped: u64,
}

impl EventBus {
    pub fn new() -> Self {
        Self::default()
    }

    /// Never blocks.
    pub fn emit(&self, event: NodeEvent) {
        if changes_counts(&event) {
            self.shared.changes.fetch_add(1, Ordering::Relaxed);
        }
        let mut inner = self.lock();
        match &event {
            NodeEvent::Feed(item) => inner.keep(item.clone()),
            NodeEvent::Heard(counts) => inner.count(counts),
            _ => {}
        }
        inner.subscribers.retain_mut(|subscriber| subscriber.offer(&event));
        self.shared.subscribers.store(inner.subscribers.len(), Ordering::Relaxed);
    }

    /// Events from now on.
    pub fn subscribe(&self) -> EventStream {
        let (queue, receiver) = mpsc::channel(QUEUE);
        let mut inner = self.lock();
        inner.subscribers.retain(|subscriber| !subscriber.queue.is_closed());
        if !inner.closed && inner.subscribers.len() < MAX_SUBSCRIBERS {
            inner.subscribers.push(Subscriber { queue, dropped: 0 });
        }
        self.shared.subscribers.store(inner.subscribers.len(), Ordering::Relaxed);
        self.shared.joined.notify_waiters();
        EventStream { receiver }
    }

    /// Whether anyone listens. May still say so until the next event when the last one has just left.
    pub fn has_subscribers(&self) -> bool {
        self.shared.subscribers.load(Ordering::Relaxed) > 0
    }

    /// Returns at once when somebody listens, else when the first one comes.
    pub async fn subscribed(&self) {
        loop {
            let joined = self.shared.joined.notified();
            if self.has_subscribers() {
                return;
            }
            joined.await;
        }
    }

    /// Forgets subscribers that have left, which [`Self::has_subscribers`] would otherwise count until the next event.
    pub fn prune(&self) {
        let mut inner = self.lock();
        inner.subscribers.retain(|subscriber| !subscriber.queue.is_closed());
        self.shared.subscribers.store(inner.subscribers.len(), Ordering::Relaxed);
    }

    /// Grows with every event after which the counts of catalogue and storage may differ.
    pub fn changes(&self) -> u64 {
        self.shared.changes.load(Ordering::Relaxed)
    }

    /// The last announcements, newest first.
    pub fn recent_feed(&self, limit: usize) -> Vec<FeedItem> {
        self.lock().feed.iter().rev().take(limit).cloned().collect()
    }

    /// Puts announcements of earlier runs, newest first, where [`Self::recent_feed`] finds them after those of this run,
    /// telling no one.
    pub fn seed_feed(&self, items: impl IntoIterator<Item = FeedItem>) {
        let mut inner = self.lock();
        let known: HashSet<ReleaseId> = inner.feed.iter().map(|item| item.release_id).collect();
        let room = FEED_KEPT.saturating_sub(known.len());
        for item in items.into_iter().filter(|item| !known.contains(&item.release_id)).take(room) {
            inner.feed.push_front(item);
        }
    }

    /// Ends all streams once they have read what is waiting for them; later events go nowhere.
    pub fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        inner.subscribers.clear();
        self.shared.subscribers.store(0, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.shared.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn keep(&mut self, item: FeedItem) {
        if self.feed.len() >= FEED_KEPT {
            self.feed.pop_front();
        }
        self.feed.push_back(item);
    }

    fn count(&mut self, counts: &[(ReleaseId, u32)]) {
        for (release, peers) in counts {
            if let Some(item) = self.feed.iter_mut().rev().find(|item| item.release_id == *release) {
                item.heard_from = *peers;
            }
        }
    }
}

impl Subscriber {
    /// `false` when the subscriber is gone.
    fn offer(&mut self, event: &NodeEvent) -> bool {
        use mpsc::error::TrySendError::{Closed, Full};
        if self.dropped > 0 {
            match self.queue.try_send(NodeEvent::Lagged { dropped: self.dropped }) {
                Ok(()) => self.dropped = 0,
                Err(Full(_)) => {
                    self.dropped += 1;
                    return true;
                }
                Err(Closed(_)) => return false,
            }
        }
        match self.queue.try_send(event.clone()) {
            Ok(()) => true,
            Err(Full(_)) => {
                self.dropped += 1;
                true
            }
            Err(Closed(_)) => false,
        }
    }
}

fn changes_counts(event: &NodeEvent) -> bool {
    match event {
        NodeEvent::Feed(_) | NodeEvent::Publish { .. } | NodeEvent::InstalledChanged => true,
        NodeEvent::Transfer(transfer) => matches!(transfer.state, TransferState::Done | TransferState::Failed),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::api::NoticeLevel;

    fn gone(n: usize) -> NodeEvent {
        NodeEvent::PeerGone { peer_id: n.to_string(), reason: Default::default() }
    }

    #[tokio::test]
    async fn a_slow_subscriber_learns_how_much_it_lost() {
        let bus = EventBus::new();
        let mut stream = bus.subscribe();
        for n in 0..QUEUE + 3 {
            bus.emit(gone(n));
        }
        for n in 0..QUEUE {
            assert_eq!(stream.next().await, Some(gone(n)));
        }
        bus.emit(NodeEvent::Stopping);
        assert_eq!(stream.next().await, Some(NodeEvent::Lagged { dropped: 3 }));
        assert_eq!(stream.next().await, Some(NodeEvent::Stopping));
    }

    #[tokio::test]
    async fn every_subscriber_gets_every_event_and_leavers_are_forgotten() {
        let bus = EventBus::new();
        assert!(!bus.has_subscribers());
        let (mut one, mut two) = (bus.subscribe(), bus.subscribe());
        bus.emit(gone(1));
        assert_eq!(one.next().await, Some(gone(1)));
        assert_eq!(two.next().await, Some(gone(1)));
        drop((one, two));
        bus.prune();
        assert!(!bus.has_subscribers());
    }

    #[test]
    fn earlier_announcements_come_after_those_of_this_run() {
        let item = |id: u8| FeedItem {
            release_id: ReleaseId([id; 32]),
            package_id: Default::default(),
            name: crate::market::PackageName::new("a").unwrap(),
            version: semver::Version::new(1, 0, 0),
            publisher: Default::default(),
            description: Default::default(),
            category: Default::default(),
            size: 1,
            published_at: 1,
            received_at: 1,
            via: Default::default(),
            from: None,
            heard_from: 0,
            yanked: false,
        };
        let bus = EventBus::new();
        bus.emit(NodeEvent::Feed(item(9)));
        bus.seed_feed([item(9), item(8), item(7)]);
        let ids: Vec<u8> = bus.recent_feed(10).iter().map(|item| item.release_id.0[0]).collect();
        assert_eq!(ids, [9, 8, 7]);
        for _ in 0..FEED_KEPT {
            bus.emit(NodeEvent::Feed(item(1)));
        }
        assert_eq!(bus.recent_feed(usize::MAX).len(), FEED_KEPT);
    }

    #[tokio::test]
    async fn closing_ends_streams_after_what_was_waiting() {
        let bus = EventBus::new();
        let mut stream = bus.subscribe();
        bus.emit(NodeEvent::Notice { level: NoticeLevel::Info, text: Default::default() });
        bus.close();
        assert!(stream.next().await.is_some());
        assert_eq!(stream.next().await, None);
        assert_eq!(bus.subscribe().next().await, None);
    }
}
