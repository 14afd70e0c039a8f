//! `key`: show, rotate, revoke.

use serde_json::json;

use crate::app::failure::usage;
use crate::app::output::table;
use crate::config::cli::KeyVerb;
use crate::market::PublisherKey;
use crate::net::NodeError;
use crate::net::api::{KeyChange, KeyInfo};
use crate::net::keys;

use super::install::as_usage;
use super::installed::open_store;
use super::{Context, Session};

pub async fn run(context: &Context, session: &mut Session, verb: &KeyVerb) -> Result<(), NodeError> {
    match verb {
        KeyVerb::Show => show(context, session).await,
        KeyVerb::Rotate => {
            let change = change(context, session, Change::Rotate).await?;
            report(context, session, &change, "replaced")
        }
        KeyVerb::Revoke { reason, key, yes } => {
            let key = key.as_deref().map(str::parse::<PublisherKey>).transpose().map_err(as_usage)?;
            if !yes {
                return Err(usage(
                    "a revocation cannot be taken back: nothing new signed with the key is believed any more",
                )
                .hint("add --yes to do it; `key rotate` first names a successor that users go on with"));
            }
            if reason.trim().is_empty() {
                return Err(usage("the reason is empty").hint("say why, for those who trusted the key"));
            }
            let change = change(context, session, Change::Revoke(key, reason.clone())).await?;
            report(context, session, &change, "revoked")
        }
    }
}

enum Change {
    Rotate,
    Revoke(Option<PublisherKey>, String),
}

async fn change(context: &Context, session: &mut Session, change: Change) -> Result<KeyChange, NodeError> {
    let node = session.open(context).await?;
    session.settle(context).await?;
    match change {
        Change::Rotate => node.rotate_key().await,
        Change::Revoke(key, reason) => node.revoke_key(key, reason).await,
    }
}

fn report(context: &Context, session: &Session, change: &KeyChange, what: &'static str) -> Result<(), NodeError> {
    context.output.answer(change, |style| table::fields(&fields(change, what), style))?;
    if change.restart && !session.is_own() {
        context
            .output
            .note("note: the running node still has the old key: stop it and start it again to use the new one");
    }
    if change.told == 0 {
        context.output.note("note: nobody was there to hear of it; others get it when a node of this home meets them");
    }
    Ok(())
}

fn fields(change: &KeyChange, what: &'static str) -> Vec<(&'static str, String)> {
    let key = |key: PublisherKey| format!("{key}\n{}", key.fingerprint());
    let mut fields = vec![(what, key(change.old))];
    fields.extend(change.new.map(|new| ("new key", key(new))));
    fields.extend(change.kept.clone().map(|path| ("old key kept", path)));
    fields.push(("told", crate::app::output::human::count(change.told, "peer")));
    fields
}

async fn show(context: &Context, session: &Session) -> Result<(), NodeError> {
    let known = match session.find(context).await? {
        Some(node) => node.keys().await?,
        None => stored(context).await?,
    };
    context.output.answer(&json!({ "keys": known }), |style| {
        known.iter().map(|key| table::fields(&describe(key), style)).collect::<Vec<_>>().join("\n")
    })
}

async fn stored(context: &Context) -> Result<Vec<KeyInfo>, NodeError> {
    let home = context.home.clone();
    match open_store(context)? {
        Some(store) => Ok(store.run(move |db| keys::known(&home, Some(db))).await?),
        None => Ok(keys::known(&home, None)?),
    }
}

fn describe(key: &KeyInfo) -> Vec<(&'static str, String)> {
    let state = match (&key.revoked, &key.successor) {
        (Some(reason), Some(successor)) => format!("revoked ({reason}), replaced by {successor}"),
        (Some(reason), None) => format!("revoked: {reason}"),
        (None, Some(successor)) => format!("replaced by {successor}"),
        (None, None) if key.in_use => "in use".into(),
        (None, None) => "no longer in use".into(),
    };
    vec![
        ("key", key.publisher.to_string()),
        ("fingerprint", key.fingerprint.clone()),
        ("state", state),
        ("file", key.file.clone()),
    ]
}
