//! The lock file as ggen writes it, with all that this program does not know.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::Entry;
use crate::market::when;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct RawLock {
    #[serde(deserialize_with = "each_once")]
    pub packs: BTreeMap<String, RawEntry>,
    pub updated_at: String,
    /// Who wrote the file first. ggen only shows it.
    pub ggen_version: String,
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct RawEntry {
    pub version: String,
    pub source: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integrity: Option<String>,
    pub installed_at: String,
    #[serde(default)]
    pub dependencies: Vec<String>,
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

impl RawLock {
    pub fn new() -> Self {
        Self {
            packs: BTreeMap::new(),
            updated_at: when::rfc3339(0),
            ggen_version: concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")).to_owned(),
            other: BTreeMap::new(),
        }
    }
}

impl RawEntry {
    /// Keeps what `old` has that this program does not know.
    pub fn new(entry: &Entry, dependencies: Vec<String>, old: Option<&Self>) -> Self {
        Self {
            version: entry.version.to_string(),
            source: entry.source.to_value(),
            integrity: entry.integrity.map(|id| format!("{}{id}", super::entry::INTEGRITY)),
            installed_at: when::rfc3339(entry.installed_at),
            dependencies,
            other: old.map(|old| old.other.clone()).unwrap_or_default(),
        }
    }

    /// Whether they differ at most in when they were installed.
    pub fn is_same(&self, other: &Self) -> bool {
        Self { installed_at: other.installed_at.clone(), ..self.clone() } == *other
    }
}

/// A map in which no key stands twice: two readers could otherwise take different ones.
fn each_once<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, RawEntry>, D::Error> {
    struct EachOnce;

    impl<'de> Visitor<'de> for EachOnce {
        type Value = BTreeMap<String, RawEntry>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("packs by their ids")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut packs = BTreeMap::new();
            while let Some(id) = map.next_key::<String>()? {
                if packs.contains_key(&id) {
                    return Err(A::Error::custom(format_args!("pack '{id}' stands there twice")));
                }
                packs.insert(id, map.next_value()?);
            }
            Ok(packs)
        }
    }

    deserializer.deserialize_map(EachOnce)
}
