//! Damaged archives and noise, many thousand of them.

use std::fs;
use std::io::{Seek, Write};

use proptest::prelude::*;
use tempfile::TempDir;

use super::super::extract;
use super::make::{Tar, compress, header, noise};
use crate::market::MarketError;
use crate::market::error::MarketErrorKind;

/// A place to unpack in, used again and again.
struct Ground {
    dir: TempDir,
    file: fs::File,
}

impl Ground {
    fn new() -> Self {
        let shared = std::path::Path::new("/dev/shm");
        let dir = if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() };
        Self { dir: dir.expect("temp dir"), file: tempfile::tempfile().expect("temp file") }
    }

    /// Unpacks, and checks that nothing appeared beside the directory, nor anything but files and directories in it.
    fn unpack(&mut self, archive: &[u8], files: u32) -> Result<(), MarketError> {
        let into = self.dir.path().join("into");
        fs::create_dir(&into).expect("directory");
        self.file.set_len(0).expect("truncate");
        self.file.rewind().expect("rewind");
        self.file.write_all(archive).expect("write");
        let result = extract(&mut self.file, self.dir.path(), files, &into);
        let beside = fs::read_dir(self.dir.path()).expect("list").count();
        assert_eq!(beside, 1, "something appeared beside the directory");
        assert_plain(&into);
        fs::remove_dir_all(&into).expect("remove");
        result.map(drop)
    }
}

fn assert_plain(dir: &std::path::Path) {
    for entry in fs::read_dir(dir).expect("list") {
        let entry = entry.expect("entry");
        let kind = entry.file_type().expect("kind");
        assert!(kind.is_dir() || kind.is_file(), "{:?}", entry.path());
        if kind.is_dir() {
            assert_plain(&entry.path());
        }
    }
}

fn sample() -> Vec<u8> {
    Tar::default().dir("d/").file("d/a", b"some content").file("b", &noise(3, 600)).file("run", b"#!").bytes()
}

/// One change of a tar: a byte, a swapped, doubled or missing block, a field written anew, a cut.
#[derive(Clone, Debug)]
enum Change {
    Byte(prop::sample::Index, u8),
    Swap(prop::sample::Index, prop::sample::Index),
    Double(prop::sample::Index),
    Drop(prop::sample::Index),
    /// In a header whose checksum is mended, so that the change is seen.
    Field(prop::sample::Index, usize, Vec<u8>),
    Cut(prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        (at(), at()).prop_map(|(a, b)| Change::Swap(a, b)),
        at().prop_map(Change::Double),
        at().prop_map(Change::Drop),
        (
            at(),
            prop::sample::select(vec![0usize, 100, 124, 156, 157, 257, 345]),
            prop::collection::vec(any::<u8>(), 1..12)
        )
            .prop_map(|(at, offset, bytes)| Change::Field(at, offset, bytes)),
        at().prop_map(Change::Cut),
    ]
}

fn apply(tar: &mut Vec<u8>, change: &Change) {
    const BLOCK: usize = 512;
    let blocks = tar.len() / BLOCK;
    if blocks == 0 {
        return;
    }
    let block = |at: &prop::sample::Index| at.index(blocks) * BLOCK;
    match change {
        Change::Byte(at, byte) => {
            let at = at.index(tar.len());
            tar[at] = *byte;
        }
        Change::Swap(a, b) => (0..BLOCK).for_each(|i| tar.swap(block(a) + i, block(b) + i)),
        Change::Double(at) => {
            let copy = tar[block(at)..block(at) + BLOCK].to_vec();
            tar.splice(block(at)..block(at), copy);
        }
        Change::Drop(at) => drop(tar.drain(block(at)..block(at) + BLOCK)),
        Change::Field(at, offset, bytes) => {
            let mut mended = header(b"", tar::EntryType::Regular, 0, 0);
            mended.as_mut_bytes().copy_from_slice(&tar[block(at)..block(at) + BLOCK]);
            mended.as_mut_bytes()[*offset..offset + bytes.len()].copy_from_slice(bytes);
            mended.set_cksum();
            tar[block(at)..block(at) + BLOCK].copy_from_slice(mended.as_bytes());
        }
        Change::Cut(at) => {
            let at = at.index(tar.len());
            tar.truncate(at);
        }
    }
}

/// Runs `cases` of `strategy` on one ground.
fn run<S: Strategy>(
    cases: u32,
    strategy: S,
    mut check: impl FnMut(&mut Ground, S::Value) -> Result<(), TestCaseError>,
) {
    let ground = std::cell::RefCell::new(Ground::new());
    let check = std::cell::RefCell::new(&mut check);
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let result = runner.run(&strategy, |value| check.borrow_mut()(&mut ground.borrow_mut(), value));
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

fn refused_or_fine(result: Result<(), MarketError>) -> Result<(), TestCaseError> {
    if let Err(error) = result {
        prop_assert_eq!(error.kind(), MarketErrorKind::Verification, "{}", error);
    }
    Ok(())
}

#[test]
fn changed_tars_never_panic_or_escape() {
    run(5_000, prop::collection::vec(change(), 1..4), |ground, changes| {
        let mut tar = sample();
        changes.iter().for_each(|change| apply(&mut tar, change));
        refused_or_fine(ground.unpack(&compress(&tar), 3))
    });
}

#[test]
fn changed_frames_never_panic_or_escape() {
    let frame = compress(&sample());
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5);
    run(3_000, (changes, any::<prop::sample::Index>(), any::<bool>()), |ground, (changes, cut, cuts)| {
        let mut frame = frame.clone();
        for (at, byte) in &changes {
            let at = at.index(frame.len());
            frame[at] = *byte;
        }
        if cuts {
            frame.truncate(cut.index(frame.len()));
        }
        refused_or_fine(ground.unpack(&frame, 3))
    });
}

#[test]
fn noise_is_refused() {
    let noise = prop::collection::vec(any::<u8>(), 0..1500);
    run(2_000, (noise, any::<bool>()), |ground, (noise, framed)| {
        let archive = if framed { compress(&noise) } else { noise };
        let error = ground.unpack(&archive, 1).expect_err("noise");
        prop_assert_eq!(error.kind(), MarketErrorKind::Verification, "{}", error);
        Ok(())
    });
}
