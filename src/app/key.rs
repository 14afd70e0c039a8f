//! Keys as the dashboard knows them: independent of the terminal library, written and read in the settings file.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What was pressed, without modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    Char(char),
    F(u8),
    Enter,
    Esc,
    Tab,
    BackTab,
    Backspace,
    Delete,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
}

/// A key with its modifiers. Shift shows in the character itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    pub code: Code,
    #[serde(default)]
    pub ctrl: bool,
    #[serde(default)]
    pub alt: bool,
}

impl Key {
    pub const fn plain(code: Code) -> Self {
        Self { code, ctrl: false, alt: false }
    }

    pub const fn char(c: char) -> Self {
        Self::plain(Code::Char(c))
    }

    pub const fn ctrl(c: char) -> Self {
        Self { code: Code::Char(c), ctrl: true, alt: false }
    }

    /// Whether the key would write something into a text field.
    pub fn is_text(self) -> bool {
        matches!(self.code, Code::Char(_)) && !self.ctrl && !self.alt
    }
}

const NAMED: [(&str, Code); 14] = [
    ("enter", Code::Enter),
    ("esc", Code::Esc),
    ("tab", Code::Tab),
    ("shift-tab", Code::BackTab),
    ("backspace", Code::Backspace),
    ("delete", Code::Delete),
    ("up", Code::Up),
    ("down", Code::Down),
    ("left", Code::Left),
    ("right", Code::Right),
    ("home", Code::Home),
    ("end", Code::End),
    ("pgup", Code::PageUp),
    ("pgdn", Code::PageDown),
];

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        if self.ctrl {
            text.push_str("ctrl-");
        }
        if self.alt {
            text.push_str("alt-");
        }
        match self.code {
            Code::Char(' ') => text.push_str("space"),
            Code::Char(c) => text.push(c),
            Code::F(n) => text.push_str(&format!("f{n}")),
            code => text.push_str(NAMED.iter().find(|(_, named)| *named == code).map_or("?", |(name, _)| name)),
        }
        f.pad(&text)
    }
}

/// A key text that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no key: write a character, `space`, `enter`, `esc`, `tab`, `pgdn`, `f5`, `ctrl-x` or `alt-x`")]
pub struct BadKey(pub String);

impl FromStr for Key {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let bad = || BadKey(text.chars().filter(|c| !c.is_control()).take(32).collect());
        let mut rest = text;
        let mut key = Self::char(' ');
        loop {
            if let Some(after) = rest.strip_prefix("ctrl-").filter(|after| !after.is_empty()) {
                (key.ctrl, rest) = (true, after);
            } else if let Some(after) = rest.strip_prefix("alt-").filter(|after| !after.is_empty()) {
                (key.alt, rest) = (true, after);
            } else {
                break;
            }
        }
        let mut chars = rest.chars();
        key.code = match (chars.next(), chars.next()) {
            (Some(c), None) if !c.is_control() => Code::Char(c),
            _ => named(rest).ok_or_else(bad)?,
        };
        Ok(key)
    }
}

fn named(text: &str) -> Option<Code> {
    let lower = text.to_ascii_lowercase();
    if lower == "space" {
        return Some(Code::Char(' '));
    }
    if let Some(number) = lower.strip_prefix('f').and_then(|n| n.parse().ok()).filter(|n| (1..=24).contains(n)) {
        return Some(Code::F(number));
    }
    NAMED.iter().find(|(name, _)| *name == lower).map(|(_, code)| *code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_reads_back_as_it_is_written() {
        let codes = NAMED.map(|(_, code)| code).into_iter().chain([Code::Char('x'), Code::Char(' '), Code::F(12)]);
        for code in codes {
            for (ctrl, alt) in [(false, false), (true, false), (false, true), (true, true)] {
                let key = Key { code, ctrl, alt };
                assert_eq!(key.to_string().parse::<Key>().as_ref(), Ok(&key));
            }
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "ctrl-", "banana", "f99", "\u{1b}"] {
            assert!(text.parse::<Key>().is_err(), "{text:?}");
        }
    }
}
