//! `install`, `list` and `remove`.

use serde_json::json;

use crate::app::failure::usage;
use crate::app::output::table::Table;
use crate::app::output::{Style, human};
use crate::config::cli::InstallArgs;
use crate::market::{PackageName, PublisherKey, Store, install as place};
use crate::net::api::{InstallAnswer, InstallRequest, InstalledInfo};
use crate::net::{ErrorKind, NodeError, NodeHandle};

use super::{Context, Session, progress};

pub async fn install(context: &Context, session: &mut Session, arguments: &InstallArgs) -> Result<(), NodeError> {
    let accept_key = arguments.accept_key.as_deref().map(str::parse).transpose().map_err(as_usage)?;
    let request = InstallRequest { accept_key, ..parse(&arguments.package, arguments.publisher.as_deref())? };
    let node = session.open(context).await?;
    session.settle(context).await?;
    let answer = match progress::during(context, &node, None, node.install(request)).await {
        Ok(answer) => answer,
        Err(error) => return Err(say_if_alone(&node, error).await),
    };
    for warning in &answer.warnings {
        context.output.note(&format!("warning: {warning}"));
    }
    context.output.answer(&answer, |_| installed(&answer))
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
    let line = |package: &crate::net::api::InstalledPackage| {
        let from = match package.providers.len() {
            0 => "from this node".to_owned(),
            count => format!("{} from {}", human::bytes(package.bytes), human::count(count, "peer")),
        };
        let publisher = human::short(&package.publisher.to_string());
        format!(
            "installed {} {} by {publisher} ({from}, verified) in {}\n",
            package.name, package.version, package.path
        )
    };
    answer.installed.iter().map(line).collect()
}

/// `NAME`, `NAME@REQUIREMENT`, or what `publish` gives to share: `ggen:NAME@VERSION?publisher=KEY`, which means exactly
/// that version.
pub(super) fn parse(package: &str, publisher: Option<&str>) -> Result<InstallRequest, NodeError> {
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
    Ok(InstallRequest { name, requirement, publisher, accept_key: None })
}

/// What the domain finds wrong with an argument is wrong usage.
pub(super) fn as_usage(error: crate::market::MarketError) -> NodeError {
    NodeError { kind: ErrorKind::Usage, ..error.into() }
}

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
