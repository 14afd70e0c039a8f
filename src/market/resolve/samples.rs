//! Universes in few words, for the tests.

use semver::Version;

use super::*;
use crate::market::testing::name;

/// The publisher written `@seed`.
pub fn key(seed: u8) -> PublisherKey {
    PublisherKey([seed; 32])
}

/// `1` a publisher's seed, `-` unsigned.
fn publisher(text: &str) -> Option<PublisherKey> {
    (text != "-").then(|| key(text.parse().unwrap()))
}

/// `text` without what stands behind `mark`, and that.
fn cut(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark).map_or((text.trim(), None), |(before, after)| (before.trim(), Some(after.trim())))
}

/// `a ^1 @2`: name, perhaps a requirement, perhaps whose.
pub fn wanted(text: &str) -> Wanted {
    let (text, whose) = cut(text, '@');
    let (of, requirement) = cut(text, ' ');
    let requirement = requirement.map(|requirement| requirement.parse().unwrap());
    Wanted { name: name(of), requirement, publisher: whose.and_then(publisher) }
}

fn dependency(text: &str) -> Dependency {
    let Wanted { name, requirement, publisher } = wanted(text);
    Dependency { name, requirement: requirement.unwrap(), publisher }
}

fn bar(text: &str) -> Bar {
    match text {
        "yanked" => Bar::Yanked(SafeText::new("broken")),
        "cooling" => Bar::Cooling(90),
        "expired" => Bar::Expired,
        other => Bar::Untrusted(other.into()),
    }
}

/// One release a line: `a 1.0.0 @1 !yanked : b ^1; c * @2`. By publisher 1 unless said otherwise. `a` alone is known to nobody.
pub fn universe(lines: &str) -> Universe {
    let mut universe = Universe::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (text, dependencies) = cut(line, ':');
        let (text, barred) = cut(text, '!');
        let (text, whose) = cut(text, '@');
        let (of, version) = cut(text, ' ');
        let known = universe.packages.entry(name(of)).or_default();
        let Some(version) = version else { continue };
        known.candidates.push(Candidate {
            version: version.parse().unwrap(),
            publisher: publisher(whose.unwrap_or("1")),
            dependencies: dependencies
                .iter()
                .flat_map(|list| list.split(';'))
                .map(|it| dependency(it.trim()))
                .collect(),
            bar: barred.map(bar),
        });
    }
    universe
}

/// The same with `of` pinned to a publisher.
pub fn pin(mut universe: Universe, of: &str, seed: u8) -> Universe {
    universe.packages.get_mut(&name(of)).unwrap().pinned = Some(key(seed));
    universe
}

/// The same with a preferred release, `1.0.0 @1`.
pub fn prefer(mut universe: Universe, of: &str, release: &str) -> Universe {
    let (version, whose) = cut(release, '@');
    let version: Version = version.parse().unwrap();
    universe.packages.get_mut(&name(of)).unwrap().preferred = Some((version, publisher(whose.unwrap_or("1"))));
    universe
}

/// What is chosen for `roots` (`a ^1, b`), in order: `b 1.0.0, a 1.0.0 @2`.
pub fn choose(universe: &Universe, roots: &str) -> Result<String, Conflict> {
    let roots: Vec<Wanted> = roots.split(',').map(|root| wanted(root.trim())).collect();
    let solution = solve(universe, &roots)?;
    Ok(solution.choices.iter().map(|choice| told(universe, choice)).collect::<Vec<_>>().join(", "))
}

fn told(universe: &Universe, choice: &Choice) -> String {
    let candidate = universe.candidate(choice).unwrap();
    let whose = match candidate.publisher {
        None => " @-".into(),
        Some(PublisherKey([1, ..])) => String::new(),
        Some(PublisherKey([seed, ..])) => format!(" @{seed}"),
    };
    format!("{} {}{whose}{}", choice.name, candidate.version, if choice.yanked { " !yanked" } else { "" })
}

/// `choose`, which must succeed.
pub fn chosen(universe: &Universe, roots: &str) -> String {
    choose(universe, roots).unwrap_or_else(|conflict| panic!("{roots}: {conflict}"))
}

/// `choose`, which must fail.
pub fn conflict(universe: &Universe, roots: &str) -> Conflict {
    choose(universe, roots).expect_err(roots)
}
