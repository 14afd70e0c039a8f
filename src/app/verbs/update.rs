//! `outdated` and `update`.

use serde_json::json;

use crate::app::output::table::Table;
use crate::app::output::{Style, human};
use crate::config::cli::UpdateArgs;
use crate::net::NodeError;
use crate::net::api::{InstallRequest, OutdatedPackage};

use super::install::{carry_out, parse};
use super::project::Project;
use super::{Context, Session};

pub async fn outdated(context: &Context, session: &mut Session) -> Result<(), NodeError> {
    let node = session.open(context).await?;
    session.settle(context).await?;
    let list = node.outdated().await?;
    if list.is_empty() {
        context.output.note("everything that is installed is up to date, as far as this node knows");
    }
    context.output.answer(&json!({ "outdated": list }), |style| table(&list, style))
}

fn table(list: &[OutdatedPackage], style: Style) -> String {
    if list.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["NAME", "INSTALLED", "WANTED", "LATEST", "PUBLISHER", "~NOTE"]);
    for package in list {
        table.row([
            package.name.to_string(),
            package.installed.to_string(),
            package.wanted.to_string(),
            package.latest.to_string(),
            package.publisher.map_or("unsigned".to_owned(), |key| human::short(&key.to_string())),
            note(package),
        ]);
    }
    table.render(style)
}

fn note(package: &OutdatedPackage) -> String {
    if let Some(reason) = &package.yanked {
        return format!("{} was withdrawn: {reason}", package.installed);
    }
    match &package.requirement {
        Some(requirement) if package.wanted != package.latest => format!("asked for with {requirement}"),
        _ if package.wanted != package.latest => "another package needs an older one".to_owned(),
        _ => String::new(),
    }
}

pub async fn update(context: &Context, session: &mut Session, arguments: &UpdateArgs) -> Result<(), NodeError> {
    let packages = arguments.packages.iter().map(|package| parse(package, None)).collect::<Result<_, _>>()?;
    let request = InstallRequest { packages, update: true, ..InstallRequest::default() };
    let project = Project::find(&arguments.project, context)?;
    carry_out(context, session, request, arguments.dry_run, project).await
}
