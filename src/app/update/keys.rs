//! Where a key goes: a dialog, a text field, or the command it stands for.

use super::{actions, overlay, questions, typing};
use crate::app::command::{Command, Group, Id, tab_of};
use crate::app::effect::Effect;
use crate::app::key::Key;
use crate::app::state::{Overlay, Phase, State, Tab};

pub fn key(state: &mut State, key: Key) -> Vec<Effect> {
    if matches!(state.phase, Phase::Failed(_)) {
        return vec![Effect::Quit];
    }
    // Ctrl-C twice always leaves, whatever is open.
    if key == Key::ctrl('c') {
        return questions::quit(state);
    }
    if let Some(open) = state.overlay.take() {
        return overlay::key(state, open, key);
    }
    let found = state.keymap.lookup(key, state);
    if state.is_typing() && !leaves_untouched_field(state, found) {
        let passes = |id: Id| matches!(id, Id::Help | Id::Palette | Id::Refresh | Id::Suspend | Id::Quit | Id::Mouse);
        return match found.filter(|found| found.group == Group::Everywhere && passes(found.id) && !key.is_text()) {
            Some(command) => actions::run(state, command.id),
            None => typing::key(state, key),
        };
    }
    found.map_or_else(Vec::new, |command| actions::run(state, command.id))
}

/// The search and the wizard take the keyboard when their tab opens: until something is typed, the numbers of the other tabs
/// still lead there. The wizard's field has a path in it, so the next tab and the help are also a key away.
fn leaves_untouched_field(state: &State, found: Option<&Command>) -> bool {
    let Some(found) = found else { return false };
    let elsewhere = tab_of(found.id).is_some_and(|tab| tab != state.tab);
    match state.tab {
        Tab::Search => state.search.input.value().is_empty() && elsewhere,
        Tab::Publish => !state.publish.touched && (elsewhere || matches!(found.id, Id::NextTab | Id::Help)),
        _ => false,
    }
}

/// Opens a dialog, in place of whatever was open.
pub fn open(state: &mut State, overlay: Overlay) -> Vec<Effect> {
    state.overlay = Some(overlay);
    Vec::new()
}
