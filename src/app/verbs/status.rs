//! `status` and `stop`.

use std::time::Duration;

use crate::app::output::{human, table};
use crate::net::api::{CatalogStatus, LimitHit, ReachInfo, Status, StorageStatus};
use crate::net::{self, ErrorKind, NodeError};

use super::{Context, Session};

pub async fn status(context: &Context, session: &Session) -> Result<(), NodeError> {
    let node = session.running(context).await?;
    let status = node.status().await?;
    context.output.answer(&status, |style| table::fields(&fields(&status), style))
}

fn fields(status: &Status) -> Vec<(&'static str, String)> {
    let mut synced = vec![status.last_sync_at.map_or("not yet".to_owned(), human::time)];
    synced.extend(
        status
            .syncing
            .iter()
            .filter(|sync| sync.expected > 0)
            .map(|sync| format!("now: {} of {} releases from {}", sync.received, sync.expected, sync.peer_id)),
    );
    let mut fields = vec![
        ("peer id", status.peer_id.clone()),
        ("agent", status.agent.clone()),
        ("network", status.network.clone()),
        ("home", status.home.clone()),
        ("process", format!("{}, up {}", status.pid, human::duration(status.uptime_s))),
        ("listening on", status.listen_addrs.join("\n")),
        ("reachability", reachability(&status.reachability)),
        ("peers", status.connected_peers.to_string()),
        (
            "dht",
            format!(
                "{}, {} peers in the routing table, {} records, {} provider records",
                status.dht.mode, status.dht.routing_table, status.dht.records, status.dht.providers
            ),
        ),
        ("topics", status.topics.join("\n")),
        ("catalogue", catalogue(&status.catalog)),
        ("storage", storage(&status.storage)),
        (
            "traffic",
            format!("{} in, {} out", human::bytes(status.traffic.bytes_in), human::bytes(status.traffic.bytes_out)),
        ),
        ("last sync", synced.join("\n")),
    ];
    if let Some(why) = &status.stale {
        fields.push(("may be behind", why.to_string()));
    }
    if !status.central.is_empty() {
        fields.push(("central", status.central.iter().map(super::central::line).collect::<Vec<_>>().join("\n")));
    }
    if !status.limits.is_empty() {
        fields.push(("limits hit", status.limits.iter().map(limit).collect::<Vec<_>>().join("\n")));
    }
    if !status.notices.is_empty() {
        fields.push(("notices", status.notices.join("\n")));
    }
    fields
}

fn catalogue(catalog: &CatalogStatus) -> String {
    let mut text = format!("{} packages, {} releases", catalog.packages, catalog.releases);
    if let (Some(coverage), Some(elsewhere)) = (catalog.coverage(), catalog.elsewhere) {
        // Rounded down: not all is not 100 %.
        text += &match elsewhere {
            fewer if fewer < catalog.releases => format!("; no peer met has more (the most: {elsewhere})"),
            _ => format!("; {} % of the {elsewhere} of the peer that has most", (coverage * 100.0).floor()),
        };
    }
    text += &refused(catalog);
    if let Some(since) = catalog.full_since {
        text += &format!("\nfull (performance.catalog_limit): everything since {}, nothing older", human::time(since));
    }
    text
}

/// What peers have and this node must not take; and what it has and gives to nobody.
fn refused(catalog: &CatalogStatus) -> String {
    let mut text = String::new();
    for one in &catalog.refused {
        let why = match one.why.as_str() {
            "future" => "signed in the future, by this computer's clock",
            "expired" => "expired, by this computer's clock",
            "network" => "of another network",
            "key" => "their key was revoked, or replaced before",
            "conflict" => "they contradict what is known",
            _ => "made by rules that this version does not know",
        };
        text += &format!("\n{} refused: {why}", one.releases);
    }
    if catalog.retired > 0 {
        text += &format!(
            "\n{} of them are of keys that were revoked, or replaced before: peers take none of these any more",
            catalog.retired
        );
    }
    text
}

fn reachability(reach: &ReachInfo) -> String {
    format!("{}, since {}: {}", reach.state, human::time(reach.since), reach.reason)
}

fn limit(hit: &LimitHit) -> String {
    let (times, first, last) = (hit.hits, human::time(hit.first_at), human::time(hit.last_at));
    format!("{}: {times} times since {first}, last {last}", hit.what)
}

fn storage(storage: &StorageStatus) -> String {
    let StorageStatus { blobs, bytes, quota, bound } = *storage;
    let over = if bound > quota { "; over the quota, since none of it may be removed" } else { "" };
    format!(
        "{blobs} blobs, {} of {}, {} of it installed or your own{over}",
        human::bytes(bytes),
        human::bytes(quota),
        human::bytes(bound)
    )
}

/// How long a node may take to stop.
const STOP: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

pub async fn stop(context: &Context, session: &Session) -> Result<(), NodeError> {
    let node = session.running(context).await?;
    let status = node.status().await?;
    match node.shutdown().await {
        // The node may be gone before its answer is out.
        Ok(_) => {}
        Err(error) if error.kind == ErrorKind::NoNode => {}
        Err(error) => return Err(error),
    }
    // Not only until it does not answer any more: whoever is told that it has stopped may start another one at once.
    let gone = async {
        while net::is_held_by(&context.home, status.pid) {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    if tokio::time::timeout(STOP, gone).await.is_err() {
        let what = format!("the node (process {}) is still there after {} s", status.pid, STOP.as_secs());
        return Err(NodeError::new(ErrorKind::Failed, what).hint(format!("end it with `kill {}`", status.pid)));
    }
    let answer = serde_json::json!({ "stopped": true, "pid": status.pid });
    context.output.answer(&answer, |_| format!("stopped the node (process {})\n", status.pid))
}
