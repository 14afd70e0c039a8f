//! The thread that owns the database.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvError, RecvTimeoutError, Sender, channel};

use tokio::sync::oneshot;

use super::Db;
use super::convert::{self, Suspicion};
use crate::config::Home;
use crate::market::MarketError;

type Job = Box<dyn FnOnce(&mut Db) + Send>;

/// What the thread is told.
enum Order {
    Run(Job),
    /// The last one: close the database, then answer.
    Close(oneshot::Sender<()>),
}

/// A handle to the thread that owns [`Db`]. Cheap to clone. The thread ends when it is closed or the last handle is dropped.
// The channel needs no bound of its own: every asker waits for its answer, so there are never more jobs than askers.
#[derive(Clone)]
pub struct Store {
    orders: Sender<Order>,
}

impl Store {
    /// Opens (or makes, or migrates) the database and blob folder of `home`, starts the thread.
    pub fn open(home: &Home) -> Result<Self, MarketError> {
        let db = Db::open(home)?;
        let (orders, queue) = channel();
        std::thread::Builder::new()
            .name("market-db".into())
            .spawn(move || serve(db, &queue))
            .map_err(|error| MarketError::Failed(format!("cannot start the database thread: {error}")))?;
        Ok(Self { orders })
    }

    /// Runs `job` on the database thread. Errors when the thread is gone.
    pub async fn run<R, F>(&self, job: F) -> Result<R, MarketError>
    where
        R: Send + 'static,
        F: FnOnce(&mut Db) -> Result<R, MarketError> + Send + 'static,
    {
        self.submit(job)?.await.unwrap_or_else(|_| Err(unanswered()))
    }

    /// The same, blocking the calling thread; not for async code.
    pub fn run_blocking<R, F>(&self, job: F) -> Result<R, MarketError>
    where
        R: Send + 'static,
        F: FnOnce(&mut Db) -> Result<R, MarketError> + Send + 'static,
    {
        self.submit(job)?.blocking_recv().unwrap_or_else(|_| Err(unanswered()))
    }

    fn submit<R, F>(&self, job: F) -> Result<oneshot::Receiver<Result<R, MarketError>>, MarketError>
    where
        R: Send + 'static,
        F: FnOnce(&mut Db) -> Result<R, MarketError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        // An asker that no longer waits has not taken its work back, so the job runs all the same.
        let job: Job = Box::new(move |db| drop(answer.send(job(db))));
        self.orders.send(Order::Run(job)).map_err(|_| MarketError::Failed("the database is closed".into()))?;
        Ok(answered)
    }

    /// Closes the database behind the jobs already waiting; returns when that is done: all is in the one file, its -wal and
    /// -shm files are gone. Later jobs fail.
    pub async fn close(&self) {
        let (closed, done) = oneshot::channel();
        if self.orders.send(Order::Close(closed)).is_ok() {
            let _ = done.await;
        }
    }
}

fn unanswered() -> MarketError {
    MarketError::Failed("the database thread gave no answer: the operation failed inside".into())
}

/// A job that panics answers nobody and rolls its transaction back; the jobs behind it still run.
fn serve(mut db: Db, queue: &Receiver<Order>) {
    let closed = loop {
        match next(&mut db, queue) {
            Ok(Order::Run(job)) => {
                if catch_unwind(AssertUnwindSafe(|| job(&mut db))).is_err() {
                    tracing::error!("a database operation panicked");
                }
                repair(&mut db);
            }
            Ok(Order::Close(closed)) => break Some(closed),
            Err(_) => break None,
        }
    };
    drop(db);
    if let Some(closed) = closed {
        let _ = closed.send(());
    }
}

/// Waits for the next order, and merges the full-text index where none comes.
fn next(db: &mut Db, queue: &Receiver<Order>) -> Result<Order, RecvError> {
    while let Some(leisure) = db.leisure() {
        match queue.recv_timeout(leisure) {
            Ok(order) => return Ok(order),
            Err(RecvTimeoutError::Disconnected) => return Err(RecvError),
            Err(RecvTimeoutError::Timeout) => {
                if let Err(error) = db.merge_words() {
                    tracing::warn!("the search index could not be merged: {error}");
                }
                repair(db);
            }
        }
    }
    queue.recv()
}

/// Puts right what the job came upon; whoever asked for it has been told to try again.
fn repair(db: &mut Db) {
    let repaired = match convert::take_suspicion() {
        Suspicion::None => return,
        Suspicion::Rows => db.mend().and_then(|mended| match mended {
            // The rows are right, so it was the index that named one which is not there.
            0 => db.rebuild_index(),
            _ => Ok(()),
        }),
        Suspicion::Pages => db.rebuild(),
    };
    if let Err(error) = repaired {
        tracing::error!("the database is damaged and could not be put right: {error}");
    }
    // What came up meanwhile is what was being mended.
    convert::take_suspicion();
}
