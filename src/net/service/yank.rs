//! Withdrawing a version, and taking that back.

use crate::market::release::DEFAULT_VALIDITY;
use crate::market::store::Accepted;
use crate::market::{Identity, MarketError, Release, SafeText, VerifiedRelease, keys};

use super::super::api::{NodeEvent, NodeReply, PublishRequest, Via, YankAnswer, YankRequest};
use super::super::clock::unix_now;
use super::super::context::Context;
use super::super::error::{ErrorKind, NodeError};
use super::heads;
use super::intake::feed_item;
use super::publish::{announce_envelope, confirm};

/// Answers [`NodeCommand::Yank`](super::super::api::NodeCommand::Yank).
///
/// The version's last release is signed once more, with the reason, or without one when the yank is taken back. A version
/// published under an earlier key of this home is withdrawn with that key.
///
/// # Errors
/// Not found: there is no such version of this home's keys. Failed: it is, or is not, withdrawn already.
pub async fn yank(context: &Context, request: YankRequest) -> Result<NodeReply, NodeError> {
    let reason = request.reason.as_deref().map(reason).transpose()?;
    let release = sign_and_store(context, &request, reason).await?;
    if let Err(error) = heads::renew(context, false).await {
        tracing::warn!(%error, "the package's head was not renewed");
    }
    announce_envelope(context, release.envelope().to_bytes()).await;
    let confirmed = confirm::wait(context, &release, &PublishRequest::default(), |_| {}).await;
    let signed = release.release();
    Ok(NodeReply::Yank(YankAnswer {
        name: signed.name.clone(),
        version: signed.version.clone(),
        publisher: signed.publisher,
        release_id: release.id(),
        reason: signed.yank_reason.clone(),
        seen_by: confirmed.seen_by,
    }))
}

fn reason(text: &str) -> Result<SafeText, NodeError> {
    let reason = SafeText::new(text.trim());
    if reason.trim().is_empty() {
        return Err(NodeError::new(ErrorKind::Usage, "a version is not withdrawn without a reason")
            .hint("say why, for those who use it: --reason 'deletes the wrong files'"));
    }
    Ok(reason)
}

async fn sign_and_store(
    context: &Context,
    request: &YankRequest,
    reason: Option<SafeText>,
) -> Result<VerifiedRelease, NodeError> {
    let _lock = context.services.publishing().await;
    let (last_word, identity) = own_version(context, request).await?;
    check_change(&last_word, reason.as_ref())?;
    let (name, publisher, now) = (request.name.clone(), identity.public(), unix_now());
    let last = context.store.run(move |db| db.last_of(publisher, &name)).await?;
    let release = Release {
        sequence: last.map_or(1, |(sequence, _)| sequence.saturating_add(1)),
        previous: last.map(|(_, id)| id),
        published_at: now,
        expires_at: now.saturating_add(DEFAULT_VALIDITY),
        yank_reason: reason,
        ..last_word.release().clone()
    };
    let release = release.sign(&identity)?;
    let stored = release.clone();
    match context.store.run(move |db| db.accept(&stored, now)).await? {
        Accepted::New | Accepted::Known => {}
        Accepted::Retired => return Err(retired(&release)),
        Accepted::Conflict => {
            return Err(NodeError::new(ErrorKind::Failed, "another release has taken this one's place meanwhile")
                .hint("try again; is the same key in use on another machine?"));
        }
    }
    context.bus.emit(NodeEvent::Feed(feed_item(&release, Via::Own, None, now)));
    Ok(release)
}

/// The last release of the version by a key of this home, and that key.
async fn own_version(context: &Context, request: &YankRequest) -> Result<(VerifiedRelease, Identity), NodeError> {
    let file = context.home.identity_file();
    let mut own = vec![context.identity.clone()];
    own.extend(keys::key_files(&file)?.into_iter().rev().map(|file| file.identity));
    let name = request.name.clone();
    let known = context.store.run(move |db| db.versions(&name, None)).await?;
    let of_version: Vec<_> = known.iter().filter(|release| release.release().version == request.version).collect();
    for identity in own {
        if let Some(release) = of_version.iter().find(|release| release.release().publisher == identity.public()) {
            return Ok(((*release).clone(), identity));
        }
    }
    Err(not_own(request, &known, of_version.first().map(|release| release.release())))
}

fn not_own(request: &YankRequest, known: &[VerifiedRelease], of_another: Option<&Release>) -> NodeError {
    let (name, version) = (&request.name, &request.version);
    if let Some(release) = of_another {
        let message = format!("{name} {version} was published by {}, not with a key of this home", release.publisher);
        return NodeError::new(ErrorKind::Permission, message).hint("only its publisher can withdraw it");
    }
    let error = NodeError::new(ErrorKind::NotFound, format!("this home has published no {name} {version}"));
    match known.first() {
        Some(newest) => error.hint(format!("the newest version known of {name} is {}", newest.release().version)),
        None => error.hint("no version of that name is known; check the spelling"),
    }
}

fn check_change(last_word: &VerifiedRelease, reason: Option<&SafeText>) -> Result<(), NodeError> {
    let release = last_word.release();
    let what = format!("{} {}", release.name, release.version);
    match (&release.yank_reason, reason) {
        (Some(before), Some(now)) if before == now => {
            Err(NodeError::new(ErrorKind::Failed, format!("{what} is withdrawn already: {before}"))
                .hint("give another reason to change it, or take it back with --undo"))
        }
        (None, None) => Err(NodeError::new(ErrorKind::Failed, format!("{what} is not withdrawn"))
            .hint("withdraw it with --reason TEXT")),
        _ => Ok(()),
    }
}

fn retired(release: &VerifiedRelease) -> NodeError {
    let release = release.release();
    let message = format!("{} {} was published with a key that was replaced or revoked", release.name, release.version);
    MarketError::Refused {
        message,
        hint: "a replaced key can withdraw, but not bring back: publish a new version".into(),
    }
    .into()
}
