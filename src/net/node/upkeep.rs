//! What a node does for its store now and then.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use crate::market::MarketError;
use crate::market::store::Slice;

use super::super::clock::unix_now;
use super::super::context::Context;
use super::super::service::{cache, heads};

const EVERY: Duration = Duration::from_secs(60 * 60);

/// The whole store is looked through at start and this many hours later again.
const CHECK_EVERY: u32 = 24 * 7;

/// Between two slices of a check, so that whoever waits for the database has its turn.
const PAUSE: Duration = Duration::from_millis(5);

/// The check begins when the node has done what it was started for.
const FIRST_CHECK: Duration = Duration::from_secs(2);

/// Drops expired releases, renews own heads and makes the cache keep to its limits at start and every hour; looks the store
/// through for damage at start and every week. Until `stop`.
pub async fn run(context: Context, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tidy(&context) => {}
        () = check(&context) => {}
    }
}

async fn tidy(context: &Context) {
    let mut every = interval(EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        drop_expired(context).await;
        renew_heads(context).await;
        if let Err(error) = cache::collect(context, 0).await {
            tracing::warn!(%error, "the cache could not be tidied");
        }
    }
}

/// The heads of this node's packages are signed anew before they expire.
async fn renew_heads(context: &Context) {
    match heads::renew(context, false).await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "package heads signed anew"),
        Err(error) => tracing::warn!(%error, "package heads could not be signed anew"),
    }
}

async fn check(context: &Context) {
    sleep(FIRST_CHECK).await;
    loop {
        if let Err(error) = check_store(context).await {
            tracing::warn!(%error, "the store could not be checked");
        }
        sleep(EVERY * CHECK_EVERY).await;
    }
}

async fn check_store(context: &Context) -> Result<(), MarketError> {
    let mut slice = Slice::default();
    let mut mended = 0;
    while let Some(next) = context.store.run(move |db| db.check_slice(slice)).await? {
        (mended, slice) = (next.mended, next);
        sleep(PAUSE).await;
    }
    if mended > 0 {
        tracing::warn!(rows = mended, "damaged rows of the catalogue were put right");
    }
    for id in context.store.run(|db| db.blob_ids()).await? {
        cache::vet(context.clone(), id).await?;
        sleep(PAUSE).await;
    }
    Ok(())
}

async fn drop_expired(context: &Context) {
    let own = context.identity.public();
    match context.store.run(move |db| db.drop_expired(unix_now(), own)).await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "expired releases dropped"),
        Err(error) => tracing::warn!(%error, "expired releases could not be dropped"),
    }
}
