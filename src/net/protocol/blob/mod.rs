//! `/ggen/blob/1.0.0`: the bytes of packages, leaf by leaf.
//!
//! Before any leaf is asked for, the leaf hashes are checked against the Merkle root that the publisher signed; each leaf
//! is checked against its hash as it arrives. So a provider can waste at most one leaf of our time, and a wrong byte
//! proves who sent it. Who is still downloading gives on what it has verified.

mod client;
pub mod message;
mod server;

pub use client::{Answer, Leaf, Provider, check, held, open};
pub use server::serve;
