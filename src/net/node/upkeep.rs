//! What a node does for its store now and then.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::super::clock::unix_now;
use super::super::context::Context;
use super::super::service::heads;

const EVERY: Duration = Duration::from_secs(60 * 60);

/// Drops expired releases and renews own heads at start and every hour, until `stop`.
pub async fn run(context: Context, stop: CancellationToken) {
    let mut every = interval(EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => {
                drop_expired(&context).await;
                renew_heads(&context).await;
            }
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

async fn drop_expired(context: &Context) {
    let own = context.identity.public();
    match context.store.run(move |db| db.drop_expired(unix_now(), own)).await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "expired releases dropped"),
        Err(error) => tracing::warn!(%error, "expired releases could not be dropped"),
    }
}
