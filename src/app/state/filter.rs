//! A text field that narrows a list.

use tui_input::{Input, InputRequest};

use crate::app::key::{Code, Key};

/// Characters kept of what is typed or pasted into one field.
pub const MAX_INPUT: usize = 1024;

/// What lines must contain, and whether it is being typed.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub input: Input,
    pub focused: bool,
}

impl Filter {
    /// Whether any of `fields` contains what was typed, whatever its case.
    pub fn matches<'a>(&self, fields: impl IntoIterator<Item = &'a str>) -> bool {
        let wanted = self.input.value().trim().to_lowercase();
        wanted.is_empty() || fields.into_iter().any(|field| field.to_lowercase().contains(&wanted))
    }

    /// Whether it hides anything.
    pub fn is_active(&self) -> bool {
        !self.input.value().trim().is_empty()
    }

    /// Shows everything again.
    pub fn clear(&mut self) {
        self.input.reset();
        self.focused = false;
    }
}

/// Edits a text field by a key; whether the text changed.
pub fn edit(input: &mut Input, key: Key) -> bool {
    use InputRequest as Do;
    let request = match (key.code, key.ctrl, key.alt) {
        (Code::Char(c), false, false) => {
            if c.is_control() || input.value().chars().count() >= MAX_INPUT {
                return false;
            }
            Do::InsertChar(c)
        }
        (Code::Backspace, false, false) | (Code::Char('h'), true, false) => Do::DeletePrevChar,
        (Code::Backspace, ..) | (Code::Char('w'), true, false) => Do::DeletePrevWord,
        (Code::Delete, ..) => Do::DeleteNextChar,
        (Code::Left, true, _) | (Code::Char('b'), false, true) => Do::GoToPrevWord,
        (Code::Right, true, _) | (Code::Char('f'), false, true) => Do::GoToNextWord,
        (Code::Left, ..) | (Code::Char('b'), true, false) => Do::GoToPrevChar,
        (Code::Right, ..) | (Code::Char('f'), true, false) => Do::GoToNextChar,
        (Code::Home, ..) | (Code::Char('a'), true, false) => Do::GoToStart,
        (Code::End, ..) | (Code::Char('e'), true, false) => Do::GoToEnd,
        (Code::Char('u'), true, false) => Do::DeleteFromStart,
        (Code::Char('k'), true, false) => Do::DeleteTillEnd,
        (Code::Char('y'), true, false) => Do::Yank,
        _ => return false,
    };
    input.handle(request).is_some_and(|changed| changed.value)
}

/// Puts pasted text into a field: one line, no control characters, bounded.
pub fn paste(input: &mut Input, text: &str) -> bool {
    let room = MAX_INPUT.saturating_sub(input.value().chars().count());
    let line = text.trim().lines().next().unwrap_or_default();
    let mut changed = false;
    for c in line.chars().filter(|c| !c.is_control()).take(room) {
        changed |= input.handle(InputRequest::InsertChar(c)).is_some();
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paste_is_one_bounded_line() {
        let mut input = Input::default();
        assert!(paste(&mut input, "  /ip4/1.2.3.4\u{1b}[2J/tcp/1\nrm -rf"));
        assert_eq!(input.value(), "/ip4/1.2.3.4[2J/tcp/1");
        paste(&mut input, &"x".repeat(5000));
        assert_eq!(input.value().chars().count(), MAX_INPUT);
    }

    #[test]
    fn keys_edit() {
        let mut input = Input::default();
        for c in "ab".chars() {
            assert!(edit(&mut input, Key::char(c)));
        }
        assert!(!edit(&mut input, Key::plain(Code::Left)));
        assert!(edit(&mut input, Key::plain(Code::Backspace)));
        assert_eq!(input.value(), "b");
        assert!(!edit(&mut input, Key::plain(Code::Enter)));
    }

    #[test]
    fn a_filter_ignores_case() {
        let mut filter = Filter::default();
        assert!(filter.matches(["anything"]));
        paste(&mut filter.input, "KNOW");
        assert!(filter.matches(["x", "knowledge"]));
        assert!(!filter.matches(["x"]));
    }
}
