//! `config`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::json;

use crate::app::failure::usage;
use crate::app::keymap::Keymap;
use crate::app::output::table::Table;
use crate::app::output::{Output, Style};
use crate::app::state::{AUTO, DashboardOptions};
use crate::config::cli::{ConfigVerb, Global};
use crate::config::keys::NOT_YET_EFFECTIVE;
use crate::config::schema::Ui;
use crate::config::{Home, Loaded, edit, load, theme};
use crate::net::NodeError;

/// The settings file that the flags mean.
///
/// # Errors
/// One was named that is not there: a misspelt name must not quietly mean the defaults.
pub fn config_file(flags: &Global, home: &Home) -> Result<PathBuf, NodeError> {
    match &flags.config {
        None => Ok(home.config_file()),
        Some(file) if file.is_file() => Ok(file.clone()),
        Some(file) => Err(usage(format!("--config: there is no file {}", file.display()))
            .hint("name one that exists, or leave the flag away")),
    }
}

pub fn run(flags: &Global, verb: &ConfigVerb, output: Output) -> Result<(), NodeError> {
    let home = Home::resolve(flags.home.as_deref())?;
    let file = config_file(flags, &home)?;
    match verb {
        ConfigVerb::Path => {
            let path = file.display().to_string();
            output.answer(&json!({ "path": path, "exists": file.exists() }), |_| path.clone() + "\n")
        }
        ConfigVerb::Show { origin } => show(&load::load(&file, &flags.overrides())?, *origin, output),
        ConfigVerb::Validate => {
            let settings = load::load(&file, &flags.overrides())?.settings;
            check_keymap(&settings.ui)?;
            check_theme(&home, &settings.ui.theme)?;
            let path = file.display().to_string();
            let state = if file.exists() { "is valid" } else { "does not exist: the defaults hold" };
            output.answer(&json!({ "valid": true, "path": path }), |_| format!("{path} {state}\n"))
        }
        ConfigVerb::Edit { key, value } => {
            if let Some(command) = key.strip_prefix("ui.keymap.") {
                let keymap = BTreeMap::from([(command.to_owned(), value.clone())]);
                check_keymap(&Ui { keymap, ..Ui::default() })?;
            }
            if key == "ui.theme" {
                check_theme(&home, value)?;
            }
            edit::set(&file, key, value)?;
            warn_of_no_effect(key, output);
            let answer = json!({ "key": key, "value": value, "path": file.display().to_string() });
            output.answer(&answer, |_| format!("set {key} in {}\n", file.display()))
        }
        ConfigVerb::Reset { key: Some(key) } => {
            let changed = edit::reset(&file, key)?;
            let text =
                if changed { format!("{key} is at its default again\n") } else { format!("{key} was not set\n") };
            output.answer(&json!({ "key": key, "changed": changed }), |_| text)
        }
        ConfigVerb::Reset { key: None } => {
            edit::reset_all(&file)?;
            let path = file.display().to_string();
            output.answer(&json!({ "changed": true, "path": path }), |_| format!("{path} holds the defaults again\n"))
        }
    }
}

/// Which commands there are is beyond the settings' own checks. A dashboard would say it too, and go on without.
fn check_keymap(ui: &Ui) -> Result<(), NodeError> {
    let options = DashboardOptions::from_settings(ui, "");
    match Keymap::new(&options.panes, &options.keymap).1.into_iter().next() {
        None => Ok(()),
        Some(problem) => Err(usage(format!("ui.{problem}")).hint("docs/CONFIG.md lists the commands and their keys")),
    }
}

/// Which themes there are is beyond the settings' own checks, too.
fn check_theme(home: &Home, name: &str) -> Result<(), NodeError> {
    let (themes, problems) = theme::load_all(&home.themes_dir());
    let file = format!("/{name}.toml:");
    if let Some(problem) = problems.into_iter().find(|problem| problem.contains(&file)) {
        return Err(usage(problem).hint("mend that line, or take the file away"));
    }
    if name == AUTO || themes.contains_key(name) {
        return Ok(());
    }
    let names = themes.into_keys().collect::<Vec<_>>().join(", ");
    Err(usage(format!("there is no theme {name}"))
        .hint(format!("there are auto, {names}; or write themes/{name}.toml")))
}

fn warn_of_no_effect(key: &str, output: Output) {
    if NOT_YET_EFFECTIVE.contains(&key) {
        output.note(&format!("note: {key} has no effect in this version"));
    }
}

fn show(loaded: &Loaded, origin: bool, output: Output) -> Result<(), NodeError> {
    let origins: serde_json::Map<_, _> =
        loaded.entries().map(|(key, _, origin)| (key.name.to_owned(), origin.to_string().into())).collect();
    let mut answer = json!({
        "path": loaded.file.display().to_string(),
        "settings": loaded.settings,
        "not_yet_effective": NOT_YET_EFFECTIVE,
    });
    if let Some(answer) = answer.as_object_mut().filter(|_| origin) {
        answer.insert("origin".to_owned(), origins.into());
    }
    output.answer(&answer, |style| table(loaded, origin, style))
}

fn table(loaded: &Loaded, with_origin: bool, style: Style) -> String {
    let titles: &[&str] = if with_origin { &["KEY", "~VALUE", "ORIGIN", "NOTE"] } else { &["KEY", "~VALUE", "NOTE"] };
    let mut table = Table::new(titles);
    for (key, value, origin) in loaded.entries() {
        let note = if key.effective() { "" } else { "no effect in this version" };
        let mut cells = vec![key.name.to_owned(), value.to_string()];
        cells.extend(with_origin.then(|| origin.to_string()));
        cells.push(note.to_owned());
        table.row(cells);
    }
    table.render(style)
}
