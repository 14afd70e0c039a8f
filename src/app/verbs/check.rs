//! `publish --check`: what is wrong with a package. Needs no node and no home, and leaves nothing behind; where
//! there is a home, it is asked whether this version is out already.

use std::path::Path;

use serde::Serialize;
use tokio::runtime::Runtime;
use unicode_width::UnicodeWidthStr;

use crate::app::output::table::Table;
use crate::app::output::{Output, Style, human};
use crate::config::Home;
use crate::config::cli::{Global, PublishArgs};
use crate::market::archive::Allowed;
use crate::market::check::{self, Checked};
use crate::market::{Finding, Identity, Severity, Store};
use crate::net::api::Already;
use crate::net::control::client::ControlClient;
use crate::net::{ErrorKind, NodeError, NodeHandle};

use super::{plan, publish};

#[derive(Debug, Serialize)]
struct Answer {
    path: String,
    /// None where the manifest cannot be read.
    name: Option<String>,
    version: Option<String>,
    publishable: bool,
    errors: usize,
    warnings: usize,
    infos: usize,
    /// How many files.
    files: usize,
    /// Bytes of the archive.
    size: Option<u64>,
    package_id: Option<String>,
    findings: Vec<Finding>,
    /// Whether this version is out already by the home's key, as far as the home knows; none: no.
    already: Option<Already>,
}

/// `flags` name the home, which may know that this version is out.
pub fn run(
    flags: &Global,
    arguments: &PublishArgs,
    output: Output,
    runtime: impl FnOnce() -> Result<Runtime, NodeError>,
) -> Result<(), NodeError> {
    let path = publish::directory(&arguments.path, publish::PACKAGE)?;
    let allowed = Allowed::new(&arguments.allow)?;
    let temporary = tempfile::tempdir()
        .map_err(|e| NodeError::new(ErrorKind::Disk, format!("cannot make a temporary directory: {e}")))?;
    let checked = check::check(&path, temporary.path(), &allowed)?;
    let already = already(flags, &checked, runtime)?;
    let answer = Answer { already, ..answer(&path, checked, arguments.strict) };
    output.answer(&answer, |style| show(&answer, style))?;
    if answer.publishable {
        return match (answer.already, answer.name.as_deref().map(str::parse), answer.version.as_deref().map(str::parse))
        {
            (Some(Already::Other), Some(Ok(name)), Some(Ok(version))) => Err(plan::taken(&name, &version)),
            _ => Ok(()),
        };
    }
    let what = answer.name.as_deref().unwrap_or("the package");
    let (why, hint) = match answer.errors {
        0 => ("has warnings, which --strict takes for errors", "mend what the findings say, or leave --strict away"),
        _ => ("cannot be published as it is", "mend what the findings call errors"),
    };
    Err(NodeError::new(ErrorKind::Failed, format!("{what} {why}")).hint(hint))
}

fn answer(path: &Path, mut checked: Checked, strict: bool) -> Answer {
    let [errors, warnings, infos] =
        [Severity::Error, Severity::Warning, Severity::Info].map(|severity| checked.count(severity));
    // The gravest first; within a severity as they were found.
    checked.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let packed = checked.packed.as_ref();
    Answer {
        path: path.display().to_string(),
        name: checked.manifest.as_ref().map(|manifest| manifest.name.to_string()),
        version: checked.manifest.as_ref().map(|manifest| manifest.version.to_string()),
        publishable: errors == 0 && (warnings == 0 || !strict),
        errors,
        warnings,
        infos,
        files: packed.map_or(0, |packed| packed.files.len()),
        size: packed.map(|packed| packed.size),
        package_id: packed.map(|packed| packed.package_id.to_string()),
        findings: checked.findings,
        already: None,
    }
}

/// What the home knows of this version: its node where one runs, else its database. A home that has never had a node, or
/// settings that cannot be read, say nothing.
fn already(
    flags: &Global,
    checked: &Checked,
    runtime: impl FnOnce() -> Result<Runtime, NodeError>,
) -> Result<Option<Already>, NodeError> {
    let (Some(manifest), Some(packed)) = (&checked.manifest, &checked.packed) else { return Ok(None) };
    let Ok(home) = Home::resolve(flags.home.as_deref()) else { return Ok(None) };
    if !home.identity_file().exists() || !home.database_file().exists() {
        return Ok(None);
    }
    let publisher = Identity::load_or_create(&home.identity_file())?.public();
    let out: Vec<_> = runtime()?.block_on(async {
        let name = manifest.name.clone();
        match ControlClient::connect(&home).await? {
            Some(node) => {
                let known = NodeHandle::Remote(node).detail(name, Some(publisher)).await?;
                Ok::<_, NodeError>(known.into_iter().map(|one| (one.version, one.package_id)).collect())
            }
            None => {
                let known = Store::open(&home)?.run(move |db| db.versions(&name, Some(publisher))).await?;
                Ok(known.iter().map(|one| (one.release().version.clone(), one.release().package_id)).collect())
            }
        }
    })?;
    Ok(Already::of(out, &manifest.version, packed.package_id))
}

fn show(answer: &Answer, style: Style) -> String {
    let mut text = findings(&answer.findings, style);
    if !text.is_empty() {
        text.push('\n');
    }
    let what = match (&answer.name, &answer.version) {
        (Some(name), Some(version)) => format!("{name} {version}"),
        _ => answer.path.clone(),
    };
    let size = answer.size.map_or(String::new(), |size| {
        format!(" ({}, {} packed)", human::count(answer.files, "file"), human::bytes(size))
    });
    let counts = [(answer.errors, "error"), (answer.warnings, "warning"), (answer.infos, "note")];
    let counts = counts.map(|(number, thing)| human::count(number, thing)).join(", ");
    let verdict = match (answer.publishable, answer.already) {
        (false, _) => "cannot be published",
        (true, Some(Already::Other)) => "cannot be published: this version is out already, with other content",
        (true, Some(Already::Same)) => "is published already, just like this",
        (true, None) => "can be published",
    };
    text + &format!("{what}{size}: {verdict}; {counts}\n")
}

/// A table where it fits, else a paragraph for each: nothing of a finding is cut.
fn findings(findings: &[Finding], style: Style) -> String {
    if findings.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["SEVERITY", "WHERE", "CODE", "WHAT", "WHAT TO DO"]);
    for finding in findings {
        let (what, hint) = (finding.message.to_string(), finding.hint.to_string());
        table.row([plan::severity(finding).to_owned(), plan::place(finding), finding.code.clone(), what, hint]);
    }
    let text = table.render(Style { width: None, ..style });
    let fits = |width| text.lines().all(|line| line.width() <= width);
    match style.width {
        Some(width) if !fits(width) => paragraphs(findings),
        _ => text,
    }
}

fn paragraphs(findings: &[Finding]) -> String {
    let one = |finding: &Finding| {
        let place = plan::place(finding);
        let place = if place.is_empty() { place } else { format!(" {place}") };
        format!("{}[{}]{place}\n  {}\n  → {}\n", plan::severity(finding), finding.code, finding.message, finding.hint)
    };
    findings.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<Finding> {
        let about = |severity, line| Finding {
            severity,
            code: "file-missing".into(),
            file: "gpack.toml".into(),
            line,
            message: "'a' is listed but not there".into(),
            hint: "add the file".into(),
        };
        vec![about(Severity::Error, Some(3)), about(Severity::Warning, None)]
    }

    #[test]
    fn a_table_where_it_fits_and_paragraphs_where_it_does_not() {
        let wide = findings(&sample(), Style::default());
        assert!(wide.starts_with("SEVERITY  WHERE"), "{wide}");
        assert!(
            wide.contains("error     gpack.toml:3  file-missing  'a' is listed but not there  add the file"),
            "{wide}"
        );
        let narrow = findings(&sample(), Style { colour: false, width: Some(40) });
        assert!(narrow.contains("error[file-missing] gpack.toml:3\n  'a' is listed but not there\n  → add the file\n"));
        assert!(narrow.lines().all(|line| line.width() <= 40), "{narrow}");
        assert_eq!(findings(&[], Style::default()), "");
    }
}
