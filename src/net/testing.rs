//! What tests of the node share: real nodes on loopback with homes of their own, and releases to send about.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::config::{ByteSize, Home, Settings};
use crate::market::{Identity, PackageId, PackageName, Release, VerifiedRelease};

use super::clock::unix_now;
use super::context::Context;
use super::handle::NodeHandle;
use super::node::{NodeOptions, start};

/// Long enough for a loaded machine; a test that waits this long has failed.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// The network name of tests.
pub const NETWORK: &str = "test";

/// A node with a temporary home.
pub struct TestNode {
    pub home: tempfile::TempDir,
    pub handle: NodeHandle,
}

/// Settings for a node that only others of this test can reach.
pub fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.network.name = NETWORK.into();
    settings.network.listen_addresses = vec!["/ip4/127.0.0.1/tcp/0".into()];
    settings.network.mdns = false;
    // All tests of a process have it together.
    settings.performance.max_memory = ByteSize(0);
    settings
}

pub fn options(home: &std::path::Path, settings: Settings) -> NodeOptions {
    NodeOptions { home: Home::new(home), settings, logs: None, ephemeral: false }
}

impl TestNode {
    /// A node that knows nobody.
    pub async fn alone() -> Self {
        Self::with(|_| {}).await
    }

    /// A node whose bootstrap node is `other`.
    pub async fn knowing(other: &TestNode) -> Self {
        let addr = other.address().await;
        Self::with(|settings| settings.network.bootstrap_nodes = vec![addr]).await
    }

    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut settings = settings();
        change(&mut settings);
        let handle = start(options(home.path(), settings)).await.unwrap();
        Self { home, handle }
    }

    /// Stops it and starts one on the same home.
    pub async fn restarted(self, change: impl FnOnce(&mut Settings)) -> Self {
        self.handle.shutdown().await.unwrap();
        let mut settings = settings();
        change(&mut settings);
        let handle = start(options(self.home.path(), settings)).await.unwrap();
        Self { home: self.home, handle }
    }

    pub fn context(&self) -> &Context {
        match &self.handle {
            NodeHandle::Embedded(node) => node.context(),
            NodeHandle::Remote(_) => unreachable!("test nodes are embedded"),
        }
    }

    pub fn id(&self) -> String {
        self.context().swarm.local_peer().to_string()
    }

    /// Its first listening address, with its peer id.
    pub async fn address(&self) -> String {
        let status = self.handle.status().await.unwrap();
        format!("{}/p2p/{}", status.listen_addrs[0], status.peer_id)
    }

    pub fn sees(&self, other: &TestNode) -> bool {
        self.context().peers.is_connected(other.context().swarm.local_peer())
    }

    /// Whether the release is in its catalogue.
    pub async fn has(&self, release: &VerifiedRelease) -> bool {
        let id = release.id();
        self.context().store.run(move |db| db.release(id)).await.unwrap().is_some()
    }

    /// What it knows of `other`.
    pub fn opinion_of(&self, other: &TestNode) -> super::api::PeerInfo {
        self.context().peers.info(other.context().swarm.local_peer()).unwrap_or_default()
    }
}

/// Waits until `condition` holds; panics with `what` when it does not in time.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let deadline = Instant::now() + DEADLINE;
    while !condition().await {
        assert!(Instant::now() < deadline, "not in time: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// A first release of `name`, signed by `identity` for `network`. Its package exists nowhere.
pub fn signed(identity: &Identity, network: &str, name: &str) -> VerifiedRelease {
    let now = unix_now();
    let release = Release {
        network: network.into(),
        publisher: identity.public(),
        name: PackageName::new(name).unwrap(),
        version: semver::Version::new(1, 0, 0),
        package_id: PackageId([7; 32]),
        size: 10,
        merkle_root: [1; 32],
        description: "A package of a test".into(),
        category: "test".into(),
        tags: Vec::new(),
        keywords: Vec::new(),
        licence: "MIT".into(),
        repository: Default::default(),
        dependencies: Vec::new(),
        file_count: 1,
        sequence: 1,
        previous: None,
        published_at: now,
        expires_at: now + 86_400,
        yank_reason: None,
    };
    release.sign(identity).unwrap()
}
