//! The one way in for releases that other nodes sent: verified, stored, told of.

use libp2p::PeerId;
use tokio::task::spawn_blocking;

use crate::market::store::Accepted;
use crate::market::{MarketError, ReleaseId, SignedRelease, VerifiedRelease};

use super::super::api::{FeedItem, NodeEvent, Via};
use super::super::clock::unix_now;
use super::super::context::Context;
use super::mirror;

/// Events of one batch; of more, only the newest are told.
const MAX_TOLD: usize = 50;

/// Envelopes, sorted by what is to be thought of them.
#[derive(Debug, Default)]
pub struct Sorted {
    pub verified: Vec<VerifiedRelease>,
    /// Validly signed, and yet not for this node now: expired, of another network, or of rules it does not know.
    pub untimely: Vec<ReleaseId>,
    /// What the sender cannot have believed itself: malformed, or with a signature that does not fit. Nothing after it was
    /// looked at.
    pub lie: Option<String>,
}

/// Verifies envelopes on a blocking thread.
pub async fn verify(context: &Context, envelopes: Vec<Vec<u8>>) -> Result<Sorted, MarketError> {
    let network = context.settings.network.name.clone();
    let sorted = spawn_blocking(move || sort(&network, unix_now(), envelopes));
    sorted.await.map_err(|_| MarketError::Failed("a worker stopped".into()))
}

fn sort(network: &str, now: u64, envelopes: Vec<Vec<u8>>) -> Sorted {
    let mut sorted = Sorted::default();
    for bytes in envelopes {
        let envelope = match SignedRelease::from_bytes(&bytes) {
            Ok(envelope) => envelope,
            Err(error) => {
                sorted.lie = Some(error.to_string());
                break;
            }
        };
        match envelope.clone().verify(network, now) {
            Ok(release) => sorted.verified.push(release),
            Err(error) if envelope.signature_fits() => {
                let id = envelope.id();
                tracing::debug!(release = %id, %error, "validly signed, not taken");
                sorted.untimely.push(id);
            }
            Err(error) => {
                sorted.lie = Some(error.to_string());
                break;
            }
        }
    }
    sorted
}

/// Stores verified releases, as far as `catalog_limit` has room, and tells of the new ones, which it returns.
pub async fn admit(
    context: &Context,
    releases: Vec<VerifiedRelease>,
    via: Via,
    from: Option<PeerId>,
) -> Result<Vec<VerifiedRelease>, MarketError> {
    let stored = store(context, releases).await?;
    let mut new: Vec<_> = stored.into_iter().filter(|(_, became)| *became == Accepted::New).map(|one| one.0).collect();
    new.sort_by_key(|release| release.release().published_at);
    let untold = new.len().saturating_sub(MAX_TOLD);
    for (index, release) in new.iter().enumerate() {
        if index >= untold {
            tell(context, release, via, from);
        }
        mirror::consider(context, release, from);
    }
    Ok(new)
}

/// What became of each release, in order; those that `catalog_limit` has no room for are left out at the end.
pub async fn store(
    context: &Context,
    mut releases: Vec<VerifiedRelease>,
) -> Result<Vec<(VerifiedRelease, Accepted)>, MarketError> {
    if releases.is_empty() {
        return Ok(Vec::new());
    }
    let (limit, now) = (context.settings.performance.catalog_limit, unix_now());
    let stored = context.store.run(move |db| {
        let room = limit.saturating_sub(db.counts()?.releases);
        releases.truncate(usize::try_from(room).unwrap_or(usize::MAX));
        let accepted = db.accept_all(&releases, now)?;
        Ok(releases.into_iter().zip(accepted).collect::<Vec<_>>())
    });
    let stored = stored.await?;
    for (release, _) in stored.iter().filter(|(_, became)| *became == Accepted::Conflict) {
        tracing::warn!(release = %release.id(), name = %release.release().name.as_str(), "contradicts what is known; kept out");
        context.services.refuse(release.id());
    }
    Ok(stored)
}

/// Shows a new release in the feed.
pub fn tell(context: &Context, release: &VerifiedRelease, via: Via, from: Option<PeerId>) {
    context.bus.emit(NodeEvent::Feed(feed_item(release, via, from, unix_now())));
}

/// A release as the feed shows it; `now` in Unix seconds.
pub fn feed_item(release: &VerifiedRelease, via: Via, from: Option<PeerId>, now: u64) -> FeedItem {
    let signed = release.release();
    FeedItem {
        release_id: release.id(),
        package_id: signed.package_id,
        name: signed.name.clone(),
        version: signed.version.clone(),
        publisher: signed.publisher,
        description: signed.description.clone(),
        category: signed.category.clone(),
        size: signed.size,
        published_at: signed.published_at,
        received_at: now,
        via,
        from: from.map(|peer| peer.to_string()),
        yanked: signed.yank_reason.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::Identity;
    use crate::net::service::choose::samples::release;

    fn bytes(release: &VerifiedRelease) -> Vec<u8> {
        release.envelope().to_bytes()
    }

    #[test]
    fn a_wrong_signature_is_a_lie_and_an_expired_release_is_not() {
        let key = Identity::generate();
        let good = release(&key, "1.0.0", 1, None);
        let sorted = sort("test", 2000, vec![bytes(&good)]);
        assert_eq!(sorted.verified, std::slice::from_ref(&good));
        let sorted = sort("test", 1 << 31, vec![bytes(&good), bytes(&good)]);
        assert_eq!((sorted.untimely, sorted.lie), (vec![good.id(); 2], None));
        let sorted = sort("other", 2000, vec![bytes(&good)]);
        assert_eq!(sorted.untimely, [good.id()]);
        let mut forged = good.envelope().clone();
        forged.signature[5] ^= 1;
        let sorted = sort("test", 2000, vec![forged.to_bytes(), bytes(&good)]);
        assert!(sorted.lie.is_some() && sorted.verified.is_empty());
    }

    #[test]
    fn what_is_no_envelope_is_a_lie() {
        assert!(sort("test", 2000, vec![vec![0xff; 20]]).lie.is_some());
    }
}
