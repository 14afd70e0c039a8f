//! `list`.

use serde_json::json;

use crate::app::output::table::Table;
use crate::app::output::{Style, human};
use crate::market::store::{InstallSource, Reason};
use crate::market::{PackageName, Store};
use crate::net::NodeError;
use crate::net::api::InstalledInfo;

use super::{Context, Session};

pub async fn list(context: &Context, session: &Session) -> Result<(), NodeError> {
    let installed = match session.find(context).await? {
        Some(node) => node.installed().await?,
        None => stored(context).await?,
    };
    if installed.is_empty() {
        context.output.note("nothing is installed");
    }
    context.output.answer(&json!({ "installed": installed }), |style| table(&installed, style))?;
    installed.iter().flat_map(warnings).for_each(|warning| context.output.note(&warning));
    Ok(())
}

/// What the database of the home says, with no node running.
pub(super) async fn stored(context: &Context) -> Result<Vec<InstalledInfo>, NodeError> {
    let Some(store) = open_store(context)? else { return Ok(Vec::new()) };
    let packs = context.home.packs_dir();
    Ok(store.run(move |db| InstalledInfo::all_of(db, &packs)).await?)
}

/// The store, if the home has one: asking must not make it.
pub(super) fn open_store(context: &Context) -> Result<Option<Store>, NodeError> {
    if !context.home.database_file().exists() {
        return Ok(None);
    }
    Ok(Some(Store::open(&context.home)?))
}

fn table(installed: &[InstalledInfo], style: Style) -> String {
    if installed.is_empty() {
        return String::new();
    }
    let headings = ["NAME", "VERSION", "WHY", ">FILES", ">SIZE", "PUBLISHER", "SOURCE", "STATE", "INSTALLED", "~PATH"];
    let mut table = Table::new(&headings);
    for package in installed {
        table.row([
            package.name.to_string(),
            package.version.to_string(),
            why(package),
            package.files.to_string(),
            human::bytes(package.bytes),
            publisher(package),
            source(package),
            state(package).to_owned(),
            human::time(package.installed_at),
            package.path.clone(),
        ]);
    }
    table.render(style)
}

fn why(package: &InstalledInfo) -> String {
    let needed_by = package.needed_by.iter().map(PackageName::as_str).collect::<Vec<_>>().join(", ");
    match (package.reason, package.needed_by.as_slice()) {
        (Reason::Asked, _) => "asked".into(),
        (Reason::Needed, []) => "unused".into(),
        (Reason::Needed, _) => format!("needed by {needed_by}"),
    }
}

fn publisher(package: &InstalledInfo) -> String {
    package.publisher.map_or_else(|| "unsigned".into(), |key| human::short(&key.to_string()))
}

fn source(package: &InstalledInfo) -> String {
    match &package.source {
        InstallSource::Peers => "peers".into(),
        InstallSource::Central { location } => location.clone(),
    }
}

fn state(package: &InstalledInfo) -> &'static str {
    match (&package.revoked, &package.yanked) {
        (Some(_), _) => "key revoked",
        (None, Some(_)) => "withdrawn",
        (None, None) => "",
    }
}

/// What its publisher has said since it was installed.
fn warnings(package: &InstalledInfo) -> Vec<String> {
    let (name, version) = (&package.name, &package.version);
    let mut warnings = Vec::new();
    if let Some(reason) = &package.yanked {
        warnings.push(format!("warning: {name} {version} was withdrawn by its publisher: {reason}"));
    }
    if let Some(reason) = &package.revoked {
        warnings.push(format!("warning: the key that signed {name} {version} was revoked: {reason}"));
    }
    warnings
}
