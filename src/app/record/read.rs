//! Lines in. The file may come from anybody: it is bounded and read through before anything of it is shown.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

use serde::de::DeserializeOwned;

use super::{Entry, FORMAT, Header, MAX_BYTES, MAX_LINE, MAX_SIZE, VERSION};
use crate::app::event::Event;
use crate::app::failure::usage;
use crate::market::SafeText;
use crate::net::{ErrorKind, NodeError};

/// A recording that was read through: each line is whole and means something. The lines stay as they are and are read
/// again when their turn comes, so that memory holds no more than the file.
pub struct Recording {
    header: Header,
    bytes: Vec<u8>,
    /// Where each entry's line is.
    lines: Vec<Range<usize>>,
    /// The entries that are frames, ascending.
    frames: Vec<usize>,
    /// Milliseconds from the beginning to each entry; a clock that went back counts as one that stood.
    times: Vec<u64>,
    lost: u64,
}

impl Recording {
    /// # Errors
    /// The file cannot be read, or a line of it is no part of a recording; the error names the line.
    pub fn open(path: &Path) -> Result<Self, NodeError> {
        let name = path.display();
        let mut bytes = Vec::new();
        File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)).map_err(|error| {
            let kind = match error.kind() {
                io::ErrorKind::NotFound => ErrorKind::NotFound,
                io::ErrorKind::PermissionDenied => ErrorKind::Permission,
                _ => ErrorKind::Disk,
            };
            NodeError::new(kind, format!("cannot read {name}: {error}")).hint("name a file that --record has written")
        })?;
        Self::parse(bytes).map_err(|Broken { line, why }| {
            let place = line.map_or(String::new(), |line| format!("line {line}: "));
            usage(format!("{name}: {place}{why}")).hint("a recording is what --record writes; make one anew")
        })
    }

    /// # Errors
    /// What is wrong, and in which line.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, Broken> {
        if bytes.len() as u64 > MAX_BYTES {
            return Err(Broken::file(format!("it is larger than {} MiB", MAX_BYTES >> 20)));
        }
        let mut lines = lines_of(&bytes);
        let first = lines.first().cloned().ok_or_else(|| Broken::file("it is empty"))?;
        let header: Header = at_line(&bytes, &first, 1)?;
        check_header(&header).map_err(|why| Broken { line: Some(1), why })?;
        lines.remove(0);
        let mut recording = Self { header, bytes, lines, frames: Vec::new(), times: Vec::new(), lost: 0 };
        recording.read_through()?;
        Ok(recording)
    }

    fn read_through(&mut self) -> Result<(), Broken> {
        let mut time = 0;
        for (index, line) in self.lines.iter().enumerate() {
            let number = index + 2;
            let entry: Entry = match at_line(&self.bytes, line, number) {
                // What a crash left of its last line.
                Err(_) if index + 1 == self.lines.len() && self.bytes.last() != Some(&b'\n') => {
                    self.lines.pop();
                    break;
                }
                entry => entry?,
            };
            check_entry(&entry).map_err(|why| Broken { line: Some(number), why })?;
            time = entry.at.saturating_sub(self.header.began).max(time);
            self.times.push(time);
            self.lost = self.lost.saturating_add(entry.lost);
            if entry.is_frame() {
                self.frames.push(index);
            }
        }
        Ok(())
    }

    pub fn header(&self) -> &Header {
        &self.header
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// The entry at a place.
    pub fn entry(&self, index: usize) -> Option<Entry> {
        let bytes = self.bytes.get(self.lines.get(index)?.clone())?;
        serde_json::from_slice(bytes).ok()
    }

    /// Milliseconds from the beginning to an entry.
    pub fn time(&self, index: usize) -> Option<u64> {
        self.times.get(index).copied()
    }

    /// How many entries there are up to a time, in milliseconds from the beginning.
    pub fn entries_until(&self, at: u64) -> usize {
        self.times.partition_point(|time| *time <= at)
    }

    /// Milliseconds from the beginning to the end.
    pub fn length(&self) -> u64 {
        self.times.last().copied().unwrap_or(0)
    }

    /// Which entries are frames, ascending.
    pub fn frames(&self) -> &[usize] {
        &self.frames
    }

    /// Events that could not be recorded: from there on, screens may differ from those that were.
    pub fn lost(&self) -> u64 {
        self.lost
    }
}

/// What keeps bytes from being a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// From 1; none: it is about the whole file.
    pub line: Option<usize>,
    pub why: String,
}

impl Broken {
    fn file(why: impl Into<String>) -> Self {
        Self { line: None, why: why.into() }
    }
}

fn lines_of(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut start = 0;
    let mut lines = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        lines.push(start..start + line.len());
        start += line.len() + 1;
    }
    // What follows the last end of a line.
    if lines.last().is_some_and(Range::is_empty) {
        lines.pop();
    }
    lines
}

fn at_line<T: DeserializeOwned>(bytes: &[u8], range: &Range<usize>, number: usize) -> Result<T, Broken> {
    let broken = |why: String| Broken { line: Some(number), why };
    let line = bytes.get(range.clone()).unwrap_or_default();
    if line.len() > MAX_LINE {
        return Err(broken(format!("it is longer than {} MiB", MAX_LINE >> 20)));
    }
    serde_json::from_slice(line).map_err(|error| broken(SafeText::capped(&error.to_string(), 200).to_string()))
}

fn check_header(header: &Header) -> Result<(), String> {
    if header.format != FORMAT {
        return Err("this is no recording of a dashboard".to_owned());
    }
    if header.version != VERSION {
        return Err(format!("it has version {}, and this program reads version {VERSION}", header.version));
    }
    if header.options.panes.is_empty() {
        return Err("it shows no pane".to_owned());
    }
    check_size(header.size)
}

fn check_entry(entry: &Entry) -> Result<(), String> {
    match entry.event {
        Some(Event::Resized { width, height }) => check_size((width, height)),
        _ => Ok(()),
    }
}

fn check_size((width, height): (u16, u16)) -> Result<(), String> {
    if width <= MAX_SIZE.0 && height <= MAX_SIZE.1 {
        return Ok(());
    }
    Err(format!("a screen of {width}x{height} is larger than {}x{}", MAX_SIZE.0, MAX_SIZE.1))
}
