//! Recordings: every event of a dashboard with its time, as JSON lines. `update` is a pure function of them, so they replay
//! to the same screens.
//!
//! The first line is the [`Header`], every other one an [`Entry`]. An entry without an event is a frame: the state was
//! drawn then. An entry that says `lost` stands where events could not be written.

mod player;
mod read;
mod recorder;
#[cfg(test)]
mod tests;
mod write;

use serde::{Deserialize, Serialize};

pub use player::{Player, Speed};
pub use read::Recording;
pub use recorder::{NewFile, Recorder};
pub use write::Writer;

use super::age::Now;
use super::event::Event;
use super::state::DashboardOptions;

/// What the first line says the file is.
pub const FORMAT: &str = "ggen-p2p-recording";
/// The version that is written, and the only one that is read.
pub const VERSION: u32 = 1;
/// Bytes of a recording at most; writing ends there.
pub const MAX_BYTES: u64 = 256 << 20;
/// Bytes of one line at most.
pub const MAX_LINE: usize = 8 << 20;
/// The largest screen that is replayed: width, height.
pub const MAX_SIZE: (u16, u16) = (1_000, 500);

/// What a recording begins with: the state before its first event, and what made it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Header {
    pub format: String,
    pub version: u32,
    /// The version of the program that recorded.
    pub program: String,
    /// When it began, Unix milliseconds.
    pub began: u64,
    /// Cells: width, height.
    pub size: (u16, u16),
    /// How the dashboard looked.
    pub options: DashboardOptions,
}

impl Header {
    /// Of a dashboard that begins now.
    pub fn new(began: Now, size: (u16, u16), options: DashboardOptions) -> Self {
        let program = env!("CARGO_PKG_VERSION").to_owned();
        Self { format: FORMAT.to_owned(), version: VERSION, program, began: began.unix_ms, size, options }
    }
}

/// One line after the first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Unix milliseconds.
    pub at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Event>,
    /// Events that could not be written here.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lost: u64,
}

// By reference because serde asks so.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Entry {
    /// Whether the state was drawn here.
    pub fn is_frame(&self) -> bool {
        self.event.is_none() && self.lost == 0
    }
}
