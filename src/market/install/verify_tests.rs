//! Whether damage to installed files is seen, and what a crash between files and notes comes to.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use super::place::Place;
use super::tests::{Bench, Sample, interrupted, sample};
use super::*;
use crate::market::testing::{NOW, name, write_tree};

fn problems(bench: &Bench) -> Vec<(String, ProblemKind)> {
    let said = bench.verify("hello");
    assert_eq!((said.basis, said.files_checked), (Basis::Inventory, 3));
    said.problems.into_iter().map(|problem| (problem.path.to_string(), problem.kind)).collect()
}

fn is_intact_now(bench: &Bench) -> bool {
    let entry = bench.store.run_blocking(|db| db.installed_as(&name("hello"))).expect("read").expect("installed");
    is_intact(&bench.store, &bench.packs, &entry).expect("verify")
}

#[test]
fn each_kind_of_difference_is_told_by_its_path() {
    use ProblemKind::{Added, Changed, Missing, Mode};
    let file = |bench: &Bench, path: &str| bench.packs.join(path);
    type Damage = fn(&Path);
    let cases: [(&str, Damage, &str, ProblemKind); 8] = [
        ("hello/a/content.txt", |file| fs::write(file, "y").expect("write"), "a/content.txt", Changed),
        ("hello/a/content.txt", |file| fs::write(file, "longer").expect("write"), "a/content.txt", Changed),
        ("hello/a/content.txt", |file| fs::remove_file(file).expect("remove"), "a/content.txt", Missing),
        ("hello/a", |dir| fs::remove_dir_all(dir).expect("remove"), "a/content.txt", Missing),
        (
            "hello/a/content.txt",
            |file| fs::set_permissions(file, Permissions::from_mode(0o600)).expect("chmod"),
            "a/content.txt",
            Mode,
        ),
        ("hello.toml", |file| fs::write(file, "[pack]").expect("write"), "../hello.toml", Changed),
        ("hello.toml", |file| fs::remove_file(file).expect("remove"), "../hello.toml", Missing),
        ("hello/more/deep", |dir| write_tree(dir, &[("one", "1"), ("two", "2")]), "more", Added),
    ];
    for (path, damage, told, kind) in cases {
        let bench = Bench::new();
        bench.install(&sample("1.0.0", "x"));
        assert_eq!(problems(&bench), []);
        assert!(is_intact_now(&bench));
        damage(&file(&bench, path));
        assert_eq!(problems(&bench), [(told.to_owned(), kind)], "{path}");
        assert_eq!(is_intact_now(&bench), kind == Added, "{path}");
        // Installing again mends it, whatever it was.
        bench.install(&sample("1.0.0", "x"));
        assert_eq!(problems(&bench), []);
    }
}

#[test]
fn links_are_not_followed() {
    let bench = Bench::new();
    bench.install(&sample("1.0.0", "x"));
    let (file, folder) = (bench.packs.join("hello/a/content.txt"), bench.packs.join("hello/a"));
    let elsewhere = bench.home.root().join("elsewhere");
    write_tree(&elsewhere, &[("content.txt", "x")]);
    fs::remove_file(&file).expect("remove");
    symlink(elsewhere.join("content.txt"), &file).expect("link");
    assert_eq!(problems(&bench), [("a/content.txt".to_owned(), ProblemKind::Changed)]);
    fs::remove_dir_all(&folder).expect("remove");
    symlink(&elsewhere, &folder).expect("link");
    let told = problems(&bench);
    assert!(told.contains(&("a/content.txt".to_owned(), ProblemKind::Missing)), "{told:?}");
    assert!(told.contains(&("a".to_owned(), ProblemKind::Added)), "{told:?}");
}

#[test]
fn empty_folders_mean_nothing() {
    let bench = Bench::new();
    bench.install(&sample("1.0.0", "x"));
    fs::create_dir_all(bench.packs.join("hello/empty/too")).expect("directories");
    assert_eq!(problems(&bench), []);
}

#[test]
fn what_is_not_installed_cannot_be_verified() {
    let bench = Bench::new();
    let error = verify(&bench.store, &bench.packs, &name("hello")).expect_err("not installed");
    assert_eq!(error.kind(), crate::market::error::MarketErrorKind::NotFound);
}

#[test]
fn an_intent_whose_files_are_in_place_becomes_the_note() {
    let bench = Bench::new();
    bench.install(&sample("1.0.0", "old"));
    interrupted(&bench.store, &sample("1.1.0", "new").contents(), &bench.packs, true);
    assert_eq!(bench.noted(), ["hello 1.0.0"]);
    bench.recover();
    assert_eq!(bench.noted(), ["hello 1.1.0"]);
    assert_eq!(problems(&bench), []);
    let pending = bench.store.run_blocking(|db| db.install_intents()).expect("intents");
    assert_eq!(pending, []);
}

#[test]
fn an_intent_whose_files_are_not_in_place_is_dropped() {
    let bench = Bench::new();
    interrupted(&bench.store, &sample("0.9.0", "never").contents(), &bench.packs, false);
    bench.recover();
    assert_eq!(bench.noted(), Vec::<String>::new());
    bench.install(&sample("1.0.0", "old"));
    interrupted(&bench.store, &sample("1.1.0", "new").contents(), &bench.packs, false);
    bench.recover();
    assert_eq!(bench.noted(), ["hello 1.0.0"]);
    assert_eq!(problems(&bench), []);
}

#[test]
fn opening_the_store_settles_what_a_crash_left() {
    let bench = Bench::new();
    bench.install(&sample("1.0.0", "old"));
    interrupted(&bench.store, &sample("1.1.0", "new").contents(), &bench.packs, true);
    let bench = bench.reopened();
    assert_eq!(bench.noted(), ["hello 1.1.0"]);
    bench.store.run_blocking(|db| db.intend_removal(&name("hello"))).expect("intent");
    // The crash came before the files went …
    let bench = bench.reopened();
    assert_eq!(bench.noted(), ["hello 1.1.0"]);
    bench.store.run_blocking(|db| db.intend_removal(&name("hello"))).expect("intent");
    Place::of(&name("hello"), &bench.packs).clear(bench.home.root()).expect("clear");
    // … and after that.
    let bench = bench.reopened();
    assert_eq!(bench.noted(), Vec::<String>::new());
}

#[test]
fn a_damaged_inventory_is_not_gone_by() {
    let bench = Bench::new();
    bench.install(&sample("1.0.0", "x"));
    let damage = |sql: &'static str| bench.store.run_blocking(move |db| Ok(db.conn().execute(sql, [])?)).expect(sql);
    assert_eq!(damage("UPDATE installed_files SET size = 2 WHERE path = 'a/content.txt'"), 1);
    let said = bench.verify("hello");
    assert_eq!((said.basis, said.problems.len(), said.is_sound()), (Basis::Unknown, 0, false));
    assert!(is_intact_now(&bench), "with nothing to go by, its folder is there");
}

#[test]
fn what_was_asked_for_stays_asked_for() {
    let bench = Bench::new();
    let first = sample("1.0.0", "x");
    let requirement: VersionReq = "^1".parse().expect("requirement");
    let put =
        |sample: &Sample, purpose| put(&bench.store, &sample.contents(), purpose, &bench.packs, NOW).expect("put");
    assert_eq!(put(&first, Purpose::needed()).entry.reason, Reason::Needed);
    assert_eq!(put(&first, Purpose::asked(Some(requirement.clone()))).entry.reason, Reason::Asked);
    let entry = put(&sample("1.1.0", "y"), Purpose::needed()).entry;
    assert_eq!((entry.reason, entry.requirement), (Reason::Asked, Some(requirement)));
}
