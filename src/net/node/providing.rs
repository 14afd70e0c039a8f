//! What a node does once after it has started: tells the DHT what it has, and shows the announcements of earlier runs.

use std::collections::BTreeSet;

use tokio_util::sync::CancellationToken;

use crate::market::{Db, MarketError, PackageName, PublisherKey, VerifiedRelease};

use super::super::api::{FeedItem, Via};
use super::super::bus::FEED_KEPT;
use super::super::context::Context;
use super::super::service::heads;
use super::super::service::intake::feed_item;
use super::super::swarm::DhtKey;

/// Releases looked through for this node's own names: the newest ones.
const LOOKED_THROUGH: usize = 2_000;

/// Runs to its end, or until `stop`.
pub async fn run(context: Context, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = catch_up(&context) => {}
    }
}

async fn catch_up(context: &Context) {
    let own = context.identity.public();
    match context.store.run(move |db| recall(db, own)).await {
        Ok((feed, keys)) => {
            context.bus.seed_feed(feed);
            if let Err(error) = context.swarm.provide_all(keys).await {
                tracing::debug!(%error, "nothing provided");
            }
        }
        Err(error) => tracing::warn!(%error, "what this node has is not told to the DHT"),
    }
    if let Err(error) = heads::renew(context, true).await {
        tracing::warn!(%error, "the heads of this node's packages are not told to the DHT");
    }
}

fn recall(db: &mut Db, own: PublisherKey) -> Result<(Vec<FeedItem>, Vec<DhtKey>), MarketError> {
    let recent = db.recent(LOOKED_THROUGH)?;
    let mut feed = Vec::new();
    for release in recent.iter().take(FEED_KEPT) {
        let seen = db.first_seen(release.id())?.unwrap_or(release.release().published_at);
        // How others' releases came is not remembered; most come by sync or are in it by now.
        let via = if release.release().publisher == own { Via::Own } else { Via::Sync };
        feed.push(feed_item(release, via, None, seen));
    }
    let names = own_names(&recent, own).into_iter().map(DhtKey::Name);
    let blobs = db.blob_ids()?.into_iter().map(DhtKey::Blob);
    Ok((feed, blobs.chain(names).collect()))
}

fn own_names(releases: &[VerifiedRelease], own: PublisherKey) -> BTreeSet<PackageName> {
    let own = releases.iter().map(VerifiedRelease::release).filter(|release| release.publisher == own);
    own.map(|release| release.name.clone()).collect()
}
