use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::config::Home;
use crate::market::testing::{NOW, identity, release, sign};
use crate::market::{Db, PackageName};

#[test]
fn look_alikes_have_one_fold() {
    for (a, b) in [
        ("knowledge-graph", "knowledge_graph"),
        ("knowledge-graph", "knowledgegraph"),
        ("hello", "hell0"),
        ("hello", "he1lo"),
        ("cli-tool", "cll-tool"),
        ("modern", "rnodern"),
        ("swift", "svvift"),
    ] {
        assert_eq!(likeness(a, b), Some(Likeness::Look), "{a} {b}");
    }
    // Not names here, but what other indexes may hold.
    assert_eq!(fold("p\u{430}ck"), fold("pack"));
}

#[test]
fn slips_and_affixes_are_alike_and_other_words_are_not() {
    let cases = [
        ("knowledge", "knowlegde", Some(Likeness::Slip)),
        ("knowledge", "knowledgee", Some(Likeness::Slip)),
        ("knowledge", "knowlege", Some(Likeness::Slip)),
        ("knowledge", "knowladge", Some(Likeness::Slip)),
        ("ontology-crud-kit", "ontolgoy-crud-ikt", Some(Likeness::Slip)),
        ("knowledge", "knowledge-js", Some(Likeness::Affix)),
        ("py-knowledge", "knowledge", Some(Likeness::Affix)),
        ("knowledge", "knowledge", None),
        ("knowledge", "weather", None),
        ("pack-2", "pack-3", None),
        ("web-app-v1", "web-app-v2", None),
        ("cli", "clr", None),
        ("lint", "link", None),
        ("app", "app-js", None),
        ("parser", "sparser", None),
    ];
    for (a, b, expected) in cases {
        assert_eq!(likeness(a, b), expected, "{a} {b}");
        assert_eq!(likeness(b, a), expected, "{b} {a}");
    }
}

fn names() -> impl Strategy<Value = String> {
    "[a-z0-9]([a-z0-9._-]{0,20}[a-z0-9])?".prop_filter("a package name", |name| PackageName::new(name).is_ok())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// What the index is asked for holds every name that is alike by look, by affix, or by one slip.
    #[test]
    fn the_folds_near_a_name_miss_nothing(name in "[a-z]{6,14}", at in 1usize..6, c in prop::char::range('a', 'z')) {
        let letters: Vec<char> = name.chars().collect();
        let near = folds_near(&name);
        let mut changed = letters.clone();
        changed[at] = c;
        let mut added = letters.clone();
        added.insert(at, c);
        let mut missing = letters.clone();
        missing.remove(at);
        let mut swapped = letters.clone();
        swapped.swap(at, (at + 1).min(letters.len() - 1));
        for slip in [changed, added, missing, swapped] {
            let slip: String = slip.into_iter().collect();
            prop_assert!(near.contains(&fold(&slip)), "{} of {}", slip, name);
        }
        let affixed = [name.clone() + "-js", "py.".to_owned() + &name];
        prop_assert!(affixed.iter().all(|affixed| near.contains(&fold(affixed))));
        prop_assert!(near.len() < 1000);
    }
}

/// SQLite folds names for its index by itself: both must agree.
#[test]
fn the_database_folds_as_this_module_does() {
    let dir = tempfile::tempdir().expect("temp dir");
    let db = Db::open(&Home::new(dir.path().join("home"))).expect("open");
    let db = std::cell::RefCell::new(db);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(64)
    });
    let one = identity(1);
    runner
        .run(&prop::collection::vec(names(), 8), |names| {
            let names: BTreeSet<_> = names.into_iter().collect();
            for name in names {
                let signed = sign(release(&one, &name, "1.0.0"), &one);
                db.borrow_mut().accept(&signed, NOW).expect("accept");
                let fold = fold(&name);
                let found = db.borrow_mut().names_folded(&[&fold]).expect("query");
                prop_assert!(found.iter().any(|found| found.name.as_str() == name), "{} folds to {}", name, fold);
            }
            Ok(())
        })
        .expect("every name is found by its fold");
}

/// Real names must not warn of each other: whoever sees false alarms stops reading them.
#[test]
fn real_names_are_not_alike() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/ggen-data");
    if !data.exists() {
        eprintln!("skipped: ../shared/ggen-data is not there");
        return;
    }
    let mut names = BTreeSet::new();
    collect(&data, &mut names);
    assert!(names.len() > 20, "{names:?}");
    let all: Vec<_> = names.iter().collect();
    let mut alike = Vec::new();
    for (index, a) in all.iter().enumerate() {
        alike.extend(all[index + 1..].iter().filter_map(|b| Some((a, b, likeness(a, b)?))));
    }
    println!("{} names, {} pairs alike: {alike:?}", all.len(), alike.len());
    assert!(alike.len() <= all.len() / 50, "{alike:?}");
}

/// The name of every directory that holds a manifest.
fn collect(dir: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(dir).expect("list").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, names);
        } else if matches!(entry.file_name().to_str(), Some("package.toml" | "gpack.toml")) {
            let name = dir.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            names.extend(PackageName::new(name).ok().map(|name| name.to_string()));
        }
    }
}
