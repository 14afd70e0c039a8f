//! `ggen-p2p-tui`: publish, discover, verify and install ggen packages peer to peer.
//!
//! Layers, lowest first: [`config`], [`market`] ← [`net`] ← [`app`] ← [`ui`]. Nothing reaches upward;
//! `tests/end_to_end/layers.rs` holds this.

pub mod app;
pub mod config;
#[cfg(any(test, fuzzing))]
pub mod decoders;
pub mod market;
pub mod net;
pub mod run;
pub mod ui;
