//! `/ggen/sync/1.0.0`: two catalogues become one, and who holds what.
//!
//! Reconciling costs traffic in proportion to the difference, not to the catalogue. One session is bounded in rounds,
//! time and releases; what is left over comes with the next one.

mod initiator;
pub mod message;
mod responder;
pub(in crate::net) mod set;

pub use initiator::{Holdings, ask_heads, fetch_by_id, have, reconcile};
pub use responder::serve;
