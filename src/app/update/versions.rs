//! The version of what is to be published: whether it can be, and writing another one into the manifest.

use super::{ask, publish};
use crate::app::effect::Effect;
use crate::app::event::Tag;
use crate::app::key::{Code, Key};
use crate::app::state::{ListView, Overlay, State, Step};
use crate::market::{Finding, SafeText, Severity};
use crate::net::api::{NodeReply, PublishPlan};
use crate::net::{NodeCommand, NodeError};

/// Shows the versions that could follow, the one that the changes ask for selected.
pub fn offer_versions(state: &mut State) {
    let proposals = state.publish.proposals();
    let mut view = ListView::default();
    view.select(proposals.iter().position(|(.., asked)| *asked).unwrap_or(0), proposals.len(), proposals.len());
    state.overlay = Some(Overlay::Bump(view));
}

pub fn version_key(state: &mut State, mut view: ListView, key: Key) -> Vec<Effect> {
    let len = state.publish.proposals().len();
    match key.code {
        Code::Esc | Code::Char('q' | 'n') => return Vec::new(),
        Code::Enter => return set_version(state, view.selected),
        Code::Down | Code::Tab | Code::Char('j') => view.step(1, len, len),
        Code::Up | Code::BackTab | Code::Char('k') => view.step(-1, len, len),
        _ => {}
    }
    state.overlay = Some(Overlay::Bump(view));
    Vec::new()
}

/// Has the version written into the manifest; what is read is read again then.
pub fn set_version(state: &mut State, index: usize) -> Vec<Effect> {
    let proposals = state.publish.proposals();
    let (Some((_, version, _)), Some(plan)) = (proposals.get(index), &state.publish.plan) else { return Vec::new() };
    let (path, version) = (plan.path.clone(), version.clone());
    let text = format!("writing version {version}");
    ask::visibly(state, Tag::SetVersion, text, NodeCommand::SetVersion { path, version })
}

/// The version is written, or not.
pub fn version_set(state: &mut State, result: Result<NodeReply, NodeError>) -> Vec<Effect> {
    match result {
        Ok(_) if matches!(state.publish.step, Step::Findings | Step::Review | Step::Failed) => publish::check(state),
        Ok(_) => Vec::new(),
        Err(error) => {
            state.toast_error("the version was not changed", &error);
            Vec::new()
        }
    }
}

/// A version never changes once it is out: where the content is another one, the publish would fail in the end.
pub fn out_already(mut plan: PublishPlan, findings: &mut Vec<Finding>) -> PublishPlan {
    let differs = plan.changes.as_ref().is_some_and(|changes| !changes.is_empty());
    if plan.previous.as_ref() == Some(&plan.version) && differs {
        let message = format!("version {} is already published with other content", plan.version);
        findings.push(Finding {
            severity: Severity::Error,
            code: "version-published".into(),
            file: SafeText::new("gpack.toml"),
            line: None,
            message: SafeText::new(&message),
            hint: SafeText::new("published versions never change: press u to write a higher version into the manifest"),
        });
        plan.publishable = false;
    }
    plan
}
