//! Archives made to do harm, each signed by a publisher who knows it. Every one is installed as a real one would be: it
//! must be refused for its own reason, nothing outside may change, and nothing may stay behind.

mod entries;
mod frames;
mod make;
mod memory;
mod names;
mod random;
mod scene;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::market::MarketError;
use crate::market::Release;
use crate::market::error::MarketErrorKind;
use crate::market::testing::{identity, sign};
use make::{Case, Tar};
use scene::Scene;

use super::contents;

/// `outside` is a directory that some of them name.
fn corpus(outside: &Path) -> Vec<Case> {
    [names::cases(outside), entries::cases(outside), frames::cases()].into_iter().flatten().collect()
}

/// `cargo test --lib every_hostile_archive -- --nocapture` prints each with its refusal.
#[test]
fn every_hostile_archive_is_refused_for_its_own_reason_and_leaves_no_trace() {
    let scene = Scene::new();
    let before = scene.fingerprints();
    let mut wrong = Vec::new();
    for case in corpus(&scene.outside()) {
        let refusal = match scene.install(&case.archive, case.files) {
            Ok(placed) => format!("installed: {placed:?}"),
            Err(error) if error.kind() != MarketErrorKind::Verification || error.hint().is_none() => {
                format!("{error:?}")
            }
            Err(error) => error.to_string(),
        };
        println!("{:<58} {refusal}", case.name);
        if !refusal.starts_with("archive refused: ") || !refusal.contains(case.refusal) {
            wrong.push(format!("{}: {refusal}", case.name));
        }
        // Who only looks inside hears the same.
        let listed = contents(&scene.archive(), &scene::signed(&scene.archive(), case.files));
        let heard = listed.map_or_else(|error| error.to_string(), |files| format!("listed: {files:?}"));
        if heard != refusal {
            wrong.push(format!("{}: {refusal}, and for who looks inside {heard}", case.name));
        }
        assert_eq!(scene.fingerprints(), before, "{} left a trace", case.name);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(!Path::new("/pwned").exists() && !Path::new("/etc/pwned").exists());
}

#[test]
fn the_corpus_has_at_least_sixty_different_archives() {
    let cases = corpus(Path::new("/nowhere"));
    println!("{} hostile archives", cases.len());
    assert!(cases.len() >= 60);
    let (mut names, mut archives) = (BTreeSet::new(), BTreeSet::new());
    for case in &cases {
        assert!(names.insert(&case.name) && archives.insert(&case.archive), "{} is there already", case.name);
    }
}

/// What makes the corpus a test of its faults: without them it installs.
#[test]
fn a_harmless_archive_is_installed() {
    let scene = Scene::new();
    let archive = Tar::default().dir("d/").file("d/a", b"x").file("b", b"").archive();
    scene.install(&archive, 2).expect("harmless");
    assert_eq!(fs::read(scene.packs().join("hostile/d/a")).expect("read"), b"x");
}

/// What was signed is one archive, and what came is another.
#[test]
fn another_archive_than_the_signed_one_is_refused() {
    let signed = Tar::default().file("a", b"one").file("b", b"two");
    let others = [
        ("one file more", signed.clone().file("c", b"three").archive()),
        ("one file fewer", Tar::default().file("a", b"one").archive()),
        ("a file of another name", Tar::default().file("a", b"one").file("c", b"two").archive()),
        ("another content", Tar::default().file("a", b"one").file("b", b"TWO").archive()),
        (
            "another mode",
            Tar::default().file("a", b"one").entry(b"b", tar::EntryType::Regular, b"two", 0o755).archive(),
        ),
        ("another order", Tar::default().file("b", b"two").file("a", b"one").archive()),
        ("the same files at another level", zstd::encode_all(&signed.clone().bytes()[..], 19).expect("compress")),
        ("nothing", Vec::new()),
    ];
    let scene = Scene::new();
    fs::write(scene.archive(), signed.archive()).expect("write");
    let release = scene::signed(&scene.archive(), 2);
    let before = scene.fingerprints();
    for (what, archive) in others {
        fs::write(scene.archive(), &archive).expect("write");
        let error = scene.place(&scene.archive(), &release).expect_err(what);
        println!("{what:<34} {error}");
        assert!(matches!(error, MarketError::Mismatch { .. }), "{what}: {error}");
        assert_eq!(scene.fingerprints(), before, "{what}");
    }
}

/// A release whose parts do not fit each other.
#[test]
fn a_release_that_contradicts_its_archive_is_refused() {
    let scene = Scene::new();
    fs::write(scene.archive(), Tar::default().file("a", b"one").file("b", b"two").archive()).expect("write");
    let truth = scene::truthful(&scene.archive(), 2);
    let lies = [
        (Release { package_id: crate::market::PackageId([7; 32]), ..truth.clone() }, "the SHA-256 of hostile 1.0.0"),
        (Release { merkle_root: [7; 32], ..truth.clone() }, "the Merkle root of hostile 1.0.0"),
        (Release { size: truth.size + 1, ..truth.clone() }, "the archive size of hostile 1.0.0"),
        (Release { file_count: 1, ..truth.clone() }, "more files than the 1 that were signed"),
        (Release { file_count: 3, ..truth }, "2 files where 3 were signed"),
    ];
    let before = scene.fingerprints();
    for (lie, refusal) in lies {
        let release = sign(lie, &identity(66));
        let error = scene.place(&scene.archive(), &release).expect_err(refusal);
        assert_eq!(error.kind(), MarketErrorKind::Verification, "{error}");
        assert!(error.to_string().contains(refusal), "{error}");
        assert_eq!(scene.fingerprints(), before, "{refusal}");
    }
}
