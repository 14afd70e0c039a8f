//! What is installed, what of it is newer elsewhere, and what became of comparing its files.

use std::collections::{BTreeMap, VecDeque};

use super::{Filter, ListView};
use crate::market::install::{Basis, Verification};
use crate::market::store::{InstallSource, Reason};
use crate::market::trust::Assessment;
use crate::market::{PackageName, PublisherKey};
use crate::net::NodeError;
use crate::net::api::{FileList, InstalledInfo, OutdatedPackage};

/// From the last move of the selection to asking for the files, milliseconds.
pub const FILES_DELAY_MS: u64 = 80;

/// What became of comparing the files of one version.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    pub version: semver::Version,
    pub result: Result<Verification, NodeError>,
}

/// How an installed package stands, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Its publisher's key was revoked.
    Revoked,
    /// Its publisher withdrew the version.
    Yanked,
    /// Its files are not what was put in place.
    Changed,
    /// The files could not be compared.
    Unverified,
    Outdated,
    /// It came as a dependency, and nobody needs it any more.
    Unused,
    /// Its files were compared and are as they were.
    Verified,
    /// Nothing is known against it.
    Plain,
}

impl Standing {
    pub fn word(self) -> &'static str {
        match self {
            Self::Revoked => "key revoked",
            Self::Yanked => "yanked",
            Self::Changed => "changed",
            Self::Unverified => "not compared",
            Self::Outdated => "outdated",
            Self::Unused => "unused",
            Self::Verified => "verified",
            Self::Plain => "installed",
        }
    }
}

/// What the detail shows beside what the list has: of one package, asked for when it is selected.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extras {
    pub name: Option<PackageName>,
    pub files: Option<Result<FileList, NodeError>>,
    pub why: Option<Result<Assessment, NodeError>>,
}

/// Comparing the files of several, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Not begun yet.
    pub waiting: VecDeque<PackageName>,
    pub running: Option<PackageName>,
    pub done: usize,
    /// Of those done, whose files differ or could not be compared.
    pub faults: usize,
}

impl Round {
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    pub fn total(&self) -> usize {
        self.done + usize::from(self.running.is_some()) + self.waiting.len()
    }
}

#[derive(Clone, Debug, Default)]
pub struct Installed {
    /// None: not known yet.
    pub list: Option<Vec<InstalledInfo>>,
    pub view: ListView,
    pub filter: Filter,
    /// What there is newer; none: not known yet.
    pub newer: Option<BTreeMap<PackageName, OutdatedPackage>>,
    /// Which key each name is pinned to; none: not known yet.
    pub pins: Option<BTreeMap<PackageName, PublisherKey>>,
    pub checks: BTreeMap<PackageName, Check>,
    pub round: Round,
    pub extras: Extras,
    /// Unix ms at which to ask for them.
    pub extras_due: Option<u64>,
    /// Counts these questions up; answers to older ones are thrown away.
    pub extras_seq: u64,
    /// Whether the detail shows only why it is trusted, or not.
    pub why_only: bool,
}

impl Installed {
    /// All there is, by name.
    pub fn all(&self) -> impl Iterator<Item = &InstalledInfo> {
        self.list.iter().flatten()
    }

    pub fn get(&self, name: &PackageName) -> Option<&InstalledInfo> {
        self.all().find(|one| one.name == *name)
    }

    /// Those that the filter shows.
    pub fn visible(&self) -> Vec<&InstalledInfo> {
        self.all().filter(|one| self.shows(one)).collect()
    }

    fn shows(&self, one: &InstalledInfo) -> bool {
        if !self.filter.is_active() {
            return true;
        }
        let publisher = one.publisher.map(|key| key.to_string()).unwrap_or_else(|| "unsigned".into());
        self.filter.matches([one.name.as_str(), &publisher, self.standing(one).word()])
    }

    pub fn selected(&self) -> Option<&InstalledInfo> {
        self.visible().get(self.view.selected).copied()
    }

    /// What speaks against it, else what is known of it.
    pub fn standing(&self, one: &InstalledInfo) -> Standing {
        let check = self.check(one).map(verdict);
        let grave = [
            one.revoked.is_some().then_some(Standing::Revoked),
            one.yanked.is_some().then_some(Standing::Yanked),
            check,
            self.update_of(one).map(|_| Standing::Outdated),
            is_unused(one).then_some(Standing::Unused),
        ];
        grave.into_iter().flatten().min().unwrap_or(Standing::Plain)
    }

    /// The newer version that there is, also where `update` would not take it.
    pub fn update_of(&self, one: &InstalledInfo) -> Option<&OutdatedPackage> {
        let newer = self.newer.as_ref()?.get(&one.name)?;
        (newer.installed == one.version && newer.latest != one.version).then_some(newer)
    }

    /// What comparing the files of this version came to.
    pub fn check(&self, one: &InstalledInfo) -> Option<&Check> {
        self.checks.get(&one.name).filter(|check| check.version == one.version)
    }

    /// Whether its name is pinned to the key that signed it; none: not known.
    pub fn is_pinned(&self, one: &InstalledInfo) -> Option<bool> {
        let pinned = self.pins.as_ref()?.get(&one.name);
        Some(pinned.is_some() && pinned.copied() == one.publisher)
    }

    /// What came as a dependency and is needed by nobody any more.
    pub fn unused(&self) -> impl Iterator<Item = &InstalledInfo> {
        self.all().filter(|one| is_unused(one))
    }

    /// How many stand so.
    pub fn count(&self, standing: Standing) -> usize {
        self.all().filter(|one| self.standing(one) == standing).count()
    }

    pub fn set(&mut self, list: Vec<InstalledInfo>, rows: usize) {
        let selected = self.selected().map(|one| one.name.clone());
        // What was put in place anew since is not what was compared.
        let old = self.list.take().unwrap_or_default();
        let before: BTreeMap<_, _> = old.iter().map(|one| (&one.name, one.installed_at)).collect();
        let same = |one: &InstalledInfo| before.get(&one.name).is_none_or(|at| *at == one.installed_at);
        let kept: BTreeMap<_, _> = list.iter().filter(|one| same(one)).map(|one| (&one.name, &one.version)).collect();
        self.checks.retain(|name, check| kept.get(name).is_some_and(|version| **version == check.version));
        self.round.waiting.retain(|name| list.iter().any(|one| one.name == *name));
        self.list = Some(list);
        let visible = self.visible();
        let len = visible.len();
        match selected.and_then(|name| visible.iter().position(|one| one.name == name)) {
            Some(index) => self.view.follow(index, len, rows),
            None => self.view.select(self.view.selected, len, rows),
        }
    }

    /// The extras, if they are of the selected one.
    pub fn selected_extras(&self) -> Option<&Extras> {
        let one = self.selected()?;
        Some(&self.extras).filter(|extras| extras.name.as_ref() == Some(&one.name))
    }
}

fn is_unused(one: &InstalledInfo) -> bool {
    one.reason == Reason::Needed && one.needed_by.is_empty()
}

/// What a comparison says of a package.
fn verdict(check: &Check) -> Standing {
    match &check.result {
        Ok(found) if found.is_sound() => Standing::Verified,
        Ok(found) if found.basis == Basis::Unknown => Standing::Unverified,
        Ok(_) => Standing::Changed,
        Err(_) => Standing::Unverified,
    }
}

/// Where it came from.
pub fn source(one: &InstalledInfo) -> String {
    match &one.source {
        InstallSource::Peers => "peers".into(),
        InstallSource::Central { location } => location.clone(),
    }
}
