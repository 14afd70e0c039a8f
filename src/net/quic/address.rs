//! QUIC addresses: `/ip4/1.2.3.4/udp/4001/quic-v1`, and the peer after it.

use std::net::SocketAddr;

use libp2p::Multiaddr;
use libp2p::core::multiaddr::Protocol;

/// The UDP address behind a QUIC address; none for all others.
pub fn socket(addr: &Multiaddr) -> Option<SocketAddr> {
    let mut parts = addr.iter();
    let ip = match parts.next()? {
        Protocol::Ip4(ip) => ip.into(),
        Protocol::Ip6(ip) => ip.into(),
        _ => return None,
    };
    let Protocol::Udp(port) = parts.next()? else { return None };
    let quic = parts.next()? == Protocol::QuicV1;
    let only_a_peer_behind = matches!((parts.next(), parts.next()), (None | Some(Protocol::P2p(_)), None));
    (quic && only_a_peer_behind).then_some(SocketAddr::new(ip, port))
}

/// The QUIC address of a UDP address.
pub fn multiaddr(socket: SocketAddr) -> Multiaddr {
    Multiaddr::from(socket.ip()).with(Protocol::Udp(socket.port())).with(Protocol::QuicV1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_quic_addresses_are_taken() {
        let peer = "12D3KooW9xk7Zp1gejwfwNpfm6L9zH5NL4Bx5rm94LRYJJHJuARZ";
        for (text, socket) in [
            ("/ip4/1.2.3.4/udp/5/quic-v1".to_owned(), "1.2.3.4:5"),
            ("/ip6/::1/udp/65535/quic-v1".to_owned(), "[::1]:65535"),
            (format!("/ip4/127.0.0.1/udp/5/quic-v1/p2p/{peer}"), "127.0.0.1:5"),
        ] {
            let addr: Multiaddr = text.parse().unwrap();
            let read = super::socket(&addr).unwrap();
            assert_eq!(read, socket.parse().unwrap());
            assert!(text.starts_with(&multiaddr(read).to_string()));
        }
        for other in [
            "/ip4/1.2.3.4/udp/5".to_owned(),
            "/ip4/1.2.3.4/udp/5/quic".to_owned(),
            "/ip4/1.2.3.4/tcp/5".to_owned(),
            "/dns4/example.org/udp/5/quic-v1".to_owned(),
            "/ip4/1.2.3.4/udp/5/quic-v1/webtransport".to_owned(),
            format!("/ip4/1.2.3.4/udp/5/quic-v1/p2p/{peer}/p2p-circuit"),
            String::new(),
        ] {
            assert_eq!(super::socket(&other.parse().unwrap()), None, "{other}");
        }
    }
}
