//! `trust`: the keys that names are pinned to, and the user's word on them.

use serde_json::json;

use crate::app::output::table::Table;
use crate::app::output::{Style, human};
use crate::config::cli::TrustVerb;
use crate::market::store::{Pin, PinOrigin};
use crate::market::trust::{Fingerprint, Ground};
use crate::market::{Identity, PackageName, PublisherKey, Store};
use crate::net::{ErrorKind, NodeError};

use super::install::as_usage;
use super::installed::open_store;
use super::{Context, Session};

pub async fn run(context: &Context, session: &Session, verb: &TrustVerb) -> Result<(), NodeError> {
    match verb {
        TrustVerb::List => list(context, session).await,
        TrustVerb::Pin { name, key } => pin(context, session, name, key).await,
        TrustVerb::Forget { name } => forget(context, session, name).await,
    }
}

/// What a store is judged by where no node runs.
pub fn ground(context: &Context) -> Result<Ground, NodeError> {
    let settings = &context.loaded.settings;
    Ok(Ground {
        network: settings.network.name.clone(),
        now: crate::net::unix_now(),
        cooldown: settings.security.install_cooldown.0,
        own: own_key(context)?,
        ..Ground::default()
    })
}

/// The key of the home, if it has one: asking must not make it.
fn own_key(context: &Context) -> Result<Option<PublisherKey>, NodeError> {
    let file = context.home.identity_file();
    Ok(if file.exists() { Some(Identity::load_or_create(&file)?.public()) } else { None })
}

async fn list(context: &Context, session: &Session) -> Result<(), NodeError> {
    let pins = match session.find(context).await? {
        Some(node) => node.pins().await?,
        None => match open_store(context)? {
            Some(store) => store.run(|db| db.pins()).await?,
            None => Vec::new(),
        },
    };
    if pins.is_empty() {
        context.output.note("no key is pinned: the first install of a name pins its publisher's");
    }
    let told: Vec<_> = pins.iter().map(told).collect();
    context.output.answer(&json!({ "pins": told }), |style| table(&pins, style))
}

/// A pin for scripts.
fn told(pin: &Pin) -> serde_json::Value {
    json!({
        "name": pin.name,
        "publisher": pin.publisher,
        "fingerprint": Fingerprint::of(&pin.publisher).to_string(),
        "since": pin.since,
        "origin": pin.origin,
    })
}

fn table(pins: &[Pin], style: Style) -> String {
    if pins.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["NAME", "FINGERPRINT", "SINCE", "BY", "~PUBLISHER"]);
    for pin in pins {
        let by = match pin.origin {
            PinOrigin::Installed => "first install",
            PinOrigin::Accepted => "your word",
            PinOrigin::Rotated => "rotation",
        };
        table.row([
            pin.name.to_string(),
            Fingerprint::of(&pin.publisher).to_string(),
            if pin.since == 0 { "-".into() } else { human::time(pin.since) },
            by.to_owned(),
            pin.publisher.to_string(),
        ]);
    }
    table.render(style)
}

async fn pin(context: &Context, session: &Session, name: &str, key: &str) -> Result<(), NodeError> {
    let name: PackageName = name.parse().map_err(as_usage)?;
    let publisher: PublisherKey = key.parse().map_err(as_usage)?;
    match session.find(context).await? {
        Some(node) => node.pin(name.clone(), publisher).await?,
        None => {
            let pin = Pin { name: name.clone(), publisher, since: crate::net::unix_now(), origin: PinOrigin::Accepted };
            Store::open(&context.home)?.run(move |db| db.pin(&pin)).await?;
        }
    }
    let fingerprint = Fingerprint::of(&publisher);
    let answer = json!({ "name": name, "publisher": publisher, "fingerprint": fingerprint.to_string() });
    context.output.answer(&answer, |_| format!("pinned {name} to {fingerprint}\n"))
}

async fn forget(context: &Context, session: &Session, name: &str) -> Result<(), NodeError> {
    let name: PackageName = name.parse().map_err(as_usage)?;
    let forgotten = match session.find(context).await? {
        Some(node) => node.unpin(name.clone()).await?,
        None => match open_store(context)? {
            Some(store) => {
                let name = name.clone();
                store.run(move |db| db.unpin(&name)).await?
            }
            None => false,
        },
    };
    if !forgotten {
        return Err(NodeError::new(ErrorKind::NotFound, format!("no key is pinned for {name}"))
            .hint("see which are with: ggen-p2p-tui trust list"));
    }
    context.output.answer(&json!({ "forgotten": name }), |_| {
        format!("forgot the key of {name}; the next install of it pins its publisher's\n")
    })
}
