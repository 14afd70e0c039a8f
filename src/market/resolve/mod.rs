//! Choosing versions: one release of each name, such that everything asked for and everything that this needs fits.
//!
//! What is known goes into a [`Universe`]; [`Universe::missing`] says what still has to be looked up, and [`solve`] chooses.
//! Nothing here looks anything up by itself.

mod conflict;
mod explain;
mod indices;
mod missing;
mod provider;
mod rules;
mod solution;

#[cfg(test)]
mod brute;
#[cfg(test)]
mod explain_tests;
#[cfg(test)]
mod missing_tests;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use pubgrub::PubGrubError;
use semver::{Version, VersionReq};

use super::{Dependency, PackageName, PublisherKey, SafeText, when};
use provider::{Node, Provider};
use rules::{Demand, Fault, Rules};

pub use conflict::Conflict;
pub use solution::{Absent, Choice, Solution};

/// Names that one solution may have to look at.
pub const MAX_PACKAGES: usize = 256;
/// Releases of all these names together.
pub const MAX_CANDIDATES: usize = 10_000;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub name: PackageName,
    /// None: the newest version that is no pre-release; one of the pre-releases where there is nothing else.
    pub requirement: Option<VersionReq>,
    /// None: whose key is pinned, else whose release is preferred, else the only publisher there is.
    pub publisher: Option<PublisherKey>,
}

/// One release that may be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub version: Version,
    /// None: an unsigned entry of a central index. It never stands in for what a publisher has signed.
    pub publisher: Option<PublisherKey>,
    pub dependencies: Vec<Dependency>,
    /// Left out for what is in place already and may stay there.
    pub bar: Option<Bar>,
}

/// Why a release is not chosen by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bar {
    /// By its publisher, for this reason. Chosen all the same where a root asks for exactly this version.
    Yanked(SafeText),
    /// For so many more seconds.
    Cooling(u64),
    Expired,
    /// For this reason.
    Untrusted(String),
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Yanked(reason) => write!(f, "it was withdrawn by its publisher: {}", reason.as_str()),
            Self::Cooling(left) => write!(f, "it is too new here and can be installed in {}", when::span(*left)),
            Self::Expired => f.write_str("its signature has expired"),
            Self::Untrusted(reason) => write!(f, "it is not trusted: {reason}"),
        }
    }
}

/// What is known of one name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    pub candidates: Vec<Candidate>,
    /// The key that the first install of the name set.
    pub pinned: Option<PublisherKey>,
    /// What is installed or locked: kept where it fits.
    pub preferred: Option<(Version, Option<PublisherKey>)>,
}

/// Everything that is known of the names that may be needed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Universe {
    packages: BTreeMap<PackageName, Known>,
}

impl Universe {
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what is known of `name`; without candidates that nobody knows it.
    pub fn insert(&mut self, name: PackageName, known: Known) {
        self.packages.insert(name, known);
    }

    pub fn get(&self, name: &PackageName) -> Option<&Known> {
        self.packages.get(name)
    }

    /// The candidate that a [`Choice`] means.
    pub fn candidate(&self, choice: &Choice) -> Option<&Candidate> {
        self.get(&choice.name)?.candidates.get(choice.candidate)
    }

    fn is_too_large(&self) -> bool {
        let candidates: usize = self.packages.values().map(|known| known.candidates.len()).sum();
        self.packages.len() > MAX_PACKAGES || candidates > MAX_CANDIDATES
    }
}

/// Chooses a release for each of `roots` and for what they need, the newest that fit together. The same input gives the
/// same answer.
///
/// # Errors
/// Nothing fits, or what fits may not be chosen; the error says why.
pub fn solve(universe: &Universe, roots: &[Wanted]) -> Result<Solution, Conflict> {
    if universe.is_too_large() || roots.len() > MAX_PACKAGES {
        return Err(Conflict::TooLarge);
    }
    let rules = Rules::new(universe, roots);
    for root in roots {
        check_root(&rules, root)?;
    }
    let provider = Provider::new(&rules, roots);
    match pubgrub::resolve(&provider, Node::Root, 0usize) {
        Ok(chosen) => solution::assemble(&rules, roots, chosen),
        Err(PubGrubError::NoSolution(tree)) => {
            Err(Conflict::Incompatible { explanation: explain::explain(&rules, roots, tree) })
        }
        Err(_) => Err(Conflict::TooLarge),
    }
}

/// What can be said of a root by itself is said more plainly than a derivation could.
fn check_root(rules: &Rules<'_>, root: &Wanted) -> Result<(), Conflict> {
    let name = root.name.clone();
    let Some(known) = rules.known(&name) else { return Err(Conflict::Unknown(name)) };
    if let Some(publisher) = root.publisher.filter(|key| known.candidates.iter().all(|c| c.publisher != Some(*key))) {
        return Err(Conflict::UnknownBy { name, publisher });
    }
    let keys = rules.undecided(&name);
    if root.publisher.is_none() && !keys.is_empty() {
        return Err(Conflict::SeveralPublishers { name, keys: keys.to_vec() });
    }
    match (rules.fault(&Demand::from(root)), &root.requirement) {
        (None, _) => Ok(()),
        (Some(Fault::Barred(version, bar)), _) => Err(Conflict::Barred { name, version, bar }),
        (Some(Fault::NoVersion(newest)), Some(requirement)) => {
            Err(Conflict::NoVersion { name, requirement: requirement.clone(), newest })
        }
        (Some(_), _) => Err(Conflict::Unknown(name)),
    }
}
