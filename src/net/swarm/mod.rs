//! The task that owns the libp2p swarm: behaviour, Kademlia, gossipsub, discovery, limits.

pub mod address;
mod behaviour;
mod client;
mod command;
#[cfg(test)]
mod crowding;
mod dht;
mod dial;
mod events;
#[cfg(test)]
mod floods;
mod forwarders;
mod gate;
mod gossip;
mod hops;
mod inbox;
pub(in crate::net) mod keeper;
mod listen;
mod lookup;
mod mode;
mod nat;
mod network;
mod queries;
mod quic_first;
pub(in crate::net) mod records;
mod renewal;
mod scores;
mod start;
mod table;
mod task;
#[cfg(test)]
mod tests;
mod transport;
pub(in crate::net) mod values;
mod waiting;
mod watched;

pub use client::SwarmClient;
pub use command::{DhtKey, Snapshot};
pub use inbox::{Incoming, SyncDue, Verdict};
pub use start::{SwarmOptions, SwarmParts, prepare};

use libp2p::StreamProtocol;

/// The DHT of this network.
pub const KAD_PROTOCOL: StreamProtocol = StreamProtocol::new("/ggen/kad/1.0.0");

/// The protocol version that identify tells.
pub const IDENTIFY_PROTOCOL: &str = "/ggen/1.0.0";

/// The agent that identify tells.
pub const AGENT: &str = concat!("ggen-p2p-tui/", env!("CARGO_PKG_VERSION"));
