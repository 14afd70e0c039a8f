//! The pages of a database file as its last commit left them: the file with its write-ahead log laid over it.
//!
//! The layout is that of <https://www.sqlite.org/fileformat.html>; nothing in the files is believed.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// What SQLite uses unless told otherwise, and we never told it.
const PAGE_SIZE: usize = 4096;
const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// Reads pages by number, the first one being 1.
pub struct Pages {
    file: File,
    log: Option<File>,
    /// Where in the log the last committed content of a page is.
    overlaid: HashMap<u32, u64>,
    count: u32,
}

impl Pages {
    /// # Errors
    /// The database file cannot be read at all. A log that cannot be read counts as none.
    pub fn open(file: &Path, log: &Path) -> std::io::Result<Self> {
        let file = File::open(file)?;
        let mut count = u32::try_from(file.metadata()?.len() / PAGE_SIZE as u64).unwrap_or(u32::MAX);
        let log = File::open(log).ok();
        let frames = log.as_ref().and_then(|log| Frames::read(log).ok()).unwrap_or_default();
        let overlaid = if frames.are_damaged() { frames.all } else { frames.sound };
        count = overlaid.keys().copied().fold(count, u32::max);
        Ok(Self { file, log, overlaid, count })
    }

    pub fn count(&self) -> u32 {
        self.count
    }

    /// The content of a page; `None` when there is none of this number, or it cannot be read.
    pub fn page(&self, number: u32) -> Option<Vec<u8>> {
        let mut page = vec![0; PAGE_SIZE];
        match (self.overlaid.get(&number), &self.log) {
            (Some(offset), Some(log)) => log.read_exact_at(&mut page, *offset).ok()?,
            _ => {
                let before = number.checked_sub(1)?;
                self.file.read_exact_at(&mut page, u64::from(before) * PAGE_SIZE as u64).ok()?;
            }
        }
        Some(page)
    }
}

/// Whether a log was damaged where SQLite takes it to end: acknowledged changes would be lost without a word.
pub fn log_is_damaged(log: &Path) -> bool {
    let read = || Frames::read(&File::open(log)?);
    read().is_ok_and(|frames| frames.are_damaged())
}

/// The frames of a log, as page → offset of its content.
#[derive(Default)]
struct Frames {
    /// Up to the last commit that its checksums vouch for.
    sound: HashMap<u32, u64>,
    /// Up to the last commit.
    all: HashMap<u32, u64>,
    /// Commits behind the first wrong checksum.
    unsound_commits: u32,
}

impl Frames {
    fn read(log: &File) -> std::io::Result<Self> {
        let mut reader = std::io::BufReader::with_capacity(1 << 16, log);
        let mut header = [0; LOG_HEADER];
        reader.read_exact(&mut header)?;
        let big_endian = be32(&header, 0) & 1 == 1;
        let mut sum = Sum::default().add(header.get(..24).unwrap_or_default(), big_endian);
        let mut sound = sum == Sum(be32(&header, 24), be32(&header, 28));
        let (mut frames, mut pending) = (Self::default(), HashMap::new());
        let mut offset = LOG_HEADER as u64;
        let mut frame = vec![0; FRAME_HEADER + PAGE_SIZE];
        while reader.read_exact(&mut frame).is_ok() {
            let (about, page) = frame.split_at(FRAME_HEADER);
            sum = sum.add(about.get(..8).unwrap_or_default(), big_endian).add(page, big_endian);
            sound &= about.get(8..16) == header.get(16..24) && sum == Sum(be32(about, 16), be32(about, 20));
            // What an earlier use of the file has left behind has another salt, in both halves.
            let salts = (be32(about, 8), be32(about, 12));
            if salts.0 != be32(&header, 16) && salts.1 != be32(&header, 20) {
                break;
            }
            pending.insert(be32(about, 0), offset + FRAME_HEADER as u64);
            if be32(about, 4) != 0 {
                frames.commit(&mut pending, sound);
            }
            offset += frame.len() as u64;
        }
        Ok(frames)
    }

    fn commit(&mut self, pending: &mut HashMap<u32, u64>, sound: bool) {
        if sound {
            self.sound.extend(pending.iter());
        } else {
            self.unsound_commits += 1;
        }
        self.all.extend(pending.drain());
    }

    /// The last transaction may have been cut off by a crash. What comes before it was on the disk when it began.
    fn are_damaged(&self) -> bool {
        self.unsound_commits > 1
    }
}

fn be32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes)
}

/// The running checksum of a log (section 4.2 of the file format).
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Sum(u32, u32);

impl Sum {
    fn add(self, bytes: &[u8], big_endian: bool) -> Self {
        let read = |four: &[u8; 4]| if big_endian { u32::from_be_bytes(*four) } else { u32::from_le_bytes(*four) };
        let (words, _) = bytes.as_chunks::<4>();
        let (pairs, _) = words.as_chunks::<2>();
        pairs.iter().fold(self, |Self(one, two), [a, b]| {
            let one = one.wrapping_add(read(a)).wrapping_add(two);
            Self(one, two.wrapping_add(read(b)).wrapping_add(one))
        })
    }
}
