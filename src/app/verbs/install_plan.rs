//! The plan of an install, for people.

use crate::app::output::table::Table;
use crate::app::output::{Style, human};
use crate::net::api::{InstallPlan, PlanAction, PlanStep};

/// The size of what only a central index lists.
const UNKNOWN: &str = "—";

/// Every step, and what it comes to.
pub fn table(plan: &InstallPlan, style: Style) -> String {
    let mut table = Table::new(&["ACTION", "NAME", "VERSION", "PUBLISHER", ">SIZE", "WHY", "~FROM"]);
    for step in &plan.steps {
        table.row([
            step.action.name().to_owned(),
            step.name.to_string(),
            version(step),
            step.publisher.map_or("unsigned".to_owned(), |key| human::short(&key.to_string())),
            step.known_size().map_or(UNKNOWN.into(), human::bytes),
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

fn to_fetch(plan: &InstallPlan) -> String {
    match (plan.is_open_ended(), plan.download) {
        (false, bytes) => human::bytes(bytes),
        (true, 0) => "an unknown size".to_owned(),
        (true, bytes) => format!("{} and an unknown size", human::bytes(bytes)),
    }
}

fn sum(plan: &InstallPlan) -> String {
    match plan.changes().count() {
        0 => "nothing to do".to_owned(),
        count => format!("{}, {} to fetch", human::count(count, "change"), to_fetch(plan)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_that_nobody_says_is_not_shown_as_nothing() {
        let step = |name: &str, size| PlanStep {
            action: PlanAction::Install,
            size,
            ..PlanStep::blank(name.parse().unwrap(), semver::Version::new(1, 0, 0))
        };
        let unsigned = InstallPlan { steps: vec![step("base", 0)], ..InstallPlan::default() };
        let text = table(&unsigned, Style::default());
        assert!(!text.contains("0 B") && text.ends_with("1 change, an unknown size to fetch\n"), "{text}");
        let both =
            InstallPlan { steps: vec![step("base", 0), step("web", 1536)], download: 1536, ..InstallPlan::default() };
        assert_eq!(sum(&both), "2 changes, 1.5 KiB and an unknown size to fetch");
        let known = InstallPlan { steps: vec![step("web", 1536)], download: 1536, ..InstallPlan::default() };
        assert_eq!(sum(&known), "1 change, 1.5 KiB to fetch");
    }
}
