//! A catalogue made up of packages as people publish them: with versions, publishers, labels, dependencies.

use std::collections::HashSet;

use ggen_p2p_tui::market::{Dependency, Identity, PackageId, PackageName, Release, ReleaseId, VerifiedRelease};

use crate::random::{Random, Zipf};
use crate::words::Words;

const SEED: u64 = 20_261_121;
pub const NETWORK: &str = "ggen";
/// How often a release is the first of a new package. Which package another one continues is drawn by the number of its
/// releases, so that a few have hundreds and most have one.
const NEW: f64 = 0.5;
/// How often one withdraws a version instead.
const YANK: f64 = 0.01;
const PACKAGES_PER_PUBLISHER: usize = 20;
/// Seconds from the first release to the last.
const SPAN: u64 = 200 * 86_400;
const VALID: u64 = 365 * 86_400;

pub const CATEGORIES: [&str; 24] = [
    "web",
    "api",
    "cli",
    "database",
    "testing",
    "documentation",
    "security",
    "cloud",
    "devops",
    "data",
    "graphics",
    "games",
    "network",
    "parsing",
    "science",
    "finance",
    "health care",
    "education",
    "machine learning",
    "embedded",
    "templates",
    "ontologies",
    "code generation",
    "knowledge graphs",
];
pub const LICENCES: [&str; 10] = [
    "MIT",
    "MIT OR Apache-2.0",
    "Apache-2.0",
    "GPL-3.0-or-later",
    "BSD-3-Clause",
    "MPL-2.0",
    "ISC",
    "LGPL-3.0",
    "Unlicense",
    "AGPL-3.0-only",
];

pub struct Corpus {
    words: Words,
    random: Random,
    publishers: Vec<Identity>,
    by_publisher: Zipf,
    packages: Vec<Package>,
    /// The package of each release.
    releases: Vec<u32>,
    /// Hashes of (publisher, name).
    taken: HashSet<u64>,
    begin: u64,
    count: usize,
}

/// Of all else, its seed is enough.
struct Package {
    seed: u64,
    last: ReleaseId,
    sequence: u32,
    /// The last version was withdrawn, and the ones before it are older.
    yanked: bool,
}

/// What stays the same through a package's versions.
pub struct About {
    pub publisher: usize,
    pub name: String,
    pub description: String,
    pub category: &'static str,
    pub tags: Vec<String>,
    pub keywords: Vec<String>,
    pub licence: &'static str,
}

impl About {
    fn of(seed: u64, words: &Words, publishers: &Zipf) -> Self {
        let random = &mut Random::new(seed);
        let publisher = publishers.draw(random);
        let mut name = words.telling(random).to_owned();
        for _ in 0..random.below(3) {
            name.push('-');
            name.push_str(words.telling(random));
        }
        if random.chance(0.15) {
            name = words.joined(random);
        }
        let by_rank = |random: &mut Random, end: usize| random.below(end).min(random.below(end));
        let length = random.between(4, 24);
        Self {
            publisher,
            name,
            description: words.sentence(random, length),
            category: CATEGORIES[by_rank(random, CATEGORIES.len())],
            tags: (0..random.below(6)).map(|_| words.telling(random).to_owned()).collect(),
            keywords: (0..random.below(5)).map(|_| words.telling(random).to_owned()).collect(),
            licence: LICENCES[by_rank(random, LICENCES.len())],
        }
    }

    pub fn labels(&self) -> String {
        format!("{} {} {}", self.tags.join(" "), self.keywords.join(" "), self.category)
    }
}

impl Corpus {
    /// Of `count` releases, the last one made at `end` (Unix seconds).
    pub fn new(count: usize, end: u64) -> Self {
        let publishers = count / 2 / PACKAGES_PER_PUBLISHER + 1;
        let mut random = Random::new(SEED);
        Self {
            words: Words::new(),
            publishers: (0..publishers).map(|_| Identity::from_secret(random.bytes())).collect(),
            by_publisher: Zipf::new(publishers),
            packages: Vec::new(),
            releases: Vec::with_capacity(count),
            taken: HashSet::new(),
            begin: end - SPAN,
            count,
            random,
        }
    }

    pub fn words(&self) -> &Words {
        &self.words
    }

    pub fn publisher(&self, index: usize) -> String {
        self.publishers[index].public().to_string()
    }

    /// The packages that are not withdrawn, so far.
    pub fn packages(&self) -> impl Iterator<Item = About> {
        let live = self.packages.iter().filter(|package| !package.yanked || package.sequence > 2);
        live.map(|package| About::of(package.seed, &self.words, &self.by_publisher))
    }

    pub fn package(&self, index: usize) -> About {
        About::of(self.packages[index].seed, &self.words, &self.by_publisher)
    }

    pub fn package_count(&self) -> usize {
        self.packages.len()
    }

    /// The next releases, signed; none when all were made.
    pub fn next(&mut self, most: usize) -> Vec<VerifiedRelease> {
        let count = most.min(self.count - self.releases.len());
        (0..count).map(|_| self.release()).collect()
    }

    fn release(&mut self) -> VerifiedRelease {
        let at = self.choose();
        let published_at = self.begin + SPAN * self.releases.len() as u64 / self.count as u64;
        self.releases.push(at as u32);
        let yanks = self.packages[at].sequence > 0 && !self.packages[at].yanked && self.random.chance(YANK);
        let package = &self.packages[at];
        let about = About::of(package.seed, &self.words, &self.by_publisher);
        let sequence = package.sequence + 1;
        // A withdrawn version has a number of its own in the chain, but is the version before.
        let number = u64::from(if yanks { package.sequence } else { sequence });
        let mut content = Random::new(package.seed ^ number);
        let identity = &self.publishers[about.publisher];
        let release = Release {
            network: NETWORK.into(),
            publisher: identity.public(),
            name: PackageName::new(&about.name).expect("a name"),
            version: semver::Version::new(number / 50, number / 10 % 5, number % 10),
            package_id: PackageId(content.bytes()),
            merkle_root: content.bytes(),
            size: content.between(500, 2_000_000) as u64,
            description: about.description.into(),
            category: about.category.into(),
            tags: about.tags.into_iter().map(Into::into).collect(),
            keywords: about.keywords.into_iter().map(Into::into).collect(),
            licence: about.licence.into(),
            repository: format!("https://example.org/{}", about.name).into(),
            dependencies: self.dependencies(&mut content),
            file_count: content.between(3, 80) as u32,
            sequence: u64::from(sequence),
            previous: (sequence > 1).then_some(package.last),
            published_at,
            expires_at: published_at + VALID,
            yank_reason: yanks.then(|| "it was published by mistake".into()),
        };
        let signed = release.sign(identity).expect("a signed release");
        let package = &mut self.packages[at];
        (package.last, package.sequence, package.yanked) = (signed.id(), sequence, yanks);
        signed
    }

    /// The package of the next release.
    fn choose(&mut self) -> usize {
        if !self.releases.is_empty() && !self.random.chance(NEW) {
            return self.releases[self.random.below(self.releases.len())] as usize;
        }
        loop {
            let seed = self.random.number();
            let about = About::of(seed, &self.words, &self.by_publisher);
            if PackageName::new(&about.name).is_ok() && self.taken.insert(hash(&about)) {
                self.packages.push(Package { seed, last: ReleaseId::default(), sequence: 0, yanked: false });
                return self.packages.len() - 1;
            }
        }
    }

    fn dependencies(&self, content: &mut Random) -> Vec<Dependency> {
        let count = content.below(5).min(self.packages.len() - 1);
        let mut dependencies: Vec<Dependency> = (0..count)
            .map(|_| {
                let about = self.package(content.below(self.packages.len()));
                Dependency {
                    name: PackageName::new(&about.name).expect("a name"),
                    requirement: "^0.1".parse().expect("a requirement"),
                    publisher: Some(self.publishers[about.publisher].public()),
                }
            })
            .collect();
        dependencies.sort_by(|a, b| a.name.cmp(&b.name));
        dependencies.dedup_by(|a, b| a.name == b.name);
        dependencies
    }
}

fn hash(about: &About) -> u64 {
    let seed = 0xcbf2_9ce4_8422_2325 ^ about.publisher as u64;
    about.name.bytes().fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
