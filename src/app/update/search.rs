//! Search as you type.

use super::{actions, ask};
use crate::app::effect::Effect;
use crate::app::event::Tag;
use crate::app::key::{Code, Key};
use crate::app::state::{
    DETAIL_DELAY_MS, Detail, Inside, LOCAL_DELAY_MS, MAX_RESULTS, REMOTE_DELAY_MS, Remote, Shown, State, Tab, Why, edit,
};
use crate::market::search::Sort;
use crate::market::trust::Assessment;
use crate::market::{PackageName, PublisherKey};
use crate::net::api::{FileList, ReleaseInfo, SearchAnswer, SearchRequest};
use crate::net::{ErrorKind, NodeCommand, NodeError};

pub fn key(state: &mut State, key: Key) -> Vec<Effect> {
    match key.code {
        Code::Esc => state.search.focused = false,
        Code::Enter => {
            state.search.focused = false;
            state.search.touched = !state.search.results.is_empty();
            state.search.remember();
        }
        // An empty field has no results to go through that were asked for: what was asked before comes back.
        Code::Up if can_recall(state) => recall(state, true),
        Code::Down if state.search.recalled.is_some() => recall(state, false),
        Code::Tab => return actions::go_to(state, state.tab_at(1)),
        Code::Up => actions::step(state, -1),
        Code::Down => actions::step(state, 1),
        Code::PageUp => actions::page(state, -1),
        Code::PageDown => actions::page(state, 1),
        _ => {
            if edit(&mut state.search.input, key) {
                state.search.recalled = None;
                typed(state);
            }
        }
    }
    Vec::new()
}

/// Walking through what was asked before goes on; it begins above the first line of an empty field's list.
fn can_recall(state: &State) -> bool {
    let search = &state.search;
    let begins = search.input.value().is_empty() && search.view.selected == 0 && !search.history.is_empty();
    begins || search.recalled.is_some()
}

fn recall(state: &mut State, older: bool) {
    if state.search.recall(older) {
        typed(state);
    }
}

/// Orders by the next kind.
pub fn sort(state: &mut State) {
    let at = Sort::ALL.iter().position(|sort| *sort == state.search.sort).unwrap_or(0);
    state.search.sort = Sort::ALL.get((at + 1) % Sort::ALL.len()).copied().unwrap_or_default();
    ask_again(state);
}

/// Narrows the query to a value, or takes that away again.
pub fn narrow(state: &mut State, index: usize) {
    let Some(one) = state.search.narrowings().get(index).cloned() else { return };
    let (filter, text) = (one.filter(), state.search.input.value().to_owned());
    let text = if one.on { text.replace(&filter, "") } else { format!("{} {filter}", text.trim()) };
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    state.search.input = tui_input::Input::new(text);
    typed(state);
}

/// The same question again, for another order.
fn ask_again(state: &mut State) {
    if state.search.query.is_empty() {
        browse(state, 0);
    } else {
        state.search.query.clear();
        typed(state);
    }
}

/// The query changed: what is shown stays until the answer to the new one is here.
pub fn typed(state: &mut State) {
    let now = state.now;
    let search = &mut state.search;
    let query = search.input.value().trim().to_owned();
    if query == search.query {
        return;
    }
    search.seq += 1;
    search.answered = false;
    search.error = None;
    search.touched = false;
    search.local_ms = None;
    search.local_due = Some(now.plus(LOCAL_DELAY_MS).unix_ms);
    if query.is_empty() {
        // Nothing typed shows what is known here; the peers are not asked for all they have.
        search.remote = Remote::Idle;
        search.remote_due = None;
    } else {
        search.remote = Remote::Asking;
        search.remote_due = Some(now.plus(REMOTE_DELAY_MS).unix_ms);
    }
    search.query = query;
}

/// Asks for what is known here while nothing is typed; `wait` milliseconds gather a burst of news into one question.
pub fn browse(state: &mut State, wait: u64) {
    if state.tab != Tab::Search || !state.search.query.is_empty() {
        return;
    }
    state.search.seq += 1;
    state.search.local_due = Some(state.now.plus(wait).unix_ms);
}

/// Asks again for the query on screen.
pub fn refresh(state: &mut State) -> Vec<Effect> {
    if !state.search.query.is_empty() {
        state.search.query.clear();
        typed(state);
    }
    browse(state, 0);
    Vec::new()
}

/// Sends what is due. While there is no node, it stays due for when there is one.
pub fn due(state: &mut State) -> Vec<Effect> {
    let now = state.now.unix_ms;
    let ready = state.is_ready();
    let search = &mut state.search;
    let mut effects = Vec::new();
    for remote in [false, true] {
        let slot = if remote { &mut search.remote_due } else { &mut search.local_due };
        if slot.take_if(|at| *at <= now).is_some() && ready {
            let request = SearchRequest { query: search.asked(), limit: MAX_RESULTS, remote, facets: true };
            let tag = Tag::Search { seq: search.seq, remote };
            effects.push(Effect::Request { tag, command: NodeCommand::Search(request) });
        }
    }
    if search.detail_due.take_if(|at| *at <= now).is_some() && ready {
        effects.extend(ask_detail(state));
    }
    effects
}

/// What is known of the selected line, and why it is trusted or not; nothing of what nobody signed.
fn ask_detail(state: &mut State) -> Vec<Effect> {
    let Some(hit) = state.search.selected() else { return Vec::new() };
    let Some(publisher) = hit.publisher else { return Vec::new() };
    let (name, version) = (hit.name.clone(), hit.version.clone());
    state.search.detail_seq += 1;
    let seq = state.search.detail_seq;
    let detail = NodeCommand::Detail { name: name.clone(), publisher: None };
    let why = NodeCommand::Why { name, version, publisher };
    vec![
        Effect::Request { tag: Tag::Detail { seq }, command: detail },
        Effect::Request { tag: Tag::Why { seq }, command: why },
    ]
}

/// Another line is selected: its detail is wanted once the selection rests.
pub fn want_detail(state: &mut State) {
    let known = state.search.selected_detail().is_some() && state.search.selected_why().is_some();
    if state.search.selected().is_some() && !known {
        state.search.detail_due = Some(state.now.plus(DETAIL_DELAY_MS).unix_ms);
    }
}

/// Shows the files of the selected package, and has it fetched for that where it is not here.
pub fn look_inside(state: &mut State) -> Vec<Effect> {
    let Some(hit) = state.search.selected() else { return Vec::new() };
    let Some(publisher) = hit.publisher else { return Vec::new() };
    let (name, version) = (hit.name.clone(), hit.version.clone());
    actions::open(state);
    state.search.shown = Shown::Files;
    // What failed may be tried again.
    if state.search.selected_inside().is_some_and(|inside| !matches!(inside.files, Some(Err(_)))) {
        return Vec::new();
    }
    state.search.inside = Some(Inside { name: name.clone(), version: version.clone(), publisher, files: None });
    let text = format!("looking into {name} {version}");
    let tag = Tag::Contents { name: name.clone(), version: version.clone(), publisher };
    ask::visibly(state, tag, text, NodeCommand::Contents { name, version, publisher })
}

pub fn listed(
    state: &mut State,
    (name, version, publisher): (PackageName, semver::Version, PublisherKey),
    files: Result<FileList, NodeError>,
) {
    let fits = |inside: &&mut Inside| (&inside.name, &inside.version, inside.publisher) == (&name, &version, publisher);
    if let Some(inside) = state.search.inside.as_mut().filter(fits) {
        inside.files = Some(files);
    }
}

pub fn answered(state: &mut State, seq: u64, remote: bool, result: Result<SearchAnswer, NodeError>) {
    if seq != state.search.seq {
        return;
    }
    let rows = if state.tab == Tab::Search { state.list_rows } else { 1 };
    match result {
        // A local answer that comes after the peers' brings nothing new.
        Ok(_) if !remote && matches!(state.search.remote, Remote::Answered { .. }) => {}
        Ok(answer) => state.search.merge(answer, remote, rows),
        Err(error) if remote => state.search.remote = Remote::Failed(error),
        // What was found before the node went still says something.
        Err(error) if error.kind == ErrorKind::NoNode && !state.search.results.is_empty() => {}
        Err(error) => {
            state.search.results.clear();
            state.search.error = Some(error);
        }
    }
    want_detail(state);
}

/// What is installed or pinned has changed: what was said of the selected line may no longer hold.
pub fn judge_again(state: &mut State) {
    state.search.why = None;
    want_detail(state);
}

pub fn judged(state: &mut State, seq: u64, assessment: Result<Assessment, NodeError>) {
    if seq != state.search.detail_seq {
        return;
    }
    if let Some(hit) = state.search.selected()
        && let Some(publisher) = hit.publisher
    {
        let (name, version) = (hit.name.clone(), hit.version.clone());
        state.search.why = Some(Why { name, version, publisher, assessment });
    }
}

pub fn detailed(state: &mut State, seq: u64, releases: Result<Vec<ReleaseInfo>, NodeError>) {
    if seq != state.search.detail_seq {
        return;
    }
    // Results can have moved since: an answer that is not about the selected line is no use.
    if let Some(hit) = state.search.selected()
        && let Some(publisher) = hit.publisher
    {
        let fits = |all: &[ReleaseInfo]| all.iter().all(|one| one.name == hit.name);
        if releases.as_deref().map_or(true, fits) {
            state.search.detail = Some(Detail { name: hit.name.clone(), publisher, releases });
        }
    }
}
