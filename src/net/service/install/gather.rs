//! What is known of the packages that an install may need: from the catalogue, and where that knows too little, from peers.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures::future::join_all;
use semver::{Op, Version, VersionReq};

use crate::config::schema::RegistryMode;
use crate::market::central::CentralPackage;
use crate::market::resolve::{Bar, Candidate, Choice, Known, Universe, Wanted};
use crate::market::store::{InstallSource, Installed};
use crate::market::trust::{self, Ground};
use crate::market::{Db, Dependency, MarketError, PackageName, PublisherKey, VerifiedRelease};

use super::super::super::api::{InstallRequest, LockedPackage};
use super::super::super::context::Context;
use super::super::super::error::NodeError;
use super::super::central::{self, Loaded};
use super::super::{heads, search, trust::ground};

/// Results asked of peers for a name that the catalogue does not have.
const REMOTE_RESULTS: usize = 50;
/// How long an install may wait for the heads of its packages, so that a newer version held back is found.
const HEAD_PATIENCE: Duration = Duration::from_secs(1);
/// Names that peers are asked for at once.
const MAX_ASKED: usize = 16;
/// Keys that one key can have been replaced by, one after the other.
const MAX_SUCCESSORS: usize = 8;

/// What a [`Candidate`] stands for.
#[derive(Clone, Debug)]
pub enum Offer {
    Release(Box<VerifiedRelease>),
    /// Unsigned, of the central index at this place.
    Central(Box<CentralPackage>, String),
    /// Installed, and not in the catalogue any more.
    Installed(Box<Installed>),
}

impl Offer {
    /// Whether it is installed from a central index.
    fn was_central(&self) -> bool {
        matches!(self, Self::Installed(entry) if entry.source != InstallSource::Peers)
    }
}

/// What was found out.
#[derive(Clone)]
pub struct Gathered {
    pub universe: Universe,
    /// In the order of the candidates.
    offers: HashMap<PackageName, Vec<Offer>>,
    /// Names that peers were asked for.
    asked: HashSet<PackageName>,
    /// Peers that were asked for one name, at most.
    pub peers: usize,
    /// The central indexes, once they were needed.
    central: Option<Vec<Loaded>>,
    rules: Rules,
}

/// By what candidates are judged.
#[derive(Clone, Debug)]
struct Rules {
    ground: Ground,
    locked: Vec<LockedPackage>,
    /// What is installed is no reason to stay with it.
    free: HashSet<PackageName>,
    all_free: bool,
    no_dependencies: bool,
    /// Names that are looked for in central indexes only.
    unsigned: HashSet<PackageName>,
    all_unsigned: bool,
}

impl Gathered {
    /// Everything that `roots` may need, as far as this node and its peers know.
    pub async fn collect(context: &Context, request: &InstallRequest, roots: &[Wanted]) -> Result<Self, NodeError> {
        let rules = Rules {
            ground: ground(context),
            locked: request.locked.clone(),
            free: roots.iter().map(|root| root.name.clone()).collect(),
            all_free: request.update,
            no_dependencies: request.no_dependencies,
            unsigned: roots.iter().filter(|_| request.from_central).map(|root| root.name.clone()).collect(),
            all_unsigned: context.settings.registry.mode == RegistryMode::Central,
        };
        let (universe, offers, asked) = (Universe::new(), HashMap::new(), HashSet::new());
        let mut gathered = Self { universe, offers, asked, peers: 0, central: None, rules };
        gathered.complete(context, roots).await?;
        Ok(gathered)
    }

    /// Asks peers for the names that were not asked for yet, and reads all again. `false`: there was nobody, or nothing, left
    /// to ask.
    pub async fn ask_more(&mut self, context: &Context, roots: &[Wanted]) -> Result<bool, NodeError> {
        let names: Vec<_> = self.offers.keys().filter(|name| !self.asked.contains(*name)).cloned().collect();
        if names.is_empty() || !self.ask(context, &names).await? {
            return Ok(false);
        }
        self.universe = Universe::new();
        self.offers.clear();
        self.complete(context, roots).await?;
        Ok(true)
    }

    /// What was chosen.
    pub fn offer(&self, choice: &Choice) -> Option<&Offer> {
        self.offers.get(&choice.name)?.get(choice.candidate)
    }

    /// The newest release that fits `requirement` and is by another key than the one that is pinned for its name.
    pub fn by_another_key(&self, name: &PackageName, requirement: &VersionReq) -> Option<VerifiedRelease> {
        let pinned = self.universe.get(name)?.pinned?;
        let releases = self.offers.get(name)?.iter().filter_map(|offer| match offer {
            Offer::Release(release) => Some(release),
            Offer::Central(..) | Offer::Installed(_) => None,
        });
        let fitting = releases.filter(|release| {
            let signed = release.release();
            signed.publisher != pinned && requirement.matches(&signed.version)
        });
        fitting.max_by(|a, b| a.release().version.cmp(&b.release().version)).map(|release| (**release).clone())
    }

    /// Holds an installed package, which is no part of the plan, to the version that it has: it needs one of the plan's. What
    /// else it needs, and nothing of the plan does, is no concern of the plan.
    pub fn hold(&mut self, entry: &Installed) {
        let concerns = |dependency: &&Dependency| self.universe.get(&dependency.name).is_some();
        let held = Candidate {
            version: entry.version.clone(),
            publisher: None,
            dependencies: entry.dependencies.iter().filter(concerns).cloned().collect(),
            bar: None,
        };
        self.offers.insert(entry.name.clone(), vec![Offer::Installed(Box::new(entry.clone()))]);
        let preferred = Some((entry.version.clone(), None));
        self.universe.insert(entry.name.clone(), Known { candidates: vec![held], pinned: None, preferred });
    }

    async fn complete(&mut self, context: &Context, roots: &[Wanted]) -> Result<(), NodeError> {
        loop {
            let names = self.universe.missing(roots);
            if names.is_empty() {
                return Ok(());
            }
            join_all(names.iter().map(|name| heads::look_for_all(context, name, None, HEAD_PATIENCE))).await;
            let mut found = self.read(context, names.clone()).await?;
            let unknown: Vec<_> =
                found.iter().filter(|(_, _, offers)| offers.is_empty()).map(|(name, ..)| name.clone()).collect();
            let of_peers: Vec<_> = unknown.iter().filter(|name| !self.rules.is_unsigned(name)).cloned().collect();
            if !of_peers.is_empty() && self.ask(context, &of_peers).await? {
                found = self.read(context, names).await?;
            }
            for (name, mut known, mut offers) in found {
                if offers.iter().all(Offer::was_central) || self.rules.is_unsigned(&name) {
                    self.add_unsigned(context, &name, &mut known, &mut offers).await;
                }
                self.offers.insert(name.clone(), offers);
                self.universe.insert(name, known);
            }
        }
    }

    /// What central indexes list of a name that no publisher has signed.
    async fn add_unsigned(
        &mut self,
        context: &Context,
        name: &PackageName,
        known: &mut Known,
        offers: &mut Vec<Offer>,
    ) {
        let indexes = match &self.central {
            Some(indexes) => indexes,
            None => self.central.insert(central::look(context).await.0),
        };
        for (location, index) in indexes {
            for package in index.versions(name) {
                let candidate = Candidate {
                    version: package.version.clone(),
                    publisher: None,
                    dependencies: self.rules.dependencies(&package.dependencies),
                    bar: None,
                };
                let offer = Offer::Central(Box::new(package.clone()), location.clone());
                let same = |there: &Candidate| there.publisher.is_none() && there.version == package.version;
                let at = known.candidates.iter().position(same);
                match at.and_then(|at| known.candidates.get_mut(at).zip(offers.get_mut(at))) {
                    // What is installed can be had again.
                    Some((there, old)) if old.was_central() => (*there, *old) = (candidate, offer),
                    // Of the same version the first index counts.
                    Some(_) => {}
                    None => {
                        known.candidates.push(candidate);
                        offers.push(offer);
                    }
                }
            }
        }
    }

    /// Asks peers for `names`, as far as that was not done yet; whether anybody was there.
    async fn ask(&mut self, context: &Context, names: &[PackageName]) -> Result<bool, NodeError> {
        let names: Vec<_> = names.iter().filter(|name| !self.asked.contains(*name)).take(MAX_ASKED).collect();
        self.asked.extend(names.iter().map(|name| (*name).clone()));
        let asking = names.iter().map(|name| search::ask_peers(context, name.as_str(), REMOTE_RESULTS));
        let mut most = 0;
        for answer in join_all(asking).await {
            most = most.max(answer?.asked);
        }
        self.peers = self.peers.max(most);
        Ok(most > 0)
    }

    async fn read(
        &self,
        context: &Context,
        names: Vec<PackageName>,
    ) -> Result<Vec<(PackageName, Known, Vec<Offer>)>, MarketError> {
        let rules = self.rules.clone();
        let reading = move |db: &mut Db| {
            let mut found = Vec::new();
            for name in names {
                let (known, offers) = rules.read(db, &name)?;
                found.push((name, known, offers));
            }
            Ok(found)
        };
        context.store.run(reading).await
    }
}

impl Rules {
    fn is_unsigned(&self, name: &PackageName) -> bool {
        self.all_unsigned || self.unsigned.contains(name)
    }

    fn dependencies(&self, all: &[Dependency]) -> Vec<Dependency> {
        if self.no_dependencies { Vec::new() } else { all.to_vec() }
    }

    fn read(&self, db: &mut Db, name: &PackageName) -> Result<(Known, Vec<Offer>), MarketError> {
        let installed = db.installed_as(name)?;
        let (mut candidates, mut offers) = (Vec::new(), Vec::new());
        let releases = if self.is_unsigned(name) { Vec::new() } else { db.versions(name, None)? };
        for release in releases {
            let signed = release.release();
            candidates.push(Candidate {
                version: signed.version.clone(),
                publisher: Some(current(db, signed.publisher)?),
                dependencies: self.dependencies(&signed.dependencies),
                bar: self.bar(db, &release, installed.as_ref())?,
            });
            offers.push(Offer::Release(Box::new(release)));
        }
        let pinned = db.pinned(name)?.map(|key| current(db, key)).transpose()?;
        let preferred = self.preferred(db, name, installed.as_ref())?;
        if let Some(entry) = installed.filter(|entry| !self.unsigned.contains(name) && !holds(&candidates, entry)) {
            candidates.push(Candidate {
                version: entry.version.clone(),
                publisher: entry.publisher.map(|key| current(db, key)).transpose()?,
                dependencies: self.dependencies(&entry.dependencies),
                bar: None,
            });
            offers.push(Offer::Installed(Box::new(entry)));
        }
        Ok((Known { candidates, pinned, preferred }, offers))
    }

    /// Why a release is not taken by itself. What is installed may stay.
    fn bar(
        &self,
        db: &mut Db,
        release: &VerifiedRelease,
        installed: Option<&Installed>,
    ) -> Result<Option<Bar>, MarketError> {
        let signed = release.release();
        let locked = self.locked.iter().find(|locked| locked.name == signed.name && locked.version == signed.version);
        if locked.is_some_and(|locked| locked.package_id.is_some_and(|id| id != signed.package_id)) {
            return Ok(Some(Bar::Untrusted("its bytes are not those that the lock file names".into())));
        }
        let is_here = installed.is_some_and(|entry| entry.package_id == signed.package_id);
        let stays = locked.is_some() || (is_here && !self.all_free);
        if signed.expires_at <= self.ground.now && !is_here {
            return Ok(Some(Bar::Expired));
        }
        if let Some(reason) = signed.yank_reason.as_ref().filter(|_| !stays) {
            return Ok(Some(Bar::Yanked(reason.clone())));
        }
        let left = trust::cooling(db, release, &self.ground)?;
        Ok((left > 0).then_some(Bar::Cooling(left)))
    }

    fn preferred(
        &self,
        db: &mut Db,
        name: &PackageName,
        installed: Option<&Installed>,
    ) -> Result<Option<(Version, Option<PublisherKey>)>, MarketError> {
        let locked = self.locked.iter().find(|locked| locked.name == *name);
        let free = self.all_free || self.free.contains(name);
        let (version, publisher) = match (locked, installed) {
            (Some(locked), _) => (&locked.version, locked.publisher),
            (None, Some(entry)) if !free => (&entry.version, entry.publisher),
            _ => return Ok(None),
        };
        Ok(Some((version.clone(), publisher.map(|key| current(db, key)).transpose()?)))
    }
}

/// Whether the installed version is among the candidates.
fn holds(candidates: &[Candidate], entry: &Installed) -> bool {
    candidates.iter().any(|candidate| candidate.version == entry.version)
}

/// The key that publishes in the place of `key` now: itself, unless it was signed over to others.
pub fn current(db: &mut Db, key: PublisherKey) -> Result<PublisherKey, MarketError> {
    let mut current = key;
    for _ in 0..MAX_SUCCESSORS {
        match db.successor(current)? {
            Some(next) => current = next,
            None => break,
        }
    }
    Ok(current)
}

/// The version that `requirement` names, and no other.
pub fn exactly(requirement: &VersionReq) -> Option<Version> {
    let [one] = requirement.comparators.as_slice() else { return None };
    let (Op::Exact, Some(minor), Some(patch)) = (one.op, one.minor, one.patch) else { return None };
    Some(Version { pre: one.pre.clone(), ..Version::new(one.major, minor, patch) })
}
