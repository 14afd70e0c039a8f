//! Every setting, its type and its default.

use serde::{Deserialize, Serialize};

use super::units::{ByteSize, Span};

/// All settings, as they are in `p2p-config.toml`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub network: Network,
    pub performance: Performance,
    pub storage: Storage,
    pub security: Security,
    pub registry: Registry,
    pub ui: Ui,
    pub metrics: Metrics,
    pub log: Log,
}

/// `[network]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    /// Networks of different names never mix: it is part of every signature.
    pub name: String,
    /// Multiaddrs.
    pub listen_addresses: Vec<String>,
    /// Multiaddrs ending in `/p2p/<peer id>`.
    pub bootstrap_nodes: Vec<String>,
    pub mdns: bool,
    pub dht_server_mode: DhtServerMode,
    pub packages_topic: String,
    pub relay: bool,
    pub relay_server: bool,
    pub upnp: bool,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            name: "ggen".into(),
            listen_addresses: vec!["/ip4/0.0.0.0/tcp/4001".into(), "/ip4/0.0.0.0/udp/4001/quic-v1".into()],
            bootstrap_nodes: Vec::new(),
            mdns: true,
            dht_server_mode: DhtServerMode::Auto,
            packages_topic: "/ggen/packages/v1".into(),
            relay: true,
            relay_server: false,
            upnp: true,
        }
    }
}

/// Whether this node answers the DHT requests of others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DhtServerMode {
    #[default]
    Auto,
    Server,
    Client,
}

/// `[performance]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Performance {
    pub max_peers: u32,
    pub min_peers: u32,
    pub max_connections_per_ip: u32,
    pub max_connections_per_peer: u32,
    pub max_pending_connections: u32,
    pub dials_per_second: u32,
    /// Resident bytes of this process beyond which no connection is made or taken; 0 is no limit.
    pub max_memory: ByteSize,
    pub max_streams: u32,
    pub max_uploads: u32,
    pub searches_per_second: u32,
    /// Seconds.
    pub dht_query_timeout: u64,
    pub dht_replication: u32,
    /// Milliseconds.
    pub search_timeout_ms: u64,
    /// Per second; 0 is no limit.
    pub upload_limit: ByteSize,
    /// Per second; 0 is no limit.
    pub download_limit: ByteSize,
    /// Releases kept in the catalogue: of more, the newest.
    pub catalog_limit: u64,
    /// Announcements taken at once from all peers together.
    pub announcement_burst: u32,
}

impl Default for Performance {
    fn default() -> Self {
        Self {
            max_peers: 50,
            min_peers: 5,
            max_connections_per_ip: 8,
            max_connections_per_peer: 3,
            max_pending_connections: 64,
            dials_per_second: 16,
            max_memory: ByteSize(512 << 20),
            max_streams: 128,
            max_uploads: 16,
            searches_per_second: 10,
            dht_query_timeout: 30,
            dht_replication: 20,
            search_timeout_ms: 400,
            upload_limit: ByteSize(0),
            download_limit: ByteSize(0),
            catalog_limit: 1_000_000,
            announcement_burst: 32_768,
        }
    }
}

/// `[storage]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Storage {
    pub max_cache_size: ByteSize,
    pub mirror: Mirror,
    pub keep_versions: u32,
}

impl Default for Storage {
    fn default() -> Self {
        Self { max_cache_size: ByteSize(1 << 30), mirror: Mirror::Installed, keep_versions: 3 }
    }
}

/// Which packages this node keeps and offers to others, beside its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mirror {
    /// Nothing.
    None,
    /// What it has installed.
    #[default]
    Installed,
    /// Every release it hears of, within `max_cache_size`.
    All,
}

/// `[security]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Security {
    pub min_peer_reputation: f64,
    pub ban_threshold: u32,
    pub ban_duration: Span,
    pub require_signatures: bool,
    pub install_cooldown: Span,
}

impl Default for Security {
    fn default() -> Self {
        Self {
            min_peer_reputation: 0.7,
            ban_threshold: 10,
            ban_duration: Span(3600),
            require_signatures: true,
            install_cooldown: Span(0),
        }
    }
}

/// `[registry]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Registry {
    pub mode: RegistryMode,
    /// Files or URLs of central indexes.
    pub central: Vec<String>,
    pub central_ttl: Span,
}

impl Default for Registry {
    fn default() -> Self {
        Self { mode: RegistryMode::Hybrid, central: Vec::new(), central_ttl: Span(300) }
    }
}

/// Where packages are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegistryMode {
    #[default]
    Hybrid,
    P2p,
    Central,
}

/// `[ui]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ui {
    pub theme: String,
    pub mouse: bool,
    /// Frames a second, 1 to 30.
    pub frame_rate: u32,
    pub ascii: bool,
    /// Panes in the order of their tabs.
    pub panes: Vec<String>,
    /// Command id to key.
    pub keymap: std::collections::BTreeMap<String, String>,
}

impl Default for Ui {
    fn default() -> Self {
        Self {
            theme: "auto".into(),
            mouse: true,
            frame_rate: 30,
            ascii: false,
            panes: super::rules::PANES.map(String::from).to_vec(),
            keymap: Default::default(),
        }
    }
}

/// `[metrics]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// `ip:port` on loopback, or empty for none.
    pub listen: String,
}

/// `[log]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    pub level: String,
    pub max_files: u32,
    pub max_size: ByteSize,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".into(), max_files: 5, max_size: ByteSize(10 << 20) }
    }
}
