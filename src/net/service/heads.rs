//! Package heads: signing this node's own, and asking others for theirs, so that a version held back shows.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::join_all;
use libp2p::PeerId;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::market::head::HEAD_VALIDITY;
use crate::market::store::{HeadAccepted, HeadStanding};
use crate::market::{Db, Head, MarketError, PackageName, PublisherKey, ReleaseId, SignedHead, VerifiedHead};

use super::super::clock::unix_now;
use super::super::context::Context;
use super::super::peers::Outcome;
use super::super::protocol::sync;

/// An own head is signed anew with less than this many seconds to its expiry: two thirds of its time.
const RENEWAL: u64 = HEAD_VALIDITY / 3 * 2;
/// Peers asked for a head at once.
const MAX_PEERS: usize = 4;
/// Peers asked for releases that a head shows to be missing.
const MAX_SOURCES: usize = 3;
/// Publishers of one name whose heads are looked for at once.
const MAX_PUBLISHERS: usize = 4;
/// A package's head is looked for at most once in this time.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Packages remembered as looked for.
const MAX_LOOKED: usize = 4096;

/// When heads were looked for last.
#[derive(Default)]
pub struct Looked(Mutex<HashMap<(PublisherKey, PackageName), Instant>>);

impl Looked {
    /// Whether it is time to look; then it counts as done.
    fn is_due(&self, publisher: PublisherKey, name: &PackageName, now: Instant) -> bool {
        let mut looked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if looked.len() >= MAX_LOOKED {
            looked.retain(|_, at| now.saturating_duration_since(*at) < LOOK_EVERY);
        }
        let key = (publisher, name.clone());
        let due = looked.get(&key).is_none_or(|at| now.saturating_duration_since(*at) >= LOOK_EVERY);
        if due && looked.len() < MAX_LOOKED {
            looked.insert(key, now);
        }
        due
    }
}

/// Signs the heads of this node's packages that are missing, behind, or expire before long, and publishes them; with
/// `publish_all`, all that it has. Returns how many were signed.
pub async fn renew(context: &Context, publish_all: bool) -> Result<usize, MarketError> {
    let (identity, now) = (context.identity.clone(), unix_now());
    let (signed, all) = context
        .store
        .run(move |db| {
            let mut signed = Vec::new();
            for name in db.heads_due(identity.public(), now.saturating_add(RENEWAL))? {
                signed.extend(sign(db, &identity, &name, now)?);
            }
            let mut all = Vec::new();
            if publish_all {
                for name in db.names_of(identity.public())? {
                    all.extend(db.head(identity.public(), &name)?.filter(|head| head.head().expires_at > now));
                }
            }
            Ok((signed, all))
        })
        .await?;
    let published = if publish_all { &all } else { &signed };
    if let Err(error) = context.swarm.put_heads(published).await {
        tracing::debug!(%error, "heads not published");
    }
    Ok(signed.len())
}

/// The head of one own package as the catalogue has it now, kept as the best one. `None` when there is nothing to sign, or
/// what is there already says the same or more.
fn sign(
    db: &mut Db,
    identity: &crate::market::Identity,
    name: &PackageName,
    now: u64,
) -> Result<Option<VerifiedHead>, MarketError> {
    let versions = db.versions(name, Some(identity.public()))?;
    let Some(head) = Head::of(&versions, now) else { return Ok(None) };
    let head = head.sign(identity)?;
    match db.accept_head(&head)? {
        HeadAccepted::New => Ok(Some(head)),
        HeadAccepted::Known => Ok(None),
        HeadAccepted::Refused(fault) => {
            tracing::warn!(name = name.as_str(), %fault, "this node's own head was not taken");
            Ok(None)
        }
    }
}

/// What is known of a package's head, after asking the DHT and some connected peers; releases that it shows to be missing
/// are fetched from them. Takes `patience` at most, and no time where nobody is connected or it was done a moment ago.
pub async fn look(
    context: &Context,
    publisher: PublisherKey,
    name: &PackageName,
    patience: Duration,
) -> Result<Option<HeadStanding>, MarketError> {
    let own = publisher == context.identity.public();
    if !own
        && !context.swarm.connected().is_empty()
        && context.services.looked().is_due(publisher, name, Instant::now())
    {
        let looking = ask_around(context, publisher, name, patience);
        if timeout(patience, looking).await.is_err() {
            tracing::debug!(name = name.as_str(), "looking for the head took too long");
        }
    }
    standing(context, publisher, name).await
}

/// The same for all publishers of a name (or one), a few at most; what is found is in the catalogue afterwards.
pub async fn look_for_all(context: &Context, name: &PackageName, publisher: Option<PublisherKey>, patience: Duration) {
    let wanted = name.clone();
    let known = context.store.run(move |db| db.versions(&wanted, publisher)).await.unwrap_or_default();
    let mut keys: Vec<_> = known.iter().map(|release| release.release().publisher).collect();
    keys.sort_unstable();
    keys.dedup();
    let looking = keys.into_iter().take(MAX_PUBLISHERS).map(|key| look(context, key, name, patience));
    for failed in join_all(looking).await.into_iter().filter_map(Result::err) {
        tracing::warn!(%failed, "a head could not be looked for");
    }
}

async fn standing(
    context: &Context,
    publisher: PublisherKey,
    name: &PackageName,
) -> Result<Option<HeadStanding>, MarketError> {
    let name = name.clone();
    context.store.run(move |db| db.head_standing(publisher, &name, unix_now())).await
}

async fn ask_around(context: &Context, publisher: PublisherKey, name: &PackageName, patience: Duration) {
    let mut peers = context.peers.rank(context.swarm.connected());
    peers.truncate(MAX_PEERS);
    // What came so far is weighed when the rest keeps us waiting.
    let share = patience.mul_f64(0.6);
    let asking = peers.iter().map(|peer| ask(context, *peer, publisher, name, share));
    let (found, asked) = tokio::join!(context.swarm.find_head(publisher, name, share), join_all(asking));
    let from_dht = found.unwrap_or_default().into_iter().map(|head| (None, head));
    let from_peers = asked.into_iter().flatten().map(|(peer, head)| (Some(peer), head));
    for (peer, bytes) in from_peers.chain(from_dht) {
        take(context, peer, publisher, name, bytes).await;
    }
    if let Ok(Some(standing)) = standing(context, publisher, name).await {
        let missing: Vec<_> = standing.unseen.iter().map(|listed| listed.release).collect();
        fetch_missing(context, &peers, &missing, patience).await;
    }
}

async fn ask(
    context: &Context,
    peer: PeerId,
    publisher: PublisherKey,
    name: &PackageName,
    limit: Duration,
) -> Vec<(PeerId, Vec<u8>)> {
    match sync::ask_heads(context, peer, &[(publisher, name.clone())], limit).await {
        Ok(heads) => heads.into_iter().map(|head| (peer, head)).collect(),
        Err(error) => {
            tracing::debug!(%peer, %error, "head unanswered");
            context.services.note_refusal(&format!("head: {error}"));
            Vec::new()
        }
    }
}

/// Verifies one answer and weighs it. `peer`: who gave it, where that is known; in the DHT anybody may have put it there.
pub(in crate::net) async fn take(
    context: &Context,
    peer: Option<PeerId>,
    publisher: PublisherKey,
    name: &PackageName,
    bytes: Vec<u8>,
) {
    let network = context.settings.network.name.clone();
    let verifying = spawn_blocking(move || {
        let signed = SignedHead::from_bytes(&bytes).map_err(|error| (error.to_string(), true))?;
        let fits = signed.signature_fits();
        signed.verify(&network, unix_now()).map_err(|error| (error.to_string(), !fits))
    });
    let head = match verifying.await {
        Ok(Ok(head)) if (head.head().publisher, &head.head().name) == (publisher, name) => head,
        Ok(Ok(_)) => return refuse(context, peer, "head refused: it is of another package".into(), true),
        Ok(Err((why, lie))) => return refuse(context, peer, why, lie),
        Err(_) => return,
    };
    match context.store.run(move |db| db.accept_head(&head)).await {
        Ok(HeadAccepted::New | HeadAccepted::Known) => {}
        // Validly signed: an old one, or a publisher that contradicts itself; not the doing of who passed it on.
        Ok(HeadAccepted::Refused(fault)) => refuse(context, peer, format!("head refused: {fault}"), false),
        Err(error) => tracing::warn!(%error, "a head could not be stored"),
    }
}

fn refuse(context: &Context, peer: Option<PeerId>, why: String, lie: bool) {
    tracing::debug!(?peer, why, "head refused");
    context.services.note_refusal(&why);
    if let Some(peer) = peer.filter(|_| lie) {
        context.peers.record(peer, Outcome::Lie(why));
    }
}

async fn fetch_missing(context: &Context, peers: &[PeerId], missing: &[ReleaseId], patience: Duration) {
    let mut missing = missing.to_vec();
    missing.retain(|id| !context.services.is_refused(*id));
    for peer in peers.iter().take(MAX_SOURCES) {
        if missing.is_empty() {
            return;
        }
        match sync::fetch_by_id(context, *peer, &missing, patience).await {
            Ok(new) if new > 0 => missing = still_missing(context, missing).await,
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(%peer, %error, "releases that a head names were not fetched");
                if let Some(outcome) = error.outcome() {
                    context.peers.record(*peer, outcome);
                }
            }
        }
    }
}

async fn still_missing(context: &Context, ids: Vec<ReleaseId>) -> Vec<ReleaseId> {
    let left = context.store.run(move |db| {
        let mut left = Vec::new();
        for id in ids {
            if db.release(id)?.is_none() {
                left.push(id);
            }
        }
        Ok(left)
    });
    left.await.unwrap_or_default()
}
