//! The one way in for releases and key statements that other nodes sent: verified, stored, told of.

use libp2p::PeerId;
use tokio::task::spawn_blocking;

use crate::market::keys::KeyWord;
use crate::market::store::{Accepted, KeyAccepted};
use crate::market::{
    MarketError, PublisherKey, ReleaseId, SafeText, SignedKeyStatement, SignedRelease, VerifiedKeyStatement,
    VerifiedRelease, parallel,
};

use super::super::api::{FeedItem, NodeEvent, NoticeLevel, Via};
use super::super::clock::unix_now;
use super::super::context::Context;
use super::mirror;
use super::refused::Why;

/// Events of one batch, a quarter of what a subscriber may lag behind; of more, only the newest are told.
const MAX_TOLD: usize = 256;

/// Envelopes, sorted by what is to be thought of them.
#[derive(Debug, Default)]
pub struct Sorted {
    pub verified: Vec<VerifiedRelease>,
    /// What keys say of themselves.
    pub statements: Vec<VerifiedKeyStatement>,
    /// Validly signed, and yet not for this node now: expired, of another network, or of rules it does not know.
    pub untimely: Vec<Untimely>,
    /// Why each of them is not taken.
    pub reasons: Vec<String>,
    /// What the sender cannot have believed itself: malformed, or with a signature that does not fit. Nothing that stood
    /// after it is here.
    pub lie: Option<String>,
}

/// A release or statement that is not for this node now.
#[derive(Debug, PartialEq)]
pub struct Untimely {
    pub id: ReleaseId,
    pub publisher: PublisherKey,
    pub why: Why,
}

/// Verifies envelopes on threads for that.
pub async fn verify(context: &Context, envelopes: Vec<Vec<u8>>) -> Result<Sorted, MarketError> {
    Ok(verify_groups(context, vec![envelopes]).await?.pop().unwrap_or_default())
}

/// The same for envelopes that have nothing to do with each other, each by itself.
pub async fn verify_each(context: &Context, envelopes: Vec<Vec<u8>>) -> Result<Vec<Sorted>, MarketError> {
    verify_groups(context, envelopes.into_iter().map(|envelope| vec![envelope]).collect()).await
}

async fn verify_groups(context: &Context, groups: Vec<Vec<Vec<u8>>>) -> Result<Vec<Sorted>, MarketError> {
    let network = context.settings.network.name.clone();
    let sorting = spawn_blocking(move || sort_groups(&network, unix_now(), groups));
    let groups = sorting.await.map_err(|_| MarketError::Failed("a worker stopped".into()))?;
    for sorted in &groups {
        sorted.reasons.iter().chain(&sorted.lie).for_each(|why| context.services.note_refusal(why));
    }
    Ok(groups)
}

/// Looks at all of them on every core; what stands behind a lie in its group is forgotten again.
fn sort_groups(network: &str, now: u64, groups: Vec<Vec<Vec<u8>>>) -> Vec<Sorted> {
    let lengths: Vec<usize> = groups.iter().map(Vec::len).collect();
    let envelopes: Vec<Vec<u8>> = groups.into_iter().flatten().collect();
    let mut looked = parallel::map(envelopes, |bytes| Looked::at(&bytes, network, now)).into_iter();
    lengths.into_iter().map(|length| Sorted::of(looked.by_ref().take(length))).collect()
}

#[cfg(any(test, fuzzing))]
pub(in crate::net) fn sort(network: &str, now: u64, envelopes: Vec<Vec<u8>>) -> Sorted {
    sort_groups(network, now, vec![envelopes]).pop().unwrap_or_default()
}

/// What one envelope is.
enum Looked {
    Release(Box<VerifiedRelease>),
    Statement(Box<VerifiedKeyStatement>),
    Untimely(ReleaseId, PublisherKey, MarketError),
}

impl Looked {
    /// The error is a lie.
    fn at(bytes: &[u8], network: &str, now: u64) -> Result<Self, MarketError> {
        if SignedKeyStatement::is_meant(bytes) {
            let envelope = SignedKeyStatement::from_bytes(bytes)?;
            return match envelope.clone().verify(network, now) {
                Ok(statement) => Ok(Self::Statement(Box::new(statement))),
                Err(error) if envelope.signature_fits() => {
                    Ok(Self::Untimely(envelope.id(), PublisherKey(envelope.public_key), error))
                }
                Err(error) => Err(error),
            };
        }
        let envelope = SignedRelease::from_bytes(bytes)?;
        match envelope.clone().verify(network, now) {
            Ok(release) => Ok(Self::Release(Box::new(release))),
            Err(error) if envelope.signature_fits() => {
                Ok(Self::Untimely(envelope.id(), PublisherKey(envelope.0.public_key), error))
            }
            Err(error) => Err(error),
        }
    }
}

impl Sorted {
    fn of(looked: impl Iterator<Item = Result<Looked, MarketError>>) -> Self {
        let mut sorted = Self::default();
        for one in looked {
            if sorted.lie.is_some() {
                continue;
            }
            match one {
                Ok(Looked::Release(release)) => sorted.verified.push(*release),
                Ok(Looked::Statement(statement)) => sorted.statements.push(*statement),
                Ok(Looked::Untimely(id, publisher, error)) => sorted.untimely(id, publisher, &error),
                Err(lie) => sorted.lie = Some(lie.to_string()),
            }
        }
        sorted
    }

    fn untimely(&mut self, id: ReleaseId, publisher: PublisherKey, error: &MarketError) {
        tracing::debug!(%id, %error, "validly signed, not taken");
        self.untimely.push(Untimely { id, publisher, why: Why::of(error) });
        self.reasons.push(error.to_string());
    }
}

/// Stores verified releases, the newest of them where `catalog_limit` has not room for all, and tells of the new ones, which
/// it returns.
pub async fn admit(
    context: &Context,
    releases: Vec<VerifiedRelease>,
    via: Via,
    from: Option<PeerId>,
) -> Result<Vec<VerifiedRelease>, MarketError> {
    let stored = store(context, releases).await?;
    let mut new: Vec<_> =
        stored.into_iter().filter(|(_, became)| *became == Some(Accepted::New)).map(|one| one.0).collect();
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

/// Stores what keys say of themselves, and returns what was new. A revocation of a key whose packages are known is told.
pub async fn admit_statements(
    context: &Context,
    statements: Vec<VerifiedKeyStatement>,
) -> Result<Vec<VerifiedKeyStatement>, MarketError> {
    if statements.is_empty() {
        return Ok(Vec::new());
    }
    let now = unix_now();
    let stored = context.store.run(move |db| {
        let mut stored = Vec::new();
        for statement in statements {
            let became = db.accept_key_statement(&statement, now)?;
            let concerns = !db.names_of(statement.statement().key)?.is_empty();
            stored.push((statement, became, concerns));
        }
        Ok(stored)
    });
    let mut new = Vec::new();
    for (statement, became, concerns) in stored.await? {
        match became {
            KeyAccepted::New => {
                if concerns {
                    tell_statement(context, &statement);
                }
                new.push(statement);
            }
            KeyAccepted::Known => {}
            KeyAccepted::Refused(fault) => {
                tracing::warn!(key = %statement.statement().key, %fault, "key statement kept out");
                context.services.note_refusal(&format!("key statement refused: {fault}"));
                context.services.refuse(statement.id(), statement.statement().key, Why::Other);
            }
        }
    }
    Ok(new)
}

fn tell_statement(context: &Context, statement: &VerifiedKeyStatement) {
    let said = statement.statement();
    let text = match &said.word {
        KeyWord::Revocation { reason, .. } => {
            format!("publisher {} has revoked its key: {reason}; nothing new of it is taken", said.key)
        }
        KeyWord::Rotation { successor } => format!("publisher {} publishes as {successor} from now on", said.key),
    };
    context.bus.emit(NodeEvent::Notice { level: NoticeLevel::Warning, text: SafeText::new(&text) });
}

/// What became of each release, in order. Of more than `catalog_limit` has room for, the newest are kept; the others become
/// nothing.
pub async fn store(
    context: &Context,
    releases: Vec<VerifiedRelease>,
) -> Result<Vec<(VerifiedRelease, Option<Accepted>)>, MarketError> {
    if releases.is_empty() {
        return Ok(Vec::new());
    }
    let (limit, own) = (context.settings.performance.catalog_limit, context.identity.public());
    let stored = context.store.run(move |db| {
        let accepted = db.accept_newest(&releases, unix_now(), limit, own)?;
        Ok(releases.into_iter().zip(accepted).collect::<Vec<_>>())
    });
    let stored = stored.await?;
    for (release, became) in &stored {
        let (kind, why) = match became {
            Some(Accepted::New) => {
                context.services.take(release.id());
                continue;
            }
            None | Some(Accepted::Known) => continue,
            Some(Accepted::Conflict) => (Why::Conflict, "contradicts what is known; kept out"),
            Some(Accepted::Retired) => (Why::Key, "its publisher's key was revoked or replaced; kept out"),
        };
        tracing::warn!(release = %release.id(), name = %release.release().name.as_str(), "{why}");
        context.services.note_refusal(&format!("release refused: {why}"));
        context.services.refuse(release.id(), release.release().publisher, kind);
        if kind == Why::Conflict && release.release().publisher == own {
            tell_contradiction(context, release);
        }
    }
    Ok(stored)
}

/// Peers have another release of this node's own key than this node has: its database was lost for a while, or the key is in use
/// elsewhere. Neither side takes the other's.
fn tell_contradiction(context: &Context, theirs: &VerifiedRelease) {
    let said = theirs.release();
    let text = format!(
        "peers have another release {} {} than this node, signed with its own key (number {} of the package), and take none that \
         contradicts it: publish with a higher version, and do not use one key on two machines",
        said.name, said.version, said.sequence
    );
    if context.services.notice(&text) {
        warn(context, &text);
    }
}

fn warn(context: &Context, text: &str) {
    tracing::warn!("{text}");
    context.bus.emit(NodeEvent::Notice { level: NoticeLevel::Warning, text: SafeText::new(text) });
}

/// Remembers what peers have and this node must not take now. Where that is for the time, the user hears of it: it may be this
/// computer's clock.
pub fn refuse_untimely(context: &Context, untimely: impl Iterator<Item = Untimely>) {
    let ahead = || context.services.refused_counts().iter().any(|refused| refused.is_for(Why::Future.name()));
    let before = ahead();
    untimely.for_each(|one| context.services.refuse(one.id, one.publisher, one.why));
    // The status says it for as long as it is so.
    if !before && ahead() {
        warn(context, "releases that peers have are refused here: signed in the future; check this computer's clock");
    }
}

/// Shows a new release in the feed.
pub fn tell(context: &Context, release: &VerifiedRelease, via: Via, from: Option<PeerId>) {
    let item = feed_item(release, via, from, unix_now());
    let heard_from = context.swarm.forwarders().is_release(&release.envelope().to_bytes(), release.id(), from);
    context.bus.emit(NodeEvent::Feed(FeedItem { heard_from, ..item }));
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
        heard_from: u32::from(from.is_some()),
        yanked: signed.yank_reason.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::Identity;
    use crate::net::service::testing::tool_release as release;

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
        let untimely = |why| Untimely { id: good.id(), publisher: key.public(), why };
        assert_eq!((sorted.untimely, sorted.lie), (vec![untimely(Why::Expired), untimely(Why::Expired)], None));
        assert_eq!(sort("other", 2000, vec![bytes(&good)]).untimely, [untimely(Why::Network)]);
        assert_eq!(sort("test", 1, vec![bytes(&good)]).untimely, [untimely(Why::Future)]);
        let mut forged = good.envelope().clone();
        forged.signature[5] ^= 1;
        let sorted = sort("test", 2000, vec![forged.to_bytes(), bytes(&good)]);
        assert!(sorted.lie.is_some() && sorted.verified.is_empty());
    }

    #[test]
    fn of_each_group_what_stands_before_its_lie_is_taken() {
        let key = Identity::generate();
        let good: Vec<_> = (1..=50).map(|number| bytes(&release(&key, "1.0.0", number, None))).collect();
        let mut lying = good.clone();
        lying[30] = vec![0xff; 20];
        let sorted = sort_groups("test", 50_000, vec![lying, Vec::new(), good]);
        let counts: Vec<_> = sorted.iter().map(|one| (one.verified.len(), one.lie.is_some())).collect();
        assert_eq!(counts, [(30, true), (0, false), (50, false)]);
        assert_eq!(sorted[0].verified, sorted[2].verified[..30]);
    }

    #[test]
    fn what_is_no_envelope_is_a_lie() {
        assert!(sort("test", 2000, vec![vec![0xff; 20]]).lie.is_some());
    }
}
