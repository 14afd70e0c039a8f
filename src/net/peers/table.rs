//! The bounded map of peers, and what must still be told to the swarm, to subscribers and to the store.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use libp2p::PeerId;

use super::entry::Entry;

/// Peers remembered at most. Connected ones are never among those that make room.
pub const MAX_PEERS: usize = 4096;

/// Of them, banned ones before they make room first: otherwise someone with many keys could lie once with each, and push out
/// all peers that are worth remembering.
const MAX_BANNED: usize = MAX_PEERS / 2;

/// Peers that make room at once when the table is full: to find them takes a look at all.
const AT_ONCE: usize = MAX_PEERS / 32;

/// Estimates are compared in steps of this size. Who is new is in the middle of one, so that neither it nor one failure or success
/// is on a border.
const STEPS: f64 = 15.0;

/// What the swarm has to do because of the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Drop its connections and refuse new ones.
    Block(PeerId),
    Unblock(PeerId),
    /// Let nobody in from this address, or /64 network.
    BlockNetwork(IpAddr),
    UnblockNetwork(IpAddr),
}

/// The step that an estimate is in: smaller differences say nothing.
pub fn step(estimate: f64) -> u32 {
    (estimate * STEPS) as u32
}

#[derive(Default)]
pub struct Table {
    pub entries: HashMap<PeerId, Entry>,
    /// Networks that nobody is let in from.
    pub blocked: HashSet<IpAddr>,
    /// For the swarm task.
    pub orders: Vec<Order>,
    /// For the subscribers.
    pub unreported: HashSet<PeerId>,
    /// For the store.
    pub unsaved: HashSet<PeerId>,
    /// Among them is an address that the store does not have: without it a peer cannot be found again.
    pub unsaved_addr: bool,
}

impl Table {
    /// The entry of `peer`, made when there is none; others make room when the table is full.
    pub fn entry(&mut self, peer: PeerId, now: u64) -> &mut Entry {
        if self.entries.len() >= MAX_PEERS && !self.entries.contains_key(&peer) {
            self.evict(now);
        }
        self.entries.entry(peer).or_default()
    }

    pub fn get(&self, peer: PeerId) -> Option<&Entry> {
        self.entries.get(&peer)
    }

    pub fn changed(&mut self, peer: PeerId) {
        self.unreported.insert(peer);
    }

    /// The least loss first: no ban to remember, least relied on, longest unseen.
    fn evict(&mut self, now: u64) {
        let banned = self.entries.values().filter(|entry| entry.ban.is_some()).count();
        let spare_bans = banned <= MAX_BANNED;
        let gone = self.entries.iter().filter(|(_, entry)| !entry.is_connected() && !entry.kept);
        let mut least: Vec<_> = gone
            .map(|(peer, entry)| {
                let is_banned = entry.ban.is_some();
                ((is_banned == spare_bans, step(entry.conduct.estimate(now)), entry.last_seen), *peer, is_banned)
            })
            .collect();
        least.sort_unstable_by_key(|(worth, ..)| *worth);
        for (_, peer, banned) in least.into_iter().take(AT_ONCE) {
            self.entries.remove(&peer);
            self.unreported.remove(&peer);
            self.unsaved.remove(&peer);
            if banned {
                self.orders.push(Order::Unblock(peer));
            }
        }
    }
}
