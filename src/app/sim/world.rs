//! What the simulated node knows. Every list is bounded.

use std::collections::VecDeque;

use super::making;
use super::random::Random;
use super::{Script, Tag};
use crate::app::age::Now;
use crate::market::{PublisherKey, SafeText};
use crate::net::api::{
    BucketInfo, CatalogStatus, DhtInfo, DhtPoint, DhtQuery, DhtStatus, FeedItem, InstalledInfo, LogLine, PeerInfo,
    RateLimits, ReachInfo, ReleaseInfo, Status, StorageStatus, Traffic, TransferInfo, TransferState,
};

/// Releases, announcements, lines, transfers and peers kept.
const MAX_RELEASES: usize = 2_000;
const MAX_FEED: usize = 512;
const MAX_LOGS: usize = 512;
const MAX_TRANSFERS: usize = 48;
pub const MAX_PEERS: usize = 64;

/// An installation that waits for its download.
pub struct Waiting {
    pub tag: Tag,
    pub transfer: u64,
    /// In the order in which they are put in place.
    pub releases: Vec<ReleaseInfo>,
}

pub struct World {
    pub random: Random,
    /// When the node was started, Unix seconds.
    started: u64,
    pub me: PublisherKey,
    pub publishers: Vec<PublisherKey>,
    /// Connected, banned and gone ones.
    pub peers: Vec<PeerInfo>,
    /// Newest last.
    pub releases: VecDeque<ReleaseInfo>,
    /// What only peers have.
    pub elsewhere: Vec<ReleaseInfo>,
    /// Newest first.
    pub feed: VecDeque<FeedItem>,
    pub logs: VecDeque<LogLine>,
    pub transfers: VecDeque<TransferInfo>,
    pub installed: Vec<InstalledInfo>,
    pub waiting: Vec<Waiting>,
    pub queries: VecDeque<DhtQuery>,
    pub traffic: Traffic,
    pub last_sync: u64,
    pub rates: RateLimits,
    /// What the version of the package in the wizard was changed to.
    pub version: Option<semver::Version>,
    /// Numbers given to transfers, queries and log lines.
    next_id: u64,
}

impl World {
    /// A node that has been up for hours, so that there is something to see.
    pub fn new(script: Script, seed: u64, begin: Now) -> Self {
        let mut random = Random::new(seed ^ 0x6767_656e);
        let keys: Vec<_> = (0..12).map(|_| PublisherKey(random.bytes())).collect();
        let mut world = Self {
            me: PublisherKey(random.bytes()),
            random,
            started: begin.secs().saturating_sub(3 * 3_600 + 700),
            publishers: keys,
            peers: Vec::new(),
            releases: VecDeque::new(),
            elsewhere: Vec::new(),
            feed: VecDeque::new(),
            logs: VecDeque::new(),
            transfers: VecDeque::new(),
            installed: Vec::new(),
            waiting: Vec::new(),
            queries: VecDeque::new(),
            traffic: Traffic { bytes_in: 184_000_000, bytes_out: 61_000_000 },
            last_sync: begin.secs().saturating_sub(if script == Script::Quiet { 2 * 3_600 + 1_500 } else { 40 }),
            rates: RateLimits::default(),
            version: None,
            next_id: 0,
        };
        world.meet(if script == Script::Quiet { 3 } else { 9 }, begin);
        world.fill(begin);
        world
    }

    fn meet(&mut self, count: usize, begin: Now) {
        for _ in 0..count {
            let mut peer = making::peer(&mut self.random);
            super::peers::connect(&mut peer, &mut self.random, begin);
            peer.successes = self.random.range(4, 90);
            peer.failures = self.random.range(0, 4);
            // Whole hours and a part, so that no age on a quiet screen is about to change.
            let age = self.random.range(1, 3) * 3_600 + self.random.range(600, 3_000);
            peer.last_seen = begin.secs().saturating_sub(age);
            peer.bytes_in = self.random.range(100_000, 40_000_000);
            peer.bytes_out = self.random.range(50_000, 9_000_000);
            super::peers::judge(&mut peer);
            self.peers.push(peer);
        }
    }

    /// What came before the beginning.
    fn fill(&mut self, begin: Now) {
        let now = begin.secs();
        for n in (0..160u64).rev() {
            let hours = 3_600 * (1 + n / 2) + 1_000 + self.random.range(0, 1_500);
            let Some(release) = making::release(&mut self.random, &self.publishers, now.saturating_sub(hours)) else {
                continue;
            };
            if n % 5 == 4 {
                self.elsewhere.push(release);
            } else {
                self.add_release(release, now.saturating_sub(hours));
            }
        }
        for index in [3, 17, 29] {
            if let Some(release) = self.releases.get(index).cloned() {
                self.install(&release, now.saturating_sub(4 * 86_400));
            }
        }
        self.log(begin.unix_ms.saturating_sub(60_000), "INFO", "app::node", "listening on /ip4/192.0.2.10/tcp/4001");
    }

    pub fn next_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Takes a release in; its announcement.
    pub fn add_release(&mut self, release: ReleaseInfo, at: u64) -> FeedItem {
        let own = release.publisher == self.me;
        let from = if own { None } else { self.connected_id() };
        let item = making::announcement(&release, from.or_else(|| (!own).then(|| release.publisher.to_string())), at);
        self.releases.push_back(release);
        self.feed.push_front(item.clone());
        bound(&mut self.releases, MAX_RELEASES, true);
        bound(&mut self.feed, MAX_FEED, false);
        item
    }

    /// The id of one of the connected peers.
    pub fn connected_id(&mut self) -> Option<String> {
        let ids: Vec<_> = self.peers.iter().filter(|peer| peer.connected).map(|peer| peer.peer_id.clone()).collect();
        self.random.pick(&ids).cloned()
    }

    pub fn connected(&self) -> usize {
        self.peers.iter().filter(|peer| peer.connected).count()
    }

    pub fn peer_mut(&mut self, peer_id: &str) -> Option<&mut PeerInfo> {
        self.peers.iter_mut().find(|peer| peer.peer_id == peer_id)
    }

    pub fn log(&mut self, at_ms: u64, level: &str, target: &str, message: &str) -> LogLine {
        let line =
            LogLine { at_ms, level: level.to_owned(), target: SafeText::new(target), message: SafeText::new(message) };
        self.logs.push_back(line.clone());
        bound(&mut self.logs, MAX_LOGS, true);
        line
    }

    /// Adds a transfer, or takes the place of the one with its id.
    pub fn put_transfer(&mut self, transfer: TransferInfo) {
        match self.transfers.iter_mut().find(|known| known.id == transfer.id) {
            Some(known) => *known = transfer,
            None => self.transfers.push_back(transfer),
        }
        let over = |one: &TransferInfo| matches!(one.state, TransferState::Done | TransferState::Failed);
        if self.transfers.len() > MAX_TRANSFERS
            && let Some(index) = self.transfers.iter().position(over)
        {
            self.transfers.remove(index);
        }
    }

    /// The newest release of a name, of one publisher where it is named.
    pub fn newest(&self, name: &str, publisher: Option<PublisherKey>) -> Option<&ReleaseInfo> {
        let fits = |one: &&ReleaseInfo| one.name.as_str() == name && publisher.is_none_or(|key| key == one.publisher);
        self.releases.iter().chain(&self.elsewhere).filter(fits).max_by(|a, b| a.version.cmp(&b.version))
    }

    pub fn status(&self, now: Now) -> Status {
        let held: u64 = self.releases.iter().filter(|one| one.have_blob).map(|one| one.size).sum();
        let names: std::collections::BTreeSet<_> = self.releases.iter().map(|one| &one.name).collect();
        let releases = self.releases.len() as u64;
        Status {
            peer_id: self.me.to_string(),
            agent: concat!("ggen-p2p-tui/", env!("CARGO_PKG_VERSION")).to_owned(),
            network: "simulation".to_owned(),
            uptime_s: now.since(self.started),
            listen_addrs: vec!["/ip4/192.0.2.10/tcp/4001".into(), "/ip4/192.0.2.10/udp/4001/quic-v1".into()],
            connected_peers: self.connected(),
            reachability: ReachInfo {
                state: "reachable".into(),
                reason: "another peer connected to a public address of this node".into(),
                since: self.started + 20,
            },
            dht: DhtStatus { mode: "server".into(), routing_table: 41, records: 212, providers: 388 },
            topics: vec!["/ggen/packages/v1".into()],
            catalog: CatalogStatus {
                packages: names.len() as u64,
                releases,
                elsewhere: Some(releases + 3),
                ..CatalogStatus::default()
            },
            storage: StorageStatus { blobs: 38, bytes: 92_000_000 + held, quota: 1 << 30, bound: 12_000_000 },
            traffic: self.traffic,
            rates: self.rates,
            home: "/simulated/home".into(),
            pid: 1,
            last_sync_at: Some(self.last_sync),
            ..Status::default()
        }
    }

    pub fn dht(&self) -> DhtInfo {
        let buckets = [(255, 18), (254, 11), (253, 7), (252, 3), (251, 1), (250, 1)];
        DhtInfo {
            mode: "server".into(),
            mode_reason: "another peer connected to a public address of this node".into(),
            buckets: buckets.map(|(index, peers)| BucketInfo { index, peers }).to_vec(),
            records: 212,
            providers: 388,
            provided: 41,
            position: 0x3c00_0000,
            points: (0..41).map(point).collect(),
            queries: self.queries.iter().cloned().collect(),
        }
    }
}

/// A place in the key space: most are peers, every sixth a key.
fn point(n: u32) -> DhtPoint {
    DhtPoint { at: n.wrapping_mul(0x9e37_79b9), key: n.is_multiple_of(6) }
}

/// Keeps a list at `most`: the oldest go, which are at the front or at the back.
pub fn bound<T>(list: &mut VecDeque<T>, most: usize, oldest_first: bool) {
    while list.len() > most {
        if oldest_first { drop(list.pop_front()) } else { drop(list.pop_back()) }
    }
}
