//! Repositories as zip, good ones and hostile ones. They are put together by hand: no well-kept writer makes such ones.

use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::tests::{reason, unpack, unpacked};
use crate::market::archive::Extracted;

/// A file of a zip, with what the directory and the header before it say of it.
#[derive(Clone)]
struct Entry {
    name: Vec<u8>,
    /// As in the header before the file; none: the same.
    local_name: Option<Vec<u8>>,
    packed: Vec<u8>,
    size: u32,
    crc: u32,
    method: u16,
    flags: u16,
    mode: u32,
    /// Where the directory says that the header is; none: where it is.
    start: Option<u32>,
    local_crc: Option<u32>,
}

fn file(name: &str, content: &[u8]) -> Entry {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).expect("compress");
    let mut crc = flate2::Crc::new();
    crc.update(content);
    Entry {
        name: name.into(),
        local_name: None,
        packed: encoder.finish().expect("compress"),
        size: content.len() as u32,
        crc: crc.sum(),
        method: 8,
        flags: 0,
        mode: 0o100_644,
        start: None,
        local_crc: None,
    }
}

fn dir(name: &str) -> Entry {
    Entry { method: 0, packed: Vec::new(), mode: 0o040_755, ..file(name, b"") }
}

fn header(entry: &Entry, name: &[u8], crc: u32) -> Vec<u8> {
    let mut out = Vec::new();
    for short in [20, entry.flags, entry.method, 0, 0x21] {
        out.extend(u16::to_le_bytes(short));
    }
    for long in [crc, entry.packed.len() as u32, entry.size] {
        out.extend(u32::to_le_bytes(long));
    }
    out.extend(u16::to_le_bytes(name.len() as u16));
    out.extend([0, 0]);
    out
}

fn zip(entries: &[Entry]) -> Vec<u8> {
    zip_with(entries, entries.len() as u16, b"0123456789012345678901234567890123456789")
}

fn zip_with(entries: &[Entry], count: u16, comment: &[u8]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let start = entry.start.unwrap_or(out.len() as u32);
        if entry.start.is_none() {
            let name = entry.local_name.as_ref().unwrap_or(&entry.name);
            out.extend(b"PK\x03\x04");
            out.extend(header(entry, name, entry.local_crc.unwrap_or(entry.crc)));
            out.extend(name);
            out.extend(&entry.packed);
        }
        directory.extend(b"PK\x01\x02\x14\x03");
        directory.extend(header(entry, &entry.name, entry.crc));
        directory.extend([0; 6]);
        directory.extend(u32::to_le_bytes(entry.mode << 16));
        directory.extend(u32::to_le_bytes(start));
        directory.extend(&entry.name);
    }
    let start = out.len() as u32;
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count, count].iter().flat_map(|count| count.to_le_bytes()));
    out.extend([directory.len() as u32, start].iter().flat_map(|long| long.to_le_bytes()));
    out.extend((comment.len() as u16).to_le_bytes());
    out.extend(comment);
    out
}

fn refused(entries: &[Entry]) -> String {
    reason(unpack(&zip(entries), "p/a").1)
}

/// As web hosts make one, with what a repository may hold beside the package.
fn repository() -> Vec<Entry> {
    let link = Entry { mode: 0o120_777, ..file("repo-main/link", b"/etc/passwd") };
    let stored = Entry { method: 0, packed: b"plain".to_vec(), ..file("repo-main/p/a/plain", b"plain") };
    let run = Entry { mode: 0o100_755, ..file("repo-main/p/a/bin/run", b"#!/bin/sh\n") };
    vec![
        dir("repo-main/"),
        link,
        file("repo-main/.git/config", b"x"),
        dir("repo-main/p/a/"),
        file("repo-main/p/a/README.md", b"readme"),
        stored,
        run,
        file("repo-main/p/ab/other", b"x"),
    ]
}

#[test]
fn only_the_package_is_taken() {
    let (dir, result) = unpack(&zip(&repository()), "p/a");
    assert_eq!(result.expect("taken"), Extracted { files: 3, bytes: 21 });
    assert_eq!(unpacked(&dir), ["README.md", "bin", "bin/run", "plain"]);
    assert_eq!(fs::read(dir.path().join("deep/into/README.md")).expect("read"), b"readme");
}

#[test]
fn names_that_lead_out_are_refused() {
    for name in
        ["r/p/a/../../../x", "r/p/a//x", "r/p/a/..", "r/p/a/a\\..\\x", "r/p/a/C:x", "r/p/a/.git/hooks/x", "r/p/a/x\0y"]
    {
        let message = refused(&[file("r/p/a/ok", b"x"), file(name, b"x")]);
        assert!(message.contains("path") || message.contains(".git"), "{name}: {message}");
    }
}

#[test]
fn links_and_devices_by_their_attributes_are_refused() {
    for kind in [0o120_777, 0o010_644, 0o020_644, 0o060_644, 0o140_644] {
        assert!(
            refused(&[Entry { mode: kind, ..file("r/p/a/l", b"/etc/passwd") }]).contains("only files and directories")
        );
    }
    assert!(refused(&[Entry { mode: 0o104_755, ..file("r/p/a/s", b"x") }]).contains("set-uid"));
    assert!(refused(&[Entry { mode: 0o040_755, ..file("r/p/a/d", b"x") }]).contains("directory by its mode"));
    assert!(refused(&[Entry { mode: 0o100_644, ..file("r/p/a/d/", b"") }]).contains("file by its mode"));
    assert!(refused(&[Entry { mode: 0, ..file("r/p/a/d/", b"x") }]).contains("directory with content"));
}

#[test]
fn names_that_unite_are_refused() {
    assert!(refused(&[file("r/p/a/x", b"1"), file("r/p/a/x", b"2")]).contains("twice"));
    assert!(refused(&[file("r/p/a/x", b"1"), file("r/p/a/X", b"2")]).contains("ignore case"));
    assert!(refused(&[file("r/p/a/x", b"1"), file("r/p/a/x/y", b"2")]).contains("both a file and a directory"));
}

#[test]
fn two_descriptions_of_one_file_are_refused() {
    let other_name = Entry { local_name: Some(b"r/p/a/evil".to_vec()), ..file("r/p/a/good", b"x") };
    assert!(refused(&[other_name]).contains("two ways"));
    assert!(refused(&[Entry { local_crc: Some(7), ..file("r/p/a/x", b"x") }]).contains("two ways"));
    let zip = zip(&[file("r/p/a/x", b"content")]);
    let mut local_size = zip.clone();
    local_size[22] ^= 1;
    assert!(reason(unpack(&local_size, "p/a").1).contains("two ways"));
    let mut local_encrypted = zip;
    local_encrypted[6] |= 1;
    assert!(reason(unpack(&local_encrypted, "p/a").1).contains("two ways"));
}

#[test]
fn content_that_is_not_what_was_said_is_refused() {
    reason(unpack(&zip(&[Entry { crc: 7, ..file("r/p/a/x", b"content") }]), "p/a").1);
    let short = Entry { size: 3, ..file("r/p/a/x", b"content") };
    refused(&[short]);
    let long = Entry { size: 30, ..file("r/p/a/x", b"content") };
    reason(unpack(&zip(&[long]), "p/a").1);
    assert!(refused(&[Entry { flags: 1, ..file("r/p/a/x", b"x") }]).contains("encrypted"));
    assert!(refused(&[Entry { method: 12, ..file("r/p/a/x", b"x") }]).contains("packed in a way"));
}

#[test]
fn bombs_are_stopped() {
    let zeros = vec![0; 64 << 20];
    let (dir, result) = unpack(&zip(&[file("r/p/a/zeros", &zeros)]), "p/a");
    assert!(reason(result).contains("unpacks to more than"));
    assert_eq!(unpacked(&dir), Vec::<String>::new());
    // It says less than it is: only what it says is written.
    let lying = Entry { size: 1000, ..file("r/p/a/zeros", &zeros) };
    let (dir, result) = unpack(&zip(&[lying]), "p/a");
    reason(result);
    assert!(fs::metadata(dir.path().join("deep/into/zeros")).expect("stat").len() <= 1000);
}

/// Many names for one compressed block, as in David Fifield's zip bomb.
#[test]
fn overlapping_files_are_refused() {
    let kernel = file("r/p/a/0", &vec![0; 1 << 20]);
    let mut entries = vec![kernel.clone()];
    for at in 1..50 {
        entries.push(Entry { name: format!("r/p/a/{at}").into(), start: Some(0), ..kernel.clone() });
    }
    assert!(refused(&entries).contains("overlap"));
}

#[test]
fn a_directory_that_is_too_large_or_lies_is_refused_before_it_is_read() {
    let good = zip(&[file("r/p/a/x", b"x")]);
    let end = good.len() - 62;
    assert_eq!(&good[end..end + 4], b"PK\x05\x06");
    let with = |at: usize, bytes: &[u8]| {
        let mut zip = good.clone();
        zip[end + at..end + at + bytes.len()].copy_from_slice(bytes);
        reason(unpack(&zip, "p/a").1)
    };
    assert!(with(8, &[0x61, 0xea, 0x61, 0xea]).contains("more than 60000"));
    assert!(with(8, &[0xff, 0xff, 0xff, 0xff]).contains("zip64"));
    assert!(with(12, &[0, 0, 0, 2]).contains("16 MiB"));
    assert!(with(12, &[1]).contains("not where"));
    assert!(with(4, &[1]).contains("several"));
    assert!(with(20, &[0]).contains("behind its end"));
    with(8, &[9, 0, 9, 0]);
    assert!(with(8, &[0, 0, 0, 0]).contains("more entries"));
}

#[test]
fn another_end_in_the_comment_or_behind_is_refused() {
    let hidden = zip(&[file("r/p/a/evil", b"x")]);
    let in_comment = zip_with(&[file("r/p/a/x", b"x")], 1, &hidden);
    assert!(unpack(&in_comment, "p/a").1.is_err());
    let mut behind = zip(&[file("r/p/a/x", b"x")]);
    behind.extend(b"trailing");
    assert!(reason(unpack(&behind, "p/a").1).contains("behind its end"));
    let mut before = b"PK\x03\x04prefix".to_vec();
    before.extend(zip(&[file("r/p/a/x", b"x")]));
    assert!(reason(unpack(&before, "p/a").1).contains("not where"));
    let whole = zip(&repository());
    assert!(reason(unpack(&whole[..whole.len() - 70], "p/a").1).contains("cut off"));
}

#[test]
fn many_entries_are_bounded() {
    let many: Vec<_> = (0..10_002).map(|at| file(&format!("r/p/a/{at:x}"), b"")).collect();
    assert!(refused(&many).contains("10000 files"));
}

#[test]
fn flipped_bytes_never_panic_nor_escape() {
    let whole = zip(&repository());
    for at in (0..whole.len()).step_by(3) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        let _ = unpack(&bytes, "p/a");
    }
}
