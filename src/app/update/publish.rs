//! The publish wizard.

use super::{actions, ask, versions};
use crate::app::effect::Effect;
use crate::app::event::{Listing, Tag};
use crate::app::key::{Code, Key};
use crate::app::state::{Action, Confirm, Overlay, Progress, Publish, State, Step, Tab, ToastKind, edit};
use crate::market::Severity;
use crate::market::archive::Allowed;
use crate::net::api::{Inspection, PublishAnswer, PublishRequest, PublishStage};
use crate::net::{NodeCommand, NodeError};

pub fn key(state: &mut State, key: Key) -> Vec<Effect> {
    state.publish.touched = true;
    match key.code {
        Code::Enter => return next(state),
        Code::Esc => {
            if state.publish.candidate.take().is_none() {
                state.publish.focused = false;
            }
        }
        Code::Tab => return complete(state),
        // With a directory pointed at, the arrows go into it and out again, as in a file browser.
        Code::Right if state.publish.candidate.is_some() => return enter(state),
        Code::Left if state.publish.candidate.is_some() => return leave(state),
        Code::Up => point(state, -1),
        Code::Down => point(state, 1),
        _ => {
            if edit(&mut state.publish.input, key) {
                if key == Key::char('/') {
                    begin_anew(state);
                }
                return typed(state);
            }
        }
    }
    Vec::new()
}

/// A `/` typed after a `/`, or `~/` after one, begins a path from the root or from home: what is in the field already need not
/// be taken out first.
fn begin_anew(state: &mut State) {
    let input = &state.publish.input;
    let typed: usize = input.value().chars().take(input.cursor()).map(char::len_utf8).sum();
    let (before, after) = input.value().split_at(typed);
    let anew = ["//", "/~/"].into_iter().find(|end| before.ends_with(end)).map(|end| format!("{}{after}", &end[1..]));
    if let Some(anew) = anew {
        state.publish.input = tui_input::Input::new(anew);
    }
}

/// The path changed: list its directory, if it is another one.
pub fn typed(state: &mut State) -> Vec<Effect> {
    state.publish.error = None;
    state.publish.allow.clear();
    state.publish.candidate = None;
    state.publish.complete_when_listed = false;
    list(state)
}

/// Lists the directory of the typed path unless that is what is listed.
pub fn list(state: &mut State) -> Vec<Effect> {
    let dir = state.publish.split().0.to_owned();
    if state.publish.listed.as_deref() == Some(dir.as_str()) {
        return Vec::new();
    }
    state.publish.listing = None;
    let path = state.options.absolute(&dir);
    state.publish.listed = Some(dir);
    vec![Effect::ReadDir { path }]
}

/// A directory's content is here; an older directory's is thrown away.
pub fn listed(state: &mut State, path: String, listing: Result<Listing, String>) -> Vec<Effect> {
    let wanted = state.publish.listed.as_deref().map(|dir| state.options.absolute(dir));
    if wanted.as_deref() == Some(path.as_str()) {
        state.publish.listing = Some(listing);
        // A directory that is a package is the one that is looked for: Enter is to check it.
        let package = matches!(&state.publish.listing, Some(Ok(listing)) if listing.package);
        if std::mem::take(&mut state.publish.browsing) && !package && !state.publish.candidates().is_empty() {
            state.publish.candidate = Some(0);
        }
        if std::mem::take(&mut state.publish.complete_when_listed) {
            return complete(state);
        }
    }
    Vec::new()
}

fn enter(state: &mut State) -> Vec<Effect> {
    let effects = complete(state);
    state.publish.browsing = true;
    effects
}

/// To the directory above, with the one that was left pointed at.
fn leave(state: &mut State) -> Vec<Effect> {
    let dir = state.publish.split().0.trim_end_matches('/').to_owned();
    let Some(above) = dir.rfind('/').and_then(|slash| dir.get(..=slash)) else { return Vec::new() };
    state.publish.input = tui_input::Input::new(above.to_owned());
    let effects = typed(state);
    state.publish.browsing = true;
    effects
}

/// The review shows all files, or what is another than before.
pub fn toggle_changes(state: &mut State) {
    state.publish.only_changes = !state.publish.only_changes;
    state.publish.view = Default::default();
}

fn point(state: &mut State, delta: isize) {
    let len = state.publish.candidates().len();
    state.publish.candidate = match (state.publish.candidate, len) {
        (_, 0) => None,
        (None, len) => Some(if delta < 0 { len - 1 } else { 0 }),
        (Some(0), _) if delta < 0 => None,
        (Some(at), len) => Some(at.saturating_add_signed(delta).min(len - 1)),
    };
}

/// Takes the candidate pointed at, else what all candidates have in common.
fn complete(state: &mut State) -> Vec<Effect> {
    if state.publish.listing.is_none() {
        state.publish.complete_when_listed = true;
        return Vec::new();
    }
    let publish = &state.publish;
    let candidates = publish.candidates();
    let (dir, start) = publish.split();
    let chosen = publish.candidate.and_then(|at| candidates.get(at)).or(match candidates.as_slice() {
        [only] => Some(only),
        _ => None,
    });
    let text = match chosen {
        Some(entry) => format!("{dir}{}/", entry.name),
        None => {
            let common = common_start(candidates.iter().map(|entry| entry.name.as_str()));
            if common.chars().count() <= start.chars().count() {
                point(state, 1);
                return Vec::new();
            }
            format!("{dir}{common}")
        }
    };
    state.publish.input = tui_input::Input::new(text);
    typed(state)
}

fn common_start<'a>(mut names: impl Iterator<Item = &'a str>) -> String {
    let mut common = names.next().unwrap_or_default().to_owned();
    for name in names {
        let same = common.chars().zip(name.chars()).take_while(|(a, b)| a == b).count();
        common = common.chars().take(same).collect();
    }
    common
}

/// Enter: on to the next step.
pub fn next(state: &mut State) -> Vec<Effect> {
    match state.publish.step {
        Step::Path if state.publish.candidate.is_some() => complete(state),
        Step::Path => check(state),
        Step::Findings if state.publish.publishable() => {
            show(state, Step::Review);
            Vec::new()
        }
        Step::Findings => check(state),
        Step::Review => ask_to_publish(state),
        _ => Vec::new(),
    }
}

fn show(state: &mut State, step: Step) {
    state.publish.step = step;
    state.publish.view = Default::default();
    state.publish.focused = step == Step::Path;
}

pub fn check(state: &mut State) -> Vec<Effect> {
    let typed = state.publish.input.value().trim();
    if typed.is_empty() {
        return Vec::new();
    }
    if !state.is_ready() {
        state.toast(ToastKind::Warning, "the node is not up yet", Some("try again in a moment".into()));
        return Vec::new();
    }
    let mut path = state.options.absolute(typed);
    while path.len() > 1 && path.ends_with('/') {
        path.pop();
    }
    state.publish.seq += 1;
    state.publish.error = None;
    show(state, Step::Checking);
    vec![Effect::Request {
        tag: Tag::Inspect { seq: state.publish.seq },
        command: NodeCommand::Inspect { path, allow: state.publish.allow.clone() },
    }]
}

/// What publishing would do is known: to the findings, or on to the review when there is none.
pub fn inspected(state: &mut State, seq: u64, result: Result<Inspection, NodeError>) {
    if seq != state.publish.seq || state.publish.step != Step::Checking {
        return;
    }
    match result {
        Ok(inspection) => {
            let (plan, mut findings) = match inspection {
                Inspection::Package(mut plan) => {
                    let findings = std::mem::take(&mut plan.findings);
                    (Some(*plan), findings)
                }
                Inspection::Unreadable(findings) => (None, findings),
            };
            let plan = plan.map(|plan| versions::out_already(plan, &mut findings));
            findings.sort_by_key(|finding| gravity(finding.severity));
            (state.publish.plan, state.publish.findings) = (plan, findings);
            let clean = state.publish.findings.is_empty() && state.publish.publishable();
            show(state, if clean { Step::Review } else { Step::Findings });
        }
        Err(error) => {
            state.publish.error = Some(error);
            show(state, Step::Path);
        }
    }
}

/// The file of the selected finding is no secret: on with it, from the check on.
pub fn allow(state: &mut State) -> Vec<Effect> {
    let Some(file) = state.publish.refused_secret().filter(|_| state.is_ready()) else { return Vec::new() };
    let pattern = Allowed::pattern_of(file);
    state.publish.allow.push(pattern);
    check(state)
}

/// What stops the publishing comes first.
fn gravity(severity: Severity) -> u8 {
    match severity {
        Severity::Error => 0,
        Severity::Warning => 1,
        Severity::Info => 2,
    }
}

fn ask_to_publish(state: &mut State) -> Vec<Effect> {
    let Some(plan) = state.publish.plan.as_ref().filter(|_| state.is_ready()) else { return Vec::new() };
    let previous = plan.previous.as_ref().map_or("none: this is the first".to_owned(), ToString::to_string);
    let facts = [
        ("package", format!("{} {}", plan.name, plan.version)),
        ("previous", previous),
        ("files", plan.files.len().to_string()),
        ("key", plan.key()),
    ];
    let mut warnings =
        vec!["What is published is signed and spreads: it cannot be taken back, only yanked.".to_owned()];
    let secrets = state.publish.allowed_secrets();
    if !secrets.is_empty() {
        warnings.push(format!("These may be secrets, and everybody will have them: {}", secrets.join(", ")));
    }
    let confirm = Confirm {
        title: "Publish?".into(),
        facts: facts.map(|(label, value)| (label.to_owned(), value)).to_vec(),
        warnings,
        yes: "publish",
        choice: true,
        dangerous: true,
        action: Action::Publish,
        ..Confirm::default()
    };
    state.overlay = Some(Overlay::Confirm(confirm));
    Vec::new()
}

/// Confirmed: go.
pub fn start(state: &mut State) -> Vec<Effect> {
    let Some(plan) = &state.publish.plan else { return Vec::new() };
    // The time makes job numbers of several dashboards on one node differ.
    let job = state.now.unix_ms;
    let (path, allow) = (plan.path.clone(), state.publish.allow.clone());
    let request = PublishRequest { path, job, wait_for: 0, wait_timeout_s: 0, allow };
    state.publish.progress = Some(Progress { job, stage: PublishStage::Reading, seen_by: 0 });
    state.publish.answer = None;
    state.publish.error = None;
    show(state, Step::Working);
    let text = format!("publishing {}", plan_name(&state.publish));
    ask::visibly(state, Tag::Publish { job }, text, NodeCommand::Publish(request))
}

fn plan_name(publish: &Publish) -> String {
    publish.plan.as_ref().map_or_else(String::new, |plan| format!("{} {}", plan.name, plan.version))
}

/// A stage was reached. Peers go on confirming after the end.
pub fn progressed(state: &mut State, job: u64, stage: PublishStage, seen_by: usize) {
    if let Some(progress) = state.publish.progress.as_mut().filter(|progress| progress.job == job) {
        progress.stage = progress.stage.max(stage);
        progress.seen_by = progress.seen_by.max(seen_by);
    }
    let current = state.publish.progress.is_some_and(|progress| progress.job == job);
    if let Some(answer) = state.publish.answer.as_mut().filter(|_| current) {
        answer.seen_by = answer.seen_by.max(seen_by);
    }
}

pub fn published(state: &mut State, job: u64, result: Result<PublishAnswer, NodeError>) {
    if state.publish.progress.is_none_or(|progress| progress.job != job) {
        return;
    }
    match result {
        Ok(mut answer) => {
            let text = format!("published {} {}", answer.name, answer.version);
            state.toast(ToastKind::Good, text, None);
            let seen_by = state.publish.progress.map_or(0, |progress| progress.seen_by);
            answer.seen_by = answer.seen_by.max(seen_by);
            state.publish.answer = Some(answer);
            show(state, Step::Done);
        }
        Err(error) => failed(state, error),
    }
}

pub fn failed(state: &mut State, error: NodeError) {
    // The pane says it in full; a toast is for those who are elsewhere.
    if state.tab != Tab::Publish {
        state.toast_error("publishing failed", &error);
    }
    state.publish.error = Some(error);
    show(state, Step::Failed);
}

/// One step back; nothing has been changed before the last yes.
pub fn back(state: &mut State) -> Vec<Effect> {
    match state.publish.step {
        Step::Review if !state.publish.findings.is_empty() => show(state, Step::Findings),
        Step::Checking | Step::Findings | Step::Review | Step::Failed => {
            // An answer still under way is for nobody.
            state.publish.seq += 1;
            show(state, Step::Path);
            return list_again(state);
        }
        Step::Done => return restart(state),
        Step::Path | Step::Working => {}
    }
    Vec::new()
}

pub fn restart(state: &mut State) -> Vec<Effect> {
    let input = std::mem::take(&mut state.publish.input);
    state.publish = Publish { input, seq: state.publish.seq + 1, ..Publish::default() };
    show(state, Step::Path);
    list_again(state)
}

fn list_again(state: &mut State) -> Vec<Effect> {
    state.publish.listed = None;
    list(state)
}

/// The tab is opened.
pub fn entered(state: &mut State) -> Vec<Effect> {
    if state.publish.step != Step::Path {
        actions::step(state, 0);
        return Vec::new();
    }
    (state.publish.focused, state.publish.touched) = (true, false);
    list_again(state)
}

/// `/` where the field has no keyboard: it gets it, and the `/` goes into it like any other, so that a path can be typed at once.
pub fn find(state: &mut State) -> Vec<Effect> {
    state.publish.focused = true;
    key(state, Key::char('/'))
}
