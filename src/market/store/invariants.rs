//! What holds of a store whatever is done with it, in whatever order.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::market::archive::{self, Packed};
use crate::market::install::{self, Basis, Contents, Purpose};
use crate::market::testing::{NOW, at_sequence, identity, release, sign, tree, write_tree};
use crate::market::{MarketError, Release};

/// Publishers, the first of them the user; packages of each; versions of each.
const PUBLISHERS: u8 = 2;
const NAMES: [&str; 2] = ["alpha", "beta"];
const VERSIONS: u64 = 3;

/// A package as it is published and travels.
struct Sample {
    who: u8,
    release: VerifiedRelease,
    packed: Packed,
    bytes: Vec<u8>,
}

/// Every sample, made once.
fn samples() -> &'static [Sample] {
    static SAMPLES: OnceLock<Vec<Sample>> = OnceLock::new();
    SAMPLES.get_or_init(|| {
        let mut samples = Vec::new();
        for who in 1..=PUBLISHERS {
            for name in NAMES {
                samples.extend((1..=VERSIONS).map(|sequence| sample(who, name, sequence)));
            }
        }
        samples
    })
}

fn sample(who: u8, name: &str, sequence: u64) -> Sample {
    let dir = temp_dir();
    let version = format!("1.{sequence}.0");
    let manifest = format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\ndescription = \"Of {who}\"\n");
    write_tree(dir.path(), &[("package.toml", &manifest), ("data/a.ttl", &format!("{who} {name} {version}"))]);
    let packed = archive::pack(dir.path(), &std::env::temp_dir()).expect("pack");
    let unsigned = Release {
        package_id: packed.package_id,
        size: packed.size,
        merkle_root: packed.merkle_root,
        file_count: 2,
        ..at_sequence(release(&identity(who), name, &version), sequence)
    };
    let bytes = fs::read(packed.archive.path()).expect("read");
    Sample { who, release: sign(unsigned, &identity(who)), packed, bytes }
}

/// In memory where that can be had.
fn temp_dir() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("temp dir")
}

/// What is done, to the sample or name of that number.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The user's own is published, another's comes from a peer.
    Obtain(usize),
    Install(usize),
    /// An install that a crash ends when its intent is written, and if so, its files are in place.
    Crash(usize, bool),
    Remove(usize),
    Yank(usize),
    /// Room for that many bytes.
    Collect(u64),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let one = 0..usize::from(PUBLISHERS) * NAMES.len() * VERSIONS as usize;
    prop_oneof![
        4 => one.clone().prop_map(Step::Obtain),
        4 => one.clone().prop_map(Step::Install),
        1 => (one.clone(), any::<bool>()).prop_map(|(which, placed)| Step::Crash(which, placed)),
        2 => (0..NAMES.len()).prop_map(Step::Remove),
        1 => one.prop_map(Step::Yank),
        2 => (0..3000u64).prop_map(Step::Collect),
        2 => Just(Step::Reopen),
    ]
}

/// A home, and what is true of it.
struct World {
    _dir: TempDir,
    home: Home,
    store: Store,
    /// Samples whose bytes came here.
    obtained: BTreeSet<usize>,
    /// By name.
    installed: BTreeMap<&'static str, usize>,
}

impl World {
    fn new() -> Self {
        let dir = temp_dir();
        let home = Home::new(dir.path().join("home"));
        let store = Store::open(&home).expect("open");
        Self { _dir: dir, home, store, obtained: BTreeSet::new(), installed: BTreeMap::new() }
    }

    fn run<R: Send + 'static>(&self, job: impl FnOnce(&mut Db) -> Result<R, MarketError> + Send + 'static) -> R {
        self.store.run_blocking(job).expect("the store answers")
    }

    fn reopen(self) -> Self {
        futures::executor::block_on(self.store.close());
        Self { store: Store::open(&self.home).expect("reopen"), ..self }
    }

    /// The blob of a sample, where it is here.
    fn blob(&self, which: usize) -> Option<PathBuf> {
        let id = samples()[which].packed.package_id;
        self.run(move |db| Ok(db.blob(id)?.map(|_| db.blob_path(id))))
    }

    fn take(self, step: Step) -> Self {
        match step {
            Step::Obtain(which) => self.obtain(which),
            Step::Install(which) => self.install(which),
            Step::Crash(which, placed) => self.crash(which, placed),
            Step::Remove(which) => self.remove(NAMES[which]),
            Step::Yank(which) => self.yank(which),
            Step::Collect(quota) => self.collect(quota),
            Step::Reopen => self.reopen(),
        }
    }

    fn obtain(mut self, which: usize) -> Self {
        let sample = &samples()[which];
        self.run(move |db| {
            let mut file = tempfile::NamedTempFile::new_in(db.incoming_dir()).expect("temp file");
            file.write_all(&sample.bytes).expect("write");
            let (package_id, size, leaves) =
                (sample.packed.package_id, sample.packed.size, sample.packed.leaves.clone());
            db.accept(&sample.release, NOW)?;
            db.store_blob(file, BlobInfo { package_id, size, leaves })
        });
        self.obtained.insert(which);
        self
    }

    fn install(mut self, which: usize) -> Self {
        let Some(path) = self.blob(which) else { return self };
        let contents = Contents::Archive { path: &path, release: &samples()[which].release };
        install::put(&self.store, &contents, Purpose::asked(None), &self.home.packs_dir(), NOW).expect("put");
        self.installed.insert(name_of(which), which);
        self
    }

    fn crash(mut self, which: usize, placed: bool) -> Self {
        let Some(path) = self.blob(which) else { return self };
        let contents = Contents::Archive { path: &path, release: &samples()[which].release };
        install::interrupted(&self.store, &contents, &self.home.packs_dir(), placed);
        if placed {
            self.installed.insert(name_of(which), which);
        }
        self.reopen()
    }

    fn remove(mut self, name: &'static str) -> Self {
        let wanted = crate::market::testing::name(name);
        let removed = install::remove(&self.store, &wanted, &self.home.packs_dir()).expect("remove");
        assert_eq!(removed, self.installed.remove(name).is_some());
        self
    }

    fn yank(self, which: usize) -> Self {
        let sample = &samples()[which];
        let yank = Release {
            yank_reason: Some("broken".into()),
            ..at_sequence(sample.release.release().clone(), VERSIONS + 1 + which as u64)
        };
        let yank = sign(yank, &identity(sample.who));
        self.run(move |db| db.accept(&yank, NOW));
        self
    }

    fn collect(self, quota: u64) -> Self {
        let rules = CacheRules { quota, keep_versions: 1, own: vec![identity(1).public()] };
        self.run(move |db| db.collect_garbage(&rules, 0));
        self
    }

    /// Notes, folders and inventories say the same; bytes that are bound are here; no file is nobody's.
    fn check(&self) {
        let packs = self.home.packs_dir();
        let noted = self.run(|db| db.installed());
        let said: BTreeMap<_, _> = noted.iter().map(|one| (one.name.as_str(), one.package_id)).collect();
        let true_of_it: BTreeMap<_, _> =
            self.installed.iter().map(|(name, which)| (*name, samples()[*which].packed.package_id)).collect();
        assert_eq!(said, true_of_it);
        let wanted: Vec<_> = said.keys().flat_map(|name| [(*name).to_owned(), format!("{name}.toml")]).collect();
        assert_eq!(entries(&packs), wanted);
        for entry in &noted {
            let verified = install::verify(&self.store, &packs, &entry.name).expect("verify");
            assert!(verified.is_sound() && verified.problems.is_empty(), "{verified:?}");
            assert_eq!((verified.basis, verified.files_checked), (Basis::Inventory, 3));
        }
        let bound = |which: &&usize| samples()[**which].who == 1 || self.installed.values().any(|one| one == *which);
        for which in self.obtained.iter().filter(bound) {
            let blob = self.blob(*which).expect("bytes that are bound stay");
            assert_eq!(fs::read(blob).expect("read"), samples()[*which].bytes);
        }
        let files = tree(&self.home.blobs_dir()).into_iter().filter(|path| path.contains('/')).count();
        assert_eq!(self.run(|db| db.blob_ids()).len(), files);
        assert_eq!(self.run(|db| Ok(db.repairs().to_vec())), Vec::<String>::new());
    }
}

fn name_of(which: usize) -> &'static str {
    NAMES[which / VERSIONS as usize % NAMES.len()]
}

fn entries(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn notes_files_and_bytes_agree_after_any_steps(steps in proptest::collection::vec(step(), 1..24)) {
        let mut world = World::new();
        for step in steps {
            world = world.take(step);
            world.check();
        }
        world.reopen().check();
    }
}
