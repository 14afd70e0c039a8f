//! Words as the index has them: the same folding for what is indexed and what is asked.

use unicode_normalization::UnicodeNormalization;

/// Characters of a word that are looked at.
pub const MAX_WORD: usize = 64;

/// Gives each word of `text` to `each`: runs of letters and digits in lower case, without accents, in compatibility form
/// (`Größe` is `große`, `ﬁ` is `fi`).
pub fn each(text: &str, mut each: impl FnMut(&str)) {
    let mut word = String::new();
    if text.is_ascii() {
        split(text.chars().map(|c| c.to_ascii_lowercase()), &mut word, &mut each);
    } else {
        let folded = text.nfkd().flat_map(char::to_lowercase).nfkd().filter(|c| !is_accent(*c));
        split(folded, &mut word, &mut each);
    }
}

/// All words of `text`.
pub fn of(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    each(text, |word| words.push(word.to_owned()));
    words
}

/// `text` as one value to compare by: its words with one space between.
pub fn value(text: &str) -> String {
    let mut value = String::new();
    each(text, |word| {
        if !value.is_empty() {
            value.push(' ');
        }
        value.push_str(word);
    });
    value
}

fn split(chars: impl Iterator<Item = char>, word: &mut String, each: &mut impl FnMut(&str)) {
    let mut length = 0;
    for c in chars {
        if is_part(c) {
            if length < MAX_WORD {
                word.push(c);
            }
            length += 1;
        } else if length > 0 {
            each(word);
            word.clear();
            length = 0;
        }
    }
    if length > 0 {
        each(word);
    }
}

/// Marks other than accents belong to their word: in many scripts they are its vowels.
fn is_part(c: char) -> bool {
    c.is_alphanumeric() || (!c.is_ascii() && unicode_normalization::char::is_combining_mark(c))
}

fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded() {
        for (text, words) in [
            ("Knowledge-Graph_CLI 2.0", vec!["knowledge", "graph", "cli", "2", "0"]),
            ("Größe, déjà-vu; ÅNGSTRÖM İstanbul", vec!["große", "deja", "vu", "angstrom", "istanbul"]),
            ("ﬁle ①", vec!["file", "1"]),
            ("größe—maß “wort”", vec!["große", "maß", "wort"]),
            ("नमस्ते 知识图谱", vec!["नमस्ते", "知识图谱"]),
            (" \"*^:()+{}'\u{301} ", vec![]),
        ] {
            assert_eq!(of(text), words, "{text}");
        }
        assert_eq!(value("  MIT OR Apache-2.0 "), "mit or apache 2 0");
        assert_eq!(of(&"x".repeat(500)), ["x".repeat(MAX_WORD)]);
    }
}
