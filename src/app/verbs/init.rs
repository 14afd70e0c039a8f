//! `init`: a first manifest. Needs no node and no home.

use std::path::Path;

use serde::Serialize;

use crate::app::output::{Output, print, table};
use crate::config::cli::InitArgs;
use crate::market::archive::Allowed;
use crate::market::check::{self, Checked};
use crate::market::manifest::{self, Draft};
use crate::market::{Finding, Manifest, PackageName, SafeText, Severity};
use crate::net::{ErrorKind, NodeError};

use super::install::as_usage;
use super::{plan, publish};

#[derive(Debug, Serialize)]
struct Answer {
    path: String,
    /// Files, in the directory.
    written: Vec<String>,
    name: Option<String>,
    version: Option<String>,
    findings: Vec<Finding>,
    /// What to do next.
    next: Vec<String>,
}

pub fn run(arguments: &InitArgs, output: Output) -> Result<(), NodeError> {
    let dir = publish::directory(&arguments.dir, "name a directory that is there: the manifest is written into it")?;
    let has_manifest = ["gpack.toml", "package.toml"].iter().any(|name| dir.join(name).symlink_metadata().is_ok());
    let only_pack_toml = arguments.pack_toml && has_manifest && !arguments.force;
    let draft = if only_pack_toml { None } else { Some(draft(arguments, &dir)?) };
    if arguments.print {
        return show_texts(arguments, &dir, draft.as_ref());
    }
    let mut written = Vec::new();
    if let Some(draft) = &draft {
        written.push(manifest::write(&dir, "gpack.toml", &draft.to_toml(), arguments.force)?);
    }
    if arguments.pack_toml {
        let (manifest, _) = Manifest::read(&dir)?;
        written.push(manifest::write(&dir, "pack.toml", &manifest::pack_toml(&manifest), arguments.force)?);
    }
    let temporary = tempfile::tempdir()
        .map_err(|e| NodeError::new(ErrorKind::Disk, format!("cannot make a temporary directory: {e}")))?;
    let checked = check::check(&dir, temporary.path(), &Allowed::default())?;
    let answer = Answer {
        path: dir.display().to_string(),
        written: written.iter().map(|file| file.display().to_string()).collect(),
        name: checked.manifest.as_ref().map(|manifest| manifest.name.to_string()),
        version: checked.manifest.as_ref().map(|manifest| manifest.version.to_string()),
        next: next(&arguments.dir, &checked),
        findings: checked.findings,
    };
    output.answer(&answer, |style| {
        let found: Vec<String> = answer.findings.iter().map(plan::finding).collect();
        let fields = [
            ("written", answer.written.join("\n")),
            ("package", format!("{} {}", text(&answer.name), text(&answer.version))),
            ("found", if found.is_empty() { "nothing to mend".into() } else { found.join("\n") }),
            ("next", answer.next.join("\n")),
        ];
        table::fields(&fields, style)
    })
}

fn text(value: &Option<String>) -> &str {
    value.as_deref().unwrap_or("?")
}

/// What the files tell, with what the flags say put over it.
fn draft(arguments: &InitArgs, dir: &Path) -> Result<Draft, NodeError> {
    let id = arguments.name.as_deref().map(PackageName::new).transpose().map_err(as_usage)?;
    let mut draft = Draft::of(dir, id)?;
    let put = |field: &mut SafeText, given: &Option<String>| {
        if let Some(given) = given {
            *field = SafeText::new(given.trim());
        }
    };
    put(&mut draft.title, &arguments.title);
    put(&mut draft.description, &arguments.description);
    put(&mut draft.licence, &arguments.license);
    put(&mut draft.repository, &arguments.repository);
    put(&mut draft.category, &arguments.category);
    draft.version = arguments.version.clone().unwrap_or(draft.version);
    if !arguments.tags.is_empty() {
        draft.tags = arguments.tags.iter().map(|tag| SafeText::new(tag.trim())).collect();
    }
    Ok(draft)
}

fn show_texts(arguments: &InitArgs, dir: &Path, draft: Option<&Draft>) -> Result<(), NodeError> {
    if let Some(draft) = draft {
        print(&draft.to_toml())?;
    }
    if arguments.pack_toml && draft.is_none() {
        let (manifest, _) = Manifest::read(dir)?;
        print(&manifest::pack_toml(&manifest))?;
    }
    Ok(())
}

/// The path as it can be pasted into a shell.
fn for_shell(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+:,@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

fn next(dir: &Path, checked: &Checked) -> Vec<String> {
    let shown = for_shell(dir);
    let mut steps = vec![format!("look over what was written: {}", dir.join("gpack.toml").display())];
    if checked.findings.iter().any(|finding| finding.code == "pack-toml-missing") {
        steps.push(format!("`ggen-p2p-tui init --pack-toml {shown}` writes pack.toml for ggen's engine too"));
    }
    if checked.count(Severity::Error) + checked.count(Severity::Warning) > 0 {
        steps.push(format!("mend what was found; `ggen-p2p-tui publish --check {shown}` looks again"));
    }
    steps.push(format!("`ggen-p2p-tui publish {shown} --dry-run` shows what would be published"));
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_can_be_pasted_into_a_shell() {
        for (path, shown) in [
            ("./pack-1", "./pack-1"),
            ("My Pack", "'My Pack'"),
            ("it's", "'it'\\''s'"),
            ("größe", "größe"),
            ("$x", "'$x'"),
        ] {
            assert_eq!(for_shell(Path::new(path)), shown);
        }
    }
}
