//! The words that packages are described with.

use crate::random::{Random, Zipf};

/// Words of the documentation of Rust libraries, the most frequent first.
const WORDS: &str = include_str!("../words.txt");
/// How many of the most frequent are no words to name something by (`the`, `of`, `with`).
const FUNCTION_WORDS: usize = 60;
/// How often a word of a description is one that was made up by joining two.
const JOINED: f64 = 0.04;

pub struct Words {
    words: Vec<&'static str>,
    zipf: Zipf,
    telling: Zipf,
}

impl Words {
    pub fn new() -> Self {
        let words: Vec<&str> = WORDS.split_whitespace().collect();
        let (zipf, telling) = (Zipf::new(words.len()), Zipf::new(words.len() - FUNCTION_WORDS));
        Self { words, zipf, telling }
    }

    pub fn commonest(&self) -> &[&'static str] {
        &self.words
    }

    /// A word of running text.
    pub fn word(&self, random: &mut Random) -> String {
        if random.chance(JOINED) { self.joined(random) } else { self.words[self.zipf.draw(random)].to_owned() }
    }

    /// A word to name something by.
    pub fn telling(&self, random: &mut Random) -> &'static str {
        self.words[FUNCTION_WORDS + self.telling.draw(random)]
    }

    /// A rare word, of which there are millions.
    pub fn joined(&self, random: &mut Random) -> String {
        let one = self.words[FUNCTION_WORDS + random.below(self.words.len() - FUNCTION_WORDS)];
        format!("{one}{}", self.telling(random))
    }

    pub fn sentence(&self, random: &mut Random, words: usize) -> String {
        let mut text = self.word(random);
        for _ in 1..words {
            text.push(' ');
            text.push_str(&self.word(random));
        }
        text
    }
}
