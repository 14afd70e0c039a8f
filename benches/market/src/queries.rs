//! What people would type, drawn by lot.

use std::fmt::{self, Write};
use std::path::Path;

use crate::corpus::{About, CATEGORIES, Corpus, LICENCES};
use crate::random::Random;

const SEED: u64 = 7;
/// The commonest words, each asked for by itself and with others.
const COMMONEST: usize = 20;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// One to three words of a package, the last one as far as it was typed.
    Package,
    /// One to three words drawn as frequent as they are; they may not occur together.
    Words,
    /// The commonest words alone and together, every letter, every pair of letters that many words begin with.
    Common,
    /// Words that no package has.
    Miss,
    /// Words of a package with a filter or another order.
    Filter,
    /// Words of a package; what is found is counted by category, tag, licence and publisher, as the dashboard asks.
    Facets,
}

impl Kind {
    pub const ALL: [Self; 6] = [Self::Package, Self::Words, Self::Common, Self::Miss, Self::Filter, Self::Facets];

    /// Whether it is in the language of this program only.
    pub fn is_ours(self) -> bool {
        matches!(self, Self::Filter | Self::Facets)
    }

    pub fn what(self) -> &'static str {
        match self {
            Self::Package => "words of a package",
            Self::Words => "words by frequency",
            Self::Common => "commonest words, 1-2 letters",
            Self::Miss => "misses",
            Self::Filter => "with filters and orders",
            Self::Facets => "with facet counts",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.what())
    }
}

pub struct Question {
    pub kind: Kind,
    pub text: String,
}

/// Several thousand, in an order drawn by lot.
pub fn draw(corpus: &Corpus) -> Vec<Question> {
    let random = &mut Random::new(SEED);
    let mut questions = common(corpus);
    let mut add = |kind, text| questions.push(Question { kind, text });
    for _ in 0..2000 {
        add(Kind::Package, typed(&mut of_package(corpus, random).1, random));
    }
    for _ in 0..500 {
        let count = random.between(1, 3);
        add(Kind::Words, typed(&mut (0..count).map(|_| corpus.words().word(random)).collect(), random));
    }
    for _ in 0..200 {
        let (_, mut words) = of_package(corpus, random);
        words.insert(random.below(words.len() + 1), format!("zq{}", random.below(1000)));
        add(Kind::Miss, words.join(" "));
    }
    for _ in 0..1000 {
        let (about, mut words) = of_package(corpus, random);
        let filter = filter(corpus, &about, random);
        add(Kind::Filter, format!("{} {filter}", typed(&mut words, random)));
        add(Kind::Facets, typed(&mut of_package(corpus, random).1, random));
    }
    for last in (1..questions.len()).rev() {
        questions.swap(last, random.below(last + 1));
    }
    questions
}

fn common(corpus: &Corpus) -> Vec<Question> {
    let words = &corpus.words().commonest()[..COMMONEST];
    let mut texts: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    for pair in words.windows(2) {
        texts.push(pair.join(" "));
    }
    for three in words.windows(3) {
        texts.push(three.join(" "));
    }
    texts.extend(('a'..='z').map(String::from));
    let mut beginnings: Vec<&str> = corpus.words().commonest()[..400].iter().map(|word| &word[..2]).collect();
    beginnings.sort_unstable();
    beginnings.dedup();
    texts.extend(beginnings.into_iter().map(str::to_owned));
    texts.into_iter().map(|text| Question { kind: Kind::Common, text }).collect()
}

/// One to three words of a package drawn by lot.
fn of_package(corpus: &Corpus, random: &mut Random) -> (About, Vec<String>) {
    let about = corpus.package(random.below(corpus.package_count()));
    let labels = about.labels();
    let all: [Vec<&str>; 3] =
        [about.name.split('-').collect(), labels.split_whitespace().collect(), about.description.split(' ').collect()];
    let count = random.between(1, 3);
    let words = (0..count)
        .map(|_| {
            // Half of the words are of the name, a quarter each of labels and description.
            let place = &all[[0, 0, 1, 2][random.below(4)]];
            place[random.below(place.len())].to_owned()
        })
        .collect();
    (about, words)
}

/// The words, the last one as far as it was typed.
fn typed(words: &mut Vec<String>, random: &mut Random) -> String {
    if let Some(last) = words.last_mut() {
        last.truncate(random.between(1, last.len()));
    }
    words.join(" ")
}

fn filter(corpus: &Corpus, about: &About, random: &mut Random) -> String {
    let mut out = String::new();
    let _ = match random.below(10) {
        0 => write!(out, "category:\"{}\"", CATEGORIES[random.below(CATEGORIES.len())]),
        1 => write!(out, "category:\"{}\"", about.category),
        2 => write!(out, "licence:\"{}\"", LICENCES[random.below(LICENCES.len())]),
        3 => write!(out, "tag:{}", about.tags.first().map_or("common", String::as_str)),
        4 => write!(out, "publisher:{}", corpus.publisher(about.publisher)),
        5 => write!(out, "publisher:{}", &corpus.publisher(about.publisher)[..9]),
        6 => write!(out, "min-reputation:0.{}", random.between(1, 9)),
        7 => write!(out, "sort:newest"),
        8 => write!(out, "sort:name"),
        _ => write!(out, "sort:providers category:\"{}\"", about.category),
    };
    out
}

/// One line each: the number of its kind, a space, the text.
pub fn write(questions: &[Question], file: &Path) -> std::io::Result<()> {
    let mut out = String::new();
    for question in questions {
        let _ = writeln!(out, "{} {}", question.kind as usize, question.text);
    }
    std::fs::write(file, out)
}

pub fn read(file: &Path) -> std::io::Result<Vec<Question>> {
    let text = std::fs::read_to_string(file)?;
    let question = |line: &str| {
        let (kind, text) = line.split_once(' ').expect("a kind and a text");
        Question { kind: Kind::ALL[kind.parse::<usize>().expect("a kind")], text: text.to_owned() }
    };
    Ok(text.lines().map(question).collect())
}
