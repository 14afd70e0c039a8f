//! The central indexes of the settings: fetched when they are wanted and no longer fresh, kept for when their servers
//! cannot be reached, searched beside the catalogue.
//!
//! Nothing waits for a server longer than it says: an index that is late serves the next question.

mod archive;
pub mod fetch;
#[cfg(test)]
mod fetch_tests;
mod merge;
mod refresh;
mod sources;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use crate::market::central::Index;

use super::super::api::{CentralInfo, NodeReply};
use super::super::context::Context;
use super::super::error::NodeError;

pub(in crate::net) use archive::download;
pub(in crate::net) use merge::merge;
pub(in crate::net) use sources::Central;

/// An index and the place it is from.
pub(in crate::net) type Loaded = (String, Arc<Index>);

/// How long the first search waits for an index of which there is no copy. One with an old copy waits as long as for peers.
const FIRST: Duration = Duration::from_secs(3);
/// How long an order to refresh waits, and an install that needs an index.
const REFRESH: Duration = Duration::from_secs(60);

/// Answers [`NodeCommand::Central`](super::super::api::NodeCommand::Central).
pub async fn answer(context: &Context, refresh: bool) -> Result<NodeReply, NodeError> {
    refresh::load(context).await;
    if refresh {
        refresh::wait(context, true, REFRESH).await;
    }
    Ok(NodeReply::Central(context.services.central().infos()))
}

/// The indexes for a search, with how they are doing. Fetches what is not fresh, and waits a little for it.
pub(in crate::net) async fn look(context: &Context) -> (Vec<Loaded>, Vec<CentralInfo>) {
    let central = context.services.central();
    if central.is_empty() {
        return Default::default();
    }
    refresh::load(context).await;
    let time = Duration::from_millis(context.settings.performance.search_timeout_ms);
    let time = if central.has_all() { time } else { time.max(FIRST) };
    refresh::wait(context, false, time).await;
    (central.loaded(), central.infos())
}

/// The indexes that are there, without asking anybody.
pub(in crate::net) async fn at_hand(context: &Context) -> (Vec<Loaded>, Vec<CentralInfo>) {
    refresh::load(context).await;
    let central = context.services.central();
    (central.loaded(), central.infos())
}

/// Fetches what is not fresh, so that the first search finds it. For a node that has just started.
pub(in crate::net) async fn warm_up(context: Context) {
    if !context.services.central().is_empty() {
        refresh::load(&context).await;
        refresh::wait(&context, false, REFRESH).await;
    }
}
