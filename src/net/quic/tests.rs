use std::future::poll_fn;
use std::time::Duration;

use futures::future::join;
use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p::Transport as _;
use libp2p::core::Endpoint;
use libp2p::core::muxing::{StreamMuxer, StreamMuxerExt};
use tokio::time::timeout;

use super::*;

const PATIENCE: Duration = Duration::from_secs(10);

/// A node's transport.
struct Node {
    key: Keypair,
    transport: Transport,
}

impl Node {
    fn new() -> Self {
        let key = Keypair::generate_ed25519();
        Self { transport: Transport::new(&key).unwrap(), key }
    }

    /// A node that listens on a port of loopback, and where.
    async fn listening() -> (Self, Multiaddr) {
        let mut node = Self::new();
        node.transport.listen_on(ListenerId::next(), addr("/ip4/127.0.0.1/udp/0/quic-v1")).unwrap();
        let listens = node.new_address().await;
        (node, listens)
    }

    async fn event(&mut self) -> Event {
        timeout(PATIENCE, poll_fn(|context| Pin::new(&mut self.transport).poll(context))).await.expect("an event")
    }

    async fn new_address(&mut self) -> Multiaddr {
        self.event().await.into_new_address().expect("a new address")
    }

    /// The next connection that somebody else makes, and from where.
    async fn accept(&mut self) -> (PeerId, Connection, Multiaddr) {
        let (upgrade, from) = self.event().await.into_incoming().expect("a connection");
        let (peer, connection) = upgrade.await.unwrap();
        (peer, connection, from)
    }

    fn dial(&mut self, to: &Multiaddr, role: Endpoint, port_use: PortUse) -> <Transport as libp2p::Transport>::Dial {
        self.transport.dial(to.clone(), DialOpts { role, port_use }).unwrap()
    }

    fn listener(&self) -> &Listener {
        self.transport.listeners.iter().next().expect("a listener")
    }

    fn peer(&self) -> PeerId {
        self.key.public().to_peer_id()
    }
}

fn addr(text: &str) -> Multiaddr {
    text.parse().unwrap()
}

/// What libp2p can make streams of.
trait Muxer: StreamMuxer<Error: std::fmt::Debug, Substream: Unpin> + Unpin {}
impl<M: StreamMuxer<Error: std::fmt::Debug, Substream: Unpin> + Unpin> Muxer for M {}

/// Has `from` open a stream and both sides say something and end it.
async fn talk(from: &mut impl Muxer, to: &mut impl Muxer) {
    let (answer, said) = timeout(PATIENCE, join(speak(from), hear(to))).await.expect("they talk");
    assert_eq!((answer, said), (b"pong".to_vec(), b"ping".to_vec()));
}

async fn speak(connection: &mut impl Muxer) -> Vec<u8> {
    let mut stream = poll_fn(|context| connection.poll_outbound_unpin(context)).await.unwrap();
    stream.write_all(b"ping").await.unwrap();
    stream.close().await.unwrap();
    stream.close().await.expect("closed again, it stays so");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    answer
}

async fn hear(connection: &mut impl Muxer) -> Vec<u8> {
    let mut stream = poll_fn(|context| connection.poll_inbound_unpin(context)).await.unwrap();
    let mut said = Vec::new();
    stream.read_to_end(&mut said).await.unwrap();
    stream.write_all(b"pong").await.unwrap();
    stream.close().await.unwrap();
    said
}

#[tokio::test]
async fn both_know_each_other_and_open_streams_until_one_closes() {
    let ((mut one, at), (mut two, _)) = (Node::listening().await, Node::listening().await);
    let dial = two.dial(&at, Endpoint::Dialer, PortUse::Reuse);
    let (dialled, (peer, mut inbound, _)) = join(dial, one.accept()).await;
    let (other, mut outbound) = dialled.unwrap();
    assert_eq!((other, peer), (one.peer(), two.peer()));
    talk(&mut outbound, &mut inbound).await;
    talk(&mut inbound, &mut outbound).await;
    timeout(PATIENCE, poll_fn(|context| outbound.poll_close_unpin(context))).await.unwrap().unwrap();
    let gone = timeout(PATIENCE, poll_fn(|context| inbound.poll_inbound_unpin(context))).await.unwrap();
    assert!(matches!(gone, Err(Error::Lost(quinn::ConnectionError::ApplicationClosed(_)))), "{:?}", gone.err());
}

#[tokio::test]
async fn a_dial_leaves_from_where_the_node_listens_unless_a_new_port_is_wanted() {
    let ((mut one, at), (mut two, listens)) = (Node::listening().await, Node::listening().await);
    for (port_use, same) in [(PortUse::Reuse, true), (PortUse::New, false)] {
        let dial = two.dial(&at, Endpoint::Dialer, port_use);
        let (dialled, (_, _, from)) = join(dial, one.accept()).await;
        dialled.unwrap();
        assert_eq!(from == listens, same, "{from} {listens}");
    }
    // One that listens nowhere keeps to one port as well, until it listens.
    let mut silent = Node::new();
    let mut ports = Vec::new();
    for _ in 0..2 {
        let dial = silent.dial(&at, Endpoint::Dialer, PortUse::Reuse);
        ports.push(join(dial, one.accept()).await.1.2);
    }
    assert_eq!(ports[0], ports[1]);
    assert_eq!(silent.transport.dialers.len(), 1);
    silent.transport.listen_on(ListenerId::next(), addr("/ip4/127.0.0.1/udp/0/quic-v1")).unwrap();
    assert!(silent.transport.dialers.is_empty());
}

#[tokio::test]
async fn two_that_dial_each_other_at_once_find_each_other() {
    let ((mut one, at), (mut two, there)) = (Node::listening().await, Node::listening().await);
    let (to_two, to_one) =
        (one.dial(&there, Endpoint::Dialer, PortUse::Reuse), two.dial(&at, Endpoint::Listener, PortUse::Reuse));
    let both = join(join(to_two, to_one), join(one.accept(), two.accept()));
    let ((first, second), _) = timeout(PATIENCE, both).await.expect("they meet");
    assert_eq!((first.unwrap().0, second.unwrap().0), (two.peer(), one.peer()));
}

#[tokio::test]
async fn everywhere_is_each_address_of_the_machine_and_both_families_share_a_port() {
    let mut node = Node::new();
    let id = ListenerId::next();
    node.transport.listen_on(id, addr("/ip4/0.0.0.0/udp/0/quic-v1")).unwrap();
    let mut own = Vec::new();
    while !own.contains(&Some(Ipv4Addr::LOCALHOST.into())) {
        let listens = node.new_address().await;
        own.push(address::socket(&listens).map(|at| at.ip()));
    }
    assert!(own.iter().flatten().all(|ip| ip.is_ipv4() && !ip.is_unspecified()), "{own:?}");
    let port = node.listener().endpoint().local_addr().unwrap().port();
    let sixth = node.transport.listen_on(ListenerId::next(), addr(&format!("/ip6/::/udp/{port}/quic-v1")));
    assert!(sixth.is_ok(), "{:?}", sixth.err());
    assert!(node.transport.remove_listener(id) && !node.transport.remove_listener(id));
    let closed = poll_fn(|context| Pin::new(&mut node.transport).poll(context)).await;
    assert!(matches!(closed, TransportEvent::ListenerClosed { listener_id, reason: Ok(()) } if listener_id == id));
}

#[tokio::test]
async fn loopback_is_dialled_from_loopback_and_nothing_else_is() {
    let (node, _) = Node::listening().await;
    let reaches = |ip: &str| node.listener().reaches(ip.parse().unwrap());
    assert_eq!((reaches("127.0.0.1"), reaches("8.8.8.8"), reaches("::1")), (true, false, false));
}

#[tokio::test]
async fn what_cannot_be_dialled_or_listened_on_is_refused() {
    let mut node = Node::new();
    for nowhere in ["/ip4/0.0.0.0/udp/5/quic-v1", "/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/tcp/5"] {
        let options = DialOpts { role: Endpoint::Dialer, port_use: PortUse::Reuse };
        let refused = node.transport.dial(addr(nowhere), options).err();
        assert!(matches!(refused, Some(TransportError::MultiaddrNotSupported(_))), "{nowhere}");
    }
    let tcp = node.transport.listen_on(ListenerId::next(), addr("/ip4/127.0.0.1/tcp/0"));
    assert!(matches!(tcp, Err(TransportError::MultiaddrNotSupported(_))));
    // TEST-NET-1 (RFC 5737): an address of no machine.
    let foreign = node.transport.listen_on(ListenerId::next(), addr("/ip4/192.0.2.1/udp/0/quic-v1"));
    assert!(matches!(foreign, Err(TransportError::Other(Error::Socket(_)))));
}

/// The clock stands still but for what everybody waits for, so that five seconds pass at once.
#[tokio::test(start_paused = true)]
async fn a_peer_that_never_answers_is_given_up() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut node = Node::new();
    let to = address::multiaddr(silent.local_addr().unwrap());
    let given_up = node.dial(&to, Endpoint::Dialer, PortUse::Reuse).await.err();
    assert!(matches!(given_up, Some(Error::Slow)), "{given_up:?}");
    // It had been asked.
    silent.set_nonblocking(true).unwrap();
    assert!(silent.recv(&mut [0; 2048]).is_ok_and(|count| count >= 1200));
}

/// The transport of libp2p, which other nodes have.
#[tokio::test]
async fn the_transport_of_libp2p_dials_it_and_is_dialled() {
    let key = Keypair::generate_ed25519();
    let mut other = libp2p_quic::tokio::Transport::new(libp2p_quic::Config::new(&key));
    other.listen_on(ListenerId::next(), addr("/ip4/127.0.0.1/udp/0/quic-v1")).unwrap();
    let there = poll_fn(|context| Pin::new(&mut other).poll(context)).await.into_new_address().unwrap();
    let (mut one, at) = Node::listening().await;
    let dial = other.dial(at, DialOpts { role: Endpoint::Dialer, port_use: PortUse::Reuse }).unwrap();
    let (dialled, (peer, mut inbound, _)) = timeout(PATIENCE, join(dial, one.accept())).await.unwrap();
    let (other_peer, mut outbound) = dialled.unwrap();
    assert_eq!((peer, other_peer), (key.public().to_peer_id(), one.peer()));
    talk(&mut outbound, &mut inbound).await;
    let accept = async {
        let event = poll_fn(|context| Pin::new(&mut other).poll(context)).await;
        event.into_incoming().unwrap().0.await.unwrap()
    };
    let dial = one.dial(&there, Endpoint::Dialer, PortUse::Reuse);
    let (dialled, (peer, mut inbound)) = timeout(PATIENCE, join(dial, accept)).await.unwrap();
    let (other_peer, mut outbound) = dialled.unwrap();
    assert_eq!((peer, other_peer), (one.peer(), key.public().to_peer_id()));
    talk(&mut outbound, &mut inbound).await;
}
