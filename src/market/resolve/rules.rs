//! Which candidates fit what is asked of a name.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use semver::{Op, Version, VersionReq};

use super::indices::Indices;
use super::{Bar, Candidate, Known, Universe, Wanted};
use crate::market::{Dependency, PackageName, PublisherKey};

/// What a root or a release asks of a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Demand {
    pub name: PackageName,
    pub requirement: Option<VersionReq>,
    pub publisher: Option<PublisherKey>,
}

impl From<&Wanted> for Demand {
    fn from(wanted: &Wanted) -> Self {
        let Wanted { name, requirement, publisher } = wanted.clone();
        Self { name, requirement, publisher }
    }
}

impl From<&Dependency> for Demand {
    fn from(dependency: &Dependency) -> Self {
        let Dependency { name, requirement, publisher } = dependency.clone();
        Self { name, requirement: Some(requirement), publisher }
    }
}

/// Whose releases a name means where nobody is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// Of this publisher, or the unsigned ones.
    One(Option<PublisherKey>),
    /// Of any of these, so long as someone else says whose.
    Several(Vec<PublisherKey>),
}

impl Owner {
    fn has(&self, candidate: &Candidate) -> bool {
        match self {
            Self::One(publisher) => candidate.publisher == *publisher,
            Self::Several(keys) => candidate.publisher.is_some_and(|key| keys.contains(&key)),
        }
    }
}

/// Why a demand cannot be met, whatever else is chosen.
pub(super) enum Fault {
    /// Nobody knows anything of it.
    Nothing,
    /// The newest version of those that were looked at.
    NoVersion(Version),
    /// The newest version that fits, and why it may not be chosen.
    Barred(Version, Bar),
}

/// Whether a demand on a release can be met by itself, before others are asked.
pub(super) struct Rules<'a> {
    universe: &'a Universe,
    owners: BTreeMap<PackageName, Owner>,
    /// What a root asked for by its exact version although it was withdrawn.
    lifted: HashSet<(PackageName, usize)>,
    allowed: RefCell<HashMap<Demand, Indices>>,
    work: Cell<u64>,
}

/// Comparisons of a requirement with a version; a step of the solver, which slows down as it learns, counts as [`STEP`]. That
/// is a second at most, and more than any set of packages needs that was not made to be hopeless.
const MAX_WORK: u64 = 10_000_000;
pub(super) const STEP: u64 = 5_000;

impl<'a> Rules<'a> {
    pub fn new(universe: &'a Universe, roots: &[Wanted]) -> Self {
        let named: BTreeMap<_, _> = roots.iter().rev().filter_map(|root| Some((&root.name, root.publisher?))).collect();
        let owners =
            universe.packages.iter().map(|(name, known)| (name.clone(), owner(known, named.get(name).copied())));
        let mut rules = Self {
            universe,
            owners: owners.collect(),
            lifted: HashSet::new(),
            allowed: RefCell::default(),
            work: Cell::new(0),
        };
        rules.lifted = roots.iter().flat_map(|root| rules.lifted_by(root)).collect();
        rules
    }

    pub fn universe(&self) -> &'a Universe {
        self.universe
    }

    pub fn names(&self) -> impl Iterator<Item = (&'a PackageName, &'a Known)> {
        self.universe.packages.iter()
    }

    /// None for a name that nobody knows.
    pub fn known(&self, name: &PackageName) -> Option<&'a Known> {
        self.universe.get(name).filter(|known| !known.candidates.is_empty())
    }

    pub fn candidate(&self, name: &PackageName, index: usize) -> Option<&'a Candidate> {
        self.known(name)?.candidates.get(index)
    }

    /// The publishers of a name between whom nobody has decided.
    pub fn undecided(&self, name: &PackageName) -> &[PublisherKey] {
        match self.owners.get(name) {
            Some(Owner::Several(keys)) => keys,
            _ => &[],
        }
    }

    /// The one whose releases a name means where nobody is named; None where that is open.
    pub fn owner(&self, name: &PackageName) -> Option<Option<PublisherKey>> {
        match self.owners.get(name) {
            Some(Owner::One(publisher)) => Some(*publisher),
            _ => None,
        }
    }

    /// Whether a candidate may be chosen at all.
    pub fn is_free(&self, name: &PackageName, index: usize) -> bool {
        self.candidate(name, index).is_some_and(|candidate| candidate.bar.is_none())
            || self.lifted.contains(&(name.clone(), index))
    }

    /// The candidates that fit `demand`, whether they may be chosen or not.
    pub fn allowed(&self, demand: &Demand) -> Indices {
        if let Some(allowed) = self.allowed.borrow().get(demand) {
            return allowed.clone();
        }
        let allowed: Indices = self.fitting(demand).map(|(index, _)| index).collect();
        self.allowed.borrow_mut().insert(demand.clone(), allowed.clone());
        allowed
    }

    /// Notes that something was computed.
    pub fn spend(&self, work: u64) {
        self.work.set(self.work.get().saturating_add(work));
    }

    pub fn is_exhausted(&self) -> bool {
        self.work.get() > MAX_WORK
    }

    /// What `demand` fails by, if by itself it does.
    pub fn fault(&self, demand: &Demand) -> Option<Fault> {
        let allowed = self.allowed(demand);
        let Some(known) = self.known(&demand.name) else { return Some(Fault::Nothing) };
        let fitting = || allowed.iter(known.candidates.len());
        if fitting().any(|index| self.is_free(&demand.name, index)) {
            return None;
        }
        let barred = fitting().filter_map(|index| known.candidates.get(index)).max_by_key(|it| &it.version);
        if let Some((version, bar)) = barred.and_then(|it| Some((&it.version, it.bar.as_ref()?))) {
            return Some(Fault::Barred(version.clone(), bar.clone()));
        }
        let looked_at = self.of_publisher(demand).map(|(_, candidate)| &candidate.version).max();
        Some(looked_at.map_or(Fault::Nothing, |newest| Fault::NoVersion(newest.clone())))
    }

    /// All that the publisher whom `demand` means has released.
    fn of_publisher(&self, demand: &Demand) -> impl Iterator<Item = (usize, &'a Candidate)> {
        let candidates = self.known(&demand.name).map_or(&[][..], |known| &known.candidates);
        self.spend(candidates.len() as u64);
        let owner = match demand.publisher {
            None => self.owners.get(&demand.name),
            Some(_) => None,
        };
        candidates.iter().enumerate().filter(move |(_, candidate)| match owner {
            Some(owner) => owner.has(candidate),
            None => candidate.publisher == demand.publisher,
        })
    }

    fn fitting(&self, demand: &Demand) -> impl Iterator<Item = (usize, &'a Candidate)> {
        let only_pre_releases = demand.requirement.is_none()
            && self.of_publisher(demand).all(|(_, candidate)| !candidate.version.pre.is_empty());
        self.of_publisher(demand).filter(move |(_, candidate)| match &demand.requirement {
            Some(requirement) => requirement.matches(&candidate.version),
            None => only_pre_releases || candidate.version.pre.is_empty(),
        })
    }

    fn lifted_by(&self, root: &Wanted) -> Vec<(PackageName, usize)> {
        if !root.requirement.as_ref().is_some_and(is_exact) {
            return Vec::new();
        }
        let demand = Demand::from(root);
        let withdrawn = self.fitting(&demand).filter(|(_, candidate)| matches!(candidate.bar, Some(Bar::Yanked(_))));
        withdrawn.map(|(index, _)| (root.name.clone(), index)).collect()
    }
}

/// `=x.y.z`, and nothing beside it.
fn is_exact(requirement: &VersionReq) -> bool {
    matches!(requirement.comparators.as_slice(), [one] if one.op == Op::Exact && one.patch.is_some())
}

/// Whom the roots named, else whose key is pinned, else whose release is preferred, else the only publisher there is. An
/// unsigned entry counts only where nobody has signed a release of that name: whoever keeps an index could otherwise take
/// over a name.
fn owner(known: &Known, named: Option<PublisherKey>) -> Owner {
    let has = |publisher: &Option<PublisherKey>| known.candidates.iter().any(|it| it.publisher == *publisher);
    let preferred = known.preferred.as_ref().map(|(_, publisher)| *publisher);
    if let Some(named) = named {
        return Owner::One(Some(named));
    }
    if let Some(owner) = known.pinned.map(Some).filter(has).or(preferred.filter(has)) {
        return Owner::One(owner);
    }
    // A publisher all of whose releases are out of the question does not make a name ambiguous.
    let is_live = |candidate: &&Candidate| !matches!(candidate.bar, Some(Bar::Expired | Bar::Untrusted(_)));
    let mut keys: BTreeSet<_> = known.candidates.iter().filter(is_live).filter_map(|it| it.publisher).collect();
    if keys.is_empty() {
        keys = known.candidates.iter().filter_map(|it| it.publisher).collect();
    }
    let keys: Vec<_> = keys.into_iter().collect();
    match keys.as_slice() {
        [] => Owner::One(None),
        [one] => Owner::One(Some(*one)),
        _ => Owner::Several(keys),
    }
}
