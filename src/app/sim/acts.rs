//! What happens by itself. Each act plans its own next time.

use super::transfers::{begin, progress};
use super::world::MAX_PEERS;
use super::{Script, Sim, making, peers};
use crate::app::age::Now;
use crate::market::SafeText;
use crate::net::NodeEvent;
use crate::net::api::{DhtQuery, Direction, LaneState, PeerInfo, TransferInfo, TransferState};

/// Bytes of a leaf.
pub const LEAF: u64 = 256 << 10;
/// A flood comes in drops of so many events, one a millisecond: 10,000 a second.
const DROP: u64 = 10;
/// A flood that is behind by so much, in milliseconds, gives up on what it missed, as a node's event queue does.
const BEHIND_MS: u64 = 200;
/// How long a liar is banned, seconds.
const BAN_S: u64 = 3_600;

#[derive(Clone, Debug)]
pub enum Act {
    Status,
    PeerComesOrGoes,
    Latency,
    Announce,
    Log,
    Dht,
    Sync,
    Download,
    Upload,
    Progress(u64),
    Lie,
    Flood,
}

/// The acts of a script and when each first happens, milliseconds after the beginning.
pub fn beginning(script: Script) -> Vec<(Act, u64)> {
    let busy = vec![
        (Act::Status, 1_000),
        (Act::PeerComesOrGoes, 3_000),
        (Act::Latency, 1_500),
        (Act::Announce, 2_000),
        (Act::Log, 700),
        (Act::Dht, 1_700),
        (Act::Sync, 9_000),
        (Act::Download, 4_000),
        (Act::Upload, 6_500),
        (Act::Lie, 41_000),
    ];
    match script {
        Script::Quiet => Vec::new(),
        Script::Busy | Script::Hostile => busy,
        Script::Flood => vec![(Act::Status, 1_000), (Act::Flood, 200)],
    }
}

/// `at` is when it was planned for, `until` the time now, which is later only when the clock is the wall's.
pub fn perform(sim: &mut Sim, act: Act, at: Now, until: Now) {
    match act {
        Act::Status => status(sim, at),
        Act::PeerComesOrGoes => peer(sim, at),
        Act::Latency => latency(sim, at),
        Act::Announce => announce(sim, at),
        Act::Log => log(sim, at),
        Act::Dht => dht(sim, at),
        Act::Sync => sync(sim, at),
        Act::Download => download(sim, at),
        Act::Upload => upload(sim, at),
        Act::Progress(id) => progress(sim, id, at),
        Act::Lie => lie(sim, at),
        Act::Flood => flood(sim, at, until),
    }
}

/// Plans `act` again, after a time between two.
fn again(sim: &mut Sim, act: Act, at: Now, least: u64, most: u64) {
    let after = sim.world.random.range(least, most);
    sim.plan(at.plus(after), act);
}

fn status(sim: &mut Sim, at: Now) {
    // A little always moves: pings, gossip, records.
    sim.world.traffic.bytes_in += sim.world.random.range(300, 6_000);
    sim.world.traffic.bytes_out += sim.world.random.range(200, 4_000);
    let status = sim.world.status(at);
    sim.tell(at, NodeEvent::Status(status));
    sim.plan(at.plus(1_000), Act::Status);
}

fn peer(sim: &mut Sim, at: Now) {
    let world = &mut sim.world;
    let connected = world.connected();
    let goes = connected > 24 || (connected > 6 && world.random.one_in(2));
    if goes && let Some(peer_id) = world.connected_id() {
        let why = *world
            .random
            .pick(&["it closed the connection", "the connection timed out", "it was restarted"])
            .unwrap_or(&"it closed the connection");
        if let Some(peer) = world.peer_mut(&peer_id) {
            peers::disconnect(peer, at);
        }
        sim.tell(at, NodeEvent::PeerGone { peer_id, reason: SafeText::new(why) });
    } else {
        let mut peer = match world.peers.iter().position(|peer| !peer.connected && !peer.banned) {
            Some(index) if world.peers.len() >= MAX_PEERS || world.random.one_in(3) => world.peers.remove(index),
            _ => making::peer(&mut world.random),
        };
        peers::connect(&mut peer, &mut world.random, at);
        let info = peers::told(&peer, at);
        world.peers.push(peer);
        sim.tell(at, NodeEvent::Peer(info));
    }
    again(sim, Act::PeerComesOrGoes, at, 6_000, 22_000);
}

/// A peer does something, and what is known of it changes.
fn latency(sim: &mut Sim, at: Now) {
    let world = &mut sim.world;
    if let Some(id) = world.connected_id() {
        let (more, good) = (world.random.range(200, 90_000), !world.random.one_in(30));
        let noise = world.random.range(90, 112);
        if let Some(peer) = world.peer_mut(&id) {
            peer.latency_ms = peer.latency_ms.map(|ms| (ms * noise as f64).round().clamp(50.0, 90_000.0) / 100.0);
            peer.latency_avg_ms = peer.latency_ms;
            peer.bytes_in += more;
            peer.bytes_out += more / 3;
            peers::deed(peer, good, if good { "search answered" } else { "search timed out" }, at);
            let info = peers::told(peer, at);
            sim.tell(at, NodeEvent::Peer(info));
        }
    }
    again(sim, Act::Latency, at, 1_200, 3_200);
}

fn announce(sim: &mut Sim, at: Now) {
    let world = &mut sim.world;
    if let Some(release) = making::release(&mut world.random, &world.publishers.clone(), at.secs().saturating_sub(2)) {
        let item = world.add_release(release, at.secs());
        sim.tell(at, NodeEvent::Feed(item));
    }
    again(sim, Act::Announce, at, 2_500, 8_000);
}

fn log(sim: &mut Sim, at: Now) {
    let world = &mut sim.world;
    let who = world.connected_id().unwrap_or_default();
    let who = who.get(44..).unwrap_or(&who).to_owned();
    let n = world.random.range(1, 400);
    let (level, target, text) = match world.random.range(0, 12) {
        0 => ("WARN", "net::protocol::search", format!("{who} did not answer a search within 400 ms")),
        1 => ("DEBUG", "net::swarm::dht", format!("a query asked {n} peers")),
        2 => ("WARN", "net::swarm::dial", format!("cannot reach {who}: connection refused")),
        3 | 4 => ("INFO", "net::protocol::sync", format!("in step with {who}: {n} releases compared")),
        5 => ("DEBUG", "net::swarm::gossip", format!("{n} messages passed on")),
        6 => ("INFO", "net::service::intake", format!("{n} releases verified and taken in")),
        7 => ("TRACE", "net::swarm::table", format!("bucket 255 has {n} candidates")),
        _ => ("INFO", "net::swarm::events", format!("{who} was heard from")),
    };
    let line = world.log(at.unix_ms, level, target, &text);
    sim.tell(at, NodeEvent::Log(line));
    again(sim, Act::Log, at, 500, 2_800);
}

fn dht(sim: &mut Sim, at: Now) {
    query(sim, at);
    again(sim, Act::Dht, at, 2_500, 7_000);
}

/// A query of the DHT begins, and those before it end.
pub fn query(sim: &mut Sim, at: Now) {
    let world = &mut sim.world;
    for query in world.queries.iter_mut().filter(|query| query.outcome.is_none()) {
        query.requests += u32::try_from(world.random.range(4, 14)).unwrap_or(4);
        query.successes = query.requests.saturating_sub(u32::try_from(world.random.range(0, 3)).unwrap_or(0));
        query.failures = query.requests - query.successes;
        query.hops = u32::try_from(world.random.range(1, 4)).unwrap_or(1).min(query.successes);
        query.elapsed_ms += world.random.range(200, 1_900);
        query.outcome = Some(SafeText::new(&format!("{} peers answered", query.successes)));
    }
    let kinds = ["get_providers", "get_record", "put_record", "provide", "bootstrap"];
    let kind = *world.random.pick(&kinds).unwrap_or(&"bootstrap");
    let names: Vec<_> = world.releases.iter().rev().take(20).map(|one| one.name.clone()).collect();
    let about = match (kind, world.random.pick(&names)) {
        ("bootstrap", _) | (_, None) => "own id".to_owned(),
        ("get_providers" | "provide", Some(name)) => format!("bytes of {name}"),
        (_, Some(name)) => format!("head of {name}"),
    };
    let query = DhtQuery {
        id: world.next_id(),
        kind: kind.to_owned(),
        key: SafeText::new(&about),
        elapsed_ms: 12,
        ..DhtQuery::default()
    };
    world.queries.push_front(query);
    world.queries.truncate(32);
    let info = world.dht();
    sim.tell(at, NodeEvent::Dht(info));
}

fn sync(sim: &mut Sim, at: Now) {
    sim.world.last_sync = at.secs();
    again(sim, Act::Sync, at, 40_000, 70_000);
}

/// This node keeps what is announced.
fn download(sim: &mut Sim, at: Now) {
    let world = &mut sim.world;
    let wanted = world.releases.iter().rposition(|one| !one.have_blob);
    if let Some(release) = wanted.and_then(|index| world.releases.get(index)).cloned() {
        begin(sim, &release, Direction::Inbound, at);
    }
    again(sim, Act::Download, at, 7_000, 18_000);
}

fn upload(sim: &mut Sim, at: Now) {
    let world = &mut sim.world;
    let held: Vec<_> = world.releases.iter().filter(|one| one.have_blob).cloned().collect();
    if let Some(release) = world.random.pick(&held).cloned() {
        begin(sim, &release, Direction::Outbound, at);
    }
    again(sim, Act::Upload, at, 11_000, 26_000);
}

/// A provider sends bytes that contradict the publisher's signature.
fn lie(sim: &mut Sim, at: Now) {
    let mut running = sim.world.transfers.iter().filter(|one| {
        one.direction == Direction::Inbound && one.state == TransferState::Running && one.lanes.len() > 1
    });
    let caught = running.next_back().cloned();
    let id = caught.as_ref().and_then(|one| one.lanes.last()).map(|lane| lane.peer.clone());
    if let Some(id) = id.or_else(|| sim.world.connected_id()) {
        let leaf = sim.world.random.range(0, 20);
        let newest = || sim.world.releases.back().map_or_else(String::new, |one| one.name.to_string());
        let name = caught.as_ref().map_or_else(newest, |one| one.name.to_string());
        let why = format!("leaf {leaf} of {name} does not match its signed hash");
        if let Some(mut transfer) = caught {
            if let Some(lane) = transfer.lanes.iter_mut().find(|lane| lane.peer == id) {
                (lane.state, lane.rate, lane.why) = (LaneState::Failed, None, SafeText::new(&why));
            }
            sim.world.put_transfer(transfer);
        }
        ban(sim, &id, &why, Some(at.secs() + BAN_S), at);
    }
    again(sim, Act::Lie, at, 90_000, 260_000);
}

/// Bans a peer and says so.
pub fn ban(sim: &mut Sim, id: &str, why: &str, until: Option<u64>, at: Now) {
    let Some(peer) = sim.world.peer_mut(id) else { return };
    if until.is_some() {
        peer.failed.lies += 1;
        peers::deed(peer, false, &format!("lied: {why}"), at);
    }
    peers::ban(peer, why, until, at);
    let info = peers::told(peer, at);
    let gone = NodeEvent::PeerGone { peer_id: id.to_owned(), reason: SafeText::new("it was banned") };
    sim.tell(at, NodeEvent::Peer(info));
    sim.tell(at, gone);
    let line = sim.world.log(at.unix_ms, "WARN", "net::peers", &format!("banned {id}: {why}"));
    sim.tell(at, NodeEvent::Log(line));
}

fn flood(sim: &mut Sim, at: Now, until: Now) {
    let behind = until.unix_ms.saturating_sub(at.unix_ms);
    if behind > BEHIND_MS {
        sim.tell(until, NodeEvent::Lagged { dropped: behind * DROP });
        sim.plan(until, Act::Flood);
        return;
    }
    for n in 0..DROP {
        let event = drop_of(sim, n, at);
        if let Some(event) = event {
            sim.tell(at, event);
        }
    }
    sim.plan(at.plus(1), Act::Flood);
}

fn drop_of(sim: &mut Sim, n: u64, at: Now) -> Option<NodeEvent> {
    let world = &mut sim.world;
    Some(match n {
        0..4 => {
            let keys = world.publishers.clone();
            let release = making::release(&mut world.random, &keys, at.secs())?;
            NodeEvent::Feed(making::announcement(&release, Some(release.publisher.to_string()), at.secs()))
        }
        4..8 => {
            let number = world.next_id();
            NodeEvent::Log(world.log(at.unix_ms, "INFO", "net::flood", &format!("line {number} of very many")))
        }
        8 => {
            let id = world.connected_id()?;
            let latency = world.random.range(8, 900) as f64;
            let peer = world.peer_mut(&id)?;
            peer.latency_ms = Some(latency);
            NodeEvent::Peer(PeerInfo { bytes_in: peer.bytes_in + 1_000, ..peers::told(peer, at) })
        }
        _ => {
            let id = world.random.range(1, 200);
            let done = world.random.range(0, 4 << 20);
            NodeEvent::Transfer(TransferInfo {
                id,
                direction: Direction::Inbound,
                name: SafeText::new(&format!("package-{id}")),
                package_id: Default::default(),
                peer: None,
                bytes_done: done,
                bytes_total: 4 << 20,
                leaves_done: done / LEAF,
                leaves_total: 16,
                leaves_resumed: 0,
                map: Vec::new(),
                can_wait: false,
                lanes: Vec::new(),
                state: TransferState::Running,
                note: SafeText::default(),
                started_at: at.secs(),
                elapsed_ms: 1_000,
            })
        }
    })
}
