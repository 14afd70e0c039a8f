//! `install`.

use crate::app::failure::usage;
use crate::app::output::human;
use crate::config::cli::InstallArgs;
use crate::market::install::Assurance;
use crate::market::{PackageName, PublisherKey};
use crate::net::api::{InstallAnswer, InstallPlan, InstallRequest, InstalledPackage, PlanAction, WantedPackage};
use crate::net::{ErrorKind, NodeError, NodeHandle};

use super::install_plan as plan;
use super::project::Project;
use super::{Context, Session, progress};

pub async fn install(context: &Context, session: &mut Session, arguments: &InstallArgs) -> Result<(), NodeError> {
    let project = Project::find(&arguments.project, context)?;
    let request = request(arguments, project.as_ref())?;
    carry_out(context, session, request, arguments.dry_run, project).await
}

fn request(arguments: &InstallArgs, project: Option<&Project>) -> Result<InstallRequest, NodeError> {
    let request = InstallRequest {
        no_dependencies: arguments.no_deps,
        reinstall: arguments.reinstall,
        allow_yanked: arguments.allow_yanked,
        from_central: arguments.from.is_some(),
        ..InstallRequest::default()
    };
    if arguments.locked {
        let project = project.ok_or_else(no_project)?;
        let (packages, locked) = (project.exactly()?, project.locked());
        return Ok(InstallRequest { packages, locked, from_lock: true, ..request });
    }
    let accept_key = arguments.accept_key.as_deref().map(str::parse).transpose().map_err(as_usage)?;
    let publisher = arguments.publisher.as_deref();
    if arguments.packages.len() > 1 && (accept_key.is_some() || publisher.is_some()) {
        return Err(usage("a key is named, and several packages").hint("install the one with that key by itself"));
    }
    let packages = arguments.packages.iter().map(|package| parse(package, publisher));
    let locked = project.map(Project::locked).unwrap_or_default();
    Ok(InstallRequest { packages: packages.collect::<Result<_, _>>()?, accept_key, locked, ..request })
}

fn no_project() -> NodeError {
    usage("there is no lock file here: no directory above has ggen.toml or .ggen")
        .hint("name the project: --locked --project DIR")
}

/// Shows the plan, does it, and notes it in the project's lock file.
pub(super) async fn carry_out(
    context: &Context,
    session: &mut Session,
    request: InstallRequest,
    dry_run: bool,
    project: Option<Project>,
) -> Result<(), NodeError> {
    let node = session.open(context).await?;
    session.settle(context).await?;
    let plan = match node.plan(request.clone()).await {
        Ok(plan) => plan,
        Err(error) => return Err(say_if_alone(&node, error).await),
    };
    if dry_run {
        for warning in plan::warnings(&plan) {
            context.output.note(&format!("warning: {warning}"));
        }
        return context.output.answer(&plan, |style| plan::table(&plan, style));
    }
    if is_worth_showing(&plan) {
        for line in plan::lines(&plan) {
            context.output.note(&line);
        }
    }
    let request = InstallRequest { expected: plan.expected(), ..request };
    let answer = match progress::during(context, &node, None, node.install(request)).await {
        Ok(answer) => answer,
        Err(error) => return Err(say_if_alone(&node, error).await),
    };
    for warning in &answer.warnings {
        context.output.note(&format!("warning: {warning}"));
    }
    if let Some(project) = project {
        project.note(&answer)?;
    }
    context.output.answer(&answer, |_| installed(&answer))
}

/// What was asked for is no news by itself; what comes with it, or is replaced, is.
fn is_worth_showing(plan: &InstallPlan) -> bool {
    plan.changes().any(|step| !step.asked || step.action != PlanAction::Install)
}

/// A package that was only looked for here may well exist elsewhere.
async fn say_if_alone(node: &NodeHandle, error: NodeError) -> NodeError {
    let alone = node.status().await.is_ok_and(|status| status.connected_peers == 0);
    if error.kind != ErrorKind::NotFound || !alone {
        return error;
    }
    let before = error.hint.as_ref().map_or(String::new(), |hint| format!("; {hint}"));
    error.hint(format!("no peer is connected: name one with --bootstrap ADDR, or `ggen-p2p-tui connect ADDR`{before}"))
}

fn installed(answer: &InstallAnswer) -> String {
    let shown = answer.installed.iter().filter(|package| package.asked || package.action.changes());
    let text: String = shown.map(line).collect();
    if text.is_empty() { "nothing to do\n".to_owned() } else { text }
}

fn line(package: &InstalledPackage) -> String {
    let publisher = match package.publisher {
        Some(key) => format!("by {}", human::short(&key.to_string())),
        None => "unsigned".to_owned(),
    };
    let (name, version, path, from) = (&package.name, &package.version, &package.path, from(package));
    let was = package.from.as_ref().map(|from| format!(" (was {from})")).unwrap_or_default();
    match package.action {
        PlanAction::Keep => format!("{name} {version} {publisher} is in place in {path}\n"),
        PlanAction::Install => format!("installed {name} {version} {publisher} ({from}) in {path}\n"),
        PlanAction::Update => format!("updated {name} to {version}{was} {publisher} ({from}) in {path}\n"),
        PlanAction::Downgrade => format!("went back to {name} {version}{was} {publisher} ({from}) in {path}\n"),
        PlanAction::Repair => format!("repaired {name} {version} {publisher} ({from}) in {path}\n"),
        PlanAction::Reinstall => format!("reinstalled {name} {version} {publisher} ({from}) in {path}\n"),
    }
}

/// Where the bytes are from, and what vouches for them.
fn from(package: &InstalledPackage) -> String {
    match package.assurance {
        Some(Assurance::Checksum) => "from a central index, its checksum matches".to_owned(),
        Some(Assurance::NotReproduced) => "from a central index, its checksum could not be reproduced".to_owned(),
        Some(Assurance::None) => "from a central index that gives no checksum".to_owned(),
        Some(Assurance::Signed) | None => match package.providers.len() {
            0 => "from this node, verified".to_owned(),
            count => format!("{} from {}, verified", human::bytes(package.bytes), human::count(count, "peer")),
        },
    }
}

/// `NAME`, `NAME@REQUIREMENT`, or what `publish` gives to share: `ggen:NAME@VERSION?publisher=KEY`, which means exactly
/// that version.
pub(super) fn parse(package: &str, publisher: Option<&str>) -> Result<WantedPackage, NodeError> {
    let shared = package.strip_prefix("ggen:");
    let (package, shared_publisher) = match shared.unwrap_or(package).split_once("?publisher=") {
        Some((package, key)) if shared.is_some() => (package, Some(key)),
        _ => (shared.unwrap_or(package), None),
    };
    let (name, requirement) = match package.split_once('@') {
        Some((name, requirement)) => (name, Some(requirement.trim())),
        None => (package, None),
    };
    let name: PackageName = name.parse().map_err(as_usage)?;
    let requirement = match requirement {
        None | Some("latest") => None,
        Some("") => return Err(usage("there is no version requirement after the @").hint("write e.g. NAME@1.2")),
        Some(text) => {
            let exact = if shared.is_some() { format!("={text}") } else { text.to_owned() };
            Some(exact.parse().map_err(|error: semver::Error| {
                usage(format!("{text:?} is no version requirement: {error}"))
                    .hint("write e.g. 1.2, =1.2.3 or '>=1, <3'")
            })?)
        }
    };
    let publisher = publisher.or(shared_publisher).map(str::parse::<PublisherKey>).transpose().map_err(as_usage)?;
    Ok(WantedPackage { name, requirement, publisher })
}

/// What the domain finds wrong with an argument is wrong usage.
pub(super) fn as_usage(error: crate::market::MarketError) -> NodeError {
    NodeError { kind: ErrorKind::Usage, ..error.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_named_with_or_without_a_requirement() {
        let plain = parse("some-pack", None).unwrap();
        assert_eq!((plain.name.as_str(), plain.requirement, plain.publisher), ("some-pack", None, None));
        assert_eq!(parse("p@1.2", None).unwrap().requirement, Some("^1.2".parse().unwrap()));
        assert_eq!(parse("p@>=1, <3", None).unwrap().requirement, Some(">=1, <3".parse().unwrap()));
        assert_eq!(parse("p@latest", None).unwrap().requirement, None);
    }

    #[test]
    fn what_publish_gives_to_share_is_taken_whole() {
        let key = PublisherKey([7; 32]);
        let shared = parse(&format!("ggen:p@1.2.3?publisher={key}"), None).unwrap();
        assert_eq!(shared.requirement, Some("=1.2.3".parse().unwrap()));
        assert_eq!(shared.publisher, Some(key));
    }

    #[test]
    fn wrong_names_requirements_and_keys_are_wrong_usage() {
        for (package, publisher) in [
            ("", None),
            ("No Name", None),
            ("../x", None),
            ("p@", None),
            ("p@one", None),
            ("p", Some("key")),
            ("p?publisher=x", None),
        ] {
            let error = parse(package, publisher).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Usage, "{package}");
        }
    }
}
