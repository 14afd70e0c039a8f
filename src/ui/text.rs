//! Text in cells: cleaning, measuring, cutting, wrapping.

use std::borrow::Cow;

use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::market::SafeText;

/// Cells that `text` takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// `1 peer`, `2 peers`.
pub fn count(n: impl TryInto<u64>, one: &str) -> String {
    match n.try_into().unwrap_or(u64::MAX) {
        1 => format!("1 {one}"),
        n => format!("{n} {one}s"),
    }
}

/// Text that is not `SafeText` yet, made safe to show.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(SafeText::capped(text, 4096).to_string())
}

/// The beginning of `text` that fits in `cells`, with `ellipsis` where something was cut.
pub fn fit(text: &str, cells: usize, ellipsis: &str) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    let room = cells.saturating_sub(width(ellipsis));
    let mut kept = head(text, room).trim_end().to_owned();
    if cells >= width(ellipsis) {
        kept.push_str(ellipsis);
    }
    kept
}

/// Beginning and end of `text`, for ids: `12D3…x7Qf`.
pub fn middle(text: &str, cells: usize, ellipsis: &str) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    let room = cells.saturating_sub(width(ellipsis));
    let start = head(text, room / 2);
    let end: String = tail(text, room - room / 2);
    if room == 0 { head(ellipsis, cells).to_owned() } else { format!("{start}{ellipsis}{end}") }
}

/// The longest beginning that fits.
pub fn head(text: &str, cells: usize) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += width(grapheme);
        if used > cells {
            return text.get(..at).unwrap_or_default();
        }
    }
    text
}

/// The longest end that fits.
pub fn tail(text: &str, cells: usize) -> String {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        used += width(grapheme);
        if used > cells {
            return text.get(at + grapheme.len()..).unwrap_or_default().to_owned();
        }
    }
    text.to_owned()
}

/// `text` padded with spaces to `cells`.
pub fn pad(text: &str, cells: usize) -> String {
    format!("{text}{}", " ".repeat(cells.saturating_sub(width(text))))
}

/// Breaks `text` into lines of at most `cells`, between words where it can.
pub fn wrap(text: &str, cells: usize) -> Vec<String> {
    let cells = cells.max(1);
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let mut word = word;
        let line = lines.last().map_or(0, |line| width(line));
        if line > 0 && line + 1 + width(word) <= cells {
            push(&mut lines, " ");
        } else if line > 0 {
            lines.push(String::new());
        }
        while width(word) > cells {
            let start = match head(word, cells) {
                // One grapheme can be wider than the line, a syllable of old Hangul for example: it goes in parts.
                "" => head_chars(word, cells),
                start => start,
            };
            push(&mut lines, start);
            word = word.get(start.len()..).unwrap_or_default();
            if word.is_empty() {
                break;
            }
            lines.push(String::new());
        }
        push(&mut lines, word);
    }
    lines
}

/// The characters at the beginning that fit, one of them at least.
fn head_chars(text: &str, cells: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > cells && at > 0 {
            return text.get(..at).unwrap_or_default();
        }
    }
    text
}

fn push(lines: &mut [String], text: &str) {
    if let Some(line) = lines.last_mut() {
        line.push_str(text);
    }
}

/// A line cut to `cells`, with its styles.
pub fn fit_line<'a>(line: Line<'a>, cells: usize, ellipsis: &'static str) -> Line<'a> {
    if line.width() <= cells {
        return line;
    }
    let Line { style, alignment, spans } = line;
    let mut left = cells.saturating_sub(width(ellipsis));
    let mut kept: Vec<Span<'a>> = Vec::new();
    for span in spans {
        let whole = span.width();
        if whole <= left {
            left -= whole;
            kept.push(span);
            continue;
        }
        kept.push(Span::styled(head(&span.content, left).to_owned(), span.style));
        break;
    }
    let last = kept.last().map_or(style, |span| span.style);
    if cells >= width(ellipsis) {
        kept.push(Span::styled(ellipsis, last));
    }
    Line { style, alignment, spans: kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_say_so() {
        assert_eq!(fit("knowledge", 5, "…"), "know…");
        assert_eq!(fit("short", 5, "…"), "short");
        assert_eq!(middle("12D3KooWabcdefgh", 9, "…"), "12D3…efgh");
        assert_eq!(fit("日本語", 4, "…"), "日…");
    }

    #[test]
    fn wraps_between_words_and_breaks_long_ones() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
    }

    #[test]
    fn one_is_singular() {
        assert_eq!([count(0u64, "peer"), count(1usize, "peer"), count(2u32, "peer")], ["0 peers", "1 peer", "2 peers"]);
    }

    #[test]
    fn a_grapheme_wider_than_the_line_is_broken_into_its_characters() {
        let syllable = "\u{1100}\u{ac00}";
        assert_eq!(syllable.graphemes(true).count(), 1);
        assert_eq!(wrap(syllable, 2), ["\u{1100}", "\u{ac00}"]);
        assert_eq!(wrap(&format!("{syllable}a b"), 3), ["\u{1100}", "\u{ac00}a", "b"]);
        // There is no way to make it narrower: it is neither lost nor broken for ever.
        assert_eq!(wrap("日本", 1), ["日", "本"]);
    }

    proptest::proptest! {
        #[test]
        fn wrapping_loses_nothing(text in "[a가ᄀ日\u{301} ]{0,24}", cells in 0usize..6) {
            let whole: String = text.chars().filter(|c| !c.is_whitespace()).collect();
            let broken: String = wrap(&text, cells).concat().chars().filter(|c| !c.is_whitespace()).collect();
            proptest::prop_assert_eq!(whole, broken);
        }

        #[test]
        fn nothing_is_wider_than_asked(text in ".{0,60}", cells in 0usize..40) {
            let text = clean(&text);
            proptest::prop_assert!(width(&fit(&text, cells, "…")) <= cells);
            proptest::prop_assert!(width(&middle(&text, cells, "…")) <= cells);
            for line in wrap(&text, cells.max(2)) {
                proptest::prop_assert!(width(&line) <= cells.max(2));
            }
        }
    }
}
