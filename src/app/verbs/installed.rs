//! `list` and `remove`.

use serde_json::json;

use crate::app::output::table::Table;
use crate::app::output::{Style, human};
use crate::market::{PackageName, Store, install as place};
use crate::net::api::InstalledInfo;
use crate::net::{ErrorKind, NodeError};

use super::install::as_usage;
use super::{Context, Session};

pub async fn list(context: &Context, session: &Session) -> Result<(), NodeError> {
    let installed = match session.find(context).await? {
        Some(node) => node.installed().await?,
        None => stored(context).await?,
    };
    if installed.is_empty() {
        context.output.note("nothing is installed");
    }
    context.output.answer(&json!({ "installed": installed }), |style| table(&installed, style))
}

/// What the database of the home says, with no node running.
pub(super) async fn stored(context: &Context) -> Result<Vec<InstalledInfo>, NodeError> {
    let Some(store) = open_store(context)? else { return Ok(Vec::new()) };
    let packs = context.home.packs_dir();
    Ok(store.run(|db| db.installed()).await?.into_iter().map(|entry| InstalledInfo::of(entry, &packs)).collect())
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
    let mut table = Table::new(&["NAME", "VERSION", ">FILES", ">SIZE", "PUBLISHER", "INSTALLED", "~PATH"]);
    for package in installed {
        table.row([
            package.name.to_string(),
            package.version.to_string(),
            package.files.to_string(),
            human::bytes(package.bytes),
            publisher(package),
            human::time(package.installed_at),
            package.path.clone(),
        ]);
    }
    table.render(style)
}

fn publisher(package: &InstalledInfo) -> String {
    package.publisher.map_or_else(|| "unsigned".into(), |key| human::short(&key.to_string()))
}

pub async fn remove(context: &Context, session: &Session, name: &str) -> Result<(), NodeError> {
    let name: PackageName = name.parse().map_err(as_usage)?;
    let removed = match session.find(context).await? {
        Some(node) => node.remove(name.clone()).await?,
        None => remove_stored(context, &name).await?,
    };
    if !removed {
        return Err(NodeError::new(ErrorKind::NotFound, format!("{name} is not installed"))
            .hint("see `ggen-p2p-tui list` for what is"));
    }
    context.output.answer(&json!({ "removed": name }), |_| format!("removed {name}\n"))
}

async fn remove_stored(context: &Context, name: &PackageName) -> Result<bool, NodeError> {
    let Some(store) = open_store(context)? else { return Ok(false) };
    let (packs, gone) = (context.home.packs_dir(), name.clone());
    let removed = tokio::task::spawn_blocking(move || place::remove(&store, &gone, &packs)).await;
    Ok(removed.map_err(|e| NodeError::new(ErrorKind::Failed, format!("removing {name} broke off: {e}")))??)
}
