//! `publish --dry-run` with no node: what the domain alone can say.

use std::path::{Path, PathBuf};

use crate::app::output::table::{self, Table};
use crate::app::output::{Style, human};
use crate::market::archive::{self, Allowed};
use crate::market::{Finding, Identity, Manifest, PackageName, SafeText, Severity, Store};
use crate::net::api::{Already, PublishPlan};
use crate::net::{ErrorKind, NodeError};

use super::{Context, installed::open_store};

/// Reads and packs the package in `path`; leaves nothing behind.
pub async fn make(context: &Context, path: &Path, allow: &[String]) -> Result<PublishPlan, NodeError> {
    let identity_file = context.home.identity_file();
    let allowed = Allowed::new(allow)?;
    let store = open_store(context)?;
    let path: PathBuf = path.to_owned();
    let work = tokio::task::spawn_blocking(move || inspect(&path, &allowed, &identity_file, store.as_ref()));
    work.await.map_err(|e| NodeError::new(ErrorKind::Failed, format!("inspecting the package broke off: {e}")))?
}

fn inspect(
    path: &Path,
    allowed: &Allowed,
    identity_file: &Path,
    store: Option<&Store>,
) -> Result<PublishPlan, NodeError> {
    let (manifest, mut findings) = Manifest::read(path)?;
    let temporary = tempfile::tempdir()
        .map_err(|e| NodeError::new(ErrorKind::Disk, format!("cannot make a temporary directory: {e}")))?;
    let packed = archive::pack_with(path, temporary.path(), allowed)?;
    findings.extend(packed.findings.iter().cloned());
    let publisher = if identity_file.exists() { Some(Identity::load_or_create(identity_file)?.public()) } else { None };
    let out = match (store, publisher) {
        (Some(store), Some(publisher)) => {
            let name = manifest.name.clone();
            let versions = store.run_blocking(move |db| db.versions(&name, Some(publisher)))?;
            versions.into_iter().map(|one| (one.release().version.clone(), one.release().package_id)).collect()
        }
        _ => Vec::new(),
    };
    let previous = out.first().map(|(newest, _)| newest.clone());
    let already = Already::of(out, &manifest.version, packed.package_id);
    Ok(PublishPlan { already, ..PublishPlan::of(path, manifest, packed, findings, publisher, previous) })
}

/// # Errors
/// What keeps the package from being published.
pub fn refuse(plan: &PublishPlan) -> Result<(), NodeError> {
    refuse_for(plan.name.as_str(), &plan.findings)?;
    refuse_taken(plan)
}

/// # Errors
/// This version is out with other content.
pub fn refuse_taken(plan: &PublishPlan) -> Result<(), NodeError> {
    match plan.already {
        Some(Already::Other) => Err(taken(&plan.name, &plan.version)),
        Some(Already::Same) | None => Ok(()),
    }
}

/// As publishing itself says it.
pub fn taken(name: &PackageName, version: &semver::Version) -> NodeError {
    let what = format!("{name} {version} is already published with other content; raise the version");
    NodeError::new(ErrorKind::Failed, what)
        .hint("published versions never change: raise the version in the manifest and publish again")
}

/// # Errors
/// What of the findings keeps `name` from being published.
pub fn refuse_for(name: &str, findings: &[Finding]) -> Result<(), NodeError> {
    let errors: Vec<_> = findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    let Some(first) = errors.first() else { return Ok(()) };
    let more = match errors.len() - 1 {
        0 => String::new(),
        others => format!("; and {} (--check shows all)", human::count(others, "more error")),
    };
    let what = format!("{name} cannot be published: {}{}{more}", before(first), first.message);
    let hint = if first.hint.is_empty() { "correct the package and publish again" } else { first.hint.as_str() };
    Err(NodeError::new(ErrorKind::Failed, what).hint(hint))
}

/// The plan for people: what, which files, what is wrong with it.
pub fn show(plan: &PublishPlan, style: Style) -> String {
    let unpacked = plan.files.iter().fold(0, |sum: u64, file| sum.saturating_add(file.size));
    let list = |texts: &[SafeText]| texts.iter().map(|text| text.as_str()).collect::<Vec<_>>().join(", ");
    let fields = [
        ("package", format!("{} {}", plan.name, plan.version)),
        ("description", plan.description.to_string()),
        ("category", plan.category.to_string()),
        ("tags", list(&plan.tags)),
        ("licence", plan.licence.to_string()),
        ("publisher", plan.key()),
        ("newest version out", plan.previous.as_ref().map_or("none".into(), semver::Version::to_string)),
        ("this version", already(plan).to_owned()),
        ("package id", plan.package_id.to_string()),
        ("files", format!("{} in {}", human::bytes(unpacked), human::count(plan.files.len(), "file"))),
        ("archive", human::bytes(plan.size)),
    ];
    let mut text = table::fields(&fields, style);
    let mut files = Table::new(&[">SIZE", "FILE"]);
    for file in &plan.files {
        files.row([human::bytes(file.size), file.path.to_string()]);
    }
    let total = format!("{} in all", human::count(plan.files.len(), "file"));
    files.row([human::bytes(unpacked), total]);
    text += &format!("\n{}", files.render(style));
    if !plan.findings.is_empty() {
        text += "\n";
    }
    text.extend(plan.findings.iter().map(|finding| self::finding(finding) + "\n"));
    text
}

fn already(plan: &PublishPlan) -> &'static str {
    match plan.already {
        None => "is not out yet, as far as this node knows",
        Some(Already::Same) => "is out already, just like this",
        Some(Already::Other) => "is out already, with other content: raise it",
    }
}

/// `warning: gpack.toml:3: what (what to do)`
pub fn finding(finding: &Finding) -> String {
    let hint = if finding.hint.is_empty() { String::new() } else { format!(" ({})", finding.hint) };
    format!("{}: {}{}{hint}", severity(finding), before(finding), finding.message)
}

pub fn severity(finding: &Finding) -> &'static str {
    match finding.severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// `gpack.toml:3: `
fn before(finding: &Finding) -> String {
    match place(finding) {
        nowhere if nowhere.is_empty() => nowhere,
        place => format!("{place}: "),
    }
}

/// `gpack.toml:3`
pub fn place(finding: &Finding) -> String {
    match finding.line {
        Some(line) if !finding.file.is_empty() => format!("{}:{line}", finding.file),
        _ => finding.file.to_string(),
    }
}
