//! The settings: reading them, changing one with its value checked while it is typed, and what the node goes by.

use tui_input::Input;

use super::{keys, look, transfers};
use crate::app::effect::Effect;
use crate::app::event::Tag;
use crate::app::key::{Code, Key};
use crate::app::keymap::Keymap;
use crate::app::settings::{From, Setting, Sheet, texts};
use crate::app::state::{Action, Confirm, Edit, Overlay, State, Tab, ToastKind, edit as edit_field};
use crate::config::Settings;
use crate::config::keys as list;
use crate::net::{NodeCommand, NodeError};

/// The pane was opened.
pub fn entered(state: &State) -> Vec<Effect> {
    let mut effects = vec![Effect::ReadSettings];
    if state.is_ready() {
        effects.extend(ask_running());
    }
    effects
}

/// Asks the node what it goes by.
pub fn ask_running() -> Vec<Effect> {
    vec![Effect::Request { tag: Tag::Settings, command: NodeCommand::Settings }]
}

/// A node of an older version does not know the question: then nothing is said of what waits for a restart.
pub fn running(state: &mut State, settings: Result<Box<Settings>, NodeError>) {
    state.settings.running = settings.ok().map(|settings| texts(&settings));
}

/// The settings were read, perhaps after a change.
pub fn read(state: &mut State, wrote: Option<String>, result: Result<Sheet, NodeError>) -> Vec<Effect> {
    match result {
        Ok(sheet) => {
            let rows = if state.tab == Tab::Settings { state.list_rows } else { 1 };
            let limits = state.settings.limits();
            state.settings.set(sheet.settings, rows);
            let mut effects = transfers::take_set(state, limits);
            if let Some(name) = wrote {
                told(state, &name);
                effects.extend(write_next(state));
            }
            effects.extend(look::apply(state, sheet.ui));
            effects
        }
        Err(error) => {
            state.settings.to_write.clear();
            match wrote {
                Some(name) => state.toast_error(&format!("{name} was not changed"), &error),
                None => broken(state, error),
            }
            Vec::new()
        }
    }
}

/// Writes the next of what waits: two changes at once would each write the file without the other.
pub fn write_next(state: &mut State) -> Option<Effect> {
    let (name, value) = state.settings.to_write.pop_front()?;
    Some(Effect::WriteSetting { name, value: Some(value) })
}

/// The file was changed into something that cannot be read: what held before holds on.
fn broken(state: &mut State, error: NodeError) {
    let new = state.settings.fault.as_ref() != Some(&error);
    if new && state.tab != Tab::Settings {
        state.toast_error("the settings are as before", &error);
    }
    state.settings.fault = Some(error);
}

fn told(state: &mut State, name: &str) {
    let Some(setting) = state.settings.get(name).cloned() else { return };
    let hint = match (setting.from, list::find(name).is_some_and(list::Key::at_once)) {
        (From::Environment | From::Flag, _) => Some(format!("it does not hold now: {} says otherwise", setting.origin)),
        // Back to what it goes by already, there is nothing to wait for.
        (_, false) if state.settings.running.is_some() && state.settings.pending(&setting).is_none() => None,
        (_, false) => Some("the node goes by it after a restart".to_owned()),
        (_, true) => None,
    };
    let value = if setting.value.is_empty() { "nothing" } else { &setting.value };
    state.toast(ToastKind::Good, format!("{name} is {value}"), hint);
}

/// Opens the field in which the selected setting is changed.
pub fn edit(state: &mut State) -> Vec<Effect> {
    let Some(setting) = state.settings.selected() else { return Vec::new() };
    let edit = Edit {
        name: setting.name.clone(),
        input: Input::new(setting.value.clone()),
        error: None,
        choices: choices(state, &setting.name),
    };
    keys::open(state, Overlay::Edit(edit))
}

/// All that may be chosen, where that is a short list.
fn choices(state: &State, name: &str) -> Vec<String> {
    if name == "ui.theme" {
        return state.theme_names();
    }
    let allowed = list::find(name).map(|key| key.kind.choices()).unwrap_or_default();
    allowed.into_iter().map(str::to_owned).collect()
}

/// A key while a setting is changed; what stays open is put back.
pub fn edit_key(state: &mut State, mut edit: Edit, key: Key) -> Vec<Effect> {
    match key.code {
        Code::Esc => return Vec::new(),
        Code::Enter => match problem(&edit) {
            None => return write(state, edit),
            wrong => edit.error = wrong,
        },
        Code::Tab | Code::Down if !edit.choices.is_empty() => choose(&mut edit, 1),
        Code::BackTab | Code::Up if !edit.choices.is_empty() => choose(&mut edit, -1),
        _ if edit_field(&mut edit.input, key) => edit.error = problem(&edit),
        _ => {}
    }
    state.overlay = Some(Overlay::Edit(edit));
    Vec::new()
}

/// What is wrong with what is typed.
pub fn problem(edit: &Edit) -> Option<String> {
    let value = match list::find(&edit.name)?.kind.parse(edit.input.value()) {
        Err(problem) => return Some(problem),
        Ok(value) => value,
    };
    if !edit.choices.is_empty() && !edit.choices.iter().any(|choice| choice == edit.input.value()) {
        return Some(format!("there are {}", edit.choices.join(", ")));
    }
    // Which commands there are is beyond the setting's own check.
    let keys = value.as_table()?.iter().filter_map(|(name, key)| Some((name.clone(), key.as_str()?.to_owned())));
    Keymap::new(&Tab::ALL, &keys.collect()).1.into_iter().next()
}

/// The next of what is allowed, around the end.
fn choose(edit: &mut Edit, step: isize) {
    let count = edit.choices.len();
    let here = edit.choices.iter().position(|choice| *choice == edit.input.value());
    let next = match here {
        Some(here) => here.saturating_add_signed(step.rem_euclid(count as isize)) % count.max(1),
        None => 0,
    };
    if let Some(choice) = edit.choices.get(next) {
        edit.input = Input::new(choice.clone());
        edit.error = None;
    }
}

fn write(state: &mut State, edit: Edit) -> Vec<Effect> {
    let value = edit.input.value().to_owned();
    if state.settings.get(&edit.name).is_some_and(|setting| setting.value == value) {
        return Vec::new();
    }
    vec![Effect::WriteSetting { name: edit.name, value: Some(value) }]
}

pub fn ask_reset(state: &mut State) {
    let Some(Setting { name, value, .. }) = state.settings.selected().cloned() else { return };
    let default = texts(&Settings::default()).remove(&name).unwrap_or_default();
    let facts = [("setting", &name), ("now", &value), ("default", &default)];
    state.overlay = Some(Overlay::Confirm(Confirm {
        title: "Give it its default again?".into(),
        facts: facts.map(|(label, value)| (label.to_owned(), value.clone())).to_vec(),
        yes: "reset",
        choice: true,
        action: Action::ResetSetting { name },
        ..Confirm::default()
    }));
}
