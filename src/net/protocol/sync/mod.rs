//! `/ggen/sync/1.0.0`: two catalogues become one, and who holds what.
//!
//! Reconciling costs traffic in proportion to the difference, not to the catalogue. One session is bounded in rounds,
//! time and releases; what is left over comes with the next one.

mod ask;
mod initiator;
pub mod message;
mod responder;
pub(in crate::net) mod set;
mod window;

pub use ask::{Holdings, ask_heads, fetch_by_id, have};
pub use initiator::reconcile;
pub use responder::serve;
