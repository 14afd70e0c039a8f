//! Archives made to do harm. Each must be refused, and nothing may appear outside the directory.

use std::fs;
use std::io::Write;

use proptest::prelude::*;
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;

use super::extract;
use crate::market::MarketError;
use crate::market::error::MarketErrorKind;
use crate::market::testing::tree;

/// A header with any name, which `Header::set_path` would refuse.
fn header(name: &[u8], kind: EntryType, size: u64, mode: u32) -> Header {
    let mut header = Header::new_ustar();
    header.as_ustar_mut().expect("ustar").name[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(mode);
    header.set_cksum();
    header
}

struct Tar(Builder<Vec<u8>>);

impl Tar {
    fn new() -> Self {
        Self(Builder::new(Vec::new()))
    }

    fn file(self, name: &str, content: &[u8]) -> Self {
        self.entry(name.as_bytes(), EntryType::Regular, content, 0o644)
    }

    fn entry(mut self, name: &[u8], kind: EntryType, content: &[u8], mode: u32) -> Self {
        self.0.append(&header(name, kind, content.len() as u64, mode), content).expect("append");
        self
    }

    fn link(mut self, kind: EntryType, name: &str, target: &str) -> Self {
        let mut link = header(name.as_bytes(), kind, 0, 0o777);
        link.set_link_name(target).expect("link name");
        link.set_cksum();
        self.0.append(&link, &[][..]).expect("append");
        self
    }

    fn bytes(self) -> Vec<u8> {
        self.0.into_inner().expect("finish")
    }
}

fn compress(tar: &[u8]) -> Vec<u8> {
    zstd::encode_all(tar, 3).expect("compress")
}

/// Unpacks below a fresh directory and checks that nothing appeared beside it.
fn unpack(archive: &[u8], file_count: u32) -> (TempDir, Result<(), MarketError>) {
    let dir = tempfile::tempdir().expect("temp dir");
    let mut file = tempfile::tempfile().expect("temp file");
    file.write_all(archive).expect("write");
    let into = dir.path().join("deep/into");
    fs::create_dir_all(&into).expect("directory");
    let result = extract(&mut file, dir.path(), file_count, &into).map(drop);
    let outside: Vec<_> = tree(dir.path()).into_iter().filter(|path| !path.starts_with("deep/into")).collect();
    assert_eq!(outside, ["deep"]);
    (dir, result)
}

fn refused(tar: Tar, file_count: u32) -> String {
    reason(unpack(&compress(&tar.bytes()), file_count).1)
}

fn reason(result: Result<(), MarketError>) -> String {
    let error = result.expect_err("refused");
    assert_eq!(error.kind(), MarketErrorKind::Verification, "{error}");
    error.to_string()
}

#[test]
fn a_harmless_archive_passes() {
    let tar = Tar::new().entry(b"d/", EntryType::Directory, b"", 0o755).file("d/a", b"x").file("b", b"");
    let (dir, result) = unpack(&compress(&tar.bytes()), 2);
    result.expect("harmless");
    assert_eq!(fs::read(dir.path().join("deep/into/d/a")).expect("read"), b"x");
}

#[test]
fn paths_that_lead_out_are_refused() {
    for name in ["../x", "a/../../x", "/tmp/x", "..", "./x", "a//x", "a\\..\\x", "C:\\x", ".git/hooks/x", "a/.GIT/x"] {
        assert!(
            refused(Tar::new().file(name, b"x"), 1).contains("path") || name.to_lowercase().contains(".git"),
            "{name}"
        );
    }
    assert!(refused(Tar::new().entry(b"a\xff", EntryType::Regular, b"", 0o644), 1).contains("UTF-8"));
    assert!(refused(Tar::new().entry(b"../d/", EntryType::Directory, b"", 0o755), 0).contains("'..'"));
    assert!(refused(Tar::new().file("aux.txt", b"x"), 1).contains("Windows"));
    assert!(refused(Tar::new().file("a\u{202e}txt", b"x"), 1).contains("invisible"));
}

#[test]
fn links_and_devices_are_refused() {
    let symlink = Tar::new().link(EntryType::Symlink, "l", "/etc").file("l/x", b"x");
    assert!(refused(symlink, 1).contains("symbolic link"));
    assert!(refused(Tar::new().file("a", b"x").link(EntryType::Link, "h", "a"), 1).contains("hard link"));
    for kind in [EntryType::Fifo, EntryType::Char, EntryType::Block, EntryType::Continuous] {
        refused(Tar::new().entry(b"f", kind, b"", 0o644), 1);
    }
}

#[test]
fn extension_entries_are_refused() {
    let pax = Tar::new().entry(b"PaxHeaders/x", EntryType::XHeader, b"17 path=../../x\n", 0o644).file("a", b"x");
    assert!(refused(pax, 1).contains("PAX"));
    let long = Tar::new().entry(b"././@LongLink", EntryType::GNULongName, b"../../x\0", 0o644).file("a", b"x");
    assert!(refused(long, 1).contains("GNU"));
    let global = Tar::new().entry(b"g", EntryType::XGlobalHeader, b"17 path=../../x\n", 0o644).file("a", b"x");
    assert!(refused(global, 1).contains("PAX"));
}

#[test]
fn names_that_unite_are_refused() {
    assert!(refused(Tar::new().file("a", b"1").file("a", b"2"), 2).contains("twice"));
    assert!(refused(Tar::new().file("A", b"1").file("a", b"2"), 2).contains("ignore case"));
    assert!(refused(Tar::new().file("caf\u{e9}", b"1").file("cafe\u{301}", b"2"), 2).contains("ignore case"));
    assert!(refused(Tar::new().file("a", b"1").file("a/b", b"2"), 2).contains("both a file and a directory"));
}

#[test]
fn special_modes_are_refused() {
    for mode in [0o4755, 0o2755, 0o1755] {
        assert!(refused(Tar::new().entry(b"a", EntryType::Regular, b"x", mode), 1).contains("set-uid"));
    }
}

#[test]
fn bombs_are_stopped() {
    let bomb = compress(&Tar::new().file("zeros", &vec![0; 64 << 20]).bytes());
    let (dir, result) = unpack(&bomb, 1);
    assert!(reason(result).contains("unpacks to more than"));
    let written = fs::metadata(dir.path().join("deep/into/zeros")).map_or(0, |about| about.len());
    assert!(written <= 2 << 20, "{written} bytes were written");
    let mut lying = header(b"huge", EntryType::Regular, 1 << 40, 0o644).as_bytes().to_vec();
    lying.extend([0; 2048]);
    assert!(reason(unpack(&compress(&lying), 1).1).contains("512 MiB"));
}

#[test]
fn too_deep_and_too_many_are_refused() {
    let deep = vec!["d"; 33].join("/");
    assert!(refused(Tar::new().file(&deep, b"x"), 1).contains("32"));
    let many = (0..10_001)
        .fold(Tar::new(), |tar, i| tar.file(&format!("{i:x}"), format!("{:x}", i * 7919 % 65_537).as_bytes()));
    let message = refused(many, 10_001);
    assert!(message.contains("10000") || message.contains("unpacks to more"), "{message}");
}

#[test]
fn the_number_of_files_must_be_the_signed_one() {
    assert!(refused(Tar::new().file("a", b"x"), 2).contains("1 files where 2"));
    assert!(refused(Tar::new().file("a", b"x").file("b", b"x"), 1).contains("2 files where 1"));
}

#[test]
fn trailing_data_is_refused_wherever_it_hides() {
    let tar = Tar::new().file("a", b"x").bytes();
    let mut behind_frame = compress(&tar);
    behind_frame.push(0);
    assert!(reason(unpack(&behind_frame, 1).1).contains("behind its end"));
    let second_frame = [compress(&tar), compress(&tar)].concat();
    assert!(reason(unpack(&second_frame, 1).1).contains("behind its end"));
    let inside = [tar.clone(), vec![0; 512]].concat();
    assert!(reason(unpack(&compress(&inside), 1).1).contains("two blocks of zeros"));
    let second_tar = [tar.clone(), Tar::new().file("b", b"x").bytes()].concat();
    assert!(reason(unpack(&compress(&second_tar), 1).1).contains("two blocks of zeros"));
}

#[test]
fn truncated_archives_are_refused() {
    let tar = Tar::new().file("a", &[7; 2000]).bytes();
    for cut in [100, 512, 1000, 2560, tar.len() - 512, tar.len() - 1] {
        reason(unpack(&compress(&tar[..cut]), 1).1);
    }
    let archive = compress(&tar);
    for cut in 0..archive.len() {
        reason(unpack(&archive[..cut], 1).1);
    }
}

#[test]
fn large_windows_are_refused() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).expect("encoder");
    encoder.window_log(27).expect("window");
    encoder.write_all(&Tar::new().file("a", b"x").bytes()).expect("write");
    reason(unpack(&encoder.finish().expect("finish"), 1).1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn damaged_archives_never_panic_or_escape(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut tar = Tar::new().file("d/a", b"some content").file("b", b"x").bytes();
        let at = at.index(tar.len());
        tar[at] = byte;
        let _ = unpack(&compress(&tar), 2);
    }

    #[test]
    fn noise_is_refused(noise in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(unpack(&noise, 1).1.is_err());
        prop_assert!(unpack(&compress(&noise), 1).1.is_err());
    }
}
