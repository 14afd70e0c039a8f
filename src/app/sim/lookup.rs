//! What the simulated DHT knows.

use super::world::World;
use crate::market::{PackageId, PackageName, PublisherKey};
use crate::net::api::{LookupAnswer, LookupKind, LookupPeer, PeerInfo, ReleaseInfo};
use crate::net::{ErrorKind, NodeError};

/// Peers that an answer names.
const MOST: usize = 8;
/// How long the network takes for it, milliseconds.
const TOOK_MS: u64 = 640;

/// Who has a package's bytes, carries a name, or is closest to a peer.
pub fn lookup(world: &World, what: &str) -> Result<LookupAnswer, NodeError> {
    let (kind, found) = if let Ok(id) = what.parse::<PackageId>() {
        (LookupKind::Bytes, carriers(world, |one| one.package_id == id))
    } else if what.parse::<PublisherKey>().is_ok() {
        (LookupKind::Peer, connected(world).take(MOST).collect())
    } else if let Ok(name) = what.parse::<PackageName>() {
        (LookupKind::Name, carriers(world, |one| one.name == name))
    } else {
        return Err(NodeError::new(ErrorKind::Usage, "that is no package name, package id or peer id")
            .hint("a package id has 64 hex digits, a peer id looks like 12D3KooW…"));
    };
    let peers = found.into_iter().map(|peer| LookupPeer {
        peer_id: peer.peer_id.clone(),
        addrs: peer.addrs.clone(),
        connected: peer.connected,
    });
    Ok(LookupAnswer { kind, peers: peers.collect(), elapsed_ms: TOOK_MS })
}

fn connected(world: &World) -> impl Iterator<Item = &PeerInfo> {
    world.peers.iter().filter(|peer| peer.connected)
}

/// Some of the connected peers, where there is such a release at all: always the same ones for one release.
fn carriers(world: &World, is_meant: impl Fn(&ReleaseInfo) -> bool) -> Vec<&PeerInfo> {
    let Some(release) = world.releases.iter().chain(&world.elsewhere).find(|one| is_meant(one)) else {
        return Vec::new();
    };
    let spread = usize::from(release.package_id.0[0]) % 3 + 1;
    connected(world).step_by(spread).take(MOST).collect()
}
