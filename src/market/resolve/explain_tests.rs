use super::samples::{conflict, key, pin, universe};
use super::*;

/// The explanation, with short names for the publishers.
fn why(universe: &Universe, roots: &str) -> String {
    let Conflict::Incompatible { explanation } = conflict(universe, roots) else { panic!("another conflict") };
    assert!(explanation.len() <= explain::MAX_LINES, "{explanation:#?}");
    assert!(explanation.iter().all(|line| !line.contains('\n')));
    (1..4).fold(explanation.join("\n"), |text, seed| text.replace(&key(seed).to_string(), &format!("@{seed}")))
}

#[test]
fn a_diamond() {
    let all = universe("a 1.0.0 : c ^2 \n b 2.0.0 : c ^1 \n c 1.0.0 \n c 2.0.0");
    insta::assert_snapshot!(why(&all, "a, b"), @r"
    you asked for a
    you asked for b
    a 1.0.0 needs c ^2
    b 2.0.0 needs c ^1
    no version of c is right for all of these, and there can be only one
    ");
}

#[test]
fn a_version_that_does_not_exist() {
    let all = universe("a 1.0.0 : b * \n b 1.0.0 : c ^3 \n b 1.1.0 : c ^3 \n c 1.0.0 \n c 2.0.0");
    insta::assert_snapshot!(why(&all, "a"), @r"
    you asked for a
    a 1.0.0 needs b *
    every version of b needs c ^3, which no version fits; the newest is 2.0.0
    ");
}

#[test]
fn every_version_leads_nowhere() {
    let all = universe(
        "a 1.0.0 : c ^1
         a 1.1.0 : c ^1
         a 2.0.0 : c ^2; d >=1, <2
         b 1.0.0 : c ^3
         c 1.0.0
         c 2.0.0
         c 3.0.0
         d 1.0.0",
    );
    insta::assert_snapshot!(why(&all, "a, b"), @r"
    you asked for a
    you asked for b
    a 1.0.0 and 1.1.0 need c ^1
    a 2.0.0 needs c ^2
    b 1.0.0 needs c ^3
    no version of c is right for all of these, and there can be only one
    ");
}

#[test]
fn several_versions_in_few_words() {
    let a: Vec<_> = (0..9).map(|minor| format!("a 1.{minor}.0 : c ^1")).collect();
    let all = universe(&format!("{} \n a 2.0.0 \n b 1.0.0 : a <2; c ^2 \n c 1.0.0 \n c 2.0.0", a.join("\n")));
    insta::assert_snapshot!(why(&all, "b"), @r"
    you asked for b
    b 1.0.0 needs a <2
    b 1.0.0 needs c ^2
    a 1.0.0 to 1.8.0 (9 versions) need c ^1
    no version of c is right for all of these, and there can be only one
    ");
}

#[test]
fn a_release_that_may_not_be_chosen() {
    let all = universe("a 1.0.0 : c >=1.1 \n c 1.0.0 \n c 1.1.0 !yanked \n c 1.2.0 !cooling \n c 1.3.0 !revoked");
    insta::assert_snapshot!(why(&all, "a"), @r"
    you asked for a
    a 1.0.0 needs c >=1.1
    c 1.3.0 cannot be chosen: it is not trusted: revoked; nor can 2 that are older
    ");
    let one = universe("a 1.0.0 : c >=1.1 \n b 1.0.0 : c <1.2 \n c 1.0.0 \n c 1.1.0 !expired \n c 1.2.0");
    insta::assert_snapshot!(why(&one, "a, b"), @r"
    you asked for a
    you asked for b
    a 1.0.0 needs c >=1.1
    b 1.0.0 needs c <1.2
    c 1.1.0 cannot be chosen: its signature has expired
    no version of c is right for all of these, and there can be only one
    ");
    let two = universe("a 1.0.0 : c >=1.1 \n c 1.0.0 \n c 1.1.0 !yanked \n c 1.2.0 !cooling");
    insta::assert_snapshot!(why(&two, "a"), @r"
    you asked for a
    a 1.0.0 needs c >=1.1
    c 1.2.0 cannot be chosen: it is too new here and can be installed in 1m 30s; nor can one that is older
    ");
}

#[test]
fn publishers() {
    let two = universe("a 1.0.0 @1 \n a 1.0.0 @2 \n b 1.0.0 : a ^1 @1 \n c 1.0.0 : a * @2");
    insta::assert_snapshot!(why(&two, "b, c"), @r"
    you asked for b
    you asked for c
    b 1.0.0 needs a ^1 by @1
    c 1.0.0 needs a * by @2
    no version of a is right for all of these, and there can be only one
    ");
    let pinned = pin(universe("a 1.0.0 @1 \n a 1.0.0 @2 \n b 1.0.0 : a ^1 \n c 1.0.0 : a * @2"), "a", 1);
    insta::assert_snapshot!(why(&pinned, "b, c"), @r"
    you asked for b
    you asked for c
    b 1.0.0 needs a ^1 (here by @1)
    c 1.0.0 needs a * by @2
    no version of a is right for all of these, and there can be only one
    ");
    let nobody = universe("a 1.0.0 @1 \n b 1.0.0 : a ^1 @3");
    insta::assert_snapshot!(why(&nobody, "b"), @r"
    you asked for b
    b 1.0.0 needs a ^1 by @3, who has released none
    ");
    let unsigned = samples::prefer(universe("a 1.0.0 @1 \n a 2.0.0 @- \n b 1.0.0 : a ^1"), "a", "2.0.0 @-");
    insta::assert_snapshot!(why(&unsigned, "b"), @r"
    you asked for b
    b 1.0.0 needs a ^1 (here unsigned), which no version fits; the newest is 2.0.0
    ");
    let whose = universe("a 1.0.0 @1 : c ^2 \n a 1.0.0 @2 \n b 1.0.0 : a ^1 @1; c ^1 \n c 1.0.0 \n c 2.0.0");
    insta::assert_snapshot!(why(&whose, "b"), @r"
    you asked for b
    b 1.0.0 needs a ^1 by @1
    b 1.0.0 needs c ^1
    a 1.0.0 by @1 needs c ^2
    no version of c is right for all of these, and there can be only one
    ");
}

#[test]
fn a_release_that_needs_another_version_of_itself() {
    let all = universe("a 2.0.0 : a ^1 \n b 1.0.0 : a ^2 \n a 1.0.0");
    insta::assert_snapshot!(why(&all, "b"), @r"
    you asked for b
    b 1.0.0 needs a ^2
    a 2.0.0 needs itself as ^1
    these cannot all be had at once
    ");
}

#[test]
fn two_wishes_of_the_user() {
    let all = universe("a 1.0.0 \n a 2.0.0");
    insta::assert_snapshot!(why(&all, "a ^1, a ^2"), @r"
    you asked for a ^1
    you asked for a ^2
    no version of a is right for all of these, and there can be only one
    ");
}

#[test]
fn a_clash_that_no_single_name_shows() {
    // x is either 1 or 2, and so are y and z; any two of them exclude each other.
    let all = universe(
        "x 1.0.0 : y ^1
         x 2.0.0 : y ^2
         y 1.0.0 : z ^2
         y 2.0.0 : z ^1
         z 1.0.0 : x ^1
         z 2.0.0 : x ^2",
    );
    insta::assert_snapshot!(why(&all, "x"), @r"
    you asked for x
    x 1.0.0 needs y ^1
    x 2.0.0 needs y ^2
    y 2.0.0 needs z ^1
    y 1.0.0 needs z ^2
    z 1.0.0 needs x ^1
    z 2.0.0 needs x ^2
    no version of x is right for all of these, and there can be only one
    ");
}

/// Of `count` versions of a, each needs another one of c, and b one that none of them needs.
fn stairs(count: usize) -> Vec<String> {
    let a = (0..count).map(|minor| format!("a 1.{minor}.0 : c =1.{minor}.0"));
    let c = (0..count).map(|minor| format!("c 1.{minor}.0"));
    let rest = ["c 2.0.0", "b 1.0.0 : c ^2"].map(str::to_owned);
    let all = universe(&a.chain(c).chain(rest).collect::<Vec<_>>().join("\n"));
    why(&all, "a, b").lines().map(str::to_owned).collect()
}

#[test]
fn long_ones_are_cut_off() {
    const CLASH: &str = "no version of c is right for all of these, and there can be only one";
    let whole = stairs(explain::MAX_LINES - 4);
    assert_eq!(whole.len(), explain::MAX_LINES);
    assert_eq!(whole[18..], ["b 1.0.0 needs c ^2", CLASH]);
    for (count, left_out) in [(explain::MAX_LINES - 3, 2), (60, 45)] {
        let lines = stairs(count);
        assert_eq!(lines.len(), explain::MAX_LINES);
        assert_eq!(lines[..2], ["you asked for a", "you asked for b"]);
        assert!(lines[17].starts_with("a 1."), "{lines:?}");
        assert_eq!(lines[18..], [format!("… and {left_out} more like these"), CLASH.to_owned()]);
    }
}

#[test]
fn whose_it_is_goes_without_saying_where_there_is_no_other() {
    let signed = universe("a 1.0.0 @2 \n b 1.0.0 : a ^2");
    let unsigned = universe("a 1.0.0 @- \n b 1.0.0 : a ^2");
    for all in [signed, unsigned] {
        assert_eq!(
            why(&all, "b").lines().last(),
            Some("b 1.0.0 needs a ^2, which no version fits; the newest is 1.0.0")
        );
    }
}
