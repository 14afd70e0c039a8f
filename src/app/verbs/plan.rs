//! `publish --dry-run` with no node: what the domain alone can say.

use std::path::{Path, PathBuf};

use crate::app::output::table::{self, Table};
use crate::app::output::{Style, human};
use crate::market::archive;
use crate::market::{Finding, Identity, Manifest, SafeText, Severity, Store};
use crate::net::api::PublishPlan;
use crate::net::{ErrorKind, NodeError};

use super::{Context, install::open_store};

/// Reads and packs the package in `path`; leaves nothing behind.
pub async fn make(context: &Context, path: &Path) -> Result<PublishPlan, NodeError> {
    let identity_file = context.home.identity_file();
    let store = open_store(context)?;
    let path: PathBuf = path.to_owned();
    let work = tokio::task::spawn_blocking(move || inspect(&path, &identity_file, store.as_ref()));
    work.await.map_err(|e| NodeError::new(ErrorKind::Failed, format!("inspecting the package broke off: {e}")))?
}

fn inspect(path: &Path, identity_file: &Path, store: Option<&Store>) -> Result<PublishPlan, NodeError> {
    let (manifest, mut findings) = Manifest::read(path)?;
    let temporary = tempfile::tempdir()
        .map_err(|e| NodeError::new(ErrorKind::Disk, format!("cannot make a temporary directory: {e}")))?;
    let packed = archive::pack(path, temporary.path())?;
    findings.extend(packed.findings.iter().cloned());
    let publisher = if identity_file.exists() { Some(Identity::load_or_create(identity_file)?.public()) } else { None };
    let previous = match (store, publisher) {
        (Some(store), Some(publisher)) => {
            let name = manifest.name.clone();
            let versions = store.run_blocking(move |db| db.versions(&name, Some(publisher)))?;
            versions.first().map(|newest| newest.release().version.clone())
        }
        _ => None,
    };
    Ok(PublishPlan::of(path, manifest, packed, findings, publisher, previous))
}

/// # Errors
/// What keeps the package from being published.
pub fn refuse(plan: &PublishPlan) -> Result<(), NodeError> {
    let errors: Vec<_> = plan.findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    let Some(first) = errors.first() else { return Ok(()) };
    let more = match errors.len() - 1 {
        0 => String::new(),
        others => format!("; and {} (--dry-run shows all)", human::count(others, "more error")),
    };
    let what = format!("{} cannot be published: {}{}{more}", plan.name, place(first), first.message);
    let hint = if first.hint.is_empty() { "correct the package and publish again" } else { first.hint.as_str() };
    Err(NodeError::new(ErrorKind::Failed, what).hint(hint))
}

/// The plan for people: what, which files, what is wrong with it.
pub fn show(plan: &PublishPlan, style: Style) -> String {
    let list = |texts: &[SafeText]| texts.iter().map(|text| text.as_str()).collect::<Vec<_>>().join(", ");
    let fields = [
        ("package", format!("{} {}", plan.name, plan.version)),
        ("description", plan.description.to_string()),
        ("category", plan.category.to_string()),
        ("tags", list(&plan.tags)),
        ("licence", plan.licence.to_string()),
        ("publisher", plan.key()),
        ("newest version out", plan.previous.as_ref().map_or("none".into(), semver::Version::to_string)),
        ("package id", plan.package_id.to_string()),
        ("archive", format!("{}, {}", human::bytes(plan.size), human::count(plan.files.len(), "file"))),
    ];
    let mut text = table::fields(&fields, style);
    let mut files = Table::new(&[">SIZE", "FILE"]);
    for file in &plan.files {
        files.row([human::bytes(file.size), file.path.to_string()]);
    }
    text += &format!("\n{}", files.render(style));
    if !plan.findings.is_empty() {
        text += "\n";
    }
    text.extend(plan.findings.iter().map(|finding| self::finding(finding) + "\n"));
    text
}

/// `warning: gpack.toml:3: what (what to do)`
pub fn finding(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    let hint = if finding.hint.is_empty() { String::new() } else { format!(" ({})", finding.hint) };
    format!("{severity}: {}{}{hint}", place(finding), finding.message)
}

/// `gpack.toml:3: `
fn place(finding: &Finding) -> String {
    match (finding.file.is_empty(), finding.line) {
        (true, _) => String::new(),
        (false, Some(line)) => format!("{}:{line}: ", finding.file),
        (false, None) => format!("{}: ", finding.file),
    }
}
