//! One pack in the lock file.

use semver::Version;
use serde_json::{Value, json};

use super::raw::RawEntry;
use crate::market::{PackageId, PackageName, PublisherKey, when};

/// What the URL of a pack begins with that was installed from peers; then comes the publisher.
const SCHEME: &str = "ggen-p2p:";
/// What an integrity begins with; then come 64 hex digits.
pub(super) const INTEGRITY: &str = "sha256-";
/// Bytes of the longest version.
const MAX_VERSION: usize = 64;

/// What the lock file says of a pack.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub version: Version,
    pub source: Source,
    /// SHA-256 of the archive.
    pub integrity: Option<PackageId>,
    /// Unix seconds; 0 where another tool wrote what is no time.
    pub installed_at: u64,
    pub dependencies: Vec<PackageName>,
}

/// Where a pack is from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// From peers, signed by this publisher, who is pinned by that.
    Publisher(PublisherKey),
    /// From a registry or central index at this URL.
    Registry(String),
    /// From elsewhere, as other tools write it.
    Other(Value),
}

impl Source {
    pub(super) fn to_value(&self) -> Value {
        let url = match self {
            Self::Publisher(key) => format!("{SCHEME}{key}"),
            Self::Registry(url) => url.clone(),
            Self::Other(value) => return value.clone(),
        };
        json!({ "type": "Registry", "url": url })
    }

    /// Fails for a publisher that is none.
    fn read(value: &Value) -> Result<Self, String> {
        let url = value.get("url").and_then(Value::as_str);
        let Some(url) = url.filter(|_| value.get("type").and_then(Value::as_str) == Some("Registry")) else {
            return Ok(Self::Other(value.clone()));
        };
        match url.strip_prefix(SCHEME) {
            None => Ok(Self::Registry(url.to_owned())),
            Some(key) => key.parse().map(Self::Publisher).map_err(|error| format!("source: {error}")),
        }
    }
}

impl Entry {
    /// Whose key the entry pins.
    pub fn publisher(&self) -> Option<PublisherKey> {
        match self.source {
            Source::Publisher(key) => Some(key),
            Source::Registry(_) | Source::Other(_) => None,
        }
    }

    /// Fails for an entry that was installed from peers and is not as this program wrote it. What others write is theirs.
    pub(super) fn check(id: &str, raw: &RawEntry) -> Result<(), String> {
        let Source::Publisher(_) = Source::read(&raw.source)? else { return Ok(()) };
        PackageName::new(id).map_err(|error| error.to_string())?;
        version(&raw.version).ok_or_else(|| format!("'{}' is no version", raw.version))?;
        if let Some(text) = &raw.integrity {
            integrity(text).ok_or_else(|| format!("integrity '{text}' is not {INTEGRITY} and 64 hex digits"))?;
        }
        when::from_rfc3339(&raw.installed_at)
            .ok_or_else(|| format!("installed_at '{}' is no time", raw.installed_at))?;
        for dependency in &raw.dependencies {
            PackageName::new(dependency).map_err(|error| format!("dependencies: {error}"))?;
        }
        Ok(())
    }

    /// What of an entry can be read; None without a version.
    pub(super) fn read(raw: &RawEntry) -> Option<Self> {
        Some(Self {
            version: version(&raw.version)?,
            source: Source::read(&raw.source).ok()?,
            integrity: raw.integrity.as_deref().and_then(integrity),
            installed_at: when::from_rfc3339(&raw.installed_at).unwrap_or(0),
            dependencies: raw.dependencies.iter().filter_map(|id| PackageName::new(id).ok()).collect(),
        })
    }
}

fn version(text: &str) -> Option<Version> {
    text.parse().ok().filter(|_| text.len() <= MAX_VERSION)
}

fn integrity(text: &str) -> Option<PackageId> {
    text.strip_prefix(INTEGRITY)?.parse().ok()
}
