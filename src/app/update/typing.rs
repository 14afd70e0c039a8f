//! Keys and pastes into the text field of a pane.

use super::{actions, publish, search, settings};
use crate::app::command;
use crate::app::effect::Effect;
use crate::app::key::{Code, Key};
use crate::app::state::{Confirm, Overlay, Prompt, State, Tab, edit, paste};

pub fn key(state: &mut State, key: Key) -> Vec<Effect> {
    if key.code == Code::BackTab {
        return actions::go_to(state, state.previous_tab());
    }
    match state.tab {
        Tab::Search => search::key(state, key),
        Tab::Publish => publish::key(state, key),
        _ => filter_key(state, key),
    }
}

fn filter_key(state: &mut State, key: Key) -> Vec<Effect> {
    let Some(filter) = state.filter_mut() else { return Vec::new() };
    match key.code {
        Code::Enter => filter.focused = false,
        Code::Esc => {
            filter.clear();
            narrowed(state);
        }
        Code::Tab => return actions::go_to(state, state.tab_at(1)),
        Code::Up => actions::step(state, -1),
        Code::Down => actions::step(state, 1),
        _ => {
            if edit(&mut filter.input, key) {
                narrowed(state);
            }
        }
    }
    Vec::new()
}

/// Keeps the selection inside what a changed filter shows.
pub fn narrowed(state: &mut State) {
    actions::step(state, 0);
}

pub fn pasted(state: &mut State, text: &str) -> Vec<Effect> {
    match &mut state.overlay {
        Some(Overlay::Prompt(prompt)) => {
            paste(&mut prompt.input, text);
            prompt.error = None;
            return Vec::new();
        }
        Some(Overlay::Edit(edit)) => {
            paste(&mut edit.input, text);
            edit.error = settings::problem(edit);
            return Vec::new();
        }
        Some(Overlay::Confirm(Confirm { typed: Some(typed), .. })) => {
            typed.add(text);
            return Vec::new();
        }
        Some(Overlay::Help(picker) | Overlay::Palette(picker)) if picker.typing => {
            paste(&mut picker.input, text);
            return Vec::new();
        }
        Some(_) => return Vec::new(),
        None => {}
    }
    if !state.is_typing() {
        pasted_address(state, text);
        return Vec::new();
    }
    match state.tab {
        Tab::Search => {
            if paste(&mut state.search.input, text) {
                search::typed(state);
            }
        }
        Tab::Publish => {
            state.publish.touched = true;
            // A whole path stands for itself, whatever is in the field.
            if text.trim_start().starts_with(['/', '~']) {
                state.publish.input = tui_input::Input::default();
            }
            if paste(&mut state.publish.input, text) {
                return publish::typed(state);
            }
        }
        _ => {
            if state.filter_mut().is_some_and(|filter| paste(&mut filter.input, text)) {
                narrowed(state);
            }
        }
    }
    Vec::new()
}

/// An address pasted where one can connect is to be connected to.
fn pasted_address(state: &mut State, text: &str) {
    let can = command::find(command::Id::Connect).is_some_and(|command| (command.applies)(state));
    if can && text.trim_start().starts_with('/') {
        let mut prompt = Prompt::default();
        paste(&mut prompt.input, text);
        state.overlay = Some(Overlay::Prompt(prompt));
    }
}
