//! Counts how often each limit of this node was hit, for people to see.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::api::LimitHit;
use super::clock::unix_now;

/// Seconds between two log lines about one limit.
const LOG_EVERY: u64 = 600;

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    Handshakes,
    Connections,
    ConnectionsOfPeer,
    ConnectionsOfAddress,
    BannedAddress,
    Dials,
    Memory,
    Streams,
    AnnouncementsOfPeer,
    Announcements,
    Searches,
    Syncs,
    Uploads,
    DhtRecords,
}

/// All of them, in the order in which they are shown: name, and what the limit is of.
const ALL: [(Limit, &str, &str); 14] = [
    (Limit::Handshakes, "handshakes", "connections whose handshake is under way (performance.max_pending_connections)"),
    (Limit::Connections, "connections", "connections from outside (performance.max_peers)"),
    (Limit::ConnectionsOfPeer, "connections_of_peer", "connections of one peer (performance.max_connections_per_peer)"),
    (
        Limit::ConnectionsOfAddress,
        "connections_of_address",
        "connections from one address (performance.max_connections_per_ip)",
    ),
    (Limit::BannedAddress, "banned_address", "connections from an address of many banned peers"),
    (Limit::Dials, "dials", "connections that this node begins (performance.dials_per_second)"),
    (Limit::Memory, "memory", "connections while memory is short (performance.max_memory)"),
    (Limit::Streams, "streams", "streams that are served at a time (performance.max_streams)"),
    (Limit::AnnouncementsOfPeer, "announcements_of_peer", "announcements that one peer passes on"),
    (Limit::Announcements, "announcements", "announcements of all peers together"),
    (Limit::Searches, "searches", "searches of one peer that are answered (performance.searches_per_second)"),
    (Limit::Syncs, "syncs", "catalogue syncs that peers begin"),
    (Limit::Uploads, "uploads", "uploads at a time (performance.max_uploads)"),
    (Limit::DhtRecords, "dht_records", "DHT records that one peer has kept here"),
];

/// The counts of one node. Cheap to clone; all clones are one.
#[derive(Clone, Default)]
pub struct Limits(Arc<[Count; ALL.len()]>);

#[derive(Default)]
struct Count {
    hits: AtomicU64,
    /// Unix seconds.
    first: AtomicU64,
    last: AtomicU64,
    logged: AtomicU64,
}

impl Limits {
    /// Something was refused because of `limit`.
    pub fn hit(&self, limit: Limit) {
        let now = unix_now();
        let found = ALL.iter().zip(self.0.iter()).find(|((known, ..), _)| *known == limit);
        let Some(((_, name, what), count)) = found else { return };
        let hits = count.hits.fetch_add(1, Ordering::Relaxed) + 1;
        count.last.store(now, Ordering::Relaxed);
        let _ = count.first.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        let logged = count.logged.load(Ordering::Relaxed);
        if now >= logged.saturating_add(LOG_EVERY)
            && count.logged.compare_exchange(logged, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            tracing::warn!(limit = name, hits, "limit hit: {what}");
        }
    }

    /// Those that were hit since the node started.
    pub fn hits(&self) -> Vec<LimitHit> {
        let counts = ALL.iter().zip(self.0.iter());
        let hit = counts.map(|((_, name, what), count)| LimitHit {
            name: (*name).into(),
            what: (*what).into(),
            hits: count.hits.load(Ordering::Relaxed),
            first_at: count.first.load(Ordering::Relaxed),
            last_at: count.last.load(Ordering::Relaxed),
        });
        hit.filter(|limit| limit.hits > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_hit_is_told_with_how_often_and_since_when() {
        let limits = Limits::default();
        assert!(limits.hits().is_empty());
        limits.hit(Limit::Uploads);
        limits.clone().hit(Limit::Uploads);
        limits.hit(Limit::Handshakes);
        let told = limits.hits();
        assert_eq!(
            told.iter().map(|hit| (hit.name.as_str(), hit.hits)).collect::<Vec<_>>(),
            [("handshakes", 1), ("uploads", 2)]
        );
        assert!(told.iter().all(|hit| hit.first_at > 0 && hit.last_at >= hit.first_at));
    }

    #[test]
    fn every_limit_has_a_name_of_its_own() {
        let limits = Limits::default();
        ALL.iter().for_each(|(limit, ..)| limits.hit(*limit));
        let mut names: Vec<_> = limits.hits().into_iter().filter(|hit| hit.hits == 1).map(|hit| hit.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }
}
