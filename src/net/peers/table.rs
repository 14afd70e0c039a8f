//! The bounded map of peers, and what must still be told to the swarm, to subscribers and to the store.

use std::collections::{HashMap, HashSet};

use libp2p::PeerId;

use super::entry::Entry;

/// Peers remembered at most. Connected ones are never among those that make room.
pub const MAX_PEERS: usize = 4096;

/// Of them, banned ones before they make room first: otherwise someone with many keys could lie once with each, and push out
/// all peers that are worth remembering.
const MAX_BANNED: usize = MAX_PEERS / 2;

/// Successes that count against being forgotten: a stranger has one soon, with every key it makes.
const PROVEN: u64 = 8;

/// What the swarm has to do because of the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Drop its connections and refuse new ones.
    Block(PeerId),
    Unblock(PeerId),
}

#[derive(Default)]
pub struct Table {
    pub entries: HashMap<PeerId, Entry>,
    /// For the swarm task.
    pub orders: Vec<Order>,
    /// For the subscribers.
    pub unreported: HashSet<PeerId>,
    /// For the store.
    pub unsaved: HashSet<PeerId>,
}

impl Table {
    /// The entry of `peer`, made when there is none; another one makes room when the table is full.
    pub fn entry(&mut self, peer: PeerId) -> &mut Entry {
        if self.entries.len() >= MAX_PEERS && !self.entries.contains_key(&peer) {
            self.evict();
        }
        self.entries.entry(peer).or_default()
    }

    pub fn get(&self, peer: PeerId) -> Option<&Entry> {
        self.entries.get(&peer)
    }

    pub fn changed(&mut self, peer: PeerId) {
        self.unreported.insert(peer);
    }

    /// The least loss first: no ban to remember, least proven, longest unseen.
    fn evict(&mut self) {
        let banned = self.entries.values().filter(|entry| entry.ban.is_some()).count();
        let spare_bans = banned <= MAX_BANNED;
        let least = self
            .entries
            .iter()
            .filter(|(_, entry)| !entry.is_connected())
            .min_by_key(|(_, entry)| (entry.ban.is_some() == spare_bans, entry.successes.min(PROVEN), entry.last_seen))
            .map(|(peer, entry)| (*peer, entry.ban.is_some()));
        let Some((peer, banned)) = least else { return };
        self.entries.remove(&peer);
        self.unreported.remove(&peer);
        self.unsaved.remove(&peer);
        if banned {
            self.orders.push(Order::Unblock(peer));
        }
    }
}
