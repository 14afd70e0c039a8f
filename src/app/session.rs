//! What the dashboard showed when it was closed, so that it opens like that again.

use std::io::{Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tui_input::Input;

use super::looks::Background;
use super::state::{Filter, Level, State, Tab, paste};

/// Largest file in bytes.
const MAX_FILE: u64 = 64 * 1024;

/// Tab, order and filters. What a file does not say, or says in a way that is not understood, is as at the first start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Session {
    tab: Value,
    background: Value,
    peers: Pane,
    feed: Pane,
    search: Pane,
    installed: Pane,
    logs: Pane,
    settings: Pane,
}

/// What is kept of one pane.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Pane {
    filter: Value,
    sort: Value,
    reversed: Value,
    level: Value,
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Option<T> {
    serde_json::from_value(value).ok()
}

fn written(value: impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

impl Pane {
    fn of(filter: &Filter) -> Self {
        Self { filter: written(filter.input.value()), ..Self::default() }
    }

    fn restore(&self, filter: &mut Filter) {
        filter.input = Input::default();
        if let Some(text) = self.filter.as_str() {
            paste(&mut filter.input, text);
        }
    }
}

impl Session {
    /// Of what is on screen.
    pub fn of(state: &State) -> Self {
        let (peers, logs) = (&state.peers, &state.logs);
        Self {
            tab: written(state.tab),
            background: written(state.options.background),
            peers: Pane { sort: written(peers.sort), reversed: written(peers.reversed), ..Pane::of(&peers.filter) },
            feed: Pane::of(&state.feed.filter),
            search: Pane { sort: written(state.search.sort), ..Pane::default() },
            installed: Pane::of(&state.installed.filter),
            logs: Pane { level: written(logs.level), ..Pane::of(&logs.filter) },
            settings: Pane::of(&state.settings.filter),
        }
    }

    /// Shows what it says.
    pub fn restore(self, state: &mut State) {
        if let Some(tab) = read::<Tab>(self.tab).filter(|tab| state.tabs().contains(tab)) {
            state.tab = tab;
        }
        // Until the terminal answers for itself.
        if state.options.background.is_none() {
            state.options.background = read::<Option<Background>>(self.background).flatten();
            let theme = state.options.theme.clone();
            state.show_theme(&theme);
        }
        for (pane, filter) in [
            (&self.peers, &mut state.peers.filter),
            (&self.feed, &mut state.feed.filter),
            (&self.installed, &mut state.installed.filter),
            (&self.logs, &mut state.logs.filter),
            (&self.settings, &mut state.settings.filter),
        ] {
            pane.restore(filter);
        }
        if let Some(sort) = read(self.peers.sort) {
            state.peers.order(sort, read(self.peers.reversed).unwrap_or_default(), 1);
        }
        if let Some(sort) = read(self.search.sort) {
            state.search.sort = sort;
        }
        if let Some(level) = read::<Level>(self.logs.level) {
            state.logs.level = level;
        }
    }
}

/// What the file says; nothing where it cannot be read. Blocks.
pub fn load(file: &Path) -> Session {
    let mut text = Vec::new();
    let opened = std::fs::File::open(file).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut text));
    if opened.is_err() || text.len() as u64 > MAX_FILE {
        return Session::default();
    }
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Writes the file, whole or not at all. Blocks.
///
/// # Errors
/// Its directory is not there, or cannot be written to.
pub fn save(file: &Path, session: &Session) -> std::io::Result<()> {
    let text = serde_json::to_string_pretty(session)?;
    let mut temporary = tempfile::NamedTempFile::new_in(file.parent().unwrap_or(Path::new(".")))?;
    temporary.write_all(text.as_bytes())?;
    temporary.persist(file).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::age::Now;
    use crate::app::state::{DashboardOptions, SortBy};
    use crate::market::search::Sort;

    fn again(session: Session) -> State {
        State::new(DashboardOptions { session, ..DashboardOptions::default() }, Now::default())
    }

    #[test]
    fn what_was_shown_is_shown_again() {
        let mut state = State::default();
        (state.tab, state.logs.level) = (Tab::Logs, Level::Debug);
        state.peers.order(SortBy::Agent, true, 1);
        paste(&mut state.feed.filter.input, "rdf");
        state.search.sort = Sort::Providers;
        state.options.background = Some(Background::Light);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("session.json");
        save(&file, &Session::of(&state)).unwrap();
        let state = again(load(&file));
        assert_eq!((state.tab, state.logs.level), (Tab::Logs, Level::Debug));
        assert_eq!((state.peers.sort, state.peers.reversed), (SortBy::Agent, true));
        assert_eq!(state.feed.filter.input.value(), "rdf");
        assert_eq!(state.search.sort, Sort::Providers);
        assert_eq!(state.options.background, Some(Background::Light));
        assert_eq!(Some(&state.options.scheme), state.scheme("light"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn what_is_not_understood_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("session.json");
        assert_eq!(load(&file), Session::default());
        for text in ["", "{", "[]", "null", &"x".repeat(100_000)] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(load(&file), Session::default(), "{text:.9}");
        }
        let text =
            r#"{"tab": "moon", "logs": {"level": "debug", "filter": 7}, "feed": {"filter": "a\u001b[2Jb"}, "new": 1}"#;
        std::fs::write(&file, text).unwrap();
        let state = again(load(&file));
        assert_eq!((state.tab, state.logs.level), (Tab::Overview, Level::Debug));
        assert_eq!(state.feed.filter.input.value(), "a[2Jb");
    }

    #[test]
    fn a_tab_that_is_not_shown_any_more_is_not_opened() {
        let session = Session { tab: written(Tab::Logs), ..Session::default() };
        let panes = vec![Tab::Peers, Tab::Feed];
        let state = State::new(DashboardOptions { session, panes, ..DashboardOptions::default() }, Now::default());
        assert_eq!(state.tab, Tab::Peers);
    }
}
