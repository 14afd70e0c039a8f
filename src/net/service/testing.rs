//! Small nodes for tests: a swarm on loopback, a store in a temporary home, our protocols served. No control socket, no
//! lock, and no gossip: what arrives came by the protocol under test.

use std::io::Write;
use std::sync::Arc;

use libp2p::PeerId;
use tempfile::{NamedTempFile, TempDir};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::config::schema::DhtServerMode;
use crate::config::{Home, Settings};
use crate::market::archive::Packed;
use crate::market::merkle::BlobHasher;
use crate::market::release::Release;
use crate::market::{Identity, PackageId, PackageName, SafeText, Store, VerifiedRelease};

use super::super::bus::EventBus;
use super::super::clock::unix_now;
use super::super::context::Context;
use super::super::peers::PeerBook;
use super::super::protocol::{Serving, serve};
use super::super::swarm::{self, SwarmOptions};
use super::super::testing::{self, DEADLINE};
use super::state::Services;
use super::transfers::TransferBoard;

/// One node; everything of it ends when it is dropped.
pub struct TestNode {
    pub context: Context,
    /// None: this node answers nothing by itself.
    _serving: Option<Serving>,
    _stop: DropGuard,
    _home: TempDir,
}

/// Those of all tests, with time enough for machines that run many of them at once.
pub fn settings() -> Settings {
    let mut settings = testing::settings();
    settings.network.dht_server_mode = DhtServerMode::Server;
    settings.performance.search_timeout_ms = 5000;
    settings
}

impl TestNode {
    /// A node with [`settings`].
    pub async fn start() -> Self {
        Self::with(settings()).await
    }

    /// A node with these settings.
    pub async fn with(settings: Settings) -> Self {
        let mut node = Self::mute(settings).await;
        node._serving = Some(serve(&node.context).unwrap());
        node
    }

    /// A node that serves nothing, so that a test can answer in its place.
    pub async fn mute(settings: Settings) -> Self {
        let directory = TempDir::new().unwrap();
        let home = Home::new(directory.path());
        let store = Store::open(&home).unwrap();
        let (identity, bus) = (Identity::generate(), EventBus::new());
        let book = PeerBook::new(&settings, bus.clone());
        let stop = CancellationToken::new();
        let options = SwarmOptions {
            settings: &settings,
            identity: &identity,
            ephemeral: false,
            book: book.clone(),
            bus: bus.clone(),
            kept: None,
        };
        let (parts, task) = swarm::prepare(options, stop.clone()).unwrap();
        tokio::spawn(task);
        tokio::time::timeout(DEADLINE, parts.settled).await.unwrap().unwrap();
        let context = Context {
            home,
            services: Services::new(&settings),
            settings: Arc::new(settings),
            identity,
            store,
            swarm: parts.client,
            streams: parts.streams,
            peers: book,
            transfers: TransferBoard::new(bus.clone()),
            bus,
        };
        Self { context, _serving: None, _stop: stop.drop_guard(), _home: directory }
    }

    pub fn id(&self) -> PeerId {
        self.context.swarm.local_peer()
    }

    /// Connects to `other`; returns when both know it.
    pub async fn join(&self, other: &Self) {
        let snapshot = other.context.swarm.snapshot().await.unwrap();
        let address = snapshot.listen_addrs.first().cloned().unwrap();
        self.context.swarm.dial(address).await.unwrap();
        until(|| other.context.swarm.connected().contains(&self.id())).await;
        until(|| self.context.swarm.connected().contains(&other.id())).await;
    }

    /// Stores a release of its own with `content` as archive, telling no one.
    pub async fn store(&self, name: &str, version: &str, content: &[u8]) -> VerifiedRelease {
        let mut hasher = BlobHasher::default();
        hasher.update(content);
        let digest = hasher.finish();
        let package_id = PackageId(digest.sha256);
        let name = PackageName::new(name).unwrap();
        let (key, own) = (self.context.identity.public(), name.clone());
        let last = self.context.store.run(move |db| db.last_of(key, &own)).await.unwrap();
        let release = Release {
            network: self.context.settings.network.name.clone(),
            publisher: key,
            name,
            version: version.parse().unwrap(),
            package_id,
            size: digest.size,
            merkle_root: digest.merkle_root(),
            description: SafeText::new("for tests"),
            category: SafeText::default(),
            tags: vec![],
            keywords: vec![],
            licence: SafeText::default(),
            repository: SafeText::default(),
            dependencies: vec![],
            file_count: 1,
            sequence: last.map_or(1, |(sequence, _)| sequence + 1),
            previous: last.map(|(_, id)| id),
            published_at: unix_now(),
            expires_at: unix_now() + 3600,
            yank_reason: None,
        };
        let release = release.sign(&self.context.identity).unwrap();
        let (stored, content) = (release.clone(), content.to_vec());
        let storing = self.context.store.run(move |db| {
            let mut archive = NamedTempFile::new_in(db.incoming_dir()).unwrap();
            archive.write_all(&content).unwrap();
            let packed = Packed {
                package_id,
                size: digest.size,
                merkle_root: stored.release().merkle_root,
                leaves: digest.leaves,
                files: vec![],
                findings: vec![],
                archive,
            };
            db.store_published(packed, &stored, unix_now())
        });
        storing.await.unwrap();
        release
    }

    /// Names in the catalogue, in order.
    pub async fn names(&self) -> Vec<String> {
        let recent = self.context.store.run(|db| db.recent(1000)).await.unwrap();
        let mut names: Vec<_> = recent.iter().map(|release| release.release().name.to_string()).collect();
        names.sort();
        names
    }

    /// Turns one byte of a stored blob around.
    pub async fn flip(&self, release: &VerifiedRelease, at: usize) {
        let id = release.release().package_id;
        let path = self.context.store.run(move |db| Ok(db.blob_path(id))).await.unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[at] ^= 1;
        std::fs::write(&path, bytes).unwrap();
    }

    /// Whether this node holds the bytes of `release`.
    pub async fn holds(&self, release: &VerifiedRelease) -> bool {
        let id = release.release().package_id;
        self.context.store.run(move |db| db.blob(id)).await.unwrap().is_some()
    }
}

/// Waits until `done`.
pub async fn until(done: impl Fn() -> bool) {
    testing::eventually("a condition of this test", || std::future::ready(done())).await;
}

/// Bytes that neither repeat nor compress.
pub fn content(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..length).map(|_| next()).collect()
}

/// Of `tool` on the network `test`, published at 1000 times `sequence`.
pub fn tool_release(identity: &Identity, version: &str, sequence: u64, yank: Option<&str>) -> VerifiedRelease {
    let release = Release {
        network: "test".into(),
        publisher: identity.public(),
        name: PackageName::new("tool").unwrap(),
        version: version.parse().unwrap(),
        package_id: PackageId([sequence as u8; 32]),
        size: 10,
        merkle_root: [0; 32],
        description: SafeText::default(),
        category: SafeText::default(),
        tags: vec![],
        keywords: vec![],
        licence: SafeText::default(),
        repository: SafeText::default(),
        dependencies: vec![],
        file_count: 1,
        sequence,
        previous: (sequence > 1).then_some(crate::market::ReleaseId([1; 32])),
        published_at: 1000 * sequence,
        expires_at: 1000 * sequence + crate::market::release::DEFAULT_VALIDITY,
        yank_reason: yank.map(SafeText::new),
    };
    release.sign(identity).unwrap()
}
