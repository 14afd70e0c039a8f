//! Why a release is trusted, by what this node knows; and the keys that names are pinned to.

use std::path::Path;

use libp2p::PeerId;
use semver::Version;

use crate::market::store::{Pin, PinOrigin};
use crate::market::trust::{self, Code, Ground, Outcome, Step};
use crate::market::when::time;
use crate::market::{MarketError, PackageId, PackageName, PublisherKey, ReleaseId, keys};

use super::super::api::NodeReply;
use super::super::bus::FEED_KEPT;
use super::super::clock::unix_now;
use super::super::context::Context;
use super::super::error::{ErrorKind, NodeError};

/// What this node judges releases by, now.
pub fn ground(context: &Context) -> Ground {
    Ground {
        network: context.settings.network.name.clone(),
        now: unix_now(),
        cooldown: context.settings.security.install_cooldown.0,
        own: Some(context.identity.public()),
        ..Ground::default()
    }
}

/// Answers [`NodeCommand::Why`](super::super::api::NodeCommand::Why): the steps of the domain, and who holds the bytes.
pub async fn why(
    context: &Context,
    name: PackageName,
    version: Version,
    publisher: PublisherKey,
) -> Result<NodeReply, NodeError> {
    let (ground, asked) = (ground(context), format!("{name} {version}"));
    let (current, file) = (context.identity.public(), context.home.identity_file());
    let judged = context.store.run(move |db| {
        let Some(release) = db.last_word(publisher, &name, &version)? else { return Ok(None) };
        let id = release.release().package_id;
        let own = is_own(publisher, current, &file)?;
        Ok(Some((trust::assess(db, &release, &ground)?, release.id(), own, id, db.blob(id)?.is_some())))
    });
    let Some((mut assessment, release, own, id, here)) = judged.await? else {
        return Err(unknown(&asked, publisher));
    };
    assessment.steps.extend(told(context, release, own));
    assessment.steps.push(holders(context, id, here));
    Ok(NodeReply::Why(assessment))
}

/// A release that the catalogue does not have.
pub fn unknown(release: &str, publisher: PublisherKey) -> NodeError {
    NodeError::new(ErrorKind::NotFound, format!("{release} by {publisher} is not known here"))
        .hint("search for it first, so that the peers are asked")
}

/// Whether `publisher` is the key of this home, or one that it had before.
fn is_own(publisher: PublisherKey, current: PublisherKey, file: &Path) -> Result<bool, MarketError> {
    Ok(publisher == current || keys::key_files(file)?.iter().any(|old| old.identity.public() == publisher))
}

/// Who told of it, and what dealings with that peer were like; nothing where it is not among the last ones. The signature decides,
/// not who passed it on: this is to see where something comes from.
fn told(context: &Context, release: ReleaseId, own: bool) -> Option<Step> {
    let note = |text: String| Some(Step::new(Code::Told, Outcome::Note, text));
    let item = context.bus.recent_feed(FEED_KEPT).into_iter().find(|item| item.release_id == release)?;
    let Some(from) = &item.from else {
        return match own {
            true => note("published by this node".to_owned()),
            // Of earlier runs the catalogue tells when, and not of whom.
            false => note(format!("first heard of at {}; from whom is not remembered", time(item.received_at))),
        };
    };
    let others = match item.heard_from {
        0 | 1 => String::new(),
        peers => format!(", and from {} more", peers - 1),
    };
    let known = from.parse().ok().and_then(|peer| context.peers.info(peer));
    let repute = match known {
        Some(info) if info.banned => ", which is banned now".to_owned(),
        Some(info) if info.evidence > 0 => format!(" (reputation {:.2})", info.reputation),
        _ => " (nothing is known of it)".to_owned(),
    };
    note(format!("heard from {from}{repute}{others}"))
}

/// Who has the bytes. Many who hold a package say that it can be had, not that it is good.
fn holders(context: &Context, id: PackageId, here: bool) -> Step {
    let known = context.services.holders().of(id);
    let connected = context.swarm.connected();
    let here_too = if here { ", and this node has it" } else { "" };
    let near = known.iter().filter(|peer| connected.contains(peer)).count();
    let text = match known.len() {
        0 if here => "this node has the bytes; no peer is known to".to_owned(),
        0 => "no peer is known to hold the bytes yet; an install asks for them".to_owned(),
        1 => format!("1 peer is known to hold the bytes ({near} connected{}){here_too}", repute(context, &known)),
        n => format!("{n} peers are known to hold the bytes ({near} connected{}){here_too}", repute(context, &known)),
    };
    Step::new(Code::Providers, Outcome::Note, text)
}

/// How the best of them has served so far.
fn repute(context: &Context, holders: &[PeerId]) -> String {
    let names: Vec<_> = holders.iter().map(ToString::to_string).collect();
    let peers = context.peers.list();
    let best =
        peers.iter().filter(|peer| names.contains(&peer.peer_id)).map(|peer| peer.reputation).max_by(f64::total_cmp);
    best.map_or_else(String::new, |best| format!(", best reputation {best:.2}"))
}

/// Answers [`NodeCommand::Pins`](super::super::api::NodeCommand::Pins).
pub async fn pins(context: &Context) -> Result<NodeReply, NodeError> {
    Ok(NodeReply::Pins(context.store.run(|db| db.pins()).await?))
}

/// Answers [`NodeCommand::Pin`](super::super::api::NodeCommand::Pin).
pub async fn pin(context: &Context, name: PackageName, publisher: PublisherKey) -> Result<NodeReply, NodeError> {
    let pin = Pin { name, publisher, since: unix_now(), origin: PinOrigin::Accepted };
    context.store.run(move |db| db.pin(&pin)).await?;
    Ok(NodeReply::Done)
}

/// Answers [`NodeCommand::Unpin`](super::super::api::NodeCommand::Unpin).
pub async fn unpin(context: &Context, name: PackageName) -> Result<NodeReply, NodeError> {
    Ok(NodeReply::Changed(context.store.run(move |db| db.unpin(&name)).await?))
}

#[cfg(test)]
mod tests {
    use super::super::intake::feed_item;
    use super::super::testing::TestNode;
    use super::*;
    use crate::market::{Identity, VerifiedRelease};
    use crate::net::api::Via;

    async fn why_told(node: &TestNode, release: &VerifiedRelease) -> String {
        let signed = release.release();
        let answer = why(&node.context, signed.name.clone(), signed.version.clone(), signed.publisher).await.unwrap();
        let NodeReply::Why(assessment) = answer else { panic!("{answer:?}") };
        assessment.step(Code::Told).unwrap().text.to_string()
    }

    /// After a restart the feed is made of the catalogue, which does not say from whom a release came.
    #[tokio::test]
    async fn only_what_a_key_of_this_home_signed_was_published_here() {
        let (one, two) = (TestNode::start().await, TestNode::start().await);
        let (theirs, own) = (one.store("theirs", "1.0.0", b"x").await, two.store("own", "1.0.0", b"y").await);
        let (other, seen) = (theirs.clone(), unix_now());
        two.context.store.run(move |db| db.accept(&other, seen)).await.unwrap();
        let feed = [(&theirs, Via::Sync), (&own, Via::Own)].map(|(release, via)| feed_item(release, via, None, seen));
        two.context.bus.seed_feed(feed);
        assert_eq!(why_told(&two, &own).await, "published by this node");
        let told = why_told(&two, &theirs).await;
        assert_eq!(told, format!("first heard of at {}; from whom is not remembered", time(seen)));
    }

    #[test]
    fn a_key_that_this_home_had_before_is_its_own() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("identity.key");
        let before = Identity::load_or_create(&file).unwrap().public();
        let current = keys::prepare_next(&file).unwrap().public();
        keys::replace(&file).unwrap();
        assert!(is_own(before, current, &file).unwrap() && is_own(current, current, &file).unwrap());
        assert!(!is_own(Identity::generate().public(), current, &file).unwrap());
    }
}
