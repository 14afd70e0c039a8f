//! Extraction under the rules that keep a hostile archive harmless.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{BufReader, BufWriter, ErrorKind, IntoInnerError, Read, Seek};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use tar::{Archive, Entry, EntryType};

use super::rules::{self, Names};
use super::{BLOCK, FileEntry, MAX_ARCHIVE, MAX_FILES, unpacked_limit, verify};
use crate::market::error::{Action, IoContext};
use crate::market::{MarketError, SafeText, VerifiedRelease, files};

/// The largest window (log2 of bytes) a frame may ask memory for: 8 MiB, what level 19 needs.
const MAX_WINDOW_LOG: u32 = 23;

/// Bytes of a file written at once: more is no quicker, and asks the page cache for larger blocks of memory.
const PIECE: usize = 16 * 1024;

/// What a tar has beside the content of its files: a header for each file and directory, padding, the end.
const MAX_OVERHEAD: u64 = (MAX_FILES as u64) * 3 * BLOCK + 2 * BLOCK;

/// What was unpacked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extracted {
    pub files: u32,
    /// Bytes of the files.
    pub bytes: u64,
}

/// Unpacks `archive` (from its beginning) into the empty directory `into`, which must hold exactly `file_count` files
/// then. On an error `into` is left half filled, for the caller to remove.
pub(crate) fn extract(archive: &mut File, path: &Path, file_count: u32, into: &Path) -> Result<Extracted, MarketError> {
    let mut target = Directory { into, made: Vec::new() };
    let done = read(archive, path, file_count, &mut target)?;
    target.sync()?;
    Ok(done)
}

/// The files that an install would make of the archive at `path`. Nothing is written.
///
/// # Errors
/// The archive is not the signed one, cannot be read, or would be refused.
pub fn contents(path: &Path, release: &VerifiedRelease) -> Result<Vec<FileEntry>, MarketError> {
    let mut archive = File::open(path).at(Action::Read, path)?;
    verify(&mut archive, path, release)?;
    let mut list = Vec::new();
    read(&mut archive, path, release.release().file_count, &mut list)?;
    Ok(list)
}

/// Gives what is in the archive to `target`, in its order, each after it was found harmless.
fn read(archive: &mut File, path: &Path, file_count: u32, target: &mut dyn Target) -> Result<Extracted, MarketError> {
    archive.rewind().at(Action::Read, path)?;
    let size = archive.metadata().at(Action::Read, path)?.len();
    let mut decoder = zstd::Decoder::new(archive).map_err(damaged)?.single_frame();
    decoder.window_log_max(MAX_WINDOW_LOG).map_err(damaged)?;
    let content_limit = unpacked_limit(size).min(MAX_ARCHIVE);
    let limit = content_limit + MAX_OVERHEAD;
    let mut tar = Archive::new(Limited { inner: decoder, left: limit, limit });
    let (names, done) = (Names::default(), Extracted::default());
    let mut unpacking = Unpacking { target, file_count, content_limit, names, done };
    for entry in tar.entries().map_err(damaged)?.raw(true) {
        unpacking.entry(&mut entry.map_err(damaged)?)?;
    }
    check_end(tar.into_inner())?;
    if unpacking.done.files != file_count {
        return Err(refused(format!("it holds {} files where {file_count} were signed", unpacking.done.files)));
    }
    Ok(unpacking.done)
}

fn refused(reason: impl Into<String>) -> MarketError {
    MarketError::Archive(reason.into())
}

/// An error while reading the archive, whose file itself was readable before.
fn damaged(error: std::io::Error) -> MarketError {
    let text = SafeText::new(&error.to_string());
    match error.kind() {
        // Said by `Limited`.
        ErrorKind::FileTooLarge => refused(text.to_string()),
        _ => refused(format!("it is damaged or cut short ({text})")),
    }
}

/// After the first block of zeros there must be another, and nothing else, neither in the frame nor behind it.
fn check_end(mut rest: Limited<zstd::Decoder<'_, BufReader<&mut File>>>) -> Result<(), MarketError> {
    let mut end = Vec::new();
    rest.by_ref().take(BLOCK + 1).read_to_end(&mut end).map_err(damaged)?;
    if end.len() as u64 != BLOCK || end.iter().any(|byte| *byte != 0) {
        return Err(refused("its tar does not end with two blocks of zeros and nothing else"));
    }
    let behind = rest.inner.finish().read(&mut [0]).map_err(damaged)?;
    if behind == 0 { Ok(()) } else { Err(refused("there are bytes behind its end")) }
}

struct Unpacking<'t> {
    target: &'t mut dyn Target,
    /// As many as were signed.
    file_count: u32,
    /// Bytes of the files.
    content_limit: u64,
    names: Names,
    done: Extracted,
}

impl Unpacking<'_> {
    fn entry<R: Read>(&mut self, entry: &mut Entry<'_, R>) -> Result<(), MarketError> {
        let raw = entry.path_bytes().into_owned();
        let shown = SafeText::capped(&String::from_utf8_lossy(&raw), 100);
        let path = std::str::from_utf8(&raw).map_err(|_| refused(format!("'{shown}': its name is not UTF-8 text")))?;
        match entry.header().entry_type() {
            EntryType::Regular => self.file(entry, path, &shown),
            EntryType::Directory => self.dir(entry, path.strip_suffix('/').unwrap_or(path), &shown),
            other => Err(refused(format!("'{shown}' is {}; only files and directories are taken", kind(other)))),
        }
    }

    fn dir<R: Read>(&mut self, entry: &Entry<'_, R>, path: &str, shown: &SafeText) -> Result<(), MarketError> {
        check_path(path, shown)?;
        mode(entry, shown)?;
        // Some readers pass over such content, and some take it for the next entries.
        if entry.header().entry_size().map_err(damaged)? != 0 {
            return Err(refused(format!("'{shown}' is a directory with content")));
        }
        self.names.add_dir(path).map_err(refused)?;
        self.target.dir(path)
    }

    fn file<R: Read>(&mut self, entry: &mut Entry<'_, R>, path: &str, shown: &SafeText) -> Result<(), MarketError> {
        check_path(path, shown)?;
        self.names.add_file(path).map_err(refused)?;
        let size = entry.header().entry_size().map_err(damaged)?;
        self.done.files += 1;
        self.done.bytes = self.done.bytes.saturating_add(size);
        if self.done.files > MAX_FILES {
            return Err(refused(format!("it has more than {MAX_FILES} files")));
        }
        if self.done.files > self.file_count {
            return Err(refused(format!("it holds more files than the {} that were signed", self.file_count)));
        }
        if self.done.bytes > MAX_ARCHIVE {
            return Err(refused("its files are over 512 MiB together"));
        }
        if self.done.bytes > self.content_limit {
            return Err(refused(format!("it unpacks to more than {} bytes", self.content_limit)));
        }
        let mode = mode(entry, shown)?;
        self.target.file(path, size, mode, entry)
    }
}

/// Where files go. Paths are relative and harmless.
trait Target {
    fn dir(&mut self, path: &str) -> Result<(), MarketError>;
    /// `content` has `size` bytes, unless the archive is damaged.
    fn file(&mut self, path: &str, size: u64, mode: u32, content: &mut dyn Read) -> Result<(), MarketError>;
}

/// The files are made, in an empty directory.
struct Directory<'d> {
    into: &'d Path,
    /// Directories, to be made durable at the end.
    made: Vec<PathBuf>,
}

impl Directory<'_> {
    fn make(&mut self, dir: &Path) -> Result<(), MarketError> {
        let missing: Vec<&Path> = dir.ancestors().take_while(|dir| *dir != self.into && !dir.is_dir()).collect();
        for dir in missing.into_iter().rev() {
            DirBuilder::new().mode(0o755).create(dir).at(Action::Create, dir)?;
            self.made.push(dir.to_path_buf());
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), MarketError> {
        self.made.iter().map(PathBuf::as_path).chain([self.into]).try_for_each(files::sync_dir)
    }
}

impl Target for Directory<'_> {
    fn dir(&mut self, path: &str) -> Result<(), MarketError> {
        self.make(&self.into.join(path))
    }

    fn file(&mut self, path: &str, size: u64, mode: u32, content: &mut dyn Read) -> Result<(), MarketError> {
        let target = self.into.join(path);
        self.make(&files::parent(&target))?;
        write(content, size, mode, &target)
    }
}

/// They are only listed.
impl Target for Vec<FileEntry> {
    fn dir(&mut self, _: &str) -> Result<(), MarketError> {
        Ok(())
    }

    fn file(&mut self, path: &str, size: u64, _: u32, content: &mut dyn Read) -> Result<(), MarketError> {
        if std::io::copy(content, &mut std::io::sink()).map_err(damaged)? != size {
            return Err(cut_short());
        }
        self.push(FileEntry { path: SafeText::new(path), size });
        Ok(())
    }
}

fn cut_short() -> MarketError {
    refused("it is damaged or cut short (it ends in the middle of a file)")
}

fn check_path(path: &str, shown: &SafeText) -> Result<(), MarketError> {
    match rules::fault(path) {
        Some(fault) => Err(refused(format!("'{shown}': {fault}"))),
        None => Ok(()),
    }
}

/// 755 for executable files, 644 for others; set-uid, set-gid and sticky bits are refused.
fn mode<R: Read>(entry: &Entry<'_, R>, shown: &SafeText) -> Result<u32, MarketError> {
    let mode = entry.header().mode().map_err(damaged)?;
    if mode & !0o777 != 0 {
        return Err(refused(format!("'{shown}' has mode {mode:o}; set-uid, set-gid and sticky files are not taken")));
    }
    Ok(if mode & 0o100 == 0 { 0o644 } else { 0o755 })
}

/// Made new, so that nothing which is there can be written through.
fn write(content: &mut dyn Read, size: u64, mode: u32, target: &Path) -> Result<(), MarketError> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(target);
    // Most files are small.
    let capacity = usize::try_from(size).unwrap_or(PIECE).min(PIECE);
    let mut file = BufWriter::with_capacity(capacity, file.at(Action::Create, target)?);
    let mut source = Source { inner: content, failed: None };
    let copied = std::io::copy(&mut source, &mut file);
    if let Some(error) = source.failed {
        return Err(damaged(error));
    }
    if copied.at(Action::Write, target)? != size {
        return Err(cut_short());
    }
    let file = file.into_inner().map_err(IntoInnerError::into_error).at(Action::Write, target)?;
    file.sync_all().at(Action::Write, target)
}

fn kind(entry: EntryType) -> &'static str {
    match entry {
        EntryType::Symlink => "a symbolic link",
        EntryType::Link => "a hard link",
        EntryType::Fifo => "a pipe",
        EntryType::Char | EntryType::Block => "a device",
        EntryType::XHeader | EntryType::XGlobalHeader => "a PAX extension",
        EntryType::GNULongName | EntryType::GNULongLink | EntryType::GNUSparse => "a GNU extension",
        _ => "of an unknown kind",
    }
}

/// Tells errors of the archive from errors of the file being written.
struct Source<R> {
    inner: R,
    failed: Option<std::io::Error>,
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.inner.read(buffer).map_err(|error| {
            let copy = std::io::Error::new(error.kind(), error.to_string());
            self.failed = Some(error);
            copy
        })
    }
}

/// Stops a bomb: no more than so many bytes come out.
struct Limited<R> {
    inner: R,
    left: u64,
    limit: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => {
                let what = format!("it unpacks to more than {} bytes", self.limit);
                return Err(std::io::Error::new(ErrorKind::FileTooLarge, what));
            }
        }
        Ok(read)
    }
}
