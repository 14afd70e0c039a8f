//! What there is in a home.

use std::path::{Path, PathBuf};

use ggen_p2p_tui::config::Home;
use ggen_p2p_tui::market::Db;
use ggen_p2p_tui::market::store::digest;

use crate::harness::tree;

/// Everything of a home that a user relies on.
#[derive(Debug, PartialEq)]
pub struct State {
    /// Below `packs/`.
    pub files: Vec<(PathBuf, Vec<u8>)>,
    /// Versions in the catalogue, lowest first: published within one second, they are in no order there.
    pub releases: Vec<String>,
    /// Names and versions of what is noted as installed.
    pub installed: Vec<(String, String)>,
}

impl State {
    pub fn of(home: &Path) -> Self {
        let packs = home.join("packs");
        let mut db = Db::open(&Home::new(home)).expect("the store opens");
        assert!(db.repairs().is_empty(), "{:?}", db.repairs());
        let releases = db.recent(100).expect("the catalogue is read");
        let mut versions: Vec<_> = releases.iter().map(|release| release.release().version.clone()).collect();
        versions.sort();
        let installed = db.installed().expect("what is installed is read");
        Self {
            files: if packs.exists() { tree(&packs) } else { Vec::new() },
            releases: versions.iter().map(ToString::to_string).collect(),
            installed: installed.iter().map(|entry| (entry.name.to_string(), entry.version.to_string())).collect(),
        }
    }

    /// No leftovers; a blob for each release, with the right bytes, and no other; files and their description of one version.
    pub fn assert_whole(&self, home: &Path, which: &str) {
        let leftover =
            |path: &PathBuf| path.components().any(|part| part.as_os_str().to_string_lossy().starts_with(".ggen-"));
        let all: Vec<_> = tree(home).into_iter().map(|(path, _)| path).collect();
        let left: Vec<_> = all.iter().filter(|path| leftover(path) || path.starts_with("p2p-cache/incoming")).collect();
        assert!(left.is_empty(), "{which}: left behind: {left:?}");
        assert!(!home.join("p2p/market.db.new").exists(), "{which}");
        let blobs: Vec<_> = all.iter().filter(|path| path.starts_with("p2p-cache/blobs")).collect();
        assert_eq!(blobs.len(), self.releases.len(), "{which}: {blobs:?}");
        for blob in blobs {
            let found = digest(&home.join(blob)).expect("a blob is read");
            let hex: String = found.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(blob.file_name().expect("a name").to_str(), Some(hex.as_str()), "{which}");
        }
    }
}
