//! From a directory through the store to an installed package.

use std::fs;
use std::path::Path;

use super::*;
use crate::config::Home;
use crate::market::archive::{Packed, pack};
use crate::market::error::MarketErrorKind;
use crate::market::install::{self, Contents, Purpose};
use crate::market::testing::{NOW, at_sequence, identity, name, release, search, sign, tree, write_tree};
use crate::market::{Manifest, Release, SignedRelease};

/// Packs `dir` and signs its release as this sequence number.
pub(super) fn prepare(dir: &Path, temp: &Path, sequence: u64) -> (Packed, VerifiedRelease) {
    let (manifest, _) = Manifest::read(dir).expect("manifest");
    let packed = pack(dir, temp).expect("pack");
    let unsigned = Release {
        version: manifest.version.clone(),
        description: manifest.description,
        category: manifest.category,
        tags: manifest.tags,
        keywords: manifest.keywords,
        licence: manifest.licence,
        repository: manifest.repository,
        dependencies: manifest.dependencies,
        package_id: packed.package_id,
        size: packed.size,
        merkle_root: packed.merkle_root,
        file_count: u32::try_from(packed.files.len()).expect("count"),
        ..at_sequence(release(&identity(1), manifest.name.as_str(), "0.0.0"), sequence)
    };
    (packed, sign(unsigned, &identity(1)))
}

fn sample(content: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("temp dir");
    let manifest = "[package]\nname = \"hello\"\nversion = \"1.0.0\"\ndescription = \"Greets\"\n";
    write_tree(dir.path(), &[("package.toml", manifest), ("data/a.ttl", content)]);
    dir
}

fn open() -> (tempfile::TempDir, Home, Db) {
    let dir = tempfile::tempdir().expect("temp dir");
    let home = Home::new(dir.path().join("home"));
    let db = Db::open(&home).expect("open");
    (dir, home, db)
}

#[test]
fn what_is_published_can_be_installed_after_a_restart() {
    let (_dir, home, mut db) = open();
    let source = sample("content");
    let (packed, signed) = prepare(source.path(), &db.incoming_dir(), 1);
    let leaves = packed.leaves.clone();
    db.store_published(packed, &signed, NOW).expect("publish");
    drop(db);
    let mut db = Db::open(&home).expect("reopen");
    let blob = db.blob(signed.release().package_id).expect("blob").expect("held");
    assert_eq!(blob.leaves, leaves);
    let found = search(&mut db, "greets", 10).pop().expect("found");
    assert!(found.have_blob);
    let travelled = SignedRelease::from_bytes(&found.release.envelope().to_bytes()).expect("decode");
    let verified = travelled.verify("ggen", NOW).expect("verify");
    let (path, store) = (db.blob_path(blob.package_id), Store::open(&home).expect("store"));
    let contents = Contents::Archive { path: &path, release: &verified };
    let placed = install::put(&store, &contents, Purpose::asked(None), &home.packs_dir(), NOW).expect("put");
    assert_eq!(tree(&placed.path), tree(source.path()));
    assert_eq!(fs::read_to_string(placed.path.join("data/a.ttl")).expect("read"), "content");
    assert_eq!(tree(&db.incoming_dir()), Vec::<String>::new());
}

#[test]
fn a_version_published_with_other_content_is_refused_and_leaves_nothing() {
    let (_dir, _home, mut db) = open();
    let (first, signed) = prepare(sample("one").path(), &db.incoming_dir(), 1);
    db.store_published(first, &signed, NOW).expect("publish");
    let (second, changed) = prepare(sample("two").path(), &db.incoming_dir(), 2);
    let id = second.package_id;
    let error = db.store_published(second, &changed, NOW).expect_err("changed");
    assert_eq!(error.kind(), MarketErrorKind::Invalid);
    assert!(error.hint().is_some_and(|hint| hint.contains("raise the version")));
    assert!(!db.blob_path(id).exists());
    assert_eq!(db.last_of(identity(1).public(), &name("hello")).expect("last"), Some((1, signed.id())));
    assert_eq!(tree(&db.incoming_dir()), Vec::<String>::new());
}

#[test]
fn publishing_the_same_again_changes_nothing() {
    let (_dir, _home, mut db) = open();
    let source = sample("one");
    for _ in 0..2 {
        let (packed, signed) = prepare(source.path(), &db.incoming_dir(), 1);
        db.store_published(packed, &signed, NOW).expect("publish");
    }
    let counts = db.counts().expect("counts");
    assert_eq!((counts.packages, counts.releases, counts.blobs), (1, 1, 1));
}

#[test]
fn a_package_with_a_secret_is_not_stored() {
    let (_dir, _home, mut db) = open();
    let source = sample("one");
    write_tree(source.path(), &[(".env", "TOKEN=1")]);
    let (packed, signed) = prepare(source.path(), &db.incoming_dir(), 1);
    let error = db.store_published(packed, &signed, NOW).expect_err("secret");
    assert!(error.to_string().contains(".env"), "{error}");
    assert_eq!(db.counts().expect("counts"), Counts::default());
}

#[test]
fn an_archive_from_another_file_system_is_copied() {
    let Ok(elsewhere) = tempfile::tempdir_in("/dev/shm") else {
        eprintln!("skipped: there is no second file system to write to");
        return;
    };
    let (_dir, _home, mut db) = open();
    let (packed, signed) = prepare(sample("one").path(), elsewhere.path(), 1);
    db.store_published(packed, &signed, NOW).expect("publish");
    assert!(db.blob(signed.release().package_id).expect("blob").is_some());
    assert_eq!(tree(elsewhere.path()), Vec::<String>::new());
}

/// Every real package is signed within the limits of an envelope, stored, and found under its name.
#[test]
fn real_packages_are_published_and_found() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/ggen-data/packages");
    let Ok(packages) = fs::read_dir(&data) else {
        eprintln!("skipped: ../shared/ggen-data is not there");
        return;
    };
    let (_dir, _home, mut db) = open();
    let mut published = 0;
    for package in packages {
        let dir = package.expect("entry").path();
        if !dir.join("package.toml").is_file() {
            continue;
        }
        let (packed, signed) = prepare(&dir, &db.incoming_dir(), 1);
        db.store_published(packed, &signed, NOW).expect("publish");
        let wanted = &signed.release().name;
        let best = search(&mut db, wanted.as_str(), 1).pop().expect("found");
        assert_eq!(&best.release.release().name, wanted);
        published += 1;
    }
    assert!(published >= 39, "{published}");
    assert_eq!(db.counts().expect("counts").packages, published);
    assert_eq!(search(&mut db, "knowledge", 5)[0].release.release().name, name("knowledge-graph-cli"));
}
