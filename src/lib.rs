//! `ggen-p2p-tui`: publish, discover, verify and install ggen packages peer to peer.
//!
//! Layers, lowest first: [`config`], [`market`] ← [`net`] ← [`app`] ← [`ui`]. Nothing reaches upward;
//! `tests/layers.rs` holds this.

pub mod config;
