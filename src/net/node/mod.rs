//! Starting and stopping a node, and what it answers.

mod core;
mod dispatch;
mod judge;
mod logs;
mod providing;
mod start;
mod status;
mod syncing;

#[cfg(test)]
mod key_tests;
#[cfg(test)]
mod network_tests;
#[cfg(test)]
mod tests;
mod upkeep;

use std::sync::Arc;

use crate::config::{Home, Settings};

use super::api::{LogLine, NodeCommand, NodeEvent, NodeReply};
use super::error::NodeError;
use super::handle::EventStream;

use self::core::Core;
pub use start::start;

/// What a node needs to start.
#[derive(Clone, Debug)]
pub struct NodeOptions {
    pub home: Home,
    pub settings: Settings,
    /// Where log lines come from, for `NodeCommand::Logs` and `NodeEvent::Log`; none: no logs in events.
    pub logs: Option<tokio::sync::broadcast::Sender<LogLine>>,
    /// A verb's own short-lived node: no control socket, no fixed port.
    pub ephemeral: bool,
}

/// A running node in this process. Dropped, it stops; [`Node::shutdown`] also waits for that.
pub struct Node {
    core: Arc<Core>,
}

impl Node {
    /// Answers `command`.
    ///
    /// # Errors
    /// What the command came to, or that the node is stopping.
    pub async fn request(&self, command: NodeCommand) -> Result<NodeReply, NodeError> {
        dispatch::request(&self.core, command).await
    }

    /// Events from now on.
    pub fn subscribe(&self) -> EventStream {
        self.core.context.bus.subscribe()
    }

    /// Emits to all subscribers.
    pub fn emit(&self, event: NodeEvent) {
        self.core.context.bus.emit(event);
    }

    /// For tests of the node's parts.
    #[cfg(test)]
    pub(in crate::net) fn context(&self) -> &super::context::Context {
        &self.core.context
    }

    /// Stops the node and returns when that is done: peers stored, connections closed, socket and lock given back. Takes two
    /// seconds at most.
    pub async fn shutdown(&self) {
        self.core.stop.cancel();
        self.core.stopped().await;
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.core.stop.cancel();
    }
}
