//! How the rest of the node asks the swarm task: a bounded channel of commands with oneshot answers.

use std::collections::HashSet;
use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::market::{PackageId, PackageName, PublisherKey, VerifiedHead};

use super::super::error::{ErrorKind, NodeError};
use super::super::peers::PeerBook;
use super::command::{Command, DhtKey, Reply, Snapshot};
use super::forwarders::Forwarders;

/// Providers after which looking further is not worth the wait.
const ENOUGH_PROVIDERS: usize = 8;

/// Copies of a head after which looking further is not worth the wait.
const ENOUGH_HEADS: usize = 5;

/// How long more providers are waited for once there is one.
const PROVIDER_GRACE: Duration = Duration::from_millis(300);

/// How long the first peer may take to be reached before a bootstrap.
const FIRST_PEER: Duration = Duration::from_secs(5);

/// Between two tries of a bootstrap that waits for the first peer.
const RETRY: Duration = Duration::from_millis(200);

/// A dial ends by itself well before this; the limit is for a swarm task that hangs.
const DIAL_LIMIT: Duration = Duration::from_secs(30);

/// How long a connection through a relay may take to be replaced by a direct one: both sides try three times.
const DIRECT_LIMIT: Duration = Duration::from_secs(12);

/// Asks the swarm task. Cheap to clone.
#[derive(Clone)]
pub struct SwarmClient {
    local: PeerId,
    commands: mpsc::Sender<Command>,
    book: PeerBook,
    query_timeout: Duration,
    forwarders: Forwarders,
}

impl SwarmClient {
    pub(in super::super) fn new(
        local: PeerId,
        commands: mpsc::Sender<Command>,
        book: PeerBook,
        query_timeout: Duration,
        forwarders: Forwarders,
    ) -> Self {
        Self { local, commands, book, query_timeout, forwarders }
    }

    pub fn local_peer(&self) -> PeerId {
        self.local
    }

    /// Who passed announcements on.
    pub fn forwarders(&self) -> &Forwarders {
        &self.forwarders
    }

    /// Peers with a standing connection, from a snapshot; never waits for the swarm task.
    pub fn connected(&self) -> Vec<PeerId> {
        self.book.connected()
    }

    /// Dials and waits until the connection stands, or says why not.
    pub async fn dial(&self, addr: Multiaddr) -> Result<PeerId, NodeError> {
        let text = addr.to_string();
        let asked = self.ask(|reply| Command::Dial { addr, reply });
        tokio::time::timeout(DIAL_LIMIT, asked).await.map_err(|_| timed_out(&text))??
    }

    /// Makes sure there is a connection to `peer`, dialling its known addresses if need be.
    pub async fn ensure_connected(&self, peer: PeerId) -> Result<(), NodeError> {
        if self.book.is_connected(peer) {
            return Ok(());
        }
        let asked = self.ask(|reply| Command::Ensure { peer, reply });
        tokio::time::timeout(DIAL_LIMIT, asked).await.map_err(|_| timed_out(&peer.to_string()))??
    }

    /// Waits until the connection with `peer`, which stands, leads through no relay.
    ///
    /// # Errors
    /// Network: it does, with what became of the attempt to do without.
    pub async fn direct(&self, peer: PeerId) -> Result<(), NodeError> {
        let asked = self.ask(|reply| Command::Direct { peer, reply });
        tokio::time::timeout(DIRECT_LIMIT, asked).await.map_err(|_| still_relayed(peer))??
    }

    /// Closes the connections to `peer`, which is not dialled again by itself for some minutes. `false`: there were none.
    pub async fn disconnect(&self, peer: PeerId) -> Result<bool, NodeError> {
        Ok(self.ask(|reply| Command::Disconnect { peer: Some(peer), reply }).await? > 0)
    }

    /// The same for every peer.
    pub async fn disconnect_all(&self) -> Result<bool, NodeError> {
        Ok(self.ask(|reply| Command::Disconnect { peer: None, reply }).await? > 0)
    }

    /// Peers that the DHT says hold the bytes of `package`, as far as they are found within `limit` and `dht_query_timeout`;
    /// ends earlier when there are enough.
    pub async fn providers(&self, package: PackageId, limit: Duration) -> Result<Vec<PeerId>, NodeError> {
        self.providers_of(DhtKey::Blob(package), limit).await
    }

    /// The same for whatever is provided under `key`.
    pub async fn providers_of(&self, key: DhtKey, limit: Duration) -> Result<Vec<PeerId>, NodeError> {
        let (found, mut answers) = mpsc::channel(8);
        // Dropped when this function is left, or given up.
        let (_asking, left) = oneshot::channel();
        self.send(Command::Providers { key, found, left }).await?;
        let mut deadline = Instant::now() + self.query_timeout.min(limit);
        let mut peers = HashSet::new();
        while peers.len() < ENOUGH_PROVIDERS {
            let Ok(Some(more)) = timeout_at(deadline, answers.recv()).await else { break };
            let first = peers.is_empty();
            peers.extend(more.into_iter().filter(|peer| *peer != self.local));
            if first && !peers.is_empty() {
                deadline = deadline.min(Instant::now() + PROVIDER_GRACE);
            }
        }
        Ok(peers.into_iter().collect())
    }

    /// Peers that the DHT finds closest to `peer`, which may be among them, the closest first; none within `limit`: nobody
    /// answered.
    pub async fn closest(&self, peer: PeerId, limit: Duration) -> Result<Vec<PeerId>, NodeError> {
        // Dropped when this function is left, or given up.
        let (_asking, left) = oneshot::channel();
        let asked = self.ask(|reply| Command::Closest { peer, reply, left });
        tokio::time::timeout(self.query_timeout.min(limit), asked).await.unwrap_or_else(|_| Ok(Vec::new()))
    }

    /// Tells the DHT that this node holds the bytes; returns when the query is started.
    pub async fn provide(&self, package: PackageId) -> Result<(), NodeError> {
        self.ask(|reply| Command::Provide { key: DhtKey::Blob(package), reply }).await?
    }

    /// Stops renewing that this node holds the bytes; what others have stored of it expires by itself.
    pub async fn stop_providing(&self, package: PackageId) -> Result<(), NodeError> {
        self.send(Command::StopProviding { package }).await
    }

    /// Tells the DHT that this node carries the name.
    pub async fn provide_name(&self, name: &PackageName) -> Result<(), NodeError> {
        self.ask(|reply| Command::Provide { key: DhtKey::Name(name.clone()), reply }).await?
    }

    /// Provides all of these, a few at a time, without being waited for.
    pub async fn provide_all(&self, keys: Vec<DhtKey>) -> Result<(), NodeError> {
        self.send(Command::ProvideAll(keys)).await
    }

    /// Publishes signed heads, a few at a time, without being waited for; they are renewed while this node runs.
    pub async fn put_heads(&self, heads: &[VerifiedHead]) -> Result<(), NodeError> {
        let heads = heads.iter().map(|head| (DhtKey::of(head.head()), head.to_bytes())).collect();
        self.send(Command::PutHeads(heads)).await
    }

    /// Puts these bytes into the DHT as a head, as an attacker would.
    #[cfg(test)]
    pub async fn put_any_head(&self, key: DhtKey, bytes: Vec<u8>) -> Result<(), NodeError> {
        self.send(Command::PutHeads(vec![(key, bytes)])).await
    }

    /// What the DHT has as head of the package, unverified, within `limit`; ends earlier when there is enough of it. One
    /// answer may be an old one, so that some are waited for.
    pub async fn find_head(
        &self,
        publisher: PublisherKey,
        name: &PackageName,
        limit: Duration,
    ) -> Result<Vec<Vec<u8>>, NodeError> {
        let (found, mut answers) = mpsc::channel(8);
        // Dropped when this function is left, or given up.
        let (_asking, left) = oneshot::channel();
        let key = DhtKey::Head(publisher, name.clone());
        self.send(Command::FindHead { key, found, left }).await?;
        let deadline = Instant::now() + self.query_timeout.min(limit);
        let mut heads = Vec::new();
        while heads.len() < ENOUGH_HEADS {
            let Ok(Some(head)) = timeout_at(deadline, answers.recv()).await else { break };
            heads.push(head);
        }
        Ok(heads)
    }

    /// Asks the DHT, for `limit` at most, where `peer` is; `true`: it has told, and the peer can be dialled.
    pub async fn find_peer(&self, peer: PeerId, limit: Duration) -> bool {
        self.closest(peer, limit).await.is_ok_and(|found| found.contains(&peer))
    }

    /// Publishes a release's envelope on the packages topic. `Ok(0)`: nobody was there to take it.
    pub async fn announce(&self, envelope: Vec<u8>) -> Result<usize, NodeError> {
        self.ask(|reply| Command::Announce { envelope, reply }).await?
    }

    /// Dials the bootstrap nodes that are not connected and starts a DHT bootstrap; with `wait`, answers when that has ended.
    ///
    /// # Errors
    /// Network: nobody is known to ask, also not (with `wait`) after some seconds of dialling.
    pub async fn bootstrap(&self, wait: bool) -> Result<(), NodeError> {
        let deadline = Instant::now() + FIRST_PEER;
        loop {
            match self.ask(|reply| Command::Bootstrap { finished: wait, reply }).await? {
                Err(error) if !wait || error.kind != ErrorKind::Network || Instant::now() >= deadline => {
                    return Err(error);
                }
                Err(_) => tokio::time::sleep(RETRY).await,
                Ok(()) => return Ok(()),
            }
        }
    }

    /// The state of listeners and DHT.
    pub async fn snapshot(&self) -> Result<Snapshot, NodeError> {
        self.ask(|reply| Command::Snapshot { reply }).await
    }

    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, NodeError> {
        let (reply, answer) = oneshot::channel();
        self.send(command(reply)).await?;
        answer.await.map_err(|_| stopped())
    }

    async fn send(&self, command: Command) -> Result<(), NodeError> {
        self.commands.send(command).await.map_err(|_| stopped())
    }
}

fn stopped() -> NodeError {
    NodeError::new(ErrorKind::NoNode, "the node is shutting down").hint("start it again")
}

fn still_relayed(peer: PeerId) -> NodeError {
    NodeError::new(
        ErrorKind::Network,
        format!(
            "{peer} can be reached through a relay only, which carries 128 KiB at most: no direct way was found in time"
        ),
    )
    .hint("try again in a moment, or when a node that can be reached has the package")
}

fn timed_out(what: &str) -> NodeError {
    NodeError::new(ErrorKind::Network, format!("connecting to {what} took too long"))
        .hint("check that the other node runs and that the address can be reached from here")
}
