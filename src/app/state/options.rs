//! How the dashboard was asked to look and behave.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Tab;
use crate::app::looks::{Background, Depth, Files, Looks};
use crate::app::session::Session;
use crate::app::settings::Source;
use crate::config::schema;
use crate::config::theme::Scheme;

/// What was asked for when it was opened, and what has become of it since. A recording begins with them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DashboardOptions {
    /// What of the settings concerns the dashboard, as it holds.
    pub ui: schema::Ui,
    /// The name of a theme, or `auto`.
    pub theme: String,
    /// The theme that is shown.
    pub scheme: Scheme,
    pub looks: Looks,
    /// What is behind the text, as far as it is known.
    pub background: Option<Background>,
    pub depth: Depth,
    /// Whether the terminal can be asked for its background.
    pub can_be_asked: bool,
    /// No colours (`NO_COLOR` is set and not empty).
    pub no_color: bool,
    /// Only ASCII characters.
    pub ascii: bool,
    /// The terminal shows nothing else, whatever the settings say.
    pub only_ascii: bool,
    pub mouse: bool,
    /// Frames a second, 1 to 30.
    pub frame_rate: u32,
    /// The tabs, in their order; at least one.
    pub panes: Vec<Tab>,
    /// Command name to key.
    pub keymap: BTreeMap<String, String>,
    /// Show the DEMO banner.
    pub demo: bool,
    /// The simulation that is shown instead of a node.
    pub sim: Option<String>,
    /// Shown until the node says its own.
    pub network: String,
    /// Where the settings are read and written; none: nowhere.
    #[serde(skip)]
    pub source: Option<Source>,
    /// Where themes, keys and the session are kept; none: nowhere.
    #[serde(skip)]
    pub files: Option<Files>,
    /// What was shown when it was closed the last time.
    pub session: Session,
    /// Where relative paths begin; absolute.
    pub current_dir: String,
    /// What `~` stands for; none: it stands for itself.
    pub user_home: Option<String>,
}

impl Default for DashboardOptions {
    fn default() -> Self {
        let settings = crate::config::Settings::default();
        Self::from_settings(&settings.ui, &settings.network.name)
    }
}

impl DashboardOptions {
    /// What the settings say; the environment is the caller's to add.
    pub fn from_settings(ui: &schema::Ui, network: &str) -> Self {
        Self {
            ui: ui.clone(),
            theme: ui.theme.clone(),
            scheme: Scheme::built_in("dark"),
            looks: Looks::default(),
            background: None,
            depth: Depth::default(),
            can_be_asked: false,
            no_color: false,
            ascii: ui.ascii,
            only_ascii: false,
            mouse: ui.mouse,
            frame_rate: ui.frame_rate.clamp(1, 30),
            panes: ui.panes.iter().filter_map(|name| Tab::of(name)).collect(),
            keymap: ui.keymap.clone(),
            demo: false,
            sim: None,
            network: network.to_owned(),
            source: None,
            files: None,
            session: Session::default(),
            current_dir: "/".into(),
            user_home: None,
        }
    }

    /// Command name to key: of the settings, and over them of the key map file.
    pub fn own_keys(&self) -> BTreeMap<String, String> {
        self.keymap.iter().chain(&self.looks.keys).map(|(command, key)| (command.clone(), key.clone())).collect()
    }

    /// The absolute path that a typed one means.
    pub fn absolute(&self, typed: &str) -> String {
        match (typed.strip_prefix('~'), &self.user_home) {
            (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => format!("{home}{rest}"),
            _ if typed.starts_with('/') => typed.to_owned(),
            _ => format!("{}/{typed}", self.current_dir.trim_end_matches('/')),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_paths_become_absolute() {
        let options = DashboardOptions {
            current_dir: "/srv".into(),
            user_home: Some("/home/ada".into()),
            ..DashboardOptions::default()
        };
        for (typed, path) in
            [("/a", "/a"), ("a/b", "/srv/a/b"), ("~/x", "/home/ada/x"), ("~x", "/srv/~x"), ("", "/srv/")]
        {
            assert_eq!(options.absolute(typed), path);
        }
    }
}
