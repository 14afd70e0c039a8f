//! Why nothing fits together, in sentences.
//!
//! The solver proves that there is no solution by deriving one exclusion from another. What people can do something about is
//! what that proof rests on: what was asked for, what needs what, and what may not be chosen. So these are told, from what
//! was asked for downwards, and then where they clash.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use pubgrub::{DerivationTree, External, VersionSet};

use super::indices::Indices;
use super::provider::Node;
use super::rules::{Demand, Fault, Rules};
use super::{Candidate, Wanted};
use crate::market::{PackageName, PublisherKey};

/// Sentences of an explanation.
pub(super) const MAX_LINES: usize = 20;
/// Versions that are told one by one.
const MAX_LISTED: usize = 3;

type Tree = DerivationTree<Node, Indices, String>;

/// What a proof rests on.
#[derive(Default)]
struct Premises {
    /// Which candidates of a package (None: the user) ask what of another.
    needs: BTreeMap<(Option<PackageName>, PackageName, Request), Indices>,
    /// Candidates of which none may be chosen.
    barred: BTreeSet<(PackageName, Indices)>,
    /// Candidates that something is the matter with.
    odd: BTreeSet<(PackageName, Indices, String)>,
}

/// A demand as it is told. What is told alike is the same.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Request {
    text: String,
    allowed: Indices,
}

pub(super) fn explain(rules: &Rules<'_>, roots: &[Wanted], tree: Tree) -> Vec<String> {
    let teller = Teller { rules, roots };
    let premises = teller.premises(tree);
    let mut lines = teller.sentences(&premises);
    let clash = teller.clash(&premises);
    let room = MAX_LINES - clash.iter().count();
    if lines.len() > room {
        let more = lines.len() - (room - 1);
        lines.truncate(room - 1);
        lines.push(format!("… and {more} more like these"));
    }
    lines.extend(clash);
    lines
}

struct Teller<'a> {
    rules: &'a Rules<'a>,
    roots: &'a [Wanted],
}

impl Teller<'_> {
    /// Takes the tree to pieces. Not recursive, and no branch is dropped whole: a tree can be deeper than a stack.
    fn premises(&self, tree: Tree) -> Premises {
        let mut premises = Premises::default();
        let mut open = vec![tree];
        while let Some(tree) = open.pop() {
            match tree {
                DerivationTree::External(external) => self.add(&mut premises, external),
                // A cause that others share comes with the last of them.
                DerivationTree::Derived(derived) => {
                    open.extend([derived.cause1, derived.cause2].into_iter().filter_map(Arc::into_inner));
                }
            }
        }
        premises
    }

    fn add(&self, premises: &mut Premises, external: External<Node, Indices, String>) {
        match external {
            External::FromDependencyOf(from, versions, Node::Package(to), allowed) => {
                for (request, index) in self.requests(&from, &versions, &to, &allowed) {
                    let who = match &from {
                        Node::Root => None,
                        Node::Package(name) => Some(name.clone()),
                    };
                    let told = premises.needs.entry((who, to.clone(), request)).or_default();
                    *told = told.union(&Indices::singleton(index));
                }
            }
            External::NoVersions(Node::Package(name), versions) => {
                premises.barred.insert((name, versions));
            }
            External::Custom(Node::Package(name), versions, why) => {
                premises.odd.insert((name, versions, why));
            }
            _ => {}
        }
    }

    /// In whose words `versions` of `from` ask for `allowed` of `to`.
    fn requests(&self, from: &Node, versions: &Indices, to: &PackageName, allowed: &Indices) -> Vec<(Request, usize)> {
        let request = |demand: Demand, index: usize| {
            let is_meant = demand.name == *to && self.rules.allowed(&demand) == *allowed;
            is_meant.then(|| (Request { text: self.request(&demand), allowed: allowed.clone() }, index))
        };
        let Node::Package(name) = from else {
            return self.roots.iter().filter_map(|root| request(root.into(), 0)).collect();
        };
        let candidates = self.rules.known(name).map_or(&[][..], |known| &known.candidates);
        let asking = versions.iter(candidates.len()).filter_map(|index| Some((index, candidates.get(index)?)));
        asking
            .flat_map(|(index, it)| it.dependencies.iter().map(move |dependency| (dependency.into(), index)))
            .filter_map(|(demand, index)| request(demand, index))
            .collect()
    }

    /// `c ^1 by 12D3…`, and why that cannot be had where nothing fits it.
    fn request(&self, demand: &Demand) -> String {
        let mut text = demand.name.to_string();
        if let Some(requirement) = &demand.requirement {
            text += &format!(" {requirement}");
        }
        match (demand.publisher, self.rules.owner(&demand.name)) {
            (Some(key), _) => text += &format!(" by {key}"),
            (None, Some(Some(key))) if self.is_shared(&demand.name) => text += &format!(" (here by {key})"),
            (None, Some(None)) if self.is_shared(&demand.name) => text += " (here unsigned)",
            (None, _) => {}
        }
        if self.rules.allowed(demand) == Indices::empty() {
            text += &match self.rules.fault(demand) {
                Some(Fault::NoVersion(newest)) => format!(", which no version fits; the newest is {newest}"),
                _ => ", who has released none".into(),
            };
        }
        text
    }

    /// Whether more than one has released something under `name`.
    fn is_shared(&self, name: &PackageName) -> bool {
        let candidates = self.rules.known(name).map_or(&[][..], |known| &known.candidates);
        candidates.windows(2).any(|pair| matches!(pair, [a, b] if a.publisher != b.publisher))
    }

    /// All premises, each package's after those of what needs it.
    fn sentences(&self, premises: &Premises) -> Vec<String> {
        let mut lines = Vec::new();
        let mut told: BTreeSet<Option<&PackageName>> = BTreeSet::from([None]);
        let mut open = VecDeque::from([None]);
        while let Some(who) = open.pop_front() {
            if let Some(name) = who {
                lines.extend(self.faults(premises, name));
            }
            for ((_, to, request), versions) in premises.needs.iter().filter(|((from, ..), _)| from.as_ref() == who) {
                lines.push(self.need(who, versions, request));
                if told.insert(Some(to)) {
                    open.push_back(Some(to));
                }
            }
        }
        lines
    }

    fn need(&self, who: Option<&PackageName>, versions: &Indices, request: &Request) -> String {
        let Some(name) = who else { return format!("you asked for {}", request.text) };
        let (subject, verb) = self.versions(name, versions);
        format!("{subject} {verb} {}", request.text)
    }

    fn faults(&self, premises: &Premises, name: &PackageName) -> Vec<String> {
        let barred = premises.barred.iter().filter(|(of, _)| of == name);
        let barred = barred.filter_map(|(_, versions)| {
            let candidates = self.candidates(name, versions);
            let newest = candidates.iter().max_by_key(|it| &it.version)?;
            let others = match candidates.len() - 1 {
                0 => String::new(),
                1 => "; nor can one that is older".into(),
                more => format!("; nor can {more} that are older"),
            };
            Some(format!("{name} {} cannot be chosen: {}{others}", newest.version, newest.bar.as_ref()?))
        });
        let odd = premises.odd.iter().filter(|(of, ..)| of == name);
        barred.chain(odd.map(|(_, versions, why)| format!("{} {why}", self.versions(name, versions).0))).collect()
    }

    /// `a 1.0.0 and 1.1.0`, and the verb that belongs to it.
    fn versions(&self, name: &PackageName, versions: &Indices) -> (String, &'static str) {
        let candidates = self.candidates(name, versions);
        let publishers: BTreeSet<Option<PublisherKey>> = candidates.iter().map(|it| it.publisher).collect();
        let whose = match publishers.first() {
            Some(Some(key)) if publishers.len() == 1 && self.is_shared(name) => format!(" by {key}"),
            _ => String::new(),
        };
        let mut told: Vec<_> = candidates.iter().map(|it| &it.version).collect();
        told.sort();
        match told.as_slice() {
            [] => (name.to_string(), "needs"),
            [one] => (format!("{name} {one}{whose}"), "needs"),
            all if self.rules.known(name).is_some_and(|known| known.candidates.len() == all.len()) => {
                (format!("every version of {name}"), "needs")
            }
            [some @ .., last] if told.len() <= MAX_LISTED => {
                let some = some.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                (format!("{name} {some} and {last}{whose}"), "need")
            }
            [first, .., last] => (format!("{name} {first} to {last}{whose} ({} versions)", told.len()), "need"),
        }
    }

    fn candidates(&self, name: &PackageName, versions: &Indices) -> Vec<&Candidate> {
        let candidates = self.rules.known(name).map_or(&[][..], |known| &known.candidates);
        versions.iter(candidates.len()).filter_map(|index| candidates.get(index)).collect()
    }

    /// Where the demands clash: None where one of them fails by itself.
    fn clash(&self, premises: &Premises) -> Option<String> {
        let mut left: BTreeMap<&PackageName, Indices> = BTreeMap::new();
        for (_, to, request) in premises.needs.keys() {
            if !self.has_free(to, &request.allowed) {
                return None;
            }
            let left = left.entry(to).or_insert_with(Indices::full);
            *left = left.intersection(&request.allowed);
        }
        let contested = left.iter().find(|(name, left)| !self.has_free(name, left));
        Some(match contested {
            Some((name, _)) => format!("no version of {name} is right for all of these, and there can be only one"),
            None => "these cannot all be had at once".into(),
        })
    }

    fn has_free(&self, name: &PackageName, versions: &Indices) -> bool {
        let candidates = self.rules.known(name).map_or(0, |known| known.candidates.len());
        versions.iter(candidates).any(|index| self.rules.is_free(name, index))
    }
}
