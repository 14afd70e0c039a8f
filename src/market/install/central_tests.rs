//! Installs of what nobody signed: entries of a central index.

use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::tests::{Bench, sample};
use super::*;
use crate::market::central::{self, CentralPackage, Download, Location};
use crate::market::error::MarketErrorKind;
use crate::market::testing::{NOW, name, tree, write_tree};
use crate::market::{Dependency, PackageId, SafeText};

const INDEX: &str = "https://index.example/index.json";

/// A repository in which `hello` is a folder with `folders` folders.
fn repository(folders: usize) -> tempfile::NamedTempFile {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut file = |path: &str, content: &str| {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, content.as_bytes()).expect("append");
    };
    file("repo-main/README.md", "of the repository");
    file("repo-main/packages/hello/package.toml", "[package]\nname = \"hello\"\n");
    for folder in 0..folders {
        file(&format!("repo-main/packages/hello/d{folder}/f"), "x");
    }
    let bytes = tar.into_inner().and_then(GzEncoder::finish).expect("finish");
    let mut archive = tempfile::NamedTempFile::new().expect("temp file");
    archive.write_all(&bytes).expect("write");
    archive
}

/// The checksum of the package in [`repository`].
fn checksum(folders: usize) -> [u8; 32] {
    let dir = tempfile::tempdir().expect("temp dir");
    write_tree(dir.path(), &[("package.toml", "[package]\nname = \"hello\"\n")]);
    for folder in 0..folders {
        write_tree(dir.path(), &[(&format!("d{folder}/f"), "x")]);
    }
    central::directory_checksum(dir.path()).expect("checksum")
}

fn entry(checksum: Option<[u8; 32]>) -> CentralPackage {
    CentralPackage {
        name: name("hello"),
        title: SafeText::new("Hello"),
        version: "1.2.0".parse().expect("version"),
        description: SafeText::new("Greets"),
        category: SafeText::new("demo"),
        tags: Vec::new(),
        keywords: Vec::new(),
        author: SafeText::new("Ann"),
        licence: SafeText::new("MIT"),
        repository: SafeText::default(),
        dependencies: vec![Dependency { name: name("base"), requirement: "^1".parse().expect("req"), publisher: None }],
        download: Ok(Download {
            url: Location::url("https://index.example/main.tar.gz").expect("location"),
            path: "packages/hello".into(),
        }),
        checksum,
    }
}

fn install(bench: &Bench, package: &CentralPackage, folders: usize) -> Result<Placed, MarketError> {
    let archive = repository(folders);
    let contents = Contents::Repository { archive: archive.path(), package, location: INDEX };
    put(&bench.store, &contents, Purpose::asked(None), &bench.packs, NOW)
}

#[test]
fn an_entry_of_an_index_is_installed_with_what_the_index_says() {
    let bench = Bench::new();
    let placed = install(&bench, &entry(Some(checksum(2))), 2).expect("installed");
    assert_eq!(placed.assurance, Assurance::Checksum);
    assert_eq!(placed.entry.package_id, PackageId(checksum(2)));
    let files = ["hello", "hello.toml", "hello/d0", "hello/d0/f", "hello/d1", "hello/d1/f", "hello/package.toml"];
    assert_eq!(tree(&bench.packs), files);
    let flat = fs::read_to_string(bench.packs.join("hello.toml")).expect("flat file");
    for part in ["name = \"Hello\"", "version = \"1.2.0\"", "author = \"Ann\"", "pack_id = \"base\""] {
        assert!(flat.contains(part), "{part} in {flat}");
    }
    let bench = bench.reopened();
    let noted = bench.store.run_blocking(|db| db.installed()).expect("installed");
    assert_eq!(noted, [placed.entry]);
    assert_eq!((noted[0].publisher, noted[0].dependencies.len()), (None, 1));
    assert_eq!(noted[0].source, InstallSource::Central { location: INDEX.into() });
    assert_eq!(bench.store.run_blocking(|db| db.pins()).expect("pins"), [], "there is no key to pin");
    assert!(bench.verify("hello").is_sound());
}

#[test]
fn what_vouches_for_the_files_is_told() {
    let bench = Bench::new();
    assert_eq!(install(&bench, &entry(None), 1).expect("installed").assurance, Assurance::None);
    // Eight folders can come in more orders than are tried.
    assert_eq!(install(&bench, &entry(Some([7; 32])), 8).expect("installed").assurance, Assurance::NotReproduced);
    let error = install(&bench, &entry(Some([7; 32])), 1).expect_err("no order leads to it");
    assert_eq!(error.kind(), MarketErrorKind::Verification);
    assert!(error.to_string().contains(&"07".repeat(32)), "{error}");
    // What was there before still is.
    assert!(bench.packs.join("hello/d7").exists() && bench.verify("hello").is_sound());
}

#[test]
fn what_cannot_be_downloaded_cannot_be_installed() {
    let bench = Bench::new();
    let package = CentralPackage { download: Err(SafeText::new("it names no archive")), ..entry(None) };
    let error = install(&bench, &package, 1).expect_err("refused");
    assert!(error.to_string().contains("it names no archive"), "{error}");
}

#[test]
fn what_nobody_signed_does_not_take_the_place_of_what_a_key_vouches_for() {
    let bench = Bench::new();
    bench.install(&sample("1.0.0", "signed"));
    let error = install(&bench, &entry(None), 1).expect_err("pinned");
    assert_eq!(error.kind(), MarketErrorKind::Verification);
    assert!(error.hint().is_some_and(|hint| hint.contains("trust forget hello")));
    assert_eq!(bench.noted(), ["hello 1.0.0"]);
    // The other way round, a key comes to vouch for it.
    let bench = Bench::new();
    install(&bench, &entry(None), 1).expect("installed");
    bench.install(&sample("1.0.0", "signed"));
    assert_eq!(bench.noted(), ["hello 1.0.0"]);
    assert_eq!(bench.store.run_blocking(|db| db.pins()).expect("pins").len(), 1);
}
