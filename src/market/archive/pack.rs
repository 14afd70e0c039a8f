//! Packing.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use tar::{Builder, EntryType, Header};
use tempfile::NamedTempFile;

use super::beneath::{self, Beneath};
use super::list::{self, Listed};
use super::{Allowed, BLOCK, FileEntry, MAX_ARCHIVE, Packed, unpacked_limit};
use crate::market::error::{Action, IoContext};
use crate::market::merkle::{BlobDigest, BlobHasher};
use crate::market::{MarketError, PackageId, SafeText, files};

/// zstd's level; a change changes every package id.
const LEVEL: i32 = 3;

/// Bytes of a file read at once.
const READ_AHEAD: usize = 64 * 1024;

/// Packs the package in `dir`; `temp_dir` receives the archive as a temporary file. The same directory gives the same bytes.
///
/// Findings of severity `Error` say what keeps the package from being published; such files are not in the archive.
pub fn pack(dir: &Path, temp_dir: &Path) -> Result<Packed, MarketError> {
    pack_with(dir, temp_dir, &Allowed::default())
}

/// The same, with what looks like a secret in it as far as `allowed` says so.
pub fn pack_with(dir: &Path, temp_dir: &Path, allowed: &Allowed) -> Result<Packed, MarketError> {
    let (root, listed, findings) = list::list(dir, allowed)?;
    if listed.is_empty() {
        return Err(MarketError::Refused {
            message: format!("{} has no files to publish", dir.display()),
            hint: "give the directory of a package; a .gitignore there may ignore too much".into(),
        });
    }
    let content = listed.iter().map(|file| file.size).sum();
    let (archive, digest) = write_archive(&root, &listed, tar_size(&listed), temp_dir)?;
    check_size(dir, content, digest.size)?;
    Ok(Packed {
        package_id: PackageId(digest.sha256),
        size: digest.size,
        merkle_root: digest.merkle_root(),
        leaves: digest.leaves,
        files: listed.iter().map(|file| FileEntry { path: SafeText::new(&file.path), size: file.size }).collect(),
        findings,
        archive,
    })
}

/// What extraction would refuse is refused here.
fn check_size(dir: &Path, content: u64, packed: u64) -> Result<(), MarketError> {
    let hint = "leave large generated files out of the package";
    let refused = |message| Err(MarketError::Refused { message, hint: hint.into() });
    if packed > MAX_ARCHIVE {
        return refused(format!("the archive of {} has {packed} bytes, over 512 MiB", dir.display()));
    }
    if content > unpacked_limit(packed) {
        return refused(format!(
            "{} compresses from {content} to {packed} bytes; more than 20:1 is taken for an archive bomb",
            dir.display()
        ));
    }
    Ok(())
}

/// Bytes of the tar: a header and whole blocks for each file, two blocks at the end.
fn tar_size(listed: &[Listed]) -> u64 {
    listed.iter().map(|file| BLOCK + file.size.next_multiple_of(BLOCK)).sum::<u64>() + 2 * BLOCK
}

fn write_archive(
    root: &Beneath,
    listed: &[Listed],
    tar_size: u64,
    temp_dir: &Path,
) -> Result<(NamedTempFile, BlobDigest), MarketError> {
    let temp = files::temp_file(temp_dir)?;
    let digest = write_tar(root, listed, tar_size, &temp)?;
    Ok((temp, digest))
}

fn write_tar(
    root: &Beneath,
    listed: &[Listed],
    tar_size: u64,
    temp: &NamedTempFile,
) -> Result<BlobDigest, MarketError> {
    let to_temp = |error| MarketError::io(Action::Write, temp.path(), error);
    let output = Hashing { inner: BufWriter::new(temp.as_file()), hasher: BlobHasher::default() };
    let mut encoder = zstd::Encoder::new(output, LEVEL).map_err(to_temp)?;
    encoder.include_checksum(true).map_err(to_temp)?;
    encoder.include_contentsize(true).map_err(to_temp)?;
    encoder.set_pledged_src_size(Some(tar_size)).map_err(to_temp)?;
    let mut tar = Builder::new(encoder);
    for file in listed {
        append(&mut tar, root, file, temp.path())?;
    }
    let mut output = tar.into_inner().and_then(zstd::Encoder::finish).map_err(to_temp)?;
    output.inner.flush().map_err(to_temp)?;
    Ok(output.hasher.finish())
}

fn append<W: Write>(tar: &mut Builder<W>, root: &Beneath, file: &Listed, temp: &Path) -> Result<(), MarketError> {
    let mut source = Exactly { inner: open(root, file)?, left: file.size, failed: None };
    let header = header(file).at(Action::Write, temp)?;
    let appended = tar.append(&header, &mut source);
    match source.failed.take() {
        Some(error) => Err(MarketError::io(Action::Read, &root.full(&file.path), error)),
        None => appended.at(Action::Write, temp),
    }
}

/// The very file that was listed: its name may have come to mean another one since.
fn open(root: &Beneath, file: &Listed) -> Result<BufReader<File>, MarketError> {
    let path = root.full(&file.path);
    let source = root.open(Path::new(&file.path)).at(Action::Read, &path)?;
    let about = source.metadata().at(Action::Read, &path)?;
    if !about.is_file() || beneath::id_of(&about) != file.id {
        return Err(MarketError::io(Action::Read, &path, changed()));
    }
    Ok(BufReader::with_capacity(READ_AHEAD, source))
}

fn changed() -> std::io::Error {
    std::io::Error::other("it changed while it was being packed; try again")
}

fn header(file: &Listed) -> std::io::Result<Header> {
    let mut header = Header::new_ustar();
    header.set_path(&file.path)?;
    header.set_entry_type(EntryType::Regular);
    header.set_mode(if file.executable { 0o755 } else { 0o644 });
    header.set_size(file.size);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_cksum();
    Ok(header)
}

/// Why `path` cannot be written into a ustar header: 100 bytes of name behind a prefix of 155, divided at a `/`.
pub(super) fn unpackable(path: &str) -> Option<&'static str> {
    let fits = Header::new_ustar().set_path(path).is_ok();
    (!fits).then_some("its path is too long for an archive (a last part of over 100 bytes, or over 255 in all)")
}

/// Reads exactly as many bytes as were listed: a file that changes meanwhile would shift all that follows it.
struct Exactly<R> {
    inner: R,
    left: u64,
    /// What kept the file from being read, apart from errors of the archive being written.
    failed: Option<std::io::Error>,
}

impl<R: Read> Exactly<R> {
    fn fail(&mut self, error: std::io::Error) -> std::io::Error {
        let copy = std::io::Error::new(error.kind(), error.to_string());
        self.failed = Some(error);
        copy
    }
}

impl<R: Read> Read for Exactly<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer).map_err(|error| self.fail(error))?;
        match self.left.checked_sub(read as u64) {
            Some(left) if read > 0 || left == 0 || buffer.is_empty() => self.left = left,
            _ => return Err(self.fail(changed())),
        }
        Ok(read)
    }
}

/// Hashes what is written through it.
struct Hashing<W> {
    inner: W,
    hasher: BlobHasher,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(bytes.get(..written).unwrap_or(bytes));
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}
