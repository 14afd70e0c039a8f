//! `peers`, `peer-info`, `connect`, `disconnect`, `bootstrap`, `ban`, `unban`, `keep`, `unkeep`.

use serde_json::json;

use crate::app::failure::usage;
use crate::app::output::table::{self, Table};
use crate::app::output::{Style, human};
use crate::config::cli::{BanArgs, PeerSort, PeersArgs};
use crate::net::api::{Direction, PeerEvent, PeerInfo, Status};
use crate::net::{ErrorKind, NodeError, NodeHandle};

use super::{Context, Session};

/// Columns of a terminal from which peer ids are shown whole.
const WIDE: usize = 150;

pub async fn peers(context: &Context, session: &Session, arguments: &PeersArgs) -> Result<(), NodeError> {
    let node = session.running(context).await?;
    let mut peers = if arguments.all { node.known_peers().await? } else { node.peers().await? };
    if let Some(least) = arguments.min_reputation {
        peers.retain(|peer| peer.reputation >= least);
    }
    sort(&mut peers, arguments.sort);
    if peers.is_empty() {
        context.output.note("no peers");
    }
    context.output.answer(&json!({ "peers": peers }), |style| list(&peers, style))
}

fn sort(peers: &mut [PeerInfo], order: PeerSort) {
    let latency = |peer: &PeerInfo| peer.latency_ms.unwrap_or(f64::INFINITY);
    peers.sort_by(|a, b| {
        let first = match order {
            PeerSort::Reputation => {
                (a.banned.cmp(&b.banned)).then(b.reputation.total_cmp(&a.reputation)).then(b.evidence.cmp(&a.evidence))
            }
            PeerSort::Latency => latency(a).total_cmp(&latency(b)),
            PeerSort::Age => b.connected_s.cmp(&a.connected_s),
            PeerSort::Name => std::cmp::Ordering::Equal,
        };
        first.then_with(|| a.peer_id.cmp(&b.peer_id))
    });
}

fn list(peers: &[PeerInfo], style: Style) -> String {
    if peers.is_empty() {
        return String::new();
    }
    let whole = style.width.is_none_or(|width| width >= WIDE);
    let titles = ["PEER", ">REPUTATION", ">LATENCY", "DIRECTION", ">CONNECTED", "STATE", "~AGENT", "~ADDRESS"];
    let mut table = Table::new(&titles);
    for peer in peers {
        table.row([
            if whole { peer.peer_id.clone() } else { human::short(&peer.peer_id) },
            reputation(peer),
            peer.latency_ms.map_or("-".into(), |ms| format!("{ms:.1} ms")),
            direction(peer).to_owned(),
            peer.connected_s.map_or("-".into(), human::duration),
            state(peer).to_owned(),
            peer.agent.to_string(),
            peer.addrs.first().cloned().unwrap_or_default(),
        ]);
    }
    table.render(style)
}

fn reputation(peer: &PeerInfo) -> String {
    if peer.evidence == 0 { "new".to_owned() } else { format!("{:.2}", peer.reputation) }
}

fn direction(peer: &PeerInfo) -> &'static str {
    match peer.direction {
        Some(Direction::Inbound) => "in",
        Some(Direction::Outbound) => "out",
        None => "-",
    }
}

/// `tcp`, `quic, through a relay`.
fn transport(peer: &PeerInfo) -> String {
    match (peer.transport.as_str(), peer.relayed) {
        ("", _) => "-".into(),
        (carried, true) => format!("{carried}, through a relay"),
        (carried, false) => carried.into(),
    }
}

fn state(peer: &PeerInfo) -> &'static str {
    match (peer.banned, peer.connected) {
        (true, _) => "banned",
        (false, true) if peer.kept => "connected, kept",
        (false, true) => "connected",
        (false, false) if peer.kept => "away, kept",
        (false, false) => "away",
    }
}

pub async fn peer_info(context: &Context, session: &Session, peer: &str) -> Result<(), NodeError> {
    let node = session.running(context).await?;
    let peers = node.known_peers().await?;
    let found = pick(&peers, peer)?.ok_or_else(|| {
        if !is_id(peer) {
            return usage(format!("{peer:?} is no peer id, nor the end of one that is known"))
                .hint("see `ggen-p2p-tui peers --all`; the last four characters or more do");
        }
        NodeError::new(ErrorKind::NotFound, format!("the node knows no peer {peer:?}"))
            .hint("see `ggen-p2p-tui peers --all` for those that it remembers")
    })?;
    context.output.answer(found, |style| table::fields(&details(found), style))
}

/// Whether it could be a peer's: the ids of the network's nodes all begin alike.
fn is_id(text: &str) -> bool {
    text.parse::<crate::market::PublisherKey>().is_ok()
}

fn details(peer: &PeerInfo) -> Vec<(&'static str, String)> {
    let evidence = format!("{} ({} good, {} bad{})", reputation(peer), peer.successes, peer.failures, kinds(peer));
    let mut fields = vec![
        ("peer id", peer.peer_id.clone()),
        ("state", state(peer).to_owned()),
        ("agent", peer.agent.to_string()),
        ("addresses", peer.addrs.join("\n")),
        ("direction", direction(peer).to_owned()),
        ("transport", transport(peer)),
        ("releases", peer.releases.map_or("-".into(), |releases| releases.to_string())),
        ("connected", peer.connected_s.map_or("-".into(), human::duration)),
        ("last seen", if peer.last_seen == 0 { "never".into() } else { human::time(peer.last_seen) }),
        ("latency", latency(peer)),
        ("speed", peer.throughput.map_or("-".into(), |bytes| format!("{}/s", human::bytes(bytes)))),
        ("reputation", evidence),
        ("relied on for", format!("{:.2}", peer.estimate)),
        ("gossip score", peer.gossip_score.map_or("-".into(), |score| format!("{score:.1}"))),
        ("known from", peer.source.clone()),
        ("traffic", format!("{} in, {} out", human::bytes(peer.bytes_in), human::bytes(peer.bytes_out))),
    ];
    if let Some(away) = &peer.away {
        fields.push(("away", happened(away)));
    }
    if let Some(why) = &peer.distrust {
        fields.push(("asked last", why.to_string()));
    }
    if peer.banned {
        let since = peer.banned_at.filter(|at| *at > 0).map(|at| format!("since {}, ", human::time(at)));
        let until = peer.banned_until.map_or("lifted by hand".to_owned(), human::time);
        let reason = peer.ban_reason.as_ref().map_or("-", |reason| reason.as_str());
        fields.push(("banned", format!("{}until {until}: {reason}", since.unwrap_or_default())));
    }
    if peer.bans > 0 {
        fields.push(("bans lately", format!("{}; each is longer than the one before", peer.bans)));
    }
    fields.push(("history", peer.history.iter().map(happened).collect::<Vec<_>>().join("\n")));
    fields
}

/// Failures by kind, those that there were.
fn kinds(peer: &PeerInfo) -> String {
    let failed = peer.failed;
    let kinds = [
        ("broken off", failed.broken),
        ("stalled", failed.stalled),
        ("refused", failed.refused),
        ("misbehaved", failed.misbehaved),
        ("lied", failed.lies),
    ];
    let named: Vec<_> =
        kinds.iter().filter(|(_, count)| *count > 0).map(|(kind, count)| format!("{kind} {count}")).collect();
    if named.is_empty() { String::new() } else { format!(": {}", named.join(", ")) }
}

fn latency(peer: &PeerInfo) -> String {
    match (peer.latency_ms, peer.latency_avg_ms) {
        (Some(last), Some(average)) => format!("{last:.1} ms, {average:.1} ms on average"),
        (Some(one), None) => format!("{one:.1} ms"),
        (None, Some(average)) => format!("{average:.1} ms on average"),
        (None, None) => "-".into(),
    }
}

fn happened(event: &PeerEvent) -> String {
    let times = if event.times > 1 { format!(" ({} times)", event.times) } else { String::new() };
    format!("{}  {}{times}", human::time(event.at), event.text)
}

/// The peer that `wanted` means: a peer id, or the end of one as tables show it.
fn pick<'a>(peers: &'a [PeerInfo], wanted: &str) -> Result<Option<&'a PeerInfo>, NodeError> {
    if let Some(exact) = peers.iter().find(|peer| peer.peer_id == wanted) {
        return Ok(Some(exact));
    }
    let end = wanted.trim_start_matches('…');
    let mut found = peers.iter().filter(|peer| end.len() >= 4 && peer.peer_id.ends_with(end));
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => Err(usage(format!("several peers end in {end:?}")).hint("give more of the peer id")),
        (first, _) => Ok(first),
    }
}

/// The peer id that `wanted` means. One that the node does not know is passed on as it is.
async fn resolve(node: &NodeHandle, wanted: &str) -> Result<String, NodeError> {
    let peers = node.peers().await?;
    Ok(pick(&peers, wanted)?.map_or_else(|| wanted.to_owned(), |peer| peer.peer_id.clone()))
}

pub async fn connect(context: &Context, session: &Session, addr: &str) -> Result<(), NodeError> {
    if !addr.starts_with('/') {
        return Err(usage(format!("{addr:?} is no multiaddr")).hint("write e.g. /ip4/192.0.2.7/tcp/4001"));
    }
    let node = session.running(context).await?;
    let peer_id = node.connect(addr.to_owned()).await?;
    context.output.answer(&json!({ "peer_id": peer_id }), |_| format!("connected to {peer_id}\n"))
}

pub async fn disconnect(context: &Context, session: &Session, peer: Option<&str>) -> Result<(), NodeError> {
    let node = session.running(context).await?;
    let peer = match peer {
        Some(wanted) => Some(resolve(&node, wanted).await?),
        None => None,
    };
    let changed = node.disconnect(peer.clone()).await?;
    let who = peer.as_deref().unwrap_or("all peers");
    if !changed && peer.is_some() {
        return Err(NodeError::new(ErrorKind::NotFound, format!("the node is not connected to {who:?}"))
            .hint("see `ggen-p2p-tui peers`"));
    }
    let text = if changed { format!("disconnected from {who}\n") } else { "there was no connection\n".to_owned() };
    context.output.answer(&json!({ "disconnected": changed, "peer_id": peer }), |_| text)
}

pub async fn bootstrap(context: &Context, session: &Session, wait: bool) -> Result<(), NodeError> {
    let node = session.running(context).await?;
    node.bootstrap(wait).await?;
    let status = node.status().await?;
    let answer = json!({
        "finished": wait,
        "connected_peers": status.connected_peers,
        "routing_table": status.dht.routing_table,
    });
    context.output.answer(&answer, |_| bootstrapped(wait, &status))
}

fn bootstrapped(finished: bool, status: &Status) -> String {
    let state = if finished { "bootstrap finished" } else { "bootstrap started" };
    format!(
        "{state}: {} connected, {} in the routing table\n",
        human::count(status.connected_peers, "peer"),
        status.dht.routing_table
    )
}

pub async fn ban(context: &Context, session: &Session, arguments: &BanArgs) -> Result<(), NodeError> {
    let node = session.running(context).await?;
    let peer = resolve(&node, &arguments.peer).await?;
    let duration_s = arguments.duration.map(|span| span.0);
    node.ban(peer.clone(), arguments.reason.clone(), duration_s).await?;
    let how_long = duration_s.map_or("until lifted".to_owned(), |s| format!("for {}", human::duration(s)));
    let answer = json!({ "banned": true, "peer_id": peer, "duration_s": duration_s });
    context.output.answer(&answer, |_| format!("banned {peer} {how_long}\n"))
}

pub async fn unban(context: &Context, session: &Session, peer: &str) -> Result<(), NodeError> {
    let node = session.running(context).await?;
    let peer = resolve(&node, peer).await?;
    if !node.unban(peer.clone()).await? {
        return Err(
            NodeError::new(ErrorKind::NotFound, format!("{peer:?} is not banned")).hint("see `ggen-p2p-tui peers`")
        );
    }
    context.output.answer(&json!({ "banned": false, "peer_id": peer }), |_| format!("let {peer} in again\n"))
}

pub async fn keep(context: &Context, session: &Session, peer: &str) -> Result<(), NodeError> {
    let node = session.running(context).await?;
    let peer = remembered(&node, peer).await?;
    let new = node.keep(peer.clone()).await?;
    let text = if new {
        "from now on this node keeps up the connection with"
    } else {
        "this node stays connected already with"
    };
    context.output.answer(&json!({ "kept": true, "new": new, "peer_id": peer }), |_| format!("{text} {peer}\n"))
}

pub async fn unkeep(context: &Context, session: &Session, peer: &str) -> Result<(), NodeError> {
    let node = session.running(context).await?;
    let peer = remembered(&node, peer).await?;
    if !node.unkeep(peer.clone()).await? {
        return Err(NodeError::new(ErrorKind::NotFound, format!("{peer:?} is not kept"))
            .hint("see `ggen-p2p-tui peers`: kept ones say so"));
    }
    context.output.answer(&json!({ "kept": false, "peer_id": peer }), |_| format!("let go of {peer}\n"))
}

/// As [`resolve`], among all that the node remembers.
async fn remembered(node: &NodeHandle, wanted: &str) -> Result<String, NodeError> {
    let peers = node.known_peers().await?;
    Ok(pick(&peers, wanted)?.map_or_else(|| wanted.to_owned(), |peer| peer.peer_id.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::api::PeerFailures;

    fn peer(id: &str, reputation: f64, latency_ms: Option<f64>, connected_s: Option<u64>) -> PeerInfo {
        let connected = connected_s.is_some();
        PeerInfo {
            peer_id: id.into(),
            reputation,
            latency_ms,
            connected_s,
            connected,
            evidence: 3,
            ..Default::default()
        }
    }

    fn order(sorted_by: PeerSort) -> Vec<String> {
        let mut peers = [
            PeerInfo { banned: true, ..peer("12D3aaaa", 0.9, Some(5.0), None) },
            peer("12D3bbbb", 0.5, None, Some(100)),
            peer("12D3cccc", 0.8, Some(1.5), Some(7)),
        ];
        sort(&mut peers, sorted_by);
        peers.iter().map(|peer| peer.peer_id.chars().skip(4).take(1).collect()).collect()
    }

    #[test]
    fn peers_are_sorted_as_asked() {
        assert_eq!(order(PeerSort::Reputation), ["c", "b", "a"]);
        assert_eq!(order(PeerSort::Latency), ["c", "a", "b"]);
        assert_eq!(order(PeerSort::Name), ["a", "b", "c"]);
        assert_eq!(order(PeerSort::Age), ["b", "c", "a"]);
    }

    #[test]
    fn a_peer_is_meant_by_its_id_or_its_end() {
        let peers = [peer("12D3KooWxxaaaa", 1.0, None, None), peer("12D3KooWyyaaaa", 1.0, None, None)];
        assert_eq!(pick(&peers, "12D3KooWxxaaaa").unwrap().unwrap().peer_id, "12D3KooWxxaaaa");
        assert_eq!(pick(&peers, "…yyaaaa").unwrap().unwrap().peer_id, "12D3KooWyyaaaa");
        assert_eq!(pick(&peers, "aaaa").unwrap_err().kind, ErrorKind::Usage);
        assert!(pick(&peers, "").unwrap().is_none());
        assert!(pick(&peers, "aaa").unwrap().is_none());
    }

    #[test]
    fn details_say_why_and_when() {
        let event = |at, times, text: &str| PeerEvent { at, times, text: text.into() };
        let peer = PeerInfo {
            failures: 3,
            failed: PeerFailures { stalled: 2, lies: 1, ..Default::default() },
            banned: true,
            banned_at: Some(1_767_225_600),
            banned_until: Some(1_767_229_200),
            ban_reason: Some("leaf 3 is not what was signed".into()),
            bans: 2,
            distrust: Some("it lied 1m ago".into()),
            away: Some(event(1_767_225_601, 1, "banned")),
            history: vec![event(1_767_225_600, 1, "- lied"), event(1_767_225_500, 2, "- no data for 3 s")],
            ..peer("12D3KooWabcdefgh", 0.25, Some(1.0), None)
        };
        let text = table::fields(&details(&peer), Style::default());
        for part in [
            "3 bad: stalled 2, lied 1",
            "since 2026-01-01 00:00:00Z, until 2026-01-01 01:00:00Z: leaf 3 is not what was signed",
            "2; each is longer",
            "it lied 1m ago",
            "2025-12-31 23:58:20Z  - no data for 3 s (2 times)",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }

    #[test]
    fn the_table_shows_whole_ids_where_there_is_room() {
        let peers = [peer("12D3KooWabcdefghijkl", 0.875, Some(1.25), Some(61))];
        let text = list(&peers, Style::default());
        assert!(text.contains("12D3KooWabcdefghijkl") && text.contains("0.88") && text.contains("1m 1s"), "{text}");
        let narrow = list(&peers, Style { colour: false, width: Some(100) });
        assert!(narrow.contains("…efghijkl") && !narrow.contains("12D3"), "{narrow}");
    }
}
