//! What the node does for its users: publish, install, search, and what keeps its catalogue alive.
//!
//! One function per command, called by the node; each answers with the [`NodeReply`](super::api::NodeReply) of its command.

pub mod cache;
pub mod catalogue;
pub mod central;
pub mod contents;
pub mod fetch;
pub mod heads;
pub mod holders;
pub mod install;
pub mod intake;
pub mod keys;
pub mod lookup;
pub mod mirror;
pub mod progress;
pub mod publish;
pub mod rate;
pub mod refused;
pub mod search;
pub mod slots;
pub mod state;
pub mod sync;
pub mod throttle;
pub mod transfers;
pub mod trust;
pub mod turns;
pub mod withheld;
pub mod yank;

#[cfg(test)]
pub(in crate::net) mod testing;
#[cfg(test)]
mod tests;

pub use catalogue::{detail, installed, installed_files, remove, verify};
pub use contents::contents;
pub use lookup::lookup;
pub use publish::{inspect, publish};
pub use search::search;
pub use trust::{pin, pins, unpin, why};
pub use yank::yank;
