//! What this node knows of its peers: addresses, reputation, bans. Local only, never told to others.

mod book;
mod conduct;
mod entry;
mod report;
mod table;

#[cfg(test)]
mod tests;

pub use book::PeerBook;
pub use conduct::Outcome;
pub use entry::PeerSource;
pub use report::run as run_reports;
pub use table::Order;
