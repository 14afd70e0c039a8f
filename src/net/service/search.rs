//! Search: the local catalogue first, then some peers at once; one ranked list.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use libp2p::PeerId;
use rand::seq::SliceRandom;
use tokio::sync::mpsc;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout_at;

use crate::config::schema::RegistryMode;
use crate::market::search::{Answer as LocalAnswer, Filters, Query, Sort, Standing};
use crate::market::store::Found;
use crate::market::{Db, MarketError, PackageId, PublisherKey};

use super::super::api::{NodeReply, SearchAnswer, SearchHit, SearchRequest, Source, Via};
use super::super::context::Context;
use super::super::error::NodeError;
use super::super::peers::Outcome;
use super::super::protocol::search::message::{MAX_QUERY, MAX_RESULTS, Query as Question};
use super::super::protocol::search::{self as protocol, Answer};
use super::intake;

/// Bytes of a query that are read.
const MAX_TEXT: usize = 1024;
/// Results when the asker names no limit, and at most.
const LIMIT: (usize, usize) = (20, 200);
/// Peers asked at once.
const MAX_PEERS: usize = 8;
/// How many of them are the best reputed; the others are drawn by lot, so that nobody can buy all of a search's answers.
const WELL_REPUTED: usize = 4;
/// Answers waiting to be read.
const QUEUE: usize = 64;

/// What asking peers brought.
#[derive(Debug, Default)]
pub struct Asked {
    pub asked: usize,
    /// Those that answered to the end in time.
    pub answered: usize,
    /// Packages that were new to this catalogue, with the key they are published under.
    pub new: HashSet<(PublisherKey, PackageId)>,
}

/// Answers [`NodeCommand::Search`](super::super::api::NodeCommand::Search).
pub async fn search(context: &Context, request: SearchRequest) -> Result<NodeReply, NodeError> {
    let started = Instant::now();
    let limit = if request.limit == 0 { LIMIT.0 } else { request.limit.min(LIMIT.1) };
    let query = Query { limit, facets: request.facets, ..Query::parse(clipped(&request.query, MAX_TEXT)) };
    let only_central = context.settings.registry.mode == RegistryMode::Central;
    let own = Query { filters: own_filters(&query.filters, only_central), ..query.clone() };
    let (mut found, mut revoked) = local(context, own.clone()).await?;
    let mut asked = Asked::default();
    let (mut indexes, mut central) = Default::default();
    if request.remote && query.concerns_others() {
        let words = query.for_others(MAX_QUERY);
        let peers = async { if only_central { Ok(Asked::default()) } else { ask_peers(context, &words, limit).await } };
        // Peers and servers at once: neither waits for the other.
        let (from_peers, from_central) = tokio::join!(peers, super::central::look(context));
        (asked, (indexes, central)) = (from_peers?, from_central);
        if !asked.new.is_empty() {
            // Ranked anew with what came in: the one list is the local one.
            (found, revoked) = local(context, own).await?;
        }
    } else if only_central {
        (indexes, central) = super::central::at_hand(context).await;
    }
    let mut results: Vec<_> = found.hits.into_iter().map(|hit| to_hit(context, hit, &asked)).collect();
    if query.sort == Sort::Providers {
        // Who has it was learned from the answers too, after the catalogue was ranked: in the order of what is shown.
        results.sort_by_key(|hit| std::cmp::Reverse(hit.providers));
    }
    for hit in &mut results {
        hit.revoked = hit.publisher.is_some_and(|key| revoked.contains(&key));
    }
    if !indexes.is_empty() {
        results = with_central(context, results, indexes, query.clone()).await?;
    }
    Ok(NodeReply::Search(SearchAnswer {
        results,
        total: found.total,
        at_least: found.at_least,
        facets: found.facets,
        faults: query.faults,
        elapsed_ms: started.elapsed().as_secs_f64() * 1000.0,
        peers_asked: asked.asked,
        peers_answered: asked.answered,
        central,
    }))
}

/// What the catalogue has, and which of its publishers' keys were revoked.
async fn local(context: &Context, query: Query) -> Result<(LocalAnswer, HashSet<PublisherKey>), MarketError> {
    let known = Known(context.clone());
    let search = move |db: &mut Db| {
        let found = db.search(&query, &known)?;
        let keys: HashSet<_> = found.hits.iter().map(|hit| hit.release.release().publisher).collect();
        let mut revoked = HashSet::new();
        for key in keys {
            if db.revocation(key)?.is_some() {
                revoked.insert(key);
            }
        }
        Ok((found, revoked))
    };
    context.store.run(search).await
}

/// What of this node's own is looked at: where packages come from central indexes only, what is installed.
fn own_filters(filters: &Filters, only_central: bool) -> Filters {
    let installed = if only_central { Some(true) } else { filters.installed };
    Filters { installed, ..filters.clone() }
}

/// The signed ones with those of the central indexes among them.
async fn with_central(
    context: &Context,
    signed: Vec<SearchHit>,
    indexes: Vec<super::central::Loaded>,
    query: Query,
) -> Result<Vec<SearchHit>, MarketError> {
    let installed = context.store.run(|db| db.installed()).await?;
    let installed: HashMap<_, _> = installed.into_iter().map(|entry| (entry.name, entry.version)).collect();
    // An index may be large, and is read through for each search.
    let merging = spawn_blocking(move || super::central::merge(signed, &indexes, &query, &installed));
    merging.await.map_err(|_| MarketError::Failed("a worker stopped".into()))
}

/// `text`, cut at `max` bytes.
fn clipped(text: &str, max: usize) -> &str {
    text.get(..text.floor_char_boundary(max)).unwrap_or_default()
}

/// How peers stand to a package, by what this node knows of them.
struct Known(Context);

impl Standing for Known {
    fn providers(&self, package: PackageId) -> usize {
        self.0.services.holders().of(package).len()
    }

    fn reputation(&self, publisher: PublisherKey, package: PackageId) -> Option<f64> {
        // A publisher's node has the publisher's key, if it publishes from its own.
        let own = publisher.to_string().parse().ok();
        let peers = self.0.services.holders().of(package).into_iter().chain(own);
        let known = peers.filter_map(|peer| self.0.peers.info(peer)).filter(|info| info.evidence > 0 && !info.banned);
        known.map(|info| info.reputation).max_by(f64::total_cmp)
    }
}

fn to_hit(context: &Context, found: Found, asked: &Asked) -> SearchHit {
    let release = found.release.release();
    let known = asked.new.contains(&(release.publisher, release.package_id));
    let source = if known { Source::Peer } else { Source::Local };
    let holders = context.services.holders().of(release.package_id).len();
    SearchHit {
        name: release.name.clone(),
        version: release.version.clone(),
        publisher: Some(release.publisher),
        package_id: Some(release.package_id),
        category: release.category.clone(),
        tags: release.tags.clone(),
        description: release.description.clone(),
        size: Some(release.size),
        source,
        sources: vec![source],
        central: None,
        score: found.score,
        providers: holders + usize::from(found.have_blob),
        licence: release.licence.clone(),
        published_at: Some(release.published_at),
        yanked: release.yank_reason.is_some(),
        revoked: false,
        installed: found.installed,
    }
}

/// Asks up to 8 connected peers, `search_timeout_ms` at most in all; what they answer is verified and stored.
pub async fn ask_peers(context: &Context, text: &str, limit: usize) -> Result<Asked, MarketError> {
    let peers = pick(context);
    let limit = u32::try_from(limit).unwrap_or(MAX_RESULTS).clamp(1, MAX_RESULTS);
    let query = Question { text: clipped(text, MAX_QUERY).to_owned(), limit };
    let time = Duration::from_millis(context.settings.performance.search_timeout_ms);
    let mut result = Asked { asked: peers.len(), ..Asked::default() };
    let answers = collect(context, peers, query, time, &mut result.answered).await;
    for (peer, answers) in answers {
        take(context, peer, answers, &mut result.new).await?;
    }
    Ok(result)
}

/// The best reputed, and some others by lot; among them, who says it has more comes first.
fn pick(context: &Context) -> Vec<PeerId> {
    let mut peers = context.peers.trusted(context.peers.rank(context.swarm.connected()));
    if let Some(others) = peers.get_mut(WELL_REPUTED..) {
        others.shuffle(&mut rand::rng());
    }
    peers.truncate(MAX_PEERS);
    peers.sort_by_key(|peer| std::cmp::Reverse(context.services.progress().extent(*peer)));
    peers
}

async fn collect(
    context: &Context,
    peers: Vec<PeerId>,
    query: Question,
    time: Duration,
    answered: &mut usize,
) -> HashMap<PeerId, Vec<Answer>> {
    let deadline = tokio::time::Instant::now() + time;
    let (sender, mut receiver) = mpsc::channel(QUEUE);
    let mut asking = JoinSet::new();
    for peer in peers {
        let (context, query, sender) = (context.clone(), query.clone(), sender.clone());
        asking.spawn(async move { (peer, protocol::search(&context, peer, &query, time, sender).await) });
    }
    drop(sender);
    let mut answers: HashMap<PeerId, Vec<Answer>> = HashMap::new();
    while let Ok(Some(answer)) = timeout_at(deadline, receiver.recv()).await {
        answers.entry(answer.from).or_default().push(answer);
    }
    while let Ok(Some(Ok((peer, ended)))) = timeout_at(deadline, asking.join_next()).await {
        match ended {
            Ok(()) => {
                *answered += 1;
                context.peers.record(peer, Outcome::Success("search"));
            }
            // A late or missing answer is no failing: 400 ms is little for a far peer.
            Err(error) => {
                tracing::debug!(%peer, %error, "search unanswered");
                context.services.note_refusal(&format!("search: {error}"));
            }
        }
    }
    answers
}

/// Verifies and stores what one peer answered.
async fn take(
    context: &Context,
    peer: PeerId,
    answers: Vec<Answer>,
    new: &mut HashSet<(PublisherKey, PackageId)>,
) -> Result<(), MarketError> {
    let have: Vec<bool> = answers.iter().map(|answer| answer.have_blob).collect();
    let sorted = intake::verify(context, answers.into_iter().map(|answer| answer.envelope).collect()).await?;
    let no_release = (!sorted.statements.is_empty()).then(|| "answered a search with what is no release".to_owned());
    if let Some(lie) = sorted.lie.or(no_release) {
        // Whoever invents one answer may have chosen the others too.
        context.peers.record(peer, Outcome::Lie(lie));
        return Ok(());
    }
    if sorted.untimely.is_empty() {
        for (release, _) in sorted.verified.iter().zip(have).filter(|(_, have)| *have) {
            context.services.holders().add(release.release().package_id, peer);
        }
    }
    let admitted = intake::admit(context, sorted.verified, Via::Search, Some(peer)).await?;
    new.extend(admitted.iter().map(|release| (release.release().publisher, release.release().package_id)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_cut_between_characters() {
        assert_eq!(clipped("web", MAX_QUERY), "web");
        let long = "ä".repeat(200);
        assert_eq!(clipped(&long, MAX_QUERY).len(), MAX_QUERY);
        let odd = format!("x{long}");
        assert_eq!(clipped(&odd, MAX_QUERY).len(), MAX_QUERY - 1);
    }
}
