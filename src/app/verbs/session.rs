//! The node a verb talks to: the one that runs on the home, or its own for as long as it needs.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::app::failure::busy;
use crate::config::Origin;
use crate::market::Store;
use crate::net::control::client::ControlClient;
use crate::net::{self, ErrorKind, NodeError, NodeHandle, NodeOptions};

use super::Context;

/// How long a verb's own node may look for a peer to sync with.
const SETTLE: Duration = Duration::from_secs(3);
/// How long to wait for the node of another verb on the same home to end.
const LOCKED: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// How long a verb's own node may take to stop.
const CLOSE: Duration = Duration::from_secs(5);

/// Remembers the node that a verb started, to stop it in the end.
#[derive(Default)]
pub struct Session {
    own: Option<NodeHandle>,
}

impl Session {
    /// The node that runs on the home.
    ///
    /// # Errors
    /// None runs (exit code 6), or it does not answer.
    pub async fn running(&self, context: &Context) -> Result<NodeHandle, NodeError> {
        self.find(context).await?.ok_or_else(|| {
            NodeError::new(ErrorKind::NoNode, format!("no node runs on {}", context.home.root().display()))
                .hint("start one with `ggen-p2p-tui start`, or name its home with --home")
        })
    }

    /// The same, if there is one.
    pub async fn find(&self, context: &Context) -> Result<Option<NodeHandle>, NodeError> {
        let found = ControlClient::connect(&context.home).await?.map(NodeHandle::Remote);
        if found.is_some() {
            say_what_is_without_effect(context);
        }
        Ok(found)
    }

    /// The node that runs on the home, else one of this verb's own.
    pub async fn open(&mut self, context: &Context) -> Result<NodeHandle, NodeError> {
        if let Some(node) = self.find(context).await? {
            return Ok(node);
        }
        let options = NodeOptions {
            home: context.home.clone(),
            settings: context.loaded.settings.clone(),
            logs: None,
            ephemeral: true,
        };
        let deadline = Instant::now() + LOCKED;
        loop {
            match net::start(options.clone()).await {
                Ok(node) => {
                    self.own = Some(node.clone());
                    return Ok(node);
                }
                // A node was started at the same moment, or another verb has its own: the first serves, the second ends.
                Err(error) if net::is_held(&error) => {
                    if let Some(node) = self.find(context).await? {
                        return Ok(node);
                    }
                    if Instant::now() >= deadline {
                        return Err(busy(error));
                    }
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether the node is this verb's own.
    pub fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// Gives a node that was just started the time to meet a peer and take over its catalogue: until the first sync has
    /// ended, or a few seconds. Returns at once where there is nobody to meet, or the node has been running.
    pub async fn settle(&self, context: &Context) -> Result<(), NodeError> {
        let Some(node) = &self.own else { return Ok(()) };
        if !may_meet_peers(context).await {
            return Ok(());
        }
        let deadline = Instant::now() + SETTLE;
        // Asked again and again: status events come once a second, and this usually takes a fraction of one.
        while Instant::now() < deadline && node.status().await?.last_sync_at.is_none() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }

    /// Stops the verb's own node, and waits until it is gone, so that nothing it wrote is lost.
    pub async fn close(self) {
        let Some(node) = self.own else { return };
        if timeout(CLOSE, node.shutdown()).await.is_err() {
            tracing::warn!("the node took too long to stop");
        }
    }
}

/// A node that runs has its settings already.
fn say_what_is_without_effect(context: &Context) {
    let of_node = |key: &str| key.starts_with("network.") || key.starts_with("storage.");
    for (key, _, origin) in context.loaded.entries() {
        if let Origin::Flag { flag } = origin
            && of_node(key.name)
        {
            context.output.note(&format!("note: {flag} has no effect on the node that runs already"));
        }
    }
}

/// Whether a node of this home has anybody to look for.
async fn may_meet_peers(context: &Context) -> bool {
    let network = &context.loaded.settings.network;
    if network.mdns || !network.bootstrap_nodes.is_empty() {
        return true;
    }
    let home = context.home.clone();
    let remembered = tokio::task::spawn_blocking(move || {
        let store = Store::open(&home)?;
        store.run_blocking(|db| Ok(db.peers()?.iter().any(|peer| !peer.addrs.is_empty())))
    });
    matches!(remembered.await, Ok(Ok(true)))
}
