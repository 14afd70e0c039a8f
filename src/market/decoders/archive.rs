//! Package archives: extraction and comparison with what was signed.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::decoders::{scratch, shown};
use crate::market::archive::{self, extract};
use crate::market::merkle::BlobHasher;
use crate::market::testing::{identity, release, sign, tree, write_tree};
use crate::market::{PackageId, Release};

/// Extraction of a file that holds `bytes`; the first byte is the number of files that were signed.
pub fn raw(bytes: &[u8]) {
    if let Some((count, archive)) = bytes.split_first() {
        unpack(archive, u32::from(*count));
    }
}

/// The same of a tar that is compressed first, to reach what lies behind the compression.
pub fn compressed_tar(bytes: &[u8]) {
    if let Some((count, tar)) = bytes.split_first() {
        unpack(&compressed(tar), u32::from(*count));
    }
}

/// Nothing is written outside the directory, whatever comes of it; what is taken are files and directories, as many as
/// were signed. Only bytes that are what was signed verify.
fn unpack(bytes: &[u8], file_count: u32) {
    let dir = scratch();
    write_tree(dir.path(), &[("canary", "unchanged"), ("deep/canary", "unchanged")]);
    let into = dir.path().join("deep/into");
    fs::create_dir(&into).expect("directory");
    let mut file = tempfile::tempfile_in(dir.path()).expect("temporary file");
    file.write_all(bytes).expect("write");
    verify_blob(&mut file, bytes, file_count);
    match extract(&mut file, dir.path(), file_count, &into) {
        Ok(done) => {
            assert_eq!(done.files, file_count);
            assert_eq!(files_below(&into), (u64::from(done.files), done.bytes));
        }
        Err(error) => shown(error),
    }
    fs::remove_dir_all(&into).expect("remove");
    assert_eq!(tree(dir.path()), ["canary", "deep", "deep/canary"]);
    for canary in ["canary", "deep/canary"] {
        assert_eq!(fs::read(dir.path().join(canary)).expect("read"), b"unchanged");
    }
}

/// Number and bytes of the regular files below `dir`; there must be nothing else but directories.
fn files_below(dir: &Path) -> (u64, u64) {
    let files = tree(dir).into_iter().map(|path| dir.join(path).symlink_metadata().expect("stat"));
    files.filter(|about| !about.is_dir()).fold((0, 0), |(count, bytes), about| {
        assert!(about.is_file() && about.permissions().mode() & 0o7000 == 0);
        (count + 1, bytes + about.len())
    })
}

fn verify_blob(file: &mut File, bytes: &[u8], file_count: u32) {
    let mut hasher = BlobHasher::default();
    hasher.update(bytes);
    let digest = hasher.finish();
    let publisher = identity(7);
    let honest = Release {
        package_id: PackageId(digest.sha256),
        merkle_root: digest.merkle_root(),
        size: bytes.len() as u64,
        file_count: file_count.max(1),
        ..release(&publisher, "any", "1.0.0")
    };
    if bytes.is_empty() {
        return;
    }
    let lies = [
        Release { package_id: PackageId([1; 32]), ..honest.clone() },
        Release { merkle_root: [1; 32], ..honest.clone() },
        Release { size: honest.size + 1, ..honest.clone() },
    ];
    archive::verify(file, Path::new("archive"), &sign(honest, &publisher)).expect("what was signed verifies");
    for lie in lies {
        archive::verify(file, Path::new("archive"), &sign(lie, &publisher)).expect_err("another archive");
    }
}

fn compressed(tar: &[u8]) -> Vec<u8> {
    zstd::encode_all(tar, 1).expect("compress")
}

/// Each with its number of files before it.
pub fn tars() -> Vec<Vec<u8>> {
    let entry = |kind, name: &str, content: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_path(name).expect("path");
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        header.set_cksum();
        let padding = content.len().next_multiple_of(512) - content.len();
        [&header.as_bytes()[..], content, &vec![0; padding]].concat()
    };
    use tar::EntryType::{Directory, Link, Regular, Symlink, XHeader};
    let file = |name| entry(Regular, name, b"some content");
    let end = || vec![0; 1024];
    vec![
        [vec![2], entry(Directory, "d/", b""), file("d/a"), file("b"), end()].concat(),
        [vec![0], end()].concat(),
        [vec![1], entry(Symlink, "l", b""), file("l/x"), end()].concat(),
        [vec![1], file("a"), entry(Link, "h", b""), end()].concat(),
        [vec![1], entry(XHeader, "p", b"17 path=../../x\n"), file("a"), end()].concat(),
    ]
}

pub fn archives() -> Vec<Vec<u8>> {
    tars().iter().map(|tar| [&tar[..1], &compressed(&tar[1..])].concat()).collect()
}
