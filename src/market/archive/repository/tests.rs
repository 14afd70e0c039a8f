//! Repositories as tar.gz, good ones and hostile ones.

use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;

use super::extract;
use crate::market::MarketError;
use crate::market::archive::Extracted;
use crate::market::error::MarketErrorKind;
use crate::market::testing::tree;

/// Unpacks below a fresh directory and checks that nothing appeared beside it.
pub(super) fn unpack(archive: &[u8], path: &str) -> (TempDir, Result<Extracted, MarketError>) {
    let dir = tempfile::tempdir().expect("temp dir");
    let mut file = tempfile::tempfile().expect("temp file");
    file.write_all(archive).expect("write");
    let into = dir.path().join("deep/into");
    fs::create_dir_all(&into).expect("directory");
    let result = extract(&mut file, dir.path(), path, &into);
    let outside: Vec<_> = tree(dir.path()).into_iter().filter(|path| !path.starts_with("deep/into")).collect();
    assert_eq!(outside, ["deep"]);
    (dir, result)
}

pub(super) fn reason(result: Result<Extracted, MarketError>) -> String {
    let error = result.expect_err("refused");
    assert_eq!(error.kind(), MarketErrorKind::Verification, "{error}");
    error.to_string()
}

/// What is there, without `deep/into/`.
pub(super) fn unpacked(dir: &TempDir) -> Vec<String> {
    tree(&dir.path().join("deep/into"))
}

struct Tar(Builder<Vec<u8>>);

impl Tar {
    fn new() -> Self {
        Self(Builder::new(Vec::new()))
    }

    fn file(self, name: &str, content: &[u8]) -> Self {
        self.entry(name, EntryType::Regular, content, 0o664)
    }

    fn entry(mut self, name: &str, kind: EntryType, content: &[u8], mode: u32) -> Self {
        let mut header = Header::new_ustar();
        header.as_ustar_mut().expect("ustar").name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_mode(mode);
        header.set_cksum();
        self.0.append(&header, content).expect("append");
        self
    }

    fn tar(self) -> Vec<u8> {
        self.0.into_inner().expect("finish")
    }

    fn gz(self) -> Vec<u8> {
        gz(&self.tar())
    }
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("compress");
    encoder.finish().expect("compress")
}

fn refused(tar: Tar) -> String {
    reason(unpack(&tar.gz(), "p/a").1)
}

/// As `git archive` makes one, with what a repository may hold beside the package.
fn repository() -> Tar {
    Tar::new()
        .entry(
            "pax_global_header",
            EntryType::XGlobalHeader,
            b"52 comment=0123456789012345678901234567890123456789\n",
            0o666,
        )
        .entry("repo-main/", EntryType::Directory, b"", 0o775)
        .entry("repo-main/link", EntryType::Symlink, b"", 0o777)
        .file("repo-main/.git/config", b"elsewhere")
        .entry("repo-main/p/a/", EntryType::Directory, b"", 0o775)
        .file("repo-main/p/a/README.md", b"readme")
        .entry("repo-main/p/a/bin/run", EntryType::Regular, b"#!/bin/sh\n", 0o775)
        .file("repo-main/p/ab/other", b"other")
}

#[test]
fn only_the_package_is_taken() {
    let (dir, result) = unpack(&repository().gz(), "p/a");
    assert_eq!(result.expect("taken"), Extracted { files: 2, bytes: 16 });
    assert_eq!(unpacked(&dir), ["README.md", "bin", "bin/run"]);
    let mode = |file: &str| {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(dir.path().join("deep/into").join(file)).expect("stat").permissions().mode() & 0o777
    };
    assert_eq!((mode("README.md") & 0o111, mode("bin/run") & 0o100), (0, 0o100));
}

#[test]
fn a_path_that_is_not_there_is_not_found() {
    let error = unpack(&repository().gz(), "p/none").1.expect_err("not there");
    assert_eq!(error.kind(), MarketErrorKind::NotFound);
    assert!(error.to_string().contains("p/none"), "{error}");
}

#[test]
fn long_names_are_honoured() {
    let long = format!("repo-main/p/a/{}/file", "d".repeat(120));
    let record = format!("{} path={long}\n", long.len() + 10);
    let pax = Tar::new().entry("x", EntryType::XHeader, record.as_bytes(), 0o644).file("short", b"1");
    let gnu = Tar::new()
        .entry("././@LongLink", EntryType::GNULongName, format!("{long}\0").as_bytes(), 0o644)
        .file("s", b"1");
    for tar in [pax, gnu] {
        let (dir, result) = unpack(&tar.gz(), "p/a");
        assert_eq!(result.expect("taken").files, 1);
        assert_eq!(unpacked(&dir)[1], format!("{}/file", "d".repeat(120)));
    }
}

#[test]
fn the_package_follows_the_rules_of_packages() {
    let with = |name: &str, kind, mode| refused(Tar::new().file("r/p/a/x", b"x").entry(name, kind, b"", mode));
    for name in ["r/p/a/../../../x", "r/p/a//x", "r/p/a/./y", "r/p/a/C:\\x", "r/p/a/.git/hooks/x", "r/p/a/nul"] {
        let message = with(name, EntryType::Regular, 0o644);
        assert!(message.contains("path") || message.contains(".git"), "{name}: {message}");
    }
    for kind in
        [EntryType::Symlink, EntryType::Link, EntryType::Fifo, EntryType::Char, EntryType::Block, EntryType::GNUSparse]
    {
        assert!(with("r/p/a/l", kind, 0o644).contains("only files and directories"));
    }
    assert!(with("r/p/a/x", EntryType::Regular, 0o644).contains("twice"));
    assert!(with("r/p/a/X", EntryType::Regular, 0o644).contains("ignore case"));
    assert!(with("r/p/a/s", EntryType::Regular, 0o4755).contains("set-uid"));
    let deep = format!("r/p/a/{}x", "d/".repeat(33));
    assert!(with(&deep, EntryType::Regular, 0o644).contains("directories deep"));
}

#[test]
fn headers_that_change_what_follows_are_refused() {
    let global = Tar::new().entry("g", EntryType::XGlobalHeader, b"16 path=../../x\n", 0o644).file("r/p/a/x", b"x");
    assert!(refused(global).contains("global PAX"));
    let size = Tar::new().entry("x", EntryType::XHeader, b"9 size=1\n", 0o644).file("r/p/a/x", b"xyz");
    assert!(refused(size).contains("size"));
    let escape = Tar::new().entry("x", EntryType::XHeader, b"25 path=r/p/a/../../../x\n", 0o644).file("r/p/a/x", b"x");
    assert!(refused(escape).contains("'..'"));
    let huge = Tar::new().entry("x", EntryType::XHeader, &vec![b'0'; 70 << 10], 0o644).file("r/p/a/x", b"x");
    assert!(refused(huge).contains("64 KiB"));
}

#[test]
fn bombs_are_stopped_inside_and_outside_the_package() {
    for place in ["r/p/a/zeros", "r/elsewhere"] {
        let (dir, result) = unpack(&Tar::new().file(place, &vec![0; 64 << 20]).gz(), "p/a");
        let message = reason(result);
        assert!(message.contains("unpacks to more than"), "{message}");
        let written = fs::metadata(dir.path().join("deep/into/zeros")).map_or(0, |about| about.len());
        assert!(written <= 2 << 20, "{written} bytes were written");
    }
}

#[test]
fn what_stands_behind_the_end_is_refused() {
    let tar = || Tar::new().file("r/p/a/x", b"x");
    let mut members = tar().gz();
    members.extend(tar().gz());
    assert!(reason(unpack(&members, "p/a").1).contains("behind its end"));
    let mut two = tar().tar();
    two.extend(tar().tar());
    assert!(reason(unpack(&gz(&two), "p/a").1).contains("behind the end of its tar"));
    let mut padded = tar().tar();
    padded.extend([0; 8192]);
    assert!(unpack(&gz(&padded), "p/a").1.is_ok(), "git pads to whole records");
    let whole = tar().gz();
    for cut in [whole.len() / 2, whole.len() - 4] {
        reason(unpack(&whole[..cut], "p/a").1);
    }
    assert!(reason(unpack(b"neither", "p/a").1).contains("neither a zip nor a tar.gz"));
    assert!(reason(unpack(b"", "p/a").1).contains("neither a zip nor a tar.gz"));
}

#[test]
fn flipped_bytes_never_panic_nor_escape() {
    let whole = repository().gz();
    for at in (0..whole.len()).step_by(3) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        let _ = unpack(&bytes, "p/a");
    }
}
