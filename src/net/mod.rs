//! The node: one task owns the libp2p swarm; everything else asks it through [`NodeHandle`].

pub mod api;
mod bus;
mod clock;
mod context;
pub mod control;
#[cfg(any(test, fuzzing))]
pub mod decoders;
pub mod error;
pub mod handle;
mod limits;
mod lock;
pub mod node;
mod peers;
mod protocol;
mod quic;
mod service;
mod swarm;
#[cfg(test)]
pub(crate) mod testing;

pub use api::{NodeCommand, NodeEvent, NodeReply};
pub use clock::unix_now;
pub use error::{ErrorKind, NodeError};
pub use handle::{EventStream, NodeHandle};
pub use lock::{is_held, is_held_by};
pub use node::{NodeOptions, start};
pub use service::keys;
