//! Answers of the node.

use super::{installed, node, offer, publish, search, settings, transfers, updating, versions};
use crate::app::effect::Effect;
use crate::app::event::Tag;
use crate::app::state::{Overlay, Prompt, State, Tab, ToastKind, is_by_hand};
use crate::net::api::{InstallAnswer, NodeReply};
use crate::net::{ErrorKind, NodeError};

pub fn mismatch() -> NodeError {
    NodeError::new(ErrorKind::Failed, "the node answered something else than it was asked")
        .hint("the node may be of another version: restart it")
}

/// The wanted part of an answer.
macro_rules! expect {
    ($result:expr, $variant:ident) => {
        $result.and_then(|reply| match reply {
            NodeReply::$variant(value) => Ok(value),
            _ => Err(mismatch()),
        })
    };
}

pub fn reply(state: &mut State, tag: Tag, result: Result<NodeReply, NodeError>) -> Vec<Effect> {
    state.pending.retain(|pending| pending.tag != tag);
    match tag {
        Tag::Search { seq, remote } => search::answered(state, seq, remote, expect!(result, Search)),
        Tag::Detail { seq } => search::detailed(state, seq, expect!(result, Detail)),
        Tag::Why { seq } => search::judged(state, seq, expect!(result, Why)),
        Tag::Contents { name, version, publisher } => {
            search::listed(state, (name, version, publisher), expect!(result, Files));
        }
        Tag::Inspect { seq } => publish::inspected(state, seq, expect!(result, Inspect)),
        Tag::SetVersion => return versions::version_set(state, result),
        Tag::Publish { job } => publish::published(state, job, expect!(result, Publish)),
        // Without an answer nothing is known of it; the node itself refuses what it must.
        Tag::Offer { what } => offer::judged(state, &what, &expect!(result, Why).unwrap_or_default()),
        Tag::Plan { what } => offer::planned(state, &what, expect!(result, Plan)),
        Tag::Install { what } => placed(state, &what, expect!(result, Install)),
        // What comes of it is told by the transfer itself.
        Tag::Transfer { .. } | Tag::Limits => {
            if let Err(error) = result {
                transfers::refused(state, &error);
            }
        }
        Tag::Lookup { what } => {
            let answer = expect!(result, Lookup);
            if let Some(lookup) = state.dht.lookup.as_mut().filter(|lookup| lookup.what == what) {
                lookup.answer = Some(answer);
            }
        }
        Tag::Connect { addr } => connected(state, addr, result),
        Tag::InstalledFiles { seq } => installed::listed(state, seq, expect!(result, Files)),
        Tag::InstalledWhy { seq } => installed::judged(state, seq, expect!(result, Why)),
        Tag::Verify { name } => return installed::verified(state, name, result),
        Tag::UpdatePlan { name } => updating::planned(state, name, expect!(result, Plan)),
        Tag::RemoveUnused => installed::removed_unused(state, expect!(result, Removed)),
        Tag::Settings => settings::running(state, expect!(result, Settings)),
        Tag::Remove { .. }
        | Tag::Disconnect { .. }
        | Tag::Bootstrap
        | Tag::Ban { .. }
        | Tag::Unban { .. }
        | Tag::Keep { .. }
        | Tag::Unkeep { .. } => {
            acted(state, &tag, result);
        }
        _ => {
            if let Err(error) = refreshed(state, &tag, result) {
                state.toast_error("the node did not answer", &error);
            }
        }
    }
    Vec::new()
}

fn refreshed(state: &mut State, tag: &Tag, result: Result<NodeReply, NodeError>) -> Result<(), NodeError> {
    let now = state.now;
    let rows = |tab: Tab, state: &State| if state.tab == tab { state.list_rows } else { 1 };
    match (tag, result?) {
        (Tag::Status, NodeReply::Status(status)) => node::set_status(state, status),
        (Tag::Peers, NodeReply::Peers(peers)) => {
            let rows = rows(Tab::Peers, state);
            state.peers.set(peers, now, rows);
        }
        (Tag::Dht, NodeReply::Dht(info)) => {
            let rows = rows(Tab::Dht, state);
            state.dht.set(info, rows);
        }
        (Tag::Feed, NodeReply::Feed(items)) => {
            let rows = rows(Tab::Feed, state);
            state.feed.set(items, rows);
        }
        (Tag::Transfers, NodeReply::Transfers(transfers)) => {
            let rows = rows(Tab::Transfers, state);
            state.transfers.set(transfers, now, rows);
        }
        (Tag::Logs, NodeReply::Logs(lines)) => state.logs.set(lines),
        (Tag::Installed, NodeReply::Installed(list)) => {
            for hit in &mut state.search.results {
                let here = list.iter().find(|one| one.name == hit.name && one.publisher == hit.publisher);
                hit.installed = here.map(|one| one.version.clone());
            }
            installed::set(state, list);
            state.note_names();
            search::judge_again(state);
        }
        (Tag::Outdated, NodeReply::Outdated(list)) => {
            state.installed.newer = Some(list.into_iter().map(|one| (one.name.clone(), one)).collect());
        }
        (Tag::Pins, NodeReply::Pins(pins)) => {
            state.installed.pins = Some(pins.into_iter().map(|pin| (pin.name, pin.publisher)).collect());
            state.note_names();
        }
        _ => return Err(mismatch()),
    }
    Ok(())
}

fn placed(state: &mut State, what: &str, result: Result<InstallAnswer, NodeError>) {
    match result {
        Ok(answer) => {
            let changed = answer.installed.iter().filter(|one| one.action.changes());
            // What was found when its files were compared is over with the files.
            state.installed.checks.retain(|name, _| changed.clone().all(|one| one.name != *name));
            let names: Vec<_> = changed.map(|one| format!("{} {}", one.name, one.version)).collect();
            let text = match names.as_slice() {
                [] => format!("{what} was already installed"),
                [one] => format!("installed {one}, verified"),
                [.., last] => format!("installed {last} and {} more, verified", names.len() - 1),
            };
            let place = answer.installed.last().map(|one| format!("in {}", crate::market::SafeText::new(&one.path)));
            state.toast(ToastKind::Good, text, place);
            for warning in answer.warnings.iter().take(3) {
                let text = crate::market::SafeText::new(warning).to_string();
                state.toast(ToastKind::Warning, text, None);
            }
        }
        // A person wanted it: nothing is wrong. What was ended can be a package that comes along.
        Err(error) if error.message.split_once(": ").is_some_and(|(what, why)| is_by_hand(what, why)) => {
            state.toast(ToastKind::Info, error.message, error.hint);
        }
        // Most errors begin with the package already.
        Err(error) if error.message.starts_with(what) => state.toast_error("not installed", &error),
        Err(error) => state.toast_error(&format!("{what} was not installed"), &error),
    }
}

fn connected(state: &mut State, addr: String, result: Result<NodeReply, NodeError>) {
    match expect_connected(result) {
        Ok(peer_id) => state.toast(ToastKind::Good, format!("connected to {}", node::short(&peer_id)), None),
        // The address comes back for mending, unless something else is open.
        Err(error)
            if state.overlay.is_none()
                && !state.is_typing()
                && matches!(state.tab, Tab::Overview | Tab::Peers | Tab::Dht) =>
        {
            let why = error.message.strip_prefix("cannot connect to the peer: ").unwrap_or(&error.message);
            let error = [Some(why.to_owned()), error.hint].into_iter().flatten().collect::<Vec<_>>().join("; ");
            let input = tui_input::Input::new(addr);
            let prompt = Prompt { input, error: Some(error), ..Prompt::default() };
            state.overlay = Some(Overlay::Prompt(prompt));
        }
        Err(error) => state.toast_error("not connected", &error),
    }
}

fn expect_connected(result: Result<NodeReply, NodeError>) -> Result<String, NodeError> {
    match result? {
        NodeReply::Connected { peer_id } => Ok(peer_id),
        _ => Err(mismatch()),
    }
}

fn acted(state: &mut State, tag: &Tag, result: Result<NodeReply, NodeError>) {
    let (done, nothing, failed) = match tag {
        Tag::Remove { name } => (format!("removed {name}"), format!("{name} was not installed"), "not removed"),
        Tag::Disconnect { peer } => {
            let peer = node::short(peer);
            (format!("disconnected {peer}"), format!("{peer} was not connected"), "not disconnected")
        }
        Tag::Bootstrap => ("the routing table is fresh".into(), "nothing to refresh".into(), "bootstrap failed"),
        Tag::Ban { peer } => (format!("banned {}", node::short(peer)), "nothing changed".into(), "not banned"),
        Tag::Unban { peer } => {
            let peer = node::short(peer);
            (format!("the ban of {peer} is lifted"), format!("{peer} was not banned"), "not unbanned")
        }
        Tag::Keep { peer } => {
            let peer = node::short(peer);
            (format!("{peer} is kept: dialled again whenever it is lost"), format!("{peer} was kept"), "not kept")
        }
        Tag::Unkeep { peer } => {
            let peer = node::short(peer);
            (format!("{peer} is not kept any more"), format!("{peer} was not kept"), "still kept")
        }
        _ => return,
    };
    // A ban shows by the node's own event, with its reason.
    if matches!((tag, &result), (Tag::Ban { .. }, Ok(NodeReply::Done | NodeReply::Changed(true)))) {
        return;
    }
    match result {
        Ok(NodeReply::Changed(false)) => state.toast(ToastKind::Info, nothing, None),
        Ok(NodeReply::Changed(true) | NodeReply::Removed(_) | NodeReply::Done) => {
            state.toast(ToastKind::Good, done, None)
        }
        Ok(_) => state.toast_error(failed, &mismatch()),
        Err(error) => state.toast_error(failed, &error),
    }
}
