//! Themes, keys and what else of the settings concerns the dashboard: taken over at once.

use crate::app::effect::Effect;
use crate::app::looks::{Background, Looks};
use crate::app::state::{AUTO, DashboardOptions, Entry, Picker, State, ToastKind};
use crate::config::schema::Ui;

/// Theme or key map files have changed.
pub fn changed(state: &mut State, looks: Looks) -> Vec<Effect> {
    state.apply_looks(looks);
    Vec::new()
}

/// The terminal says what its background is.
pub fn background(state: &mut State, background: Background) -> Vec<Effect> {
    state.options.background = Some(background);
    let theme = state.options.theme.clone();
    state.show_theme(&theme);
    Vec::new()
}

/// Takes over what has changed in the settings; what was chosen here in the meantime and is not another there stays.
pub fn apply(state: &mut State, ui: Ui) -> Vec<Effect> {
    let before = std::mem::replace(&mut state.options.ui, ui.clone());
    let options = DashboardOptions::from_settings(&ui, "");
    let mut effects = Vec::new();
    if ui.theme != before.theme {
        effects.extend(choose(state, ui.theme));
    }
    if ui.ascii != before.ascii {
        state.options.ascii = ui.ascii || state.options.only_ascii;
    }
    state.options.frame_rate = options.frame_rate;
    if ui.mouse != before.mouse {
        state.mouse = ui.mouse;
        effects.push(Effect::Mouse(ui.mouse));
    }
    if (&ui.panes, &ui.keymap) != (&before.panes, &before.keymap) {
        (state.options.panes, state.options.keymap) = (options.panes, options.keymap);
        state.apply_keys();
    }
    if !state.tabs().contains(&state.tab) {
        let first = state.tabs().first().copied().unwrap_or_default();
        effects.extend(super::actions::go_to(state, first));
    }
    effects
}

/// From now on this theme is shown.
pub fn choose(state: &mut State, name: String) -> Vec<Effect> {
    state.options.theme = name;
    state.apply_theme();
    if state.options.theme == AUTO { ask(state) } else { Vec::new() }
}

/// Asks the terminal for its background, if it can be asked.
pub fn ask(state: &State) -> Vec<Effect> {
    let wanted = state.options.theme == AUTO && state.options.can_be_asked && !state.options.no_color;
    if wanted { vec![Effect::AskBackground] } else { Vec::new() }
}

/// Chosen in the palette: shown, and kept in the settings.
pub fn pick(state: &mut State, name: String) -> Vec<Effect> {
    let mut effects = choose(state, name.clone());
    if state.options.no_color {
        state.toast(ToastKind::Info, "NO_COLOR is set: no theme has colours", None);
    }
    if state.options.source.as_ref().is_some_and(|source| source.stored) && state.options.ui.theme != name {
        effects.push(Effect::WriteSetting { name: "ui.theme".into(), value: Some(name) });
    }
    effects
}

/// What is selected in the palette, if it is a theme, is shown while it is.
pub fn preview(state: &mut State, picker: &Picker) {
    let selected = state.entries(picker.input.value()).into_iter().nth(picker.view.selected);
    let name = match selected {
        Some(Entry::Theme(name)) => name,
        _ => state.options.theme.clone(),
    };
    state.show_theme(&name);
}
