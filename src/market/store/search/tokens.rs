//! What stands in the full-text index, and how it is asked for.
//!
//! Three kinds of tokens: a word anywhere (`graph`), a word of the name (`=graph`), and a label's id, written in
//! characters for private use so that it is no beginning of a word.

use std::fmt::Write;

/// Private-use characters are the digits of a label's id.
const FIRST: u32 = 0xe000;
const BASE: i64 = 6400;

/// The label of packages that are withdrawn altogether; real labels count from 1.
pub const WITHDRAWN: i64 = 0;

pub fn push_label(out: &mut String, id: i64) {
    let mut rest = id;
    loop {
        let digit = u32::try_from(rest.rem_euclid(BASE)).unwrap_or_default();
        out.push(char::from_u32(FIRST + digit).unwrap_or_default());
        rest /= BASE;
        if rest <= 0 {
            break;
        }
    }
    out.push(' ');
}

/// Of longer lists the index is not asked; whoever judges what it proposes sees to those.
const MAX_CHOICE: usize = 64;

/// Whether an [`expression`] asks for every label that is wanted.
pub fn asks_for_all(labels: &[Vec<i64>]) -> bool {
    labels.iter().all(|any_of| any_of.len() <= MAX_CHOICE)
}

/// Where words are looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Name,
    Anywhere,
}

/// The full-text expression for packages with all of `words`, the last one as a beginning, and one label of each of
/// `labels` (of those that are not too long), unless withdrawn. `None`: there is nothing to ask for.
pub fn expression(words: &[String], place: Place, labels: &[Vec<i64>], withdrawn: bool) -> Option<String> {
    let mut out = String::new();
    let mark = if place == Place::Name { "=" } else { "" };
    for (index, word) in words.iter().enumerate() {
        let end = if index + 1 == words.len() { " *" } else { "" };
        // The same word twice asks for nothing more, nor does the beginning of a word that is asked for.
        if !words.get(..index).is_some_and(|before| before.contains(word)) {
            join(&mut out);
            let _ = write!(out, "\"{mark}{word}\"{end}");
        }
    }
    for any_of in labels.iter().filter(|any_of| any_of.len() <= MAX_CHOICE) {
        join(&mut out);
        out.push('(');
        for (index, id) in any_of.iter().enumerate() {
            out.push_str(if index == 0 { "\"" } else { " OR \"" });
            push_label(&mut out, *id);
            out.push('"');
        }
        out.push(')');
    }
    if out.is_empty() {
        return None;
    }
    if !withdrawn {
        let mut label = String::new();
        push_label(&mut label, WITHDRAWN);
        out = format!("({out}) NOT \"{label}\"");
    }
    Some(out)
}

fn join(out: &mut String) {
    if !out.is_empty() {
        out.push_str(" AND ");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_tokens_differ() {
        let token = |id| {
            let mut out = String::new();
            push_label(&mut out, id);
            out
        };
        let tokens: std::collections::HashSet<String> = (0..20_000).map(token).collect();
        assert_eq!(tokens.len(), 20_000);
        assert_eq!(token(0), "\u{e000} ");
        assert_eq!(token(6401), "\u{e001}\u{e001} ");
    }

    #[test]
    fn expressions_ask_for_all_words_and_one_label_of_each() {
        let words = ["rest".to_owned(), "ap".to_owned()];
        assert_eq!(expression(&words, Place::Name, &[], true).unwrap(), "\"=rest\" AND \"=ap\" *");
        let labels = [vec![1, 2], vec![3]];
        let expected = "((\"\u{e001} \" OR \"\u{e002} \") AND (\"\u{e003} \")) NOT \"\u{e000} \"";
        assert_eq!(expression(&[], Place::Anywhere, &labels, false).unwrap(), expected);
        assert_eq!(expression(&[], Place::Anywhere, &[], false), None);
        let again = ["rest".to_owned(), "rest".to_owned(), "ap".to_owned()];
        assert_eq!(expression(&again, Place::Anywhere, &[], true).unwrap(), "\"rest\" AND \"ap\" *");
    }

    #[test]
    fn of_too_long_lists_the_index_is_not_asked() {
        let list = |length| vec![(1..=length).collect::<Vec<i64>>()];
        let most = MAX_CHOICE as i64;
        assert!(asks_for_all(&list(most)) && !asks_for_all(&list(most + 1)));
        assert!(expression(&[], Place::Anywhere, &list(most), true).is_some());
        assert_eq!(expression(&[], Place::Anywhere, &list(most + 1), true), None);
    }
}
