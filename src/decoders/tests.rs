//! Ten thousand inputs for each decoder: noise, and samples that were tampered with.

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};

use super::{Decoder, all};

const CASES: u32 = 10_000;

/// One change to an input.
#[derive(Clone, Debug)]
enum Change {
    Flip(Index, u8),
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, Index),
    Repeat(Index, Index),
    Cut(Index),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let length = bytes.len();
        let at = |index: &Index| index.index(length);
        match self {
            Self::Flip(index, bit) => bytes[at(index)] ^= 1 << (bit % 8),
            Self::Set(index, byte) => bytes[at(index)] = *byte,
            Self::Insert(index, more) => drop(bytes.splice(at(index)..at(index), more.iter().copied())),
            Self::Remove(from, to) => drop(bytes.drain(at(from).min(at(to))..at(from).max(at(to)))),
            Self::Repeat(from, to) => {
                let piece = bytes[at(from).min(at(to))..at(from).max(at(to))].to_vec();
                bytes.extend(piece);
            }
            Self::Cut(index) => bytes.truncate(at(index)),
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<Index>;
    prop_oneof![
        4 => (index(), any::<u8>()).prop_map(|(at, bit)| Change::Flip(at, bit)),
        4 => (index(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        2 => (index(), prop::collection::vec(any::<u8>(), 1..5)).prop_map(|(at, more)| Change::Insert(at, more)),
        1 => (index(), index()).prop_map(|(from, to)| Change::Remove(from, to)),
        1 => (index(), index()).prop_map(|(from, to)| Change::Repeat(from, to)),
        1 => index().prop_map(Change::Cut),
    ]
}

/// Shown as a byte string, which can be pasted into the samples.
struct Input(Vec<u8>);

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

fn inputs(samples: Vec<Vec<u8>>) -> impl Strategy<Value = Input> {
    let tampered =
        (prop::sample::select(samples), prop::collection::vec(change(), 0..5)).prop_map(|(mut bytes, all)| {
            all.iter().for_each(|change| change.apply(&mut bytes));
            bytes
        });
    prop_oneof![1 => prop::collection::vec(any::<u8>(), 0..200), 4 => tampered].prop_map(Input)
}

fn named(name: &str) -> &'static Decoder {
    all().find(|decoder| decoder.name == name).unwrap_or_else(|| panic!("no decoder {name}"))
}

fn survives(decoder: &Decoder) {
    let samples = (decoder.samples)();
    assert!(!samples.is_empty());
    samples.iter().for_each(|sample| (decoder.check)(sample));
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    let result = runner.run(&inputs(samples), |Input(bytes)| {
        (decoder.check)(&bytes);
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{}: {failure}", decoder.name));
}

macro_rules! decoders {
    ($($name:ident)*) => {
        $(#[test] fn $name() { survives(named(stringify!($name))); })*
        const TESTED: &[&str] = &[$(stringify!($name)),*];
    };
}

decoders! {
    settings setting_variable
    release release_payload head head_payload key_statement key_statement_payload
    archive archive_tar query central_index location manifest lock_file safe_text ids identity_key
    frame blob_messages sync_messages search_messages reconciliation announcement
    control_command control_answer control_events dht_record dht_head address
    recording
}

/// The lists must agree, or a decoder would go untested.
#[test]
fn each_decoder_has_its_test_its_fuzz_target_and_its_line_in_the_documentation() {
    let names: BTreeSet<_> = all().map(|decoder| decoder.name.to_owned()).collect();
    assert_eq!(names, TESTED.iter().map(|name| (*name).to_owned()).collect());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let targets = std::fs::read_dir(root.join("fuzz/fuzz_targets")).expect("fuzz targets");
    let targets = targets.map(|entry| entry.expect("an entry").path());
    let stem = |path: std::path::PathBuf| path.file_stem().expect("a name").to_string_lossy().into_owned();
    assert_eq!(names, targets.map(stem).collect());
    let manifest = std::fs::read_to_string(root.join("fuzz/Cargo.toml")).expect("fuzz/Cargo.toml");
    let documentation = std::fs::read_to_string(root.join("docs/TESTING.md")).expect("docs/TESTING.md");
    for name in names {
        assert!(manifest.contains(&format!("\"fuzz_targets/{name}.rs\"")), "{name} is missing in fuzz/Cargo.toml");
        assert!(documentation.contains(&format!("| `{name}` |")), "{name} is missing in docs/TESTING.md");
    }
}

/// With `FUZZ_CORPUS` set, writes the samples to where the fuzzer begins: `fuzz/run` does so.
#[test]
fn samples_are_small_and_become_the_corpus() {
    let corpus = std::env::var_os("FUZZ_CORPUS");
    for decoder in all() {
        for (number, sample) in (decoder.samples)().into_iter().enumerate() {
            assert!(sample.len() <= 8 * 1024, "{} {number}: {} bytes", decoder.name, sample.len());
            if let Some(corpus) = &corpus {
                let dir = Path::new(corpus).join(decoder.name);
                std::fs::create_dir_all(&dir).expect("directory");
                std::fs::write(dir.join(format!("sample-{number}")), sample).expect("sample");
            }
        }
    }
}
