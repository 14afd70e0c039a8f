//! Sentences on lines of a width.

use unicode_width::UnicodeWidthStr;

/// `text` broken between words into lines of at most `width` columns; a longer word stands on a line of its own.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.width() + 1 + word.width() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("one two  three", 8), ["one two", "three"]);
        assert_eq!(wrap("averylongword and", 5), ["averylongword", "and"]);
        assert_eq!(wrap("日本 語", 5), ["日本", "語"]);
        assert_eq!(wrap("", 5), [""]);
    }
}
