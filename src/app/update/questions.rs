//! Questions before something is broken off or taken away, and what a yes does.

use super::{ask, installed, keys, offer, publish, transfers};
use crate::app::effect::Effect;
use crate::app::event::Tag;
use crate::app::state::{Action, Confirm, Overlay, Prompt, Purpose, State, Step, Tab, Typed};
use crate::market::install::Removal;
use crate::net::NodeCommand;

/// Leaves, after a question when something would be broken off. Asked again while the question is open, it leaves.
pub fn quit(state: &mut State) -> Vec<Effect> {
    let asked = matches!(&state.overlay, Some(Overlay::Confirm(confirm)) if confirm.action == Action::Quit);
    let warnings = state.work_in_progress();
    if asked || warnings.is_empty() {
        return vec![Effect::Quit];
    }
    let confirm = Confirm {
        title: "Quit now?".into(),
        warnings,
        yes: "quit",
        dangerous: true,
        action: Action::Quit,
        ..Confirm::default()
    };
    keys::open(state, Overlay::Confirm(confirm))
}

fn confirm(state: &mut State, title: &str, yes: &'static str, facts: Vec<(&str, String)>, action: Action) {
    let facts = facts.into_iter().map(|(label, value)| (label.to_owned(), value)).collect();
    let confirm =
        Confirm { title: title.into(), facts, yes, choice: true, dangerous: true, action, ..Confirm::default() };
    state.overlay = Some(Overlay::Confirm(confirm));
}

pub fn disconnect(state: &mut State) {
    let Some(peer) = state.peers.selected().map(|peer| peer.peer_id.clone()) else { return };
    confirm(state, "Disconnect this peer?", "disconnect", vec![("peer", peer.clone())], Action::Disconnect { peer });
}

pub fn ban(state: &mut State) {
    let Some(info) = state.peers.selected() else { return };
    let (peer, agent) = (info.peer_id.clone(), info.agent.to_string());
    if info.banned {
        let facts = [("peer", peer.clone()), ("agent", agent)];
        let why = info.ban_reason.as_deref().unwrap_or("unknown").to_owned();
        let facts = facts.into_iter().chain([("banned for", why)]).collect();
        confirm(state, "Lift this ban?", "unban", facts, Action::Unban { peer });
    } else {
        let evidence = format!("{} good, {} bad", info.successes, info.failures);
        let purpose = Purpose::Ban { peer, agent, evidence };
        state.overlay = Some(Overlay::Prompt(Prompt { purpose, ..Prompt::default() }));
    }
}

pub fn ban_sender(state: &mut State) {
    let Some(peer) = state.feed.selected().and_then(|item| item.from.clone()) else { return };
    let known = state.peers.rows().iter().map(|row| &row.info).find(|info| info.peer_id == peer);
    let agent = known.map(|info| info.agent.to_string()).unwrap_or_default();
    let evidence = known.map(|info| format!("{} good, {} bad", info.successes, info.failures)).unwrap_or_default();
    let purpose = Purpose::Ban { peer, agent, evidence };
    state.overlay = Some(Overlay::Prompt(Prompt { purpose, ..Prompt::default() }));
}

pub fn remove(state: &mut State) {
    let (name, version) = match (state.tab, state.search.selected(), state.installed.selected()) {
        (Tab::Installed, _, Some(one)) => (one.name.clone(), one.version.clone()),
        (Tab::Search, Some(hit), _) => match &hit.installed {
            Some(version) => (hit.name.clone(), version.clone()),
            None => return,
        },
        _ => return,
    };
    let mut facts = vec![("package", format!("{name} {version}"))];
    let here = state.installed.get(&name);
    facts.extend(here.map(|one| ("deletes", format!("{} ({} files)", one.path, one.files))));
    let needing: Vec<String> = here.iter().flat_map(|one| &one.needed_by).map(ToString::to_string).collect();
    let action = Action::Remove { name: name.clone(), force: !needing.is_empty() };
    confirm(state, "Remove this package?", "remove", facts, action);
    if let (Some(Overlay::Confirm(confirm)), false) = (&mut state.overlay, needing.is_empty()) {
        let verb = if needing.len() == 1 { "needs" } else { "need" };
        confirm.warnings.push(format!("{} {verb} it, and will be broken", needing.join(", ")));
        confirm.typed = Some(Typed::of(name.as_str()));
    }
}

pub fn remove_unused(state: &mut State) {
    let unused: Vec<_> = state.installed.unused().map(|one| format!("{} {}", one.name, one.version)).collect();
    let facts = vec![("packages", unused.join(", ")), ("why", "they came as dependencies that nothing needs".into())];
    confirm(state, "Remove what is unused?", "remove", facts, Action::RemoveUnused);
}

/// A dialog was answered with yes.
pub fn confirmed(state: &mut State, action: Action) -> Vec<Effect> {
    match action {
        Action::Quit => vec![Effect::Quit],
        Action::Publish if state.publish.step == Step::Review => publish::start(state),
        Action::Publish => Vec::new(),
        Action::Install { what, request } => offer::install(state, what, *request),
        Action::Remove { name, force } => {
            let (text, tag) = (format!("removing {name}"), Tag::Remove { name: name.to_string() });
            ask::visibly(state, tag, text, NodeCommand::Remove(Removal { force, ..Removal::of(name) }))
        }
        Action::EndUpload { id, name } => transfers::end(state, id, &name, true),
        Action::RemoveUnused => installed::remove_unused(state),
        Action::ResetSetting { name } => vec![Effect::WriteSetting { name, value: None }],
        Action::Unban { peer } => {
            ask::visibly(state, Tag::Unban { peer: peer.clone() }, "unbanning".into(), NodeCommand::Unban { peer })
        }
        Action::Disconnect { peer } => {
            let command = NodeCommand::Disconnect { peer: Some(peer.clone()) };
            ask::visibly(state, Tag::Disconnect { peer }, "disconnecting".into(), command)
        }
    }
}
