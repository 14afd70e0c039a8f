//! Names that can be taken for one another.
//!
//! A name is folded to what it looks like at a glance: separators away, and characters that look alike made one
//! (skeletons of Unicode TR 39, and what is confused in lower case besides: `i` and `l`, `vv` and `w`). Two names with one
//! fold are look-alikes; so are names that are one slip of the finger apart, or differ by a prefix or suffix such as `-js`.

use std::collections::BTreeSet;

use strsim::damerau_levenshtein;
use unicode_security::confusable_detection::skeleton;

/// Words that are put before or behind a name to pass for a part of it.
const AFFIXES: [&str; 10] = ["js", "ts", "rs", "py", "go", "lib", "pkg", "pack", "official", "node"];

/// The least length of a name, without separators, for which one slip makes a look-alike: of shorter words every second one
/// is another's neighbour.
const LEAST: usize = 6;
/// From this length on two slips count, where few names are to be compared with.
const LONG: usize = 12;

/// How two names are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// They differ in separators or look-alike characters only.
    Look,
    /// A letter is missing, added, changed or doubled, or two have changed places.
    Slip,
    /// One is the other with a word such as `js` before or behind it.
    Affix,
}

/// What `name` looks like at a glance.
pub fn fold(name: &str) -> String {
    let letters: String = name.chars().filter(|c| !is_separator(*c)).collect();
    let skeleton: String = skeleton(&letters).flat_map(char::to_lowercase).collect();
    skeleton.replace('i', "l").replace("vv", "w")
}

fn is_separator(c: char) -> bool {
    matches!(c, '-' | '_' | '.')
}

fn letters_of(name: &str) -> String {
    name.chars().filter(|c| !is_separator(*c)).collect()
}

/// How `a` and `b` are alike; `None` when they are the same, or nothing alike.
pub fn likeness(a: &str, b: &str) -> Option<Likeness> {
    if a == b {
        return None;
    }
    if fold(a) == fold(b) {
        return Some(Likeness::Look);
    }
    if is_affixed(a, b) || is_affixed(b, a) {
        return Some(Likeness::Affix);
    }
    is_slip(&letters_of(a), &letters_of(b)).then_some(Likeness::Slip)
}

/// Damerau-Levenshtein distance: an exchange of neighbours counts as one. Digits tell versions and kinds
/// apart on purpose, so names whose digits differ are no slip; nor is one whose first letter differs.
fn is_slip(a: &str, b: &str) -> bool {
    let shorter = a.len().min(b.len());
    let allowed = if shorter >= LONG { 2 } else { 1 };
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    shorter >= LEAST
        && a.len().abs_diff(b.len()) <= allowed
        && a.chars().next() == b.chars().next()
        && digits(a) == digits(b)
        && damerau_levenshtein(a, b) <= allowed
}

/// Whether `long` is `short` with an affix.
fn is_affixed(long: &str, short: &str) -> bool {
    letters_of(short).len() >= LEAST && without_affixes(long).contains(&short)
}

/// What is left of `name` when an affix that a separator sets off is taken away.
fn without_affixes(name: &str) -> Vec<&str> {
    let stems = AFFIXES.iter().flat_map(|affix| {
        let behind = name.strip_suffix(affix).and_then(|stem| stem.strip_suffix(is_separator));
        let before = name.strip_prefix(affix).and_then(|stem| stem.strip_prefix(is_separator));
        behind.into_iter().chain(before)
    });
    stems.filter(|stem| !stem.is_empty()).collect()
}

/// The folds of all names that are alike to `name` by look, by one slip or by an affix: what to look up in an index. For a
/// name of `n` letters about `53 n`, at most 3,500.
pub fn folds_near(name: &str) -> BTreeSet<String> {
    let letters: Vec<char> = letters_of(name).chars().collect();
    let mut near = BTreeSet::from([fold(name)]);
    near.extend(without_affixes(name).into_iter().map(fold));
    for affix in AFFIXES {
        near.extend([fold(&format!("{affix}{name}")), fold(&format!("{name}{affix}"))]);
    }
    if letters.len() + 1 >= LEAST {
        near.extend(one_slip_from(&letters).into_iter().map(|slip| fold(&slip)));
    }
    near
}

/// Every name one slip away, but for the first letter and digits.
fn one_slip_from(letters: &[char]) -> Vec<String> {
    let mut slips = Vec::new();
    for at in 1..=letters.len() {
        let (head, tail) = letters.split_at(at);
        let mut push = |middle: &[char], tail: &[char]| slips.push([head, middle, tail].concat().iter().collect());
        if let [first, rest @ ..] = tail {
            push(&[], rest);
            ('a'..='z').for_each(|c| push(&[c], rest));
            if let [second, rest @ ..] = rest {
                push(&[*second, *first], rest);
            }
        }
        ('a'..='z').for_each(|c| push(&[c], tail));
    }
    slips
}

#[cfg(test)]
#[path = "names_tests.rs"]
mod tests;
