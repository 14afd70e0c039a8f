//! Lines out.

use std::io::{self, Write};

use serde::Serialize;

use super::{Entry, Header};
use crate::app::age::Now;
use crate::app::event::Event;

/// Writes a recording to anything, as it comes.
pub struct Writer<W> {
    out: W,
}

impl<W: Write> Writer<W> {
    /// Begins with the header.
    ///
    /// # Errors
    /// What `out` says.
    pub fn begin(mut out: W, header: &Header) -> io::Result<Self> {
        out.write_all(&line(header)?)?;
        Ok(Self { out })
    }

    /// Goes on after a header.
    pub fn go_on(out: W) -> Self {
        Self { out }
    }

    /// # Errors
    /// What `out` says.
    pub fn event(&mut self, at: Now, event: &Event) -> io::Result<()> {
        self.out.write_all(&event_line(at, event)?)
    }

    /// The state was drawn.
    ///
    /// # Errors
    /// What `out` says.
    pub fn frame(&mut self, at: Now) -> io::Result<()> {
        self.out.write_all(&frame_line(at)?)
    }

    /// What it was written to.
    pub fn into_inner(self) -> W {
        self.out
    }
}

/// An entry's line, without the event being copied into an [`Entry`].
#[derive(Serialize)]
struct EventLine<'a> {
    at: u64,
    event: &'a Event,
}

pub fn line(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

pub fn event_line(at: Now, event: &Event) -> io::Result<Vec<u8>> {
    line(&EventLine { at: at.unix_ms, event })
}

pub fn frame_line(at: Now) -> io::Result<Vec<u8>> {
    line(&Entry { at: at.unix_ms, event: None, lost: 0 })
}

pub fn lost_line(at: Now, lost: u64) -> io::Result<Vec<u8>> {
    line(&Entry { at: at.unix_ms, event: None, lost })
}
