//! Multiaddrs: reading what people write, and judging what others claim.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};

use super::super::error::{ErrorKind, NodeError};
use crate::market::SafeText;

/// Longest multiaddr taken from others, in bytes.
const MAX_BYTES: usize = 256;

/// From where an address can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    Loopback,
    /// A private or link-local address.
    Local,
    Global,
    /// A DNS name: not known before it is resolved.
    Name,
}

/// Where a listener listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    Tcp(IpAddr, u16),
    Quic(IpAddr, u16),
}

impl Endpoint {
    pub fn port(self) -> u16 {
        match self {
            Self::Tcp(_, port) | Self::Quic(_, port) => port,
        }
    }

    /// The same with a port that the system chooses.
    pub fn any_port(self) -> Self {
        match self {
            Self::Tcp(ip, _) => Self::Tcp(ip, 0),
            Self::Quic(ip, _) => Self::Quic(ip, 0),
        }
    }

    pub fn to_multiaddr(self) -> Multiaddr {
        match self {
            Self::Tcp(ip, port) => Multiaddr::from(ip).with(Protocol::Tcp(port)),
            Self::Quic(ip, port) => Multiaddr::from(ip).with(Protocol::Udp(port)).with(Protocol::QuicV1),
        }
    }
}

/// Reads an address to listen on.
///
/// # Errors
/// Usage: the text is no multiaddr, or none of the two forms that this node can listen on.
pub fn parse_listen(text: &str) -> Result<Endpoint, NodeError> {
    let refused = |why: &str| {
        NodeError::new(ErrorKind::Usage, format!("cannot listen on \"{}\": {}", safe(text), safe(why)))
            .hint("write it like /ip4/0.0.0.0/tcp/4001 or /ip4/0.0.0.0/udp/4001/quic-v1")
    };
    let addr: Multiaddr = text.parse().map_err(|error| refused(&format!("{error}")))?;
    let parts: Vec<Protocol> = addr.iter().collect();
    let (ip, rest) = match parts.split_first() {
        Some((Protocol::Ip4(ip), rest)) => (IpAddr::from(*ip), rest),
        Some((Protocol::Ip6(ip), rest)) => (IpAddr::from(*ip), rest),
        _ => return Err(refused("it does not begin with /ip4 or /ip6")),
    };
    match rest {
        [Protocol::Tcp(port)] => Ok(Endpoint::Tcp(ip, *port)),
        [Protocol::Udp(port), Protocol::QuicV1] => Ok(Endpoint::Quic(ip, *port)),
        _ => Err(refused("it is neither /tcp/PORT nor /udp/PORT/quic-v1")),
    }
}

/// Reads an address to dial.
///
/// # Errors
/// Usage: the text is no multiaddr that this node can dial.
pub fn parse_dial(text: &str) -> Result<Multiaddr, NodeError> {
    let refused = |why: String| {
        NodeError::new(ErrorKind::Usage, format!("\"{}\" is no address to connect to: {}", safe(text), safe(&why)))
            .hint("write it like /ip4/192.0.2.7/tcp/4001/p2p/12D3KooW…")
    };
    let addr: Multiaddr = text.parse().map_err(|error| refused(format!("{error}")))?;
    if is_dialable(&addr) || is_listed(&addr) {
        Ok(addr)
    } else {
        Err(refused("no /tcp/PORT or /udp/PORT/quic-v1 of an ip or dns name".into()))
    }
}

/// Whether `addr` is a name under which addresses are listed in the DNS. Only people name these: one from a stranger would have
/// this node dial whatever the list says.
fn is_listed(addr: &Multiaddr) -> bool {
    let parts: Vec<Protocol> = addr.iter().take(3).collect();
    match parts.as_slice() {
        [Protocol::Dnsaddr(name)] | [Protocol::Dnsaddr(name), Protocol::P2p(_)] => !name.is_empty(),
        _ => false,
    }
}

/// `text` as an error may quote it; the parser's own messages quote parts of it too.
fn safe(text: &str) -> SafeText {
    SafeText::capped(text, 200)
}

/// Whether this node could dial `addr`: `(ip | dns) (tcp | udp quic-v1)` with a real host and port, then nothing, the peer,
/// or a relay and `p2p-circuit` and perhaps the peer behind it.
pub fn is_dialable(addr: &Multiaddr) -> bool {
    if addr.len() > MAX_BYTES {
        return false;
    }
    let parts: Vec<Protocol> = addr.iter().take(8).collect();
    let Some((host, rest)) = parts.split_first() else { return false };
    let host_is_real = match host {
        Protocol::Ip4(ip) => !ip.is_unspecified() && !ip.is_multicast() && !ip.is_broadcast(),
        Protocol::Ip6(ip) => !ip.is_unspecified() && !ip.is_multicast(),
        Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name) => !name.is_empty(),
        _ => false,
    };
    let transport = match rest {
        [rest @ .., Protocol::P2p(_), Protocol::P2pCircuit, Protocol::P2p(_)] => rest,
        [rest @ .., Protocol::P2p(_), Protocol::P2pCircuit] => rest,
        [rest @ .., Protocol::P2p(_)] => rest,
        rest => rest,
    };
    let transport_is_ours = match transport {
        [Protocol::Tcp(port)] | [Protocol::Udp(port), Protocol::QuicV1] => *port != 0,
        _ => false,
    };
    host_is_real && transport_is_ours
}

/// Whether `addr` leads through a relay.
pub fn is_relayed(addr: &Multiaddr) -> bool {
    addr.iter().any(|part| part == Protocol::P2pCircuit)
}

/// What carries a connection at `addr`, for people.
pub fn transport(addr: &Multiaddr) -> &'static str {
    let known = |part: Protocol<'_>| match part {
        Protocol::QuicV1 | Protocol::Quic => Some("quic"),
        Protocol::Ws(_) | Protocol::Wss(_) => Some("ws"),
        _ => None,
    };
    addr.iter().find_map(known).unwrap_or("tcp")
}

/// The peer that `addr` names at its end.
pub fn peer_of(addr: &Multiaddr) -> Option<PeerId> {
    match addr.iter().last() {
        Some(Protocol::P2p(peer)) => Some(peer),
        _ => None,
    }
}

/// `addr` without the peer at its end.
pub fn without_peer(mut addr: Multiaddr) -> Multiaddr {
    if peer_of(&addr).is_some() {
        addr.pop();
    }
    addr
}

/// The ip address `addr` begins with.
pub fn ip_of(addr: &Multiaddr) -> Option<IpAddr> {
    match addr.iter().next() {
        Some(Protocol::Ip4(ip)) => Some(ip.into()),
        Some(Protocol::Ip6(ip)) => Some(ip.into()),
        _ => None,
    }
}

/// What one party has of addresses: an IPv4 address, or a whole /64 of IPv6.
pub fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64))),
        ip => ip,
    }
}

/// The network of whoever is at the other end of a connection with `remote`. None where it is not theirs alone: loopback and
/// private addresses, which a machine or site shares, and those of relays.
pub fn network_of(remote: &Multiaddr) -> Option<IpAddr> {
    let relayed = remote.iter().any(|part| matches!(part, Protocol::P2pCircuit));
    (!relayed && reach(remote) == Reach::Global).then(|| ip_of(remote).map(network)).flatten()
}

/// From where `addr` can be reached.
pub fn reach(addr: &Multiaddr) -> Reach {
    match ip_of(addr) {
        None => Reach::Name,
        Some(ip) if ip.is_loopback() => Reach::Loopback,
        Some(IpAddr::V4(ip)) if is_local_v4(ip) => Reach::Local,
        Some(IpAddr::V6(ip)) if is_local_v6(ip) => Reach::Local,
        Some(_) => Reach::Global,
    }
}

fn is_local_v4(ip: Ipv4Addr) -> bool {
    // 100.64.0.0/10 (RFC 6598) is what carriers and overlay networks hand out.
    ip.is_private() || ip.is_link_local() || (ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64)
}

fn is_local_v6(ip: Ipv6Addr) -> bool {
    ip.is_unique_local() || ip.is_unicast_link_local()
}

/// Of the addresses that a peer says it listens on, those that are worth trying from here: its loopback addresses mean
/// something only to a node on the same machine, its private ones only to one that is not across the internet.
pub fn useful(claimed: Vec<Multiaddr>, remote: Option<&Multiaddr>, limit: usize) -> Vec<Multiaddr> {
    let remote = remote.map_or(Reach::Global, reach);
    let fits = |addr: &Multiaddr| match reach(addr) {
        Reach::Loopback => remote == Reach::Loopback,
        Reach::Local => matches!(remote, Reach::Local | Reach::Loopback),
        Reach::Global | Reach::Name => true,
    };
    claimed.into_iter().map(without_peer).filter(|addr| is_dialable(addr) && fits(addr)).take(limit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn addr(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    #[test]
    fn listen_addresses_are_read_and_refusals_name_the_text() {
        assert_eq!(parse_listen("/ip4/0.0.0.0/tcp/4001").unwrap().port(), 4001);
        let quic = parse_listen("/ip6/::1/udp/7/quic-v1").unwrap();
        assert_eq!(quic.any_port().to_multiaddr(), addr("/ip6/::1/udp/0/quic-v1"));
        for text in ["nonsense", "", "/ip4/1.2.3/tcp/1", "/ip4/1.2.3.4", "/dns4/a/tcp/1", "/ip4/1.2.3.4/udp/1"] {
            let error = parse_listen(text).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Usage);
            assert!(error.message.contains(&format!("\"{text}\"")), "{}", error.message);
            assert!(error.hint.unwrap().contains("/ip4/0.0.0.0/tcp/4001"));
        }
    }

    #[test]
    fn only_what_can_be_dialled_is_dialable() {
        let peer = PeerId::random();
        for good in ["/ip4/10.0.0.1/tcp/1", "/dns4/example.org/tcp/4001", "/ip6/::1/udp/9/quic-v1"] {
            assert!(parse_dial(good).is_ok());
            assert!(parse_dial(&format!("{good}/p2p/{peer}")).is_ok());
        }
        let listed = format!("/dnsaddr/bootstrap.example.org/p2p/{peer}");
        assert!(parse_dial("/dnsaddr/example.org").is_ok() && parse_dial(&listed).is_ok());
        assert!(!is_dialable(&addr(&listed)), "no stranger names one");
        for bad in [
            "/dnsaddr/example.org/tcp/1",
            "/ip4/0.0.0.0/tcp/1",
            "/ip4/1.1.1.1/tcp/0",
            "/ip4/224.0.0.1/tcp/1",
            "/memory/1",
            "/ip4/1.1.1.1/udp/1",
        ] {
            assert_eq!(parse_dial(bad).unwrap_err().kind, ErrorKind::Usage, "{bad}");
        }
        assert_eq!(without_peer(addr(&format!("/ip4/1.1.1.1/tcp/1/p2p/{peer}"))), addr("/ip4/1.1.1.1/tcp/1"));
    }

    #[test]
    fn a_way_through_one_relay_is_dialable_and_through_two_is_not() {
        let (relay, peer) = (PeerId::random(), PeerId::random());
        let through = format!("/ip4/1.1.1.1/udp/1/quic-v1/p2p/{relay}/p2p-circuit");
        for good in [through.clone(), format!("{through}/p2p/{peer}")] {
            assert!(is_dialable(&addr(&good)) && is_relayed(&addr(&good)), "{good}");
        }
        assert!(!is_relayed(&addr(&format!("/ip4/1.1.1.1/tcp/1/p2p/{peer}"))));
        let two = format!("{through}/p2p/{relay}/p2p-circuit/p2p/{peer}");
        for bad in [two.as_str(), "/ip4/1.1.1.1/tcp/1/p2p-circuit", "/p2p-circuit"] {
            assert!(!is_dialable(&addr(bad)), "{bad}");
        }
    }

    #[test]
    fn a_far_peers_private_addresses_are_left_out() {
        let claimed = vec![addr("/ip4/127.0.0.1/tcp/1"), addr("/ip4/192.168.1.2/tcp/1"), addr("/ip4/8.8.8.8/tcp/1")];
        let far = useful(claimed.clone(), Some(&addr("/ip4/9.9.9.9/tcp/5")), 8);
        assert_eq!(far, [addr("/ip4/8.8.8.8/tcp/1")]);
        assert_eq!(useful(claimed.clone(), Some(&addr("/ip4/192.168.1.2/tcp/5")), 8).len(), 2);
        assert_eq!(useful(claimed.clone(), Some(&addr("/ip4/127.0.0.1/tcp/5")), 8).len(), 3);
        assert_eq!(useful(claimed, Some(&addr("/ip4/127.0.0.1/tcp/5")), 1).len(), 1);
    }

    #[test]
    fn a_network_is_that_of_the_other_side_alone() {
        let relay = PeerId::random();
        for (remote, known) in [
            ("/ip4/9.9.9.9/tcp/5".to_owned(), Some("9.9.9.9")),
            ("/ip6/2001:db8::1:2/udp/5/quic-v1".to_owned(), Some("2001:db8::")),
            ("/ip4/127.0.0.1/tcp/5".to_owned(), None),
            ("/ip4/192.168.0.7/tcp/5".to_owned(), None),
            ("/ip6/fe80::1/tcp/5".to_owned(), None),
            (format!("/ip4/9.9.9.9/tcp/5/p2p/{relay}/p2p-circuit"), None),
        ] {
            assert_eq!(network_of(&addr(&remote)), known.map(|ip| ip.parse().unwrap()), "{remote}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in ".{0,80}") {
            let _ = (parse_listen(&text), parse_dial(&text));
        }
    }
}
