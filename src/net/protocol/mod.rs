//! Our own protocols over libp2p streams: content (`/ggen/blob/1.0.0`), catalogue sync (`/ggen/sync/1.0.0`) and search
//! (`/ggen/search/1.0.0`).
//!
//! All three speak in frames ([`frame`]) of CBOR messages ([`codec`]); the opener of a stream always speaks first, and a
//! stream that ends before the first answer may be opened again (the other side's acceptor was busy).

#[cfg(test)]
mod attacks;
pub(in crate::net) mod blob;
pub(in crate::net) mod codec;
pub(in crate::net) mod frame;
pub(in crate::net) mod open;
pub(in crate::net) mod search;
mod serve;
pub(in crate::net) mod sync;
#[cfg(test)]
mod tests;

pub(in crate::net) use serve::{Serving, serve};

use libp2p::StreamProtocol;

/// Content.
pub const BLOB_PROTOCOL: StreamProtocol = StreamProtocol::new("/ggen/blob/1.0.0");
/// Catalogue sync and questions about holdings.
pub const SYNC_PROTOCOL: StreamProtocol = StreamProtocol::new("/ggen/sync/1.0.0");
/// Search in a peer's catalogue.
pub const SEARCH_PROTOCOL: StreamProtocol = StreamProtocol::new("/ggen/search/1.0.0");

/// Why dealing with a peer did not lead to what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ProtocolError {
    /// No stream to the peer could be had.
    #[error("cannot reach the peer: {0}")]
    Unreachable(String),
    /// The peer said that it is busy.
    #[error("the peer is busy")]
    Busy,
    /// The peer does not have what was asked for.
    #[error("the peer does not have it")]
    Absent,
    #[error(transparent)]
    Frame(#[from] frame::FrameError),
    #[error(transparent)]
    Codec(#[from] codec::CodecError),
    /// An answer that does not fit the question.
    #[error("the peer answered something else than it was asked")]
    Unexpected,
    /// Provably wrong: what the peer sent contradicts a signature.
    #[error("{0}")]
    Lie(String),
    /// The publisher signed what does not fit together; the peer only passed it on.
    #[error("{0}")]
    Signed(String),
    /// It went on, but too slowly.
    #[error("not finished after {0} s")]
    Unfinished(u64),
    /// Reconciling came to no end.
    #[error("catalogue sync: {0}")]
    Sync(String),
    /// This node's own store or disk.
    #[error(transparent)]
    Local(#[from] crate::market::MarketError),
}

impl ProtocolError {
    /// What this failure says about the peer; nothing when it is not the peer's fault.
    pub(in crate::net) fn outcome(&self) -> Option<super::peers::Outcome> {
        use super::peers::Outcome;
        match self {
            Self::Lie(detail) => Some(Outcome::Lie(detail.clone())),
            // Not to be there is no misconduct: a node that is switched off must not end up banned.
            Self::Unreachable(_) | Self::Busy | Self::Absent | Self::Signed(_) | Self::Local(_) => None,
            // Nor is to be slow, or to be switched off or cut off in the middle; but who serves to the end comes first.
            Self::Unfinished(_) | Self::Frame(frame::FrameError::Ended | frame::FrameError::Io(_)) => {
                Some(Outcome::Broken(self.to_string()))
            }
            Self::Frame(frame::FrameError::Stalled(_)) => Some(Outcome::Stalled(self.to_string())),
            other => Some(Outcome::SoftFailure(other.to_string())),
        }
    }
}
