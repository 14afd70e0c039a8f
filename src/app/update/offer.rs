//! Offering a package for installation, and installing it.

use super::ask as request;
use crate::app::effect::Effect;
use crate::app::event::Tag;
use crate::app::state::{Action, Confirm, Overlay, State, Tab};
use crate::net::NodeCommand;
use crate::net::api::ReleaseInfo;

/// The install dialog: what, which version, by which key, how big, where from. Whether another key is pinned for the name
/// is asked of the node meanwhile.
pub fn ask(state: &mut State) -> Vec<Effect> {
    let offer = match state.tab {
        Tab::Feed => state.feed.selected().map(|item| {
            let from = item.from.as_deref().map_or("this node".to_owned(), super::node::short);
            let source = format!("announced by {from}");
            (item.name.clone(), item.version.clone(), item.publisher, item.size, source)
        }),
        _ => state.search.selected().map(|hit| {
            let source = match hit.source {
                crate::net::api::Source::Local => "known here",
                crate::net::api::Source::Peer => "a peer",
                crate::net::api::Source::Central => "central index",
            };
            let source = match hit.providers {
                0 => format!("{source}; no holder known yet"),
                1 => format!("{source}; 1 node has it"),
                n => format!("{source}; {n} nodes have it"),
            };
            (hit.name.clone(), hit.version.clone(), hit.publisher, hit.size, source)
        }),
    };
    let Some((name, version, publisher, size, source)) = offer else { return Vec::new() };
    let installed = state.installed.iter().flatten().find(|one| one.name == name);
    let mut warnings = Vec::new();
    if let Some(one) = installed.filter(|one| one.publisher != publisher) {
        warnings.push(format!("{name} {} is installed from another key: {}", one.version, one.publisher));
    } else if let Some(one) = installed {
        warnings.push(match one.version.cmp(&version) {
            std::cmp::Ordering::Equal => format!("{version} is installed already"),
            std::cmp::Ordering::Less => format!("replaces {}", one.version),
            std::cmp::Ordering::Greater => format!("goes back from {}, which is newer", one.version),
        });
    }
    let facts = [
        ("package", format!("{name} {version}")),
        ("publisher", publisher.to_string()),
        ("size", crate::app::bytes::size(size)),
        ("source", source),
    ];
    let again = installed.is_some_and(|one| one.publisher == publisher && one.version == version);
    let other_key = installed.is_some_and(|one| one.publisher != publisher);
    let confirm = Confirm {
        title: if again { "Install it again?" } else { "Install?" }.into(),
        facts: facts.map(|(label, value)| (label.to_owned(), value)).to_vec(),
        dangerous: other_key,
        choice: !other_key,
        warnings,
        yes: "install",
        action: Action::Install { name: name.clone(), version, publisher },
    };
    state.overlay = Some(Overlay::Confirm(confirm));
    let tag = Tag::Pin { name: name.to_string() };
    vec![Effect::Request { tag, command: NodeCommand::Detail { name, publisher: None } }]
}

/// The node's word on the key: one that is not the pinned one is warned about, and Enter then means no.
pub fn pinned(state: &mut State, asked: &str, releases: &[ReleaseInfo]) {
    let Some(Overlay::Confirm(confirm)) = &mut state.overlay else { return };
    let Action::Install { name, publisher, .. } = &confirm.action else { return };
    let pin = releases.iter().filter(|one| one.name == *name).find_map(|one| one.pinned);
    if let Some(key) = pin.filter(|key| name.as_str() == asked && key != publisher) {
        confirm.warnings.push(format!("you trust another key for {name}: {key}; installing replaces it"));
        (confirm.dangerous, confirm.choice) = (true, false);
    }
}

/// Confirmed: exactly this version by this key.
pub fn install(
    state: &mut State,
    name: crate::market::PackageName,
    version: &semver::Version,
    publisher: crate::market::PublisherKey,
) -> Vec<Effect> {
    let what = format!("{name} {version}");
    let exact = semver::Comparator {
        op: semver::Op::Exact,
        major: version.major,
        minor: Some(version.minor),
        patch: Some(version.patch),
        pre: version.pre.clone(),
    };
    let requirement = Some(semver::VersionReq { comparators: vec![exact] });
    let request = crate::net::api::InstallRequest { name, requirement, publisher: Some(publisher), accept_key: None };
    request::visibly(
        state,
        Tag::Install { what: what.clone() },
        format!("installing {what}"),
        NodeCommand::Install(request),
    )
}
