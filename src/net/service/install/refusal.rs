//! What a user is told when no set of versions can be installed.

use crate::config::schema::RegistryMode;
use crate::market::resolve::{Bar, Conflict};
use crate::market::search::{Nobody, Query};
use crate::market::{PackageName, PublisherKey};

use super::super::super::context::Context;
use super::super::super::error::{ErrorKind, NodeError};

/// Similar names in a hint.
const MAX_SIMILAR: usize = 3;
/// Packages that are looked at for them.
const MAX_LOOKED_AT: usize = 20;

/// The error for `conflict`. `peers`: how many were asked.
pub async fn told(context: &Context, conflict: Conflict, peers: usize) -> NodeError {
    match conflict {
        Conflict::Unknown(name) => unknown(context, &name, None, peers).await,
        Conflict::UnknownBy { name, publisher } => unknown(context, &name, Some(publisher), peers).await,
        Conflict::Barred { name, version, bar } => barred(&name, &version, &bar),
        other => NodeError::new(kind(&other), other.to_string()).hint(other.hint()),
    }
}

fn kind(conflict: &Conflict) -> ErrorKind {
    match conflict {
        Conflict::NoVersion { .. } => ErrorKind::NotFound,
        Conflict::SeveralPublishers { .. } => ErrorKind::Usage,
        _ => ErrorKind::Failed,
    }
}

/// Why a release is not taken by itself.
pub fn barred(name: &PackageName, version: &semver::Version, bar: &Bar) -> NodeError {
    let message = format!("{name} {version} cannot be chosen: {bar}");
    match bar {
        Bar::Yanked(_) => NodeError::new(ErrorKind::NotFound, message).hint(format!(
            "choose another version or package; or, knowing that: ggen-p2p-tui install {name}@={version} --allow-yanked"
        )),
        Bar::Cooling(_) => NodeError::new(ErrorKind::Failed, message)
            .hint("wait, name an older version, or lower security.install_cooldown"),
        Bar::Expired => NodeError::new(ErrorKind::NotFound, message).hint("ask the publisher to publish it again"),
        Bar::Untrusted(_) => NodeError::new(ErrorKind::Verification, message)
            .hint("ask whoever keeps the lock file; nothing was installed"),
    }
}

async fn unknown(context: &Context, name: &PackageName, publisher: Option<PublisherKey>, peers: usize) -> NodeError {
    let query = Query::parse(name.as_str()).limit(MAX_LOOKED_AT);
    let found = context.store.run(move |db| db.search(&query, &Nobody)).await.unwrap_or_default();
    let mut similar: Vec<_> = found.hits.into_iter().map(|hit| hit.release.release().name.clone()).collect();
    // Several publishers may use one name.
    similar.dedup();
    let is_here = similar.contains(name);
    similar.retain(|one| one != name);
    similar.truncate(MAX_SIMILAR);
    let whose = publisher.map(|key| format!(" by {key}")).unwrap_or_default();
    let only_central = context.settings.registry.mode == RegistryMode::Central;
    // A name of the catalogue that counts as unknown was looked for in the indexes only.
    if only_central || (is_here && publisher.is_none()) {
        let error =
            NodeError::new(ErrorKind::NotFound, format!("no package named {name}{whose} in the central indexes"));
        return match (is_here, only_central) {
            (true, true) => error.hint("publishers have signed one: set registry.mode to hybrid to install theirs"),
            (true, false) => error.hint("publishers have signed one: leave --from central away to install theirs"),
            (false, _) => error.hint(format!("see what they list with: ggen-p2p-tui search {name}")),
        };
    }
    let peers = if peers == 1 { "1 peer".into() } else { format!("{peers} peers") };
    let message = format!("no package named {name}{whose} in the local catalogue nor with {peers} asked");
    let error = NodeError::new(ErrorKind::NotFound, message);
    if is_here {
        return error.hint(format!("see who publishes it with: ggen-p2p-tui show {name}"));
    }
    if similar.is_empty() {
        return error.hint(format!("check the spelling, or look for it with: ggen-p2p-tui search {name}"));
    }
    error.hint(format!("did you mean {}?", similar.iter().map(PackageName::as_str).collect::<Vec<_>>().join(", ")))
}
