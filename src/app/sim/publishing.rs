//! Publishing what does not exist.

use super::world::World;
use super::{Sim, making};
use crate::app::age::Now;
use crate::app::event::Tag;
use crate::market::archive::FileEntry;
use crate::market::{PackageName, SafeText};
use crate::net::api::{Inspection, PublishAnswer, PublishPlan, PublishRequest, PublishStage, ReleaseInfo};
use crate::net::{ErrorKind, NodeError, NodeEvent, NodeReply};

/// Milliseconds that a stage takes.
const STAGE_MS: u64 = 350;

/// The package that a path would be: named like the directory.
pub fn inspect(world: &World, path: &str) -> Inspection {
    let wanted = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let name = PackageName::new(wanted).or_else(|_| PackageName::new("my-package"));
    let Ok(name) = name else { return Inspection::Unreadable(Vec::new()) };
    let file = |path: &str, size| FileEntry { path: SafeText::new(path), size };
    let previous = world.newest(name.as_str(), Some(world.me)).map(|one| one.version.clone());
    let version = previous
        .as_ref()
        .map_or(semver::Version::new(0, 1, 0), |last| semver::Version::new(last.major, last.minor + 1, 0));
    let version = world.version.clone().unwrap_or(version);
    let plan = PublishPlan {
        already: None,
        path: path.to_owned(),
        version,
        description: SafeText::new("A package that is simulated"),
        category: SafeText::new("templates"),
        tags: vec![SafeText::new("simulated")],
        licence: SafeText::new("MIT"),
        publisher: Some(world.me),
        package_id: Default::default(),
        size: 48_210,
        files: vec![file("README.md", 1_830), file("gpack.toml", 412), file("templates/main.tera", 6_044)],
        findings: Vec::new(),
        previous,
        changes: None,
        publishable: true,
        name,
    };
    plan.into()
}

pub fn publish(sim: &mut Sim, tag: Tag, request: &PublishRequest, now: Now) {
    use PublishStage::{Announcing, Confirming, Packing, Reading, Signing, Storing};
    let Inspection::Package(plan) = inspect(&sim.world, &request.path) else {
        let error = NodeError::new(ErrorKind::Failed, "it cannot be read");
        return sim.reply(now, tag, Err(error));
    };
    let mut at = now;
    for stage in [Reading, Packing, Signing, Storing, Announcing, Confirming] {
        let seen_by = if stage == Confirming { 2 } else { 0 };
        sim.tell(at, NodeEvent::Publish { job: request.job, stage, seen_by });
        at = at.plus(STAGE_MS);
    }
    let Some(release) = release_of(sim, &plan, at) else {
        return sim.reply(at, tag, Err(NodeError::new(ErrorKind::Failed, "it cannot be made")));
    };
    let item = sim.world.add_release(release.clone(), at.secs());
    sim.tell(at, NodeEvent::Feed(item));
    let answer = PublishAnswer {
        again: false,
        share: format!("ggen:{}@{}?publisher={}", release.name, release.version, release.publisher),
        name: release.name,
        version: release.version,
        publisher: release.publisher,
        package_id: release.package_id,
        release_id: release.release_id,
        size: release.size,
        files: plan.files.len(),
        seen_by: 3,
        seen_by_peers: Vec::new(),
        held_by: 0,
        findings: Vec::new(),
    };
    sim.reply(at, tag, Ok(NodeReply::Publish(answer)));
}

fn release_of(sim: &mut Sim, plan: &PublishPlan, at: Now) -> Option<ReleaseInfo> {
    let world = &mut sim.world;
    let me = [world.me];
    let made = making::release(&mut world.random, &me, at.secs())?;
    Some(ReleaseInfo {
        name: plan.name.clone(),
        version: plan.version.clone(),
        size: plan.size,
        description: plan.description.clone(),
        category: plan.category.clone(),
        dependencies: Vec::new(),
        have_blob: true,
        ..made
    })
}
