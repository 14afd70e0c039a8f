//! What happens when something happens: pure functions of state, event and time.

mod actions;
mod ask;
mod installed;
mod keys;
mod look;
mod node;
mod offer;
mod overlay;
mod pointer;
mod publish;
mod questions;
mod replies;
mod search;
mod settings;
#[cfg(test)]
mod tests;
mod transfers;
mod typing;
mod updating;
mod versions;

use super::age::Now;
use super::effect::Effect;
use super::event::{Event, Signal};
use super::state::{Overlay, Phase, State, Step, Tab, ToastKind};
use crate::net::NodeError;

/// After a failed start the error stays on screen so long, milliseconds; any key leaves earlier.
const LEAVE_AFTER_MS: u64 = 10_000;

/// Takes one event. No IO, no clock: `now` is the time of the event, and what is to be done comes back.
pub fn update(state: &mut State, event: Event, now: Now) -> Vec<Effect> {
    state.now = now;
    let effects = handle(state, event);
    if state.overlay.is_none() {
        state.dialog_scroll = 0;
    }
    effects
}

fn handle(state: &mut State, event: Event) -> Vec<Effect> {
    match event {
        Event::Key(key) => keys::key(state, key),
        Event::Paste(text) => typing::pasted(state, &text),
        Event::Mouse { action, target } => pointer::mouse(state, action, target),
        Event::Resized { width, height } => {
            state.size = (width, height);
            Vec::new()
        }
        Event::Viewport { rows, detail_end, dialog_end } => {
            state.dialog_end = dialog_end.into();
            state.dialog_scroll = state.dialog_scroll.min(state.dialog_end);
            state.list_rows = usize::from(rows).max(1);
            state.detail_end = detail_end.into();
            state.detail_scroll = state.detail_scroll.min(state.detail_end);
            Vec::new()
        }
        Event::NodeReady { remote } => ready(state, remote),
        Event::StartFailed(error) => start_failed(state, error),
        Event::Node(event) => node::event(state, event),
        Event::NodeGone => gone(state),
        Event::Reply { tag, result } => replies::reply(state, tag, result),
        Event::Directory { path, listing } => publish::listed(state, path, listing),
        Event::Looks(looks) => look::changed(state, looks),
        Event::Background(background) => look::background(state, background),
        Event::Settings { wrote, result } => settings::read(state, wrote, result),
        Event::Tick => tick(state),
        Event::Signal(Signal::Terminate | Signal::HangUp) => vec![Effect::Quit],
        Event::Notice { level, text, hint } => {
            state.toast(node::toast_kind(level), text, hint);
            Vec::new()
        }
    }
}

/// What is asked once, after the first frame: of the terminal, and what the pane of the last time needs besides the node.
pub fn first_questions(state: &mut State) -> Vec<Effect> {
    let mut effects = look::ask(state);
    effects.extend(first_pane(state));
    effects
}

/// The pane that is on screen at the start was never entered: what entering it asks for, unless it is known already.
fn first_pane(state: &mut State) -> Vec<Effect> {
    match state.tab {
        Tab::Settings if state.settings.rows.is_none() => vec![Effect::ReadSettings],
        Tab::Publish if state.publish.step == Step::Path => publish::list(state),
        _ => Vec::new(),
    }
}

fn ready(state: &mut State, remote: bool) -> Vec<Effect> {
    if matches!(state.phase, Phase::Gone { .. }) {
        state.toast(ToastKind::Good, "the node is back", None);
    }
    state.phase = Phase::Ready { remote };
    let mut effects = ask::everything();
    // What was typed while the node was starting.
    effects.extend(search::refresh(state));
    effects.extend(installed::refresh(state));
    effects.extend(settings::ask_running());
    effects.extend(first_pane(state));
    effects
}

fn start_failed(state: &mut State, error: NodeError) -> Vec<Effect> {
    state.phase = Phase::Failed(error);
    state.overlay = None;
    state.leave_at = Some(state.now.unix_ms.saturating_add(LEAVE_AFTER_MS));
    Vec::new()
}

fn gone(state: &mut State) -> Vec<Effect> {
    if state.is_ready() {
        let remote = state.is_remote();
        state.phase = Phase::Gone { remote };
        state.frozen = None;
        state.toasts.retain(|toast| toast.text != node::STOPPING);
        state.pending.clear();
        installed::gone(state);
        if !matches!(state.overlay, Some(Overlay::Help(_) | Overlay::Palette(_) | Overlay::Messages)) {
            state.overlay = None;
        }
        if matches!(state.publish.step, Step::Working | Step::Checking) {
            publish::failed(state, gone_error());
        }
        let hint = match remote {
            true => "start it again, and this dashboard goes on by itself; what you see is its last word",
            false => "what you see is its last word; press q to leave",
        };
        state.toast(ToastKind::Error, "the node has stopped", Some(hint.into()));
    }
    Vec::new()
}

fn gone_error() -> NodeError {
    NodeError::new(crate::net::ErrorKind::NoNode, "the node stopped before it answered").hint("start it and try again")
}

fn tick(state: &mut State) -> Vec<Effect> {
    let now = state.now;
    state.toasts.retain(|toast| toast.until > now.unix_ms);
    state.traffic.forget(now);
    state.feed.arrivals.forget(now);
    if state.leave_at.is_some_and(|at| at <= now.unix_ms) {
        return vec![Effect::Quit];
    }
    let mut effects = search::due(state);
    effects.extend(installed::due(state));
    effects
}
