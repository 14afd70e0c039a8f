//! Who could deliver a release: asked of connected peers, known from gossip, told by the DHT, all at once and as long as the
//! download runs.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use libp2p::PeerId;
use libp2p::identity::{PublicKey, ed25519};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::market::{PublisherKey, VerifiedRelease};

use super::super::super::context::Context;
use super::super::super::protocol::{ProtocolError, blob, sync};

/// How long connected peers are asked whether they have it.
const ASK_LIMIT: Duration = Duration::from_millis(1500);
/// How long the DHT is asked for providers; whoever waits for an install hears soon that there are none.
const LOOKUP: Duration = Duration::from_secs(3);
/// How long providers that the DHT names are dialled.
const DIALLING: Duration = Duration::from_secs(3);
/// Connected peers asked.
const MAX_ASKED: usize = 32;
/// Providers dialled for one download.
const MAX_DIALLED: usize = 64;
/// Between two looks for others while the download runs.
const AGAIN: Duration = Duration::from_secs(3);
/// Of these, every so many ask the DHT too.
const DHT_EVERY: u32 = 10;
/// Peers asked each time whether they have come to have some of it.
const PARTS_ASKED: usize = 8;

/// What the search has come to.
#[derive(Debug)]
pub enum Found {
    Provider(Candidate),
    /// Everybody was asked once. From now on only what changes is told.
    AllAsked,
}

/// Somebody who could deliver.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    pub peer: PeerId,
    /// Which leaves it has; none: all, as far as is known.
    pub holds: Option<Vec<bool>>,
}

impl Candidate {
    fn whole(peer: PeerId) -> Self {
        Self { peer, holds: None }
    }
}

/// Looks for providers of `release` until `found` is closed.
pub async fn run(context: Context, release: VerifiedRelease, found: mpsc::Sender<Found>) {
    let mut search = Search {
        context: &context,
        release: &release,
        found: &found,
        asked: HashSet::new(),
        dialled: Mutex::default(),
        mute: HashSet::new(),
    };
    let first = context.swarm.connected();
    search.asked.extend(&first);
    let (near, (), (), ()) = tokio::join!(search.near(first), search.heard_of(), search.dht(), search.publisher());
    let mut without = search.take(near);
    search.parts(&without).await;
    let _ = found.send(Found::AllAsked).await;
    for round in 1u32.. {
        sleep(AGAIN).await;
        if found.is_closed() {
            break;
        }
        if round.is_multiple_of(DHT_EVERY) {
            tokio::join!(search.dht(), search.publisher());
        }
        search.heard_of().await;
        let new: Vec<_> = context.swarm.connected().into_iter().filter(|peer| search.asked.insert(*peer)).collect();
        let near = search.near(new).await;
        without.extend(search.take(near));
        without.retain(|peer| context.peers.is_connected(*peer) && !search.mute.contains(peer));
        search.parts(&without).await;
    }
}

struct Search<'a> {
    context: &'a Context,
    release: &'a VerifiedRelease,
    found: &'a mpsc::Sender<Found>,
    /// Connected peers that were asked whether they have it.
    asked: HashSet<PeerId>,
    /// Peers that were dialled, or were connected, because somebody named them: once is enough.
    dialled: Mutex<HashSet<PeerId>>,
    /// Peers that do not answer what they have of it.
    mute: HashSet<PeerId>,
}

/// What connected peers said that do not have it.
#[derive(Default)]
struct Near {
    without: Vec<PeerId>,
    /// They gave no answer.
    silent: Vec<PeerId>,
}

impl Search<'_> {
    /// Asks these connected peers.
    async fn near(&self, peers: Vec<PeerId>) -> Near {
        let package = self.release.release().package_id;
        let mut peers = self.context.peers.rank(peers);
        peers.truncate(MAX_ASKED);
        let ask = |peer| async move { (peer, sync::have(self.context, peer, &[], &[package], ASK_LIMIT).await) };
        let mut answers: FuturesUnordered<_> = peers.into_iter().map(ask).collect();
        let mut near = Near::default();
        while let Some((peer, answer)) = answers.next().await {
            match answer {
                Ok(holdings) if holdings.packages.contains(&package) => self.tell(Candidate::whole(peer)).await,
                Ok(_) => near.without.push(peer),
                Err(_) => near.silent.push(peer),
            }
        }
        near
    }

    /// Those without it; who gave no answer in time is asked again.
    fn take(&mut self, near: Near) -> Vec<PeerId> {
        self.asked.retain(|peer| !near.silent.contains(peer));
        near.without
    }

    /// Who announced it, or served it before.
    async fn heard_of(&self) {
        self.dial(self.context.services.holders().of(self.release.release().package_id)).await;
    }

    /// The publisher's own node. Strangers can crowd all others out of the DHT's places for a package with identities made for
    /// that, but where a peer is to be found is told by those close to *it*, and these are others.
    async fn publisher(&self) {
        let Some(peer) = node_of(self.release.release().publisher) else { return };
        if peer == self.context.swarm.local_peer() || self.context.peers.is_connected(peer) {
            return;
        }
        let known = timeout(DIALLING, self.context.swarm.ensure_connected(peer));
        if matches!(known.await, Ok(Ok(()))) || self.context.swarm.find_peer(peer, LOOKUP).await {
            self.dial(vec![peer]).await;
        }
    }

    /// Who is said to hold it by the DHT.
    async fn dht(&self) {
        let named = self.context.swarm.providers(self.release.release().package_id, LOOKUP).await;
        self.dial(named.unwrap_or_default()).await;
    }

    /// All at once: one after another, each dial into the void would take its seconds.
    async fn dial(&self, peers: Vec<PeerId>) {
        let mut peers = self.context.peers.rank(peers);
        {
            let mut dialled = self.dialled.lock().unwrap_or_else(PoisonError::into_inner);
            peers.retain(|peer| dialled.len() < MAX_DIALLED && dialled.insert(*peer));
        }
        let dial = |peer| async move { (peer, self.context.swarm.ensure_connected(peer).await) };
        let mut dials: FuturesUnordered<_> = peers.into_iter().map(dial).collect();
        let _ = timeout(DIALLING, async {
            while let Some((peer, dialled)) = dials.next().await {
                if dialled.is_ok() {
                    self.tell(Candidate::whole(peer)).await;
                }
            }
        })
        .await;
    }

    /// Asks some of those that do not have all of it what they have by now.
    async fn parts(&mut self, peers: &[PeerId]) {
        let mut peers = self.context.peers.rank(peers.to_vec());
        peers.truncate(PARTS_ASKED);
        let (context, release) = (self.context, self.release);
        let ask = |peer| async move { (peer, blob::held(context, peer, release, ASK_LIMIT).await) };
        let mut answers: FuturesUnordered<_> = peers.into_iter().map(ask).collect();
        let mut mute = Vec::new();
        while let Some((peer, answer)) = answers.next().await {
            match answer {
                Ok(holds) if holds.contains(&true) => self.tell(Candidate { peer, holds: Some(holds) }).await,
                Ok(_) | Err(ProtocolError::Absent | ProtocolError::Busy) => {}
                Err(_) => mute.push(peer),
            }
        }
        drop(answers);
        self.mute.extend(mute);
    }

    async fn tell(&self, candidate: Candidate) {
        // Closed: the download is over.
        let _ = self.found.send(Found::Provider(candidate)).await;
    }
}

/// The node that publishes with this key.
fn node_of(publisher: PublisherKey) -> Option<PeerId> {
    let key = ed25519::PublicKey::try_from_bytes(&publisher.0).ok()?;
    Some(PublicKey::from(key).to_peer_id())
}
