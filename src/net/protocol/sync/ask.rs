//! Single questions on the sync protocol: what a peer has, and what it knows of something.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use libp2p::PeerId;
use tokio::time::Instant;

use crate::market::head::MAX_HEAD;
use crate::market::{PackageId, PackageName, PublisherKey, ReleaseId};

use super::super::super::context::Context;
use super::super::codec::CodecError;
use super::super::frame::FrameLimits;
use super::super::open::ask;
use super::super::{ProtocolError, SYNC_PROTOCOL, codec};
use super::initiator::{read, take};
use super::message::{MAX_BATCH, MAX_HAVE, MAX_HEADS, MAX_MESSAGE, Message, Package};

/// Asks `peer` for the heads of these packages (at most 16), within `limit`. They are not verified yet.
pub async fn ask_heads(
    context: &Context,
    peer: PeerId,
    packages: &[(PublisherKey, PackageName)],
    limit: Duration,
) -> Result<Vec<Vec<u8>>, ProtocolError> {
    let packages = packages.iter().take(MAX_HEADS);
    let packages: Vec<_> = packages.map(|(key, name)| Package { publisher: key.0, name: name.to_string() }).collect();
    let wanted = packages.len();
    let question = codec::encode(&Message::AskHeads(packages));
    let limits = FrameLimits::new(wanted * (MAX_HEAD + 8) + 16).within(limit);
    let (mut stream, answer) = ask(context, peer, SYNC_PROTOCOL, &question, limits).await?;
    stream.close().await;
    let Message::Heads(heads) = read(&answer)? else { return Err(ProtocolError::Unexpected) };
    if heads.len() > wanted {
        return Err(CodecError::TooMany { what: "heads", count: heads.len(), limit: wanted }.into());
    }
    Ok(heads.into_iter().map(|head| head.0).collect())
}

/// Fetches releases and key statements by their ids (at most 64) from `peer`; returns how many were new.
pub async fn fetch_by_id(
    context: &Context,
    peer: PeerId,
    ids: &[ReleaseId],
    limit: Duration,
) -> Result<usize, ProtocolError> {
    let ids = ids.get(..MAX_BATCH).unwrap_or(ids);
    let question = codec::encode(&Message::Fetch(codec::join_ids(ids.iter().map(|id| &id.0))));
    let limits = FrameLimits::new(MAX_MESSAGE).within(limit);
    let (mut stream, answer) = ask(context, peer, SYNC_PROTOCOL, &question, limits).await?;
    stream.close().await;
    let Message::Envelopes(envelopes) = read(&answer)? else { return Err(ProtocolError::Unexpected) };
    take(context, peer, ids, Message::bounded(envelopes)?).await
}

/// What a peer says it has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// In its catalogue.
    pub releases: HashSet<ReleaseId>,
    /// Whose bytes it holds.
    pub packages: HashSet<PackageId>,
}

/// Asks `peer` which of these (at most 64 of each; the rest is not asked for) it has, within `limit`. Remembers the holders.
pub async fn have(
    context: &Context,
    peer: PeerId,
    releases: &[ReleaseId],
    packages: &[PackageId],
    limit: Duration,
) -> Result<Holdings, ProtocolError> {
    let releases = releases.get(..MAX_HAVE).unwrap_or(releases);
    let packages = packages.get(..MAX_HAVE).unwrap_or(packages);
    let question = codec::encode(&Message::Have(
        codec::join_ids(releases.iter().map(|id| &id.0)),
        codec::join_ids(packages.iter().map(|id| &id.0)),
    ));
    let deadline = Instant::now() + limit;
    let limits = FrameLimits::new(256).within(limit);
    let asked = ask(context, peer, SYNC_PROTOCOL, &question, limits);
    let (mut stream, answer) = tokio::time::timeout_at(deadline, asked)
        .await
        .map_err(|_| ProtocolError::Unreachable("no answer in time".into()))??;
    stream.close().await;
    let Message::Holdings(known, held) = read(&answer)? else { return Err(ProtocolError::Unexpected) };
    let answers: HashMap<PackageId, bool> =
        packages.iter().enumerate().map(|(index, id)| (*id, codec::bit(&held, index))).collect();
    for (package, held) in &answers {
        if *held {
            context.services.holders().add(*package, peer);
        } else {
            context.services.holders().remove(*package, peer);
        }
    }
    Ok(Holdings {
        releases: releases
            .iter()
            .enumerate()
            .filter(|(index, _)| codec::bit(&known, *index))
            .map(|(_, id)| *id)
            .collect(),
        packages: answers.into_iter().filter_map(|(id, held)| held.then_some(id)).collect(),
    })
}
