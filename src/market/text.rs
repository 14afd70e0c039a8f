//! Text from outside, made safe to show.

use unicode_normalization::char::is_combining_mark;
use unicode_width::UnicodeWidthChar;

/// Text without control, bidi or zero-width characters, combining marks and length capped.
/// Every string from the network, a package or the disk becomes this when it is decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct SafeText(String);

/// Marks kept on one base character; no living script needs more, and stacks of them overflow into other lines.
const MAX_MARKS: usize = 4;

impl SafeText {
    /// At most this many terminal cells, unless said otherwise.
    pub const MAX_CELLS: usize = 512;

    /// Cleans `raw` and caps it at [`Self::MAX_CELLS`].
    pub fn new(raw: &str) -> Self {
        Self::capped(raw, Self::MAX_CELLS)
    }

    /// Cleans `raw` and caps it at `cells` terminal cells (an ellipsis marks what was cut).
    pub fn capped(raw: &str, cells: usize) -> Self {
        // Most text is that, and stays as it is.
        if raw.len() <= cells && raw.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            return Self(raw.to_owned());
        }
        let mut text = Capped::new(cells);
        for c in raw.chars() {
            if !text.push(c) {
                break;
            }
        }
        Self(text.finish())
    }

    /// Cleans `raw` and caps it at `bytes` bytes of UTF-8 as well as [`Self::MAX_CELLS`] cells; an ellipsis marks what
    /// was cut. For fields that must fit a message.
    pub fn capped_bytes(raw: &str, bytes: usize) -> Self {
        let whole = Self::new(raw);
        if whole.0.len() <= bytes {
            return whole;
        }
        let mut end = bytes.saturating_sub(ELLIPSIS.len_utf8());
        while !whole.0.is_char_boundary(end) {
            end -= 1;
        }
        let mut text = whole.0;
        text.truncate(end);
        if bytes >= ELLIPSIS.len_utf8() {
            text.push(ELLIPSIS);
        }
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const ELLIPSIS: char = '…';

/// Text being built up to a width.
struct Capped {
    out: String,
    limit: usize,
    width: usize,
    marks: usize,
    /// Length of `out` at the last place where an ellipsis still fits behind it.
    cut: usize,
    overflowed: bool,
}

impl Capped {
    fn new(limit: usize) -> Self {
        Self { out: String::new(), limit, width: 0, marks: 0, cut: 0, overflowed: false }
    }

    /// `false` once nothing more fits.
    fn push(&mut self, c: char) -> bool {
        let Some(c) = visible(c) else { return true };
        let width = c.width().unwrap_or(0);
        if width == 0 || is_combining_mark(c) {
            self.push_mark(c, width)
        } else {
            self.marks = 0;
            self.push_cells(c, width)
        }
    }

    /// A mark without a base would join what stands before this text on the screen, so it is dropped.
    fn push_mark(&mut self, c: char, width: usize) -> bool {
        if self.out.is_empty() || self.marks >= MAX_MARKS {
            return true;
        }
        self.marks += 1;
        self.push_cells(c, width)
    }

    fn push_cells(&mut self, c: char, width: usize) -> bool {
        if self.width + width > self.limit {
            self.overflowed = true;
            return false;
        }
        self.width += width;
        self.out.push(c);
        if self.width < self.limit {
            self.cut = self.out.len();
        }
        true
    }

    fn finish(mut self) -> String {
        if self.overflowed {
            self.out.truncate(self.cut);
            if self.limit > 0 {
                self.out.push(ELLIPSIS);
            }
        }
        self.out
    }
}

/// What stands for `c` on a screen: itself, a space, or nothing.
fn visible(c: char) -> Option<char> {
    if c == '\n' || c == '\t' || (c.is_whitespace() && !c.is_control()) {
        return Some(' ');
    }
    if c.is_control() || is_format(c) || is_filler(c) || is_private_or_noncharacter(c) { None } else { Some(c) }
}

/// General category Cf (Unicode 16): bidi controls, zero-width characters, tags and the like.
fn is_format(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}'
        | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1345f}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Invisible letters and selectors that are no format characters: Hangul fillers, variation selectors, joiners.
fn is_filler(c: char) -> bool {
    matches!(c,
        '\u{34f}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}')
}

fn is_private_or_noncharacter(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{f0000}'..) || (c as u32) & 0xfffe == 0xfffe
}

impl std::ops::Deref for SafeText {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for SafeText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl From<&str> for SafeText {
    fn from(raw: &str) -> Self {
        Self::new(raw)
    }
}

impl From<String> for SafeText {
    fn from(raw: String) -> Self {
        Self::new(&raw)
    }
}

impl<'de> serde::Deserialize<'de> for SafeText {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Self::new(&String::deserialize(d)?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_width::UnicodeWidthStr;

    use super::*;

    #[test]
    fn control_bidi_and_zero_width_characters_go() {
        assert_eq!(SafeText::new("a\u{1b}[31mb\u{7}\u{9b}0m").as_str(), "a[31mb0m");
        assert_eq!(SafeText::new("ab\u{202e}dc\u{2066}\u{200b}\u{200d}\u{feff}e").as_str(), "abdce");
        assert_eq!(SafeText::new("x\u{e000}\u{fffe}\u{3164}\u{e0041}y").as_str(), "xy");
    }

    #[test]
    fn white_space_becomes_a_space() {
        assert_eq!(SafeText::new("a\nb\tc\u{a0}d\u{2028}e").as_str(), "a b c d e");
    }

    #[test]
    fn marks_are_capped_and_need_a_base() {
        let tower = format!("\u{301}e{}f", "\u{301}".repeat(50));
        assert_eq!(SafeText::new(&tower).as_str(), format!("e{}f", "\u{301}".repeat(MAX_MARKS)));
    }

    #[test]
    fn width_is_capped_in_cells() {
        assert_eq!(SafeText::capped("abcdef", 6).as_str(), "abcdef");
        assert_eq!(SafeText::capped("abcdefg", 6).as_str(), "abcde…");
        assert_eq!(SafeText::capped("日本語", 6).as_str(), "日本語");
        assert_eq!(SafeText::capped("日本語", 5).as_str(), "日本…");
        assert_eq!(SafeText::capped("日本語", 4).as_str(), "日…");
        assert_eq!(SafeText::capped("abc", 0).as_str(), "");
    }

    #[test]
    fn plain_text_stays_as_it_is() {
        for (raw, cells, shown) in [
            ("a b~", 4, "a b~"),
            ("a b~", 3, "a …"),
            ("", 0, ""),
            ("a", 0, ""),
            ("a\x7fb", 9, "ab"),
            ("a\tb", 9, "a b"),
        ] {
            assert_eq!(SafeText::capped(raw, cells).as_str(), shown, "{raw:?} in {cells}");
        }
    }

    #[test]
    fn bytes_are_capped_on_a_character() {
        assert_eq!(SafeText::capped_bytes("äöü", 6).as_str(), "äöü");
        assert_eq!(SafeText::capped_bytes("äöüß", 6).as_str(), "ä…");
        assert_eq!(SafeText::capped_bytes("äöü", 2).as_str(), "");
    }

    proptest! {
        #[test]
        fn never_wider_than_asked_and_stable(raw in any::<String>(), cells in 0usize..80) {
            let text = SafeText::capped(&raw, cells);
            prop_assert!(text.width() <= cells);
            prop_assert!(text.chars().all(|c| !c.is_control()));
            let again = SafeText::capped(&text, cells);
            prop_assert_eq!(&again, &text);
        }

        #[test]
        fn bytes_never_exceed(raw in any::<String>(), bytes in 0usize..80) {
            prop_assert!(SafeText::capped_bytes(&raw, bytes).len() <= bytes);
        }
    }
}
