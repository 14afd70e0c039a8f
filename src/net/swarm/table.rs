//! Kademlia's routing table: who gets in, how it is kept full, and what is done when it shrinks.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use libp2p::{Multiaddr, PeerId};

use super::address::{Reach, ip_of, is_relayed, network, reach, without_peer};
use super::task::Task;

/// Refreshing the routing table. Each time asks every peer for a handful of keys, which among ten peers is more than all else that
/// an idle node sends; the paper on Kademlia has an hour.
const BOOTSTRAP_EVERY: Duration = Duration::from_secs(1200);

/// The same with too few peers.
const BOOTSTRAP_FEW: Duration = Duration::from_secs(60);

/// The same when the table has lost more than half of its peers.
const BOOTSTRAP_SHRUNK: Duration = Duration::from_secs(30);

/// Addresses of one peer in the routing table.
const MAX_ROUTES: usize = 16;

/// Peers of one network (/24, or /64 of IPv6) in one bucket and in the whole table, as go-libp2p has it for the first: one who
/// has a whole network must not surround this node, or a key. Loopback and private networks are free.
const PER_BUCKET: usize = 3;
const PER_TABLE: usize = 8;

/// What is remembered beside Kademlia's table.
#[derive(Default)]
pub struct Table {
    /// Connected peers that serve the DHT, and where: as many as the connection limits allow.
    servers: HashMap<PeerId, Vec<Multiaddr>>,
    /// Most peers that it has had since it was last filled.
    most: usize,
}

impl Table {
    /// Whether a table of `size` peers has lost more than half of them.
    fn has_shrunk(&mut self, size: usize) -> bool {
        self.most = self.most.max(size);
        size * 2 < self.most
    }
}

/// The network that counts for `addr`; none for those that are free.
fn group(addr: &Multiaddr) -> Option<IpAddr> {
    let ip = ip_of(addr).filter(|_| reach(addr) == Reach::Global && !is_relayed(addr))?;
    match network(ip) {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            Some(IpAddr::from([a, b, c, 0]))
        }
        ip => Some(ip),
    }
}

/// Whether one more of `wanted` is too many, for those of the peer's bucket and of all buckets.
fn is_crowded(wanted: IpAddr, bucket: &[Option<IpAddr>], table: &[Option<IpAddr>]) -> bool {
    let count = |groups: &[Option<IpAddr>]| groups.iter().filter(|group| **group == Some(wanted)).count();
    count(bucket) >= PER_BUCKET || count(table) >= PER_TABLE
}

impl Task {
    /// Takes up what identify said of a peer that speaks our Kademlia. The table keeps every address it is given, so that one
    /// that claims new ones again and again must be stopped here.
    pub(super) fn learn_route(&mut self, peer: PeerId, claimed: &[Multiaddr]) {
        let of_peer = || self.remotes.values().filter(|remote| remote.peer == peer && !remote.relayed);
        let from = of_peer().find_map(|remote| group(&remote.addr));
        let dialled = of_peer().filter(|remote| remote.dialled).map(|remote| without_peer(remote.addr.clone()));
        let mut addrs: Vec<Multiaddr> = dialled.collect();
        addrs.extend(claimed.iter().filter(|addr| !is_relayed(addr)).cloned());
        addrs.sort_unstable();
        addrs.dedup();
        addrs.truncate(MAX_ROUTES);
        let known = self.known_routes(peer);
        self.dht.table.servers.insert(peer, addrs.clone());
        if known == 0
            && let Some(from) = from
            && is_crowded(from, &self.groups(Some(peer)), &self.groups(None))
        {
            tracing::debug!(%peer, network = %from, "enough peers of its network are in the routing table");
            return;
        }
        let kad = &mut self.swarm.behaviour_mut().kad;
        for addr in addrs.into_iter().take(MAX_ROUTES.saturating_sub(known)) {
            kad.add_address(&peer, addr);
        }
    }

    /// Addresses of `peer` in the table.
    fn known_routes(&mut self, peer: PeerId) -> usize {
        let bucket = self.swarm.behaviour_mut().kad.kbucket(peer);
        bucket.map_or(0, |bucket| {
            let entry = bucket.iter().find(|entry| *entry.node.key.preimage() == peer);
            entry.map_or(0, |entry| entry.node.value.len())
        })
    }

    /// The networks of the peers in the bucket of `peer`, or in all.
    fn groups(&mut self, peer: Option<PeerId>) -> Vec<Option<IpAddr>> {
        let kad = &mut self.swarm.behaviour_mut().kad;
        match peer {
            Some(peer) => kad.kbucket(peer).map_or_else(Vec::new, |bucket| {
                bucket.iter().map(|entry| entry.node.value.iter().find_map(group)).collect()
            }),
            None => kad
                .kbuckets()
                .flat_map(|bucket| {
                    bucket.iter().map(|entry| entry.node.value.iter().find_map(group)).collect::<Vec<_>>()
                })
                .collect(),
        }
    }

    /// The last connection with `peer` is gone.
    pub(super) fn on_server_gone(&mut self, peer: PeerId) {
        self.dht.table.servers.remove(&peer);
    }

    /// Keeps the table full; where it has shrunk, what connected peers said of themselves goes into it once more.
    pub(super) fn care_for_table(&mut self) {
        let now = Instant::now();
        let size = self.routing_table_size();
        let few = self.swarm.network_info().num_peers() < self.min_peers;
        let shrunk = self.dht.table.has_shrunk(size);
        let pause = match (shrunk, few) {
            (true, _) => BOOTSTRAP_SHRUNK,
            (_, true) => BOOTSTRAP_FEW,
            _ => BOOTSTRAP_EVERY,
        };
        if now.duration_since(self.dht.last_bootstrap) < pause {
            return;
        }
        self.dht.last_bootstrap = now;
        if shrunk {
            tracing::info!(size, most = self.dht.table.most, "the DHT's routing table has shrunk: filling it");
            for (peer, addrs) in self.dht.table.servers.clone() {
                self.learn_route(peer, &addrs);
            }
            self.dht.table.most = self.routing_table_size();
            self.dial_bootstrap_now();
        }
        if self.routing_table_size() > 0 {
            let _ = self.swarm.behaviour_mut().kad.bootstrap();
        }
    }

    pub(super) fn routing_table_size(&mut self) -> usize {
        self.swarm.behaviour_mut().kad.kbuckets().map(|bucket| bucket.num_entries()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(addr: &str) -> Option<IpAddr> {
        group(&addr.parse().unwrap())
    }

    #[test]
    fn one_network_gets_so_many_places_and_the_local_one_any() {
        let wanted = of("/ip4/8.8.8.8/tcp/1");
        assert_eq!((wanted, of("/ip4/8.8.9.8/tcp/1") == wanted), (of("/ip4/8.8.8.9/udp/5/quic-v1"), false));
        assert_eq!(of("/ip6/2001:db8::1/tcp/1"), of("/ip6/2001:db8::ff/tcp/1"));
        for free in ["/ip4/127.0.0.1/tcp/1", "/ip4/10.0.0.1/tcp/1", "/ip6/::1/tcp/1", "/dns4/example.org/tcp/1"] {
            assert_eq!(of(free), None, "{free}");
        }
        let (one, other) = (wanted.unwrap(), of("/ip4/9.9.9.9/tcp/1"));
        assert!(!is_crowded(one, &[wanted, wanted, other, None], &[wanted; PER_TABLE - 1]));
        assert!(is_crowded(one, &[wanted; PER_BUCKET], &[wanted; PER_BUCKET]));
        assert!(is_crowded(one, &[], &[wanted; PER_TABLE]));
        assert!(!is_crowded(one, &[None; 100], &[other; 100]));
    }

    #[test]
    fn a_table_that_has_lost_more_than_half_is_noticed() {
        let mut table = Table::default();
        assert!(!table.has_shrunk(0) && !table.has_shrunk(9) && !table.has_shrunk(5));
        assert!(table.has_shrunk(4));
        table.most = 4;
        assert!(!table.has_shrunk(2) && table.has_shrunk(1));
    }
}
