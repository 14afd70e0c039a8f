//! Why nothing could be chosen.

use semver::{Version, VersionReq};

use super::{Bar, MAX_CANDIDATES, MAX_PACKAGES};
use crate::market::{PackageName, PublisherKey};

/// Why there is no solution. Each message is one line, but for [`Conflict::Incompatible`], which has one for each sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// A root that nobody knows.
    #[error("no package named {0}")]
    Unknown(PackageName),
    /// A root that others have published, but not the one who was named.
    #[error("no package named {name} by {publisher}")]
    UnknownBy { name: PackageName, publisher: PublisherKey },
    /// A root of which no version fits.
    #[error("no version of {name} fits {requirement}; the newest is {newest}")]
    NoVersion { name: PackageName, requirement: VersionReq, newest: Version },
    /// A root of which all that fits may not be chosen; the newest of these.
    #[error("{name} {version} cannot be chosen: {bar}")]
    Barred { name: PackageName, version: Version, bar: Bar },
    /// A name that several publishers use, and nobody said whose is meant.
    #[error("{name} is published by several keys: {}", list(keys))]
    SeveralPublishers { name: PackageName, keys: Vec<PublisherKey> },
    /// Releases that exclude each other: what was asked for, what needs what, and where that fails.
    #[error("no versions fit together:\n{}", explanation.join("\n"))]
    Incompatible { explanation: Vec<String> },
    /// More than this looks at.
    #[error(
        "too much to choose from: more than {MAX_PACKAGES} packages or {MAX_CANDIDATES} releases, or too many combinations"
    )]
    TooLarge,
}

impl Conflict {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Unknown(name) => format!("check the spelling of {name}, or search for it"),
            Self::UnknownBy { name, .. } => format!("leave the publisher out to see who has published {name}"),
            Self::NoVersion { name, newest, .. } => format!("install it with {name}@={newest}"),
            Self::Barred { name, version, bar: Bar::Yanked(_) } => {
                format!("choose another version, or ask for exactly this one with {name}@={version}")
            }
            Self::Barred { bar: Bar::Cooling(_), .. } => {
                "wait, name an older version, or lower security.install_cooldown".into()
            }
            Self::Barred { bar: Bar::Expired, .. } => "ask the publisher to publish it again".into(),
            Self::Barred { bar: Bar::Untrusted(_), name, .. } => {
                format!("see why with: ggen-p2p-tui show {name} --why")
            }
            Self::SeveralPublishers { keys, .. } => {
                let first = keys.first().map(ToString::to_string).unwrap_or_default();
                format!("say whose you want: --publisher {first}")
            }
            Self::Incompatible { .. } => "ask for other versions, or remove what excludes them".into(),
            Self::TooLarge => "ask for exact versions, or for fewer packages at once".into(),
        }
    }

    /// Whether other peers may know of something better.
    pub fn may_be_elsewhere(&self) -> bool {
        matches!(self, Self::Unknown(_) | Self::UnknownBy { .. } | Self::NoVersion { .. } | Self::Incompatible { .. })
    }
}

fn list(keys: &[PublisherKey]) -> String {
    keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
