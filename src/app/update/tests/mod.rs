//! Each behaviour as events in, state and effects out; and what holds whatever happens.

mod looks;
mod offers;
mod packages;
mod panes;
mod publish;
mod random;
mod session;
mod shelf;

use super::update;
use crate::app::age::Now;
use crate::app::effect::Effect;
use crate::app::event::{DirEntry, Event, Listing, MouseAction, Signal, Tag};
use crate::app::hit::Target;
use crate::app::key::Key;
use crate::app::state::*;
use crate::market::store::{Pin, PinOrigin};
use crate::market::{PackageId, PackageName, PublisherKey, ReleaseId, SafeText, Severity};
use crate::net::api::*;
use crate::net::{ErrorKind, NodeCommand, NodeError, NodeEvent, NodeReply};

const START: Now = Now { unix_ms: 1_767_225_600_000 };

/// A state with the effects of its events.
struct Desk {
    state: State,
    now: Now,
}

impl Desk {
    fn new() -> Self {
        let options = DashboardOptions { current_dir: "/home/ada".into(), ..DashboardOptions::default() };
        Self { state: State::new(options, START), now: START }
    }

    fn ready() -> Self {
        let mut desk = Self::new();
        desk.event(Event::NodeReady { remote: false });
        desk.event(Event::Viewport { rows: 5, detail_end: 0, dialog_end: 0 });
        desk
    }

    fn event(&mut self, event: Event) -> Vec<Effect> {
        update(&mut self.state, event, self.now)
    }

    fn keys(&mut self, keys: &str) -> Vec<Effect> {
        keys.split_whitespace().flat_map(|key| self.event(Event::Key(key.parse().unwrap()))).collect()
    }

    fn node(&mut self, event: NodeEvent) -> Vec<Effect> {
        self.event(Event::Node(event))
    }

    fn reply(&mut self, tag: Tag, reply: NodeReply) -> Vec<Effect> {
        self.event(Event::Reply { tag, result: Ok(reply) })
    }

    fn later(&mut self, ms: u64) -> Vec<Effect> {
        self.now = self.now.plus(ms);
        self.event(Event::Tick)
    }
}

fn commands(effects: &[Effect]) -> Vec<&NodeCommand> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Request { command, .. } => Some(command),
            _ => None,
        })
        .collect()
}

fn name(text: &str) -> PackageName {
    PackageName::new(text).unwrap()
}

fn item(n: u8) -> FeedItem {
    FeedItem {
        release_id: ReleaseId([n; 32]),
        package_id: PackageId([n; 32]),
        name: name(&format!("pack-{n}")),
        version: semver::Version::new(1, 0, u64::from(n)),
        publisher: PublisherKey([1; 32]),
        description: SafeText::default(),
        category: SafeText::default(),
        size: 1,
        published_at: 0,
        received_at: START.secs(),
        via: Via::Gossip,
        from: None,
        heard_from: 0,
        yanked: false,
    }
}

fn hit(n: u8) -> SearchHit {
    SearchHit {
        name: name(&format!("pack-{n}")),
        version: semver::Version::new(1, 2, u64::from(n)),
        publisher: Some(PublisherKey([n; 32])),
        package_id: Some(PackageId([n; 32])),
        category: SafeText::default(),
        tags: Vec::new(),
        description: SafeText::default(),
        size: Some(10),
        source: Source::Local,
        sources: vec![Source::Local],
        central: None,
        score: 1.0,
        providers: 1,
        licence: SafeText::default(),
        published_at: Some(0),
        installed: None,
        yanked: false,
        revoked: false,
    }
}

fn answer(hits: &[u8]) -> NodeReply {
    NodeReply::Search(SearchAnswer { results: hits.iter().map(|n| hit(*n)).collect(), ..SearchAnswer::default() })
}

fn peer(n: u8, reputation: f64) -> PeerInfo {
    PeerInfo { peer_id: format!("peer-{n}"), connected: true, reputation, evidence: 1, ..PeerInfo::default() }
}

fn transfer(id: u64, state: TransferState) -> TransferInfo {
    TransferInfo {
        id,
        direction: Direction::Inbound,
        name: SafeText::new("a"),
        package_id: PackageId::default(),
        peer: None,
        bytes_done: id,
        bytes_total: 100,
        leaves_done: 0,
        leaves_total: 1,
        leaves_resumed: 0,
        map: Vec::new(),
        can_wait: true,
        lanes: Vec::new(),
        state,
        note: SafeText::default(),
        started_at: id,
        elapsed_ms: 10,
    }
}

fn log(n: u64, level: &str) -> LogLine {
    LogLine { at_ms: n, level: level.into(), target: SafeText::default(), message: SafeText::new(&format!("line {n}")) }
}
