//! The side that answers.

use std::time::Duration;

use libp2p::{PeerId, Stream};
use tokio::time::timeout;

use crate::market::{PackageId, PackageName, PublisherKey, ReleaseId};

use super::super::super::api::Via;
use super::super::super::clock::unix_now;
use super::super::super::context::Context;
use super::super::super::limits::Limit;
use super::super::super::service::intake;
use super::super::super::service::slots::Slot;
use super::super::codec::CodecError;
use super::super::frame::{FrameError, FrameLimits, Framed};
use super::super::open::SEND_LIMIT;
use super::super::{ProtocolError, codec};
use super::message::{Envelope, MAX_BATCH, MAX_HAVE, MAX_HEADS, MAX_MESSAGE, Message, Package};
use super::set::Set;

/// How long one session may take.
const SESSION: Duration = Duration::from_secs(150);
/// How long the initiator may take for what it was sent last.
const IDLE: Duration = Duration::from_secs(30);
/// Messages of one session.
const MAX_MESSAGES: usize = 4000;

/// A reconciliation under way: the set, and the place it takes among those served.
struct Under {
    /// None while the initiator does something else: the database keeps all that was there when a set was opened.
    set: Option<Set>,
    slot: Slot,
}

/// Answers the requests of one stream until the initiator ends it.
pub async fn serve(context: Context, peer: PeerId, mut stream: Framed<Stream>) -> Result<(), ProtocolError> {
    timeout(SESSION, session(&context, peer, &mut stream))
        .await
        .map_err(|_| ProtocolError::Unfinished(SESSION.as_secs()))??;
    stream.close().await;
    Ok(())
}

async fn session(context: &Context, peer: PeerId, stream: &mut Framed<Stream>) -> Result<(), ProtocolError> {
    let mut under: Option<Under> = None;
    for _ in 0..MAX_MESSAGES {
        let request = match stream.receive(FrameLimits::new(MAX_MESSAGE).within(IDLE)).await {
            Ok(bytes) => codec::decode(&bytes)?,
            Err(FrameError::Ended) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        if let (Some(under), false) = (&mut under, matches!(request, Message::Reconcile(_))) {
            under.set = None;
        }
        let answer = match request {
            _ if !context.services.may_batch(peer) => Message::Busy,
            Message::Reconcile(query) => {
                let (kept, answer) = reconcile(context, peer, under.take(), query).await?;
                under = kept;
                answer
            }
            Message::Fetch(ids) => envelopes(context, &ids).await?,
            Message::Envelopes(envelopes) => take(context, peer, envelopes).await?,
            Message::Have(releases, packages) => holdings(context, &releases, &packages).await?,
            Message::AskHeads(packages) => heads(context, packages).await?,
            Message::AskExtent => extent(context).await?,
            Message::Holdings(..) | Message::Taken(_) | Message::Busy | Message::Heads(_) | Message::Extent(..) => {
                return Err(ProtocolError::Unexpected);
            }
        };
        stream.send(&codec::encode(&answer), SEND_LIMIT).await?;
    }
    Err(ProtocolError::Sync(format!("no end after {MAX_MESSAGES} messages")))
}

async fn reconcile(
    context: &Context,
    peer: PeerId,
    under: Option<Under>,
    query: Vec<u8>,
) -> Result<(Option<Under>, Message), ProtocolError> {
    let under = under.or_else(|| context.services.begin_sync(peer).map(|slot| Under { set: None, slot }));
    let Some(Under { set, slot }) = under else {
        context.peers.limits().hit(Limit::Syncs);
        return Ok((None, Message::Busy));
    };
    let set = match set {
        Some(set) => set,
        None => Set::of(context, 0).await?,
    };
    let (set, answer) = set.answer(query).await?;
    Ok((Some(Under { set: Some(set), slot }), Message::Reconcile(answer)))
}

async fn envelopes(context: &Context, ids: &[u8]) -> Result<Message, ProtocolError> {
    let ids: Vec<_> = codec::split_ids(ids, MAX_BATCH)?.into_iter().map(ReleaseId).collect();
    let envelopes = context.store.run(move |db| db.envelopes(&ids)).await?;
    Ok(Message::Envelopes(envelopes.into_iter().take(MAX_BATCH).map(Envelope).collect()))
}

/// How much is in this catalogue, of what takes part in a sync.
async fn extent(context: &Context) -> Result<Message, ProtocolError> {
    let (limit, own) = (context.settings.performance.catalog_limit, context.identity.public());
    let extent = context.store.run(move |db| {
        let counts = db.counts()?;
        Ok(Message::Extent(counts.releases.saturating_sub(counts.retired), db.horizon(limit, own)?))
    });
    Ok(extent.await?)
}

/// The heads that are still good.
async fn heads(context: &Context, packages: Vec<Package>) -> Result<Message, ProtocolError> {
    if packages.len() > MAX_HEADS {
        return Err(CodecError::TooMany { what: "packages", count: packages.len(), limit: MAX_HEADS }.into());
    }
    let now = unix_now();
    let heads = context.store.run(move |db| {
        let mut found = Vec::new();
        for package in packages {
            let Ok(name) = PackageName::new(&package.name) else { continue };
            let head = db.head(PublisherKey(package.publisher), &name)?;
            found.extend(head.filter(|head| head.head().expires_at > now).map(|head| Envelope(head.to_bytes())));
        }
        Ok(Message::Heads(found))
    });
    Ok(heads.await?)
}

async fn take(context: &Context, peer: PeerId, envelopes: Vec<Envelope>) -> Result<Message, ProtocolError> {
    let envelopes = Message::bounded(envelopes)?;
    let sorted = intake::verify(context, envelopes.into_iter().map(|envelope| envelope.0).collect()).await?;
    let new = intake::admit_statements(context, sorted.statements).await?.len()
        + intake::admit(context, sorted.verified, Via::Sync, Some(peer)).await?.len();
    match sorted.lie {
        Some(lie) => Err(ProtocolError::Lie(lie)),
        None => Ok(Message::Taken(u32::try_from(new).unwrap_or(u32::MAX))),
    }
}

async fn holdings(context: &Context, releases: &[u8], packages: &[u8]) -> Result<Message, ProtocolError> {
    let releases: Vec<_> = codec::split_ids(releases, MAX_HAVE)?.into_iter().map(ReleaseId).collect();
    let packages: Vec<_> = codec::split_ids(packages, MAX_HAVE)?.into_iter().map(PackageId).collect();
    let answer = context.store.run(move |db| {
        let known: Vec<bool> =
            releases.iter().map(|id| db.release(*id).map(|found| found.is_some())).collect::<Result<_, _>>()?;
        let held: Vec<bool> =
            packages.iter().map(|id| db.blob(*id).map(|found| found.is_some())).collect::<Result<_, _>>()?;
        Ok(Message::Holdings(codec::bitmap(known), codec::bitmap(held)))
    });
    Ok(answer.await?)
}
