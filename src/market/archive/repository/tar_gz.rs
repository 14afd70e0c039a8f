//! Repositories as tar.gz, as `git archive` makes them.

use std::fs::File;
use std::io::{BufReader, Read};

use flate2::bufread::GzDecoder;
use tar::{Archive, Entry, EntryType, PaxExtensions};

use super::below::Below;
use super::sink::{Sink, shown};
use super::{damaged, refused};
use crate::market::MarketError;
use crate::market::archive::unpacked_limit;

/// Bytes of the largest extension header: a path and a comment.
const MAX_EXTENSION: u64 = 64 * 1024;

/// Entries in a repository; each costs a block at least, so that small archives cannot have many.
const MAX_ENTRIES: usize = 200_000;

pub(super) fn extract(
    archive: &mut File,
    size: u64,
    below: &mut Below<'_>,
    sink: &mut Sink<'_>,
) -> Result<(), MarketError> {
    let limit = unpacked_limit(size);
    let unpacked = Limited { inner: GzDecoder::new(BufReader::new(archive)), left: limit, limit };
    let mut tar = Archive::new(unpacked);
    let mut name = None;
    for (count, entry) in tar.entries().map_err(damaged)?.raw(true).enumerate() {
        if count >= MAX_ENTRIES {
            return Err(refused(format!("it has more than {MAX_ENTRIES} entries")));
        }
        take(&mut entry.map_err(damaged)?, &mut name, below, sink)?;
    }
    check_end(tar.into_inner())
}

/// Takes an entry, or the name it gives to the next one.
fn take<R: Read>(
    entry: &mut Entry<'_, R>,
    name: &mut Option<Vec<u8>>,
    below: &mut Below<'_>,
    sink: &mut Sink<'_>,
) -> Result<(), MarketError> {
    match entry.header().entry_type() {
        EntryType::XGlobalHeader => global(&extension(entry)?),
        EntryType::XHeader => local(&extension(entry)?, name),
        EntryType::GNULongName => {
            let text = extension(entry)?;
            *name = Some(text.strip_suffix(b"\0").unwrap_or(&text).to_vec());
            Ok(())
        }
        // The target of a link; links are passed over, or refused as they come.
        EntryType::GNULongLink => Ok(()),
        kind => {
            let name = name.take().unwrap_or_else(|| entry.path_bytes().into_owned());
            // A name that is no text is not below any path that an index can name.
            let Ok(name) = std::str::from_utf8(&name) else { return Ok(()) };
            let Some(path) = below.within(name) else { return Ok(()) };
            put(entry, kind, path, sink)
        }
    }
}

fn put<R: Read>(entry: &mut Entry<'_, R>, kind: EntryType, path: &str, sink: &mut Sink<'_>) -> Result<(), MarketError> {
    match kind {
        EntryType::Directory => sink.dir(path.strip_suffix('/').unwrap_or(path)),
        EntryType::Regular => {
            let size = entry.header().entry_size().map_err(damaged)?;
            let mode = entry.header().mode().map_err(damaged)?;
            sink.file(path, size, mode, entry)
        }
        _ => Err(refused(format!(
            "'{}' is a link, a device or of an unknown kind; only files and directories are taken",
            shown(path)
        ))),
    }
}

fn extension<R: Read>(entry: &mut Entry<'_, R>) -> Result<Vec<u8>, MarketError> {
    let mut bytes = Vec::new();
    entry.take(MAX_EXTENSION + 1).read_to_end(&mut bytes).map_err(damaged)?;
    if bytes.len() as u64 > MAX_EXTENSION {
        Err(refused("it has an extension header of more than 64 KiB"))
    } else {
        Ok(bytes)
    }
}

/// `git archive` notes the commit in a comment; nothing else has a say over all entries.
fn global(records: &[u8]) -> Result<(), MarketError> {
    for record in PaxExtensions::new(records) {
        if record.map_err(damaged)?.key_bytes() != b"comment" {
            return Err(refused("it has a global PAX header that is more than a comment"));
        }
    }
    Ok(())
}

/// A long path is honoured. What would give the next entry another size, so that readers differ on where the one after it
/// begins, is refused; times and owners do not matter.
fn local(records: &[u8], name: &mut Option<Vec<u8>>) -> Result<(), MarketError> {
    for record in PaxExtensions::new(records) {
        let record = record.map_err(damaged)?;
        match record.key_bytes() {
            b"path" => *name = Some(record.value_bytes().to_vec()),
            key if key == b"size" || key.starts_with(b"GNU.sparse") => {
                return Err(refused("it has a PAX header that changes the size of a file"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Behind the tar there is only padding, and behind the gzip member nothing.
fn check_end<R: std::io::BufRead>(mut rest: Limited<GzDecoder<R>>) -> Result<(), MarketError> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = rest.read(&mut buffer).map_err(damaged)?;
        match buffer.get(..read) {
            None | Some([]) => break,
            Some(bytes) if bytes.iter().any(|byte| *byte != 0) => {
                return Err(refused("there are bytes behind the end of its tar"));
            }
            Some(_) => {}
        }
    }
    let behind = rest.inner.into_inner().read(&mut [0]).map_err(damaged)?;
    if behind == 0 { Ok(()) } else { Err(refused("there are bytes behind its end")) }
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
            None => return Err(std::io::Error::other(format!("it unpacks to more than {} bytes", self.limit))),
        }
        Ok(read)
    }
}
