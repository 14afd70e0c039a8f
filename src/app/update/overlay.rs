//! Keys while a dialog, the help or the palette is open.

use super::node::short;
use super::{actions, ask, look, questions, search, settings, transfers, versions};
use crate::app::command;
use crate::app::effect::Effect;
use crate::app::event::Tag;
use crate::app::key::{Code, Key};
use crate::app::state::{
    Confirm, Entry, ListView, Lookup, Overlay, Picker, Prompt, Purpose, State, Tab, ToastKind, edit, help_lines,
};
use crate::net::NodeCommand;

/// `open` was taken out of the state; what stays open is put back.
pub fn key(state: &mut State, open: Overlay, key: Key) -> Vec<Effect> {
    match open {
        Overlay::Confirm(confirm) => confirm_key(state, confirm, key),
        Overlay::Prompt(prompt) => prompt_key(state, prompt, key),
        Overlay::Address(view) => address_key(state, view, key),
        Overlay::Bump(view) => versions::version_key(state, view, key),
        Overlay::Cancel(cancel) => transfers::cancel_key(state, cancel, key),
        Overlay::Narrow(view) => narrow_key(state, view, key),
        Overlay::Edit(edit) => settings::edit_key(state, edit, key),
        Overlay::Messages => messages_key(state, key),
        Overlay::Help(picker) => help_key(state, picker, key),
        Overlay::Palette(picker) => palette_key(state, picker, key),
    }
}

fn confirm_key(state: &mut State, mut confirm: Confirm, key: Key) -> Vec<Effect> {
    match key.code {
        Code::Esc => return Vec::new(),
        Code::Up | Code::Down | Code::PageUp | Code::PageDown => scroll_dialog(state, key.code),
        _ if confirm.typed.is_some() && type_word(&mut confirm, key) => {
            return questions::confirmed(state, confirm.action);
        }
        _ if confirm.typed.is_some() => {}
        Code::Char('y' | 'Y') if !confirm.can_say_yes() => not_yet(state, &confirm),
        Code::Enter if confirm.choice && !confirm.can_say_yes() => not_yet(state, &confirm),
        Code::Char('y' | 'Y') => return questions::confirmed(state, confirm.action),
        Code::Char('n' | 'N' | 'q') => return Vec::new(),
        Code::Enter if confirm.choice => return questions::confirmed(state, confirm.action),
        Code::Enter => return Vec::new(),
        Code::Char('j' | 'k') => scroll_dialog(state, if key == Key::char('j') { Code::Down } else { Code::Up }),
        Code::Left | Code::Right | Code::Tab | Code::BackTab | Code::Char('h' | 'l') if !confirm.impossible => {
            confirm.choice = !confirm.choice
        }
        _ => {}
    }
    state.overlay = Some(Overlay::Confirm(confirm));
    Vec::new()
}

/// Yes was said to what cannot be done, or not before it is checked.
pub fn not_yet(state: &mut State, confirm: &Confirm) {
    if confirm.impossible {
        state.toast(ToastKind::Info, "this cannot be done: see why in the question", None);
    } else if confirm.checking.is_under_way() {
        state.toast(ToastKind::Info, "it is still being checked: answer once that is done", None);
    }
}

/// Types at the word that yes takes; whether it is there and Enter was pressed.
fn type_word(confirm: &mut Confirm, key: Key) -> bool {
    if key.code == Code::Enter {
        return confirm.can_say_yes();
    }
    let Some(typed) = &mut confirm.typed else { return false };
    match key.code {
        Code::Backspace => drop(typed.text.pop()),
        Code::Char('u') if key.ctrl => typed.text.clear(),
        Code::Char(c) if key.is_text() => typed.add(c.encode_utf8(&mut [0; 4])),
        _ => {}
    }
    false
}

/// Moves the text of a dialog that does not fit.
fn scroll_dialog(state: &mut State, code: Code) {
    let step = match code {
        Code::Up => -1,
        Code::Down => 1,
        Code::PageUp => -4,
        _ => 4,
    };
    move_dialog(state, step);
}

pub fn move_dialog(state: &mut State, step: isize) {
    state.dialog_scroll = state.dialog_scroll.saturating_add_signed(step).min(state.dialog_end);
}

fn messages_key(state: &mut State, key: Key) -> Vec<Effect> {
    let page = page(state.list_rows);
    match key.code {
        Code::Esc | Code::Enter | Code::Char('q' | 'm') => return Vec::new(),
        Code::Up | Code::Char('k') => move_dialog(state, -1),
        Code::Down | Code::Char('j') => move_dialog(state, 1),
        Code::PageUp => move_dialog(state, -page),
        Code::PageDown | Code::Char(' ') => move_dialog(state, page),
        Code::Home | Code::Char('g') => state.dialog_scroll = 0,
        Code::End | Code::Char('G') => state.dialog_scroll = state.dialog_end,
        _ => {}
    }
    state.overlay = Some(Overlay::Messages);
    Vec::new()
}

fn prompt_key(state: &mut State, mut prompt: Prompt, key: Key) -> Vec<Effect> {
    match key.code {
        Code::Esc => return Vec::new(),
        Code::Enter => match given(state, &prompt) {
            Ok(effects) => return effects,
            Err(problem) => prompt.error = Some(problem),
        },
        _ => {
            if edit(&mut prompt.input, key) {
                prompt.error = None;
            }
        }
    }
    state.overlay = Some(Overlay::Prompt(prompt));
    Vec::new()
}

/// Does what the typed line is for, or says what is wrong with it.
fn given(state: &mut State, prompt: &Prompt) -> Result<Vec<Effect>, String> {
    let typed = prompt.input.value().trim().to_owned();
    match &prompt.purpose {
        Purpose::Connect => match address_problem(&typed) {
            Some(problem) => Err(problem),
            None if connected_otherwise(state, &typed) => Ok(Vec::new()),
            None => {
                let (tag, text) = (Tag::Connect { addr: typed.clone() }, format!("connecting to {typed}"));
                Ok(ask::visibly(state, tag, text, NodeCommand::Connect { addr: typed }))
            }
        },
        Purpose::Lookup if typed.is_empty() => Err("type a package name, a package id or a peer id".into()),
        Purpose::Lookup => {
            state.dht.lookup = Some(Lookup { what: typed.clone(), answer: None });
            let (tag, text) = (Tag::Lookup { what: typed.clone() }, format!("looking up {typed}"));
            Ok(ask::visibly(state, tag, text, NodeCommand::Lookup { what: typed }))
        }
        Purpose::Ban { peer, .. } => {
            let reason = if typed.is_empty() { "banned by hand".to_owned() } else { typed };
            let command = NodeCommand::Ban { peer: peer.clone(), reason, duration_s: None };
            Ok(ask::visibly(state, Tag::Ban { peer: peer.clone() }, "banning".into(), command))
        }
    }
}

/// A peer that is connected is not dialled again, whatever its address: then nothing is learnt of this one, and it is said so.
fn connected_otherwise(state: &mut State, addr: &str) -> bool {
    let Some((_, peer)) = addr.rsplit_once("/p2p/") else { return false };
    let connected = state.peers.rows().iter().any(|row| row.info.connected && row.info.peer_id == peer);
    if connected {
        let text = format!("already connected to {}; this address was not tried", short(peer));
        state.toast(ToastKind::Info, text, None);
    }
    connected
}

fn address_key(state: &mut State, mut view: ListView, key: Key) -> Vec<Effect> {
    let addrs = state.own_addresses();
    match key.code {
        Code::Esc | Code::Char('q' | 'a') => return Vec::new(),
        Code::Char('y') | Code::Enter => {
            state.overlay = Some(Overlay::Address(view));
            return actions::copy(state, addrs.get(view.selected).cloned());
        }
        Code::Down | Code::Right | Code::Tab | Code::Char('j' | 'l') => view.step(1, addrs.len(), addrs.len()),
        Code::Up | Code::Left | Code::BackTab | Code::Char('k' | 'h') => view.step(-1, addrs.len(), addrs.len()),
        _ => {}
    }
    state.overlay = Some(Overlay::Address(view));
    Vec::new()
}

/// What is plainly wrong with an address; the node says the rest.
fn address_problem(addr: &str) -> Option<String> {
    let example = "/ip4/192.0.2.7/tcp/4001/p2p/12D3KooW…";
    if addr.is_empty() {
        return Some(format!("type or paste an address like {example}"));
    }
    (!addr.starts_with('/')).then(|| format!("an address begins with `/`, like {example}"))
}

fn narrow_key(state: &mut State, mut view: ListView, key: Key) -> Vec<Effect> {
    let (len, rows) = (state.search.narrowings().len(), state.list_rows);
    match key.code {
        Code::Esc | Code::Char('q' | 'n') => return Vec::new(),
        Code::Enter | Code::Char(' ') => search::narrow(state, view.selected),
        Code::Down | Code::Char('j') => view.step(1, len, rows),
        Code::Up | Code::Char('k') => view.step(-1, len, rows),
        Code::PageDown => view.step(page(rows), len, rows),
        Code::PageUp => view.step(-page(rows), len, rows),
        Code::Home | Code::Char('g') => view.select(0, len, rows),
        Code::End | Code::Char('G') => view.select(usize::MAX, len, rows),
        _ => {}
    }
    state.overlay = Some(Overlay::Narrow(view));
    Vec::new()
}

fn help_key(state: &mut State, mut picker: Picker, key: Key) -> Vec<Effect> {
    let rows = state.list_rows;
    let len = help_lines(state, picker.input.value()).len();
    let mut step = |delta| picker.view.step(delta, len, rows);
    match (key.code, picker.typing) {
        (Code::Esc, _) | (Code::Char('q' | '?') | Code::F(1), false) => return Vec::new(),
        (Code::Enter, true) => picker.typing = false,
        (Code::Char('/'), false) => picker.typing = true,
        (Code::Up, _) | (Code::Char('k'), false) => step(-1),
        (Code::Down, _) | (Code::Char('j'), false) => step(1),
        (Code::PageUp, _) => step(-page(rows)),
        (Code::PageDown, _) | (Code::Char(' '), false) => step(page(rows)),
        (Code::Home, false) | (Code::Char('g'), false) => step(isize::MIN),
        (Code::End, false) | (Code::Char('G'), false) => step(isize::MAX),
        (_, true) if edit(&mut picker.input, key) => picker.view = Default::default(),
        _ => {}
    }
    state.overlay = Some(Overlay::Help(picker));
    Vec::new()
}

fn palette_key(state: &mut State, mut picker: Picker, key: Key) -> Vec<Effect> {
    match key.code {
        Code::Esc => return left(state),
        Code::Enter => return run_chosen(state, &picker),
        Code::Up => scroll(state, &mut picker, -1),
        Code::Down => scroll(state, &mut picker, 1),
        Code::PageUp => scroll(state, &mut picker, -page(state.list_rows)),
        Code::PageDown => scroll(state, &mut picker, page(state.list_rows)),
        _ => {
            if edit(&mut picker.input, key) {
                picker.view = Default::default();
            }
        }
    }
    look::preview(state, &picker);
    state.overlay = Some(Overlay::Palette(picker));
    Vec::new()
}

/// The palette was closed with nothing chosen: a theme that was only looked at goes.
pub fn left(state: &mut State) -> Vec<Effect> {
    let theme = state.options.theme.clone();
    state.show_theme(&theme);
    Vec::new()
}

fn page(rows: usize) -> isize {
    isize::try_from(rows.saturating_sub(1).max(1)).unwrap_or(1)
}

/// Moves the selection of the palette.
pub fn scroll(state: &State, picker: &mut Picker, delta: isize) {
    let len = state.entries(picker.input.value()).len();
    picker.view.step(delta, len, state.list_rows);
}

fn run_chosen(state: &mut State, picker: &Picker) -> Vec<Effect> {
    let chosen = state.entries(picker.input.value()).into_iter().nth(picker.view.selected);
    left(state);
    match chosen {
        Some(entry) => go(state, entry),
        None => Vec::new(),
    }
}

/// Does what an entry of the palette stands for.
pub fn go(state: &mut State, entry: Entry) -> Vec<Effect> {
    match entry {
        Entry::Command(id) => run_if_it_applies(state, id),
        Entry::Theme(name) => look::pick(state, name),
        Entry::Setting(_) if !state.tabs().contains(&Tab::Settings) => {
            state.toast(ToastKind::Info, "the settings are not among the panes", Some("see ui.panes".into()));
            Vec::new()
        }
        Entry::Setting(name) => {
            let effects = actions::go_to(state, Tab::Settings);
            let rows = state.list_rows;
            state.settings.select(name, rows);
            effects
        }
    }
}

/// Runs a command, or says that it does nothing here.
pub fn run_if_it_applies(state: &mut State, id: command::Id) -> Vec<Effect> {
    match command::find(id) {
        Some(command) if (command.applies)(state) => actions::run(state, id),
        Some(command) => {
            let text = format!("“{}” has nothing to act on here", command.title);
            state.toast(ToastKind::Info, text, None);
            Vec::new()
        }
        None => Vec::new(),
    }
}
