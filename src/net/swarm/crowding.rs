//! Identities made to lie closest to a key of the DHT, so that all its records come to rest with strangers who swallow them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt;
use libp2p::identity::Keypair;
use libp2p::kad::{self, InboundRequest};
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId, Swarm};
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;

use super::super::service::fetch;
use super::super::service::testing::{TestNode, content, until};
use super::super::testing::eventually;
use super::tests::{Foreign, ForeignEvent, meet, stranger_with};
use super::{DhtKey, KAD_PROTOCOL};
use crate::market::PackageId;

/// Honest nodes beside publisher and asker, and more strangers than the DHT keeps a record at: each points to so many others.
const HONEST: usize = 6;
const CROWD: usize = 24;
const REPLICATION: u64 = 20;
/// Bits that a made identity has in common with the key, and no honest one.
const ALIKE: u32 = 6;

fn is_close(key: &kad::RecordKey, peer: PeerId) -> bool {
    let distance = kad::KBucketKey::new(key.clone()).distance(&kad::KBucketKey::from(peer));
    distance.ilog2().is_none_or(|highest| highest < 256 - ALIKE)
}

/// Bytes whose key is close to none of `honest`.
fn distant_content(honest: &[PeerId]) -> Vec<u8> {
    let is_distant = |bytes: &Vec<u8>| {
        let key = DhtKey::Blob(PackageId(Sha256::digest(bytes).into())).to_key();
        !honest.iter().any(|peer| is_close(&key, *peer))
    };
    (0..).map(|seed| content(300_000, seed)).find(is_distant).unwrap()
}

/// Identities that lie close to `key`.
fn ground(key: &kad::RecordKey) -> Vec<Keypair> {
    let alike = |pair: &Keypair| is_close(key, pair.public().to_peer_id());
    std::iter::repeat_with(Keypair::generate_ed25519).filter(alike).take(CROWD).collect()
}

struct Crowd {
    members: Vec<(PeerId, Multiaddr)>,
    /// Ends with this.
    _running: JoinSet<()>,
}

/// Strangers close to `key`, who take part in the DHT and point to each other, and keep no record that they are given.
async fn crowd(key: &kad::RecordKey, swallowed: &Arc<AtomicU64>) -> Crowd {
    let mut swarms = Vec::new();
    let mut members = Vec::new();
    for pair in ground(key) {
        let mut config = kad::Config::new(KAD_PROTOCOL);
        config.set_record_filtering(kad::StoreInserts::FilterBoth);
        let mut swarm = stranger_with(pair, config);
        swarm.behaviour_mut().kad.set_mode(Some(kad::Mode::Server));
        swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse().unwrap()).unwrap();
        while swarm.listeners().next().is_none() {
            swarm.select_next_some().await;
        }
        members.push((*swarm.local_peer_id(), swarm.listeners().next().unwrap().clone()));
        swarms.push(swarm);
    }
    let mut running = JoinSet::new();
    for mut swarm in swarms {
        for (peer, addr) in &members {
            swarm.behaviour_mut().kad.add_address(peer, addr.clone());
        }
        running.spawn(swallow(swarm, swallowed.clone()));
    }
    Crowd { members, _running: running }
}

async fn swallow(mut swarm: Swarm<Foreign>, swallowed: Arc<AtomicU64>) {
    loop {
        match swarm.select_next_some().await {
            SwarmEvent::Behaviour(ForeignEvent::Kad(kad::Event::InboundRequest {
                request: InboundRequest::AddProvider { .. },
            })) => drop(swallowed.fetch_add(1, Ordering::Relaxed)),
            SwarmEvent::Behaviour(ForeignEvent::Identify(event)) => meet(&mut swarm, event),
            _ => {}
        }
    }
}

/// Three in a row: the first has never heard of the last.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_only_others_know_is_found() {
    let (one, two, three) = (TestNode::start().await, TestNode::start().await, TestNode::start().await);
    two.join(&three).await;
    one.join(&two).await;
    // Two has to hear first that three serves the DHT.
    until(|| one.context.swarm.connected().contains(&two.id())).await;
    eventually("found", || one.context.swarm.find_peer(three.id(), Duration::from_secs(2))).await;
    one.context.swarm.ensure_connected(three.id()).await.unwrap();
    let steps =
        || async { one.context.swarm.snapshot().await.unwrap().dht.queries.iter().map(|query| query.hops).max() };
    eventually("the way to it was two steps", || async { steps().await == Some(2) }).await;
    assert!(!one.context.swarm.find_peer(PeerId::random(), Duration::from_secs(5)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_package_whose_key_is_crowded_by_made_identities_is_found_at_its_publisher() {
    let hub = TestNode::start().await;
    let mut honest = Vec::new();
    for _ in 0..HONEST {
        let node = TestNode::start().await;
        node.join(&hub).await;
        honest.push(node);
    }
    let publisher = TestNode::start().await;
    let ids: Vec<PeerId> = honest.iter().chain([&hub, &publisher]).map(TestNode::id).collect();
    let release = publisher.store("tool", "1.0.0", &distant_content(&ids)).await;
    let package = release.release().package_id;
    let key = DhtKey::Blob(package).to_key();
    let swallowed = Arc::new(AtomicU64::new(0));
    let crowd = crowd(&key, &swallowed).await;
    let members: Vec<PeerId> = crowd.members.iter().map(|(peer, _)| *peer).collect();
    for (_, addr) in &crowd.members {
        publisher.context.swarm.dial(addr.clone()).await.unwrap();
        hub.context.swarm.dial(addr.clone()).await.unwrap();
    }
    publisher.join(&honest[0]).await;
    until(|| members.iter().all(|peer| publisher.context.swarm.connected().contains(peer))).await;
    // Those closest to the key are all strangers, who know each other.
    publisher.context.swarm.provide(package).await.unwrap();
    until(|| swallowed.load(Ordering::Relaxed) >= REPLICATION).await;
    for node in honest.iter().chain([&hub]) {
        let kept = node.context.swarm.snapshot().await.unwrap().dht.providers;
        assert_eq!(kept, 0, "the record came to rest with the crowd alone");
    }
    let asker = TestNode::start().await;
    asker.join(&hub).await;
    assert_eq!(asker.context.swarm.providers(package, Duration::from_secs(2)).await.unwrap(), []);
    let bytes = fetch::obtain(&asker.context, &release).await.unwrap();
    assert!(matches!(&bytes, fetch::Bytes::Fresh(_, gave) if *gave == [publisher.id()]), "{bytes:?}");
}
