//! Offering a package for installation, and installing it.

use super::ask as request;
use crate::app::effect::Effect;
use crate::app::event::Tag;
use crate::app::state::{Action, Confirm, Overlay, State, Tab, ToastKind};
use crate::market::trust::{Assessment, Code, Fingerprint, KeyChange, Outcome};
use crate::market::when;
use crate::net::NodeCommand;

/// The install dialog: what, which version, by which key, how big, where from. Whether it is to be trusted is asked of
/// the node meanwhile.
pub fn ask(state: &mut State) -> Vec<Effect> {
    if state.tab == Tab::Search && state.search.selected().is_some_and(|hit| hit.publisher.is_none()) {
        let text = "nobody signed this one: a central index lists it, and only signed packages are installed";
        state.toast(ToastKind::Warning, text, None);
        return Vec::new();
    }
    let offer = match state.tab {
        Tab::Feed => state.feed.selected().map(|item| {
            let from = item.from.as_deref().map_or("this node".to_owned(), super::node::short);
            let source = format!("announced by {from}");
            (item.name.clone(), item.version.clone(), item.publisher, item.size, source)
        }),
        _ => state.search.selected().and_then(|hit| {
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
            Some((hit.name.clone(), hit.version.clone(), hit.publisher?, hit.size?, source))
        }),
    };
    let Some((name, version, publisher, size, source)) = offer else { return Vec::new() };
    let installed = state.installed.iter().flatten().find(|one| one.name == name);
    let mut warnings = Vec::new();
    if let Some(one) = installed.filter(|one| one.publisher != Some(publisher)) {
        warnings.push(match one.publisher {
            Some(other) => format!("{name} {} is installed from another key: {other}", one.version),
            None => format!("{name} {} is installed from a central index, unsigned", one.version),
        });
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
    let again = installed.is_some_and(|one| one.publisher == Some(publisher) && one.version == version);
    let other_key = installed.is_some_and(|one| one.publisher.is_some_and(|other| other != publisher));
    let confirm = Confirm {
        title: if again { "Install it again?" } else { "Install?" }.into(),
        facts: facts.map(|(label, value)| (label.to_owned(), value)).to_vec(),
        dangerous: other_key,
        choice: !other_key,
        warnings,
        yes: "install",
        action: Action::Install { name: name.clone(), version: version.clone(), publisher, accept_key: false },
    };
    state.overlay = Some(Overlay::Confirm(confirm));
    let tag = Tag::Offer { what: format!("{name} {version}") };
    vec![Effect::Request { tag, command: NodeCommand::Why { name, version, publisher } }]
}

/// The node's word on the release: what speaks against it is shown, and Enter then means no. A changed key makes it another
/// question.
pub fn judged(state: &mut State, asked: &str, assessment: &Assessment) {
    let Some(Overlay::Confirm(confirm)) = &mut state.overlay else { return };
    let Action::Install { name, version, publisher, accept_key } = &mut confirm.action else { return };
    let what = format!("{name} {version}");
    if what != asked {
        return;
    }
    if let Some(change) = assessment.key_change.as_ref().filter(|change| change.key == *publisher) {
        *accept_key = true;
        confirm.title = "Key changed. Accept the new one?".into();
        confirm.yes = "accept and install";
        confirm.facts = both_keys(what, change);
        confirm.warnings =
            vec!["Say yes only if the publisher confirms the new fingerprint by another way than this network.".into()];
    }
    let worse = assessment.steps.iter().filter(|step| step.outcome >= Outcome::Warn);
    let told = worse.filter(|step| assessment.key_change.is_none() || step.code != Code::Publisher);
    confirm.warnings.extend(told.map(|step| step.text.to_string()));
    if assessment.verdict() >= Outcome::Warn {
        (confirm.dangerous, confirm.choice) = (true, false);
    }
}

/// The two keys under each other, as they are compared.
fn both_keys(what: String, change: &KeyChange) -> Vec<(String, String)> {
    let since = |at: Option<u64>, before: &str| match at.filter(|at| *at > 0) {
        Some(at) => format!("{before} {}", when::day(at)),
        None => String::new(),
    };
    let seen = match change.first_seen {
        None => "never seen before".to_owned(),
        at => since(at, "first seen"),
    };
    let facts = [
        ("package", what),
        ("pinned key", Fingerprint::of(&change.pinned.publisher).to_string()),
        ("", since(Some(change.pinned.since), "since")),
        ("new key", Fingerprint::of(&change.key).to_string()),
        ("", seen),
    ];
    facts.into_iter().filter(|(_, value)| !value.is_empty()).map(|(label, value)| (label.to_owned(), value)).collect()
}

/// Confirmed: exactly this version by this key.
pub fn install(
    state: &mut State,
    name: crate::market::PackageName,
    version: &semver::Version,
    publisher: crate::market::PublisherKey,
    accept_key: bool,
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
    let accept_key = accept_key.then_some(publisher);
    let request = crate::net::api::InstallRequest { name, requirement, publisher: Some(publisher), accept_key };
    request::visibly(
        state,
        Tag::Install { what: what.clone() },
        format!("installing {what}"),
        NodeCommand::Install(request),
    )
}
