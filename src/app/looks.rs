//! Themes, keys of the user's own, and what the terminal can show.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::theme::{self, Scheme};
use crate::config::{Home, keymap};

/// What is behind the text in the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Background {
    Dark,
    Light,
}

impl Background {
    /// Of a colour, each part from 0 to 1.
    pub fn of(red: f64, green: f64, blue: f64) -> Self {
        if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.5 { Self::Light } else { Self::Dark }
    }

    /// What `COLORFGBG` says, which some terminals set: `15;0`, the last being what is behind.
    pub fn from_variable(text: &str) -> Option<Self> {
        match text.rsplit(';').next()?.trim().parse::<u8>().ok()? {
            7 | 9..=15 => Some(Self::Light),
            0..=6 | 8 => Some(Self::Dark),
            _ => None,
        }
    }
}

/// How many colours the terminal has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Depth {
    Sixteen,
    #[default]
    Indexed,
    Exact,
}

impl Depth {
    /// From `COLORTERM` and `TERM`.
    pub fn detect(colorterm: &str, term: &str) -> Self {
        let exact = ["truecolor", "24bit"].contains(&colorterm) || term.ends_with("-direct");
        let many = ["256color", "kitty", "alacritty", "foot", "ghostty", "wezterm", "konsole", "iterm"];
        match () {
            () if exact => Self::Exact,
            () if many.iter().any(|name| term.contains(name)) => Self::Indexed,
            () => Self::Sixteen,
        }
    }
}

/// Whether the terminal can be asked for its background. Those named here print the question, or answer nothing.
pub fn can_be_asked(term: &str, in_tmux: bool) -> bool {
    let deaf = ["", "dumb", "linux", "unknown"].contains(&term) || term.starts_with("vt") || term.starts_with("Eterm");
    !deaf && (in_tmux || !term.starts_with("screen"))
}

/// The files that say how the dashboard looks and which keys it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    pub themes: PathBuf,
    pub keymap: PathBuf,
    /// What it showed when it was closed.
    pub session: PathBuf,
}

impl Files {
    pub fn of(home: &Home) -> Self {
        Self { themes: home.themes_dir(), keymap: home.keymap_file(), session: home.session_file() }
    }

    /// Reads them. Blocks.
    pub fn read(&self) -> Looks {
        let (themes, mut problems) = theme::load_all(&self.themes);
        let keys = keymap::load(&self.keymap).unwrap_or_else(|error| {
            problems.push(error.to_string());
            BTreeMap::new()
        });
        Looks { themes, keys, problems }
    }
}

/// What the files say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looks {
    /// Every theme by its name.
    pub themes: BTreeMap<String, Scheme>,
    /// Command name to key.
    pub keys: BTreeMap<String, String>,
    /// What is wrong, with file and line.
    pub problems: Vec<String>,
}

impl Default for Looks {
    /// What is built in.
    fn default() -> Self {
        let themes = theme::BUILT_IN.iter().map(|(name, _)| ((*name).to_owned(), Scheme::built_in(name))).collect();
        Self { themes, keys: BTreeMap::new(), problems: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_follow_from_the_environment() {
        for (colorterm, term, depth) in [
            ("truecolor", "xterm-256color", Depth::Exact),
            ("24bit", "xterm", Depth::Exact),
            ("", "xterm-direct", Depth::Exact),
            ("", "tmux-256color", Depth::Indexed),
            ("", "xterm-kitty", Depth::Indexed),
            ("", "xterm", Depth::Sixteen),
            ("", "linux", Depth::Sixteen),
            ("yes", "", Depth::Sixteen),
        ] {
            assert_eq!(Depth::detect(colorterm, term), depth, "{colorterm} {term}");
        }
    }

    #[test]
    fn the_background_is_light_or_dark() {
        for (text, background) in [
            ("15;0", Some(Background::Dark)),
            ("0;15", Some(Background::Light)),
            ("0;default;15", Some(Background::Light)),
            ("12;8", Some(Background::Dark)),
            ("default;default", None),
            ("", None),
            ("0;99", None),
        ] {
            assert_eq!(Background::from_variable(text), background, "{text}");
        }
        assert_eq!(Background::of(1.0, 1.0, 1.0), Background::Light);
        assert_eq!(Background::of(0.0, 0.17, 0.21), Background::Dark);
    }

    #[test]
    fn only_terminals_that_answer_are_asked() {
        for (term, in_tmux, can) in [
            ("xterm-256color", false, true),
            ("screen-256color", true, true),
            ("screen", false, false),
            ("linux", false, false),
            ("vt220", false, false),
            ("dumb", true, false),
        ] {
            assert_eq!(can_be_asked(term, in_tmux), can, "{term}");
        }
    }
}
