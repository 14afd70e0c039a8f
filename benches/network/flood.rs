//! Very many valid announcements at once, by a peer that speaks gossipsub and nothing else of ours but identify and sync.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use futures::StreamExt;
use ggen_p2p_tui::market::merkle::leaf_hash;
use ggen_p2p_tui::market::{Identity, PackageId, PackageName, Release};
use ggen_p2p_tui::net::unix_now;
use libp2p::gossipsub::{
    Behaviour, ConfigBuilder, Event, IdentTopic, Message, MessageAuthenticity, MessageId, ValidationMode,
};
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, Swarm, SwarmBuilder, identify, noise, tcp, yamux};

use super::nodes::{Node, network, resident};

const NODES: usize = 10;
/// Nodes that the sender is connected to; the others have it from these.
const ENTRIES: usize = 3;
/// How often what is due is sent.
const TICK: Duration = Duration::from_millis(10);
const WAIT: Duration = Duration::from_secs(60);

#[derive(NetworkBehaviour)]
struct Sender {
    gossip: Behaviour,
    identify: identify::Behaviour,
}

pub async fn run(per_second: u64, lasting: Duration) {
    let nodes = network(NODES).await;
    let (mut swarm, topic) = (sender(), IdentTopic::new("/ggen/packages/v1"));
    swarm.behaviour_mut().gossip.subscribe(&topic).expect("a topic");
    for node in nodes.iter().take(ENTRIES) {
        swarm.dial(node.address.parse::<Multiaddr>().expect("an address")).expect("a dial");
    }
    let mut subscribed = HashSet::new();
    while subscribed.len() < ENTRIES {
        if let SwarmEvent::Behaviour(SenderEvent::Gossip(Event::Subscribed { peer_id, .. })) =
            swarm.select_next_some().await
        {
            subscribed.insert(peer_id);
        }
    }
    let before = resident();
    let count = per_second * lasting.as_secs();
    let publisher = Identity::generate();
    let envelopes: Vec<Vec<u8>> = (0..count).map(|number| announcement(&publisher, number)).collect();
    println!("\n{count} announcements, {per_second} a second, to {ENTRIES} of {NODES} nodes");
    let (begun, mut sent, mut failed) = (Instant::now(), 0, 0u64);
    let mut tick = tokio::time::interval(TICK);
    while sent < envelopes.len() {
        tokio::select! {
            _ = tick.tick() => {
                let due = (begun.elapsed().as_millis() as u64 * per_second / 1000).min(count) as usize;
                for envelope in &envelopes[sent..due] {
                    let published = swarm.behaviour_mut().gossip.publish(topic.clone(), envelope.clone());
                    failed += u64::from(published.is_err());
                }
                sent = due;
            }
            _ = swarm.select_next_some() => {}
        }
    }
    tell(&nodes, count, &format!("sent within {:.1} s, {failed} not", begun.elapsed().as_secs_f64()), before).await;
    let over = Instant::now() + WAIT;
    let mut told = Instant::now();
    while Instant::now() < over && least(&nodes).await < count {
        // The sender stays there.
        let _ = tokio::time::timeout(Duration::from_millis(100), swarm.select_next_some()).await;
        if told.elapsed() > Duration::from_secs(10) {
            told = Instant::now();
            tell(&nodes, count, &format!("{:.0} s later", WAIT.saturating_sub(over - told).as_secs_f64()), before)
                .await;
        }
    }
    tell(
        &nodes,
        count,
        &format!("{:.1} s later", WAIT.saturating_sub(over.saturating_duration_since(Instant::now())).as_secs_f64()),
        before,
    )
    .await;
}

async fn least(nodes: &[Node]) -> u64 {
    let mut least = u64::MAX;
    for node in nodes {
        least = least.min(node.releases().await);
    }
    least
}

async fn tell(nodes: &[Node], count: u64, when: &str, before: f64) {
    let least = least(nodes).await;
    let now = resident();
    println!(
        "{when}: {:.2} % of them in the emptiest catalogue; {:.1} MiB for each node, {:.1} more than before",
        least as f64 * 100.0 / count as f64,
        now / NODES as f64,
        (now - before) / NODES as f64
    );
}

fn sender() -> Swarm<Sender> {
    let config = ConfigBuilder::default()
        .validation_mode(ValidationMode::Anonymous)
        .message_id_fn(|message: &Message| MessageId::new(&leaf_hash(&message.data)))
        .flood_publish(true)
        .max_control_messages_sent(256)
        .build()
        .expect("a configuration");
    SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)
        .expect("a transport")
        .with_behaviour(|key| Sender {
            gossip: Behaviour::new(MessageAuthenticity::Anonymous, config).expect("gossipsub"),
            identify: identify::Behaviour::new(identify::Config::new("/ggen/1.0.0".into(), key.public())),
        })
        .expect("a behaviour")
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(600)))
        .build()
}

fn announcement(publisher: &Identity, number: u64) -> Vec<u8> {
    let now = unix_now();
    let release = Release {
        network: "ggen".into(),
        publisher: publisher.public(),
        name: PackageName::new(&format!("flood-{number}")).expect("a name"),
        version: semver::Version::new(1, 0, 0),
        package_id: PackageId(leaf_hash(&number.to_be_bytes())),
        size: 1000,
        merkle_root: [1; 32],
        description: "One of very many packages that are announced at once".into(),
        category: "bench".into(),
        tags: vec!["flood".into()],
        keywords: Vec::new(),
        licence: "MIT".into(),
        repository: "".into(),
        dependencies: Vec::new(),
        file_count: 1,
        sequence: 1,
        previous: None,
        published_at: now,
        expires_at: now + 86_400,
        yank_reason: None,
    };
    release.sign(publisher).expect("a signed release").envelope().to_bytes()
}
