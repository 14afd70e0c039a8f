//! Nodes that cannot be reached, and what reaches them: on loopback, a node without listeners stands for one behind a NAT.

use futures::StreamExt;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, Swarm, SwarmBuilder, autonat, identify, noise, tcp, yamux};
use tokio::time::timeout;

use super::super::super::api::ReachInfo;
use super::super::super::service::testing::{TestNode, content, settings, until};
use super::super::super::service::{fetch, sync as sync_service};
use super::super::super::testing::{DEADLINE, eventually};
use super::{Answer, Probe};
use crate::net::protocol::{ProtocolError, blob};

async fn relay() -> TestNode {
    let mut settings = settings();
    settings.network.relay_server = true;
    TestNode::with(settings).await
}

async fn address(node: &TestNode) -> String {
    let snapshot = node.context.swarm.snapshot().await.unwrap();
    format!("{}/p2p/{}", snapshot.listen_addrs[0], node.id())
}

/// A node that nobody can dial, and that knows `relays`.
async fn hidden(relays: &[&TestNode]) -> TestNode {
    let mut settings = settings();
    settings.network.listen_addresses = Vec::new();
    for relay in relays {
        settings.network.bootstrap_nodes.push(address(relay).await);
    }
    TestNode::with(settings).await
}

async fn reach(node: &TestNode) -> ReachInfo {
    node.context.swarm.snapshot().await.unwrap().reachability
}

async fn relayed(node: &TestNode) {
    eventually("it has a slot at a relay", || async { reach(node).await.state == "relayed" }).await;
}

/// `node` connects to `other` through its relay.
async fn join_through(node: &TestNode, other: &TestNode) {
    let snapshot = other.context.swarm.snapshot().await.unwrap();
    let circuit = snapshot.listen_addrs.iter().find(|addr| super::super::address::is_relayed(addr)).unwrap();
    // Not while the relay itself is being dialled.
    eventually("reached through the relay", || async { node.context.swarm.dial(circuit.clone()).await.is_ok() }).await;
    until(|| other.context.swarm.connected().contains(&node.id())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_cannot_be_dialled_is_synced_with_and_served_from_through_a_relay() {
    let relay = relay().await;
    let holder = hidden(&[&relay]).await;
    relayed(&holder).await;
    assert!(reach(&holder).await.reason.contains(&relay.id().to_string()));
    let release = holder.store("small", "1.0.0", &content(20_000, 1)).await;
    let seeker = hidden(&[&relay]).await;
    join_through(&seeker, &holder).await;
    sync_service::with_peer(&seeker.context, holder.id()).await.unwrap();
    assert_eq!(seeker.names().await, ["small"]);
    let bytes = fetch::obtain(&seeker.context, &release).await.unwrap();
    assert_eq!(std::fs::read(bytes.path()).unwrap(), content(20_000, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_s_limits_hold_and_content_beyond_them_is_refused_with_the_reason() {
    let relay = relay().await;
    let holder = hidden(&[&relay]).await;
    relayed(&holder).await;
    let release = holder.store("large", "1.0.0", &content(600_000, 2)).await;
    // Neither listens anywhere, so that no direct way can be found.
    let seeker = hidden(&[&relay]).await;
    join_through(&seeker, &holder).await;
    let error = fetch::obtain(&seeker.context, &release).await.unwrap_err();
    assert!(error.message.contains("through a relay only, which carries 128 KiB"), "{}", error.message);
    // Who does it all the same is cut off.
    if !seeker.context.swarm.connected().contains(&holder.id()) {
        join_through(&seeker, &holder).await;
    }
    let drawing = async {
        let mut provider = blob::open(&seeker.context, holder.id(), &release, Default::default()).await?;
        provider.request(&[0, 1, 2]).await?;
        for leaf in 0..3 {
            provider.receive(leaf).await?;
        }
        Ok::<_, ProtocolError>(())
    };
    assert!(drawing.await.is_err());
    until(|| !seeker.context.swarm.connected().contains(&holder.id())).await;
    assert!(seeker.context.swarm.connected().contains(&relay.id()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_direct_connection_takes_the_relay_s_place_and_carries_what_it_could_not() {
    let relay = relay().await;
    let holder = hidden(&[&relay]).await;
    relayed(&holder).await;
    let release = holder.store("large", "1.0.0", &content(600_000, 3)).await;
    // It listens, but the holder knows nothing of it.
    let seeker = TestNode::start().await;
    seeker.join(&relay).await;
    join_through(&seeker, &holder).await;
    // On a machine with much else to do, the first attempt to get through may take longer than a download waits for it.
    eventually("the bytes, directly", || async {
        let Ok(bytes) = fetch::obtain(&seeker.context, &release).await else { return false };
        std::fs::read(bytes.path()).unwrap() == content(600_000, 3)
    })
    .await;
    seeker.context.swarm.direct(holder.id()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_relay_is_replaced() {
    let mut relays = vec![relay().await, relay().await, relay().await];
    let holder = hidden(&relays.iter().collect::<Vec<_>>()).await;
    let slots = |reason: &str, relays: &[TestNode]| -> Vec<usize> {
        (0..relays.len()).filter(|index| reason.contains(&relays[*index].id().to_string())).collect()
    };
    eventually("two slots", || async { slots(&reach(&holder).await.reason, &relays).len() == 2 }).await;
    let lost = slots(&reach(&holder).await.reason, &relays)[0];
    let gone = relays.remove(lost);
    let id = gone.id().to_string();
    drop(gone);
    eventually("two slots again", || async {
        let reason = reach(&holder).await.reason;
        slots(&reason, &relays).len() == 2 && !reason.contains(&id)
    })
    .await;
}

#[derive(NetworkBehaviour)]
struct Trial {
    identify: identify::Behaviour,
    probe: Probe,
    answer: Answer,
}

fn trial() -> Swarm<Trial> {
    SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::new().nodelay(true), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_behaviour(|key| Trial {
            identify: identify::Behaviour::new(identify::Config::new("/ggen/1.0.0".into(), key.public())),
            probe: Probe::new(|_| true),
            answer: Answer::new(10),
        })
        .unwrap()
        .with_swarm_config(|config| config.with_idle_connection_timeout(DEADLINE))
        .build()
}

#[tokio::test]
async fn a_peer_finds_out_that_this_node_can_be_reached_and_closes_what_it_made_for_that() {
    let (mut server, mut node) = (trial(), trial());
    for swarm in [&mut server, &mut node] {
        swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse().unwrap()).unwrap();
    }
    let (mut at, mut own): (Option<Multiaddr>, Option<Multiaddr>) = (None, None);
    let (mut found, mut dialled_back, mut closed) = (None, false, false);
    let all = async {
        while found.is_none() || !closed {
            tokio::select! {
                event = server.select_next_some() => match event {
                    SwarmEvent::NewListenAddr { address, .. } => at = Some(address),
                    SwarmEvent::ConnectionEstablished { endpoint, .. } => dialled_back |= endpoint.is_dialer(),
                    SwarmEvent::ConnectionClosed { endpoint, .. } => closed |= endpoint.is_dialer(),
                    _ => {}
                },
                event = node.select_next_some() => match event {
                    SwarmEvent::NewListenAddr { address, .. } => own = Some(address),
                    SwarmEvent::Behaviour(TrialEvent::Probe(event)) => found = Some(event),
                    _ => {}
                },
            }
            if let (Some(address), Some(_)) = (&at, &own)
                && node.connected_peers().next().is_none()
            {
                node.dial(address.clone()).unwrap();
                at = None;
            }
        }
    };
    timeout(DEADLINE, all).await.unwrap();
    let autonat::v2::client::Event { tested_addr, server: by, result, .. } = found.unwrap();
    assert!(result.is_ok() && dialled_back);
    assert_eq!((Some(tested_addr), by), (own, *server.local_peer_id()));
}
