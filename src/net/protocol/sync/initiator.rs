//! The side that opens the stream.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use libp2p::{PeerId, Stream};
use tokio::time::{Instant, timeout};

use crate::market::head::MAX_HEAD;
use crate::market::{PackageId, PackageName, PublisherKey, ReleaseId, VerifiedKeyStatement, VerifiedRelease};

use super::super::super::api::Via;
use super::super::super::context::Context;
use super::super::super::service::intake;
use super::super::codec::CodecError;
use super::super::frame::{FrameLimits, Framed};
use super::super::open::{SEND_LIMIT, ask};
use super::super::{ProtocolError, SYNC_PROTOCOL, codec};
use super::message::{Envelope, MAX_BATCH, MAX_HAVE, MAX_HEADS, MAX_MESSAGE, Message, Package};
use super::set::{Round, Set};

/// Rounds of one reconciliation.
const MAX_ROUNDS: usize = 2000;
/// Releases fetched, and releases given, in one session.
const MAX_RELEASES: usize = 20_000;
/// How long one session may take: a slow peer must not keep others from theirs. What came is kept, the rest comes next time.
const SESSION: Duration = Duration::from_secs(120);

/// What a session brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Releases that were new to this catalogue.
    pub received: usize,
    /// Releases that were new to the other's.
    pub sent: usize,
    /// Messages exchanged to find the difference.
    pub rounds: usize,
}

/// A stream on which requests are sent and answered one by one.
struct Session {
    stream: Framed<Stream>,
}

impl Session {
    async fn request(&mut self, message: &Message) -> Result<Message, ProtocolError> {
        self.stream.send(&codec::encode(message), SEND_LIMIT).await?;
        read(&self.stream.receive(FrameLimits::new(MAX_MESSAGE)).await?)
    }
}

fn read(bytes: &[u8]) -> Result<Message, ProtocolError> {
    match codec::decode(bytes)? {
        Message::Busy => Err(ProtocolError::Busy),
        message => Ok(message),
    }
}

/// Reconciles the two catalogues, fetches what is missing here and gives what is missing there.
pub async fn reconcile(context: &Context, peer: PeerId) -> Result<Reconciled, ProtocolError> {
    timeout(SESSION, session(context, peer)).await.map_err(|_| ProtocolError::Unfinished(SESSION.as_secs()))?
}

async fn session(context: &Context, peer: PeerId) -> Result<Reconciled, ProtocolError> {
    let mut done = Reconciled::default();
    let (set, first) = Set::of(context).await?.initiate().await?;
    let question = codec::encode(&Message::Reconcile(first));
    let (stream, answer) = ask(context, peer, SYNC_PROTOCOL, &question, FrameLimits::new(MAX_MESSAGE)).await?;
    let mut session = Session { stream };
    let (have, need) = differences(&mut session, set, read(&answer)?, &mut done.rounds).await?;
    let need: Vec<_> = need.into_iter().filter(|id| !context.services.is_refused(*id)).collect();
    for ids in need.chunks(MAX_BATCH).take(batches_of_room(context).await?) {
        done.received += fetch(context, &mut session, peer, ids).await?;
    }
    for ids in have.chunks(MAX_BATCH) {
        done.sent += give(context, &mut session, ids).await?;
    }
    session.stream.close().await;
    Ok(done)
}

/// What only this side has, and what only the other has.
async fn differences(
    session: &mut Session,
    mut set: Set,
    mut answer: Message,
    rounds: &mut usize,
) -> Result<(Vec<ReleaseId>, Vec<ReleaseId>), ProtocolError> {
    let (mut have, mut need) = (Vec::new(), Vec::new());
    loop {
        let Message::Reconcile(bytes) = answer else { return Err(ProtocolError::Unexpected) };
        let round: Round;
        (set, round) = set.step(bytes).await?;
        *rounds += 1;
        have.extend(round.have);
        need.extend(round.need);
        let full = have.len() >= MAX_RELEASES || need.len() >= MAX_RELEASES;
        let Some(next) = round.next.filter(|_| !full) else { break };
        if *rounds >= MAX_ROUNDS {
            return Err(ProtocolError::Sync(format!("no end after {MAX_ROUNDS} rounds")));
        }
        answer = session.request(&Message::Reconcile(next)).await?;
    }
    have.truncate(MAX_RELEASES);
    need.truncate(MAX_RELEASES);
    Ok((have, need))
}

/// How many batches `catalog_limit` has room for: what would not be kept need not come.
async fn batches_of_room(context: &Context) -> Result<usize, ProtocolError> {
    let limit = context.settings.performance.catalog_limit;
    let room = context.store.run(move |db| db.room(limit)).await?;
    Ok(usize::try_from(room.div_ceil(MAX_BATCH as u64)).unwrap_or(usize::MAX))
}

async fn fetch(
    context: &Context,
    session: &mut Session,
    peer: PeerId,
    ids: &[ReleaseId],
) -> Result<usize, ProtocolError> {
    let request = Message::Fetch(codec::join_ids(ids.iter().map(|id| &id.0)));
    let Message::Envelopes(envelopes) = session.request(&request).await? else {
        return Err(ProtocolError::Unexpected);
    };
    take(context, peer, ids, envelopes).await
}

/// Verifies and stores what came in answer to a request for `ids`.
async fn take(
    context: &Context,
    peer: PeerId,
    ids: &[ReleaseId],
    envelopes: Vec<Envelope>,
) -> Result<usize, ProtocolError> {
    let envelopes = Message::bounded(envelopes)?;
    let sorted = intake::verify(context, envelopes.into_iter().map(|envelope| envelope.0).collect()).await?;
    let asked: HashSet<_> = ids.iter().copied().collect();
    let came = sorted.verified.iter().map(VerifiedRelease::id);
    let mut came = came.chain(sorted.statements.iter().map(VerifiedKeyStatement::id));
    if came.any(|id| !asked.contains(&id)) {
        return Err(ProtocolError::Unexpected);
    }
    let new = intake::admit_statements(context, sorted.statements).await?.len()
        + intake::admit(context, sorted.verified, Via::Sync, Some(peer)).await?.len();
    // What is validly signed and yet not for this node (expired, another network) would come again every time.
    sorted.untimely.into_iter().filter(|id| asked.contains(id)).for_each(|id| context.services.refuse(id));
    match sorted.lie {
        Some(lie) => Err(ProtocolError::Lie(lie)),
        None => Ok(new),
    }
}

async fn give(context: &Context, session: &mut Session, ids: &[ReleaseId]) -> Result<usize, ProtocolError> {
    let ids = ids.to_vec();
    let envelopes = context.store.run(move |db| db.envelopes(&ids)).await?;
    let given = envelopes.len();
    match session.request(&Message::Envelopes(envelopes.into_iter().map(Envelope).collect())).await? {
        Message::Taken(new) => Ok((new as usize).min(given)),
        _ => Err(ProtocolError::Unexpected),
    }
}

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
    take(context, peer, ids, envelopes).await
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
