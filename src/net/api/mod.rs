//! What the node can be asked, what it answers and what it tells: plain serde types, the same in process and over the
//! control socket. Field names are what scripts rely on.
//!
//! Units: sizes in bytes; `*_ms` milliseconds; `*_s` seconds; `*_at` Unix seconds.

mod central;
mod change;
mod command;
mod detail;
mod event;
mod files;
mod install;
mod installed;
mod network;
mod package;
mod status;

pub use central::*;
pub use change::*;
pub use command::*;
pub use event::*;
pub use files::*;
pub use install::*;
pub use installed::*;
pub use network::*;
pub use package::*;
pub use status::*;
