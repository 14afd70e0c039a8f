//! How the dashboard looks and which keys it has, as the settings and files have it now.

use super::{State, ToastKind};
use crate::app::keymap::Keymap;
use crate::app::looks::{Background, Looks};
use crate::config::theme::Scheme;

/// The theme that follows the terminal.
pub const AUTO: &str = "auto";

impl State {
    /// The names that a theme can be asked for by.
    pub fn theme_names(&self) -> Vec<String> {
        [AUTO.to_owned()].into_iter().chain(self.options.looks.themes.keys().cloned()).collect()
    }

    /// The theme of that name; none: there is none.
    pub fn scheme(&self, name: &str) -> Option<&Scheme> {
        let name = match (name, self.options.background) {
            (AUTO, Some(Background::Light)) => "light",
            (AUTO, _) => "dark",
            (name, _) => name,
        };
        self.options.looks.themes.get(name)
    }

    /// Shows the theme that is asked for, or else the one that follows the terminal; says so.
    pub fn apply_theme(&mut self) {
        let name = self.options.theme.clone();
        if self.scheme(&name).is_none() {
            let hint = format!("there are {}; or write themes/{name}.toml", self.theme_names().join(", "));
            self.toast(ToastKind::Warning, format!("there is no theme {name}"), Some(hint));
        }
        self.show_theme(&name);
    }

    /// Shows a theme without asking for it.
    pub fn show_theme(&mut self, name: &str) {
        if let Some(scheme) = self.scheme(name).or_else(|| self.scheme(AUTO)).cloned() {
            self.options.scheme = scheme;
        }
    }

    /// Puts the keys of settings and file in place; what is wrong with them is told.
    pub fn apply_keys(&mut self) {
        let (keymap, problems) = Keymap::new(&self.options.panes, &self.options.own_keys());
        self.keymap = keymap;
        for problem in problems {
            let hint = "mend keymap.toml, or [ui.keymap] in the settings file";
            self.toast(ToastKind::Warning, problem, Some(hint.into()));
        }
    }

    /// Takes what theme and key map files say.
    pub fn apply_looks(&mut self, looks: Looks) {
        for problem in &looks.problems {
            self.toast(ToastKind::Warning, problem.clone(), Some("it changes nothing until it is mended".into()));
        }
        self.options.looks = looks;
        self.apply_theme();
        self.apply_keys();
    }
}
