use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;

use crate::market::Severity::{self, Error, Info};
use crate::market::archive::{Packed, extract, pack};
use crate::market::testing::write_tree;

/// A package in `pack/` beside things that are not to be read.
fn scene(links: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().expect("temp dir");
    write_tree(
        dir.path(),
        &[
            ("pack/package.toml", "[package]\nname = \"hello\"\nversion = \"1.0.0\"\n"),
            ("pack/a", "content"),
            ("pack/d/b", "below"),
            ("pack/.git/config", "private"),
            ("pack/.env", "TOKEN=1"),
            ("pack/.gitignore", ".env\n"),
            ("outside", "canary"),
            ("pack-too/x", "canary"),
        ],
    );
    for (name, target) in links {
        let path = dir.path().join("pack").join(name);
        fs::create_dir_all(path.parent().expect("parent")).expect("directory");
        symlink(target.replace("ROOT", &dir.path().display().to_string()), path).expect("link");
    }
    dir
}

fn packed(dir: &TempDir) -> Packed {
    pack(&dir.path().join("pack"), dir.path()).expect("pack")
}

fn found(packed: &Packed) -> Vec<(Severity, &str, &str)> {
    packed.findings.iter().map(|f| (f.severity, f.code.as_str(), f.file.as_str())).collect()
}

fn unpacked(packed: &Packed) -> TempDir {
    let into = tempfile::tempdir().expect("temp dir");
    let mut archive = packed.archive.reopen().expect("reopen");
    let count = u32::try_from(packed.files.len()).expect("count");
    extract(&mut archive, packed.archive.path(), count, into.path()).expect("extract");
    into
}

#[test]
fn links_to_files_inside_are_followed() {
    let dir = scene(&[("near", "a"), ("d/up", "../a"), ("chain", "d/up")]);
    let packed = packed(&dir);
    assert_eq!(
        found(&packed),
        [(Info, "symlink-followed", "chain"), (Info, "symlink-followed", "d/up"), (Info, "symlink-followed", "near")]
    );
    let into = unpacked(&packed);
    for name in ["near", "d/up", "chain"] {
        let path = into.path().join(name);
        assert!(path.symlink_metadata().expect("stat").is_file(), "{name}");
        assert_eq!(fs::read(path).expect("read"), b"content", "{name}");
    }
}

#[test]
fn links_that_lead_out_or_nowhere_are_refused() {
    let dir = scene(&[
        ("absolute", "/etc/passwd"),
        ("beside", "../pack-too/x"),
        ("circle", "circle"),
        ("dir", "d"),
        ("git", ".git/config"),
        ("gone", "nothing"),
        ("inside-but-absolute", "ROOT/pack/a"),
        ("out-and-in", "../pack/a"),
        ("secret", ".env"),
        ("up", "../.."),
    ]);
    let packed = packed(&dir);
    assert_eq!(
        found(&packed).into_iter().filter(|(severity, ..)| *severity == Error).collect::<Vec<_>>(),
        [
            (Error, "symlink-outside", "absolute"),
            (Error, "symlink-outside", "beside"),
            (Error, "symlink-broken", "circle"),
            (Error, "symlink-directory", "dir"),
            (Error, "symlink-outside", "git"),
            (Error, "symlink-broken", "gone"),
            (Error, "symlink-outside", "inside-but-absolute"),
            (Error, "symlink-outside", "out-and-in"),
            (Error, "secret", "secret"),
            (Error, "symlink-outside", "up"),
        ]
    );
    let paths: Vec<_> = packed.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, [".gitignore", "a", "d/b", "package.toml"]);
}

/// A file that is swapped for a link to the outside, again and again while the package is packed: whatever comes of it,
/// what lies outside is never in the archive.
#[test]
fn a_race_never_leads_outside() {
    let dir = scene(&[]);
    let pack_dir = dir.path().join("pack");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let racer = scope.spawn(|| {
            let swap = |target: Option<&str>, name: &str| {
                let new = pack_dir.join(format!("{name}.swap"));
                match target {
                    Some(target) => symlink(target, &new).expect("link"),
                    None => fs::write(&new, "content").expect("write"),
                }
                fs::rename(&new, pack_dir.join(name)).expect("rename");
            };
            let mut swaps = 0u32;
            while !stop.load(Ordering::Relaxed) {
                swap(Some("../outside"), "a");
                swap(None, "a");
                swaps += 1;
            }
            swaps
        });
        for _ in 0..200 {
            if let Ok(packed) = pack(&pack_dir, dir.path()) {
                assert_no_canary(&packed);
            }
        }
        stop.store(true, Ordering::Relaxed);
        assert!(racer.join().expect("racer") > 0, "nothing was swapped");
    });
}

fn assert_no_canary(packed: &Packed) {
    let into = unpacked(packed);
    for file in &packed.files {
        let bytes = fs::read(into.path().join(Path::new(file.path.as_str()))).expect("read");
        assert!(!bytes.windows(6).any(|window| window == b"canary"), "{}", file.path);
    }
}
