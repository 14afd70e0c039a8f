//! The mouse: clicks on what a frame put somewhere, and the wheel.

use super::{actions, look, overlay, questions, search, transfers, versions};
use crate::app::effect::Effect;
use crate::app::event::MouseAction;
use crate::app::hit::Target;
use crate::app::state::{Overlay, PEER_COLUMNS, Phase, State, Step, Tab, help_lines};

/// Lines the wheel moves.
const WHEEL: isize = 3;

pub fn mouse(state: &mut State, action: MouseAction, target: Option<Target>) -> Vec<Effect> {
    if matches!(state.phase, Phase::Failed(_)) {
        return Vec::new();
    }
    match action {
        MouseAction::WheelUp => wheel(state, -WHEEL),
        MouseAction::WheelDown => wheel(state, WHEEL),
        MouseAction::Click => return target.map_or_else(Vec::new, |target| click(state, target)),
    }
    Vec::new()
}

fn wheel(state: &mut State, delta: isize) {
    let rows = state.list_rows;
    match state.overlay.take() {
        Some(Overlay::Help(mut picker)) => {
            let len = help_lines(state, picker.input.value()).len();
            picker.view.step(delta, len, rows);
            state.overlay = Some(Overlay::Help(picker));
        }
        Some(Overlay::Palette(mut picker)) => {
            overlay::scroll(state, &mut picker, delta);
            look::preview(state, &picker);
            state.overlay = Some(Overlay::Palette(picker));
        }
        Some(open) => {
            overlay::move_dialog(state, delta);
            state.overlay = Some(open);
        }
        None => {
            if !state.shows_detail() || state.detail_end > 0 {
                actions::step(state, delta);
            }
        }
    }
}

fn click(state: &mut State, target: Target) -> Vec<Effect> {
    match (state.overlay.take(), target) {
        (Some(Overlay::Confirm(confirm)), Target::Answer(false)) => drop(confirm),
        (Some(Overlay::Confirm(confirm)), Target::Answer(true)) if confirm.can_say_yes() => {
            return questions::confirmed(state, confirm.action);
        }
        (Some(Overlay::Confirm(confirm)), Target::Answer(true)) => {
            overlay::not_yet(state, &confirm);
            state.overlay = Some(Overlay::Confirm(confirm));
        }
        (Some(Overlay::Palette(picker)), Target::Row(index)) => {
            let entry = state.entries(picker.input.value()).into_iter().nth(index);
            overlay::left(state);
            return entry.map_or_else(Vec::new, |entry| overlay::go(state, entry));
        }
        (Some(Overlay::Bump(_)), Target::Row(index)) => return versions::set_version(state, index),
        (Some(Overlay::Cancel(cancel)), Target::Row(index)) => return transfers::chosen(state, &cancel, index),
        (Some(Overlay::Narrow(mut view)), Target::Row(index)) => {
            let len = state.search.narrowings().len();
            view.select(index, len, state.list_rows);
            search::narrow(state, index);
            state.overlay = Some(Overlay::Narrow(view));
        }
        (Some(open), _) => {
            state.overlay = Some(open);
            return Vec::new();
        }
        (None, Target::Tab(tab)) => return actions::go_to(state, tab),
        (None, Target::Row(index)) => return row(state, index),
        (None, Target::Column(column)) => sort(state, column),
        (None, Target::Input) => focus(state),
        (None, Target::Command(id)) => return overlay::run_if_it_applies(state, id),
        (None, Target::Answer(_) | Target::Nothing) => {}
    }
    Vec::new()
}

/// Sorts by a column; one that sorts already turns the order around.
fn sort(state: &mut State, column: usize) {
    let Some(by) = PEER_COLUMNS.get(column).copied().flatten().filter(|_| state.tab == Tab::Peers) else { return };
    let reversed = state.peers.sort == by && !state.peers.reversed;
    let rows = state.list_rows;
    state.peers.order(by, reversed, rows);
}

fn focus(state: &mut State) {
    match state.tab {
        Tab::Search => state.search.focused = true,
        Tab::Publish if state.publish.step == Step::Path => {
            (state.publish.focused, state.publish.touched) = (true, true)
        }
        _ => {
            if let Some(filter) = state.filter_mut() {
                filter.focused = true;
            }
        }
    }
}

/// A click selects; a click on what is selected opens it.
fn row(state: &mut State, index: usize) -> Vec<Effect> {
    if state.tab == Tab::Search {
        state.search.focused = false;
    }
    let before = selected(state);
    if before == index && state.can_open() {
        actions::open(state);
        return Vec::new();
    }
    let delta = if index >= before {
        isize::try_from(index - before).unwrap_or(isize::MAX)
    } else {
        isize::try_from(before - index).map_or(isize::MIN, |delta| -delta)
    };
    actions::step(state, delta);
    Vec::new()
}

fn selected(state: &State) -> usize {
    match state.tab {
        Tab::Overview => 0,
        Tab::Peers => state.peers.view.selected,
        Tab::Dht => state.dht.view.selected,
        Tab::Feed => state.feed.view.selected,
        Tab::Search => state.search.view.selected,
        Tab::Publish => state.publish.view.selected,
        Tab::Transfers => state.transfers.view.selected,
        Tab::Installed => state.installed.view.selected,
        Tab::Settings => state.settings.view.selected,
        Tab::Logs => state.logs.current(state.logs.visible().len()).selected,
    }
}
