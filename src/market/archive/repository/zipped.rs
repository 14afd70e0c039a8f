//! Repositories as zip.
//!
//! A zip says everything twice, in its directory at the end and before each file, and readers that believe one place can be
//! shown another archive than readers that believe the other. So the two must agree for all that is taken, nothing may
//! overlap or stand twice, and the directory is measured before it is read into memory.

use std::fs::File;
use std::io::BufReader;
use std::os::unix::fs::FileExt;

use zip::read::{ArchiveOffset, Config, ZipFileEntry};
use zip::{CompressionMethod, ZipArchive};

use super::below::Below;
use super::sink::{Sink, shown};
use super::{damaged, refused};
use crate::market::MarketError;

/// Entries in a repository (a plain zip cannot hold more than 65,535), and bytes of the directory that lists them.
const MAX_ENTRIES: usize = 60_000;
const MAX_DIRECTORY: u64 = 16 << 20;

/// Bytes of the fixed part of the end record, and of the longest comment behind it.
const END: usize = 22;
const MAX_COMMENT: u64 = 0xffff;

/// Bytes of the fixed part of a directory entry, and of the header before a file.
const CENTRAL: usize = 46;
const LOCAL: usize = 30;

type Zip<'a> = ZipArchive<BufReader<&'a File>>;

pub(super) fn extract(archive: &File, below: &mut Below<'_>, sink: &mut Sink<'_>) -> Result<(), MarketError> {
    let end = check_directory(archive)?;
    let config = Config { archive_offset: ArchiveOffset::Known(0) };
    let mut zip = ZipArchive::with_config(config, BufReader::new(archive)).map_err(damaged)?;
    if zip.has_duplicate_names() {
        return Err(refused("it lists a name twice"));
    }
    if end_of_directory(archive, &zip)? != end {
        return Err(refused("its directory has more entries than its end says"));
    }
    if zip.has_overlapping_entries().map_err(damaged)? {
        return Err(refused("files in it overlap"));
    }
    for at in 0..zip.len() {
        take(archive, &mut zip, at, below, sink)?;
    }
    Ok(())
}

fn take(
    archive: &File,
    zip: &mut Zip<'_>,
    at: usize,
    below: &mut Below<'_>,
    sink: &mut Sink<'_>,
) -> Result<(), MarketError> {
    let metadata = zip.metadata();
    let listed = metadata.entry(at).map_err(damaged)?;
    let Ok(name) = std::str::from_utf8(listed.name_raw()) else { return Ok(()) };
    let Some(path) = below.within(name) else { return Ok(()) };
    check_kind(&listed, name, path)?;
    check_local(archive, &listed, path)?;
    if name.ends_with('/') {
        return sink.dir(path.trim_end_matches('/'));
    }
    let (size, mode) = (listed.size(), unix_mode(&listed) & 0o7777);
    sink.file(path, size, mode, zip.by_index(at).map_err(damaged)?)
}

/// The upper half of the attributes is a Unix mode, whatever system is named; 0 is none.
fn unix_mode(listed: &ZipFileEntry<'_>) -> u32 {
    listed.external_attributes() >> 16
}

const KIND: u32 = 0o170_000;
const FILE: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;

/// Only files and directories that need no password.
fn check_kind(listed: &ZipFileEntry<'_>, name: &str, path: &str) -> Result<(), MarketError> {
    let is_dir = name.ends_with('/');
    let fault = match unix_mode(listed) & KIND {
        _ if listed.encrypted() => "is encrypted",
        FILE if is_dir => "is a directory by its name and a file by its mode",
        DIRECTORY if !is_dir => "is a file by its name and a directory by its mode",
        _ if is_dir && listed.size() > 0 => "is a directory with content",
        _ if method(listed).is_none() => "is packed in a way that is not taken",
        0 | FILE | DIRECTORY => return Ok(()),
        _ => "is a link, a device or of an unknown kind; only files and directories are taken",
    };
    Err(refused(format!("'{}' {fault}", shown(path))))
}

/// The number of the packing, if it is one of the two that are in use.
fn method(listed: &ZipFileEntry<'_>) -> Option<u16> {
    match listed.compression() {
        CompressionMethod::Stored => Some(0),
        CompressionMethod::Deflated => Some(8),
        _ => None,
    }
}

/// The header before the file must say what the directory says.
fn check_local(archive: &File, listed: &ZipFileEntry<'_>, path: &str) -> Result<(), MarketError> {
    let mut header = vec![0; LOCAL + listed.name_raw().len()];
    archive.read_exact_at(&mut header, listed.header_start()).map_err(damaged)?;
    let name_length = usize::from(short(&header, 26));
    let mut same = header.starts_with(b"PK\x03\x04")
        && name_length == listed.name_raw().len()
        && header.get(LOCAL..) == Some(listed.name_raw())
        && Some(short(&header, 8)) == method(listed)
        && short(&header, 6) & ENCRYPTED == 0;
    // With a descriptor, the numbers follow the file and may be 0 here.
    if short(&header, 6) & DESCRIPTOR == 0 {
        same &= long(&header, 14) == listed.crc32()
            && u64::from(long(&header, 18)) == listed.compressed_size()
            && u64::from(long(&header, 22)) == listed.size();
    }
    if same { Ok(()) } else { Err(refused(format!("'{}' is described in two ways", shown(path)))) }
}

/// Flags of a header.
const ENCRYPTED: u16 = 1;
const DESCRIPTOR: u16 = 8;

/// The two bytes at `at`, little end first; 0 where there are none.
fn short(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|two| two.try_into().ok()).map_or(0, u16::from_le_bytes)
}

/// The same for four.
fn long(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes)
}

/// Where the last entry of the directory ends.
fn end_of_directory(archive: &File, zip: &Zip<'_>) -> Result<u64, MarketError> {
    let Some(last) = zip.len().checked_sub(1) else { return Err(refused("it is empty")) };
    let start = zip.metadata().entry(last).map_err(damaged)?.central_header_start();
    let mut header = [0; CENTRAL];
    archive.read_exact_at(&mut header, start).map_err(damaged)?;
    let behind: u64 = [28, 30, 32].map(|at| u64::from(short(&header, at))).iter().sum();
    Ok(start + CENTRAL as u64 + behind)
}

/// Measures the directory by the end record, which must be the very end of the archive, and says where it ends.
fn check_directory(archive: &File) -> Result<u64, MarketError> {
    let size = archive.metadata().map_err(damaged)?.len();
    let from = size.saturating_sub(MAX_COMMENT + END as u64);
    let mut tail = vec![0; usize::try_from(size - from).unwrap_or(0)];
    archive.read_exact_at(&mut tail, from).map_err(damaged)?;
    // The last record counts; one that is not the end hides another behind it.
    let at = tail.windows(4).rposition(|bytes| bytes == b"PK\x05\x06");
    let at = at.filter(|at| at + END <= tail.len()).ok_or_else(|| refused("it has no end: it was cut off"))?;
    let end = tail.get(at..).unwrap_or_default();
    let (entries, directory, start) = (usize::from(short(end, 10)), u64::from(long(end, 12)), u64::from(long(end, 16)));
    if END + usize::from(short(end, 20)) != end.len() {
        return Err(refused("there are bytes behind its end"));
    }
    if entries == 0xffff || directory == 0xffff_ffff || start == 0xffff_ffff || is_zip64(&tail, at) {
        return Err(refused("it is a zip64, which no repository of this size needs"));
    }
    if short(end, 4) != 0 || short(end, 6) != 0 || short(end, 8) != short(end, 10) {
        return Err(refused("it is one part of several"));
    }
    if entries > MAX_ENTRIES || directory > MAX_DIRECTORY {
        return Err(refused(format!("it has more than {MAX_ENTRIES} entries, or its directory is over 16 MiB")));
    }
    if entries == 0 && directory > 0 {
        return Err(refused("its directory has more entries than its end says"));
    }
    if start + directory != from + at as u64 {
        return Err(refused("its directory is not where its end says"));
    }
    Ok(start + directory)
}

/// Whether the locator of a zip64 end record stands before the end record.
fn is_zip64(tail: &[u8], at: usize) -> bool {
    at.checked_sub(20).and_then(|start| tail.get(start..start + 4)) == Some(b"PK\x06\x07")
}
