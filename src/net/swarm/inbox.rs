//! Announcements on their way from gossipsub to whoever judges them, and the verdicts on their way back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use libp2p::PeerId;
use libp2p::gossipsub::{self, IdentTopic, Message, MessageAcceptance, MessageId, PublishError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::super::error::{ErrorKind, NodeError};
use super::super::limits::Limit;
use super::super::peers::Outcome;
use super::super::service::rate::{Bucket, PeerRates, Rate};
use super::task::Task;

/// Announcements a second that one peer may pass on, and all together; `performance.announcement_burst` of these at once, which
/// is a large publisher's whole stock, and half as many more from one peer. What is over it is dropped; catalogue sync brings
/// it soon, once, where gossip would bring it from every neighbour.
///
/// Fewer together than from one: otherwise strangers could, each within its rate, have this node pass on more than its
/// neighbours bear from it.
const FROM_ONE: f64 = 64.0;
const TOGETHER: f64 = 48.0;

/// What each peer may pass on all the same when others have used up the total.
const SHARE: Rate = Rate { per_second: 1.0, at_once: 32.0 };

/// A peer over its rate fails softly once for so many dropped announcements. Many: whoever publishes a thousand packages at
/// once does nothing wrong, and pays with syncs.
const DROPPED_PER_FAILURE: u32 = 4096;

/// A sync for what was dropped is asked for at most once in this time.
const MISSED_EVERY: Duration = Duration::from_secs(1);

/// Bytes of announcements that wait to be judged, with what is around each: a flood of 30,000 waits rather than being dropped.
const WAITING_BYTES: usize = 24 << 20;
const AROUND: usize = 256;

/// An announcement as it came in.
#[derive(Debug)]
pub struct Incoming {
    pub id: MessageId,
    /// Who passed it on, not who published it.
    pub source: PeerId,
    pub data: Vec<u8>,
    /// Its place among those that wait; given back when it is judged.
    place: Option<OwnedSemaphorePermit>,
}

/// What gossipsub is to do with it.
#[derive(Debug)]
pub struct Verdict {
    pub id: MessageId,
    pub source: PeerId,
    pub acceptance: MessageAcceptance,
}

impl Incoming {
    pub fn verdict(self, acceptance: MessageAcceptance) -> Verdict {
        Verdict { id: self.id, source: self.source, acceptance }
    }
}

/// Why a catalogue sync is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncDue {
    /// The peer has just shown that it speaks our catalogue sync.
    Met(PeerId),
    /// Announcements from the peer, or to it, were dropped: there were too many at once.
    Missed(PeerId),
}

/// The way to the judge.
pub struct Inbox {
    judge: mpsc::UnboundedSender<Incoming>,
    /// Bytes that may still wait.
    places: Arc<Semaphore>,
    rates: PeerRates,
    together: Rate,
    total: Bucket,
    shares: PeerRates,
    dropped: u32,
    /// When a sync for what was dropped was last asked for.
    missed_at: Option<Instant>,
}

impl Inbox {
    /// `burst`: announcements taken at once from all peers together.
    pub fn new(judge: mpsc::UnboundedSender<Incoming>, burst: u32) -> Self {
        let together = Rate { per_second: TOGETHER, at_once: f64::from(burst) };
        let from_one = Rate { per_second: FROM_ONE, at_once: f64::from(burst) * 1.5 };
        Self {
            judge,
            places: Arc::new(Semaphore::new(WAITING_BYTES)),
            rates: PeerRates::new(from_one),
            together,
            total: Bucket::new(together, Instant::now()),
            shares: PeerRates::new(SHARE),
            dropped: 0,
            missed_at: None,
        }
    }
}

impl Task {
    pub(super) fn on_gossip(&mut self, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Message { propagation_source, message_id, message } => {
                self.on_announcement(propagation_source, message_id, message);
            }
            gossipsub::Event::SlowPeer { peer_id, .. } => {
                tracing::debug!(peer = %peer_id, "too slow for announcements");
                self.ask_for_sync(peer_id, Instant::now());
            }
            _ => {}
        }
    }

    fn on_announcement(&mut self, source: PeerId, id: MessageId, message: Message) {
        let mut incoming = Incoming { id, source, data: message.data, place: None };
        if message.topic.as_str() != self.topic {
            return self.on_verdict(incoming.verdict(MessageAcceptance::Reject));
        }
        let now = Instant::now();
        if !self.inbox.rates.allow(source, now) {
            self.book.limits().hit(Limit::AnnouncementsOfPeer);
            self.inbox.dropped = self.inbox.dropped.wrapping_add(1);
            if self.inbox.dropped.is_multiple_of(DROPPED_PER_FAILURE) {
                self.book.record(source, Outcome::SoftFailure("passes on announcements too fast".into()));
            }
            return self.drop_announcement(incoming, now);
        }
        if !self.inbox.total.allow(self.inbox.together, now) && !self.inbox.shares.allow(source, now) {
            self.book.limits().hit(Limit::Announcements);
            return self.drop_announcement(incoming, now);
        }
        // A judge that cannot keep up costs announcements, never the swarm's time.
        let bytes = u32::try_from(incoming.data.len() + AROUND).unwrap_or(u32::MAX);
        match self.inbox.places.clone().try_acquire_many_owned(bytes) {
            Ok(place) => {
                incoming.place = Some(place);
                // Gone is the judge only when the node ends.
                let _ = self.inbox.judge.send(incoming);
            }
            Err(_) => {
                self.book.limits().hit(Limit::Announcements);
                self.drop_announcement(incoming, now);
            }
        }
    }

    /// Who sent it has it: a sync brings it, and all the others.
    fn drop_announcement(&mut self, incoming: Incoming, now: Instant) {
        self.ask_for_sync(incoming.source, now);
        self.on_verdict(incoming.verdict(MessageAcceptance::Ignore));
    }

    fn ask_for_sync(&mut self, peer: PeerId, now: Instant) {
        let asked = self.inbox.missed_at.is_some_and(|at| now.duration_since(at) < MISSED_EVERY);
        if !asked && self.syncs.try_send(SyncDue::Missed(peer)).is_ok() {
            self.inbox.missed_at = Some(now);
        }
    }

    /// How many peers were there to take it.
    pub(super) fn announce(&mut self, envelope: Vec<u8>) -> Result<usize, NodeError> {
        let topic = IdentTopic::new(self.topic.as_str());
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        let takers = gossip.all_peers().filter(|(_, topics)| topics.contains(&&topic.hash())).count();
        match gossip.publish(topic, envelope) {
            Ok(_) => Ok(takers),
            // Duplicate: these very bytes were announced, or heard, a moment ago, and are on their way.
            Err(PublishError::Duplicate) => Ok(takers),
            Err(PublishError::NoPeersSubscribedToTopic) => Ok(0),
            Err(error) => Err(NodeError::new(ErrorKind::Network, format!("cannot announce: {error}"))
                .hint("it is in the catalogue and reaches others by sync; or publish it again in a moment")),
        }
    }
}
