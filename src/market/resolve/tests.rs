use super::samples::{chosen, conflict, key, pin, prefer, universe, wanted};
use super::*;
use crate::market::testing::name;

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

#[test]
fn the_newest_that_fits_is_chosen() {
    let all = universe("a 1.0.0 \n a 2.0.0 \n a 1.2.0 \n a 1.10.0 \n a 3.0.0-beta.1");
    let cases = [
        ("a", "a 2.0.0"),
        ("a *", "a 2.0.0"),
        ("a ^1", "a 1.10.0"),
        ("a ~1.2", "a 1.2.0"),
        ("a =1.0.0", "a 1.0.0"),
        ("a =1", "a 1.10.0"),
        ("a <1.10", "a 1.2.0"),
        ("a >=3.0.0-alpha", "a 3.0.0-beta.1"),
        ("a =3.0.0-beta.1", "a 3.0.0-beta.1"),
        ("a ^1, a <1.3", "a 1.2.0"),
    ];
    for (asked, answer) in cases {
        assert_eq!(chosen(&all, asked), answer, "{asked}");
    }
    let none =
        Conflict::NoVersion { name: name("a"), requirement: "^3".parse().unwrap(), newest: version("3.0.0-beta.1") };
    assert_eq!(conflict(&all, "a ^3"), none);
    assert_eq!(none.to_string(), "no version of a fits ^3; the newest is 3.0.0-beta.1");
    assert_eq!(none.hint(), "install it with a@=3.0.0-beta.1");
}

#[test]
fn a_pre_release_is_taken_where_there_is_nothing_else() {
    assert_eq!(chosen(&universe("a 1.0.0-a \n a 1.0.0-b"), "a"), "a 1.0.0-b");
    let withdrawn = universe("a 1.0.0 !yanked \n a 2.0.0-a");
    assert!(matches!(conflict(&withdrawn, "a"), Conflict::Barred { bar: Bar::Yanked(_), .. }));
    // What others do says nothing of this publisher.
    assert_eq!(chosen(&universe("a 1.0.0-a \n a 1.0.0 @2"), "a @1"), "a 1.0.0-a");
    // `*` names no pre-release.
    assert!(matches!(conflict(&universe("a 1.0.0-a"), "a *"), Conflict::NoVersion { .. }));
}

#[test]
fn what_is_preferred_is_kept_where_it_fits() {
    let all = prefer(universe("a 1.0.0 \n a 1.1.0 \n a 2.0.0 \n b 1.0.0 : a * \n b 0.1.0"), "a", "1.1.0");
    assert_eq!(chosen(&all, "b"), "a 1.1.0, b 1.0.0");
    assert_eq!(chosen(&all, "b, a ^2"), "a 2.0.0, b 1.0.0");
    // Only that publisher's; unsigned is not the same either.
    let others = prefer(universe("a 1.0.0 @2 \n a 1.1.0 @2"), "a", "1.0.0 @1");
    assert_eq!(chosen(&others, "a"), "a 1.1.0 @2");
    let barred = prefer(universe("a 1.0.0 !cooling \n a 0.9.0"), "a", "1.0.0");
    assert_eq!(chosen(&barred, "a"), "a 0.9.0");
}

#[test]
fn barred_releases_are_passed_over() {
    for bar in ["yanked", "cooling", "expired", "the key was revoked"] {
        let all = universe(&format!("a 1.0.0 \n a 1.1.0 !{bar} \n b 1.0.0 : a >=1.0.0"));
        assert_eq!(chosen(&all, "a"), "a 1.0.0", "{bar}");
        assert_eq!(chosen(&all, "b"), "a 1.0.0, b 1.0.0", "{bar}");
        let refused = conflict(&all, "a >1.0.0");
        assert!(matches!(&refused, Conflict::Barred { version: v, .. } if *v == version("1.1.0")), "{refused:?}");
    }
    let all = universe("a 1.0.0 !expired \n a 1.2.0 !cooling \n a 1.1.0 !yanked");
    let newest = Conflict::Barred { name: name("a"), version: version("1.2.0"), bar: Bar::Cooling(90) };
    assert_eq!(conflict(&all, "a"), newest);
    assert_eq!(newest.to_string(), "a 1.2.0 cannot be chosen: it is too new here and can be installed in 1m 30s");
}

#[test]
fn each_bar_says_what_it_is_and_what_to_do() {
    let told = |bar: Bar| {
        let conflict = Conflict::Barred { name: name("a"), version: version("1.0.0"), bar };
        format!("{conflict} / {}", conflict.hint())
    };
    insta::assert_snapshot!(
        [
            told(Bar::Yanked(SafeText::new("broken"))),
            told(Bar::Cooling(90)),
            told(Bar::Expired),
            told(Bar::Untrusted("the key was revoked".into())),
        ]
        .join("\n"),
        @r"
    a 1.0.0 cannot be chosen: it was withdrawn by its publisher: broken / choose another version, or ask for exactly this one with a@=1.0.0
    a 1.0.0 cannot be chosen: it is too new here and can be installed in 1m 30s / wait, name an older version, or lower security.install_cooldown
    a 1.0.0 cannot be chosen: its signature has expired / ask the publisher to publish it again
    a 1.0.0 cannot be chosen: it is not trusted: the key was revoked / see why with: ggen-p2p-tui show a --why
    "
    );
}

#[test]
fn a_withdrawn_version_needs_an_exact_wish() {
    let all = universe("a 1.0.0 \n a 1.1.0 !yanked \n b 1.0.0 : a ^1.1");
    assert_eq!(chosen(&all, "a =1.1.0"), "a 1.1.0 !yanked");
    // The wish counts for all who need it.
    assert_eq!(chosen(&all, "b, a =1.1.0"), "a 1.1.0 !yanked, b 1.0.0");
    for asked in ["a =1.1", "a ^1.1.0", "a >=1.1.0, a <=1.1.0"] {
        assert!(matches!(conflict(&all, asked), Conflict::Barred { .. }), "{asked}");
    }
    let two = Wanted { requirement: Some("=1.1.0, >1.0.0".parse().unwrap()), ..wanted("a") };
    assert!(matches!(solve(&all, &[two]), Err(Conflict::Barred { .. })));
    for bar in ["cooling", "expired", "revoked"] {
        let all = universe(&format!("a 1.1.0 !{bar}"));
        assert!(matches!(conflict(&all, "a =1.1.0"), Conflict::Barred { .. }), "{bar}");
    }
    // The exact wish of a dependency is none of the user's.
    let exact = universe("a 1.1.0 !yanked \n b 1.0.0 : a =1.1.0");
    assert!(matches!(conflict(&exact, "b"), Conflict::Incompatible { .. }));
    // What is not withdrawn is taken before what is.
    let builds = universe("a 1.0.0+2 !yanked \n a 1.0.0+1");
    assert_eq!(chosen(&builds, "a =1.0.0"), "a 1.0.0+1");
}

#[test]
fn dependencies_come_before_what_needs_them() {
    let all = universe(
        "z 1.0.0
         y 1.0.0 : z *
         a 1.0.0 : y *; b *
         b 1.0.0 : z *",
    );
    let solution = solve(&all, &[wanted("a"), wanted("z")]).unwrap();
    let told: Vec<_> = solution.choices.iter().map(|it| (it.name.as_str(), it.needed_by.len())).collect();
    assert_eq!(told, [("z", 2), ("b", 1), ("y", 1), ("a", 0)]);
    assert_eq!(solution.choices[0].needed_by, [name("b"), name("y")]);
    assert_eq!(solution.absent, []);
}

#[test]
fn a_circle_is_no_conflict() {
    let all = universe("a 1.0.0 : b ^1 \n b 1.0.0 : c ^1 \n c 1.0.0 : a ^1 \n c 2.0.0 \n d 1.0.0 : b *");
    assert_eq!(chosen(&all, "b"), "a 1.0.0, b 1.0.0, c 1.0.0");
    assert_eq!(chosen(&all, "d"), "a 1.0.0, b 1.0.0, c 1.0.0, d 1.0.0");
    assert!(matches!(
        conflict(&universe("a 1.0.0 : b * \n a 2.0.0 : b * \n b 1.0.0 : a ^1"), "a ^2"),
        Conflict::Incompatible { .. }
    ));
}

#[test]
fn a_release_may_need_itself_but_no_other_version_of_itself() {
    let all = universe("a 1.0.0 : a ^1 \n a 2.0.0 : a ^1 \n a 0.9.0");
    assert_eq!(chosen(&all, "a"), "a 1.0.0");
    let solution = solve(&all, &[wanted("a")]).unwrap();
    assert_eq!(solution.choices[0].needed_by, []);
    let other = universe("a 2.0.0 @1 : a ^2 @2 \n a 1.0.0 @1 : a ^1 @1");
    assert_eq!(chosen(&other, "a"), "a 1.0.0");
    let pinned = pin(universe("a 1.0.0 @1 : a * \n a 1.0.0 @2"), "a", 2);
    assert_eq!(chosen(&pinned, "a @1"), "a 1.0.0", "its own publisher is meant where it names none");
}

#[test]
fn a_diamond_takes_the_version_that_both_want() {
    let all = universe(
        "top 1.0.0 : left *; right *
         left 1.0.0 : base >=1, <3
         right 1.0.0 : base ^2
         base 1.0.0
         base 2.0.0
         base 2.5.0
         base 3.0.0",
    );
    assert_eq!(chosen(&all, "top"), "base 2.5.0, left 1.0.0, right 1.0.0, top 1.0.0");
}

#[test]
fn what_leads_nowhere_is_gone_back_on() {
    let all = universe(
        "a 2.0.0 : b ^2
         a 1.0.0 : b ^1
         b 2.0.0 : c ^9
         b 1.0.0 : c ^1
         c 1.0.0",
    );
    assert_eq!(chosen(&all, "a"), "c 1.0.0, b 1.0.0, a 1.0.0");
    // Far back: nothing below tells that the newest a is the trouble.
    let far = universe(
        "a 2.0.0 : z ^2
         a 1.0.0
         b 1.0.0 : c *
         c 1.0.0 : d *
         d 1.0.0 : z ^1
         z 1.0.0
         z 2.0.0",
    );
    assert_eq!(chosen(&far, "a, b"), "a 1.0.0, z 1.0.0, d 1.0.0, c 1.0.0, b 1.0.0");
}

#[test]
fn what_was_asked_for_is_newest_before_what_it_needs() {
    let all = universe(
        "a 1.0.0 : b *
         a 2.0.0 : b ^1
         b 1.0.0
         b 2.0.0",
    );
    assert_eq!(chosen(&all, "a"), "b 1.0.0, a 2.0.0");
}

#[test]
fn what_nobody_knows_is_left_out_and_reported() {
    let all = universe("a 1.0.0 : gone ^1; b * \n b 1.0.0 : gone ^2; never * @2 \n never");
    let solution = solve(&all, &[wanted("a")]).unwrap();
    let told: Vec<_> =
        solution.absent.iter().map(|it| format!("{} {} for {}", it.name, it.requirement, it.needed_by)).collect();
    assert_eq!(told, ["gone ^1 for a", "gone ^2 for b", "never * for b"]);
    assert_eq!(solution.choices.len(), 2);
    for asked in ["gone", "never", "gone ^1 @2"] {
        assert_eq!(conflict(&all, asked), Conflict::Unknown(wanted(asked).name));
    }
    assert_eq!(conflict(&all, "a @2"), Conflict::UnknownBy { name: name("a"), publisher: key(2) });
}

#[test]
fn a_name_of_several_publishers_needs_a_word() {
    let all = universe("a 1.0.0 @1 \n a 2.0.0 @2 \n b 1.0.0 : a * \n c 1.0.0 : a * @1");
    let undecided = Conflict::SeveralPublishers { name: name("a"), keys: vec![key(1), key(2)] };
    assert_eq!(conflict(&all, "a"), undecided);
    assert_eq!(conflict(&all, "a ^1"), undecided, "that only one of them fits decides nothing");
    assert_eq!(conflict(&all, "b"), undecided);
    assert_eq!(conflict(&all, "b, c, a"), undecided, "what others need does not say what the user means");
    assert_eq!(undecided.hint(), format!("say whose you want: --publisher {}", key(1)));
    assert!(undecided.to_string().starts_with("a is published by several keys: 12D3"));
    assert_eq!(chosen(&all, "a @1"), "a 1.0.0");
    assert_eq!(chosen(&all, "a @2"), "a 2.0.0 @2");
    assert_eq!(chosen(&all, "b, c"), "a 1.0.0, b 1.0.0, c 1.0.0", "c has said whose");
    assert_eq!(chosen(&all, "b, a @2"), "a 2.0.0 @2, b 1.0.0", "the user has said whose");
    assert_eq!(chosen(&pin(all.clone(), "a", 1), "a"), "a 1.0.0");
    assert_eq!(chosen(&pin(all.clone(), "a", 2), "b"), "a 2.0.0 @2, b 1.0.0");
    assert_eq!(chosen(&pin(all.clone(), "a", 1), "b, a @2"), "a 2.0.0 @2, b 1.0.0", "the user's word is above the pin");
    assert_eq!(conflict(&pin(all.clone(), "a", 3), "a"), undecided, "a pin without releases decides nothing");
    assert_eq!(chosen(&prefer(all.clone(), "a", "2.0.0 @2"), "b"), "a 2.0.0 @2, b 1.0.0");
    assert_eq!(chosen(&pin(prefer(all, "a", "2.0.0 @2"), "a", 1), "b"), "a 1.0.0, b 1.0.0");
}

#[test]
fn two_dependents_cannot_mean_different_publishers() {
    let all = universe("a 1.0.0 @1 \n a 1.0.0 @2 \n b 1.0.0 : a * @1 \n c 1.0.0 : a * @2 \n c 0.9.0 : a * @1");
    assert_eq!(chosen(&all, "b, c"), "a 1.0.0, b 1.0.0, c 0.9.0");
    assert!(matches!(conflict(&all, "b, c ^1"), Conflict::Incompatible { .. }));
    let pinned = pin(universe("a 1.0.0 @1 \n a 1.0.0 @2 \n b 1.0.0 : a * \n c 1.0.0 : a * @2"), "a", 1);
    assert!(matches!(conflict(&pinned, "b, c"), Conflict::Incompatible { .. }));
    assert_eq!(chosen(&pinned, "c"), "a 1.0.0 @2, c 1.0.0");
}

#[test]
fn a_publisher_out_of_the_question_does_not_make_a_name_ambiguous() {
    assert_eq!(chosen(&universe("a 1.0.0 @1 \n a 2.0.0 @2 !revoked \n a 1.9.0 @3 !expired"), "a"), "a 1.0.0");
    // Withdrawing or being young is no disqualification.
    for bar in ["yanked", "cooling"] {
        let all = universe(&format!("a 1.0.0 @1 \n a 2.0.0 @2 !{bar}"));
        assert!(matches!(conflict(&all, "a"), Conflict::SeveralPublishers { .. }), "{bar}");
    }
    let all = universe("a 1.0.0 @1 !revoked \n a 2.0.0 @2 !expired");
    assert!(matches!(conflict(&all, "a"), Conflict::SeveralPublishers { keys, .. } if keys.len() == 2));
    assert!(matches!(conflict(&universe("a 1.0.0 !expired"), "a"), Conflict::Barred { bar: Bar::Expired, .. }));
}

#[test]
fn an_unsigned_entry_never_stands_in_for_what_is_signed() {
    let both = universe("a 1.0.0 @1 \n a 2.0.0 @- \n b 1.0.0 : a *");
    assert_eq!(chosen(&both, "a"), "a 1.0.0");
    assert_eq!(chosen(&both, "b"), "a 1.0.0, b 1.0.0");
    assert!(matches!(conflict(&both, "a ^2"), Conflict::NoVersion { newest, .. } if newest == version("1.0.0")));
    assert_eq!(chosen(&universe("a 2.0.0 @- \n a 1.0.0 @-"), "a"), "a 2.0.0 @-");
    let expired = universe("a 1.0.0 @1 !expired \n a 2.0.0 @-");
    assert!(matches!(conflict(&expired, "a"), Conflict::Barred { bar: Bar::Expired, .. }));
    // What is installed from an index stays so until the user names a publisher.
    let installed = prefer(both, "a", "2.0.0 @-");
    assert_eq!(chosen(&installed, "b"), "a 2.0.0 @-, b 1.0.0");
    assert_eq!(chosen(&installed, "b, a @1"), "a 1.0.0, b 1.0.0");
    let several = universe("a 1.0.0 @1 \n a 1.0.0 @2 \n a 3.0.0 @- \n b 1.0.0 : a *; c * \n c 1.0.0 : a * @1");
    assert_eq!(chosen(&several, "b"), "a 1.0.0, c 1.0.0, b 1.0.0");
}

#[test]
fn the_same_input_gives_the_same_answer_in_any_order() {
    let lines = "a 1.0.0 : b *; c * \n a 2.0.0 : b ^2; c ^2 \n b 2.0.0 : d ^1 \n b 1.0.0 : d * \n c 2.0.0 : d ^2
                 c 1.0.0 : d * \n d 1.0.0 \n d 2.0.0";
    let mut backwards: Vec<&str> = lines.split('\n').collect();
    backwards.reverse();
    let answer = chosen(&universe(lines), "a, c");
    assert_eq!(chosen(&universe(&backwards.join("\n")), "a, c"), answer);
    assert_eq!(chosen(&universe(lines), "c, a"), answer);
}

#[test]
fn too_much_is_refused() {
    let many = |count: usize| {
        let lines: Vec<_> = (0..count).map(|at| format!("p{at} 1.0.0 : p{} *", at + 1)).collect();
        universe(&lines.join("\n"))
    };
    assert_eq!(solve(&many(MAX_PACKAGES), &[wanted("p0")]).unwrap().choices.len(), MAX_PACKAGES);
    assert_eq!(conflict(&many(MAX_PACKAGES + 1), "p0"), Conflict::TooLarge);
    let versions = |count: usize| {
        let lines: Vec<_> = (0..count).map(|at| format!("a 1.{at}.0")).collect();
        universe(&lines.join("\n"))
    };
    assert_eq!(chosen(&versions(MAX_CANDIDATES), "a"), "a 1.9999.0");
    assert_eq!(conflict(&versions(MAX_CANDIDATES + 1), "a"), Conflict::TooLarge);
    let roots = vec![wanted("a"); MAX_PACKAGES + 1];
    assert_eq!(solve(&versions(1), &roots), Err(Conflict::TooLarge));
    assert!(solve(&versions(1), &roots[1..]).is_ok());
}

#[test]
fn other_peers_may_know_better_of_what_is_missing_only() {
    let elsewhere = [
        Conflict::Unknown(name("a")),
        Conflict::UnknownBy { name: name("a"), publisher: key(1) },
        Conflict::NoVersion { name: name("a"), requirement: "^1".parse().unwrap(), newest: version("2.0.0") },
        Conflict::Incompatible { explanation: vec!["one".into(), "two".into()] },
    ];
    let here = [
        Conflict::Barred { name: name("a"), version: version("1.0.0"), bar: Bar::Expired },
        Conflict::SeveralPublishers { name: name("a"), keys: vec![] },
        Conflict::TooLarge,
    ];
    assert!(elsewhere.iter().all(Conflict::may_be_elsewhere));
    assert!(!here.iter().any(Conflict::may_be_elsewhere));
    let all: Vec<_> = elsewhere.iter().chain(&here).map(|it| format!("{it} / {}", it.hint())).collect();
    insta::assert_snapshot!(all.join("\n"), @r"
    no package named a / check the spelling of a, or search for it
    no package named a by 12D3KooW9tHTtS3inCZiYykw4u5G4frbjVFqhkmJX12gSNCVeH3e / leave the publisher out to see who has published a
    no version of a fits ^1; the newest is 2.0.0 / install it with a@=2.0.0
    no versions fit together:
    one
    two / ask for other versions, or remove what excludes them
    a 1.0.0 cannot be chosen: its signature has expired / ask the publisher to publish it again
    a is published by several keys:  / say whose you want: --publisher 
    too much to choose from: more than 256 packages or 10000 releases, or too many combinations / ask for exact versions, or for fewer packages at once
    ");
}

/// `names` that are to have a version each of their own, of only so many versions.
fn pigeons(names: usize, holes: usize) -> Result<Solution, Conflict> {
    let mut lines = Vec::new();
    for (of, hole) in (0..names).flat_map(|of| (0..holes).map(move |hole| (of, hole))) {
        let others = (0..names).filter(|other| *other != of);
        let apart = others.map(|other| format!("h{hole}x{}x{} ={of}.0.0", of.min(other), of.max(other)));
        lines.push(format!("p{of} {hole}.0.0 : {}", apart.collect::<Vec<_>>().join("; ")));
    }
    for (one, other) in (0..names).flat_map(|one| (one + 1..names).map(move |other| (one, other))) {
        for hole in 0..holes {
            lines.extend([one, other].map(|at| format!("h{hole}x{one}x{other} {at}.0.0")));
        }
    }
    let roots: Vec<_> = (0..names).map(|of| wanted(&format!("p{of}"))).collect();
    solve(&universe(&lines.join("\n")), &roots)
}

#[test]
fn combinations_are_tried_until_there_are_none() {
    assert_eq!(pigeons(5, 5).unwrap().choices.len(), 5 + 4 * 5);
    assert!(matches!(pigeons(6, 5), Err(Conflict::Incompatible { .. })));
}

#[test]
fn work_without_end_is_broken_off() {
    // Each of many releases asks for another version of one name that has very many.
    let big = (0..MAX_CANDIDATES - 2_000).map(|minor| format!("big 1.{minor}.0"));
    let asking = (0..2_000).map(|minor| format!("a 1.{minor}.0 : big >=2.{minor}"));
    let all = universe(&big.chain(asking).collect::<Vec<_>>().join("\n"));
    assert_eq!(conflict(&all, "a"), Conflict::TooLarge);
    assert_eq!(all.missing(&[wanted("a")]), []);
}

#[test]
fn what_is_decided_first_stays_the_newest() {
    // z is asked for, d is only needed, although fewer releases of it are left.
    let all = universe("a 1.0.0 : d * \n d 2.0.0 : z ^1 \n d 1.0.0 \n z 1.0.0 \n z 2.0.0 \n z 2.1.0");
    assert_eq!(chosen(&all, "a, z"), "d 1.0.0, z 2.1.0, a 1.0.0");
    // Whose a is meant is decided when all have been heard who may say it.
    let all = universe("a 1.0.0 @1 \n a 2.0.0 @2 \n b 1.0.0 : a * \n c 1.0.0 : e * \n e 2.0.0 : a * @1 \n e 1.0.0");
    assert_eq!(chosen(&all, "b, c"), "a 1.0.0, b 1.0.0, e 2.0.0, c 1.0.0");
}
