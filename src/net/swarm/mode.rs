//! Whether this node serves the DHT, and why.

use libp2p::Multiaddr;
use libp2p::kad::Mode;

use crate::config::schema::DhtServerMode;

use super::address::{Reach, is_relayed, reach};
use super::nat::{Reachability, Verdict};

/// The mode for these addresses and the reason, for people. Kademlia's own automatic mode waits for a confirmed external
/// address, so that on a local network nobody would ever serve.
pub fn decide(
    setting: DhtServerMode,
    ephemeral: bool,
    listening: &[Multiaddr],
    reachability: &Reachability,
) -> (Mode, String) {
    match setting {
        DhtServerMode::Server => return (Mode::Server, "set by network.dht_server_mode".into()),
        DhtServerMode::Client => return (Mode::Client, "set by network.dht_server_mode".into()),
        DhtServerMode::Auto if ephemeral => {
            return (Mode::Client, "this node runs for one command only".into());
        }
        DhtServerMode::Auto => {}
    }
    match (reachability.verdict(), reachability.address()) {
        (Verdict::Reachable, Some(addr)) => return (Mode::Server, format!("reachable from outside at {addr}")),
        (Verdict::Unreachable, _) => return (Mode::Client, reachability.info().reason),
        _ => {}
    }
    let reaches: Vec<Reach> = listening.iter().filter(|addr| !is_relayed(addr)).map(reach).collect();
    if reaches.contains(&Reach::Local) {
        return (Mode::Server, "listening on the local network".into());
    }
    if reaches.contains(&Reach::Loopback) {
        return (Mode::Server, "listening for nodes on this machine".into());
    }
    (Mode::Client, "no address is known to be reachable by others".into())
}

/// The name of the mode as in status and DHT pane.
pub fn name(mode: Mode) -> &'static str {
    match mode {
        Mode::Server => "server",
        Mode::Client => "client",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use libp2p::PeerId;

    #[test]
    fn auto_serves_where_somebody_can_reach_it() {
        let here: Vec<Multiaddr> = vec!["/ip4/127.0.0.1/tcp/1".parse().unwrap()];
        let lan: Vec<Multiaddr> = vec!["/ip4/10.1.2.3/tcp/1".parse().unwrap()];
        let far: Vec<Multiaddr> = vec!["/ip4/8.8.8.8/tcp/1".parse().unwrap()];
        let (unknown, mut reached, mut closed) =
            (Reachability::default(), Reachability::default(), Reachability::default());
        reached.on_tried(far[0].clone(), PeerId::random(), true);
        closed.on_tried(far[0].clone(), PeerId::random(), false);
        reached.judge(&lan, &[], 1);
        closed.judge(&lan, &[], 1);
        let auto = |ephemeral, listening: &[_], reach: &_| decide(DhtServerMode::Auto, ephemeral, listening, reach).0;
        assert_eq!(auto(false, &here, &unknown), Mode::Server);
        assert_eq!(auto(false, &lan, &unknown), Mode::Server);
        assert_eq!(auto(false, &far, &unknown), Mode::Client);
        assert_eq!(auto(false, &lan, &reached), Mode::Server);
        assert_eq!(auto(false, &lan, &closed), Mode::Client, "others would wait for it in vain");
        assert_eq!(auto(true, &lan, &reached), Mode::Client);
        assert_eq!(auto(false, &[], &unknown), Mode::Client);
        assert_eq!(decide(DhtServerMode::Client, false, &lan, &reached).0, Mode::Client);
        assert_eq!(decide(DhtServerMode::Server, true, &[], &closed).0, Mode::Server);
    }
}
