//! What each command does.

use super::{ask, installed, keys, offer, publish, questions, search, settings, transfers, updating, versions};
use crate::app::command::{self, Id};
use crate::app::effect::Effect;
use crate::app::event::Tag;
use crate::app::state::{
    Entry, Frozen, ListView, Overlay, Picker, Prompt, Purpose, Shown, State, Tab, ToastKind, lower, paste, raise,
};
use crate::net::NodeCommand;

/// Characters of what was copied that are told.
const COPIED_SHOWN: usize = 24;

/// Runs a command that applies.
pub fn run(state: &mut State, id: Id) -> Vec<Effect> {
    if let Some(tab) = command::tab_of(id) {
        return go_to(state, tab);
    }
    match id {
        Id::Quit => return questions::quit(state),
        Id::Help => return keys::open(state, Overlay::Help(Picker::default())),
        Id::Palette => return keys::open(state, Overlay::Palette(Picker { typing: true, ..Picker::default() })),
        Id::NextTab => return go_to(state, state.tab_at(1)),
        Id::PreviousTab => return go_to(state, state.previous_tab()),
        Id::Up => step(state, -1),
        Id::Down => step(state, 1),
        Id::PageUp => page(state, -1),
        Id::PageDown => page(state, 1),
        Id::First => step(state, isize::MIN),
        Id::Last => step(state, isize::MAX),
        Id::Open => open(state),
        Id::Back => return back(state),
        Id::Find if state.tab == Tab::Publish => return publish::find(state),
        Id::Find => find(state),
        Id::Copy => return copy(state, state.copy_text()),
        Id::Address => return keys::open(state, Overlay::Address(ListView::default())),
        Id::CopyAddress => return copy(state, state.peer_address()),
        Id::Connect => return keys::open(state, Overlay::Prompt(Prompt::default())),
        Id::Keep => return keep(state),
        Id::Disconnect => questions::disconnect(state),
        Id::Ban => questions::ban(state),
        Id::Sort if state.tab == Tab::Search => search::sort(state),
        Id::Narrow => return keys::open(state, Overlay::Narrow(ListView::default())),
        Id::Sort => {
            let (sort, rows) = (state.peers.sort.next(), state.list_rows);
            state.peers.order(sort, state.peers.reversed, rows);
        }
        Id::Reverse => {
            let rows = state.list_rows;
            state.peers.order(state.peers.sort, !state.peers.reversed, rows);
        }
        Id::Bootstrap => {
            let command = NodeCommand::Bootstrap { wait: true };
            return ask::visibly(state, Tag::Bootstrap, "refreshing the routing table".into(), command);
        }
        Id::Lookup => {
            let prompt = Prompt { purpose: Purpose::Lookup, ..Prompt::default() };
            return keys::open(state, Overlay::Prompt(prompt));
        }
        Id::Pause if state.tab == Tab::Transfers => return transfers::pause(state),
        Id::CancelTransfer => transfers::ask_cancel(state),
        Id::Faster => return transfers::limit(state, |rates| rates.download = raise(rates.download)),
        Id::Slower => return transfers::limit(state, |rates| rates.download = lower(rates.download)),
        Id::UploadFaster => return transfers::limit(state, |rates| rates.upload = raise(rates.upload)),
        Id::SaveLimits => return transfers::save_limits(state),
        Id::UploadSlower => return transfers::limit(state, |rates| rates.upload = lower(rates.upload)),
        Id::Pause => {
            let rows = state.list_rows;
            state.feed.toggle_pause(rows);
        }
        Id::Why => {
            open(state);
            match state.tab {
                Tab::Installed => state.installed.why_only = true,
                _ => state.search.shown = Shown::Why,
            }
        }
        Id::Inside => return search::look_inside(state),
        Id::Update => return updating::ask(state, state.installed.selected().map(|one| one.name.clone())),
        Id::UpdateAll => return updating::ask(state, None),
        Id::Verify => return installed::verify(state),
        Id::VerifyAll => return installed::verify_all(state),
        Id::RemoveUnused => questions::remove_unused(state),
        Id::Edit => return settings::edit(state),
        Id::Reset => settings::ask_reset(state),
        Id::Install => return offer::ask(state),
        Id::Remove => questions::remove(state),
        Id::Next => return publish::next(state),
        Id::Allow => return publish::allow(state),
        Id::Bump => versions::offer_versions(state),
        Id::Changes => publish::toggle_changes(state),
        Id::Restart => return publish::restart(state),
        Id::ClearDone => {
            let rows = state.list_rows;
            state.transfers.clear_done(rows);
        }
        Id::Level => {
            let rows = state.list_rows;
            state.logs.next_level(rows);
        }
        Id::Follow if state.tab == Tab::Feed => follow_feed(state),
        Id::Follow => toggle_follow(state),
        Id::Others => return search_publisher(state),
        Id::BanSender => questions::ban_sender(state),
        Id::Mouse => {
            state.mouse = !state.mouse;
            let text = if state.mouse { "the mouse works here" } else { "the mouse selects text" };
            state.toast(ToastKind::Info, text, None);
            return vec![Effect::Mouse(state.mouse)];
        }
        Id::Themes => return themes(state),
        Id::Messages => return keys::open(state, Overlay::Messages),
        Id::Freeze => return freeze(state),
        Id::Refresh if state.is_ready() => {
            state.frozen = None;
            let mut effects = ask::everything();
            effects.extend(installed::refresh(state));
            return effects;
        }
        Id::Suspend => return vec![Effect::Suspend],
        _ => {}
    }
    Vec::new()
}

/// Opens a tab.
pub fn go_to(state: &mut State, tab: Tab) -> Vec<Effect> {
    if let Some(filter) = state.filter_mut() {
        filter.focused = false;
    }
    state.tab = tab;
    state.detail_open = false;
    match tab {
        Tab::Search => {
            state.search.focused = state.search.query.is_empty();
            search::browse(state, 0);
        }
        Tab::Publish => return publish::entered(state),
        // The newest that runs comes first.
        Tab::Transfers => {
            let (len, rows) = (state.transfers.rows().len(), state.list_rows);
            state.transfers.view.select(0, len, rows);
        }
        Tab::Installed => return installed::entered(state),
        Tab::Settings => return settings::entered(state),
        _ => {}
    }
    Vec::new()
}

/// Shows the detail of the selected line alone.
pub fn open(state: &mut State) {
    state.detail_open = true;
    state.detail_scroll = 0;
    state.search.shown = Shown::All;
    state.installed.why_only = false;
}

/// Moves the selection of the list on screen, or scrolls a detail that does not fit.
pub fn step(state: &mut State, delta: isize) {
    let rows = state.list_rows;
    if state.shows_detail() && state.detail_end > 0 {
        state.detail_scroll = state.detail_scroll.saturating_add_signed(delta).min(state.detail_end);
        return;
    }
    match state.tab {
        Tab::Overview => {}
        Tab::Peers => {
            let len = state.peers.visible().len();
            state.peers.view.step(delta, len, rows);
        }
        Tab::Dht => {
            let len = state.dht.queries().len();
            state.dht.view.step(delta, len, rows);
        }
        Tab::Feed => {
            let len = state.feed.visible().len();
            state.feed.view.step(delta, len, rows);
        }
        Tab::Search => {
            state.search.view.step(delta, state.search.results.len(), rows);
            state.search.touched |= delta != 0 && !state.search.results.is_empty();
            search::want_detail(state);
        }
        Tab::Publish => {
            let len = state.publish.lines();
            state.publish.view.step(delta, len, rows);
        }
        Tab::Transfers => {
            let len = state.transfers.rows().len();
            state.transfers.view.step(delta, len, rows);
        }
        Tab::Installed => {
            let len = state.installed.visible().len();
            state.installed.view.step(delta, len, rows);
            installed::want_extras(state);
        }
        Tab::Settings => {
            let len = state.settings.visible().len();
            state.settings.view.step(delta, len, rows);
        }
        Tab::Logs if delta == 0 => state.logs.clamp(rows),
        Tab::Logs => state.logs.step(delta, rows),
    }
}

/// Moves by pages.
pub fn page(state: &mut State, pages: isize) {
    let rows = isize::try_from(state.list_rows.saturating_sub(1).max(1)).unwrap_or(1);
    step(state, rows.saturating_mul(pages));
}

fn back(state: &mut State) -> Vec<Effect> {
    if state.shows_detail() {
        state.detail_open = false;
    } else if state.dismisses() {
        state.toasts.clear();
    } else if let Some(filter) = state.filter_mut().filter(|filter| filter.is_active()) {
        filter.clear();
        step(state, 0);
    } else if state.tab == Tab::Dht {
        state.dht.lookup = None;
    } else if state.tab == Tab::Publish {
        return publish::back(state);
    }
    Vec::new()
}

fn find(state: &mut State) {
    match state.tab {
        Tab::Search => state.search.focused = true,
        _ => {
            if let Some(filter) = state.filter_mut() {
                filter.focused = true;
            }
        }
    }
}

/// To the newest announcement, and on with what comes.
fn follow_feed(state: &mut State) {
    let rows = state.list_rows;
    if state.feed.paused {
        state.feed.toggle_pause(rows);
    }
    step(state, isize::MIN);
}

/// Searches for all that the publisher of the selected line has out.
fn search_publisher(state: &mut State) -> Vec<Effect> {
    let Some(publisher) = state.publisher_of_line() else { return Vec::new() };
    let effects = go_to(state, Tab::Search);
    state.search.input = tui_input::Input::new(format!("publisher:{publisher}"));
    state.search.focused = false;
    search::typed(state);
    effects
}

fn toggle_follow(state: &mut State) {
    let len = state.logs.visible().len();
    state.logs.view = state.logs.current(len);
    state.logs.view.offset = state.logs.view.first_visible(len, state.list_rows);
    state.logs.follow = !state.logs.follow;
}

pub fn copy(state: &mut State, text: Option<String>) -> Vec<Effect> {
    let Some(text) = text else { return Vec::new() };
    let what = text.lines().next().unwrap_or_default();
    let short: String = what.chars().take(COPIED_SHOWN).collect();
    let more = if short.len() < text.len() { "..." } else { "" };
    state.toast(ToastKind::Info, format!("copied {short}{more}"), Some("if your terminal allows it".into()));
    vec![Effect::Copy(text)]
}

/// The palette with all themes; the one that is selected is shown.
fn themes(state: &mut State) -> Vec<Effect> {
    let mut picker = Picker { typing: true, ..Picker::default() };
    paste(&mut picker.input, "theme:");
    let current = Entry::Theme(state.options.theme.clone());
    let entries = state.entries(picker.input.value());
    let place = entries.iter().position(|entry| *entry == current).unwrap_or(0);
    picker.view.select(place, entries.len(), state.list_rows);
    keys::open(state, Overlay::Palette(picker))
}

/// Stops the screen, or lets it go on; then everything that has happened meanwhile is asked for.
fn freeze(state: &mut State) -> Vec<Effect> {
    match state.frozen.take() {
        Some(_) if state.is_ready() => ask::everything(),
        Some(_) => Vec::new(),
        None => {
            state.frozen = Some(Frozen { at: state.now, events: 0 });
            Vec::new()
        }
    }
}

/// Keeps the selected peer, or lets go of it.
fn keep(state: &mut State) -> Vec<Effect> {
    let Some(info) = state.peers.selected() else { return Vec::new() };
    let (peer, kept) = (info.peer_id.clone(), info.kept);
    let (tag, text, command) = if kept {
        (Tag::Unkeep { peer: peer.clone() }, "letting go", NodeCommand::Unkeep { peer })
    } else {
        (Tag::Keep { peer: peer.clone() }, "keeping", NodeCommand::Keep { peer })
    };
    ask::visibly(state, tag, text.into(), command)
}
