//! The settings as the dashboard shows and changes them: each with its value, where that came from, and what it stands for.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use toml::Value;

use crate::config::keys::{KEYS, Key};
use crate::config::schema::Ui;
use crate::config::{Loaded, Origin, Override, Settings, edit, load};
use crate::net::{ErrorKind, NodeError};

/// One setting as it holds now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// `section.key`
    pub name: String,
    /// As it is typed: a text without quotes, a list as `["a", "b"]`.
    pub value: String,
    pub from: From,
    /// `file, line 7`, `environment, GGEN_P2P_UI_THEME`
    pub origin: String,
}

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum From {
    Default,
    File,
    Environment,
    Flag,
}

/// All settings, and what of them the dashboard itself goes by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sheet {
    pub settings: Vec<Setting>,
    pub ui: Ui,
}

/// Where the settings of a dashboard come from.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    pub file: PathBuf,
    pub flags: Vec<Override>,
    /// Whether there is a file at all: a demo has none.
    pub stored: bool,
}

impl Source {
    /// Reads file, environment and flags. Blocks.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn read(&self) -> Result<Sheet, NodeError> {
        let loaded = if self.stored {
            load::load(&self.file, &self.flags)
        } else {
            load::load_from(&self.file, None, std::env::vars_os(), &self.flags)
        };
        Ok(Sheet::of(loaded?))
    }

    /// Sets a setting in the file, comments kept; none: takes it out, so that its default holds. Blocks.
    ///
    /// # Errors
    /// Nothing is kept here, the value is not allowed, the file is wrong otherwise, or it cannot be written; it is left alone then.
    pub fn write(&self, name: &str, value: Option<&str>) -> Result<Sheet, NodeError> {
        if !self.stored {
            return Err(nothing_kept());
        }
        match value {
            Some(value) => edit::set(&self.file, name, value)?,
            None => edit::reset(&self.file, name).map(drop)?,
        }
        self.read()
    }
}

/// A demo or a simulation has no settings file.
pub fn nothing_kept() -> NodeError {
    NodeError::new(ErrorKind::Usage, "no setting is kept here").hint("start without --demo or --sim")
}

impl Sheet {
    /// What was loaded.
    pub fn of(loaded: Loaded) -> Self {
        let setting = |(key, value, origin): (&Key, &Value, &Origin)| Setting {
            name: key.name.to_owned(),
            value: text(value),
            from: match origin {
                Origin::Default => From::Default,
                Origin::File { .. } => From::File,
                Origin::Environment { .. } => From::Environment,
                Origin::Flag { .. } => From::Flag,
            },
            origin: origin.to_string(),
        };
        Self { settings: loaded.entries().map(setting).collect(), ui: loaded.settings.ui.clone() }
    }
}

/// Every setting's value by its name, as it is typed.
pub fn texts(settings: &Settings) -> BTreeMap<String, String> {
    let Ok(table) = Value::try_from(settings) else { return BTreeMap::new() };
    let value = |key: &Key| table.get(key.section())?.get(key.leaf()).map(text);
    KEYS.iter().filter_map(|key| Some((key.name.to_owned(), value(key)?))).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Table(table) => {
            let entry = |(key, value): (&String, &Value)| format!("{key} = {value}");
            let entries = table.iter().map(entry).collect::<Vec<_>>().join(", ");
            if entries.is_empty() { "{}".to_owned() } else { format!("{{ {entries} }}") }
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(dir: &tempfile::TempDir) -> Source {
        Source { file: dir.path().join("p2p-config.toml"), flags: Vec::new(), stored: true }
    }

    fn find<'a>(sheet: &'a Sheet, name: &str) -> &'a Setting {
        sheet.settings.iter().find(|setting| setting.name == name).unwrap()
    }

    #[test]
    fn every_value_is_text_that_its_setting_takes() {
        let values = texts(&Settings::default());
        for key in KEYS {
            assert!(key.kind.parse(&values[key.name]).is_ok(), "{}: {}", key.name, values[key.name]);
        }
        let keymap = BTreeMap::from([("quit".to_owned(), "f10".to_owned()), ("log-level".to_owned(), "\"".to_owned())]);
        let settings = Settings { ui: Ui { keymap: keymap.clone(), ..Ui::default() }, ..Settings::default() };
        let key = crate::config::keys::find("ui.keymap").unwrap();
        let read = key.kind.parse(&texts(&settings)["ui.keymap"]).unwrap();
        assert_eq!(read, Value::try_from(keymap).unwrap());
    }

    #[test]
    fn what_is_written_is_read_and_what_is_reset_is_the_default() {
        let dir = tempfile::tempdir().unwrap();
        let source = source(&dir);
        let sheet = source.write("performance.max_peers", Some("77")).unwrap();
        let setting = find(&sheet, "performance.max_peers");
        assert_eq!((setting.value.as_str(), setting.from), ("77", From::File));
        assert!(setting.origin.starts_with("file, line "), "{}", setting.origin);
        let text = std::fs::read_to_string(&source.file).unwrap();
        assert!(text.contains("# Connections kept at most.\nmax_peers = 77\n"), "{text}");
        let sheet = source.write("performance.max_peers", None).unwrap();
        assert_eq!(find(&sheet, "performance.max_peers").from, From::Default);
    }

    #[test]
    fn what_is_wrong_is_refused_and_named() {
        let dir = tempfile::tempdir().unwrap();
        let source = source(&dir);
        let error = source.write("performance.max_peers", Some("lots")).unwrap_err();
        assert!(error.message.contains("a whole number from 1 to 1000"), "{error}");
        let error = source.write("performance.min_peers", Some("900")).unwrap_err();
        assert!(error.message.contains("must not be above max_peers"), "{error}");
        assert!(!source.file.exists());
    }

    #[test]
    fn where_nothing_is_stored_no_file_is_touched() {
        let dir = tempfile::tempdir().unwrap();
        let source = Source { stored: false, ..source(&dir) };
        assert_eq!(source.write("ui.ascii", Some("true")).unwrap_err().kind, ErrorKind::Usage);
        assert!(!source.file.exists());
    }
}
