//! What of the installed packages there is newer.

use std::time::Duration;

use futures::future::join_all;

use crate::market::store::Installed;
use crate::market::{Db, MarketError, SafeText, trust};

use super::super::super::api::{NodeReply, OutdatedPackage};
use super::super::super::context::Context;
use super::super::super::error::NodeError;
use super::super::heads;
use super::super::trust::ground;
use super::gather::current;

/// How long the heads of a package may be waited for.
const HEAD_PATIENCE: Duration = Duration::from_secs(1);
/// Packages whose heads are looked for at once.
const AT_ONCE: usize = 16;

/// Answers [`NodeCommand::Outdated`](super::super::super::api::NodeCommand::Outdated): by name; those that are up to date and
/// were not withdrawn are left out.
pub async fn outdated(context: &Context) -> Result<NodeReply, NodeError> {
    let installed = context.store.run(|db| db.installed()).await?;
    for some in installed.chunks(AT_ONCE) {
        join_all(some.iter().map(|entry| heads::look_for_all(context, &entry.name, None, HEAD_PATIENCE))).await;
    }
    let ground = ground(context);
    let look = move |db: &mut Db| {
        let all = installed.clone();
        installed.iter().map(|entry| newer(db, entry, &all, &ground)).filter_map(Result::transpose).collect()
    };
    let outdated: Result<Vec<_>, MarketError> = context.store.run(look).await;
    Ok(NodeReply::Outdated(outdated?))
}

/// What there is newer than `entry` by the same publisher, or by whom it signed its key over to.
fn newer(
    db: &mut Db,
    entry: &Installed,
    all: &[Installed],
    ground: &trust::Ground,
) -> Result<Option<OutdatedPackage>, MarketError> {
    let Some(publisher) = entry.publisher else { return Ok(None) };
    let publisher = current(db, publisher)?;
    let (mut latest, mut wanted) = (entry.version.clone(), entry.version.clone());
    let mut yanked: Option<SafeText> = None;
    for release in db.versions(&entry.name, None)? {
        let signed = release.release();
        if current(db, signed.publisher)? != publisher {
            continue;
        }
        if signed.package_id == entry.package_id {
            yanked = yanked.or_else(|| signed.yank_reason.clone());
        }
        let comes = (signed.version.pre.is_empty() || !entry.version.pre.is_empty())
            && signed.yank_reason.is_none()
            && signed.expires_at > ground.now
            && trust::cooling(db, &release, ground)? == 0;
        if !comes {
            continue;
        }
        if signed.version > latest {
            latest = signed.version.clone();
        }
        if signed.version > wanted && allowed(entry, all, &signed.version) {
            wanted = signed.version.clone();
        }
    }
    if latest == entry.version && yanked.is_none() {
        return Ok(None);
    }
    Ok(Some(OutdatedPackage {
        name: entry.name.clone(),
        installed: entry.version.clone(),
        publisher: entry.publisher,
        requirement: entry.requirement.clone(),
        wanted,
        latest,
        yanked,
    }))
}

/// Whether `version` is what was asked for, and will do for those that need the package.
fn allowed(entry: &Installed, all: &[Installed], version: &semver::Version) -> bool {
    let needs = all.iter().flat_map(|other| &other.dependencies).filter(|dependency| dependency.name == entry.name);
    entry.requirement.iter().chain(needs.map(|dependency| &dependency.requirement)).all(|fits| fits.matches(version))
}
