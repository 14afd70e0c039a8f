//! Hostile peers that speak the real protocols: floods of invalid announcements, and places taken to keep others out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt;
use libp2p::gossipsub::IdentTopic;
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::super::clock::unix_now;
use super::super::service::intake;
use super::super::testing::{DEADLINE, NETWORK, TestNode, eventually, signed};
use super::tests::{foreign, stranger};
use crate::market::{Identity, VerifiedRelease};

const TOPIC: &str = "/ggen/packages/v1";

/// Announcements of a burst, and the time from one to the next: ten attackers send 5,000 a second.
const BURST: u64 = 5;
const EVERY: Duration = Duration::from_millis(10);

/// What attackers did.
#[derive(Default)]
struct Attack {
    sent: AtomicU64,
    identities: AtomicU64,
}

/// Floods `node` with invalid announcements, under a new identity whenever it is thrown out, `lives` times; how long each was in.
async fn flood(node: Arc<TestNode>, attack: Arc<Attack>, lives: usize) -> Vec<(PeerId, Duration)> {
    let mut used = Vec::new();
    for _ in 0..lives {
        let mut swarm = foreign(&node).await;
        let begun = Instant::now();
        attack.identities.fetch_add(1, Ordering::Relaxed);
        let mut every = tokio::time::interval(EVERY);
        loop {
            tokio::select! {
                _ = every.tick() => for _ in 0..BURST {
                    let number = attack.sent.fetch_add(1, Ordering::Relaxed);
                    // The beginning of an envelope, and then nonsense that is different each time.
                    let invalid = [&[0x83, 0x58, 0x20][..], &number.to_be_bytes(), &[0xff; 300]].concat();
                    let _ = swarm.behaviour_mut().gossip.publish(IdentTopic::new(TOPIC), invalid);
                },
                event = swarm.select_next_some() => {
                    if matches!(event, SwarmEvent::ConnectionClosed { num_established: 0, .. }) {
                        used.push((*swarm.local_peer_id(), begun.elapsed()));
                        break;
                    }
                }
            }
        }
    }
    used
}

/// How long each of these took from the announcement to `node`'s catalogue.
async fn announce_and_wait(from: &TestNode, node: &TestNode, releases: Vec<VerifiedRelease>) -> Vec<Duration> {
    let mut took = Vec::new();
    for release in releases {
        let begun = Instant::now();
        let own = release.clone();
        from.context().store.run(move |db| db.accept(&own, unix_now())).await.unwrap();
        let envelope = release.envelope().to_bytes();
        eventually("announced", || async { from.context().swarm.announce(envelope.clone()).await.unwrap() > 0 }).await;
        eventually("an honest announcement arrives", || async { node.has(&release).await }).await;
        took.push(begun.elapsed());
        sleep(Duration::from_millis(50)).await;
    }
    took
}

fn releases(name: &str, count: usize) -> Vec<VerifiedRelease> {
    let publisher = Identity::generate();
    (0..count).map(|number| signed(&publisher, NETWORK, &format!("{name}-{number}"))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_of_invalid_announcements_end_in_bans_and_honest_ones_arrive() {
    let node = Arc::new(TestNode::alone().await);
    let honest = TestNode::knowing(&node).await;
    eventually("connected", || async { honest.sees(&node) }).await;
    let attack = Arc::new(Attack::default());
    let mut flooding = JoinSet::new();
    for _ in 0..10 {
        flooding.spawn(flood(node.clone(), attack.clone(), 3));
    }
    eventually("the flood runs", || async { attack.sent.load(Ordering::Relaxed) > 10 * BURST }).await;
    let mut took = announce_and_wait(&honest, &node, releases("honest", 20)).await;
    let attackers: Vec<(PeerId, Duration)> =
        timeout(2 * DEADLINE, flooding.join_all()).await.expect("all are thrown out").into_iter().flatten().collect();
    assert_eq!(attackers.len(), 30);
    let slowest = attackers.iter().map(|(_, lasted)| *lasted).max().unwrap();
    for (attacker, _) in attackers {
        let info = node.context().peers.info(attacker).unwrap();
        assert!(info.banned && info.failed.lies > 0 && !info.connected, "{info:?}");
        assert!(info.ban_reason.unwrap().starts_with("announcement: "));
    }
    let opinion = node.opinion_of(&honest);
    assert!(!opinion.banned && opinion.connected, "{opinion:?}");
    took.sort();
    eprintln!(
        "{} invalid announcements by {} identities, the last of which was out after {slowest:?}; honest ones took {:?} in the middle, {:?} at p95",
        attack.sent.load(Ordering::Relaxed),
        attack.identities.load(Ordering::Relaxed),
        took[took.len() / 2],
        took[took.len() * 95 / 100]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ninety_five_hostile_connections_do_not_shut_out_five_good_peers() {
    let node = Arc::new(TestNode::alone().await);
    let addr: Multiaddr = node.address().await.parse().unwrap();
    let mut hostile = JoinSet::new();
    let attack = Arc::new(Attack::default());
    for _ in 0..95 {
        let (addr, attack) = (addr.clone(), attack.clone());
        hostile.spawn(async move {
            // Holds its place, says nothing, and comes again when it is sent away.
            let mut swarm = stranger();
            swarm.dial(addr.clone()).unwrap();
            loop {
                match swarm.select_next_some().await {
                    SwarmEvent::ConnectionEstablished { .. } => drop(attack.identities.fetch_add(1, Ordering::Relaxed)),
                    SwarmEvent::ConnectionClosed { .. } | SwarmEvent::OutgoingConnectionError { .. } => {
                        sleep(Duration::from_millis(200)).await;
                        let _ = swarm.dial(addr.clone());
                    }
                    _ => {}
                }
            }
        });
    }
    let max_peers = node.context().settings.performance.max_peers as usize;
    eventually("all places are taken", || async { node.context().swarm.connected().len() >= max_peers }).await;
    let mut good = Vec::new();
    for _ in 0..5 {
        good.push(TestNode::knowing(&node).await);
    }
    for (number, peer) in good.iter().enumerate() {
        eventually("a good peer gets in", || async { node.sees(peer) }).await;
        announce_and_wait(peer, &node, releases(&format!("good-{number}"), 1)).await;
    }
    assert!(attack.identities.load(Ordering::Relaxed) >= 95, "the attack has happened");
    assert!(node.context().swarm.connected().len() <= max_peers + 16);
    let limits = node.handle.status().await.unwrap().limits;
    assert!(limits.iter().any(|limit| limit.name == "connections" && limit.hits > 0), "{limits:?}");
}

/// What it takes to judge an announcement, printed for docs/BENCHMARKS.md.
#[test]
fn each_kind_of_announcement_is_known_for_what_it_is() {
    const TIMES: u32 = 500;
    let good = signed(&Identity::generate(), NETWORK, "tool").envelope().clone();
    let mut forged = good.clone();
    forged.signature[5] ^= 1;
    let nonsense = [&[0x83, 0x58, 0x20][..], &[0xff; 300]].concat();
    for (kind, bytes, is_lie) in
        [("valid", good.to_bytes(), false), ("forged", forged.to_bytes(), true), ("nonsense", nonsense, true)]
    {
        let begun = Instant::now();
        for _ in 0..TIMES {
            let sorted = intake::sort(NETWORK, unix_now(), vec![bytes.clone()]);
            assert_eq!((sorted.lie.is_some(), sorted.verified.len()), (is_lie, usize::from(!is_lie)), "{kind}");
        }
        eprintln!("{kind}: {:?} each", begun.elapsed() / TIMES);
    }
}
