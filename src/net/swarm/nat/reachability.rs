//! What is known of how others can reach this node, as a verdict with its reason.

use std::collections::{BTreeMap, BTreeSet};

use libp2p::{Multiaddr, PeerId};

use super::super::super::api::ReachInfo;
use super::super::address::is_relayed;

/// Addresses remembered of each kind.
const MAX_KNOWN: usize = 16;

/// Peers remembered that reached one address.
const MAX_PEERS: usize = 64;

/// How an address of this node is known to work.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Proof {
    /// These peers dialled it.
    Reached(BTreeSet<PeerId>),
    /// The router says that it has opened it.
    Mapped,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody could try yet.
    #[default]
    Unknown,
    Reachable,
    Unreachable,
}

/// The verdict, and what it rests on.
#[derive(Default)]
pub struct Reachability {
    works: BTreeMap<Multiaddr, Proof>,
    /// Addresses at which a peer did not reach this node, with that peer.
    fails: BTreeMap<Multiaddr, PeerId>,
    verdict: Verdict,
    info: ReachInfo,
}

impl Reachability {
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    pub fn info(&self) -> ReachInfo {
        self.info.clone()
    }

    /// The first address that works.
    pub fn address(&self) -> Option<&Multiaddr> {
        self.works.keys().next()
    }

    /// `server` has tried to dial `addr`, or did so for reasons of its own.
    pub fn on_tried(&mut self, addr: Multiaddr, server: PeerId, reached: bool) {
        if !reached {
            if self.fails.len() < MAX_KNOWN && !self.works.contains_key(&addr) {
                self.fails.insert(addr, server);
            }
            return;
        }
        self.fails.remove(&addr);
        if let Some(Proof::Reached(peers)) = self.works.get_mut(&addr) {
            if peers.len() < MAX_PEERS {
                peers.insert(server);
            }
        } else if self.works.len() < MAX_KNOWN {
            self.works.insert(addr, Proof::Reached([server].into()));
        }
    }

    /// The router has opened a port for `addr`.
    pub fn on_mapped(&mut self, addr: Multiaddr) {
        if self.works.len() < MAX_KNOWN {
            self.works.entry(addr).or_insert(Proof::Mapped);
        }
    }

    /// `addr` no longer works.
    pub fn on_lost(&mut self, addr: &Multiaddr) {
        self.works.remove(addr);
    }

    /// Judges anew, for a node that listens on `listening` and has a slot at each of `relays`; `now` in Unix seconds.
    /// `true`: the verdict or its reason differs from the last one.
    pub fn judge(&mut self, listening: &[Multiaddr], relays: &[PeerId], now: u64) -> bool {
        let direct = listening.iter().filter(|addr| !is_relayed(addr)).count();
        let (verdict, reason) = if let Some((addr, proof)) = self.works.iter().next() {
            (Verdict::Reachable, works(addr, proof))
        } else if direct == 0 {
            (Verdict::Unreachable, "this node listens on no address".to_owned())
        } else if let Some((addr, peer)) = self.fails.iter().next() {
            (Verdict::Unreachable, format!("{peer} did not reach it at {addr}: behind a NAT or firewall"))
        } else {
            (Verdict::Unknown, "no peer beyond the local network could try yet".to_owned())
        };
        let (state, reason) = match (verdict, relays) {
            (Verdict::Reachable, _) => ("reachable", reason),
            (Verdict::Unknown, _) => ("unknown", reason),
            (Verdict::Unreachable, []) => ("unreachable", reason),
            (Verdict::Unreachable, relays) => {
                let through: Vec<String> = relays.iter().map(PeerId::to_string).collect();
                ("relayed", format!("{reason}; peers come through the relay {}", through.join(" and ")))
            }
        };
        let differs = self.info.state != state || self.info.reason != reason;
        if differs {
            let since = if self.info.state == state { self.info.since } else { now };
            self.info = ReachInfo { state: state.into(), reason, since };
        }
        self.verdict = verdict;
        differs
    }
}

fn works(addr: &Multiaddr, proof: &Proof) -> String {
    match proof {
        Proof::Mapped => format!("the router has opened {addr} (UPnP)"),
        Proof::Reached(peers) => match (peers.first(), peers.len()) {
            (Some(peer), 1) => format!("{peer} reached it at {addr}"),
            (_, count) => format!("{count} peers reached it at {addr}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_verdict_follows_what_peers_found_and_says_why() {
        let (mut reach, peer, relay) = (Reachability::default(), PeerId::random(), PeerId::random());
        let listening = [addr("/ip4/10.0.0.2/tcp/4001")];
        let (tcp, quic) = (addr("/ip4/8.8.8.8/tcp/4001"), addr("/ip4/8.8.8.8/udp/4001/quic-v1"));
        assert!(reach.judge(&listening, &[], 1) && !reach.judge(&listening, &[], 2));
        assert_eq!((reach.info().state.as_str(), reach.info().since), ("unknown", 1));
        reach.on_tried(tcp.clone(), peer, false);
        assert!(reach.judge(&listening, &[], 3));
        assert_eq!((reach.verdict(), reach.info().since), (Verdict::Unreachable, 3));
        assert!(reach.info().reason.contains("behind a NAT") && reach.info().reason.contains(&tcp.to_string()));
        assert!(reach.judge(&listening, &[relay], 4));
        assert_eq!(reach.info().state, "relayed");
        assert!(reach.info().reason.contains(&relay.to_string()));
        // One way in is enough.
        reach.on_tried(quic.clone(), peer, true);
        assert!(reach.judge(&listening, &[relay], 5));
        assert_eq!((reach.verdict(), reach.address()), (Verdict::Reachable, Some(&quic)));
        assert_eq!(reach.info().reason, format!("{peer} reached it at {quic}"));
        reach.on_tried(quic.clone(), relay, true);
        assert!(reach.judge(&listening, &[], 6));
        assert_eq!((reach.info().reason, reach.info().since), (format!("2 peers reached it at {quic}"), 5));
        reach.on_lost(&quic);
        assert!(reach.judge(&listening, &[], 7));
        assert_eq!(reach.verdict(), Verdict::Unreachable);
    }

    #[test]
    fn a_node_that_listens_nowhere_or_only_through_relays_needs_no_trial() {
        let mut reach = Reachability::default();
        let circuit = format!("/ip4/8.8.8.8/tcp/1/p2p/{}/p2p-circuit", PeerId::random());
        for listening in [vec![], vec![addr(&circuit)]] {
            reach.judge(&listening, &[], 1);
            assert_eq!(reach.verdict(), Verdict::Unreachable);
        }
    }

    #[test]
    fn a_router_s_word_counts_and_all_is_bounded() {
        let mut reach = Reachability::default();
        reach.on_mapped(addr("/ip4/8.8.8.8/tcp/1"));
        reach.judge(&[addr("/ip4/10.0.0.2/tcp/1")], &[], 1);
        assert_eq!(reach.info().reason, "the router has opened /ip4/8.8.8.8/tcp/1 (UPnP)");
        for port in 2..1000 {
            reach.on_tried(addr(&format!("/ip4/8.8.8.8/tcp/{port}")), PeerId::random(), port % 2 == 0);
        }
        assert!(reach.works.len() <= MAX_KNOWN && reach.fails.len() <= MAX_KNOWN);
        let often = addr("/ip4/8.8.8.8/tcp/2");
        (0..1000).for_each(|_| reach.on_tried(often.clone(), PeerId::random(), true));
        assert!(matches!(reach.works.get(&often), Some(Proof::Reached(peers)) if peers.len() == MAX_PEERS));
    }
}
