//! What people look up in the DHT by hand: a package id, a package name, or a peer.

use std::time::{Duration, Instant};

use libp2p::PeerId;

use crate::market::{PackageId, PackageName};

use super::super::api::{LookupAnswer, LookupKind, LookupPeer, NodeReply};
use super::super::context::Context;
use super::super::error::{ErrorKind, NodeError};
use super::super::swarm::DhtKey;

/// A person does not wait longer for an answer.
const LIMIT: Duration = Duration::from_secs(10);

/// Addresses told of each peer.
const MAX_ADDRS: usize = 4;

/// Answers [`NodeCommand::Lookup`](super::super::api::NodeCommand::Lookup).
pub async fn lookup(context: &Context, what: &str) -> Result<NodeReply, NodeError> {
    let (what, begun) = (what.trim(), Instant::now());
    let (kind, found) = if let Ok(package) = what.parse::<PackageId>() {
        (LookupKind::Bytes, context.swarm.providers(package, LIMIT).await?)
    } else if let Ok(peer) = what.parse::<PeerId>() {
        (LookupKind::Peer, context.swarm.closest(peer, LIMIT).await?)
    } else if let Ok(name) = what.parse::<PackageName>() {
        (LookupKind::Name, context.swarm.providers_of(DhtKey::Name(name), LIMIT).await?)
    } else {
        return Err(NodeError::new(ErrorKind::Usage, "that is no package name, package id or peer id")
            .hint("a package id has 64 hex digits, a peer id looks like 12D3KooW…"));
    };
    let peers = context.peers.rank(found);
    let peers = peers.into_iter().map(|peer| LookupPeer {
        peer_id: peer.to_string(),
        addrs: context.peers.addresses(peer).iter().take(MAX_ADDRS).map(ToString::to_string).collect(),
        connected: context.peers.is_connected(peer),
    });
    let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(NodeReply::Lookup(LookupAnswer { kind, peers: peers.collect(), elapsed_ms }))
}
