//! What was chosen, in the order in which it is put in place.

use std::collections::{BTreeMap, BTreeSet};

use pubgrub::SelectedDependencies;
use semver::VersionReq;

use super::provider::Node;
use super::rules::Rules;
use super::{Bar, Candidate, Conflict, Wanted};
use crate::market::PackageName;

/// One release that was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub name: PackageName,
    /// Index into [`Known::candidates`](super::Known::candidates).
    pub candidate: usize,
    /// Which of the others depend on it, by name.
    pub needed_by: Vec<PackageName>,
    /// It was withdrawn, and is chosen because a root asked for exactly this version.
    pub yanked: bool,
}

/// A dependency that nobody knows anything of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absent {
    pub name: PackageName,
    pub requirement: VersionReq,
    pub needed_by: PackageName,
}

/// One release of each name that is needed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Solution {
    /// What is needed before what needs it; by name where neither or each needs the other.
    pub choices: Vec<Choice>,
    /// By name.
    pub absent: Vec<Absent>,
}

/// The answer of the solver as a [`Solution`], unless it had to choose between publishers.
pub(super) fn assemble(
    rules: &Rules<'_>,
    roots: &[Wanted],
    chosen: SelectedDependencies<Node, usize>,
) -> Result<Solution, Conflict> {
    let chosen: BTreeMap<PackageName, usize> = chosen
        .into_iter()
        .filter_map(|(node, index)| match node {
            Node::Root => None,
            Node::Package(name) => Some((name, index)),
        })
        .collect();
    let candidates: BTreeMap<&PackageName, &Candidate> =
        chosen.iter().filter_map(|(name, index)| Some((name, rules.candidate(name, *index)?))).collect();
    check_publishers(rules, roots, &candidates)?;
    let mut choices: Vec<Choice> = chosen
        .iter()
        .map(|(name, index)| Choice {
            name: name.clone(),
            candidate: *index,
            needed_by: needed_by(name, &candidates),
            yanked: candidates.get(name).is_some_and(|it| matches!(it.bar, Some(Bar::Yanked(_)))),
        })
        .collect();
    // What needs another reaches all that the other reaches and itself, so it reaches more; unless each needs the other.
    choices.sort_by_cached_key(|choice| (reach(&choice.name, &candidates).len(), choice.name.clone()));
    Ok(Solution { choices, absent: absent(rules, &candidates) })
}

/// Where several publishers use a name, someone in the solution must have said whose is meant.
fn check_publishers(
    rules: &Rules<'_>,
    roots: &[Wanted],
    candidates: &BTreeMap<&PackageName, &Candidate>,
) -> Result<(), Conflict> {
    let said: BTreeSet<&PackageName> = candidates
        .values()
        .flat_map(|it| &it.dependencies)
        .filter(|dependency| dependency.publisher.is_some())
        .map(|dependency| &dependency.name)
        .chain(roots.iter().filter(|root| root.publisher.is_some()).map(|root| &root.name))
        .collect();
    for name in candidates.keys().filter(|name| !said.contains(*name)) {
        let keys = rules.undecided(name);
        if !keys.is_empty() {
            return Err(Conflict::SeveralPublishers { name: (*name).clone(), keys: keys.to_vec() });
        }
    }
    Ok(())
}

fn needed_by(name: &PackageName, candidates: &BTreeMap<&PackageName, &Candidate>) -> Vec<PackageName> {
    let depends = |it: &Candidate| it.dependencies.iter().any(|dependency| dependency.name == *name);
    let others = candidates.iter().filter(|(other, it)| **other != name && depends(it));
    others.map(|(other, _)| (*other).clone()).collect()
}

/// What `name` needs, directly or not, and itself.
fn reach<'c>(
    name: &'c PackageName,
    candidates: &BTreeMap<&'c PackageName, &'c Candidate>,
) -> BTreeSet<&'c PackageName> {
    let mut reached = BTreeSet::from([name]);
    let mut open = vec![name];
    while let Some(candidate) = open.pop().and_then(|name| candidates.get(name)) {
        for dependency in &candidate.dependencies {
            if candidates.contains_key(&dependency.name) && reached.insert(&dependency.name) {
                open.push(&dependency.name);
            }
        }
    }
    reached
}

fn absent(rules: &Rules<'_>, candidates: &BTreeMap<&PackageName, &Candidate>) -> Vec<Absent> {
    let mut absent: Vec<Absent> = Vec::new();
    for (needed_by, candidate) in candidates {
        let unknown = candidate.dependencies.iter().filter(|dependency| rules.known(&dependency.name).is_none());
        absent.extend(unknown.map(|dependency| Absent {
            name: dependency.name.clone(),
            requirement: dependency.requirement.clone(),
            needed_by: (*needed_by).clone(),
        }));
    }
    absent.sort_by(|a, b| (&a.name, &a.needed_by).cmp(&(&b.name, &b.needed_by)));
    absent.dedup();
    absent
}
