//! One face for a node in this process and for one behind the control socket.

use crate::market::install::{Removal, Verification};
use crate::market::store::Pin;
use crate::market::trust::Assessment;
use crate::market::{PackageName, PublisherKey};

use super::api::*;
use super::error::NodeError;

/// Asks a node and listens to it. Cheap to clone.
#[derive(Clone)]
pub enum NodeHandle {
    /// A node in this process.
    Embedded(std::sync::Arc<super::node::Node>),
    /// A node in another process, through its control socket.
    Remote(super::control::client::ControlClient),
}

/// Events in order; a subscriber that is too slow gets `NodeEvent::Lagged`. `None` when the node is gone.
pub struct EventStream {
    pub(super) receiver: tokio::sync::mpsc::Receiver<NodeEvent>,
}

impl EventStream {
    pub async fn next(&mut self) -> Option<NodeEvent> {
        self.receiver.recv().await
    }
}

impl NodeHandle {
    /// Sends `command` and waits for its answer.
    pub async fn request(&self, command: NodeCommand) -> Result<NodeReply, NodeError> {
        match self {
            Self::Embedded(node) => node.request(command).await,
            Self::Remote(client) => client.request(command).await,
        }
    }

    /// Events from now on.
    pub async fn subscribe(&self) -> Result<EventStream, NodeError> {
        match self {
            Self::Embedded(node) => Ok(node.subscribe()),
            Self::Remote(client) => client.subscribe().await,
        }
    }

    /// Stops the node. One in this process has ended when this returns: peers stored, socket and lock given back.
    ///
    /// # Errors
    /// The node behind a control socket did not answer.
    pub async fn shutdown(&self) -> Result<(), NodeError> {
        match self {
            Self::Embedded(node) => {
                node.shutdown().await;
                Ok(())
            }
            Self::Remote(_) => self.done(NodeCommand::Stop).await,
        }
    }
}

/// One method for a command: `name(arguments) -> answer: command => reply`.
macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) -> $answer:ty: $command:expr => $reply:pat => $value:expr;)*) => {
        /// The commands as methods. Each fails with what the command came to, or with `NoNode` when the node is gone.
        impl NodeHandle {
            $($(#[$doc])*
            pub async fn $name(&self, $($arg: $type),*) -> Result<$answer, NodeError> {
                match self.request($command).await? {
                    $reply => Ok($value),
                    _ => Err(unexpected()),
                }
            })*
        }
    };
}

commands! {
    /// What runs, where, and how much it holds.
    status() -> Status: NodeCommand::Status => NodeReply::Status(status) => status;
    /// Connected or banned ones.
    peers() -> Vec<PeerInfo>: NodeCommand::Peers => NodeReply::Peers(peers) => peers;
    /// All that are remembered.
    known_peers() -> Vec<PeerInfo>: NodeCommand::KnownPeers => NodeReply::Peers(peers) => peers;
    /// Mode, routing table and queries of the DHT.
    dht() -> DhtInfo: NodeCommand::Dht => NodeReply::Dht(dht) => dht;
    /// Newest first.
    feed(limit: usize) -> Vec<FeedItem>: NodeCommand::Feed { limit } => NodeReply::Feed(items) => items;
    /// Running ones and the last that ended.
    transfers() -> Vec<TransferInfo>: NodeCommand::Transfers => NodeReply::Transfers(list) => list;
    /// Oldest first.
    logs(limit: usize) -> Vec<LogLine>: NodeCommand::Logs { limit } => NodeReply::Logs(lines) => lines;
    /// Best first.
    search(request: SearchRequest) -> SearchAnswer: NodeCommand::Search(request) => NodeReply::Search(answer) => answer;
    /// All known releases of a name.
    detail(name: PackageName, publisher: Option<PublisherKey>) -> Vec<ReleaseInfo>:
        NodeCommand::Detail { name, publisher } => NodeReply::Detail(releases) => releases;
    /// Why a release is trusted, or not.
    why(name: PackageName, version: semver::Version, publisher: PublisherKey) -> Assessment:
        NodeCommand::Why { name, version, publisher } => NodeReply::Why(assessment) => assessment;
    /// The files of a release, which is fetched if need be.
    contents(name: PackageName, version: semver::Version, publisher: PublisherKey) -> FileList:
        NodeCommand::Contents { name, version, publisher } => NodeReply::Files(files) => files;
    /// Which key each name is pinned to.
    pins() -> Vec<Pin>: NodeCommand::Pins => NodeReply::Pins(pins) => pins;
    /// Pins a name to a key.
    pin(name: PackageName, publisher: PublisherKey) -> (): NodeCommand::Pin { name, publisher } => NodeReply::Done => ();
    /// Whether the name was pinned.
    unpin(name: PackageName) -> bool: NodeCommand::Unpin { name } => NodeReply::Changed(changed) => changed;
    /// What publishing the directory `path` would do, or what keeps it from being a package.
    inspect(path: String, allow: Vec<String>) -> Inspection:
        NodeCommand::Inspect { path, allow } => NodeReply::Inspect(inspection) => inspection;
    /// Writes another version into the manifest in `path`.
    set_version(path: String, version: semver::Version) -> ():
        NodeCommand::SetVersion { path, version } => NodeReply::Done => ();
    /// Returns when it is announced, and as many peers hold it as the request waits for.
    publish(request: PublishRequest) -> PublishAnswer: NodeCommand::Publish(request) => NodeReply::Publish(answer) => answer;
    /// What installing would do.
    plan(request: InstallRequest) -> InstallPlan: NodeCommand::Plan(request) => NodeReply::Plan(plan) => plan;
    /// With its dependencies.
    install(request: InstallRequest) -> InstallAnswer: NodeCommand::Install(request) => NodeReply::Install(answer) => answer;
    /// What there is newer.
    outdated() -> Vec<OutdatedPackage>: NodeCommand::Outdated => NodeReply::Outdated(list) => list;
    /// When it is signed, stored and announced.
    yank(request: YankRequest) -> YankAnswer: NodeCommand::Yank(request) => NodeReply::Yank(answer) => answer;
    /// The one in use first.
    keys() -> Vec<KeyInfo>: NodeCommand::Keys => NodeReply::Keys(keys) => keys;
    /// From now on this home publishes with another key.
    rotate_key() -> KeyChange: NodeCommand::RotateKey => NodeReply::KeyChange(change) => change;
    /// `key`: none is the one in use.
    revoke_key(key: Option<PublisherKey>, reason: String) -> KeyChange:
        NodeCommand::RevokeKey { key, reason } => NodeReply::KeyChange(change) => change;
    /// What is installed.
    installed() -> Vec<InstalledInfo>: NodeCommand::Installed => NodeReply::Installed(list) => list;
    /// Compares every file.
    verify(name: PackageName) -> Verification: NodeCommand::Verify { name } => NodeReply::Verified(found) => found;
    /// When the files are gone.
    remove(removal: Removal) -> RemoveAnswer: NodeCommand::Remove(removal) => NodeReply::Removed(answer) => answer;
    /// The peer id at `addr`.
    connect(addr: String) -> String: NodeCommand::Connect { addr } => NodeReply::Connected { peer_id } => peer_id;
    /// One peer, or all; whether any was connected.
    disconnect(peer: Option<String>) -> bool: NodeCommand::Disconnect { peer } => NodeReply::Changed(changed) => changed;
    /// With `wait`, returns when the query has ended.
    bootstrap(wait: bool) -> (): NodeCommand::Bootstrap { wait } => NodeReply::Done => ();
    /// `duration_s`: none is until unbanned.
    ban(peer: String, reason: String, duration_s: Option<u64>) -> ():
        NodeCommand::Ban { peer, reason, duration_s } => NodeReply::Done => ();
    /// How the central indexes are doing.
    central(refresh: bool) -> Vec<CentralInfo>: NodeCommand::Central { refresh } => NodeReply::Central(list) => list;
    /// Whether it was a change: what has ended stays so.
    transfer(id: u64, wish: TransferWish) -> bool: NodeCommand::Transfer { id, wish } => NodeReply::Changed(changed) => changed;
    /// Bytes a second, 0 is no limit; none: as it is.
    set_limits(upload: Option<u64>, download: Option<u64>) -> ():
        NodeCommand::SetLimits { upload, download } => NodeReply::Done => ();
    /// What the DHT knows of a package name, a package id or a peer id.
    lookup(what: String) -> LookupAnswer: NodeCommand::Lookup { what } => NodeReply::Lookup(answer) => answer;
    /// Whether it was not kept before.
    keep(peer: String) -> bool: NodeCommand::Keep { peer } => NodeReply::Changed(changed) => changed;
    /// Whether it was kept.
    unkeep(peer: String) -> bool: NodeCommand::Unkeep { peer } => NodeReply::Changed(changed) => changed;
    /// Whether it was banned.
    unban(peer: String) -> bool: NodeCommand::Unban { peer } => NodeReply::Changed(changed) => changed;
}

impl NodeHandle {
    async fn done(&self, command: NodeCommand) -> Result<(), NodeError> {
        match self.request(command).await? {
            NodeReply::Done => Ok(()),
            _ => Err(unexpected()),
        }
    }
}

fn unexpected() -> NodeError {
    NodeError::new(super::ErrorKind::Failed, "the node answered something else than it was asked")
        .hint("the node may be of another version: restart it")
}
