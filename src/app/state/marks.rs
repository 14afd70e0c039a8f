//! What is to be seen at a glance of an announced release.

use std::collections::HashMap;

use super::State;
use crate::market::trust::names::fold;
use crate::market::{PackageName, PublisherKey};
use crate::net::api::FeedItem;

/// One mark. Whatever is shown was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Withdrawn by its publisher.
    Yanked,
    /// The name is pinned, or installed, to another key.
    OtherKey,
    /// It looks like a name that is pinned, or installed, from another key.
    LooksLike(PackageName),
    /// By the pinned key.
    Pinned,
    Installed,
}

/// Names that the user has taken from a key, by what they look like.
#[derive(Clone, Debug, Default)]
pub struct KnownNames(HashMap<String, Vec<(PackageName, Option<PublisherKey>)>>);

impl KnownNames {
    pub fn of(names: impl Iterator<Item = (PackageName, Option<PublisherKey>)>) -> Self {
        let mut known: HashMap<String, Vec<_>> = HashMap::new();
        for (name, publisher) in names {
            known.entry(fold(name.as_str())).or_default().push((name, publisher));
        }
        Self(known)
    }
}

impl State {
    /// What is installed or pinned has changed.
    pub fn note_names(&mut self) {
        let pins = self.installed.pins.iter().flatten().map(|(name, key)| (name.clone(), Some(*key)));
        let installed = self.installed.all().map(|one| (one.name.clone(), one.publisher));
        self.known_names = KnownNames::of(pins.chain(installed));
    }

    /// The marks of an announced release, the gravest first.
    pub fn marks(&self, item: &FeedItem) -> Vec<Mark> {
        let mut marks = Vec::new();
        if item.yanked {
            marks.push(Mark::Yanked);
        }
        let alike = self.known_names.0.get(&fold(item.name.as_str())).map_or(&[][..], Vec::as_slice);
        let same: Vec<_> = alike.iter().filter(|(name, _)| *name == item.name).collect();
        let own = same.iter().any(|(_, publisher)| *publisher == Some(item.publisher));
        if !same.is_empty() && !own {
            marks.push(Mark::OtherKey);
        }
        let other = alike.iter().find(|(name, key)| *name != item.name && *key != Some(item.publisher));
        if let Some((name, _)) = other.filter(|_| !own) {
            marks.push(Mark::LooksLike(name.clone()));
        }
        let is_installed =
            |name, publisher| self.installed.all().any(|one| one.name == name && one.publisher == Some(publisher));
        if is_installed(item.name.clone(), item.publisher) {
            marks.push(Mark::Installed);
        } else if own {
            marks.push(Mark::Pinned);
        }
        marks
    }
}
