//! Serving the control socket of a running node.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Weak;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::super::api::{NodeCommand, NodeReply};
use super::super::error::{ErrorKind, NodeError};
use super::super::handle::EventStream;
use super::super::node::Node;
use super::listener::GuardedListener;
use super::{MAX_CONNECTIONS, routes, socket};

/// How long answers under way may take once the node stops.
const DRAIN: Duration = Duration::from_secs(2);

/// What answers the requests that come in by the socket.
pub trait Backend: Clone + Send + Sync + 'static {
    fn request(&self, command: NodeCommand) -> impl Future<Output = Result<NodeReply, NodeError>> + Send;
    /// # Errors
    /// The node is gone.
    fn subscribe(&self) -> Result<EventStream, NodeError>;
}

/// The server does not keep its node alive.
impl Backend for Weak<Node> {
    async fn request(&self, command: NodeCommand) -> Result<NodeReply, NodeError> {
        let node = self.upgrade().ok_or_else(gone)?;
        node.request(command).await
    }
    fn subscribe(&self) -> Result<EventStream, NodeError> {
        Ok(self.upgrade().ok_or_else(gone)?.subscribe())
    }
}

fn gone() -> NodeError {
    NodeError::new(ErrorKind::NoNode, "the node is stopping").hint("start it again with `ggen-p2p-tui start`")
}

/// Binds `socket` and serves `backend` on it until `shutdown`, then removes the socket; the returned task ends after that.
/// Call it inside a Tokio runtime, with the node lock of the home held: a socket left by a node that is gone is replaced.
///
/// # Errors
/// The socket cannot be made; nothing was spawned then.
pub fn serve<B: Backend>(backend: B, socket: &Path, shutdown: CancellationToken) -> Result<JoinHandle<()>, NodeError> {
    let listener = GuardedListener::new(socket::bind(socket)?, MAX_CONNECTIONS);
    let removal = RemoveOnDrop(socket.to_owned());
    let router = routes::router(backend, shutdown.clone());
    Ok(tokio::spawn(async move {
        let _removal = removal;
        let stopped = shutdown.clone();
        let serving = axum::serve(listener, router).with_graceful_shutdown(async move { stopped.cancelled().await });
        let drained = async {
            shutdown.cancelled().await;
            tokio::time::sleep(DRAIN).await;
        };
        tokio::select! {
            result = serving.into_future() => if let Err(error) = result {
                tracing::error!(%error, "the control socket stopped serving");
            },
            () = drained => tracing::debug!("control requests under way were cut off"),
        }
    }))
}

/// The socket goes when its server goes, also when the task is aborted.
struct RemoveOnDrop(PathBuf);

impl Drop for RemoveOnDrop {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
