//! How much memory hostile archives make an install take.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::corpus;
use super::scene::{self, Scene};

/// KiB that a process may have resident at any time, its program included.
const LIMIT: u64 = 64 * 1024;

/// Where the child finds the archives.
const DIR: &str = "GGEN_TEST_HOSTILE_DIR";

/// Installs the whole corpus in a process of its own, which the making of it cost nothing, and asks the kernel for that
/// process's peak.
#[test]
fn hostile_archives_take_less_than_64_mib() {
    let scene = Scene::new();
    let dir = tempfile::tempdir().expect("temp dir");
    for (at, case) in corpus(&scene.outside()).iter().enumerate() {
        fs::write(dir.path().join(format!("{at:03}-{}", case.files)), &case.archive).expect("write");
    }
    let child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "market::archive::hostile::memory::child", "--ignored", "--nocapture"])
        .env(DIR, dir.path())
        .output()
        .expect("the child runs");
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{said}{}", String::from_utf8_lossy(&child.stderr));
    let peak = said.lines().find_map(|line| line.strip_prefix("peak of ")).expect("what the child measured");
    println!("peak of {peak}");
}

/// Not a test by itself: what [`hostile_archives_take_less_than_64_mib`] runs.
#[test]
#[ignore = "run by another test, in a process of its own"]
fn child() {
    let Some(dir) = std::env::var_os(DIR).map(PathBuf::from) else { return };
    let scene = Scene::new();
    let mut archives: Vec<PathBuf> =
        fs::read_dir(dir).expect("list").map(|entry| entry.expect("entry").path()).collect();
    archives.sort();
    assert!(archives.len() >= 60);
    let before = peak();
    for archive in &archives {
        let name = archive.file_name().and_then(|name| name.to_str()).expect("name");
        let files = name.split('-').next_back().and_then(|count| count.parse().ok()).expect("count");
        let release = scene::signed(archive, files);
        assert!(scene.place(archive, &release).is_err(), "{name}");
        assert!(peak() < LIMIT, "{name}: {} KiB", peak());
    }
    println!("\npeak of {} KiB over {} archives, {before} KiB before the first", peak(), archives.len());
}

/// The most that this process had resident so far, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string(Path::new("/proc/self/status")).expect("status");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("VmHWM");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}
