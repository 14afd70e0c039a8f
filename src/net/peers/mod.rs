//! What this node knows of its peers: addresses, reputation, bans. Local only, never told to others.

mod bans;
mod book;
mod conduct;
mod entry;
mod estimate;
mod history;
mod kept;
mod report;
mod table;

#[cfg(test)]
mod tests;

pub use book::{Guest, PeerBook};
pub use conduct::Outcome;
pub use entry::PeerSource;
pub use estimate::NEUTRAL;
pub use report::run as run_reports;
pub use table::{Order, step};
