//! Finding, planning and installing packages that do not exist.

use super::answers::unknown;
use super::world::World;
use crate::market::archive::FileEntry;
use crate::market::install::{Assurance, Basis, Verification};
use crate::market::store::{InstallSource, Pin, PinOrigin, Reason};
use crate::market::{PackageName, PublisherKey, SafeText};
use crate::net::NodeError;
use crate::net::api::{
    AbsentPackage, FileList, InstallPlan, InstallRequest, InstalledInfo, InstalledPackage, OutdatedPackage, PlanAction,
    PlanStep, ReleaseInfo, SearchAnswer, SearchHit, SearchRequest, Source, WantedPackage,
};

/// Results where no number is asked for.
const USUAL: usize = 20;

impl World {
    pub fn install(&mut self, release: &ReleaseInfo, at: u64) {
        self.installed.retain(|one| one.name != release.name);
        self.installed.push(InstalledInfo {
            name: release.name.clone(),
            version: release.version.clone(),
            publisher: Some(release.publisher),
            package_id: release.package_id,
            path: path(&release.name),
            installed_at: at,
            files: release.file_count,
            bytes: release.size * 3,
            reason: Reason::Asked,
            requirement: None,
            source: InstallSource::Peers,
            dependencies: release.dependencies.clone(),
            needed_by: Vec::new(),
            yanked: None,
            revoked: None,
        });
        self.installed.sort_by(|a, b| a.name.cmp(&b.name));
    }

    fn installed_version(&self, name: &PackageName) -> Option<&semver::Version> {
        self.installed.iter().find(|one| one.name == *name).map(|one| &one.version)
    }
}

fn path(name: &PackageName) -> String {
    format!("/simulated/home/packs/{name}")
}

/// All releases of a name, newest first.
pub fn releases(world: &World, name: &str, publisher: Option<PublisherKey>) -> Vec<ReleaseInfo> {
    let fits = |one: &&ReleaseInfo| one.name.as_str() == name && publisher.is_none_or(|key| key == one.publisher);
    let mut found: Vec<_> = world.releases.iter().chain(&world.elsewhere).filter(fits).cloned().collect();
    found.sort_by(|a, b| b.version.cmp(&a.version));
    found.dedup_by(|a, b| a.version == b.version && a.publisher == b.publisher);
    for one in &mut found {
        one.installed = world.installed_version(&one.name) == Some(&one.version);
    }
    found
}

/// What of the installed there is newer.
pub fn outdated(world: &World) -> Vec<OutdatedPackage> {
    let newer = |one: &InstalledInfo| {
        let latest = world.newest(one.name.as_str(), one.publisher)?.version.clone();
        (latest > one.version).then(|| OutdatedPackage {
            name: one.name.clone(),
            installed: one.version.clone(),
            publisher: one.publisher,
            requirement: None,
            wanted: latest.clone(),
            latest,
            yanked: None,
        })
    };
    world.installed.iter().filter_map(newer).collect()
}

/// The keys of what is installed.
pub fn pins(world: &World) -> Vec<Pin> {
    let pin = |one: &InstalledInfo| {
        let (name, since) = (one.name.clone(), one.installed_at);
        one.publisher.map(|publisher| Pin { name, publisher, since, origin: PinOrigin::Installed })
    };
    world.installed.iter().filter_map(pin).collect()
}

fn installed_as<'a>(world: &'a World, name: &PackageName) -> Result<&'a InstalledInfo, NodeError> {
    world.installed.iter().find(|one| one.name == *name).ok_or_else(|| unknown(name.as_str()))
}

/// What is not there is as it was put.
pub fn verified(world: &World, name: &PackageName) -> Result<Verification, NodeError> {
    let one = installed_as(world, name)?;
    Ok(Verification {
        name: one.name.clone(),
        version: one.version.clone(),
        files_checked: one.files,
        problems: Vec::new(),
        unlisted: 0,
        basis: Basis::Inventory,
    })
}

/// The files of an install.
pub fn files(world: &World, name: &PackageName) -> FileList {
    let Ok(one) = installed_as(world, name) else { return FileList { unknown: true, ..Default::default() } };
    parts(one.files)
}

/// The files of a release.
pub fn contents(
    world: &World,
    name: &PackageName,
    version: &semver::Version,
    publisher: PublisherKey,
) -> Result<FileList, NodeError> {
    let mut known = world.releases.iter().chain(&world.elsewhere);
    let release = known.find(|one| (&one.name, &one.version, one.publisher) == (name, version, publisher));
    release.map(|one| parts(one.file_count)).ok_or_else(|| unknown(name.as_str()))
}

fn parts(count: u32) -> FileList {
    let file = |n: u32| FileEntry {
        path: SafeText::new(&format!("templates/part-{n:02}.tera")),
        size: u64::from(n) * 731 + 90,
    };
    FileList::of((1..=count).map(file).collect())
}

/// What a request means.
pub fn find<'a>(world: &'a World, wanted: &WantedPackage) -> Option<&'a ReleaseInfo> {
    let fits = |one: &&ReleaseInfo| {
        one.name == wanted.name
            && wanted.publisher.is_none_or(|key| key == one.publisher)
            && wanted.requirement.as_ref().is_none_or(|requirement| requirement.matches(&one.version))
    };
    world.releases.iter().chain(&world.elsewhere).filter(fits).max_by(|a, b| a.version.cmp(&b.version))
}

/// The newest release of each package that has every word, the newest package first.
pub fn search(world: &World, request: &SearchRequest) -> SearchAnswer {
    let words: Vec<_> = request.query.split_whitespace().map(str::to_lowercase).collect();
    let fits = |one: &ReleaseInfo| {
        let text = format!("{} {} {} {}", one.name, one.description, one.category, one.licence).to_lowercase();
        words.iter().all(|word| text.contains(word.as_str()))
    };
    let mut results: Vec<SearchHit> = Vec::new();
    let here = world.releases.iter().rev().map(|one| (one, Source::Local));
    let there = world.elsewhere.iter().filter(|_| request.remote).map(|one| (one, Source::Peer));
    for (release, source) in here.chain(there).filter(|(one, _)| fits(one)) {
        let same = |hit: &&mut SearchHit| hit.name == release.name && hit.publisher == Some(release.publisher);
        match results.iter_mut().find(same) {
            Some(known) if known.version >= release.version => {}
            Some(known) => *known = hit(world, release, source),
            None => results.push(hit(world, release, source)),
        }
    }
    let total = results.len() as u64;
    results.truncate(if request.limit == 0 { USUAL } else { request.limit });
    let asked = if request.remote { world.connected() } else { 0 };
    SearchAnswer {
        results,
        total,
        elapsed_ms: if request.remote { 212.0 } else { 1.8 },
        peers_asked: asked,
        peers_answered: asked.saturating_sub(1),
        ..SearchAnswer::default()
    }
}

fn hit(world: &World, release: &ReleaseInfo, source: Source) -> SearchHit {
    SearchHit {
        name: release.name.clone(),
        version: release.version.clone(),
        publisher: Some(release.publisher),
        package_id: Some(release.package_id),
        category: release.category.clone(),
        tags: release.tags.clone(),
        description: release.description.clone(),
        size: Some(release.size),
        source,
        sources: vec![source],
        central: None,
        score: 1.0,
        providers: release.providers,
        licence: release.licence.clone(),
        published_at: Some(release.published_at),
        installed: world.installed_version(&release.name).cloned(),
        yanked: false,
        revoked: false,
    }
}

/// What installing would do: the package, after what it needs.
pub fn plan(world: &World, request: &InstallRequest) -> Result<InstallPlan, NodeError> {
    let mut plan = InstallPlan::default();
    for wanted in wanted(world, request) {
        let release = find(world, &wanted).ok_or_else(|| unknown(wanted.name.as_str()))?;
        for needed in &release.dependencies {
            match world.newest(needed.name.as_str(), needed.publisher) {
                Some(found) => plan.steps.push(step(world, found, Some(&release.name))),
                None => plan.absent.push(AbsentPackage {
                    name: needed.name.clone(),
                    requirement: needed.requirement.clone(),
                    needed_by: release.name.clone(),
                }),
            }
        }
        plan.steps.push(step(world, release, None));
    }
    plan.download = plan.steps.iter().filter(|step| !step.here).map(|step| step.size).sum();
    Ok(plan)
}

/// What is asked for by name; with an update of everything, what there is newer.
fn wanted(world: &World, request: &InstallRequest) -> Vec<WantedPackage> {
    if !request.packages.is_empty() || !request.update {
        return request.packages.clone();
    }
    let newer = |one: OutdatedPackage| WantedPackage { name: one.name, requirement: None, publisher: one.publisher };
    outdated(world).into_iter().map(newer).collect()
}

/// What installing puts in place, in this order.
pub fn chosen(world: &World, request: &InstallRequest) -> Result<Vec<ReleaseInfo>, NodeError> {
    let plan = plan(world, request)?;
    let release = |step: &PlanStep| {
        let known = world.releases.iter().chain(&world.elsewhere);
        known.into_iter().find(|one| Some(one.release_id) == step.release_id).cloned()
    };
    Ok(plan.changes().filter_map(release).collect())
}

fn step(world: &World, release: &ReleaseInfo, needed_by: Option<&PackageName>) -> PlanStep {
    let from = world.installed_version(&release.name).cloned();
    let action = match &from {
        None => PlanAction::Install,
        Some(version) if *version < release.version => PlanAction::Update,
        Some(version) if *version > release.version => PlanAction::Downgrade,
        Some(_) => PlanAction::Keep,
    };
    PlanStep {
        action,
        from,
        publisher: Some(release.publisher),
        package_id: Some(release.package_id),
        release_id: Some(release.release_id),
        size: release.size,
        here: release.have_blob,
        asked: needed_by.is_none(),
        needed_by: needed_by.into_iter().cloned().collect(),
        dependencies: release.dependencies.clone(),
        ..PlanStep::blank(release.name.clone(), release.version.clone())
    }
}

/// What came of installing a release.
pub fn installed(world: &World, release: &ReleaseInfo, providers: &[String]) -> InstalledPackage {
    let PlanStep { action, name, version, from, publisher, package_id, dependencies, .. } = step(world, release, None);
    InstalledPackage {
        action,
        path: path(&name),
        name,
        version,
        from,
        publisher,
        package_id,
        index: None,
        assurance: Some(Assurance::Signed),
        bytes: if release.have_blob { 0 } else { release.size },
        providers: providers.to_vec(),
        asked: true,
        needed_by: Vec::new(),
        dependencies,
    }
}
