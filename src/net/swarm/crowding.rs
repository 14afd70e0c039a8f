//! Identities made to lie closest to a key of the DHT, so that all its records come to rest with strangers who swallow them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt;
use libp2p::PeerId;
use libp2p::identity::Keypair;
use libp2p::kad::{self, InboundRequest};
use libp2p::swarm::SwarmEvent;
use tokio::task::JoinSet;

use super::super::service::fetch;
use super::super::service::testing::{TestNode, content, until};
use super::tests::{Foreign, ForeignEvent, meet, stranger_with};
use super::{DhtKey, KAD_PROTOCOL};

/// Honest nodes beside publisher and asker, and as many strangers as the DHT keeps a record at.
const HONEST: usize = 6;
const CROWD: usize = 20;
/// Bits that a made identity has in common with the key: more than any of the honest ones by chance.
const ALIKE: u32 = 9;

/// Identities that lie close to `key`.
fn ground(key: &kad::RecordKey) -> Vec<Keypair> {
    let key = kad::KBucketKey::new(key.clone());
    let alike = |pair: &Keypair| {
        let peer = kad::KBucketKey::from(pair.public().to_peer_id());
        key.distance(&peer).ilog2().is_none_or(|highest| highest < 256 - ALIKE)
    };
    std::iter::repeat_with(Keypair::generate_ed25519).filter(alike).take(CROWD).collect()
}

/// Takes part in the DHT like anybody, and keeps no record that it is given.
async fn swallow(mut swarm: libp2p::Swarm<Foreign>, swallowed: Arc<AtomicU64>) {
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
    let release = publisher.store("tool", "1.0.0", &content(300_000, 11)).await;
    let package = release.release().package_id;
    let key = DhtKey::Blob(package).to_key();
    let (swallowed, mut crowd) = (Arc::new(AtomicU64::new(0)), JoinSet::new());
    let hub_address = hub.context.swarm.snapshot().await.unwrap().listen_addrs[0].clone();
    let mut made: Vec<PeerId> = Vec::new();
    for pair in ground(&key) {
        made.push(pair.public().to_peer_id());
        let mut config = kad::Config::new(KAD_PROTOCOL);
        config.set_record_filtering(kad::StoreInserts::FilterBoth);
        let mut swarm = stranger_with(pair, config);
        swarm.behaviour_mut().kad.set_mode(Some(kad::Mode::Server));
        swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse().unwrap()).unwrap();
        swarm.dial(hub_address.clone()).unwrap();
        crowd.spawn(swallow(swarm, swallowed.clone()));
    }
    until(|| made.iter().all(|peer| hub.context.swarm.connected().contains(peer))).await;
    publisher.join(&honest[0]).await;
    // The record goes to those closest to the key, who are all strangers.
    until(|| publisher.context.swarm.connected().len() > CROWD / 2).await;
    publisher.context.swarm.provide(package).await.unwrap();
    until(|| swallowed.load(Ordering::Relaxed) >= CROWD as u64).await;
    for node in honest.iter().chain([&hub]) {
        let kept = node.context.swarm.snapshot().await.unwrap().dht.providers;
        assert_eq!(kept, 0, "the record came to rest with the crowd alone");
    }
    let asker = TestNode::start().await;
    asker.join(&hub).await;
    assert_eq!(asker.context.swarm.providers(package, Duration::from_secs(2)).await.unwrap(), []);
    assert!(!asker.context.swarm.connected().contains(&publisher.id()));
    let bytes = fetch::obtain(&asker.context, &release).await.unwrap();
    assert!(matches!(&bytes, fetch::Bytes::Fresh(_, gave) if *gave == [publisher.id()]), "{bytes:?}");
}
