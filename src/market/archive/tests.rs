use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::market::Severity;
use crate::market::error::MarketErrorKind;
use crate::market::merkle::BlobHasher;
use crate::market::testing::{tree, write_tree};

const MANIFEST: &str = "[package]\nname = \"hello\"\nversion = \"1.0.0\"\n";

fn package(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().expect("temp dir");
    write_tree(dir.path(), &[("package.toml", MANIFEST)]);
    write_tree(dir.path(), files);
    dir
}

fn packed(dir: &TempDir) -> Packed {
    pack(dir.path(), &std::env::temp_dir()).expect("pack")
}

fn bytes(packed: &Packed) -> Vec<u8> {
    fs::read(packed.archive.path()).expect("read")
}

fn paths(packed: &Packed) -> Vec<&str> {
    packed.files.iter().map(|file| file.path.as_str()).collect()
}

fn found(packed: &Packed) -> Vec<(Severity, &str, &str)> {
    packed.findings.iter().map(|f| (f.severity, f.code.as_str(), f.file.as_str())).collect()
}

#[test]
fn copies_of_a_directory_give_the_same_bytes() {
    let files = [("b/two.ttl", "2"), ("a.rq", "select"), ("b.txt", "x"), ("C", "y"), ("b/.hidden", "z")];
    let (first, second) = (package(&files), package(&[]));
    for (path, content) in files.iter().rev() {
        write_tree(second.path(), &[(path, content)]);
        let file = fs::File::options().write(true).open(second.path().join(path)).expect("open");
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(12345)).expect("touch");
    }
    fs::set_permissions(second.path().join("a.rq"), Permissions::from_mode(0o600)).expect("chmod");
    let (first, second) = (packed(&first), packed(&second));
    assert_eq!(bytes(&first), bytes(&second));
    assert_eq!(first.package_id, second.package_id);
    assert_eq!(paths(&first), ["C", "a.rq", "b.txt", "b/.hidden", "b/two.ttl", "package.toml"]);
}

/// A change of these ids means that no archive ever published can be made again.
#[test]
fn the_format_of_archives_stays() {
    let id = packed(&package(&[("a/b.txt", "content")])).package_id.to_string();
    assert_eq!(id, include_str!("package_id.txt").trim());
}

#[test]
fn hashes_are_those_of_the_archive() {
    let packed = packed(&package(&[("x", &"0123456789abcdef".repeat(1000))]));
    let bytes = bytes(&packed);
    let mut hasher = BlobHasher::default();
    hasher.update(&bytes);
    let digest = hasher.finish();
    assert_eq!(packed.size, bytes.len() as u64);
    assert_eq!(packed.package_id.0, digest.sha256);
    assert_eq!(packed.leaves, digest.leaves);
    assert_eq!(packed.merkle_root, digest.merkle_root());
}

#[test]
fn packing_and_unpacking_keep_every_byte_and_the_executable_bit() {
    let long = format!("{}/{}", "d".repeat(90), "n".repeat(90));
    let large = "lorem ipsum ".repeat(100_000) + &(0..40_000).map(|i| format!("{:x}", i * 7919)).collect::<String>();
    let dir = package(&[
        ("empty", ""),
        ("a/large.txt", &large),
        ("a/run.sh", "#!/bin/sh\n"),
        (&long, "x"),
        ("512", &"x".repeat(512)),
    ]);
    fs::set_permissions(dir.path().join("a/run.sh"), Permissions::from_mode(0o755)).expect("chmod");
    let packed = packed(&dir);
    let into = tempfile::tempdir().expect("temp dir");
    let mut archive = packed.archive.reopen().expect("reopen");
    let done = extract(&mut archive, packed.archive.path(), 6, into.path()).expect("extract");
    assert_eq!((done.files, done.bytes), (6, packed.files.iter().map(|file| file.size).sum()));
    assert_eq!(tree(into.path()), tree(dir.path()));
    for file in &packed.files {
        let read = |root: &TempDir| fs::read(root.path().join(file.path.as_str())).expect("read");
        assert_eq!(read(&into), read(&dir), "{}", file.path);
    }
    let mode = |path: &str| fs::metadata(into.path().join(path)).expect("stat").permissions().mode() & 0o777;
    assert_eq!((mode("a/run.sh") & 0o100, mode("empty") & 0o111), (0o100, 0));
}

#[test]
fn gitignore_holds_without_a_repository_and_git_stays_out() {
    let dir = package(&[
        (".gitignore", "*.log\n/out\n!keep.log\n"),
        ("a.log", "x"),
        ("keep.log", "x"),
        ("out/x", "x"),
        ("sub/out/x", "x"),
        ("sub/.gitignore", "y\n"),
        ("sub/y", "x"),
        (".git/config", "x"),
        (".ggen/packs.lock", "x"),
        (".eslintrc.json", "{}"),
    ]);
    let packed = packed(&dir);
    let expected = [".eslintrc.json", ".gitignore", "keep.log", "package.toml", "sub/.gitignore", "sub/out/x"];
    assert_eq!(paths(&packed), expected);
    assert_eq!(found(&packed), []);
}

#[test]
fn a_gitignore_above_the_package_does_not_count() {
    let outer = tempfile::tempdir().expect("temp dir");
    write_tree(outer.path(), &[(".gitignore", "*\n"), ("pack/package.toml", MANIFEST), ("pack/a", "x")]);
    let packed = pack(&outer.path().join("pack"), outer.path()).expect("pack");
    assert_eq!(paths(&packed), ["a", "package.toml"]);
}

#[test]
fn an_ignored_manifest_is_an_error() {
    let packed = packed(&package(&[(".gitignore", "*.toml\n")]));
    assert_eq!(found(&packed), [(Severity::Error, "manifest-ignored", "package.toml")]);
}

#[test]
fn secrets_are_found_and_left_out() {
    let dir = package(&[
        (".env", "TOKEN=1"),
        ("keys/id_rsa", "x"),
        ("tls.pem", "-----BEGIN PRIVATE KEY-----"),
        ("a.pem", "cert"),
    ]);
    let packed = packed(&dir);
    assert_eq!(paths(&packed), ["a.pem", "package.toml"]);
    let mut found = found(&packed);
    found.sort();
    let error = |file| (Severity::Error, "secret", file);
    assert_eq!(found, [error(".env"), error("keys/id_rsa"), error("tls.pem")]);
}

#[test]
fn what_is_allowed_is_packed_and_stays_visible() {
    let dir = package(&[(".env", "TOKEN=1"), ("fixtures/id_rsa", "x"), ("other/id_rsa", "x")]);
    let allowed = Allowed::new(&[".env".into(), "fixtures".into(), "nothing".into()]).expect("patterns");
    let packed = pack_with(dir.path(), &std::env::temp_dir(), &allowed).expect("pack");
    assert_eq!(paths(&packed), [".env", "fixtures/id_rsa", "package.toml"]);
    let mut found = found(&packed);
    found.sort();
    assert_eq!(
        found,
        [
            (Severity::Warning, "allow-unused", ""),
            (Severity::Warning, "secret-allowed", ".env"),
            (Severity::Warning, "secret-allowed", "fixtures/id_rsa"),
            (Severity::Error, "secret", "other/id_rsa"),
        ]
    );
    let secret = packed.findings.iter().find(|finding| finding.code == "secret").expect("refused");
    assert!(secret.hint.contains("--allow 'other/id_rsa'"), "{secret:?}");
}

#[test]
fn special_and_unreadable_files_are_left_out() {
    let dir = package(&[("a", "x"), ("locked", "x")]);
    let fifo = dir.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("fifo");
    fs::set_permissions(dir.path().join("locked"), Permissions::from_mode(0o0)).expect("chmod");
    // The superuser reads it all the same.
    let locked = fs::File::open(dir.path().join("locked")).is_err();
    let packed = packed(&dir);
    let mut found = found(&packed);
    found.sort();
    let mut expected = vec![(Severity::Warning, "special-file", "pipe")];
    expected.extend(locked.then_some((Severity::Error, "file-unreadable", "locked")));
    assert_eq!(found, expected);
}

#[test]
fn a_package_for_the_engine_is_offered_a_pack_toml() {
    let files = [("templates/a.tera", "x"), ("ontology/a.ttl", "x")];
    assert_eq!(found(&packed(&package(&files))), [(Severity::Info, "pack-toml-missing", "pack.toml")]);
    assert_eq!(found(&packed(&package(&[files[0], files[1], ("pack.toml", "x")]))), []);
    assert_eq!(found(&packed(&package(&files[..1]))), []);
}

#[test]
fn names_that_could_not_be_installed_are_not_published() {
    let dir = package(&[("nul.txt", "x"), ("a:b", "x"), ("README", "x"), ("readme", "x"), (&"n".repeat(101), "x")]);
    let packed = packed(&dir);
    let codes: Vec<_> = packed.findings.iter().map(|f| (f.severity, f.code.as_str())).collect();
    assert_eq!(codes.iter().filter(|c| **c == (Severity::Error, "path-unsafe")).count(), 3, "{:?}", packed.findings);
    assert_eq!(codes.iter().filter(|c| **c == (Severity::Error, "path-collision")).count(), 1);
}

#[test]
fn what_lies_too_deep_is_named_however_deep_it_lies() {
    for depth in [32, 39, 40, 60] {
        let path = format!("{}/file", vec!["d"; depth].join("/"));
        let packed = packed(&package(&[(&path, "x")]));
        let found = found(&packed);
        assert!(matches!(found.as_slice(), [(Severity::Error, "path-unsafe", _)]), "{depth}: {found:?}");
    }
    assert_eq!(found(&packed(&package(&[(&format!("{}/file", vec!["d"; 31].join("/")), "x")]))), []);
}

#[test]
fn what_would_be_taken_for_a_bomb_is_not_packed() {
    let dir = package(&[("zeros", &"0".repeat(8 << 20))]);
    let error = pack(dir.path(), dir.path()).expect_err("ratio");
    assert_eq!(error.kind(), MarketErrorKind::Invalid);
    assert!(error.to_string().contains("20:1"), "{error}");
    assert_eq!(tree(dir.path()), ["package.toml", "zeros"], "no temporary file stays");
    let small = package(&[("zeros", &"0".repeat(900_000))]);
    assert!(packed(&small).size < 10_000);
}

/// Their headers compress much better than any content.
#[test]
fn thousands_of_small_files_are_no_bomb() {
    let dir = package(&[]);
    for i in 0..3000 {
        fs::write(dir.path().join(format!("{i}.txt")), format!("{i}\n")).expect("write");
    }
    let packed = packed(&dir);
    let into =
        tempfile::tempdir_in(if Path::new("/dev/shm").is_dir() { "/dev/shm" } else { "/tmp" }).expect("temp dir");
    let mut archive = packed.archive.reopen().expect("reopen");
    let done = extract(&mut archive, packed.archive.path(), 3001, into.path()).expect("extract");
    assert_eq!(done.files, 3001);
}

#[test]
fn too_many_files_and_empty_packages_are_refused() {
    let empty = tempfile::tempdir().expect("temp dir");
    let error = pack(empty.path(), &std::env::temp_dir()).expect_err("empty");
    assert_eq!(error.kind(), MarketErrorKind::Invalid);
    let many = package(&[]);
    for i in 0..MAX_FILES {
        fs::write(many.path().join(format!("{i}")), "").expect("write");
    }
    let error = pack(many.path(), &std::env::temp_dir()).expect_err("too many");
    assert!(error.to_string().contains("10000 files"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains(".gitignore")));
    // As many as may be are packed, and unpacked again.
    fs::remove_file(many.path().join("0")).expect("one less");
    let packed = packed(&many);
    let (mut archive, into) = (packed.archive.reopen().expect("open"), tempfile::tempdir().expect("temp dir"));
    let done = extract(&mut archive, packed.archive.path(), MAX_FILES, into.path()).expect("extract");
    assert_eq!(done.files, MAX_FILES);
}

#[test]
fn verification_names_what_differs() {
    use crate::market::testing::{identity, release, sign};
    let packed = packed(&package(&[("a", "x")]));
    let good = crate::market::Release {
        package_id: packed.package_id,
        size: packed.size,
        merkle_root: packed.merkle_root,
        ..release(&identity(1), "hello", "1.0.0")
    };
    let check = |release, bytes: &[u8]| {
        let file = tempfile::NamedTempFile::new().expect("temp file");
        fs::write(file.path(), bytes).expect("write");
        let mut open = fs::File::open(file.path()).expect("open");
        verify(&mut open, file.path(), &sign(release, &identity(1))).map(|()| {
            let mut read = Vec::new();
            open.read_to_end(&mut read).expect("read");
            assert_eq!(read, bytes, "at its beginning again");
        })
    };
    let whole = bytes(&packed);
    check(good.clone(), &whole).expect("good");
    let mut flipped = whole.clone();
    flipped[10] ^= 1;
    let message = |release, bytes: &[u8]| check(release, bytes).expect_err("differs").to_string();
    let text = message(good.clone(), &flipped);
    assert!(text.contains("SHA-256 of hello 1.0.0") && text.contains(&packed.package_id.to_string()), "{text}");
    assert!(message(good.clone(), &whole[1..]).contains("archive size"));
    let other_root = crate::market::Release { merkle_root: [0; 32], ..good };
    assert!(message(other_root, &whole).contains("Merkle root"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// What packs without an error can be installed, whatever the names and contents.
    #[test]
    fn what_can_be_published_can_be_installed(
        names in proptest::collection::vec("([a-cA-C.é ]{1,3}/){0,3}([a-z. :?*ß\\\\-]{1,6}|[a-z]{90,110})", 1..6),
        content in proptest::collection::vec(any::<u8>(), 0..2000),
    ) {
        let dir = package(&[]);
        for name in &names {
            let file = dir.path().join(name);
            // Names that collide as file and directory, or lead out of the directory, cannot be made.
            if !name.contains("..") && fs::create_dir_all(file.parent().expect("parent")).is_ok() {
                let _ = fs::write(&file, &content);
            }
        }
        let packed = packed(&dir);
        let into = tempfile::tempdir().expect("temp dir");
        let mut archive = packed.archive.reopen().expect("reopen");
        let count = u32::try_from(packed.files.len()).expect("count");
        let done = extract(&mut archive, packed.archive.path(), count, into.path());
        prop_assert!(done.is_ok(), "{:?} {:?}", done, names);
        for file in &packed.files {
            let read = |root: &TempDir| fs::read(root.path().join(file.path.as_str())).expect("read");
            prop_assert_eq!(read(&into), read(&dir));
        }
    }
}
