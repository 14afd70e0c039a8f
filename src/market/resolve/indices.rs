//! Sets of candidates, as the solver needs them.

use std::fmt;

use pubgrub::VersionSet;

/// A set of indices into the candidates of one name. What lies beyond `words` is all in the set, or all not: so that a
/// complement needs not know how many candidates there are. Canonical, since the solver compares sets.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Indices {
    /// Never ends in a word that says what `rest` says anyway.
    words: Vec<u64>,
    rest: bool,
}

impl Indices {
    fn canonical(mut words: Vec<u64>, rest: bool) -> Self {
        let filler = filler(rest);
        let needed = words.iter().rposition(|word| *word != filler).map_or(0, |last| last + 1);
        words.truncate(needed);
        Self { words, rest }
    }

    fn word(&self, at: usize) -> u64 {
        self.words.get(at).copied().unwrap_or(filler(self.rest))
    }

    fn combine(&self, other: &Self, word: impl Fn(u64, u64) -> u64, rest: bool) -> Self {
        let words = 0..self.words.len().max(other.words.len());
        Self::canonical(words.map(|at| word(self.word(at), other.word(at))).collect(), rest)
    }

    /// How many there are; of a set without end, those before it.
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// In rising order, `below` that.
    pub fn iter(&self, below: usize) -> impl Iterator<Item = usize> {
        (0..below).filter(|index| self.contains(index))
    }
}

fn filler(rest: bool) -> u64 {
    if rest { u64::MAX } else { 0 }
}

fn place(index: usize) -> (usize, u64) {
    (index / 64, 1 << (index % 64))
}

impl FromIterator<usize> for Indices {
    fn from_iter<I: IntoIterator<Item = usize>>(indices: I) -> Self {
        let mut words: Vec<u64> = Vec::new();
        for index in indices {
            let (at, bit) = place(index);
            if words.len() <= at {
                words.resize(at + 1, 0);
            }
            if let Some(word) = words.get_mut(at) {
                *word |= bit;
            }
        }
        Self { words, rest: false }
    }
}

impl VersionSet for Indices {
    type V = usize;

    fn empty() -> Self {
        Self::default()
    }

    fn singleton(index: usize) -> Self {
        Self::from_iter([index])
    }

    fn complement(&self) -> Self {
        Self { words: self.words.iter().map(|word| !word).collect(), rest: !self.rest }
    }

    fn intersection(&self, other: &Self) -> Self {
        self.combine(other, |a, b| a & b, self.rest && other.rest)
    }

    fn union(&self, other: &Self) -> Self {
        self.combine(other, |a, b| a | b, self.rest || other.rest)
    }

    fn contains(&self, index: &usize) -> bool {
        let (at, bit) = place(*index);
        self.word(at) & bit != 0
    }
}

/// Only for the solver's own debugging; people never see it.
impl fmt::Display for Indices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.iter(self.words.len() * 64).collect::<Vec<_>>())?;
        f.write_str(if self.rest { " and the rest" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const BELOW: usize = 200;

    fn members(set: &Indices) -> BTreeSet<usize> {
        set.iter(BELOW).collect()
    }

    proptest! {
        #[test]
        fn they_are_sets(
            a in proptest::collection::btree_set(0..BELOW, 0..12),
            b in proptest::collection::btree_set(0..BELOW, 0..12),
        ) {
            let (x, y): (Indices, Indices) = (a.iter().copied().collect(), b.iter().copied().collect());
            let all: BTreeSet<usize> = (0..BELOW).collect();
            prop_assert_eq!(members(&x), a.clone());
            prop_assert_eq!(x.len(), a.len());
            prop_assert_eq!(members(&x.union(&y)), &a | &b);
            prop_assert_eq!(members(&x.intersection(&y)), &a & &b);
            prop_assert_eq!(members(&x.complement()), &all - &a);
            prop_assert_eq!(members(&x.complement().union(&y)), &(&all - &a) | &b);
            prop_assert_eq!(x.complement().complement(), x.clone());
            // Equal members, equal sets, whatever the way.
            prop_assert_eq!(x.complement().intersection(&y.complement()).complement(), x.union(&y));
            prop_assert_eq!(x.union(&x.complement()), Indices::full());
            prop_assert_eq!(x.intersection(&x.complement()), Indices::empty());
            prop_assert_eq!(x.is_disjoint(&y), a.is_disjoint(&b));
            prop_assert_eq!(x.subset_of(&y), a.is_subset(&b));
        }
    }

    #[test]
    fn a_complement_has_no_end() {
        let set = Indices::singleton(3).complement();
        assert!(set.contains(&100_000) && !set.contains(&3));
        assert_eq!(format!("{}", Indices::from_iter([1, 70])), "[1, 70]");
        assert!(format!("{}", Indices::full()).ends_with("and the rest"));
    }
}
