//! Keys while a dialog, the help or the palette is open.

use super::{actions, ask, settings};
use crate::app::command;
use crate::app::effect::Effect;
use crate::app::event::Tag;
use crate::app::key::{Code, Key};
use crate::app::state::{Confirm, Overlay, Picker, Prompt, State, edit, matching};
use crate::net::NodeCommand;

/// `open` was taken out of the state; what stays open is put back.
pub fn key(state: &mut State, open: Overlay, key: Key) -> Vec<Effect> {
    match open {
        Overlay::Confirm(confirm) => confirm_key(state, confirm, key),
        Overlay::Connect(prompt) => connect_key(state, prompt, key),
        Overlay::Edit(edit) => settings::edit_key(state, edit, key),
        Overlay::Help(picker) => help_key(state, picker, key),
        Overlay::Palette(picker) => palette_key(state, picker, key),
    }
}

fn confirm_key(state: &mut State, mut confirm: Confirm, key: Key) -> Vec<Effect> {
    match key.code {
        Code::Char('y' | 'Y') => return actions::confirmed(state, confirm.action),
        Code::Char('n' | 'N' | 'q') | Code::Esc => return Vec::new(),
        Code::Enter if confirm.choice => return actions::confirmed(state, confirm.action),
        Code::Enter => return Vec::new(),
        Code::Left | Code::Right | Code::Tab | Code::BackTab | Code::Char('h' | 'l') => {
            confirm.choice = !confirm.choice
        }
        _ => {}
    }
    state.overlay = Some(Overlay::Confirm(confirm));
    Vec::new()
}

fn connect_key(state: &mut State, mut prompt: Prompt, key: Key) -> Vec<Effect> {
    match key.code {
        Code::Esc => return Vec::new(),
        Code::Enter => {
            let addr = prompt.input.value().trim().to_owned();
            match address_problem(&addr) {
                None => {
                    let text = format!("connecting to {addr}");
                    return ask::visibly(
                        state,
                        Tag::Connect { addr: addr.clone() },
                        text,
                        NodeCommand::Connect { addr },
                    );
                }
                problem => prompt.error = problem,
            }
        }
        _ => {
            if edit(&mut prompt.input, key) {
                prompt.error = None;
            }
        }
    }
    state.overlay = Some(Overlay::Connect(prompt));
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

fn help_key(state: &mut State, mut picker: Picker, key: Key) -> Vec<Effect> {
    let rows = state.list_rows;
    match (key.code, picker.typing) {
        (Code::Esc, _) | (Code::Char('q' | '?') | Code::F(1), false) => return Vec::new(),
        (Code::Enter, true) => picker.typing = false,
        (Code::Char('/'), false) => picker.typing = true,
        (Code::Up, _) | (Code::Char('k'), false) => scroll(&mut picker, -1, rows),
        (Code::Down, _) | (Code::Char('j'), false) => scroll(&mut picker, 1, rows),
        (Code::PageUp, _) => scroll(&mut picker, -page(rows), rows),
        (Code::PageDown, _) | (Code::Char(' '), false) => scroll(&mut picker, page(rows), rows),
        (Code::Home, false) | (Code::Char('g'), false) => scroll(&mut picker, isize::MIN, rows),
        (Code::End, false) | (Code::Char('G'), false) => scroll(&mut picker, isize::MAX, rows),
        (_, true) if edit(&mut picker.input, key) => picker.view = Default::default(),
        _ => {}
    }
    state.overlay = Some(Overlay::Help(picker));
    Vec::new()
}

fn palette_key(state: &mut State, mut picker: Picker, key: Key) -> Vec<Effect> {
    let rows = state.list_rows;
    match key.code {
        Code::Esc => return Vec::new(),
        Code::Enter => return run_chosen(state, &picker),
        Code::Up => scroll(&mut picker, -1, rows),
        Code::Down => scroll(&mut picker, 1, rows),
        Code::PageUp => scroll(&mut picker, -page(rows), rows),
        Code::PageDown => scroll(&mut picker, page(rows), rows),
        _ => {
            if edit(&mut picker.input, key) {
                picker.view = Default::default();
            }
        }
    }
    state.overlay = Some(Overlay::Palette(picker));
    Vec::new()
}

fn page(rows: usize) -> isize {
    isize::try_from(rows.saturating_sub(1).max(1)).unwrap_or(1)
}

/// Moves the selection of help or palette.
pub fn scroll(picker: &mut Picker, delta: isize, rows: usize) {
    picker.view.step(delta, matching(picker.input.value()).len(), rows);
}

fn run_chosen(state: &mut State, picker: &Picker) -> Vec<Effect> {
    let chosen = matching(picker.input.value()).get(picker.view.selected).copied();
    chosen.map_or_else(Vec::new, |id| run_if_it_applies(state, id))
}

/// Runs a command, or says that it does nothing here.
pub fn run_if_it_applies(state: &mut State, id: command::Id) -> Vec<Effect> {
    match command::find(id) {
        Some(command) if (command.applies)(state) => actions::run(state, id),
        Some(command) => {
            let text = format!("“{}” has nothing to act on here", command.title);
            state.toast(crate::app::state::ToastKind::Info, text, None);
            Vec::new()
        }
        None => Vec::new(),
    }
}
