//! The rules as the solver asks for them.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

use pubgrub::{Dependencies, DependencyProvider, PackageResolutionStatistics, VersionSet};

use super::indices::Indices;
use super::rules::{Demand, Rules, STEP};
use super::{Candidate, Known, Wanted};
use crate::market::{Dependency, PackageName};

/// What the solver chooses a candidate of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Node {
    /// Stands for the user: what it depends on are the roots.
    Root,
    Package(PackageName),
}

/// Only for the solver's own debugging; people never see it.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("what was asked for"),
            Self::Package(name) => name.fmt(f),
        }
    }
}

/// The solver has worked long enough.
#[derive(Debug, thiserror::Error)]
#[error("too many combinations")]
pub(super) struct Exhausted;

pub(super) struct Provider<'a> {
    rules: &'a Rules<'a>,
    roots: &'a [Wanted],
    /// Of each name that was looked at: the candidates that may be chosen, best first.
    best: BTreeMap<PackageName, Vec<usize>>,
    free: BTreeMap<PackageName, Indices>,
}

impl<'a> Provider<'a> {
    pub fn new(rules: &'a Rules<'a>, roots: &'a [Wanted]) -> Self {
        let best: BTreeMap<_, _> =
            rules.names().map(|(name, known)| (name.clone(), best(rules, name, known))).collect();
        let free = best.iter().map(|(name, best)| (name.clone(), best.iter().copied().collect())).collect();
        Self { rules, roots, best, free }
    }
}

/// What is preferred, then what nothing speaks against, then the newest; a signed release before an unsigned entry.
fn best(rules: &Rules<'_>, name: &PackageName, known: &Known) -> Vec<usize> {
    let is_preferred = |it: &Candidate| known.preferred.as_ref() == Some(&(it.version.clone(), it.publisher));
    let mut best: Vec<_> = known.candidates.iter().enumerate().collect();
    best.retain(|(index, _)| rules.is_free(name, *index));
    best.sort_by(|(_, a), (_, b)| {
        let rank = |it: &Candidate| (is_preferred(it), it.bar.is_none());
        let newest = || b.version.cmp(&a.version);
        rank(b).cmp(&rank(a)).then_with(newest).then_with(|| b.publisher.is_some().cmp(&a.publisher.is_some()))
    });
    best.into_iter().map(|(index, _)| index).collect()
}

/// Whether the release satisfies what it asks of its own name.
fn is_itself(candidate: &Candidate, dependency: &Dependency) -> bool {
    dependency.requirement.matches(&candidate.version)
        && dependency.publisher.is_none_or(|key| candidate.publisher == Some(key))
}

impl DependencyProvider for Provider<'_> {
    type P = Node;
    type V = usize;
    type VS = Indices;
    type M = String;
    type Err = Exhausted;
    type Priority = (bool, bool, u32, bool, Reverse<usize>);

    /// First what cannot be chosen, so that it is found out early; last names of several publishers, so that those who
    /// say whose they mean are heard before. What the user asked for comes before what it needs, so that it is the newest.
    fn prioritize(&self, node: &Node, range: &Indices, statistics: &PackageResolutionStatistics) -> Self::Priority {
        let Node::Package(name) = node else { return (true, true, 0, true, Reverse(0)) };
        let left = self.free.get(name).map_or(0, |free| free.intersection(range).len());
        let is_decided = self.rules.undecided(name).is_empty();
        let is_root = self.roots.iter().any(|root| root.name == *name);
        (left == 0, is_decided, statistics.conflict_count(), is_root, Reverse(left))
    }

    fn choose_version(&self, node: &Node, range: &Indices) -> Result<Option<usize>, Exhausted> {
        Ok(match node {
            Node::Root => Some(0),
            Node::Package(name) => {
                self.best.get(name).and_then(|best| best.iter().copied().find(|index| range.contains(index)))
            }
        })
    }

    fn get_dependencies(&self, node: &Node, index: &usize) -> Result<Dependencies<Node, Indices, String>, Exhausted> {
        let demand = |demand: Demand| (Node::Package(demand.name.clone()), self.rules.allowed(&demand));
        let Node::Package(name) = node else {
            return Ok(Dependencies::Available(self.roots.iter().map(|root| demand(root.into())).collect()));
        };
        let dependencies = self.rules.candidate(name, *index).map_or(&[][..], |it| &it.dependencies);
        let mut needed = Vec::new();
        for dependency in dependencies {
            if dependency.name != *name {
                // What nobody knows is left out and reported: see `Solution::absent`.
                if self.rules.known(&dependency.name).is_some() {
                    needed.push(demand(dependency.into()));
                }
            } else if !self.rules.candidate(name, *index).is_some_and(|it| is_itself(it, dependency)) {
                return Ok(Dependencies::Unavailable(format!("needs itself as {}", dependency.requirement)));
            }
        }
        Ok(Dependencies::Available(needed.into_iter().collect()))
    }

    fn should_cancel(&self) -> Result<(), Exhausted> {
        self.rules.spend(STEP);
        if self.rules.is_exhausted() { Err(Exhausted) } else { Ok(()) }
    }
}
