//! What an install will do: which versions, in which order, and whether they are to be trusted. Nothing is fetched for it
//! but releases.

use std::cmp::Ordering;
use std::collections::HashSet;

use semver::Version;
use tokio::task::spawn_blocking;

use crate::market::central::CentralPackage;
use crate::market::resolve::{Bar, Choice, Conflict, Solution, Wanted, solve};
use crate::market::store::{InstallSource, Installed, Reason};
use crate::market::trust::{self, Fingerprint, Ground, Outcome};
use crate::market::{Db, MarketError, PackageId, PackageName, PublisherKey, SafeText, VerifiedRelease, install};

use super::super::super::api::{
    AbsentPackage, InstallPlan, InstallRequest, LockedPackage, PlanAction, PlanStep, Source,
};
use super::super::super::context::Context;
use super::super::super::error::{ErrorKind, NodeError};
use super::super::trust::ground;
use super::gather::{Gathered, Offer, exactly};
use super::refusal;

/// Rounds in which installed packages that the plan would break are taken into account.
const MAX_ROUNDS: usize = 8;

/// A plan with what it takes to carry it out.
pub struct Prepared {
    pub steps: Vec<Prepare>,
    pub absent: Vec<AbsentPackage>,
    /// Of an update of all: what stays as it is, and why.
    pub stuck: Vec<SafeText>,
}

/// One step, and what it is about.
pub struct Prepare {
    pub step: PlanStep,
    pub offer: Offer,
    pub wanted: Option<Wanted>,
}

impl Prepared {
    /// What is told of it.
    pub fn plan(&self) -> InstallPlan {
        let steps: Vec<_> = self.steps.iter().map(|prepare| prepare.step.clone()).collect();
        let fetched = steps.iter().filter(|step| step.action.changes() && !step.here);
        let download = fetched.map(|step| step.size).sum();
        InstallPlan { download, absent: self.absent.clone(), stuck: self.stuck.clone(), steps }
    }
}

/// Resolves `request`.
///
/// # Errors
/// Nothing fits; or a release of the plan is not to be trusted.
pub async fn prepare(context: &Context, request: &InstallRequest) -> Result<Prepared, NodeError> {
    let mut roots = roots(context, request).await?;
    let mut gathered = Gathered::collect(context, request, &roots).await?;
    let mut stuck = Vec::new();
    let mut decided = settle(context, request, &mut gathered, &roots).await?;
    if decided.is_err() && request.update && request.packages.is_empty() {
        stuck = set_aside_stuck(context, request, &gathered, &mut roots).await?;
        if !stuck.is_empty() {
            decided = settle(context, request, &mut gathered, &roots).await?;
        }
    }
    let solution = match decided {
        Ok(solution) => solution,
        Err(conflict) => return Err(refused(context, &gathered, &roots, conflict).await),
    };
    check_lock(request, &gathered, &roots, &solution)?;
    let mut steps = Vec::new();
    for choice in &solution.choices {
        let Some(offer) = gathered.offer(choice).cloned() else { continue };
        let wanted = roots.iter().find(|root| root.name == choice.name).cloned();
        steps.push(step(context, request, choice, offer, wanted).await?);
    }
    let absent = solution.absent.into_iter().map(|absent| AbsentPackage {
        name: absent.name,
        requirement: absent.requirement,
        needed_by: absent.needed_by,
    });
    Ok(Prepared { steps, absent: absent.collect(), stuck })
}

/// Solves; where nothing fits, once more with what others know.
async fn settle(
    context: &Context,
    request: &InstallRequest,
    gathered: &mut Gathered,
    roots: &[Wanted],
) -> Result<Result<Solution, Conflict>, NodeError> {
    match decide(context, request, gathered, roots).await? {
        Err(conflict) if conflict.may_be_elsewhere() && gathered.ask_more(context, roots).await? => {
            decide(context, request, gathered, roots).await
        }
        decided => Ok(decided),
    }
}

/// Takes those out of `roots` that nothing fits even alone, unless that is all of them, so that the others can be updated. Says
/// of each why it stays as it is.
async fn set_aside_stuck(
    context: &Context,
    request: &InstallRequest,
    gathered: &Gathered,
    roots: &mut Vec<Wanted>,
) -> Result<Vec<SafeText>, NodeError> {
    let (mut stuck, mut others) = (Vec::new(), Vec::new());
    for root in roots.iter() {
        match decide(context, request, &mut gathered.clone(), std::slice::from_ref(root)).await? {
            Ok(_) => others.push(root.clone()),
            Err(conflict) => {
                let why = refused(context, gathered, std::slice::from_ref(root), conflict).await;
                stuck.push(SafeText::new(&format!("{} stays as it is: {}", root.name, why.message)));
            }
        }
    }
    if others.is_empty() {
        return Ok(Vec::new());
    }
    *roots = others;
    Ok(stuck)
}

/// The error for `conflict`. Where another key has signed what was asked for, that is what has to be decided.
async fn refused(context: &Context, gathered: &Gathered, roots: &[Wanted], conflict: Conflict) -> NodeError {
    if let Conflict::NoVersion { name, requirement, .. } = &conflict
        && roots.iter().any(|root| root.name == *name && root.publisher.is_none())
        && let Some(release) = gathered.by_another_key(name, requirement)
        && let Err(error) = judge(context, &release, None, false).await
    {
        return error;
    }
    refusal::told(context, conflict, gathered.peers).await
}

/// # Errors
/// The lock file names other bytes for what is asked for than its publisher has signed: another version is not what to take then.
fn check_lock(
    request: &InstallRequest,
    gathered: &Gathered,
    roots: &[Wanted],
    solution: &Solution,
) -> Result<(), NodeError> {
    for root in roots {
        let Some(locked) = request.locked.iter().find(|locked| locked.name == root.name) else { continue };
        let chosen = solution.choices.iter().find(|choice| choice.name == root.name);
        let chosen = chosen.and_then(|choice| gathered.universe.candidate(choice));
        let known = gathered.universe.get(&root.name).map(|known| known.candidates.as_slice()).unwrap_or_default();
        let fits = root.requirement.as_ref().is_none_or(|requirement| requirement.matches(&locked.version));
        if !fits || chosen.is_some_and(|chosen| chosen.version == locked.version) {
            continue;
        }
        let barred = known.iter().filter(|candidate| candidate.version == locked.version);
        if let Some(bar @ Bar::Untrusted(_)) = barred.filter_map(|candidate| candidate.bar.as_ref()).next() {
            return Err(refusal::barred(&root.name, &locked.version, bar));
        }
    }
    Ok(())
}

/// What is asked for; for an update of all, what was.
async fn roots(context: &Context, request: &InstallRequest) -> Result<Vec<Wanted>, NodeError> {
    if let (Some(key), [package, others @ ..]) = (request.accept_key, request.packages.as_slice())
        && (package.publisher.is_some_and(|publisher| publisher != key) || !others.is_empty())
    {
        return Err(NodeError::new(ErrorKind::Usage, "the key to accept is not the publisher's that was asked for")
            .hint("name one of the two, and one package"));
    }
    let installed = context.store.run(|db| db.installed()).await?;
    if request.update && request.packages.is_empty() {
        return Ok(installed.into_iter().filter(|entry| entry.reason == Reason::Asked).map(again).collect());
    }
    let mut roots: Vec<Wanted> = Vec::new();
    for package in &request.packages {
        if roots.iter().any(|root| root.name == package.name) {
            return Err(NodeError::new(ErrorKind::Usage, format!("{} is named twice", package.name))
                .hint("name each package once"));
        }
        let there = installed.iter().find(|entry| entry.name == package.name);
        if request.update && there.is_none() {
            return Err(NodeError::new(ErrorKind::NotFound, format!("{} is not installed", package.name))
                .hint(format!("install it with: ggen-p2p-tui install {}", package.name)));
        }
        let before = there.filter(|_| request.update).cloned().map(again);
        roots.push(Wanted {
            name: package.name.clone(),
            requirement: package.requirement.clone().or(before.and_then(|before| before.requirement)),
            publisher: package.publisher.or(request.accept_key),
        });
    }
    Ok(roots)
}

/// What was asked for when it was installed.
fn again(entry: Installed) -> Wanted {
    Wanted { name: entry.name, requirement: entry.requirement, publisher: None }
}

/// Solves, with the installed packages that the plan would break held to what they are.
async fn decide(
    context: &Context,
    request: &InstallRequest,
    gathered: &mut Gathered,
    roots: &[Wanted],
) -> Result<Result<Solution, Conflict>, NodeError> {
    let installed = context.store.run(|db| db.installed()).await?;
    let (mut wanted, mut held) = (roots.to_vec(), HashSet::new());
    for _ in 0..MAX_ROUNDS {
        let universe = gathered.universe.clone();
        let asked = wanted.clone();
        let solving = spawn_blocking(move || solve(&universe, &asked));
        let mut solution = match solving.await.map_err(|_| MarketError::Failed("a worker stopped".into()))? {
            Ok(solution) => solution,
            Err(conflict) => return Ok(Err(conflict)),
        };
        let against: Vec<_> = installed.iter().filter_map(|entry| wish_against(gathered, &solution, entry)).collect();
        let against: Vec<_> =
            against.into_iter().filter(|wish| !wanted.iter().any(|wanted| wanted.name == wish.name)).collect();
        if !against.is_empty() {
            wanted.extend(against);
            continue;
        }
        let broken: Vec<_> = if request.no_dependencies {
            Vec::new()
        } else {
            installed.iter().filter(|entry| breaks(gathered, &solution, entry)).collect()
        };
        if broken.is_empty() {
            solution.choices.retain(|choice| !held.contains(&choice.name));
            return Ok(Ok(solution));
        }
        for entry in broken {
            gathered.hold(entry);
            held.insert(entry.name.clone());
            wanted.push(Wanted { name: entry.name.clone(), requirement: None, publisher: None });
        }
    }
    Err(NodeError::new(ErrorKind::Failed, "too many installed packages stand in the way of this one")
        .hint("update them first: ggen-p2p-tui update"))
}

/// What was asked for of an installed package, where `solution` has another version of it.
fn wish_against(gathered: &Gathered, solution: &Solution, entry: &Installed) -> Option<Wanted> {
    let requirement = entry.requirement.as_ref().filter(|_| entry.reason == Reason::Asked)?;
    let choice = solution.choices.iter().find(|choice| choice.name == entry.name)?;
    let chosen = gathered.universe.candidate(choice)?;
    (!requirement.matches(&chosen.version)).then(|| again(entry.clone()))
}

/// Whether an installed package that stays needs another version of something in `solution`.
fn breaks(gathered: &Gathered, solution: &Solution, entry: &Installed) -> bool {
    if solution.choices.iter().any(|choice| choice.name == entry.name) {
        return false;
    }
    entry.dependencies.iter().any(|dependency| {
        let choice = solution.choices.iter().find(|choice| choice.name == dependency.name);
        let chosen = choice.and_then(|choice| gathered.universe.candidate(choice));
        chosen.is_some_and(|chosen| !dependency.requirement.matches(&chosen.version))
    })
}

async fn step(
    context: &Context,
    request: &InstallRequest,
    choice: &Choice,
    offer: Offer,
    wanted: Option<Wanted>,
) -> Result<Prepare, NodeError> {
    let name = choice.name.clone();
    let entry = context.store.run(move |db| db.installed_as(&name)).await?;
    let mut step = match &offer {
        Offer::Release(release) => signed(context, request, choice, release, entry.as_ref(), wanted.as_ref()).await?,
        Offer::Central(package, location) => {
            let asked = wanted.is_some();
            unsigned(context, request, package, location, entry.as_ref(), asked).await?
        }
        Offer::Installed(entry) => kept(context, entry).await?,
    };
    step.asked = wanted.is_some();
    step.needed_by.clone_from(&choice.needed_by);
    Ok(Prepare { step, offer, wanted })
}

async fn signed(
    context: &Context,
    request: &InstallRequest,
    choice: &Choice,
    release: &VerifiedRelease,
    entry: Option<&Installed>,
    wanted: Option<&Wanted>,
) -> Result<PlanStep, NodeError> {
    let signed = release.release();
    let yanked = may_be_yanked(request, release, wanted);
    if let Some(reason) = signed.yank_reason.as_ref().filter(|_| choice.yanked && !yanked) {
        return Err(refusal::barred(&signed.name, &signed.version, &Bar::Yanked(reason.clone())));
    }
    let (id, accepted) = (signed.package_id, request.accept_key.filter(|_| wanted.is_some()));
    let is_same = |entry: &Installed| entry.package_id == id && entry.publisher == Some(signed.publisher);
    let again = request.reinstall && wanted.is_some();
    let action = action(context, &signed.version, entry, again, is_same).await?;
    let warnings = if action.changes() { judge(context, release, accepted, yanked).await? } else { Vec::new() };
    let here = context.store.run(move |db| Ok(db.blob(id)?.is_some())).await?;
    Ok(PlanStep {
        action,
        from: entry.map(|entry| entry.version.clone()),
        publisher: Some(signed.publisher),
        package_id: Some(id),
        release_id: Some(release.id()),
        size: signed.size,
        here,
        source: if here { Source::Local } else { Source::Peer },
        dependencies: signed.dependencies.clone(),
        warnings,
        ..PlanStep::blank(signed.name.clone(), signed.version.clone())
    })
}

/// A package that only a central index offers.
///
/// # Errors
/// A key is pinned for its name: what nobody signed does not take the place of what somebody did.
async fn unsigned(
    context: &Context,
    request: &InstallRequest,
    package: &CentralPackage,
    location: &str,
    entry: Option<&Installed>,
    asked: bool,
) -> Result<PlanStep, NodeError> {
    let name = package.name.clone();
    if let Some(pin) = context.store.run(move |db| db.pin_of(&name)).await? {
        let fingerprint = Fingerprint::of(&pin.publisher);
        let message = format!(
            "{} {}: the key {fingerprint} is pinned for this name, and what {location} lists is signed by nobody",
            package.name, package.version
        );
        return Err(NodeError::new(ErrorKind::Verification, message)
            .hint(format!("to take it all the same: ggen-p2p-tui trust forget {}", package.name)));
    }
    let is_same = |entry: &Installed| entry.publisher.is_none();
    let action = action(context, &package.version, entry, request.reinstall && asked, is_same).await?;
    let checked = match package.checksum {
        Some(_) => "its files are compared with the checksum that the index gives",
        None => "and the index gives no checksum",
    };
    let warning = SafeText::new(&format!("nobody has signed it: {location} lists it, {checked}"));
    Ok(PlanStep {
        action,
        from: entry.map(|entry| entry.version.clone()),
        package_id: package.checksum.map(PackageId),
        source: Source::Central,
        index: Some(location.to_owned()),
        dependencies: package.dependencies.clone(),
        warnings: if action.changes() { vec![warning] } else { Vec::new() },
        ..PlanStep::blank(package.name.clone(), package.version.clone())
    })
}

/// A package that nobody offers any more, and that is there.
async fn kept(context: &Context, entry: &Installed) -> Result<PlanStep, NodeError> {
    if !intact(context, entry.clone()).await? {
        let message =
            format!("the files of {} {} are gone or changed, and nobody offers it", entry.name, entry.version);
        return Err(NodeError::new(ErrorKind::NotFound, message)
            .hint("try again when a node that has it is online, or ask for another version"));
    }
    Ok(PlanStep {
        from: Some(entry.version.clone()),
        publisher: entry.publisher,
        package_id: Some(entry.package_id),
        here: true,
        index: match &entry.source {
            InstallSource::Central { location } => Some(location.clone()),
            InstallSource::Peers => None,
        },
        dependencies: entry.dependencies.clone(),
        ..PlanStep::blank(entry.name.clone(), entry.version.clone())
    })
}

/// What is to be done, by what is installed under the name. `is_same`: whether that is what would be installed.
async fn action(
    context: &Context,
    version: &Version,
    entry: Option<&Installed>,
    again: bool,
    is_same: impl Fn(&Installed) -> bool,
) -> Result<PlanAction, NodeError> {
    let Some(entry) = entry else { return Ok(PlanAction::Install) };
    Ok(match version.cmp(&entry.version) {
        Ordering::Greater => PlanAction::Update,
        Ordering::Less => PlanAction::Downgrade,
        Ordering::Equal if again || !is_same(entry) => PlanAction::Reinstall,
        Ordering::Equal if intact(context, entry.clone()).await? => PlanAction::Keep,
        Ordering::Equal => PlanAction::Repair,
    })
}

/// Whether the files of an installed package are what was put in place.
async fn intact(context: &Context, entry: Installed) -> Result<bool, NodeError> {
    let (store, packs) = (context.store.clone(), context.home.packs_dir());
    let looking = spawn_blocking(move || install::is_intact(&store, &packs, &entry));
    Ok(looking.await.map_err(|_| MarketError::Failed("a worker stopped".into()))??)
}

/// Whether the release may be taken although it was withdrawn: the lock file names it, or the user exactly this version.
pub fn may_be_yanked(request: &InstallRequest, release: &VerifiedRelease, wanted: Option<&Wanted>) -> bool {
    let signed = release.release();
    let exact = wanted.and_then(|wanted| exactly(wanted.requirement.as_ref()?));
    let locked = |one: &LockedPackage| one.name == signed.name && one.version == signed.version;
    (request.allow_yanked && exact.as_ref() == Some(&signed.version)) || request.locked.iter().any(locked)
}

/// What is to be looked at before a release is installed.
///
/// # Errors
/// It is not to be installed.
pub async fn judge(
    context: &Context,
    release: &VerifiedRelease,
    accepted: Option<PublisherKey>,
    yanked: bool,
) -> Result<Vec<SafeText>, NodeError> {
    let ground = Ground { accepted, yanked, ..ground(context) };
    let judged = release.clone();
    let assessment = context.store.run(move |db: &mut Db| trust::assess(db, &judged, &ground)).await?;
    let signed = release.release();
    if let Some(refusal) = assessment.refusal(&format!("{} {}", signed.name, signed.version)) {
        return Err(refusal.into());
    }
    Ok(assessment.of(Outcome::Warn).map(|step| step.text.clone()).collect())
}

/// The name of what is not there, where the plan that was expected has become another one.
pub fn changed(request: &InstallRequest, plan: &InstallPlan) -> Option<PackageName> {
    if request.expected.is_empty() {
        return None;
    }
    let now = plan.expected();
    let differs = |one| !request.expected.contains(one);
    let gone = request.expected.iter().find(|one| !now.contains(one));
    now.iter().find(|one| differs(one)).or(gone).map(|one| one.name.clone())
}
