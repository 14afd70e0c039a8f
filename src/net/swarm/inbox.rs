//! Announcements on their way from gossipsub to whoever judges them, and the verdicts on their way back.

use std::time::{Duration, Instant};

use libp2p::PeerId;
use libp2p::gossipsub::{self, IdentTopic, Message, MessageAcceptance, MessageId, PublishError};
use tokio::sync::mpsc;

use super::super::error::{ErrorKind, NodeError};
use super::super::peers::Outcome;
use super::super::service::rate::{Bucket, PeerRates, Rate};
use super::task::Task;

/// Announcements one peer may pass on: a second, and at once. What is over it is dropped; catalogue sync brings it soon,
/// once, where gossip would bring it from every neighbour.
const RATE: Rate = Rate { per_second: 32.0, at_once: 256.0 };

/// Announcements taken from all peers together. Less than one peer may pass on: otherwise strangers could, each within its
/// rate, have this node pass on more than its neighbours bear from it.
const TOTAL: Rate = Rate { per_second: 24.0, at_once: 192.0 };

/// A peer over its rate fails softly once for so many dropped announcements. Many: whoever publishes a thousand packages at
/// once does nothing wrong, and pays with syncs.
const DROPPED_PER_FAILURE: u32 = 4096;

/// A sync for what was dropped is asked for at most once in this time.
const MISSED_EVERY: Duration = Duration::from_secs(1);

/// An announcement as it came in.
#[derive(Debug)]
pub struct Incoming {
    pub id: MessageId,
    /// Who passed it on, not who published it.
    pub source: PeerId,
    pub data: Vec<u8>,
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
    /// Announcements of the peer were dropped: there were too many at once.
    Missed(PeerId),
}

/// The way to the judge.
pub struct Inbox {
    judge: mpsc::Sender<Incoming>,
    rates: PeerRates,
    total: Bucket,
    dropped: u32,
    /// When a sync for what was dropped was last asked for.
    missed_at: Option<Instant>,
}

impl Inbox {
    pub fn new(judge: mpsc::Sender<Incoming>) -> Self {
        Self {
            judge,
            rates: PeerRates::new(RATE),
            total: Bucket::new(TOTAL, Instant::now()),
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
            }
            _ => {}
        }
    }

    fn on_announcement(&mut self, source: PeerId, id: MessageId, message: Message) {
        let incoming = Incoming { id, source, data: message.data };
        if message.topic.as_str() != self.topic {
            return self.on_verdict(incoming.verdict(MessageAcceptance::Reject));
        }
        let now = Instant::now();
        if !self.inbox.rates.allow(source, now) {
            self.inbox.dropped = self.inbox.dropped.wrapping_add(1);
            if self.inbox.dropped % DROPPED_PER_FAILURE == 1 {
                self.book.record(source, Outcome::SoftFailure("passes on announcements too fast".into()));
            }
            return self.drop_announcement(incoming, now);
        }
        if !self.inbox.total.allow(TOTAL, now) {
            return self.drop_announcement(incoming, now);
        }
        // A judge that cannot keep up costs announcements, never the swarm's time.
        if let Err(mpsc::error::TrySendError::Full(incoming)) = self.inbox.judge.try_send(incoming) {
            self.drop_announcement(incoming, now);
        }
    }

    /// Who sent it has it: a sync brings it, and all the others.
    fn drop_announcement(&mut self, incoming: Incoming, now: Instant) {
        let asked = self.inbox.missed_at.is_some_and(|at| now.duration_since(at) < MISSED_EVERY);
        if !asked && self.syncs.try_send(SyncDue::Missed(incoming.source)).is_ok() {
            self.inbox.missed_at = Some(now);
        }
        self.on_verdict(incoming.verdict(MessageAcceptance::Ignore));
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
