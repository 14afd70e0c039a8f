//! What a node does for its store now and then.

use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use crate::market::store::{PageScan, Slice};
use crate::market::{Db, MarketError};

use super::super::clock::unix_now;
use super::super::context::Context;
use super::super::service::{cache, heads};

const EVERY: Duration = Duration::from_secs(60 * 60);

/// The whole store is looked through at start and this many hours later again.
const CHECK_EVERY: u32 = 24 * 7;

/// Releases dropped at a time where the catalogue is over its limit.
const TRIMMED: u64 = 500;

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
        trim(context).await;
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
    check_pages(context).await?;
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

/// Has SQLite look through the whole file; what it cannot read is made anew.
async fn check_pages(context: &Context) -> Result<(), MarketError> {
    // Ends the scan when the node does.
    let (scan, _leash) = PageScan::open(&context.home)?;
    let scanning = spawn_blocking(move || scan.run()).await;
    let sound = scanning.map_err(|_| MarketError::Failed("a worker stopped".into()))??;
    if !sound {
        context.store.run(Db::rebuild).await?;
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

/// Keeps to a `catalog_limit` that was lowered, a little at a time.
async fn trim(context: &Context) {
    let (limit, own) = (context.settings.performance.catalog_limit, context.identity.public());
    let mut gone = 0;
    loop {
        match context.store.run(move |db| db.trim(limit, own, TRIMMED)).await {
            Ok(0) => break,
            Ok(count) => gone += count,
            Err(error) => {
                tracing::warn!(%error, "the catalogue could not be trimmed to performance.catalog_limit");
                break;
            }
        }
        sleep(PAUSE).await;
    }
    if gone > 0 {
        tracing::info!(count = gone, "the oldest releases dropped, for performance.catalog_limit");
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::service::testing::TestNode;
    use super::*;
    use crate::market::testing::damage_page;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_damaged_page_is_found_while_the_node_runs_and_put_right() {
        let node = TestNode::start().await;
        node.store("kept", "1.0.0", b"bytes").await;
        let context = &node.context;
        check_store(context).await.unwrap();
        let repairs = |db: &mut Db| Ok(db.repairs().to_vec());
        assert!(context.store.run(repairs).await.unwrap().is_empty());

        // Of an index that nothing has asked for.
        damage_page(&context.home, "releases_by_expiry");
        check_store(context).await.unwrap();
        assert_eq!(context.store.run(repairs).await.unwrap().len(), 1);
        assert_eq!(node.names().await, ["kept"]);
    }
}
