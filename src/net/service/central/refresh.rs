//! Reading the copies at start, and asking the servers for what is not fresh.

use std::time::Duration;

use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;

use crate::market::central::{Index, MAX_INDEX, copy};
use crate::market::store::CentralCopy;

use super::super::super::clock::unix_now;
use super::super::super::context::Context;
use super::super::super::error::{ErrorKind, NodeError};
use super::fetch::{Fetched, Known, Limits, fetch};
use super::sources::Due;

const LIMITS: Limits = Limits { bytes: MAX_INDEX, time: Duration::from_secs(30), silence: Duration::from_secs(10) };

/// Reads the copies of former runs, once.
pub(super) async fn load(context: &Context) {
    let central = context.services.central();
    central.loading.get_or_init(|| read_copies(context)).await;
}

async fn read_copies(context: &Context) {
    let central = context.services.central();
    if central.is_empty() {
        return;
    }
    let copies = match context.store.run(|db| db.central_copies()).await {
        Ok(copies) => copies,
        Err(error) => return tracing::warn!(%error, "the copies of central indexes cannot be read"),
    };
    for known in copies {
        let (dir, kept) = (context.home.central_dir(), known.clone());
        let index = if central.has(&known.location) {
            spawn_blocking(move || copy::load(&kept, &dir)).await.ok()
        } else {
            None
        };
        match index {
            Some(Ok(index)) => central.take(known, Some(index)),
            // Damaged, or of an index that is not in the settings any more.
            other => {
                if let Some(Err(error)) = other {
                    tracing::warn!(%error, location = known.location, "the copy of a central index cannot be used");
                }
                let _ = context.store.run(move |db| db.forget_central_copy(&known.location)).await;
            }
        }
    }
    sweep(context).await;
}

async fn sweep(context: &Context) {
    let (copies, dir) = (context.services.central().copies(), context.home.central_dir());
    let _ = spawn_blocking(move || copy::sweep(&copies, &dir)).await;
}

/// Asks the servers of what is not fresh (with `force`, all), and waits for at most `time`; the asking goes on by itself.
pub(super) async fn wait(context: &Context, force: bool, time: Duration) {
    if context.services.central().due(force).is_empty() {
        return;
    }
    let asking = context.services.tasks().spawn(ask(context.clone(), force));
    let _ = timeout(time, asking).await;
}

async fn ask(context: Context, force: bool) {
    let central = context.services.central().clone();
    let _one_at_a_time = central.refreshing.lock().await;
    // Another question may have brought it meanwhile.
    let due = central.due(force);
    let mut asking = JoinSet::new();
    for due in due {
        central.fetching(&due.name, true);
        let context = context.clone();
        asking.spawn(async move {
            let central = context.services.central();
            match ask_one(&context, &due).await {
                Ok((copy, index)) => central.take(copy, index),
                Err(error) => {
                    tracing::info!(location = due.name, %error, "a central index could not be fetched");
                    central.failed(&due.name, &error);
                }
            }
            central.fetching(&due.name, false);
        });
    }
    while asking.join_next().await.is_some() {}
    sweep(&context).await;
}

/// Fetches, reads, keeps; the database comes last. No index: the copy is still what the server has.
async fn ask_one(context: &Context, due: &Due) -> Result<(CentralCopy, Option<Index>), NodeError> {
    let known = due
        .copy
        .as_ref()
        .map_or(Known::default(), |copy| Known { etag: copy.etag.clone(), last_modified: copy.last_modified.clone() });
    let (location, dir, stopping) =
        (due.location.clone(), context.home.central_dir(), context.services.tasks().clone());
    let fetching = spawn_blocking(move || {
        let file = copy::temp_file(&dir)?;
        match fetch(&location, &known, LIMITS, file, &mut |_, _| !stopping.is_closed())? {
            Fetched::Unchanged => Ok(None),
            Fetched::New { file, known } => Ok(Some((copy::keep(file, &dir)?, known))),
        }
    });
    let fetched = fetching.await.map_err(|_| NodeError::new(ErrorKind::Failed, "a worker stopped"))?;
    let fetched = fetched.map_err(|error: NodeError| error)?;
    let now = unix_now();
    let (copy, index) = match (fetched, &due.copy) {
        (Some(((index, sha256, size), known)), _) => {
            let Known { etag, last_modified } = known;
            let location = due.name.clone();
            (CentralCopy { location, sha256, size, etag, last_modified, fetched_at: now, checked_at: now }, Some(index))
        }
        (None, Some(copy)) => (CentralCopy { checked_at: now, ..copy.clone() }, None),
        (None, None) => {
            return Err(NodeError::new(ErrorKind::Network, "the server says that nothing changed, of nothing"));
        }
    };
    let row = copy.clone();
    context.store.run(move |db| db.record_central_copy(&row)).await?;
    Ok((copy, index))
}
