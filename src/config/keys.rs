//! The list of all settings: name, what values it takes, what it is for, whether it has an effect yet.

use super::rules::{self, Kind};

/// A setting. `name` is `section.key`.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    pub name: &'static str,
    pub kind: Kind,
    /// What it is for, one sentence.
    pub about: &'static str,
}

impl Key {
    pub fn section(&self) -> &'static str {
        self.name.split_once('.').map_or("", |(section, _)| section)
    }

    /// The name within its section.
    pub fn leaf(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(_, leaf)| leaf)
    }

    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        format!("{ENV_PREFIX}{}", self.name.replace('.', "_").to_uppercase())
    }

    /// Whether a change in an open dashboard holds at once: what concerns the dashboard, and the limits that it can tell the
    /// node. What else the node goes by is read when it starts.
    pub fn at_once(&self) -> bool {
        self.section() == "ui" || [DOWNLOAD_LIMIT, UPLOAD_LIMIT].contains(&self.name)
    }

    /// Whether this version does anything with it.
    pub fn effective(&self) -> bool {
        !NOT_YET_EFFECTIVE.contains(&self.name)
    }
}

/// What every environment variable of a setting begins with.
pub const ENV_PREFIX: &str = "GGEN_P2P_";

/// Settings that are read and checked but that this version does nothing with.
pub const NOT_YET_EFFECTIVE: &[&str] = &["metrics.listen"];

/// Limits that a node takes while it runs.
pub const DOWNLOAD_LIMIT: &str = "performance.download_limit";
pub const UPLOAD_LIMIT: &str = "performance.upload_limit";

const fn key(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key { name, kind, about }
}

/// Every setting, in the order of the file.
pub const KEYS: &[Key] = &[
    key(
        "network.name",
        Kind::Text(rules::network_name),
        "Networks of different names never mix: it is part of every signature.",
    ),
    key(
        "network.listen_addresses",
        Kind::List(rules::listen_address),
        "Addresses this node listens on; a port that is taken is replaced by a free one.",
    ),
    key(
        "network.bootstrap_nodes",
        Kind::List(rules::peer_address),
        "Peers to begin with, best ending in /p2p/PEER_ID, so that no other can answer in their place; peers met once are remembered besides.",
    ),
    key("network.mdns", Kind::Bool, "Find peers on the local network."),
    key(
        "network.dht_server_mode",
        Kind::Choice(&["auto", "server", "client"]),
        "Whether this node answers the DHT requests of others.",
    ),
    key("network.packages_topic", Kind::Text(rules::topic), "The topic that releases are announced on."),
    key(
        "network.relay",
        Kind::Bool,
        "Behind a NAT, be reached through peers that relay, and reach others so; a direct way is looked for at once.",
    ),
    key(
        "network.relay_server",
        Kind::Bool,
        "Relay for peers behind a NAT, 128 KiB and two minutes a connection; for a node that others can reach.",
    ),
    key("network.upnp", Kind::Bool, "Ask the router to open this node's ports (UPnP)."),
    key("performance.max_peers", Kind::Integer(1, 1000), "Connections kept at most."),
    key("performance.min_peers", Kind::Integer(0, 1000), "Below this many peers the node looks for more."),
    key("performance.max_connections_per_ip", Kind::Integer(1, 1000), "Connections from one address at most."),
    key("performance.max_connections_per_peer", Kind::Integer(1, 16), "Connections with one peer at most."),
    key("performance.max_pending_connections", Kind::Integer(1, 1000), "Handshakes under way at most, each way."),
    key(
        "performance.dials_per_second",
        Kind::Integer(1, 10_000),
        "Connections that this node begins a second; eight times as many at once.",
    ),
    key(
        "performance.max_memory",
        Kind::Size,
        "While this program has more memory resident, no connection is made or taken; 0 is no limit.",
    ),
    key(
        "performance.max_streams",
        Kind::Integer(8, 10000),
        "Streams of each of our protocols served at a time; one peer has an eighth of them at most.",
    ),
    key(
        "performance.max_uploads",
        Kind::Integer(1, 1000),
        "Downloads by others served at a time; one peer has a quarter of them at most.",
    ),
    key(
        "performance.searches_per_second",
        Kind::Integer(1, 1000),
        "Searches of one peer answered a second; three times as many at once.",
    ),
    key("performance.dht_query_timeout", Kind::Integer(1, 600), "Seconds a DHT query may take."),
    key("performance.dht_replication", Kind::Integer(1, 20), "Peers that a DHT record is stored at."),
    key(
        "performance.search_timeout_ms",
        Kind::Integer(10, 60_000),
        "Milliseconds to wait for the peers' answers to a search.",
    ),
    key(UPLOAD_LIMIT, Kind::Size, "Bytes sent per second at most; 0 is no limit."),
    key(DOWNLOAD_LIMIT, Kind::Size, "Bytes received per second at most; 0 is no limit."),
    key(
        "performance.catalog_limit",
        Kind::Integer(1, 100_000_000),
        "Releases kept in the catalogue: of more, the newest.",
    ),
    key(
        "performance.announcement_burst",
        Kind::Integer(16, 10_000_000),
        "Announcements taken at once; of more, 48 a second, and the others come by catalogue sync.",
    ),
    key(
        "storage.max_cache_size",
        Kind::Size,
        "What the packages kept for others may take on disk; installed and own ones stay, also beyond it.",
    ),
    key(
        "storage.mirror",
        Kind::Choice(&["none", "installed", "all"]),
        "Which packages of others this node keeps and offers: none, what it has installed, or every one it hears of.",
    ),
    key("storage.keep_versions", Kind::Integer(1, 1000), "Versions of a package kept for others."),
    key(
        "security.min_peer_reputation",
        Kind::Number(0.0, 1.0),
        "Peers below it are asked last, once there are 20 dealings; 0 to 1.",
    ),
    key("security.ban_threshold", Kind::Integer(1, 1000), "Failures after which a peer is banned."),
    key("security.ban_duration", Kind::Span, "How long a first ban lasts; each one after it four times as long."),
    key("security.require_signatures", Kind::Bool, "Unsigned releases are refused; only true is allowed."),
    key("security.install_cooldown", Kind::Span, "A release that this node has known for less time is not installed."),
    key(
        "registry.mode",
        Kind::Choice(&["hybrid", "p2p", "central"]),
        "Where packages are looked for: peers and central indexes, peers only, or central indexes only.",
    ),
    key(
        "registry.central",
        Kind::List(rules::location),
        "Files or URLs of central indexes; what they list is unsigned.",
    ),
    key("registry.central_ttl", Kind::Span, "How long a fetched central index counts as fresh."),
    key(
        "ui.theme",
        Kind::Text(rules::theme),
        "Colours of the dashboard: auto (dark or light, as the terminal is), dark, light, high-contrast, colour-blind, mono, or NAME for themes/NAME.toml.",
    ),
    key("ui.mouse", Kind::Bool, "React to the mouse."),
    key("ui.frame_rate", Kind::Integer(1, 30), "Frames a second at most."),
    key("ui.ascii", Kind::Bool, "Draw with ASCII characters only."),
    key("ui.panes", Kind::List(rules::pane), "Panes in the order of their tabs; one that is not named is not shown."),
    key("ui.keymap", Kind::Map, "Keys for commands, by command id."),
    key(
        "metrics.listen",
        Kind::Text(rules::loopback),
        "Where figures are served for Prometheus, e.g. 127.0.0.1:9464; empty is nowhere.",
    ),
    key(
        "log.level",
        Kind::Choice(&["error", "warn", "info", "debug", "trace"]),
        "How much is logged; RUST_LOG says more finely.",
    ),
    key("log.max_files", Kind::Integer(1, 100), "Log files kept."),
    key("log.max_size", Kind::Size, "Size at which a new log file is begun."),
];

/// The setting of that name.
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The sections, in the order of the file.
pub fn sections() -> Vec<&'static str> {
    let mut sections: Vec<_> = KEYS.iter().map(Key::section).collect();
    sections.dedup();
    sections
}

/// `unknown` and the known name nearest to it, as one sentence.
pub(super) fn unknown(what: &str, unknown: &str, known: impl Iterator<Item = String>) -> String {
    let shown: String = unknown.chars().take(80).collect();
    let leaf = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    // A right key in a wrong section is as near as a misspelt one.
    let near =
        |name: &String| strsim::jaro_winkler(unknown, name).max(strsim::jaro_winkler(&leaf(unknown), &leaf(name)));
    let nearest = known.map(|name| (near(&name), name)).max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((likeness, name)) if likeness > 0.75 => format!("unknown {what} {shown:?} (did you mean {name:?}?)"),
        _ => format!("unknown {what} {shown:?}"),
    }
}

/// The names of all settings.
pub(super) fn names() -> impl Iterator<Item = String> {
    KEYS.iter().map(|key| key.name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    #[test]
    fn the_list_names_every_setting_in_the_order_of_the_schema() {
        let toml::Value::Table(defaults) = toml::Value::try_from(Settings::default()).unwrap() else { panic!() };
        let mut schema: Vec<String> = Vec::new();
        for (section, keys) in &defaults {
            schema.extend(keys.as_table().unwrap().keys().map(|leaf| format!("{section}.{leaf}")));
        }
        let mut listed: Vec<_> = names().collect();
        schema.sort();
        listed.sort();
        assert_eq!(listed, schema);
    }

    #[test]
    fn every_default_is_allowed() {
        let defaults = toml::Value::try_from(Settings::default()).unwrap();
        for key in KEYS {
            let value = &defaults[key.section()][key.leaf()];
            assert_eq!(key.kind.check(value), Ok(()), "{}", key.name);
        }
    }

    #[test]
    fn what_has_no_effect_yet_is_a_setting() {
        assert!(NOT_YET_EFFECTIVE.iter().all(|name| find(name).is_some()));
    }

    #[test]
    fn a_misspelt_name_is_guessed() {
        assert!(unknown("key", "network.nmae", names()).contains("\"network.name\""));
        assert!(unknown("key", "network.max_peers", names()).contains("\"performance.max_peers\""));
        assert!(!unknown("key", "zzz", names()).contains("did you mean"));
    }
}
