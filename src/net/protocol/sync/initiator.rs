//! The side that opens the stream.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use libp2p::{PeerId, Stream};
use tokio::time::timeout;

use crate::market::{ReleaseId, VerifiedKeyStatement, VerifiedRelease};

use super::super::super::api::Via;
use super::super::super::clock::unix_now;
use super::super::super::context::Context;
use super::super::super::service::intake;
use super::super::super::service::progress::Running;
use super::super::frame::{FrameLimits, Framed};
use super::super::open::{SEND_LIMIT, ask};
use super::super::{ProtocolError, SYNC_PROTOCOL, codec};
use super::message::{Envelope, MAX_BATCH, MAX_MESSAGE, Message};
use super::set::{Round, Set};

/// Rounds of one reconciliation.
const MAX_ROUNDS: usize = 2000;
/// Releases fetched, and releases given, in one session.
const MAX_RELEASES: usize = 20_000;
/// How long one session may take: a slow peer must not keep others from theirs. What came is kept, the rest comes next time.
const SESSION: Duration = Duration::from_secs(120);

/// A node that has much to catch up with looks back so many hours first, then further, then at everything: it is useful once
/// it has what is new, and one whose catalogue is small need not look further.
const LOOKS_BACK: [u64; 5] = [1, 6, 24, 8 * 24, 64 * 24];
const HOUR: u64 = 3600;

/// So much is stored together, or what came within so long.
const PENDING_BYTES: usize = 1024 * 1024;
const PENDING_FOR: Duration = Duration::from_millis(250);

/// What a session brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Releases that were new to this catalogue.
    pub received: usize,
    /// Releases that were new to the other's.
    pub sent: usize,
    /// Messages exchanged to find the difference.
    pub rounds: usize,
    /// There is more than one session may bring.
    pub cut: bool,
    /// Releases of this node's own key that the other was given and does not have.
    pub unwanted: usize,
}

/// A stream on which requests are sent and answered one by one; opened with the first of them.
struct Session<'a> {
    context: &'a Context,
    peer: PeerId,
    stream: Option<Framed<Stream>>,
}

impl Session<'_> {
    async fn request(&mut self, message: &Message) -> Result<Message, ProtocolError> {
        let (question, limits) = (codec::encode(message), FrameLimits::new(MAX_MESSAGE));
        if let Some(stream) = &mut self.stream {
            stream.send(&question, SEND_LIMIT).await?;
            return read(&stream.receive(limits).await?);
        }
        let (stream, answer) = ask(self.context, self.peer, SYNC_PROTOCOL, &question, limits).await?;
        self.stream = Some(stream);
        read(&answer)
    }

    async fn close(self) {
        if let Some(mut stream) = self.stream {
            stream.close().await;
        }
    }
}

pub(super) fn read(bytes: &[u8]) -> Result<Message, ProtocolError> {
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
    let mut session = Session { context, peer, stream: None };
    let progress = context.services.progress().begin(peer);
    let mut seen_since = u64::MAX;
    for since in looks(unix_now(), context.services.progress().has_caught_up()) {
        let since = since.max(horizon(context).await?);
        if done.cut || since >= seen_since {
            break;
        }
        seen_since = since;
        look(&mut session, since, &mut done, &progress).await?;
    }
    // All is done: a peer that does not know the question spoils nothing.
    if let Ok(Message::Extent(releases, since)) = session.request(&Message::AskExtent).await {
        progress.told(releases);
        // One that is full does not keep what is old.
        progress.unwanted(if since == 0 { done.unwanted } else { 0 });
        context.peers.on_extent(peer, releases);
    }
    session.close().await;
    Ok(done)
}

/// The times (Unix seconds) since which to reconcile, one after the other.
fn looks(now: u64, caught_up: bool) -> Vec<u64> {
    let back = LOOKS_BACK.into_iter().filter(|_| !caught_up);
    back.map(|hours| now.saturating_sub(hours * HOUR)).chain([0]).collect()
}

/// Makes the catalogues one as far as they are not older than `since`.
async fn look(
    session: &mut Session<'_>,
    since: u64,
    done: &mut Reconciled,
    progress: &Running,
) -> Result<(), ProtocolError> {
    let (context, peer) = (session.context, session.peer);
    let (have, need) = differences(session, since, done).await?;
    let need: Vec<_> = need.into_iter().filter(|id| !context.services.is_refused(*id)).collect();
    progress.expect(need.len());
    let mut pending = Pending::default();
    // The differences of later times were found later.
    for ids in need.rchunks(MAX_BATCH) {
        let fetched = fetch(session, ids).await.map(|envelopes| pending.add(ids, envelopes));
        if fetched.is_err() || pending.is_due() {
            pending.take((context, peer), done, progress).await?;
        }
        fetched?;
    }
    pending.take((context, peer), done, progress).await?;
    // What an earlier look gave in vain comes up again.
    done.unwanted = 0;
    for ids in have.chunks(MAX_BATCH) {
        let taken = give(session, ids).await?;
        done.sent += taken;
        if taken < ids.len() {
            done.unwanted += unwanted(session, ids).await?;
        }
    }
    Ok(())
}

/// How many of these, which the other was given, it does not have and this node has published.
async fn unwanted(session: &mut Session<'_>, ids: &[ReleaseId]) -> Result<usize, ProtocolError> {
    let (ids, own) = (ids.to_vec(), session.context.identity.public());
    let own = session.context.store.run(move |db| {
        let releases = db.releases(&ids)?.into_iter();
        Ok(releases.filter(|one| one.release().publisher == own).map(|one| one.id()).collect::<Vec<_>>())
    });
    let own = own.await?;
    if own.is_empty() {
        return Ok(0);
    }
    let question = Message::Have(codec::join_ids(own.iter().map(|id| &id.0)), Vec::new());
    match session.request(&question).await? {
        Message::Holdings(has, _) => Ok((0..own.len()).filter(|index| !codec::bit(&has, *index)).count()),
        _ => Err(ProtocolError::Unexpected),
    }
}

/// What only this side has, and what only the other has.
async fn differences(
    session: &mut Session<'_>,
    since: u64,
    done: &mut Reconciled,
) -> Result<(Vec<ReleaseId>, Vec<ReleaseId>), ProtocolError> {
    let (mut have, mut need) = (Vec::new(), Vec::new());
    let left = MAX_RELEASES.saturating_sub(done.received.max(done.sent));
    let (mut set, mut message) = Set::of(session.context, since).await?.initiate().await?;
    for _ in 0..MAX_ROUNDS {
        let Message::Reconcile(answer) = session.request(&Message::Reconcile(message)).await? else {
            return Err(ProtocolError::Unexpected);
        };
        let round: Round;
        (set, round) = set.step(answer).await?;
        done.rounds += 1;
        have.extend(round.have);
        need.extend(round.need);
        let Some(next) = round.next else { return Ok((have, need)) };
        if have.len().max(need.len()) >= left {
            done.cut = true;
            have.truncate(left);
            need.truncate(left);
            return Ok((have, need));
        }
        message = next;
    }
    Err(ProtocolError::Sync(format!("no end after {MAX_ROUNDS} rounds")))
}

/// Since when (Unix seconds) a catalogue that is full has everything: what is older would not be kept, and need not come.
async fn horizon(context: &Context) -> Result<u64, ProtocolError> {
    let (limit, own) = (context.settings.performance.catalog_limit, context.identity.public());
    Ok(context.store.run(move |db| db.horizon(limit, own)).await?)
}

async fn fetch(session: &mut Session<'_>, ids: &[ReleaseId]) -> Result<Vec<Envelope>, ProtocolError> {
    let request = Message::Fetch(codec::join_ids(ids.iter().map(|id| &id.0)));
    match session.request(&request).await? {
        Message::Envelopes(envelopes) => Ok(Message::bounded(envelopes)?),
        _ => Err(ProtocolError::Unexpected),
    }
}

/// What came and is not looked at yet: many at once are stored in less time than each answer by itself.
#[derive(Default)]
struct Pending {
    asked: Vec<ReleaseId>,
    came: Vec<Envelope>,
    bytes: usize,
    since: Option<Instant>,
}

impl Pending {
    fn add(&mut self, asked: &[ReleaseId], came: Vec<Envelope>) {
        self.asked.extend(asked);
        self.bytes += came.iter().map(|envelope| envelope.0.len()).sum::<usize>();
        self.came.extend(came);
        self.since.get_or_insert_with(Instant::now);
    }

    /// A slow line is not waited for: what has come is of use.
    fn is_due(&self) -> bool {
        self.bytes >= PENDING_BYTES || self.since.is_some_and(|since| since.elapsed() >= PENDING_FOR)
    }

    async fn take(
        &mut self,
        (context, peer): (&Context, PeerId),
        done: &mut Reconciled,
        progress: &Running,
    ) -> Result<(), ProtocolError> {
        let Self { asked, came, .. } = std::mem::take(self);
        // In step, as most sessions find it.
        if came.is_empty() {
            return Ok(());
        }
        let new = take(context, peer, &asked, came).await?;
        done.received += new;
        progress.received(new);
        Ok(())
    }
}

/// Verifies and stores what came in answer to a request for `ids`.
pub(super) async fn take(
    context: &Context,
    peer: PeerId,
    ids: &[ReleaseId],
    envelopes: Vec<Envelope>,
) -> Result<usize, ProtocolError> {
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
    intake::refuse_untimely(context, sorted.untimely.into_iter().filter(|one| asked.contains(&one.id)));
    match sorted.lie {
        Some(lie) => Err(ProtocolError::Lie(lie)),
        None => Ok(new),
    }
}

async fn give(session: &mut Session<'_>, ids: &[ReleaseId]) -> Result<usize, ProtocolError> {
    let ids = ids.to_vec();
    let envelopes = session.context.store.run(move |db| db.envelopes(&ids)).await?;
    let given = envelopes.len();
    match session.request(&Message::Envelopes(envelopes.into_iter().map(Envelope).collect())).await? {
        Message::Taken(new) => Ok((new as usize).min(given)),
        _ => Err(ProtocolError::Unexpected),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_much_to_catch_up_with_looks_at_what_is_new_first() {
        let now = 2000 * HOUR;
        assert_eq!(looks(now, false), [1999, 1994, 1976, 1808, 464, 0].map(|hours| hours * HOUR));
        assert_eq!(looks(now, true), [0]);
    }
}
