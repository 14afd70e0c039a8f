//! The plan of an install, for people.

use crate::app::output::table::Table;
use crate::app::output::{Style, human};
use crate::net::api::{InstallPlan, PlanAction, PlanStep};

/// Every step, and what it comes to.
pub fn table(plan: &InstallPlan, style: Style) -> String {
    let mut table = Table::new(&["ACTION", "NAME", "VERSION", "PUBLISHER", ">SIZE", "WHY", "~FROM"]);
    for step in &plan.steps {
        table.row([
            step.action.name().to_owned(),
            step.name.to_string(),
            version(step),
            step.publisher.map_or("unsigned".to_owned(), |key| human::short(&key.to_string())),
            human::bytes(step.size),
            why(step),
            from(step).to_owned(),
        ]);
    }
    format!("{}{}\n", table.render(style), sum(plan))
}

/// The steps that change something, one to a line.
pub fn lines(plan: &InstallPlan) -> Vec<String> {
    let line = |step: &PlanStep| format!("{} {} {} ({})", step.action.name(), step.name, version(step), why(step));
    let mut lines: Vec<_> = plan.changes().map(line).collect();
    lines.push(sum(plan));
    lines
}

/// What is to be looked at first.
pub fn warnings(plan: &InstallPlan) -> Vec<String> {
    let of_steps = plan.steps.iter().flat_map(|step| step.warnings.iter().map(|text| format!("{}: {text}", step.name)));
    let absent = plan
        .absent
        .iter()
        .map(|absent| format!("nobody knows {} {}, which {} needs", absent.name, absent.requirement, absent.needed_by));
    let stuck = plan.stuck.iter().map(ToString::to_string);
    of_steps.chain(absent).chain(stuck).collect()
}

/// `1.0.0 -> 1.2.0`
fn version(step: &PlanStep) -> String {
    match &step.from {
        Some(from) if *from != step.version => format!("{from} -> {}", step.version),
        _ => step.version.to_string(),
    }
}

fn why(step: &PlanStep) -> String {
    if step.asked {
        return "asked for".to_owned();
    }
    let needed_by: Vec<_> = step.needed_by.iter().map(ToString::to_string).collect();
    format!("needed by {}", needed_by.join(", "))
}

fn from(step: &PlanStep) -> &'static str {
    match step.action {
        PlanAction::Keep => "in place",
        _ if step.here => "this node",
        _ if step.publisher.is_none() => "central index",
        _ => "peers",
    }
}

fn sum(plan: &InstallPlan) -> String {
    match plan.changes().count() {
        0 => "nothing to do".to_owned(),
        count => format!("{}, {} to fetch", human::count(count, "change"), human::bytes(plan.download)),
    }
}
