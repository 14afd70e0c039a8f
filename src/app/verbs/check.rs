//! `publish --check`: what is wrong with a package. Needs no node and no home, and leaves nothing behind.

use std::path::Path;

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use crate::app::output::table::Table;
use crate::app::output::{Output, Style, human};
use crate::config::cli::PublishArgs;
use crate::market::archive::Allowed;
use crate::market::check::{self, Checked};
use crate::market::{Finding, Severity};
use crate::net::{ErrorKind, NodeError};

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
}

pub fn run(arguments: &PublishArgs, output: Output) -> Result<(), NodeError> {
    let path = publish::directory(&arguments.path)?;
    let allowed = Allowed::new(&arguments.allow)?;
    let temporary = tempfile::tempdir()
        .map_err(|e| NodeError::new(ErrorKind::Disk, format!("cannot make a temporary directory: {e}")))?;
    let answer = answer(&path, check::check(&path, temporary.path(), &allowed)?, arguments.strict);
    output.answer(&answer, |style| show(&answer, style))?;
    if answer.publishable {
        return Ok(());
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
    }
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
    let verdict = if answer.publishable { "can be published" } else { "cannot be published" };
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
