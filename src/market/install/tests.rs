use std::io::Write;
use std::os::unix::fs::symlink;

use super::*;
use crate::market::archive::pack;
use crate::market::error::MarketErrorKind;
use crate::market::testing::{identity, name, release, sign, tree, write_tree};
use crate::market::{Dependency, Release};

struct Sample {
    release: VerifiedRelease,
    archive: tempfile::NamedTempFile,
}

/// A package `hello` of this version with one file of this content.
fn sample(version: &str, content: &str) -> Sample {
    sample_with(version, content, |release| release)
}

fn sample_with(version: &str, content: &str, change: fn(Release) -> Release) -> Sample {
    let dir = tempfile::tempdir().expect("temp dir");
    let manifest = format!(
        "[package]\nname = \"hello\"\ntitle = \"Hello \\\"World\\\"\"\nversion = \"{version}\"\nauthor = \"Ann\"\n"
    );
    write_tree(dir.path(), &[("package.toml", &manifest), ("a/content.txt", content)]);
    let packed = pack(dir.path(), &std::env::temp_dir()).expect("pack");
    let unsigned = Release {
        package_id: packed.package_id,
        size: packed.size,
        merkle_root: packed.merkle_root,
        file_count: 2,
        ..release(&identity(1), "hello", version)
    };
    Sample { release: sign(change(unsigned), &identity(1)), archive: packed.archive }
}

fn packs() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("temp dir");
    let packs = dir.path().join("packs");
    (dir, packs)
}

fn install(sample: &Sample, packs: &Path) -> Placed {
    place(sample.archive.path(), &sample.release, packs).expect("place")
}

fn content(packs: &Path) -> String {
    fs::read_to_string(packs.join("hello/a/content.txt")).expect("content")
}

const INSTALLED: [&str; 5] = ["hello", "hello.toml", "hello/a", "hello/a/content.txt", "hello/package.toml"];

#[test]
fn an_install_writes_the_files_and_the_flat_description() {
    let (_dir, packs) = packs();
    let sample = sample_with("1.2.3", "x", |release| Release {
        description: "Says \"hello\"".into(),
        category: "demo".into(),
        dependencies: vec![Dependency { name: name("base"), requirement: "^1".parse().expect("req"), publisher: None }],
        ..release
    });
    let placed = install(&sample, &packs);
    assert_eq!(placed.path, packs.join("hello"));
    assert_eq!(placed.files, 2);
    assert_eq!(tree(&packs), INSTALLED);
    let flat = fs::read_to_string(packs.join("hello.toml")).expect("flat file");
    let flat: toml::Table = flat.parse().expect("TOML");
    let pack = flat["pack"].as_table().expect("[pack]");
    let text = |key: &str| pack[key].as_str().expect(key);
    assert_eq!((text("id"), text("name"), text("version")), ("hello", "Hello \"World\"", "1.2.3"));
    assert_eq!((text("author"), text("category"), text("license")), ("Ann", "demo", "MIT"));
    assert_eq!(text("description"), "Says \"hello\"");
    assert_eq!(pack["packages"].as_array().expect("packages")[0].as_str(), Some("hello"));
    let dependency = pack["dependencies"].as_array().expect("dependencies")[0].as_table().expect("table");
    assert_eq!((dependency["pack_id"].as_str(), dependency["version"].as_str()), (Some("base"), Some("^1")));
}

#[test]
fn a_newer_version_replaces_the_older_one_whole() {
    let (_dir, packs) = packs();
    install(&sample("1.0.0", "old"), &packs);
    fs::write(packs.join("hello/extra"), "x").expect("write");
    install(&sample("1.1.0", "new"), &packs);
    assert_eq!(tree(&packs), INSTALLED);
    assert_eq!(content(&packs), "new");
    assert!(fs::read_to_string(packs.join("hello.toml")).expect("flat file").contains("1.1.0"));
}

#[test]
fn a_flipped_byte_is_named_and_nothing_is_left() {
    let (_dir, packs) = packs();
    let mut sample = sample("1.0.0", "x");
    let mut bytes = fs::read(sample.archive.path()).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    fs::write(sample.archive.path(), &bytes).expect("write");
    sample.archive.flush().expect("flush");
    let error = place(sample.archive.path(), &sample.release, &packs).expect_err("flipped");
    assert_eq!(error.kind(), MarketErrorKind::Verification);
    let expected = sample.release.release().package_id.to_string();
    assert!(error.to_string().contains("hello 1.0.0") && error.to_string().contains(&expected), "{error}");
    assert_eq!(tree(&packs), Vec::<String>::new());
}

#[test]
fn a_failed_update_leaves_the_old_version() {
    let (_dir, packs) = packs();
    install(&sample("1.0.0", "old"), &packs);
    let wrong_count = sample_with("2.0.0", "new", |release| Release { file_count: 3, ..release });
    let error = place(wrong_count.archive.path(), &wrong_count.release, &packs).expect_err("count");
    assert_eq!(error.kind(), MarketErrorKind::Verification);
    assert_eq!(tree(&packs), INSTALLED);
    assert_eq!(content(&packs), "old");
}

#[test]
fn a_failure_in_the_middle_of_the_swap_is_undone() {
    let (_dir, packs) = packs();
    install(&sample("1.0.0", "old"), &packs);
    let place = Place::of(&name("hello"), &packs);
    place.replace(&packs.join("missing"), "text", &packs).expect_err("nothing to move in");
    assert_eq!(tree(&packs), INSTALLED);
    assert_eq!(content(&packs), "old");
    assert!(fs::read_to_string(packs.join("hello.toml")).expect("flat file").contains("1.0.0"));
}

#[test]
fn removing_takes_everything_away() {
    let (_dir, packs) = packs();
    assert!(!take_away(&name("hello"), &packs).expect("nothing there"));
    install(&sample("1.0.0", "x"), &packs);
    assert!(take_away(&name("hello"), &packs).expect("removed"));
    assert!(!take_away(&name("hello"), &packs).expect("gone"));
    assert_eq!(tree(&packs), Vec::<String>::new());
}

#[test]
fn files_of_others_in_the_packages_place_are_left_alone() {
    let (_dir, packs) = packs();
    write_tree(&packs, &[("hello/precious", "mine"), ("hello.toml", "[pack]\nid = \"hello\"\n")]);
    let before = tree(&packs);
    let sample = sample("1.0.0", "x");
    for error in [
        place(sample.archive.path(), &sample.release, &packs).expect_err("not ours to replace"),
        take_away(&name("hello"), &packs).expect_err("not ours to remove"),
    ] {
        assert!(error.to_string().contains("was not put there by this program"), "{error}");
    }
    assert_eq!(tree(&packs), before);
}

#[test]
fn an_install_that_a_crash_left_without_its_description_is_completed() {
    let (_dir, packs) = packs();
    let sample = sample("1.0.0", "x");
    install(&sample, &packs);
    fs::remove_file(packs.join("hello.toml")).expect("the crash");
    install(&sample, &packs);
    assert_eq!(tree(&packs), INSTALLED);
}

#[test]
fn a_link_in_the_packages_place_is_replaced_not_followed() {
    let (dir, packs) = packs();
    write_tree(dir.path(), &[("precious/file", "x")]);
    fs::create_dir(&packs).expect("directory");
    symlink(dir.path().join("precious"), packs.join("hello")).expect("link");
    install(&sample("1.0.0", "x"), &packs);
    assert_eq!(tree(&packs), INSTALLED);
    assert_eq!(tree(&dir.path().join("precious")), ["file"]);
}

/// The states that a crash can leave, one after each rename of [`Place::replace`].
#[test]
fn a_crash_at_any_step_is_recovered() {
    let rename = |packs: &Path, from: &str, to: &str| fs::rename(packs.join(from), packs.join(to)).expect("rename");
    for steps in 1..=4 {
        let (_dir, packs) = packs();
        install(&sample("1.0.0", "old"), &packs);
        write_tree(&packs, &[(".ggen-tmp-x/files/a/content.txt", "new")]);
        rename(&packs, "hello", ".ggen-old-hello");
        if steps > 1 {
            rename(&packs, "hello.toml", ".ggen-old-hello.toml");
        }
        if steps > 2 {
            rename(&packs, ".ggen-tmp-x/files", "hello");
        }
        if steps > 3 {
            write_tree(&packs, &[("hello.toml", "new")]);
        }
        recover(&packs).expect("recover");
        assert_eq!(tree(&packs), INSTALLED, "after {steps} steps");
        assert_eq!(content(&packs), "old");
        assert!(fs::read_to_string(packs.join("hello.toml")).expect("flat file").contains("1.0.0"));
    }
}

#[test]
fn a_description_that_a_crash_left_without_its_package_goes() {
    let (_dir, packs) = packs();
    install(&sample("1.0.0", "x"), &packs);
    fs::remove_dir_all(packs.join("hello")).expect("the crash");
    write_tree(&packs, &[("theirs.toml", "[pack]")]);
    recover(&packs).expect("recover");
    assert_eq!(tree(&packs), ["theirs.toml"]);
}

#[test]
fn a_crash_after_the_swap_keeps_the_new_version() {
    let (_dir, packs) = packs();
    install(&sample("1.1.0", "new"), &packs);
    write_tree(&packs, &[(".ggen-old-hello.toml", "old"), (".ggen-tmp-x/old/a/content.txt", "old")]);
    recover(&packs).expect("recover");
    assert_eq!(tree(&packs), INSTALLED);
    assert_eq!(content(&packs), "new");
}

#[test]
fn installs_at_the_same_time_take_turns() {
    let (_dir, packs) = packs();
    let samples: Vec<Sample> = (0..4).map(|i| sample(&format!("1.{i}.0"), &format!("{i}"))).collect();
    std::thread::scope(|scope| {
        for sample in &samples {
            scope.spawn(|| install(sample, &packs));
        }
    });
    assert_eq!(tree(&packs), INSTALLED);
    let flat = fs::read_to_string(packs.join("hello.toml")).expect("flat file");
    assert!(flat.contains(&format!("1.{}.0", content(&packs))), "{flat}");
}
