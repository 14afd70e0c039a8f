//! The terminal's answer to what its background is. It comes among the keys that are typed, as if it were some itself:
//! `ESC ] 11 ; rgb:1e1e/1e1e/2e2e`, then BEL or `ESC \`. What is no answer is given back as the keys that it was.

use crate::app::event::Event;
use crate::app::key::{Code, Key};
use crate::app::looks::Background;

/// Asks the terminal for its background.
pub const QUESTION: &[u8] = b"\x1b]11;?\x1b\\";

/// Longer than any answer.
const MAX_LENGTH: usize = 48;

const BEGIN: Key = Key { code: Code::Char(']'), ctrl: false, alt: true };
const END: Key = Key { code: Code::Char('\\'), ctrl: false, alt: true };
const BELL: Key = Key::ctrl('g');

/// Holds back what may be an answer, while one is waited for.
#[derive(Debug, Default)]
pub struct Reports {
    awaited: bool,
    held: Vec<Key>,
}

impl Reports {
    /// The question was asked.
    pub fn expect(&mut self) {
        self.awaited = true;
    }

    /// Takes what the terminal said; gives what it means.
    pub fn take(&mut self, event: Event) -> Vec<Event> {
        let Event::Key(key) = event else { return vec![event] };
        if !self.awaited {
            return vec![Event::Key(key)];
        }
        if self.held.is_empty() {
            if key != BEGIN {
                return vec![Event::Key(key)];
            }
            self.held.push(key);
            return Vec::new();
        }
        self.held.push(key);
        if key == END || key == BELL {
            return self.end();
        }
        let text = self.text();
        let fits =
            key.is_text() && self.held.len() <= MAX_LENGTH && ("11;".starts_with(&text) || text.starts_with("11;"));
        if fits { Vec::new() } else { self.give_back() }
    }

    /// What stands between beginning and end, as far as it has come.
    fn text(&self) -> String {
        let chars = self.held.iter().skip(1).filter(|key| key.is_text());
        chars.filter_map(|key| if let Code::Char(c) = key.code { Some(c) } else { None }).collect()
    }

    fn end(&mut self) -> Vec<Event> {
        match self.text().strip_prefix("11;").and_then(background) {
            Some(background) => {
                self.awaited = false;
                self.held.clear();
                vec![Event::Background(background)]
            }
            None => self.give_back(),
        }
    }

    fn give_back(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.held).into_iter().map(Event::Key).collect()
    }
}

/// `rgb:RRRR/GGGG/BBBB`, with one to four digits each, or `rgba:` with one part more.
fn background(text: &str) -> Option<Background> {
    let digits = text.strip_prefix("rgb:").or_else(|| text.strip_prefix("rgba:"))?;
    let part = |digits: &str| {
        let most = 16u32.checked_pow(u32::try_from(digits.len()).ok().filter(|len| (1..=4).contains(len))?)? - 1;
        Some(f64::from(u32::from_str_radix(digits, 16).ok()?) / f64::from(most))
    };
    let mut parts = digits.split('/').map(part);
    let (red, green, blue) = (parts.next()??, parts.next()??, parts.next()??);
    Some(Background::of(red, green, blue))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys as the terminal library makes them of these bytes.
    fn keys(text: &str) -> Vec<Key> {
        let mut chars = text.chars().peekable();
        let mut keys = Vec::new();
        while let Some(c) = chars.next() {
            keys.push(match c {
                '\x1b' => Key { alt: true, ..Key::char(chars.next().unwrap()) },
                '\x07' => BELL,
                c => Key::char(c),
            });
        }
        keys
    }

    fn heard(reports: &mut Reports, text: &str) -> Vec<Event> {
        keys(text).into_iter().flat_map(|key| reports.take(Event::Key(key))).collect()
    }

    fn waiting() -> Reports {
        let mut reports = Reports::default();
        reports.expect();
        reports
    }

    #[test]
    fn an_answer_is_understood_in_all_its_forms() {
        for (text, expected) in [
            ("\x1b]11;rgb:0000/0000/0000\x1b\\", Background::Dark),
            ("\x1b]11;rgb:fafa/fafa/fafa\x07", Background::Light),
            ("\x1b]11;rgb:ff/ff/ff\x1b\\", Background::Light),
            ("\x1b]11;rgba:1e1e/1e1e/2e2e/ffff\x07", Background::Dark),
        ] {
            assert_eq!(heard(&mut waiting(), text), [Event::Background(expected)], "{text:?}");
        }
    }

    #[test]
    fn keys_around_an_answer_are_heard() {
        let all = heard(&mut waiting(), "5k\x1b]11;rgb:ffff/ffff/ffff\x1b\\nq");
        let typed = |c| Event::Key(Key::char(c));
        assert_eq!(all, [typed('5'), typed('k'), Event::Background(Background::Light), typed('n'), typed('q')]);
    }

    #[test]
    fn what_is_no_answer_is_given_back_whole() {
        for text in ["\x1b]x", "\x1b]11;hello\x07", "\x1b]12", "\x1b]\x1b]", "\x1b]11;rgb:ffff/ffff\x1b\\"] {
            let events: Vec<_> = keys(text).into_iter().map(Event::Key).collect();
            assert_eq!(heard(&mut waiting(), text), events, "{text:?}");
        }
        let long = format!("\x1b]11;{}", "1".repeat(200));
        assert_eq!(heard(&mut waiting(), &long).len(), keys(&long).len());
    }

    #[test]
    fn nothing_is_held_back_while_no_answer_is_waited_for() {
        let text = "\x1b]11;rgb:ffff/ffff/ffff\x1b\\";
        assert_eq!(heard(&mut Reports::default(), text).len(), keys(text).len());
        let mut reports = waiting();
        heard(&mut reports, text);
        assert_eq!(heard(&mut reports, text).len(), keys(text).len(), "one question, one answer");
    }
}
