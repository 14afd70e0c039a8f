//! What has to be looked up before a choice can be made.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use pubgrub::VersionSet;

use super::indices::Indices;
use super::rules::{Demand, Rules};
use super::{MAX_PACKAGES, Universe, Wanted};
use crate::market::PackageName;

impl Universe {
    /// The names that are needed by any candidate that could still be chosen, and that nothing was inserted for; in order, at
    /// most [`MAX_PACKAGES`]. Empty too when what is there is too large for [`solve`](super::solve) already: a loop that
    /// inserts what this returns comes to an end.
    pub fn missing(&self, roots: &[Wanted]) -> Vec<PackageName> {
        if self.is_too_large() {
            return Vec::new();
        }
        let rules = Rules::new(self, roots);
        let mut search = Search::new(&rules, roots);
        while let Some(demand) = search.open.pop() {
            search.follow(demand);
            if rules.is_exhausted() || search.missing.len() >= MAX_PACKAGES {
                break;
            }
        }
        search.missing.into_iter().collect()
    }
}

struct Search<'a> {
    rules: &'a Rules<'a>,
    universe: &'a Universe,
    /// What the roots leave of the names they ask for.
    rooted: BTreeMap<PackageName, Indices>,
    seen: HashSet<Demand>,
    /// The candidates whose demands are known.
    visited: BTreeMap<PackageName, Indices>,
    open: Vec<Demand>,
    missing: BTreeSet<PackageName>,
}

impl<'a> Search<'a> {
    fn new(rules: &'a Rules<'a>, roots: &[Wanted]) -> Self {
        let open: Vec<Demand> = roots.iter().map(Demand::from).collect();
        let mut rooted: BTreeMap<PackageName, Indices> = BTreeMap::new();
        for demand in &open {
            let left = rooted.entry(demand.name.clone()).or_insert_with(Indices::full);
            *left = left.intersection(&rules.allowed(demand));
        }
        let (seen, visited) = (open.iter().cloned().collect(), BTreeMap::new());
        Self { rules, universe: rules.universe(), rooted, seen, visited, open, missing: BTreeSet::new() }
    }

    /// Asks what each candidate that meets `demand` asks in its turn.
    fn follow(&mut self, demand: Demand) {
        let Some(known) = self.universe.get(&demand.name) else {
            self.missing.insert(demand.name);
            return;
        };
        let mut fitting = self.rules.allowed(&demand);
        if let Some(rooted) = self.rooted.get(&demand.name) {
            fitting = fitting.intersection(rooted);
        }
        let visited = self.visited.entry(demand.name.clone()).or_default();
        let new = fitting.intersection(&visited.complement());
        *visited = visited.union(&new);
        for index in new.iter(known.candidates.len()) {
            if !self.rules.is_free(&demand.name, index) {
                continue;
            }
            let dependencies = known.candidates.get(index).map_or(&[][..], |it| &it.dependencies);
            self.rules.spend(dependencies.len() as u64);
            for demand in dependencies.iter().map(Demand::from) {
                if self.seen.insert(demand.clone()) {
                    self.open.push(demand);
                }
            }
        }
    }
}
