//! One bit turned over somewhere in a home: it is noticed, or it changes nothing that anyone relies on.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::publish_tests::prepare;
use super::*;
use crate::market::install::{self, Basis, Contents, Purpose};
use crate::market::search::{Nobody, Query};
use crate::market::testing::{NOW, at_sequence, identity, name, release, sign, write_tree};
use crate::market::{MarketError, Release, VerifiedRelease};

const FLIPS: u64 = 1000;
const THREADS: u64 = 4;

/// A home as it lies on the disk, and what is true of it.
struct Template {
    _dir: tempfile::TempDir,
    home: PathBuf,
    /// By name and version, what the files of a package are.
    published: Vec<(VerifiedRelease, BTreeMap<String, Vec<u8>>)>,
    releases: Vec<VerifiedRelease>,
    truth: std::sync::OnceLock<Shown>,
}

impl Template {
    /// What the home shows when no bit is flipped.
    fn truth(&self) -> &Shown {
        self.truth.get_or_init(|| {
            let dir = temp_dir();
            copy_tree(&self.home, dir.path());
            let mut db = Db::open(&Home::new(dir.path())).expect("open");
            everything(&mut db).expect("reads")
        })
    }
}

/// What a flipped bit came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// Opening put it right: a database made anew, rows mended, a blob in quarantine.
    Repaired,
    /// An operation refused with an error and what it came upon was put right behind it.
    RefusedThenRepaired,
    /// Installing refused the bytes.
    InstallRefused,
    /// Checking what is installed showed it.
    Verify,
    /// A note of this node's own, which nobody signed, has another value: no package is affected.
    NoteChanged,
    Harmless,
}

/// In memory where that can be had: a thousand homes are made.
fn temp_dir() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("temp dir")
}

fn files_in(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for path in crate::market::testing::tree(dir) {
        if dir.join(&path).is_file() {
            files.insert(path.clone(), fs::read(dir.join(&path)).expect("read"));
        }
    }
    files
}

fn package(name: &str, version: &str) -> tempfile::TempDir {
    let dir = temp_dir();
    let manifest = format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\ndescription = \"About {name}\"\n");
    let data = format!("{name} {version} ").repeat(200);
    write_tree(dir.path(), &[("package.toml", &manifest), ("data/a.ttl", &data), ("README.md", "read me")]);
    dir
}

/// Two packages installed, one of them published in two versions; a catalogue; a peer. `crashed`: the log was not taken
/// into the database.
fn template(crashed: bool) -> Template {
    let dir = temp_dir();
    let root = dir.path().join("home");
    let home = Home::new(&root);
    let mut db = Db::open(&home).expect("open");
    let mut published = Vec::new();
    for (of, version, sequence) in [("alpha", "1.0.0", 1), ("alpha", "1.1.0", 2), ("beta", "2.0.0", 1)] {
        let source = package(of, version);
        let (packed, signed) = prepare(source.path(), &db.incoming_dir(), sequence);
        db.store_published(packed, &signed, NOW).expect("publish");
        published.push((signed, files_in(source.path())));
    }
    let mut releases: Vec<_> = published.iter().map(|(release, _)| release.clone()).collect();
    for number in 0..40 {
        let other = release(&identity(2), &format!("other-{number}"), "0.1.0");
        let text = format!("words of number {number}: graph, ontology, template");
        releases.push(sign(Release { description: text.as_str().into(), ..at_sequence(other, 1) }, &identity(2)));
    }
    db.accept_all(&releases, NOW).expect("accept");
    db.save_peer(&PeerRecord { peer_id: "12D3KooW".into(), successes: 5, ..PeerRecord::default() }).expect("peer");
    drop(db);
    let store = Store::open(&home).expect("open");
    for (release, files) in published.iter().skip(1) {
        let placed = put(&store, release, &home.packs_dir()).expect("install");
        assert_eq!(files_in(&placed.path), *files);
    }
    if !crashed {
        futures::executor::block_on(store.close());
        return Template { home: root, _dir: dir, published, releases, truth: Default::default() };
    }
    let copy = dir.path().join("crashed");
    copy_tree(&root, &copy);
    Template { home: copy, _dir: dir, published, releases, truth: Default::default() }
}

/// Installs from the blob of the release.
fn put(store: &Store, release: &VerifiedRelease, packs: &Path) -> Result<install::Placed, MarketError> {
    let id = release.release().package_id;
    let path = store.run_blocking(move |db| Ok(db.blob_path(id)))?;
    install::put(store, &Contents::Archive { path: &path, release }, Purpose::asked(None), packs, NOW)
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("directory");
    for entry in fs::read_dir(from).expect("list") {
        let path = entry.expect("entry").path();
        let target = to.join(path.file_name().expect("name"));
        if path.is_dir() { copy_tree(&path, &target) } else { fs::copy(&path, &target).map(drop).expect("copy") }
    }
}

/// Where a flip may be: half of them in the database, the others in blobs and installed files.
fn targets(home: &Path, part: u64) -> Vec<PathBuf> {
    let place = ["market.db", "market.db", "/blobs/", "/packs/"][(part % 4) as usize];
    let paths = crate::market::testing::tree(home).into_iter().map(|path| home.join(path));
    let wanted =
        |path: &PathBuf| path.is_file() && path.to_string_lossy().contains(place) && !path.ends_with("market.db-shm");
    paths.filter(wanted).collect()
}

/// Numbers that look random and are the same in every run (splitmix64).
fn scattered(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Turns one bit of one file; says which.
fn flip(home: &Path, seed: u64) -> String {
    let files = targets(home, seed);
    let sizes: Vec<u64> = files.iter().map(|file| fs::metadata(file).expect("stat").len()).collect();
    let mut at = scattered(seed) % sizes.iter().sum::<u64>();
    for (file, size) in files.iter().zip(sizes) {
        if at < size {
            let mut bytes = fs::read(file).expect("read");
            bytes[at as usize] ^= 1 << (scattered(seed ^ 0xffff) % 8);
            fs::write(file, bytes).expect("write");
            return format!("seed {seed}: byte {at} of {}", file.display());
        }
        at -= size;
    }
    unreachable!("the sizes add up")
}

/// What a user does with a home, and what is to be thought of it.
fn live_with(template: &Template, home: &Path, which: &str) -> Outcome {
    let home = Home::new(home);
    let store = match Store::open(&home) {
        Ok(store) => store,
        Err(error) => panic!("{which}: cannot be opened any more: {error}"),
    };
    let (shown, refused) = match store.run_blocking(everything) {
        Ok(shown) => (shown, false),
        Err(_) => {
            (store.run_blocking(everything).unwrap_or_else(|error| panic!("{which}: not repaired: {error}")), true)
        }
    };
    let damage_is_seen = check_installed(template, &store, &home, which);
    let mut bytes_refused = false;
    for found in &shown.releases {
        let original = template.releases.iter().find(|original| original.id() == found.id());
        assert_eq!(original, Some(found), "{which}: a release that nobody signed");
        bytes_refused |= !installs_the_right_bytes(template, &store, found, &home, which);
    }
    let repaired = store.run_blocking(|db| Ok(!db.repairs().is_empty())).expect("repairs");
    match () {
        () if bytes_refused => Outcome::InstallRefused,
        () if refused => Outcome::RefusedThenRepaired,
        () if repaired => Outcome::Repaired,
        () if damage_is_seen => Outcome::Verify,
        () if shown != *template.truth() => Outcome::NoteChanged,
        () => Outcome::Harmless,
    }
}

/// What `verify` says of the installed packages is what is true of their files. Whether it says that some are damaged.
fn check_installed(template: &Template, store: &Store, home: &Home, which: &str) -> bool {
    let mut damage_is_seen = false;
    for (release, files) in template.published.iter().skip(1) {
        let name = &release.release().name;
        let flat = |root: &Path| fs::read(root.join("packs").join(format!("{name}.toml"))).ok();
        let is_right =
            files_in(&home.packs_dir().join(name.as_str())) == *files && flat(home.root()) == flat(&template.home);
        match install::verify(store, &home.packs_dir(), name) {
            Ok(said) => {
                assert!(said.basis == Basis::Unknown || said.is_sound() == is_right, "{which}: {said:?}");
                damage_is_seen |= !said.is_sound();
            }
            // The note itself was damaged beyond repair, which was told.
            Err(error) => assert!(is_right, "{which}: {error}"),
        }
    }
    damage_is_seen
}

#[derive(PartialEq, Debug)]
struct Shown {
    releases: Vec<VerifiedRelease>,
    found: Vec<String>,
    installed: Vec<Installed>,
    pins: Vec<Option<PublisherKey>>,
    peers: Vec<PeerRecord>,
}

fn everything(db: &mut Db) -> Result<Shown, MarketError> {
    let mut releases = db.recent(1000)?;
    releases.sort_by_key(VerifiedRelease::id);
    for of in ["alpha", "beta", "other-3"] {
        db.versions(&name(of), None)?;
    }
    let mut found = Vec::new();
    for query in ["", "alpha", "about", "graph ont", "number 7", "read"] {
        found.extend(
            db.search(&Query::parse(query).limit(100), &Nobody)?
                .hits
                .iter()
                .map(|hit| hit.release.release().name.to_string()),
        );
        found.push(query.to_owned());
    }
    db.last_of(identity(1).public(), &name("alpha"))?;
    db.sync_items()?;
    db.blob_ids()?;
    db.counts()?;
    let pins = vec![db.pinned(&name("alpha"))?, db.pinned(&name("beta"))?];
    Ok(Shown { releases, found, installed: db.installed()?, pins, peers: db.peers()? })
}

/// Installs from the blob, where there is one, into a folder of its own: the right bytes or none. `false`: none.
fn installs_the_right_bytes(
    template: &Template,
    store: &Store,
    found: &VerifiedRelease,
    home: &Home,
    which: &str,
) -> bool {
    let Some((_, files)) = template.published.iter().find(|(release, _)| release.id() == found.id()) else {
        return true;
    };
    let id = found.release().package_id;
    if store.run_blocking(move |db| db.blob(id)).expect("blob").is_none() {
        return false;
    }
    let packs = home.root().join("trial");
    match put(store, found, &packs) {
        Ok(placed) => {
            assert_eq!(files_in(&placed.path), *files, "{which}: wrong bytes were installed");
            true
        }
        Err(error) => {
            let dir = packs.join(found.release().name.as_str());
            assert!(matches!(error, MarketError::Mismatch { .. }), "{which}: {error}");
            assert!(
                !dir.join("package.toml").exists()
                    || template.published.iter().any(|(_, files)| files_in(&dir) == *files)
            );
            store.run_blocking(move |db| db.quarantine(id)).expect("quarantine");
            false
        }
    }
}

#[test]
fn no_flipped_bit_goes_unnoticed_and_does_harm() {
    let (closed, crashed) = (template(false), template(true));
    let outcomes = std::sync::Mutex::new(BTreeMap::<(&str, Outcome), u32>::new());
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (closed, crashed, outcomes) = (&closed, &crashed, &outcomes);
            scope.spawn(move || {
                for seed in (thread..FLIPS).step_by(THREADS as usize) {
                    let template = if seed % 8 < 5 { closed } else { crashed };
                    let dir = temp_dir();
                    let home = dir.path().join("home");
                    copy_tree(&template.home, &home);
                    let which = flip(&home, seed);
                    let outcome = live_with(template, &home, &which);
                    if outcome == Outcome::NoteChanged {
                        println!("a note has changed: {which}");
                    }
                    let place = ["database", "database", "blob", "installed file"][(seed % 4) as usize];
                    *outcomes.lock().expect("not poisoned").entry((place, outcome)).or_default() += 1;
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().expect("not poisoned");
    for ((place, outcome), count) in &outcomes {
        println!("{count:4} flips of a {place}: {outcome:?}");
    }
    assert_eq!(outcomes.values().sum::<u32>(), FLIPS as u32);
}
