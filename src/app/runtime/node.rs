//! The node's life beside the dashboard: starting, telling, stopping.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::{Backend, Inbox, exec};
use crate::app::event::{Event, Tag};
use crate::net::{ErrorKind, EventStream, NodeCommand, NodeError, NodeHandle};

/// How long a node in this process may take to stop.
const STOP_TIME: Duration = Duration::from_secs(5);

/// Between tries to reach a node of another process that went away.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(8);

type Started = Result<(NodeHandle, EventStream), NodeError>;

enum Stage {
    Starting(JoinHandle<Started>),
    Running(EventStream),
    /// A node of another process went away; until it is there again.
    Away(JoinHandle<EventStream>),
    Over,
}

/// A node, from its start to its end.
pub struct NodeTask {
    stage: Stage,
    handle: Option<NodeHandle>,
}

impl NodeTask {
    /// Starts the node on a task of its own, so that its start does not hold up the screen.
    pub fn start<F>(node: F) -> Self
    where
        F: Future<Output = Result<NodeHandle, NodeError>> + Send + 'static,
    {
        let starting = tokio::spawn(async move {
            let handle = node.await?;
            // Before anything is asked, so that nothing falls between answer and events.
            let events = handle.subscribe().await?;
            Ok((handle, events))
        });
        Self { stage: Stage::Starting(starting), handle: None }
    }

    fn started(&mut self, started: Started) -> Event {
        match started {
            Ok((handle, events)) => {
                let remote = matches!(handle, NodeHandle::Remote(_));
                (self.handle, self.stage) = (Some(handle), Stage::Running(events));
                Event::NodeReady { remote }
            }
            Err(error) => {
                self.stage = Stage::Over;
                Event::StartFailed(error)
            }
        }
    }
}

impl Backend for NodeTask {
    async fn next(&mut self) -> Event {
        match &mut self.stage {
            Stage::Starting(task) => {
                let started = task.await;
                self.started(started.unwrap_or_else(|_| Err(broke_down())))
            }
            Stage::Running(events) => match events.next().await {
                Some(event) => Event::Node(event),
                None => {
                    self.stage = match &self.handle {
                        Some(handle @ NodeHandle::Remote(_)) => Stage::Away(tokio::spawn(again(handle.clone()))),
                        _ => Stage::Over,
                    };
                    Event::NodeGone
                }
            },
            Stage::Away(task) => match task.await {
                Ok(events) => {
                    self.stage = Stage::Running(events);
                    Event::NodeReady { remote: true }
                }
                Err(_) => {
                    self.stage = Stage::Over;
                    std::future::pending().await
                }
            },
            Stage::Over => std::future::pending().await,
        }
    }

    fn request(&mut self, inbox: &Inbox, tag: Tag, command: NodeCommand) {
        exec::request(inbox.sender(), self.handle.clone(), tag, command);
    }

    fn read_dir(&mut self, inbox: &Inbox, path: String) {
        exec::read_dir(inbox.sender(), path);
    }

    /// Stops a node of this process; one elsewhere goes on.
    async fn finish(mut self) {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Starting(task) => {
                task.abort();
                if let Ok(Ok((handle, _))) = task.await {
                    self.handle = Some(handle);
                }
            }
            Stage::Away(task) => task.abort(),
            Stage::Running(_) | Stage::Over => {}
        }
        if let Some(handle @ NodeHandle::Embedded(_)) = self.handle
            && tokio::time::timeout(STOP_TIME, handle.shutdown()).await.is_err()
        {
            tracing::warn!("the node took more than {} s to stop and was left behind", STOP_TIME.as_secs());
        }
    }
}

/// Listens to a node of another process again, once there is one; tried ever more seldom.
async fn again(handle: NodeHandle) -> EventStream {
    let mut wait = FIRST_WAIT;
    loop {
        tokio::time::sleep(wait).await;
        if let Ok(events) = handle.subscribe().await {
            return events;
        }
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

fn broke_down() -> NodeError {
    NodeError::new(ErrorKind::Failed, "the node broke down while starting").hint("the log says more; please report it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Home;
    use crate::net::control::client::ControlClient;
    use crate::net::testing::{DEADLINE, TestNode};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_node_elsewhere_that_was_started_again_is_listened_to_again() {
        let node = TestNode::alone().await;
        let home = Home::new(node.home.path());
        let client = ControlClient::connect(&home).await.unwrap().unwrap();
        let mut task = NodeTask::start(async move { Ok(NodeHandle::Remote(client)) });
        let until = |wanted: fn(&Event) -> bool, mut task: NodeTask| async move {
            let found = async { while !wanted(&task.next().await) {} };
            tokio::time::timeout(DEADLINE, found).await.unwrap();
            task
        };
        let is_ready = |event: &Event| *event == Event::NodeReady { remote: true };
        task = until(is_ready, task).await;
        let node = node.restarted(|_| {}).await;
        task = until(|event| *event == Event::NodeGone, task).await;
        task = until(is_ready, task).await;
        node.handle.shutdown().await.unwrap();
        task = until(|event| *event == Event::NodeGone, task).await;
        task.finish().await;
    }
}
