//! Theme files: colours by name, and the styles that are made of them.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use toml_edit::{Document, Item};

use super::error::ConfigError;
use super::source::{self, Locate};

/// The themes that are built in.
pub const BUILT_IN: [(&str, &str); 5] = [
    ("dark", include_str!("../../assets/themes/dark.toml")),
    ("light", include_str!("../../assets/themes/light.toml")),
    ("high-contrast", include_str!("../../assets/themes/high-contrast.toml")),
    ("colour-blind", include_str!("../../assets/themes/colour-blind.toml")),
    ("mono", include_str!("../../assets/themes/mono.toml")),
];

/// Colours and styles that a file may name.
const MAX_NAMES: usize = 256;
/// Theme files of the user's own that are read.
const MAX_THEMES: usize = 64;

/// The sixteen colours of every terminal, in their order, with what they look like in most.
const NAMED: [(&str, [u8; 3]); 16] = [
    ("black", [0, 0, 0]),
    ("red", [205, 0, 0]),
    ("green", [0, 205, 0]),
    ("yellow", [205, 205, 0]),
    ("blue", [0, 0, 238]),
    ("magenta", [205, 0, 205]),
    ("cyan", [0, 205, 205]),
    ("white", [229, 229, 229]),
    ("bright-black", [127, 127, 127]),
    ("bright-red", [255, 0, 0]),
    ("bright-green", [0, 255, 0]),
    ("bright-yellow", [255, 255, 0]),
    ("bright-blue", [92, 92, 255]),
    ("bright-magenta", [255, 0, 255]),
    ("bright-cyan", [0, 255, 255]),
    ("bright-white", [255, 255, 255]),
];

/// A colour: exactly, where the terminal has so many, else the one of sixteen that stands for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Colour {
    /// None: one of the sixteen was named, and is what the terminal makes of it.
    pub rgb: Option<[u8; 3]>,
    /// 0 to 15.
    pub named: u8,
}

/// How a piece of text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Style {
    pub colour: Option<Colour>,
    pub behind: Option<Colour>,
    pub bold: bool,
    pub faint: bool,
    pub underlined: bool,
    pub reversed: bool,
}

/// What a style is for, its name in a file, and what it is unless the file says otherwise.
macro_rules! roles {
    ($($(#[$doc:meta])* $role:ident = $name:literal: $usual:literal,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Role { $($(#[$doc])* $role),* }

        const ROLES: &[(Role, &str, &str)] = &[$((Role::$role, $name, $usual)),*];
    };
}

roles! {
    Text = "text": "",
    Strong = "strong": "bold",
    Dim = "dim": "dim",
    Border = "border": "border",
    Title = "title": "bold accent",
    Accent = "accent": "accent",
    /// A key in a hint.
    Key = "key": "bold accent",
    Good = "good": "good",
    Warn = "warn": "warn",
    Bad = "bad": "bad",
    /// The selected line.
    Selected = "selected": "bold on selected",
    Tab = "tab": "dim",
    TabActive = "tab-active": "bold on-accent on accent",
    /// DEMO, FROZEN, and the yes of a dangerous question.
    Banner = "banner": "bold on-accent on warn",
    /// Letters that were looked for.
    Matched = "matched": "underlined accent",
    Toast = "toast": "on surface",
    Button = "button": "on surface",
    ButtonActive = "button-active": "bold on-accent on accent",
}

/// Every style of a theme.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scheme {
    styles: BTreeMap<Role, Style>,
}

impl Scheme {
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(&role).copied().unwrap_or_default()
    }

    /// A theme that is built in; without colours where there is none of that name.
    pub fn built_in(name: &str) -> Self {
        let text = BUILT_IN.iter().find(|(built_in, _)| *built_in == name).map_or("", |(_, text)| *text);
        parse(Path::new(name), text).unwrap_or_default()
    }
}

/// Reads `text` as the content of `file`.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub fn parse(file: &Path, text: &str) -> Result<Scheme, ConfigError> {
    let at = Locate { file, text };
    let document = Document::parse(text).map_err(|error| at.fault(error.span(), source::one_line(error.message())))?;
    let (mut colours, mut written) = (BTreeMap::new(), BTreeMap::new());
    for (section, item) in document.iter() {
        let span = document.as_table().key(section).and_then(|key| key.span());
        let Some(table) = item.as_table_like() else {
            return Err(at.fault(span, format!("{section:?} is no section: write [colours] and [styles]")));
        };
        if table.len() > MAX_NAMES {
            return Err(at.fault(span, format!("{section} has over {MAX_NAMES} entries")));
        }
        for (name, item) in table.iter() {
            let place = || item.span().or_else(|| table.key(name).and_then(|key| key.span()));
            let fault = |problem: String| at.fault(place(), format!("{section}.{name}: {problem}"));
            match section {
                "colours" => {
                    colours.insert(name.to_owned(), colour(name, item).map_err(fault)?);
                }
                "styles" => {
                    let Some((role, ..)) = ROLES.iter().find(|(_, role, _)| *role == name) else {
                        let known = ROLES.iter().map(|(_, role, _)| (*role).to_owned());
                        return Err(fault(super::keys::unknown("style", name, known)));
                    };
                    let text = item.as_str().ok_or_else(|| fault("expected a text such as \"bold accent\"".into()))?;
                    written.insert(*role, (text.to_owned(), place()));
                }
                other => {
                    let known = ["colours", "styles"].map(str::to_owned).into_iter();
                    return Err(at.fault(span, super::keys::unknown("section", other, known)));
                }
            }
        }
    }
    let mut styles = BTreeMap::new();
    // What is written comes first: a fault there is nearer to what was meant than a colour that is lacking.
    let (said, usual): (Vec<_>, Vec<_>) = ROLES.iter().copied().partition(|(role, ..)| written.contains_key(role));
    for (role, name, usual) in said.into_iter().chain(usual) {
        let (text, place) = written.get(&role).map_or((usual, None), |(text, place)| (text.as_str(), place.clone()));
        let style = style(text, &colours).map_err(|problem| at.fault(place, format!("styles.{name}: {problem}")))?;
        styles.insert(role, style);
    }
    Ok(Scheme { styles })
}

const ATTRIBUTES: [&str; 4] = ["bold", "faint", "underlined", "reversed"];

fn colour(name: &str, item: &Item) -> Result<Colour, String> {
    if name == "on" || ATTRIBUTES.contains(&name) {
        return Err(format!("{name} means something else in a style: take another name"));
    }
    let expected = || "expected a colour such as \"#5fd7d7\", or [\"#5fd7d7\", \"cyan\"]".to_owned();
    if let Some(text) = item.as_str() {
        return written(text);
    }
    let list = item.as_array().ok_or_else(expected)?;
    let texts: Vec<&str> = list.iter().filter_map(|item| item.as_str()).collect();
    match texts.as_slice() {
        [exact, named] if list.len() == 2 => {
            let named = sixteen(named).ok_or_else(|| format!("{} is none of {}", excerpt(named), all_named()))?;
            Ok(Colour { named, ..written(exact)? })
        }
        _ => Err(expected()),
    }
}

fn written(text: &str) -> Result<Colour, String> {
    if let Some(named) = sixteen(text) {
        return Ok(Colour { rgb: None, named });
    }
    let wrong = || format!("{} is no colour: write #rrggbb, or one of {}", excerpt(text), all_named());
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii()).ok_or_else(wrong)?;
    let part = |at: usize| digits.get(at..at + 2).and_then(|part| u8::from_str_radix(part, 16).ok()).ok_or_else(wrong);
    let rgb = [part(0)?, part(2)?, part(4)?];
    Ok(Colour { rgb: Some(rgb), named: nearest(rgb) })
}

fn sixteen(text: &str) -> Option<u8> {
    NAMED.iter().position(|(name, _)| *name == text).and_then(|place| u8::try_from(place).ok())
}

fn nearest(rgb: [u8; 3]) -> u8 {
    let places = (0u8..).zip(NAMED);
    places.min_by_key(|(_, (_, other))| distance(rgb, *other)).map_or(7, |(place, _)| place)
}

/// How far two colours are apart, roughly as eyes see it: green counts most.
pub fn distance(a: [u8; 3], b: [u8; 3]) -> u32 {
    let [red, green, blue] = [0, 1, 2].map(|part: usize| {
        let of = |colour: [u8; 3]| u32::from(colour.get(part).copied().unwrap_or_default());
        of(a).abs_diff(of(b)).pow(2)
    });
    2 * red + 4 * green + 3 * blue
}

fn style(text: &str, colours: &BTreeMap<String, Colour>) -> Result<Style, String> {
    let mut style = Style::default();
    let mut behind = false;
    for word in text.split_whitespace() {
        match word {
            "on" if !behind => {
                behind = true;
                continue;
            }
            "bold" => style.bold = true,
            "faint" => style.faint = true,
            "underlined" => style.underlined = true,
            "reversed" => style.reversed = true,
            _ => {
                let colour = match colours.get(word) {
                    Some(colour) => *colour,
                    None => written(word).map_err(|_| unknown_colour(word, colours))?,
                };
                let slot = if behind { &mut style.behind } else { &mut style.colour };
                if slot.replace(colour).is_some() {
                    return Err(format!("{} is one colour too many", excerpt(word)));
                }
            }
        }
        behind = false;
    }
    if behind { Err("`on` is followed by the colour behind".into()) } else { Ok(style) }
}

fn unknown_colour(word: &str, colours: &BTreeMap<String, Colour>) -> String {
    let known = colours.keys().cloned().chain(ATTRIBUTES.map(str::to_owned));
    super::keys::unknown("colour", word, known)
}

fn all_named() -> String {
    NAMED.map(|(name, _)| name).join(", ")
}

fn excerpt(text: &str) -> String {
    format!("{:?}", text.chars().take(40).collect::<String>())
}

/// Every theme by its name: those that are built in, and over them those of the files `NAME.toml` in `folder`; and what is
/// wrong with such a file, one line each, which then changes nothing. Blocks.
pub fn load_all(folder: &Path) -> (BTreeMap<String, Scheme>, Vec<String>) {
    let mut themes: BTreeMap<String, Scheme> =
        BUILT_IN.iter().map(|(name, _)| ((*name).to_owned(), Scheme::built_in(name))).collect();
    let mut problems = Vec::new();
    for file in files(folder) {
        let Some(name) = file.file_stem().and_then(|stem| stem.to_str()) else { continue };
        if name == "auto" || super::rules::theme(name).is_err() {
            problems.push(format!("{}: name it with a-z, 0-9 and -, at most 40, and not auto", file.display()));
            continue;
        }
        let read = source::read(&file).and_then(|text| parse(&file, text.as_deref().unwrap_or_default()));
        match read {
            Ok(scheme) => {
                themes.insert(name.to_owned(), scheme);
            }
            Err(error) => problems.push(error.to_string()),
        }
    }
    (themes, problems)
}

/// The theme files of a folder, by name, as many as are read.
pub fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().take(1024);
    let is_theme = |path: &std::path::PathBuf| path.extension().is_some_and(|extension| extension == "toml");
    let mut files: Vec<_> = entries.map(|entry| entry.path()).filter(is_theme).collect();
    files.sort();
    files.truncate(MAX_THEMES);
    files
}

#[cfg(test)]
#[path = "theme_tests.rs"]
mod tests;
