//! Names, texts and ids of things that do not exist.

use super::random::Random;
use crate::market::{Dependency, PackageId, PackageName, PublisherKey, ReleaseId, SafeText};
use crate::net::api::{FeedItem, PeerInfo, ReleaseInfo, Via};

const SUBJECTS: [(&str, &str); 16] = [
    ("rust", "Rust"),
    ("graph", "property graphs"),
    ("ontology", "ontologies"),
    ("shacl", "SHACL"),
    ("sparql", "SPARQL"),
    ("rest", "REST services"),
    ("grpc", "gRPC services"),
    ("kafka", "Kafka topics"),
    ("sql", "SQL schemas"),
    ("react", "React forms"),
    ("terraform", "Terraform modules"),
    ("knowledge", "knowledge bases"),
    ("event", "event sourcing"),
    ("audit", "audit trails"),
    ("policy", "access policies"),
    ("calendar", "calendars"),
];

/// The end of a name, what it does, its category and a tag.
const KINDS: [(&str, &str, &str, &str); 8] = [
    ("shapes", "Shapes that validate", "ontology", "shacl"),
    ("templates", "Templates that generate code for", "templates", "codegen"),
    ("client", "A typed client for", "library", "client"),
    ("scaffold", "A project to begin with for", "templates", "starter"),
    ("validator", "Checks and explains", "tools", "validation"),
    ("importer", "Imports spreadsheets into", "tools", "import"),
    ("model", "A shared vocabulary for", "ontology", "rdf"),
    ("docs", "Writes documentation of", "tools", "docs"),
];

/// The agents of peers, the commonest first.
const AGENTS: [&str; 5] = [
    concat!("ggen-p2p-tui/", env!("CARGO_PKG_VERSION")),
    concat!("ggen-p2p-tui/", env!("CARGO_PKG_VERSION")),
    concat!("ggen-p2p-tui/", env!("CARGO_PKG_VERSION")),
    "js-libp2p/2.1.0",
    "rust-libp2p/0.57.0",
];

/// One of the names there are; `n` counts them.
fn name(n: u64) -> Option<(PackageName, String, &'static str, &'static str)> {
    let at = |len: usize, n: u64| usize::try_from(n).unwrap_or_default() % len;
    let (stem, subject) = SUBJECTS.get(at(SUBJECTS.len(), n))?;
    let (end, does, category, tag) = KINDS.get(at(KINDS.len(), n / 16))?;
    Some((PackageName::new(&format!("{stem}-{end}")).ok()?, format!("{does} {subject}"), category, tag))
}

/// A release of one of the names, published at `at` (Unix seconds), by one of `keys`.
pub fn release(random: &mut Random, keys: &[PublisherKey], at: u64) -> Option<ReleaseInfo> {
    let n = random.range(0, 128);
    let (name, description, category, tag) = self::name(n)?;
    // A name belongs to one publisher, with few exceptions.
    let owner = usize::try_from(n).ok()? % keys.len().max(1);
    let publisher = if random.one_in(40) { *random.pick(keys)? } else { *keys.get(owner)? };
    let version = semver::Version::new(random.range(0, 3), random.range(0, 12), random.range(0, 6));
    Some(ReleaseInfo {
        version,
        publisher,
        release_id: ReleaseId(random.bytes()),
        package_id: PackageId(random.bytes()),
        size: random.range(20_000, 9_000_000),
        file_count: u32::try_from(random.range(3, 90)).unwrap_or(3),
        description: SafeText::new(&description),
        category: SafeText::new(category),
        tags: vec![SafeText::new(tag)],
        keywords: Vec::new(),
        licence: SafeText::new(if random.one_in(3) { "Apache-2.0" } else { "MIT" }),
        repository: SafeText::new(&format!("https://example.org/{name}")),
        dependencies: needs(random, n),
        sequence: random.range(1, 40),
        published_at: at,
        expires_at: at + 600 * 86_400,
        first_seen: at + 2,
        yank_reason: None,
        have_blob: false,
        providers: usize::try_from(random.range(1, 9)).unwrap_or(1),
        holders: Vec::new(),
        installed: false,
        pinned: None,
        name,
    })
}

/// Every third name needs one that comes before it.
fn needs(random: &mut Random, n: u64) -> Vec<Dependency> {
    if n < 16 || !n.is_multiple_of(3) {
        return Vec::new();
    }
    let needed = name(random.range(0, 16)).map(|(name, ..)| name);
    let requirement = semver::VersionReq::STAR;
    needed.into_iter().map(|name| Dependency { name, requirement: requirement.clone(), publisher: None }).collect()
}

/// The announcement of a release.
pub fn announcement(release: &ReleaseInfo, from: Option<String>, received_at: u64) -> FeedItem {
    FeedItem {
        release_id: release.release_id,
        package_id: release.package_id,
        name: release.name.clone(),
        version: release.version.clone(),
        publisher: release.publisher,
        description: release.description.clone(),
        category: release.category.clone(),
        size: release.size,
        published_at: release.published_at,
        received_at,
        via: if from.is_some() { Via::Gossip } else { Via::Own },
        heard_from: u32::from(from.is_some()),
        from,
        yanked: false,
    }
}

/// A peer that is not connected yet.
pub fn peer(random: &mut Random) -> PeerInfo {
    let peer_id = PublisherKey(random.bytes()).to_string();
    let net = ["192.0.2", "198.51.100", "203.0.113"];
    let host = random.range(1, 255);
    let net = random.pick(&net).copied().unwrap_or("192.0.2");
    PeerInfo {
        addrs: vec![
            format!("/ip4/{net}.{host}/tcp/4001/p2p/{peer_id}"),
            format!("/ip4/{net}.{host}/udp/4001/quic-v1/p2p/{peer_id}"),
        ],
        agent: SafeText::new(random.pick(&AGENTS).copied().unwrap_or_default()),
        source: (*random.pick(&["dht", "inbound", "remembered", "bootstrap"]).unwrap_or(&"dht")).to_owned(),
        reputation: 0.5,
        estimate: 0.1,
        peer_id,
        ..PeerInfo::default()
    }
}
