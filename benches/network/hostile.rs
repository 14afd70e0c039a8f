//! Peers that flood a node with invalid announcements and come back under a new identity as soon as they are thrown out; what honest
//! peers announce meanwhile.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures::io::{copy, sink};
use futures::{AsyncWriteExt, StreamExt};
use ggen_p2p_tui::config;
use ggen_p2p_tui::net::api::{NodeEvent, PeerInfo, PublishRequest};
use ggen_p2p_tui::net::control::client::ControlClient;
use ggen_p2p_tui::net::{EventStream, NodeCommand, NodeReply};
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId, Stream, StreamProtocol, Swarm, SwarmBuilder, noise, tcp, yamux};
use libp2p_stream::IncomingStreams;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::harness::Node;
use super::package::package;
use super::process::{cpu_seconds, most_resident_mib, resident_mib};

const GOSSIP: StreamProtocol = StreamProtocol::new("/meshsub/1.1.0");
const TOPIC: &str = "/ggen/packages/v1";
const FLOODERS: u64 = 10;
/// How often what is due is sent.
const TICK: Duration = Duration::from_millis(10);
/// Honest peers, and the time from one of their announcements to the next.
const HONEST: usize = 3;
const ANNOUNCE_EVERY: Duration = Duration::from_millis(300);
/// The longest that any identity may stay, and what an honest announcement may take before it counts as lost.
const BANNED_WITHIN: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(30);

/// One identity of an attacker.
struct Life {
    peer: PeerId,
    sent: u64,
    /// From its first message until it was thrown out; none: it was still there at the end.
    lasted: Option<Duration>,
}

pub async fn run(per_second: u64, lasting: Duration) {
    let node = Node::start(&[]);
    let (pid, client) = (node.pid(), client(&node).await);
    let honest: Vec<Node> = (0..HONEST).map(|_| Node::start(&[&node])).collect();
    node.wait_for_peers(HONEST as u64);
    let mut publishers = Vec::new();
    for node in &honest {
        publishers.push(self::client(node).await);
    }
    let (heard, mut arrivals) = mpsc::unbounded_channel();
    tokio::spawn(listen(client.subscribe().await.expect("events"), heard));

    let (memory, cpu, begun) = (resident_mib(pid), cpu_seconds(pid), Instant::now());
    let mut flooding = JoinSet::new();
    let address: Multiaddr = node.address().parse().expect("an address");
    for flooder in 0..FLOODERS {
        flooding.spawn(flood(address.clone(), per_second / FLOODERS, flooder, begun + lasting));
    }
    let bans = tokio::spawn(watch_bans(client.clone(), begun + lasting + BANNED_WITHIN));
    let mut took = Vec::new();
    while begun.elapsed() < lasting {
        let name = format!("honest-{}", took.len());
        let announced = Instant::now();
        publish(&publishers[took.len() % HONEST], &name).await;
        took.push(arrival(&mut arrivals, &name).await.duration_since(announced));
        sleep(ANNOUNCE_EVERY).await;
    }
    let lives: Vec<Life> = flooding.join_all().await.into_iter().flatten().collect();
    let cpu = (cpu_seconds(pid) - cpu) / begun.elapsed().as_secs_f64() * 100.0;
    let banned = bans.await.expect("the bans");
    tell(&lives, per_second, lasting);
    // The rest was on its way when the connection was closed, or came to who was banned already.
    println!("{} of them were judged", banned.values().sum::<u64>());
    took.sort();
    println!(
        "{} honest announcements, all arrived: {:.0} ms in the middle, {:.0} at p95, {:.0} at most",
        took.len(),
        ms(at(&took, 0.5)),
        ms(at(&took, 0.95)),
        ms(at(&took, 1.0))
    );
    println!(
        "the node: {cpu:.0} % of a core; {memory:.1} MiB resident before, {:.1} at most, {:.1} after",
        most_resident_mib(pid),
        resident_mib(pid)
    );
    for life in &lives {
        assert!(banned.contains_key(&life.peer.to_string()), "{} was not banned", life.peer);
    }
    let peers = peers(&client).await;
    for id in honest.iter().map(Node::peer_id) {
        assert!(
            peers.iter().any(|peer| peer.peer_id == id && peer.connected && !peer.banned),
            "honest, and gone: {id}"
        );
    }
}

async fn client(node: &Node) -> ControlClient {
    let client = ControlClient::connect(&config::Home::new(node.home.path())).await;
    client.expect("a socket").expect("a node")
}

async fn publish(client: &ControlClient, name: &str) {
    let dir = package(name);
    let path = dir.path().display().to_string();
    let request = PublishRequest { path, job: 0, wait_for: 0, wait_timeout_s: 0, allow: Vec::new() };
    client.request(NodeCommand::Publish(request)).await.expect("a release");
}

/// Connected or banned ones.
async fn peers(client: &ControlClient) -> Vec<PeerInfo> {
    match client.request(NodeCommand::Peers).await.expect("peers") {
        NodeReply::Peers(peers) => peers,
        other => panic!("no peers: {other:?}"),
    }
}

/// What the attack came to.
fn tell(lives: &[Life], per_second: u64, lasting: Duration) {
    let sent: u64 = lives.iter().map(|life| life.sent).sum();
    let mut lasted: Vec<Duration> = lives.iter().map(|life| life.lasted.expect("thrown out")).collect();
    lasted.sort();
    println!(
        "\n{FLOODERS} flooders, {per_second} a second for {} s: {sent} invalid announcements sent by {} identities, \
         which were thrown out after {:.0} ms in the middle, {:.0} at most",
        lasting.as_secs(),
        lives.len(),
        ms(at(&lasted, 0.5)),
        ms(at(&lasted, 1.0))
    );
    assert!(at(&lasted, 1.0) <= BANNED_WITHIN, "one stayed too long");
    // What is due when it is thrown out is sent by its next identity, so that nearly all of it comes.
    assert!(sent * 10 >= per_second * lasting.as_secs() * 9, "the attack was not delivered");
}

fn at(sorted: &[Duration], part: f64) -> Duration {
    sorted[((sorted.len() - 1) as f64 * part).round() as usize]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// When the release of this name was told.
async fn arrival(arrivals: &mut mpsc::UnboundedReceiver<(String, Instant)>, name: &str) -> Instant {
    let arrived = async {
        loop {
            let (found, at) = arrivals.recv().await.expect("events");
            if found == name {
                return at;
            }
        }
    };
    timeout(PATIENCE, arrived).await.expect("an honest announcement arrives")
}

async fn listen(mut events: EventStream, heard: mpsc::UnboundedSender<(String, Instant)>) {
    while let Some(event) = events.next().await {
        if let NodeEvent::Feed(item) = event {
            let _ = heard.send((item.name.as_str().to_owned(), Instant::now()));
        }
    }
}

/// All that were banned for their announcements until then, and how many of these were judged. Asked again and again: the node does
/// not remember all for ever.
async fn watch_bans(client: ControlClient, until: Instant) -> HashMap<String, u64> {
    let mut banned = HashMap::new();
    while Instant::now() < until {
        sleep(Duration::from_secs(1)).await;
        let liars = peers(&client).await.into_iter().filter(|peer| {
            peer.ban_reason.as_ref().is_some_and(|reason| reason.to_string().starts_with("announcement: "))
        });
        banned.extend(liars.map(|peer| (peer.peer_id, peer.failed.lies)));
    }
    banned
}

/// One attacker, under one identity after the other.
async fn flood(address: Multiaddr, per_second: u64, flooder: u64, until: Instant) -> Vec<Life> {
    let (begun, mut sent, mut lives) = (Instant::now(), 0, Vec::new());
    while Instant::now() < until {
        let due = || (begun.elapsed().as_millis() as u64 * per_second) / 1000;
        if let Some(life) = live(&address, sent, due, flooder, until).await {
            sent += life.sent;
            lives.push(life);
        }
    }
    lives
}

/// One identity: sends what is due until it is thrown out. `None`: it did not come to send anything.
async fn live(address: &Multiaddr, before: u64, due: impl Fn() -> u64, flooder: u64, until: Instant) -> Option<Life> {
    let mut swarm = swarm();
    let peer = *swarm.local_peer_id();
    let mut control = swarm.behaviour().new_control();
    // A node takes nothing from a peer to which it cannot speak gossip itself.
    let incoming = control.accept(GOSSIP).expect("accepting");
    swarm.dial(address.clone()).expect("a dial");
    let target = loop {
        match swarm.select_next_some().await {
            SwarmEvent::ConnectionEstablished { peer_id, .. } => break peer_id,
            SwarmEvent::OutgoingConnectionError { .. } => return None,
            _ => {}
        }
    };
    let hearing = tokio::spawn(hear(incoming));
    let mut closed = tokio::spawn(async move {
        while !matches!(swarm.select_next_some().await, SwarmEvent::ConnectionClosed { .. }) {}
        hearing.abort();
    });
    let mut stream = control.open_stream(target, GOSSIP).await.ok()?;
    let (begun, mut sent) = (Instant::now(), 0);
    let mut tick = tokio::time::interval(TICK);
    // Whoever is there at the end waits for its ban.
    let end = until + BANNED_WITHIN;
    while Instant::now() < end {
        tokio::select! {
            _ = &mut closed => return (sent > 0).then(|| Life { peer, sent, lasted: Some(begun.elapsed()) }),
            _ = tick.tick() => {
                let wanted = if Instant::now() < until { due() } else { before + sent.max(1) };
                while before + sent < wanted && send(&mut stream, flooder, before + sent).await {
                    sent += 1;
                }
            }
        }
    }
    Some(Life { peer, sent, lasted: None })
}

/// Takes what the node says, and makes nothing of it.
async fn hear(incoming: IncomingStreams) {
    incoming.for_each_concurrent(None, |(_, stream)| async { drop(copy(stream, &mut sink()).await) }).await;
}

/// Whether it is on its way.
async fn send(stream: &mut Stream, flooder: u64, number: u64) -> bool {
    let frame = frame(&invalid(flooder, number));
    stream.write_all(&frame).await.is_ok() && stream.flush().await.is_ok()
}

/// The beginning of an envelope, and then nonsense that is different each time.
fn invalid(flooder: u64, number: u64) -> Vec<u8> {
    [&[0x83, 0x58, 0x20][..], &flooder.to_be_bytes(), &number.to_be_bytes(), &[0xff; 300]].concat()
}

/// A gossipsub frame with this message: `RPC { publish: [Message { data, topic }] }`.
fn frame(data: &[u8]) -> Vec<u8> {
    let message = [field(2, data), field(4, TOPIC.as_bytes())].concat();
    with_length(&field(2, &message))
}

/// A field of bytes in a protobuf message.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2][..], &with_length(bytes)].concat()
}

fn with_length(bytes: &[u8]) -> Vec<u8> {
    let mut buffer = unsigned_varint::encode::usize_buffer();
    [unsigned_varint::encode::usize(bytes.len(), &mut buffer), bytes].concat()
}

fn swarm() -> Swarm<libp2p_stream::Behaviour> {
    SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)
        .expect("a transport")
        .with_behaviour(|_| libp2p_stream::Behaviour::new())
        .expect("a behaviour")
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(600)))
        .build()
}
