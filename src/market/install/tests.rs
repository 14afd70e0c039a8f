use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::place::Place;
use super::*;
use crate::config::Home;
use crate::market::archive::pack;
use crate::market::error::MarketErrorKind;
use crate::market::testing::{NOW, identity, name, release, sign, tree, write_tree};
use crate::market::{Dependency, Release, VerifiedRelease};

pub(crate) struct Sample {
    pub release: VerifiedRelease,
    pub archive: tempfile::NamedTempFile,
}

impl Sample {
    pub fn contents(&self) -> Contents<'_> {
        Contents::Archive { path: self.archive.path(), release: &self.release }
    }
}

/// A package `hello` of this version with one file of this content.
pub(crate) fn sample(version: &str, content: &str) -> Sample {
    sample_with(version, content, |release| release)
}

pub(crate) fn sample_with(version: &str, content: &str, change: fn(Release) -> Release) -> Sample {
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

/// A home with its store.
pub(crate) struct Bench {
    _dir: TempDir,
    pub home: Home,
    pub store: Store,
    pub packs: PathBuf,
}

impl Bench {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("temp dir");
        let home = Home::new(dir.path());
        let store = Store::open(&home).expect("store");
        let packs = home.packs_dir();
        Self { _dir: dir, home, store, packs }
    }

    /// The same after a restart.
    pub fn reopened(self) -> Self {
        futures::executor::block_on(self.store.close());
        Self { store: Store::open(&self.home).expect("store"), ..self }
    }

    pub fn install(&self, sample: &Sample) -> Placed {
        self.put(sample).expect("put")
    }

    pub fn put(&self, sample: &Sample) -> Result<Placed, MarketError> {
        put(&self.store, &sample.contents(), Purpose::asked(None), &self.packs, NOW)
    }

    pub fn remove(&self, of: &str) -> Result<bool, MarketError> {
        remove(&self.store, &name(of), &self.packs)
    }

    pub fn recover(&self) {
        recover(&self.store, &self.packs).expect("recover");
    }

    /// Names and versions of what is noted.
    pub fn noted(&self) -> Vec<String> {
        let installed = self.store.run_blocking(|db| db.installed()).expect("installed");
        installed.iter().map(|entry| format!("{} {}", entry.name, entry.version)).collect()
    }

    pub fn verify(&self, of: &str) -> Verification {
        verify(&self.store, &self.packs, &name(of)).expect("verify")
    }
}

/// Installs as far as the intent, and if `placed`, the files; then the crash.
pub(crate) fn interrupted(store: &Store, contents: &Contents<'_>, packs: &Path, placed: bool) {
    fs::create_dir_all(packs).expect("directory");
    let prepared = Prepared::new(contents, packs).expect("prepare");
    let (entry, inventory) = (prepared.entry(Purpose::needed(), None, NOW), prepared.inventory.clone());
    store.run_blocking(move |db| db.intend_install(&entry, &inventory)).expect("intent");
    if placed {
        prepared.place().expect("place");
    }
}

fn content(packs: &Path) -> String {
    fs::read_to_string(packs.join("hello/a/content.txt")).expect("content")
}

const INSTALLED: [&str; 5] = ["hello", "hello.toml", "hello/a", "hello/a/content.txt", "hello/package.toml"];

#[test]
fn an_install_writes_the_files_and_the_flat_description() {
    let bench = Bench::new();
    let packs = &bench.packs;
    let sample = sample_with("1.2.3", "x", |release| Release {
        description: "Says \"hello\"".into(),
        category: "demo".into(),
        dependencies: vec![Dependency { name: name("base"), requirement: "^1".parse().expect("req"), publisher: None }],
        ..release
    });
    let placed = bench.install(&sample);
    assert_eq!(placed.path, packs.join("hello"));
    assert_eq!(placed.entry.files, 2);
    assert_eq!(tree(packs), INSTALLED);
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
    let bench = Bench::new();
    let packs = &bench.packs;
    bench.install(&sample("1.0.0", "old"));
    fs::write(packs.join("hello/extra"), "x").expect("write");
    bench.install(&sample("1.1.0", "new"));
    assert_eq!(tree(packs), INSTALLED);
    assert_eq!(content(packs), "new");
    assert!(fs::read_to_string(packs.join("hello.toml")).expect("flat file").contains("1.1.0"));
}

#[test]
fn a_flipped_byte_is_named_and_nothing_is_left() {
    let bench = Bench::new();
    let packs = &bench.packs;
    let mut sample = sample("1.0.0", "x");
    let mut bytes = fs::read(sample.archive.path()).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    fs::write(sample.archive.path(), &bytes).expect("write");
    sample.archive.flush().expect("flush");
    let error = bench.put(&sample).expect_err("flipped");
    assert_eq!(error.kind(), MarketErrorKind::Verification);
    let expected = sample.release.release().package_id.to_string();
    assert!(error.to_string().contains("hello 1.0.0") && error.to_string().contains(&expected), "{error}");
    assert_eq!(tree(packs), Vec::<String>::new());
}

#[test]
fn a_failed_update_leaves_the_old_version() {
    let bench = Bench::new();
    let packs = &bench.packs;
    bench.install(&sample("1.0.0", "old"));
    let wrong_count = sample_with("2.0.0", "new", |release| Release { file_count: 3, ..release });
    let error = bench.put(&wrong_count).expect_err("count");
    assert_eq!(error.kind(), MarketErrorKind::Verification);
    assert_eq!(tree(packs), INSTALLED);
    assert_eq!(content(packs), "old");
}

#[test]
fn a_failure_in_the_middle_of_the_swap_is_undone() {
    let bench = Bench::new();
    let packs = &bench.packs;
    bench.install(&sample("1.0.0", "old"));
    let place = Place::of(&name("hello"), packs);
    place.replace(&packs.join("missing"), "text", packs).expect_err("nothing to move in");
    assert_eq!(tree(packs), INSTALLED);
    assert_eq!(content(packs), "old");
    assert!(fs::read_to_string(packs.join("hello.toml")).expect("flat file").contains("1.0.0"));
}

#[test]
fn removing_takes_everything_away() {
    let bench = Bench::new();
    let packs = &bench.packs;
    assert!(!bench.remove("hello").expect("nothing there"));
    bench.install(&sample("1.0.0", "x"));
    assert!(bench.remove("hello").expect("removed"));
    assert!(!bench.remove("hello").expect("gone"));
    assert_eq!(tree(packs), Vec::<String>::new());
}

#[test]
fn files_of_others_in_the_packages_place_are_left_alone() {
    let bench = Bench::new();
    let packs = &bench.packs;
    write_tree(packs, &[("hello/precious", "mine"), ("hello.toml", "[pack]\nid = \"hello\"\n")]);
    let before = tree(packs);
    let sample = sample("1.0.0", "x");
    for error in
        [bench.put(&sample).expect_err("not ours to replace"), bench.remove("hello").expect_err("not ours to remove")]
    {
        assert!(error.to_string().contains("was not put there by this program"), "{error}");
    }
    assert_eq!(tree(packs), before);
    // Their file beside the place, and one in it.
    fs::remove_dir_all(packs.join("hello")).expect("gone");
    assert!(bench.put(&sample).is_err());
    fs::remove_file(packs.join("hello.toml")).expect("gone");
    write_tree(packs, &[("hello", "mine")]);
    assert!(bench.put(&sample).is_err());
    assert_eq!(tree(packs), ["hello"]);
}

#[test]
fn an_install_that_a_crash_left_without_its_description_is_completed() {
    let bench = Bench::new();
    let packs = &bench.packs;
    let sample = sample("1.0.0", "x");
    bench.install(&sample);
    fs::remove_file(packs.join("hello.toml")).expect("the crash");
    bench.install(&sample);
    assert_eq!(tree(packs), INSTALLED);
}

#[test]
fn a_link_in_the_packages_place_is_never_followed() {
    let bench = Bench::new();
    let (dir, packs) = (bench.home.root(), &bench.packs);
    write_tree(dir, &[("precious/file", "x")]);
    fs::create_dir(packs).expect("directory");
    symlink(dir.join("precious"), packs.join("hello")).expect("link");
    bench.put(&sample("1.0.0", "x")).expect_err("somebody's link");
    assert!(packs.join("hello").is_symlink());
    fs::remove_file(packs.join("hello")).expect("gone");
    bench.install(&sample("1.0.0", "x"));
    fs::remove_dir_all(packs.join("hello")).expect("gone");
    symlink(dir.join("precious"), packs.join("hello")).expect("link");
    bench.install(&sample("1.0.0", "x"));
    assert_eq!(tree(packs), INSTALLED);
    assert_eq!(tree(&dir.join("precious")), ["file"]);
}

/// The states that a crash can leave, one after each rename of [`Place::replace`].
#[test]
fn a_crash_at_any_step_is_recovered() {
    let rename = |packs: &Path, from: &str, to: &str| fs::rename(packs.join(from), packs.join(to)).expect("rename");
    for steps in 1..=4 {
        let bench = Bench::new();
        let packs = &bench.packs;
        bench.install(&sample("1.0.0", "old"));
        write_tree(packs, &[(".ggen-tmp-x/files/a/content.txt", "new")]);
        rename(packs, "hello", ".ggen-old-hello");
        if steps > 1 {
            rename(packs, "hello.toml", ".ggen-old-hello.toml");
        }
        if steps > 2 {
            rename(packs, ".ggen-tmp-x/files", "hello");
        }
        if steps > 3 {
            write_tree(packs, &[("hello.toml", "new")]);
        }
        bench.recover();
        assert_eq!(tree(packs), INSTALLED, "after {steps} steps");
        assert_eq!(content(packs), "old");
        assert!(fs::read_to_string(packs.join("hello.toml")).expect("flat file").contains("1.0.0"));
    }
}

#[test]
fn a_description_that_a_crash_left_without_its_package_goes() {
    let bench = Bench::new();
    let packs = &bench.packs;
    bench.install(&sample("1.0.0", "x"));
    fs::remove_dir_all(packs.join("hello")).expect("the crash");
    write_tree(packs, &[("theirs.toml", "[pack]")]);
    bench.recover();
    assert_eq!(tree(packs), ["theirs.toml"]);
}

#[test]
fn a_crash_after_the_swap_keeps_the_new_version() {
    let bench = Bench::new();
    let packs = &bench.packs;
    bench.install(&sample("1.1.0", "new"));
    write_tree(packs, &[(".ggen-old-hello.toml", "old"), (".ggen-tmp-x/old/a/content.txt", "old")]);
    bench.recover();
    assert_eq!(tree(packs), INSTALLED);
    assert_eq!(content(packs), "new");
}

#[test]
fn installs_at_the_same_time_take_turns() {
    let bench = Bench::new();
    let packs = &bench.packs;
    let samples: Vec<Sample> = (0..4).map(|i| sample(&format!("1.{i}.0"), &format!("{i}"))).collect();
    std::thread::scope(|scope| {
        for sample in &samples {
            scope.spawn(|| bench.install(sample));
        }
    });
    assert_eq!(tree(packs), INSTALLED);
    let flat = fs::read_to_string(packs.join("hello.toml")).expect("flat file");
    assert!(flat.contains(&format!("1.{}.0", content(packs))), "{flat}");
}
