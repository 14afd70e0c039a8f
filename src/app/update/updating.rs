//! Newer versions of what is installed: asked for as a plan, shown, and carried out when confirmed.

use super::ask as request;
use crate::app::bytes;
use crate::app::effect::Effect;
use crate::app::event::Tag;
use crate::app::state::{Action, Confirm, Overlay, State, ToastKind};
use crate::market::PackageName;
use crate::net::api::{InstallPlan, InstallRequest, PlanStep, WantedPackage};
use crate::net::{NodeCommand, NodeError};

/// Asks the node what updating `name`, or everything, would do.
pub fn ask(state: &mut State, name: Option<PackageName>) -> Vec<Effect> {
    let text =
        format!("looking for what is newer{}", name.as_ref().map(|name| format!(" than {name}")).unwrap_or_default());
    let command = NodeCommand::Plan(request_of(name.as_ref()));
    request::visibly(state, Tag::UpdatePlan { name }, text, command)
}

fn request_of(name: Option<&PackageName>) -> InstallRequest {
    let wanted = |name: &PackageName| WantedPackage { name: name.clone(), requirement: None, publisher: None };
    InstallRequest { packages: name.map(wanted).into_iter().collect(), update: true, ..InstallRequest::default() }
}

/// The plan is here: a question where there is something to do.
pub fn planned(state: &mut State, name: Option<PackageName>, plan: Result<InstallPlan, NodeError>) {
    let plan = match plan {
        Ok(plan) => plan,
        Err(error) => return state.toast_error("no update", &error),
    };
    if plan.changes().next().is_none() {
        return up_to_date(state, name.as_ref());
    }
    if state.overlay.is_some() || state.is_typing() {
        return state.toast(ToastKind::Info, "there are updates", Some("look at them again with u".into()));
    }
    let what = match (&name, plan.changes().count()) {
        (Some(name), _) => name.to_string(),
        (None, 1) => "1 package".to_owned(),
        (None, count) => format!("{count} packages"),
    };
    let request = InstallRequest { expected: plan.expected(), ..request_of(name.as_ref()) };
    let warnings: Vec<_> = warnings(&plan).collect();
    let confirm = Confirm {
        title: format!("Update {what}?"),
        facts: facts(&plan),
        choice: warnings.is_empty(),
        dangerous: !warnings.is_empty(),
        warnings,
        yes: "update",
        action: Action::Install { what, request: Box::new(request) },
        ..Confirm::default()
    };
    state.overlay = Some(Overlay::Confirm(confirm));
}

fn up_to_date(state: &mut State, name: Option<&PackageName>) {
    let held = name.and_then(|name| state.installed.newer.as_ref()?.get(name)).filter(|one| one.wanted != one.latest);
    let text = match (name, held) {
        (Some(name), Some(newer)) => {
            let why = match &newer.requirement {
                Some(requirement) => format!("it was asked for with {requirement}"),
                None => "another package needs an older one".to_owned(),
            };
            format!("{name} stays at {}: there is {}, but {why}", newer.installed, newer.latest)
        }
        (Some(name), None) => format!("{name} is up to date"),
        (None, _) => "everything is up to date".to_owned(),
    };
    state.toast(ToastKind::Info, text, None);
}

fn facts(plan: &InstallPlan) -> Vec<(String, String)> {
    let mut facts: Vec<_> = plan.changes().map(|step| (step.action.name().to_owned(), line(step))).collect();
    match (plan.download, plan.is_open_ended()) {
        (0, false) => {}
        (bytes, false) => facts.push(("to fetch".to_owned(), bytes::size(bytes))),
        (0, true) => facts.push(("to fetch".to_owned(), "an unknown size".to_owned())),
        (bytes, true) => facts.push(("to fetch".to_owned(), format!("{} and an unknown size", bytes::size(bytes)))),
    }
    facts
}

/// `base 1.0.0 → 1.1.0`
fn line(step: &PlanStep) -> String {
    match &step.from {
        Some(from) => format!("{} {from} to {}", step.name, step.version),
        None => format!("{} {}", step.name, step.version),
    }
}

fn warnings(plan: &InstallPlan) -> impl Iterator<Item = String> {
    let steps = plan.changes().flat_map(|step| step.warnings.iter().map(move |text| format!("{}: {text}", step.name)));
    let absent = plan.absent.iter();
    let absent =
        absent.map(|one| format!("nobody knows {} {}, which {} needs", one.name, one.requirement, one.needed_by));
    steps.chain(absent).chain(plan.stuck.iter().map(ToString::to_string))
}
