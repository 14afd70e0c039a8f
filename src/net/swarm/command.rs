//! What the swarm task can be asked.

use std::collections::HashSet;

use libp2p::{Multiaddr, PeerId, kad};
use tokio::sync::{mpsc, oneshot};

use crate::market::{PackageId, PackageName, PublisherKey};

use super::super::api::{DhtInfo, ReachInfo};
use super::super::error::NodeError;

/// Where an answer goes; the asker may have gone meanwhile.
pub type Reply<T> = oneshot::Sender<T>;

pub enum Command {
    Dial {
        addr: Multiaddr,
        reply: Reply<Result<PeerId, NodeError>>,
    },
    Ensure {
        peer: PeerId,
        reply: Reply<Result<(), NodeError>>,
    },
    /// Answers when the connection with `peer` leads through no relay, or cannot be made so.
    Direct {
        peer: PeerId,
        reply: Reply<Result<(), NodeError>>,
    },
    /// One peer, or all; answers how many were connected.
    Disconnect {
        peer: Option<PeerId>,
        reply: Reply<usize>,
    },
    /// Answers come in as they are found, until the query ends or the other half of `left` is dropped.
    Providers {
        key: DhtKey,
        found: mpsc::Sender<HashSet<PeerId>>,
        left: oneshot::Receiver<()>,
    },
    Provide {
        key: DhtKey,
        reply: Reply<Result<(), NodeError>>,
    },
    StopProviding {
        package: PackageId,
    },
    /// Provides these when there is room; nobody waits for it.
    ProvideAll(Vec<DhtKey>),
    /// Publishes signed heads in the DHT, a few at a time; nobody waits for it.
    PutHeads(Vec<(DhtKey, Vec<u8>)>),
    /// Answers come in as they are found, unverified, until the query ends or the other half of `left` is dropped.
    FindHead {
        key: DhtKey,
        found: mpsc::Sender<Vec<u8>>,
        left: oneshot::Receiver<()>,
    },
    Announce {
        envelope: Vec<u8>,
        reply: Reply<Result<usize, NodeError>>,
    },
    /// With `finished`, answers when the query has ended.
    Bootstrap {
        finished: bool,
        reply: Reply<Result<(), NodeError>>,
    },
    Snapshot {
        reply: Reply<Snapshot>,
    },
    /// Answers when it is known who is closest to `peer`; the query ends when the other half of `left` is dropped.
    Closest {
        peer: PeerId,
        reply: Reply<Vec<PeerId>>,
        left: oneshot::Receiver<()>,
    },
    /// Stops a query that has found enough.
    EndQuery(kad::QueryId),
}

/// What is found in the DHT: providers of a blob or a name, and heads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DhtKey {
    Blob(PackageId),
    Name(PackageName),
    Head(PublisherKey, PackageName),
}

/// The swarm task's part of status and DHT pane.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    pub listen_addrs: Vec<Multiaddr>,
    pub topics: Vec<String>,
    pub notices: Vec<String>,
    pub reachability: ReachInfo,
    pub dht: DhtInfo,
}
