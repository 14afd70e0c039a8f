//! Putting the settings together: flag over environment over file over default.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::error::ConfigError;
use super::keys::{self, ENV_PREFIX, KEYS, Key};
use super::schema::Settings;
use super::source;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Default,
    File { line: usize },
    Environment { variable: String },
    Flag { flag: &'static str },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { line } => write!(f, "file, line {line}"),
            Self::Environment { variable } => write!(f, "environment, {variable}"),
            Self::Flag { flag } => write!(f, "flag, {flag}"),
        }
    }
}

/// A setting given on the command line.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    /// As in [`KEYS`].
    pub key: &'static str,
    pub value: Value,
    /// As it is typed, e.g. `--no-mdns`.
    pub flag: &'static str,
}

/// All settings, and where each came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub settings: Settings,
    /// The file they were read from, whether it exists or not.
    pub file: PathBuf,
    values: BTreeMap<&'static str, (Value, Origin)>,
}

impl Loaded {
    /// Every setting in the order of the file: key, value, origin.
    pub fn entries(&self) -> impl Iterator<Item = (&'static Key, &Value, &Origin)> {
        KEYS.iter().filter_map(|key| {
            let (value, origin) = self.values.get(key.name)?;
            Some((key, value, origin))
        })
    }
}

/// Reads `file` and the environment of this process, puts `flags` over them and checks it all.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn load(file: &Path, flags: &[Override]) -> Result<Loaded, ConfigError> {
    load_from(file, source::read(file)?.as_deref(), std::env::vars_os(), flags)
}

/// The same from a text and an environment that are given.
pub fn load_from(
    file: &Path,
    text: Option<&str>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    flags: &[Override],
) -> Result<Loaded, ConfigError> {
    let mut values = defaults()?;
    for entry in source::parse(file, text.unwrap_or_default())? {
        values.insert(entry.key.name, (entry.value, Origin::File { line: entry.line }));
    }
    for (variable, text) in environment {
        if let Some((key, value)) = from_environment(&variable, &text)? {
            values.insert(key.name, (value, Origin::Environment { variable: key.variable() }));
        }
    }
    for flag in flags {
        let checked = keys::find(flag.key).map_or(Ok(()), |key| key.kind.check(&flag.value));
        checked.map_err(|problem| ConfigError::Value { origin: flag.flag.to_owned(), problem })?;
        values.insert(flag.key, (flag.value.clone(), Origin::Flag { flag: flag.flag }));
    }
    let settings = assemble(&values)?;
    check_together(&settings, &values, file)?;
    Ok(Loaded { settings, file: file.to_owned(), values })
}

fn defaults() -> Result<BTreeMap<&'static str, (Value, Origin)>, ConfigError> {
    let table = Value::try_from(Settings::default()).map_err(inconsistent)?;
    let value = |key: &Key| table.get(key.section())?.get(key.leaf()).cloned();
    Ok(KEYS.iter().filter_map(|key| Some((key.name, (value(key)?, Origin::Default)))).collect())
}

fn from_environment(variable: &OsString, text: &OsString) -> Result<Option<(&'static Key, Value)>, ConfigError> {
    let Some(name) = variable.to_str().filter(|name| name.starts_with(ENV_PREFIX)) else { return Ok(None) };
    // Whoever set the variables may have put anything in their names.
    let fault = |problem| ConfigError::Value { origin: name.escape_debug().to_string(), problem };
    let Some(key) = KEYS.iter().find(|key| key.variable() == name) else {
        // A variable of another program may begin alike; one that names a section of ours is a misspelt setting.
        let section = name.strip_prefix(ENV_PREFIX).and_then(|rest| rest.split('_').next()).unwrap_or_default();
        if !keys::sections().contains(&section.to_lowercase().as_str()) {
            return Ok(None);
        }
        return Err(fault(keys::unknown("setting", name, KEYS.iter().map(Key::variable))));
    };
    let text = text.to_str().ok_or_else(|| fault("this is no UTF-8 text".to_owned()))?;
    let value = key.kind.parse(text).map_err(|problem| fault(format!("{}: {problem}", key.name)))?;
    Ok(Some((key, value)))
}

fn assemble(values: &BTreeMap<&'static str, (Value, Origin)>) -> Result<Settings, ConfigError> {
    let mut table = Table::new();
    for key in KEYS {
        let Some((value, _)) = values.get(key.name) else { continue };
        let section = table.entry(key.section()).or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(section) = section {
            section.insert(key.leaf().to_owned(), value.clone());
        }
    }
    table.try_into().map_err(inconsistent)
}

/// The list of keys and the schema disagree; tests hold that they do not.
fn inconsistent(error: impl fmt::Display) -> ConfigError {
    ConfigError::Value { origin: "settings".into(), problem: error.to_string().replace('\n', " ") }
}

/// What no value shows alone.
fn check_together(
    settings: &Settings,
    values: &BTreeMap<&'static str, (Value, Origin)>,
    file: &Path,
) -> Result<(), ConfigError> {
    let fault = |key: &'static str, problem: String| match values.get(key) {
        Some((_, Origin::File { line })) => Err(ConfigError::InFile {
            file: file.to_owned(),
            line: *line,
            column: 1,
            problem: format!("{key}: {problem}"),
        }),
        Some((_, Origin::Environment { variable })) => Err(ConfigError::Value { origin: variable.clone(), problem }),
        _ => Err(ConfigError::Value { origin: key.to_owned(), problem }),
    };
    let (least, most) = (settings.performance.min_peers, settings.performance.max_peers);
    if least > most {
        let key = if matches!(values.get("performance.min_peers"), Some((_, Origin::Default))) {
            "performance.max_peers"
        } else {
            "performance.min_peers"
        };
        return fault(key, format!("min_peers ({least}) must not be above max_peers ({most})"));
    }
    if !settings.security.require_signatures {
        return fault("security.require_signatures", "only true is allowed: nothing unsigned is ever accepted".into());
    }
    if settings.network.listen_addresses.is_empty() {
        return fault("network.listen_addresses", "at least one address is needed".into());
    }
    let panes = &settings.ui.panes;
    if let Some(twice) = panes.iter().enumerate().find_map(|(at, pane)| panes.iter().skip(at + 1).find(|p| *p == pane))
    {
        return fault("ui.panes", format!("the pane {twice:?} is named twice"));
    }
    if panes.is_empty() {
        return fault("ui.panes", "at least one pane is needed".into());
    }
    Ok(())
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
