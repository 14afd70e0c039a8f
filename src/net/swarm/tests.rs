//! A node against a peer of another make: a plain libp2p swarm that does what ours would not.

use std::time::Duration;

use futures::StreamExt;
use libp2p::gossipsub::{self, IdentTopic, MessageAuthenticity, ValidationMode};
use libp2p::identity::Keypair;
use libp2p::kad::store::{MemoryStore, RecordStore};
use libp2p::kad::{self, ProviderRecord, Quorum, Record, RecordKey};
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{PeerId, Swarm, SwarmBuilder, identify, noise, tcp, yamux};
use tokio::time::timeout;

use super::super::api::Via;
use super::super::clock::unix_now;
use super::super::testing::{DEADLINE, NETWORK, TestNode, eventually, signed};
use super::{DhtKey, IDENTIFY_PROTOCOL, KAD_PROTOCOL};
use crate::market::{Identity, PackageId};

#[derive(NetworkBehaviour)]
pub(super) struct Foreign {
    identify: identify::Behaviour,
    pub(super) kad: kad::Behaviour<MemoryStore>,
    pub(super) gossip: gossipsub::Behaviour,
}

/// A foreign peer that knows nobody.
pub(super) fn stranger() -> Swarm<Foreign> {
    stranger_with(Keypair::generate_ed25519(), kad::Config::new(KAD_PROTOCOL))
}

/// The same with this identity, and this configuration of the DHT.
pub(super) fn stranger_with(identity: Keypair, dht: kad::Config) -> Swarm<Foreign> {
    SwarmBuilder::with_existing_identity(identity)
        .with_tokio()
        .with_tcp(tcp::Config::new().nodelay(true), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_behaviour(|key| {
            let local = key.public().to_peer_id();
            let config = gossipsub::ConfigBuilder::default()
                .validation_mode(ValidationMode::Anonymous)
                .message_id_fn(|message| gossipsub::MessageId::new(&message.data))
                .build()
                .unwrap();
            Foreign {
                identify: identify::Behaviour::new(identify::Config::new(IDENTIFY_PROTOCOL.into(), key.public())),
                kad: kad::Behaviour::with_config(local, MemoryStore::new(local), dht),
                gossip: gossipsub::Behaviour::new(MessageAuthenticity::Anonymous, config).unwrap(),
            }
        })
        .unwrap()
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(60)))
        .build()
}

/// A foreign peer, connected to `node` and with it in its routing table and topic.
pub(super) async fn foreign(node: &TestNode) -> Swarm<Foreign> {
    let mut swarm = stranger();
    swarm.behaviour_mut().kad.set_mode(Some(kad::Mode::Server));
    swarm.behaviour_mut().gossip.subscribe(&IdentTopic::new("/ggen/packages/v1")).unwrap();
    swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse().unwrap()).unwrap();
    swarm.dial(node.address().await.parse::<libp2p::Multiaddr>().unwrap()).unwrap();
    let (mut routed, mut subscribed) = (false, false);
    let ready = async {
        while !(routed && subscribed) {
            match swarm.select_next_some().await {
                SwarmEvent::Behaviour(ForeignEvent::Kad(kad::Event::RoutingUpdated { .. })) => routed = true,
                SwarmEvent::Behaviour(ForeignEvent::Gossip(gossipsub::Event::Subscribed { .. })) => subscribed = true,
                SwarmEvent::Behaviour(ForeignEvent::Identify(event)) => meet(&mut swarm, event),
                _ => {}
            }
        }
    };
    timeout(DEADLINE, ready).await.unwrap();
    swarm
}

/// Takes a peer that says where it listens into the routing table.
pub(super) fn meet(swarm: &mut Swarm<Foreign>, event: identify::Event) {
    if let identify::Event::Received { peer_id, info, .. } = event {
        for addr in info.listen_addrs {
            swarm.behaviour_mut().kad.add_address(&peer_id, addr);
        }
    }
}

/// Runs `swarm` until the query that has just been started has ended; its last result.
async fn ended(swarm: &mut Swarm<Foreign>) -> kad::QueryResult {
    let last = async {
        loop {
            if let SwarmEvent::Behaviour(ForeignEvent::Kad(kad::Event::OutboundQueryProgressed {
                result, step, ..
            })) = swarm.select_next_some().await
                && step.last
                && !matches!(result, kad::QueryResult::Bootstrap(_))
            {
                return result;
            }
        }
    };
    timeout(DEADLINE, last).await.unwrap()
}

fn failures(node: &TestNode, peer: PeerId) -> u64 {
    node.context().peers.info(peer).unwrap_or_default().failures
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn value_records_are_refused() {
    let node = TestNode::alone().await;
    let mut swarm = foreign(&node).await;
    let key = RecordKey::from(b"/ggen/head/x/y".to_vec());
    let record = Record::new(key.clone(), b"anything".to_vec());
    swarm.behaviour_mut().kad.put_record(record, Quorum::One).unwrap();
    ended(&mut swarm).await;
    swarm.behaviour_mut().kad.remove_record(&key);
    swarm.behaviour_mut().kad.get_record(key);
    assert!(matches!(ended(&mut swarm).await, kad::QueryResult::GetRecord(Err(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn provider_records_are_kept_for_our_keys_only() {
    let node = TestNode::alone().await;
    let mut swarm = foreign(&node).await;
    let peer = *swarm.local_peer_id();
    let package = PackageId([3; 32]);
    swarm.behaviour_mut().kad.start_providing(DhtKey::Blob(package).to_key()).unwrap();
    ended(&mut swarm).await;
    let mut running = tokio::spawn(async move {
        loop {
            swarm.select_next_some().await;
        }
    });
    // The provider would name itself: what counts is what the node has.
    let kept = || async { node.handle.status().await.unwrap().dht.providers };
    eventually("it is stored", || async { kept().await == 1 }).await;
    eventually("kept", || async { node.context().swarm.providers(package, DEADLINE).await.unwrap() == [peer] }).await;
    assert_eq!(failures(&node, peer), 0);
    running.abort();
    assert!((&mut running).await.unwrap_err().is_cancelled());

    let mut swarm = foreign(&node).await;
    let peer = *swarm.local_peer_id();
    swarm.behaviour_mut().kad.start_providing(RecordKey::from(b"/ipfs/something".to_vec())).unwrap();
    ended(&mut swarm).await;
    tokio::select! {
        () = eventually("it costs", || async { failures(&node, peer) == 1 }) => {}
        () = async { loop { swarm.select_next_some().await; } } => {}
    }
    assert_eq!(kept().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_only_the_dht_knows_can_be_reached() {
    let (node, holder) = (TestNode::alone().await, TestNode::alone().await);
    let (peer, addr) = (holder.context().swarm.local_peer(), holder.address().await);
    let listen = holder.handle.status().await.unwrap().listen_addrs[0].clone();
    // Away while the DHT is asked, so that the query itself does not bring the connection.
    holder.handle.shutdown().await.unwrap();
    let mut swarm = foreign(&node).await;
    let package = PackageId([5; 32]);
    let record = ProviderRecord::new(DhtKey::Blob(package).to_key(), peer, vec![addr.parse().unwrap()]);
    swarm.behaviour_mut().kad.store_mut().add_provider(record).unwrap();
    let find =
        eventually("found", || async { node.context().swarm.providers(package, DEADLINE).await.unwrap() == [peer] });
    tokio::select! {
        () = find => {}
        () = async { loop { swarm.select_next_some().await; } } => {}
    }
    assert!(node.context().swarm.ensure_connected(peer).await.is_err());
    drop(swarm);
    let _holder = holder.restarted(|settings| settings.network.listen_addresses = vec![listen]).await;
    eventually("reached", || async { node.context().swarm.ensure_connected(peer).await.is_ok() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_much_for_gossip_comes_by_sync_soon_and_costs_nobody() {
    let one = TestNode::with(|settings| settings.performance.announcement_burst = 64).await;
    let two = TestNode::knowing(&one).await;
    eventually("in step", || async { two.handle.status().await.unwrap().last_sync_at.is_some() }).await;
    let publisher = Identity::generate();
    let releases: Vec<_> = (0..300).map(|n| signed(&publisher, NETWORK, &format!("flood-{n}"))).collect();
    let stored = releases.clone();
    two.context().store.run(move |db| db.accept_all(&stored, unix_now())).await.unwrap();
    for release in &releases {
        let envelope = release.envelope().to_bytes();
        eventually("two announces", || async { two.context().swarm.announce(envelope.clone()).await.is_ok() }).await;
    }
    eventually("all are there", || async { one.handle.status().await.unwrap().catalog.releases == 300 }).await;
    // Gossip had no room for all. What a sync brings is told of when all of it is stored.
    eventually("some came by sync", || async {
        one.handle.feed(300).await.unwrap().iter().any(|item| item.via == Via::Sync)
    })
    .await;
    assert_eq!((failures(&one, two.context().swarm.local_peer()), one.sees(&two)), (0, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_peer_hears_what_a_node_announces() {
    let node = TestNode::alone().await;
    let mut swarm = foreign(&node).await;
    let envelope = signed(&Identity::generate(), NETWORK, "hello").envelope().to_bytes();
    let heard = async {
        loop {
            if let SwarmEvent::Behaviour(ForeignEvent::Gossip(gossipsub::Event::Message { message, .. })) =
                swarm.select_next_some().await
            {
                return message.data;
            }
        }
    };
    let announced = async {
        eventually("announced", || async { node.context().swarm.announce(envelope.clone()).await.unwrap() == 1 }).await;
    };
    let (heard, ()) = timeout(DEADLINE, async { tokio::join!(heard, announced) }).await.unwrap();
    assert_eq!(heard, envelope);
}
