//! Nodes of this process, and what they are asked.

use std::future::Future;
use std::time::{Duration, Instant};

use ggen_p2p_tui::config::{ByteSize, Home, Settings};
use ggen_p2p_tui::net::NodeHandle;
use ggen_p2p_tui::net::api::{PublishRequest, SearchRequest};
use ggen_p2p_tui::net::node::{NodeOptions, start};
use tempfile::TempDir;

use super::package::package;
use super::process;

/// Whatever takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(180);

pub struct Node {
    home: TempDir,
    pub handle: NodeHandle,
    pub id: String,
    /// Where others dial it.
    pub address: String,
}

impl Node {
    pub async fn start(bootstrap: &[String]) -> Self {
        Self::on(tempfile::tempdir().expect("a home"), bootstrap).await
    }

    async fn on(home: TempDir, bootstrap: &[String]) -> Self {
        let mut settings = Settings::default();
        settings.network.listen_addresses = vec!["/ip4/127.0.0.1/tcp/0".into()];
        settings.network.mdns = false;
        // All nodes together have it.
        settings.performance.max_memory = ByteSize(0);
        settings.network.bootstrap_nodes = bootstrap.to_vec();
        let options = NodeOptions { home: Home::new(home.path()), settings, logs: None, ephemeral: false };
        let handle = start(options).await.expect("a node");
        let status = handle.status().await.expect("a status");
        let address = format!("{}/p2p/{}", status.listen_addrs[0], status.peer_id);
        Self { home, handle, id: status.peer_id, address }
    }

    /// Stops it, and starts one on the same home.
    pub async fn restart(self, bootstrap: &[String]) -> Self {
        self.handle.shutdown().await.expect("an end");
        let Self { home, handle, .. } = self;
        drop(handle);
        Self::on(home, bootstrap).await
    }

    /// Publishes a small package of its own.
    pub async fn publish(&self, name: &str) {
        let dir = package(name);
        let request = PublishRequest {
            path: dir.path().display().to_string(),
            job: 0,
            wait_for: 0,
            wait_timeout_s: 0,
            allow: Vec::new(),
        };
        self.handle.publish(request).await.expect("a release");
    }

    pub async fn releases(&self) -> u64 {
        self.handle.status().await.expect("a status").catalog.releases
    }

    /// Whether a search finds the package of this name.
    pub async fn finds(&self, name: &str, remote: bool) -> bool {
        let request = SearchRequest { query: name.into(), limit: 5, remote, facets: false };
        match self.handle.search(request).await {
            Ok(answer) => answer.results.iter().any(|hit| hit.name.as_str() == name),
            Err(_) => false,
        }
    }
}

/// `count` nodes, each of which knows two that came before it; returns when all are connected.
pub async fn network(count: usize) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    for index in 0..count {
        // Anything but the first one for all: it has room for 50.
        let known = [index / 2, index.saturating_sub(1)].map(|at| nodes.get(at).map(|node| node.address.clone()));
        let known: Vec<String> = known.into_iter().flatten().collect();
        nodes.push(Node::start(&known).await);
    }
    until("all are connected", || async {
        for node in &nodes {
            if node.handle.status().await.expect("a status").connected_peers < 3.min(count - 1) {
                return false;
            }
        }
        true
    })
    .await;
    nodes
}

/// Waits for `condition`, and returns how long that took.
pub async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) -> Duration {
    let begun = Instant::now();
    while !condition().await {
        assert!(begun.elapsed() < PATIENCE, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    begun.elapsed()
}

/// Resident memory of this process in MiB.
pub fn resident() -> f64 {
    process::resident_mib(std::process::id())
}
