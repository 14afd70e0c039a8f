//! The solver against trying everything, over small universes.

use proptest::prelude::*;

use super::samples::key;
use super::*;
use crate::market::testing::name;

const NAMES: [&str; 4] = ["a", "b", "c", "d"];
const VERSIONS: [&str; 5] = ["1.0.0", "1.1.0", "2.0.0-x", "2.0.0", "3.0.0"];
const REQUIREMENTS: [&str; 8] = ["*", "^1", "^2", "=1.1.0", "=1.0.0", "<2", ">=2.0.0-a", ">=1.1"];

type Assignment = BTreeMap<PackageName, usize>;

fn publisher() -> impl Strategy<Value = Option<PublisherKey>> {
    prop_oneof![8 => Just(Some(key(1))), 1 => Just(Some(key(2))), 1 => Just(None)]
}

fn requirement() -> impl Strategy<Value = VersionReq> {
    prop::sample::select(&REQUIREMENTS[..]).prop_map(|text| text.parse().unwrap())
}

fn whose() -> impl Strategy<Value = Option<PublisherKey>> {
    prop_oneof![8 => Just(None), 1 => Just(Some(key(1))), 1 => Just(Some(key(2)))]
}

/// `e` is known to nobody.
fn dependency() -> impl Strategy<Value = Dependency> {
    let of = prop_oneof![9 => prop::sample::select(&NAMES[..]), 1 => Just("e")];
    (of, requirement(), whose()).prop_map(|(of, requirement, publisher)| Dependency {
        name: name(of),
        requirement,
        publisher,
    })
}

fn bar() -> impl Strategy<Value = Option<Bar>> {
    prop_oneof![
        8 => Just(None),
        1 => Just(Some(Bar::Yanked(SafeText::new("broken")))),
        1 => Just(Some(Bar::Expired)),
    ]
}

fn candidate() -> impl Strategy<Value = Candidate> {
    let version = prop::sample::select(&VERSIONS[..]).prop_map(|text| text.parse().unwrap());
    (version, publisher(), prop::collection::vec(dependency(), 0..3), bar())
        .prop_map(|(version, publisher, dependencies, bar)| Candidate { version, publisher, dependencies, bar })
}

fn known() -> impl Strategy<Value = Known> {
    let preferred = (prop::sample::select(&VERSIONS[..]), publisher())
        .prop_map(|(version, publisher)| (version.parse().unwrap(), publisher));
    let pinned = prop_oneof![4 => Just(None), 1 => Just(Some(key(1))), 1 => Just(Some(key(2)))];
    (prop::collection::vec(candidate(), 1..4), pinned, prop::option::weighted(0.2, preferred))
        .prop_map(|(candidates, pinned, preferred)| Known { candidates, pinned, preferred })
}

fn universe() -> impl Strategy<Value = Universe> {
    prop::collection::vec(known(), NAMES.len()).prop_map(|all| {
        let mut universe = Universe::new();
        for (of, known) in NAMES.iter().zip(all) {
            universe.insert(name(of), known);
        }
        universe
    })
}

fn roots() -> impl Strategy<Value = Vec<Wanted>> {
    let root = (prop::sample::select(&NAMES[..]), prop::option::of(requirement()), whose());
    prop::collection::vec(root, 1..3).prop_map(|roots| {
        let wanted = |(of, requirement, publisher)| Wanted { name: name(of), requirement, publisher };
        roots.into_iter().map(wanted).collect()
    })
}

/// The rules once more, told as plainly as can be.
struct Oracle<'a> {
    universe: &'a Universe,
    roots: &'a [Wanted],
}

impl Oracle<'_> {
    fn candidates(&self, of: &PackageName) -> &[Candidate] {
        self.universe.get(of).map_or(&[], |known| &known.candidates)
    }

    /// None: the name is known to nobody. Several: nobody has said whose.
    fn publishers(&self, of: &PackageName) -> Vec<Option<PublisherKey>> {
        let candidates = self.candidates(of);
        let has = |whose: Option<PublisherKey>| candidates.iter().any(|it| it.publisher == whose);
        for root in self.roots {
            if root.name == *of && root.publisher.is_some() {
                return vec![root.publisher];
            }
        }
        let Some(known) = self.universe.get(of) else { return Vec::new() };
        if known.pinned.is_some() && has(known.pinned) {
            return vec![known.pinned];
        }
        if let Some((_, whose)) = known.preferred
            && has(whose)
        {
            return vec![whose];
        }
        let signed = |even_expired: bool| {
            [Some(key(1)), Some(key(2))]
                .into_iter()
                .filter(|whose| {
                    candidates.iter().any(|it| it.publisher == *whose && (even_expired || it.bar != Some(Bar::Expired)))
                })
                .collect::<Vec<_>>()
        };
        [signed(false), signed(true), vec![None]].into_iter().find(|them| !them.is_empty()).unwrap()
    }

    fn meets(
        &self,
        of: &PackageName,
        requirement: Option<&VersionReq>,
        whose: Option<PublisherKey>,
        candidate: &Candidate,
    ) -> bool {
        let publishers = if whose.is_some() { vec![whose] } else { self.publishers(of) };
        let version_fits = match requirement {
            Some(requirement) => requirement.matches(&candidate.version),
            None => {
                let stable = |it: &&Candidate| publishers.contains(&it.publisher) && it.version.pre.is_empty();
                candidate.version.pre.is_empty() || self.candidates(of).iter().find(stable).is_none()
            }
        };
        publishers.contains(&candidate.publisher) && version_fits
    }

    fn may_be_chosen(&self, of: &PackageName, candidate: &Candidate) -> bool {
        let exact = |root: &Wanted| {
            let text = root.requirement.as_ref().map(ToString::to_string).unwrap_or_default();
            root.name == *of
                && ["=1.1.0", "=1.0.0"].contains(&text.as_str())
                && self.meets(of, root.requirement.as_ref(), root.publisher, candidate)
        };
        match candidate.bar {
            None => true,
            Some(Bar::Yanked(_)) => self.roots.iter().any(exact),
            Some(_) => false,
        }
    }

    /// Whether everything that is asked for is there and fits. Whose is not asked: see `undecided`.
    fn holds(&self, chosen: &Assignment) -> bool {
        let at = |of: &PackageName| chosen.get(of).map(|index| &self.candidates(of)[*index]);
        let roots = self.roots.iter().all(|root| {
            at(&root.name).is_some_and(|it| self.meets(&root.name, root.requirement.as_ref(), root.publisher, it))
        });
        roots
            && chosen.keys().all(|of| {
                let candidate = at(of).unwrap();
                let met = candidate.dependencies.iter().all(|dependency| {
                    let Dependency { name, requirement, publisher } = dependency;
                    // Its own publisher is meant where it asks for itself.
                    let whose = if name == of { publisher.or(candidate.publisher) } else { *publisher };
                    if name == of && whose.is_none() {
                        return requirement.matches(&candidate.version);
                    }
                    self.candidates(name).is_empty()
                        || at(name).is_some_and(|it| self.meets(name, Some(requirement), whose, it))
                });
                met && self.may_be_chosen(of, candidate)
            })
    }

    /// A name of several publishers in `chosen`, of whom nobody says whose is meant.
    fn undecided(&self, chosen: &Assignment) -> Option<PackageName> {
        let named = |of: &PackageName| {
            chosen
                .iter()
                .flat_map(|(name, index)| &self.candidates(name)[*index].dependencies)
                .any(|dependency| dependency.name == *of && dependency.publisher.is_some())
        };
        chosen.keys().find(|of| self.publishers(of).len() > 1 && !named(of)).cloned()
    }

    fn all(&self) -> Vec<Assignment> {
        let mut all = vec![Assignment::new()];
        for of in NAMES.map(name) {
            let mut more = all.clone();
            for index in 0..self.candidates(&of).len() {
                more.extend(all.iter().map(|chosen| {
                    let mut chosen = chosen.clone();
                    chosen.insert(of.clone(), index);
                    chosen
                }));
            }
            all = more;
        }
        all.retain(|chosen| self.holds(chosen));
        all
    }

    /// What `of` needs, directly or not, and itself.
    fn reach(&self, chosen: &Assignment, of: &PackageName) -> Vec<PackageName> {
        let mut reached = vec![of.clone()];
        let mut at = 0;
        while let Some(of) = reached.get(at).cloned() {
            for dependency in &self.candidates(&of)[chosen[&of]].dependencies {
                if chosen.contains_key(&dependency.name) && !reached.contains(&dependency.name) {
                    reached.push(dependency.name.clone());
                }
            }
            at += 1;
        }
        reached
    }
}

fn check_solution(oracle: &Oracle<'_>, solution: &Solution) {
    let chosen: Assignment = solution.choices.iter().map(|it| (it.name.clone(), it.candidate)).collect();
    assert_eq!(chosen.len(), solution.choices.len(), "one of each name");
    assert!(oracle.holds(&chosen), "something does not fit: {chosen:?}");
    assert_eq!(oracle.undecided(&chosen), None);
    let needed: Vec<_> = oracle.roots.iter().flat_map(|root| oracle.reach(&chosen, &root.name)).collect();
    for (at, choice) in solution.choices.iter().enumerate() {
        assert!(needed.contains(&choice.name), "{} is needed by nobody", choice.name);
        let reach = oracle.reach(&chosen, &choice.name);
        for later in &solution.choices[at + 1..] {
            let back = oracle.reach(&chosen, &later.name);
            assert!(!reach.contains(&later.name) || back.contains(&choice.name), "{} comes too late", later.name);
        }
        let by = |other: &&Choice| {
            let of = &oracle.candidates(&other.name)[other.candidate];
            other.name != choice.name && of.dependencies.iter().any(|it| it.name == choice.name)
        };
        let mut by: Vec<_> = solution.choices.iter().filter(by).map(|it| it.name.clone()).collect();
        by.sort();
        assert_eq!(choice.needed_by, by);
        let bar = &oracle.candidates(&choice.name)[choice.candidate].bar;
        assert_eq!(choice.yanked, bar.is_some());
    }
    let dependencies = chosen.iter().flat_map(|(of, index)| &oracle.candidates(of)[*index].dependencies);
    let unknown: Vec<_> = dependencies.filter(|it| oracle.candidates(&it.name).is_empty()).collect();
    assert!(unknown.iter().all(|it| solution.absent.iter().any(|absent| absent.name == it.name)));
    assert_eq!(unknown.is_empty(), solution.absent.is_empty());
}

/// One thing asked for: it is the best of all that any solution has.
fn check_best(oracle: &Oracle<'_>, solution: &Solution, all: &[Assignment]) {
    let [root] = oracle.roots else { return };
    let preferred = oracle.universe.get(&root.name).and_then(|known| known.preferred.clone());
    let rank = |index: usize| {
        let it = &oracle.candidates(&root.name)[index];
        (Some((it.version.clone(), it.publisher)) == preferred, it.bar.is_none(), it.version.clone())
    };
    let best = all.iter().map(|chosen| rank(chosen[&root.name])).max().unwrap();
    let got = solution.choices.iter().find(|it| it.name == root.name).unwrap();
    assert_eq!(rank(got.candidate), best);
}

/// Only what is said to be missing is looked up.
fn look_up(all: &Universe, roots: &[Wanted]) -> Universe {
    let mut some = Universe::new();
    // Each round finds a name at least, and there is one that nobody knows.
    for _ in 0..=NAMES.len() + 1 {
        for of in some.missing(roots) {
            assert_eq!(some.get(&of), None);
            some.insert(of.clone(), all.get(&of).cloned().unwrap_or_default());
        }
    }
    assert_eq!(some.missing(roots), [], "there is no end to it");
    some
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn there_is_a_solution_where_trying_everything_finds_one(universe in universe(), roots in roots()) {
        let oracle = Oracle { universe: &universe, roots: &roots };
        let all = oracle.all();
        match solve(&universe, &roots) {
            Ok(solution) => {
                check_solution(&oracle, &solution);
                check_best(&oracle, &solution, &all);
            }
            Err(Conflict::TooLarge) => prop_assert!(false, "that was not much"),
            Err(Conflict::SeveralPublishers { name, keys }) => {
                prop_assert_eq!(keys.len(), 2);
                prop_assert!(oracle.publishers(&name).len() > 1);
            }
            Err(conflict) => prop_assert!(all.is_empty(), "{} although {:?}", conflict, all),
        }
    }

    #[test]
    fn looking_up_what_is_missing_is_enough(universe in universe(), roots in roots()) {
        prop_assert_eq!(solve(&look_up(&universe, &roots), &roots), solve(&universe, &roots));
    }
}
