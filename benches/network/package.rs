//! Something to publish.

use ggen_p2p_tui::net::unix_now;
use tempfile::TempDir;

/// The folder of a small package.
pub fn package(name: &str) -> TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"1.0.0\"\ndescription = \"A package of a bench\"\nlicense = \"MIT\"\n"
    );
    std::fs::write(dir.path().join("package.toml"), manifest).expect("a manifest");
    std::fs::write(dir.path().join("a.txt"), format!("{name} {}", unix_now())).expect("a file");
    dir
}
