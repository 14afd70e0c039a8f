//! What is installed: asking about it, comparing its files, and keeping what is shown of it current.

use super::{ask, replies::mismatch};
use crate::app::effect::Effect;
use crate::app::event::Tag;
use crate::app::state::{Check, Extras, FILES_DELAY_MS, Round, State, Tab, ToastKind};
use crate::market::PackageName;
use crate::market::trust::Assessment;
use crate::net::api::{FileList, InstalledInfo, NodeReply, RemoveAnswer};
use crate::net::{NodeCommand, NodeError};

/// The pane was opened: what may have changed without a word is asked for.
pub fn entered(state: &mut State) -> Vec<Effect> {
    want_extras(state);
    if state.is_ready() { news() } else { Vec::new() }
}

/// What there is newer, and which keys are pinned.
fn news() -> Vec<Effect> {
    [(Tag::Outdated, NodeCommand::Outdated), (Tag::Pins, NodeCommand::Pins)]
        .map(|(tag, command)| Effect::Request { tag, command })
        .to_vec()
}

/// The node says that something was installed or removed.
pub fn changed() -> Vec<Effect> {
    let mut effects = vec![Effect::Request { tag: Tag::Installed, command: NodeCommand::Installed }];
    effects.extend(news());
    effects
}

/// Something was announced under the name of what is installed.
pub fn heard_of() -> Vec<Effect> {
    [(Tag::Installed, NodeCommand::Installed), (Tag::Outdated, NodeCommand::Outdated)]
        .map(|(tag, command)| Effect::Request { tag, command })
        .to_vec()
}

pub fn set(state: &mut State, list: Vec<InstalledInfo>) {
    let rows = if state.tab == Tab::Installed { state.list_rows } else { 1 };
    state.installed.set(list, rows);
    state.installed.extras = Extras::default();
    want_extras(state);
}

/// Another line is selected: its files are wanted once the selection rests.
pub fn want_extras(state: &mut State) {
    let known = state.installed.selected_extras().is_some();
    if state.tab == Tab::Installed && state.installed.selected().is_some() && !known {
        state.installed.extras_due = Some(state.now.plus(FILES_DELAY_MS).unix_ms);
    }
}

/// Asks for what is due. While there is no node, nothing is installed to ask about.
pub fn due(state: &mut State) -> Vec<Effect> {
    let now = state.now.unix_ms;
    if state.installed.extras_due.take_if(|at| *at <= now).is_none() || !state.is_ready() {
        return Vec::new();
    }
    let Some(one) = state.installed.selected() else { return Vec::new() };
    let (name, version, publisher) = (one.name.clone(), one.version.clone(), one.publisher);
    let installed = &mut state.installed;
    installed.extras_seq += 1;
    installed.extras = Extras { name: Some(name.clone()), ..Extras::default() };
    let seq = installed.extras_seq;
    let files = NodeCommand::InstalledFiles { name: name.clone() };
    let mut effects = vec![Effect::Request { tag: Tag::InstalledFiles { seq }, command: files }];
    if let Some(publisher) = publisher {
        let why = NodeCommand::Why { name, version, publisher };
        effects.push(Effect::Request { tag: Tag::InstalledWhy { seq }, command: why });
    }
    effects
}

pub fn listed(state: &mut State, seq: u64, files: Result<FileList, NodeError>) {
    if seq == state.installed.extras_seq {
        state.installed.extras.files = Some(files);
    }
}

pub fn judged(state: &mut State, seq: u64, why: Result<Assessment, NodeError>) {
    if seq == state.installed.extras_seq {
        state.installed.extras.why = Some(why);
    }
}

/// Compares the files of the selected package.
pub fn verify(state: &mut State) -> Vec<Effect> {
    let name = state.installed.selected().map(|one| one.name.clone());
    queue(state, name.into_iter().collect())
}

/// Compares the files of all.
pub fn verify_all(state: &mut State) -> Vec<Effect> {
    let names = state.installed.all().map(|one| one.name.clone()).collect();
    queue(state, names)
}

fn queue(state: &mut State, names: Vec<PackageName>) -> Vec<Effect> {
    let round = &mut state.installed.round;
    if !round.is_running() {
        *round = Round::default();
    }
    for name in names {
        if round.running.as_ref() != Some(&name) && !round.waiting.contains(&name) {
            round.waiting.push_back(name);
        }
    }
    if round.is_running() { Vec::new() } else { next(state) }
}

/// One after the other: hashing is the disk's work, and others want it too.
fn next(state: &mut State) -> Vec<Effect> {
    let round = &mut state.installed.round;
    round.running = round.waiting.pop_front();
    let Some(name) = round.running.clone() else { return Vec::new() };
    vec![Effect::Request { tag: Tag::Verify { name: name.clone() }, command: NodeCommand::Verify { name } }]
}

pub fn verified(state: &mut State, name: PackageName, result: Result<NodeReply, NodeError>) -> Vec<Effect> {
    let result = result.and_then(|reply| match reply {
        NodeReply::Verified(found) => Ok(found),
        _ => Err(mismatch()),
    });
    let installed = &mut state.installed;
    if installed.round.running.as_ref() == Some(&name) {
        installed.round.running = None;
        installed.round.done += 1;
        installed.round.faults += usize::from(!result.as_ref().is_ok_and(|found| found.is_sound()));
    }
    // What was removed or replaced meanwhile needs no answer.
    if let Some(version) = installed.get(&name).map(|one| one.version.clone()) {
        installed.checks.insert(name, Check { version, result });
    }
    let effects = next(state);
    if effects.is_empty() {
        conclude(state);
    }
    effects
}

fn conclude(state: &mut State) {
    let Round { done, faults, .. } = state.installed.round;
    let packages = |n: usize| if n == 1 { "1 package".to_owned() } else { format!("{n} packages") };
    match faults {
        0 => state.toast(ToastKind::Good, format!("{} compared: every file is as installed", packages(done)), None),
        _ => {
            let hint = "select it to see what differs; i puts it in place anew";
            let text = format!("{} of {} not as installed", faults, packages(done));
            state.toast(ToastKind::Warning, text, Some(hint.into()));
        }
    }
}

/// The node is gone: what it was asked will not be answered.
pub fn gone(state: &mut State) {
    state.installed.round = Round::default();
}

/// Asks everything about what is installed again.
pub fn refresh(state: &mut State) -> Vec<Effect> {
    state.installed.extras = Extras::default();
    want_extras(state);
    if state.tab == Tab::Installed { news() } else { Vec::new() }
}

/// Takes away what came only as a dependency and is needed by nobody any more.
pub fn remove_unused(state: &mut State) -> Vec<Effect> {
    let removal = crate::market::install::Removal { unused: true, ..Default::default() };
    ask::visibly(state, Tag::RemoveUnused, "removing what is unused".into(), NodeCommand::Remove(removal))
}

pub fn removed_unused(state: &mut State, result: Result<RemoveAnswer, NodeError>) {
    match result {
        Ok(answer) if answer.removed.is_empty() => state.toast(ToastKind::Info, "nothing is unused", None),
        Ok(answer) => {
            let names: Vec<_> = answer.removed.iter().map(PackageName::as_str).collect();
            state.toast(ToastKind::Good, format!("removed {}", names.join(", ")), None);
        }
        Err(error) => state.toast_error("not removed", &error),
    }
}
