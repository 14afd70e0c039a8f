//! What a running node consists of, and how it ends.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::super::api::NodeEvent;
use super::super::context::Context;
use super::super::lock::NodeLock;
use super::super::protocol::Serving;
use super::logs::LogRing;
use super::status::Counting;

/// For tasks to end and peers to be stored.
const TASKS: Duration = Duration::from_millis(1400);

/// For the database to be closed: a job may be under way, and what is in the write-ahead log goes into the file.
const DATABASE: Duration = Duration::from_millis(1000);

/// For the control socket to give its last answers.
const ANSWERS: Duration = Duration::from_millis(500);

pub struct Core {
    pub context: Context,
    pub logs: LogRing,
    pub counting: Counting,
    pub started: Instant,
    /// Cancelled once, by whoever wants the node to stop.
    pub stop: CancellationToken,
    pub tasks: TaskTracker,
    /// Given back at the end, in this order.
    pub held: Mutex<Held>,
    ended: watch::Sender<bool>,
}

/// What other nodes and processes notice of this one.
#[derive(Default)]
pub struct Held {
    pub serving: Option<Serving>,
    pub control: Option<(CancellationToken, JoinHandle<()>)>,
    pub lock: Option<NodeLock>,
}

impl Core {
    pub fn new(context: Context, stop: CancellationToken, tasks: TaskTracker, held: Held, started: Instant) -> Self {
        Self {
            context,
            logs: LogRing::default(),
            counting: Counting::default(),
            started,
            stop,
            tasks,
            held: Mutex::new(held),
            ended: watch::Sender::new(false),
        }
    }

    /// Waits until somebody wants the node to stop, then ends it. Runs once, in a task of its own.
    pub async fn end(&self) {
        self.stop.cancelled().await;
        self.context.bus.emit(NodeEvent::Stopping);
        drop(self.held().serving.take());
        // Who comes now finds no node here, and waits for the home to be free instead of asking one that is ending.
        if self.held().control.is_some() {
            let _ = std::fs::remove_file(self.context.home.socket_file());
        }
        self.tasks.close();
        if timeout(TASKS, self.tasks.wait()).await.is_err() {
            tracing::warn!(left = self.tasks.len(), "not all of the node ended in time");
        }
        // Subscribers go first: the control server waits for their streams.
        self.context.bus.close();
        let control = self.held().control.take();
        if let Some((stop, mut server)) = control {
            stop.cancel();
            if timeout(ANSWERS, &mut server).await.is_err() {
                server.abort();
                // Aborted, it still takes its socket away: before the lock is free for another node.
                let _ = server.await;
            }
        }
        if timeout(DATABASE, self.context.store.close()).await.is_err() {
            tracing::warn!(
                "the database is not closed yet; nothing is lost, the next start takes up its write-ahead log"
            );
        }
        drop(self.held().lock.take());
        tracing::info!("the node has stopped");
        self.ended.send_replace(true);
    }

    /// Returns when the node has ended.
    pub async fn stopped(&self) {
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
