//! A home with an installed package, and things around it that no install may touch.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::config::Home;
use crate::market::install::{self, Contents, Purpose};
use crate::market::merkle::BlobHasher;
use crate::market::testing::{NOW, identity, release, sign, write_tree};
use crate::market::{MarketError, PackageId, Release, Store, VerifiedRelease};

pub struct Scene {
    dir: TempDir,
    /// Beside all that is looked at.
    store: Store,
    _store_dir: TempDir,
}

/// What a file is, content and times included.
type Fingerprint = (u64, u32, u64, i64, i64, Vec<u8>);

impl Scene {
    pub fn new() -> Self {
        // In memory, where there is such a place: an install makes every file durable.
        let shared = Path::new("/dev/shm");
        let dir = if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() };
        let store_dir = tempfile::tempdir().expect("temp dir");
        let store = Store::open(&Home::new(store_dir.path())).expect("store");
        let scene = Self { dir: dir.expect("temp dir"), store, _store_dir: store_dir };
        write_tree(
            scene.dir.path(),
            &[
                ("home/packs/neighbour/README.md", "installed before"),
                ("home/packs/neighbour.toml", "# of another hand"),
                ("home/canary", "beside packs"),
                ("canary", "above"),
                ("outside/file", "outside"),
                ("outside/dir/file", "outside"),
                ("outside/program", "#!/bin/sh\n"),
            ],
        );
        let mode = |path: &str, mode| {
            fs::set_permissions(scene.dir.path().join(path), Permissions::from_mode(mode)).expect("chmod");
        };
        mode("outside/program", 0o755);
        mode("outside/file", 0o600);
        symlink("outside", scene.dir.path().join("link")).expect("link");
        scene
    }

    pub fn outside(&self) -> PathBuf {
        self.dir.path().join("outside")
    }

    pub fn packs(&self) -> PathBuf {
        self.dir.path().join("home/packs")
    }

    pub fn archive(&self) -> PathBuf {
        self.dir.path().join("hostile.tar.zst")
    }

    /// Everything but the archive. The time of `packs` itself changes, since an install works in it.
    pub fn fingerprints(&self) -> BTreeMap<PathBuf, Fingerprint> {
        let mut out = BTreeMap::new();
        self.walk(self.dir.path(), &mut out);
        out
    }

    fn walk(&self, dir: &Path, out: &mut BTreeMap<PathBuf, Fingerprint>) {
        for entry in fs::read_dir(dir).expect("list") {
            let path = entry.expect("entry").path();
            if path == self.archive() {
                continue;
            }
            let about = path.symlink_metadata().expect("stat");
            let content = match (about.is_file(), about.is_symlink()) {
                (true, _) => fs::read(&path).expect("read"),
                (_, true) => fs::read_link(&path).expect("link").into_os_string().into_encoded_bytes(),
                _ => Vec::new(),
            };
            let (seconds, nanoseconds) =
                if path == self.packs() { (0, 0) } else { (about.mtime(), about.mtime_nsec()) };
            out.insert(path.clone(), (about.ino(), about.mode(), about.nlink(), seconds, nanoseconds, content));
            if about.is_dir() {
                self.walk(&path, out);
            }
        }
    }

    /// Installs `archive`, as its publisher has signed it.
    pub fn install(&self, archive: &[u8], files: u32) -> Result<install::Placed, MarketError> {
        fs::write(self.archive(), archive).expect("write");
        self.place(&self.archive(), &signed(&self.archive(), files))
    }

    pub fn place(&self, archive: &Path, release: &VerifiedRelease) -> Result<install::Placed, MarketError> {
        let contents = Contents::Archive { path: archive, release };
        install::put(&self.store, &contents, Purpose::asked(None), &self.packs(), NOW)
    }
}

/// A genuine release over what is in `archive`, by a publisher who means harm.
pub fn signed(archive: &Path, files: u32) -> VerifiedRelease {
    sign(truthful(archive, files), &identity(66))
}

pub fn truthful(archive: &Path, files: u32) -> Release {
    let mut hasher = BlobHasher::default();
    let mut file = File::open(archive).expect("open");
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = std::io::Read::read(&mut file, &mut buffer) {
        hasher.update(&buffer[..read]);
    }
    let digest = hasher.finish();
    Release {
        package_id: PackageId(digest.sha256),
        size: digest.size,
        merkle_root: digest.merkle_root(),
        file_count: files,
        ..release(&identity(66), "hostile", "1.0.0")
    }
}
