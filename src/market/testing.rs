//! What the tests of the domain have in common.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::config::Home;

use super::install::Inventory;
use super::release::DEFAULT_VALIDITY;
use super::search::{Nobody, Query};
use super::store::{Db, Found, InstallSource, Installed, Reason};
use super::{Identity, PackageId, PackageName, Release, ReleaseId, VerifiedRelease};

/// Unix seconds at which tests take place.
pub(crate) const NOW: u64 = 1_800_000_000;

pub(crate) fn identity(seed: u8) -> Identity {
    Identity::from_secret([seed; 32])
}

pub(crate) fn name(name: &str) -> PackageName {
    PackageName::new(name).expect("package name")
}

/// A first release of `name_of` by `identity`, with an archive id of its own.
pub(crate) fn release(identity: &Identity, name_of: &str, version: &str) -> Release {
    let seed = [name_of.as_bytes(), version.as_bytes()].concat();
    Release {
        network: "ggen".into(),
        publisher: identity.public(),
        name: name(name_of),
        version: version.parse().expect("version"),
        package_id: PackageId(super::merkle::leaf_hash(&seed)),
        size: 1000,
        merkle_root: [2; 32],
        description: "".into(),
        category: "".into(),
        tags: Vec::new(),
        keywords: Vec::new(),
        licence: "MIT".into(),
        repository: "".into(),
        dependencies: Vec::new(),
        file_count: 1,
        sequence: 1,
        previous: None,
        published_at: NOW,
        expires_at: NOW + DEFAULT_VALIDITY,
        yank_reason: None,
    }
}

/// `release` at another place in its chain.
pub(crate) fn at_sequence(release: Release, sequence: u64) -> Release {
    let previous = (sequence > 1).then_some(ReleaseId([9; 32]));
    Release { sequence, previous, ..release }
}

pub(crate) fn sign(release: Release, identity: &Identity) -> VerifiedRelease {
    release.sign(identity).expect("sign")
}

/// Overwrites the first page of a table or index of the database of `home`, which may be in use.
pub(crate) fn damage_page(home: &Home, tree: &str) {
    let file = home.database_file();
    let conn = rusqlite::Connection::open(&file).expect("open");
    conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("from the log to the file");
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    let root: u32 = conn.query_row(root, [tree], |row| row.get(0)).expect("a root page");
    let size: u32 = conn.pragma_query_value(None, "page_size", |row| row.get(0)).expect("a size");
    let page = vec![0xaa; size as usize];
    let database = fs::OpenOptions::new().write(true).open(&file).expect("open");
    database.write_all_at(&page, u64::from(root - 1) * u64::from(size)).expect("write");
}

/// What is noted of an install of `release` that the user asked for.
pub(crate) fn installed(release: &Release) -> Installed {
    Installed {
        name: release.name.clone(),
        version: release.version.clone(),
        publisher: Some(release.publisher),
        package_id: release.package_id,
        installed_at: NOW,
        files: release.file_count,
        bytes: 1,
        reason: Reason::Asked,
        requirement: None,
        source: InstallSource::Peers,
        dependencies: release.dependencies.clone(),
    }
}

/// Notes an install whose files no one looks at.
pub(crate) fn note_install(db: &mut Db, entry: &Installed) {
    db.intend_install(entry, &Inventory::default()).expect("intent");
    db.conclude_install(&entry.name).expect("note");
}

/// Writes `files` (path, content) below `dir`.
pub(crate) fn write_tree(dir: &Path, files: &[(&str, &str)]) {
    for (path, content) in files {
        let file = dir.join(path);
        fs::create_dir_all(file.parent().expect("parent")).expect("directories");
        fs::write(file, content).expect("file");
    }
}

/// Every path below `dir`, relative and sorted.
pub(crate) fn tree(dir: &Path) -> Vec<String> {
    fn walk(root: &Path, dir: &Path, out: &mut Vec<String>) {
        for entry in fs::read_dir(dir).expect("list") {
            let path = entry.expect("entry").path();
            out.push(path.strip_prefix(root).expect("below root").to_string_lossy().into_owned());
            if path.is_dir() {
                walk(root, &path, out);
            }
        }
    }
    let mut out = Vec::new();
    walk(dir, dir, &mut out);
    out.sort();
    out
}

/// What a user who types `text` finds, without peers.
pub(crate) fn search(db: &mut Db, text: &str, limit: usize) -> Vec<Found> {
    db.search(&Query::parse(text).limit(limit), &Nobody).expect("search").hits
}
