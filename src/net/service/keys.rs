//! This home's keys: showing, replacing and revoking them. What they say of themselves is told to others like releases.

use crate::config::Home;
use crate::market::keys::{self, KeyStatement, KeyWord};
use crate::market::store::KeyAccepted;
use crate::market::{Db, Identity, MarketError, PublisherKey, SafeText, VerifiedKeyStatement};

use super::super::api::{KeyChange, KeyInfo, NodeReply};
use super::super::clock::unix_now;
use super::super::context::Context;
use super::super::error::{ErrorKind, NodeError};
use super::publish::announce_envelope;

/// Answers [`NodeCommand::Keys`](super::super::api::NodeCommand::Keys).
pub async fn list(context: &Context) -> Result<NodeReply, NodeError> {
    let home = context.home.clone();
    Ok(NodeReply::Keys(context.store.run(move |db| known(&home, Some(db))).await?))
}

/// The keys of `home`, the one in use first; what is said of them is in its database, if it has one.
///
/// # Errors
/// Not found: the home has no key yet.
pub fn known(home: &Home, mut db: Option<&mut Db>) -> Result<Vec<KeyInfo>, MarketError> {
    let file = home.identity_file();
    if !file.exists() {
        return Err(MarketError::NotFound {
            message: format!("{} has no key yet", home.root().display()),
            hint: "the first publish, or the first start of a node, makes one".into(),
        });
    }
    let current = keys::KeyFile { identity: Identity::load_or_create(&file)?, path: file.clone() };
    let mut infos = Vec::new();
    for (index, key) in std::iter::once(current).chain(keys::key_files(&file)?.into_iter().rev()).enumerate() {
        let publisher = key.identity.public();
        let mut info = KeyInfo {
            publisher,
            fingerprint: publisher.fingerprint(),
            file: key.path.display().to_string(),
            in_use: index == 0,
            successor: None,
            revoked: None,
        };
        if let Some(db) = db.as_deref_mut() {
            info.successor = db.successor(publisher)?;
            info.revoked = db.revocation(publisher)?.map(|revocation| revocation.reason);
        }
        infos.push(info);
    }
    Ok(infos)
}

/// Answers [`NodeCommand::RotateKey`](super::super::api::NodeCommand::RotateKey): a new key takes the place of this home's.
///
/// # Errors
/// Failed: the key was replaced or revoked before.
pub async fn rotate(context: &Context) -> Result<NodeReply, NodeError> {
    let _lock = context.services.publishing().await;
    let old = context.identity.clone();
    check_in_use(context, &old).await?;
    let (file, network, now) = (context.home.identity_file(), context.settings.network.name.clone(), unix_now());
    let done = context.store.run(move |db| {
        let next = keys::prepare_next(&file)?;
        let statement = KeyStatement::rotate(&network, &old, &next, now)?;
        store(db, &statement, now)?;
        Ok((next.public(), keys::replace(&file)?, statement))
    });
    let (new, kept, statement) = done.await?;
    let told = announce_envelope(context, statement.envelope().to_bytes()).await;
    Ok(NodeReply::KeyChange(KeyChange {
        old: context.identity.public(),
        new: Some(new),
        kept: Some(kept.display().to_string()),
        told,
        restart: true,
    }))
}

/// Answers [`NodeCommand::RevokeKey`](super::super::api::NodeCommand::RevokeKey): nothing new of the key is believed from now
/// on. `key`: an earlier one of this home; none: the one in use, in whose place a new one is made that has no part in what
/// the old one had published.
///
/// # Errors
/// Usage: without a reason. Not found: no file of this home has that key. Failed: it is revoked already.
pub async fn revoke(context: &Context, key: Option<PublisherKey>, reason: &str) -> Result<NodeReply, NodeError> {
    if SafeText::new(reason).trim().is_empty() {
        return Err(NodeError::new(ErrorKind::Usage, "a key is not revoked without a reason")
            .hint("say why, for those who trusted it: --reason 'the laptop was stolen'"));
    }
    let _lock = context.services.publishing().await;
    let identity = own_key(context, key)?;
    let in_use = identity.public() == context.identity.public();
    if in_use {
        check_in_use(context, &identity).await?;
    }
    let (file, network, now) = (context.home.identity_file(), context.settings.network.name.clone(), unix_now());
    let (revoked, reason) = (identity.public(), reason.to_owned());
    let done = context.store.run(move |db| {
        if let Some(before) = db.revocation(identity.public())? {
            return Err(MarketError::Refused {
                message: format!("the key {} is revoked already: {}", identity.public(), before.reason),
                hint: "a revocation cannot be taken back".into(),
            });
        }
        let named = named_successor(db, identity.public())?;
        let statement = KeyStatement::revoke(&network, &identity, named, &reason, now)?;
        // Made before, so that the home is never without a usable key.
        let next = if in_use { Some(keys::prepare_next(&file)?.public()) } else { None };
        store(db, &statement, now)?;
        let kept = if in_use { Some(keys::replace(&file)?) } else { None };
        Ok((next, kept, statement))
    });
    let (new, kept, statement) = done.await?;
    let told = announce_envelope(context, statement.envelope().to_bytes()).await;
    let kept = kept.map(|path| path.display().to_string());
    Ok(NodeReply::KeyChange(KeyChange { old: revoked, new, kept, told, restart: in_use }))
}

/// Refuses to change a key that gave up its place before: the file may come from a backup, or the node is to be restarted.
async fn check_in_use(context: &Context, identity: &Identity) -> Result<(), NodeError> {
    let (key, file) = (identity.public(), context.home.identity_file());
    let in_file = Identity::load_or_create(&file)?.public();
    if in_file != key {
        let message = format!("this node still runs with the key {key}; the home's is {in_file} by now");
        return Err(NodeError::new(ErrorKind::Failed, message).hint("restart the node, then try again"));
    }
    let (named, revoked) = context.store.run(move |db| Ok((named_successor(db, key)?, db.revocation(key)?))).await?;
    let why = match (named, revoked) {
        (_, Some(revocation)) => format!("the key {key} is revoked: {}", revocation.reason),
        (Some(successor), None) => format!("the key {key} was replaced by {successor}"),
        (None, None) => return Ok(()),
    };
    Err(NodeError::new(ErrorKind::Failed, why)
        .hint(format!("put the newer key back, or move {} away to begin with a new one", file.display())))
}

fn own_key(context: &Context, key: Option<PublisherKey>) -> Result<Identity, NodeError> {
    let current = context.identity.clone();
    let Some(key) = key.filter(|key| *key != current.public()) else { return Ok(current) };
    let found = keys::key_files(&context.home.identity_file())?.into_iter().find(|file| file.identity.public() == key);
    found.map(|file| file.identity).ok_or_else(|| {
        NodeError::new(ErrorKind::NotFound, format!("no key file of this home holds {key}"))
            .hint("see which there are with: ggen-p2p-tui key show")
    })
}

/// Whom the key itself names in its place.
fn named_successor(db: &mut Db, key: PublisherKey) -> Result<Option<PublisherKey>, MarketError> {
    let statements = db.key_statements(key)?;
    Ok(statements.iter().find_map(|(said, _)| match said.statement().word {
        KeyWord::Rotation { successor } => Some(successor),
        KeyWord::Revocation { .. } => None,
    }))
}

fn store(db: &mut Db, statement: &VerifiedKeyStatement, now: u64) -> Result<(), MarketError> {
    match db.accept_key_statement(statement, now)? {
        KeyAccepted::New | KeyAccepted::Known => Ok(()),
        KeyAccepted::Refused(fault) => Err(MarketError::KeyStatement(fault.to_string())),
    }
}

/// Whether `old` gave up its place to `new`, or was revoked: what is to be completed after a crash.
pub fn is_over(db: &mut Db, old: PublisherKey, new: PublisherKey) -> Result<bool, MarketError> {
    let statements = db.key_statements(old)?;
    Ok(statements.iter().any(|(said, _)| match said.statement().word {
        KeyWord::Rotation { successor } => successor == new,
        KeyWord::Revocation { .. } => true,
    }))
}
