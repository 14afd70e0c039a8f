//! `publish --dry-run` with no node: what the domain alone can say.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::app::output::table::{self, Table};
use crate::app::output::{Style, human};
use crate::market::archive::{self, FileEntry};
use crate::market::{Finding, Identity, Manifest, PackageId, PublisherKey, SafeText, Severity, Store};
use crate::net::api::PublishPlan;
use crate::net::{ErrorKind, NodeError};

use super::{Context, install::open_store};

/// A plan; `publisher` is none where the home has no key yet: the first publish makes it.
#[derive(Debug, Serialize)]
pub struct DryRun {
    pub path: String,
    pub name: crate::market::PackageName,
    pub version: semver::Version,
    pub description: SafeText,
    pub category: SafeText,
    pub tags: Vec<SafeText>,
    pub licence: SafeText,
    pub publisher: Option<PublisherKey>,
    pub package_id: PackageId,
    /// Archive bytes.
    pub size: u64,
    pub files: Vec<FileEntry>,
    pub findings: Vec<Finding>,
    pub previous: Option<semver::Version>,
    pub publishable: bool,
}

impl From<PublishPlan> for DryRun {
    fn from(plan: PublishPlan) -> Self {
        Self {
            path: plan.path,
            name: plan.name,
            version: plan.version,
            description: plan.description,
            category: plan.category,
            tags: plan.tags,
            licence: plan.licence,
            publisher: Some(plan.publisher),
            package_id: plan.package_id,
            size: plan.size,
            files: plan.files,
            findings: plan.findings,
            previous: plan.previous,
            publishable: plan.publishable,
        }
    }
}

/// Reads and packs the package in `path`; leaves nothing behind.
pub async fn make(context: &Context, path: &Path) -> Result<DryRun, NodeError> {
    let identity_file = context.home.identity_file();
    let store = open_store(context)?;
    let path: PathBuf = path.to_owned();
    let work = tokio::task::spawn_blocking(move || inspect(&path, &identity_file, store.as_ref()));
    work.await.map_err(|e| NodeError::new(ErrorKind::Failed, format!("inspecting the package broke off: {e}")))?
}

fn inspect(path: &Path, identity_file: &Path, store: Option<&Store>) -> Result<DryRun, NodeError> {
    let (manifest, mut findings) = Manifest::read(path)?;
    let temporary = tempfile::tempdir()
        .map_err(|e| NodeError::new(ErrorKind::Disk, format!("cannot make a temporary directory: {e}")))?;
    let packed = archive::pack(path, temporary.path())?;
    findings.extend(packed.findings);
    let publisher = if identity_file.exists() { Some(Identity::load_or_create(identity_file)?.public()) } else { None };
    let previous = match (store, publisher) {
        (Some(store), Some(publisher)) => {
            let name = manifest.name.clone();
            let versions = store.run_blocking(move |db| db.versions(&name, Some(publisher)))?;
            versions.first().map(|newest| newest.release().version.clone())
        }
        _ => None,
    };
    Ok(DryRun {
        path: path.display().to_string(),
        name: manifest.name,
        version: manifest.version,
        description: manifest.description,
        category: manifest.category,
        tags: manifest.tags,
        licence: manifest.licence,
        publisher,
        package_id: packed.package_id,
        size: packed.size,
        files: packed.files,
        publishable: !findings.iter().any(|finding| finding.severity == Severity::Error),
        findings,
        previous,
    })
}

/// # Errors
/// What keeps the package from being published.
pub fn refuse(plan: &DryRun) -> Result<(), NodeError> {
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
pub fn show(plan: &DryRun, style: Style) -> String {
    let list = |texts: &[SafeText]| texts.iter().map(|text| text.as_str()).collect::<Vec<_>>().join(", ");
    let fields = [
        ("package", format!("{} {}", plan.name, plan.version)),
        ("description", plan.description.to_string()),
        ("category", plan.category.to_string()),
        ("tags", list(&plan.tags)),
        ("licence", plan.licence.to_string()),
        ("publisher", plan.publisher.map_or("a new key, made by the first publish".into(), |key| key.to_string())),
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
