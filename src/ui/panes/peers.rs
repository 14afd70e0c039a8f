//! Peers: who is here, how good they are, and why.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{filter_line, list_and_detail};
use crate::app::age;
use crate::app::bytes;
use crate::app::state::{MAX_LATENCIES, PEER_COLUMNS, PeerRow};
use crate::net::api::{Direction, PeerEvent, PeerInfo};
use crate::ui::widgets::{Column, Facts, Table, empty, meter, panel, spark, table};
use crate::ui::{Ui, text};

/// What each sorts by is in `PEER_COLUMNS`.
const COLUMNS: [Column; 13] = [
    Column::new("peer", 11, 20, 0),
    Column::new("reputation", 11, 16, 0),
    Column::new("latency", 8, 8, 1).right(),
    Column::new("trend", 8, 16, 6),
    Column::new("flags", 6, 14, 2),
    Column::new("in", 8, 8, 4).right(),
    Column::new("out", 8, 8, 4).right(),
    Column::new("has", 5, 7, 5).right(),
    Column::new("dir", 3, 3, 3),
    Column::new("via", 4, 4, 7),
    Column::new("age", 4, 4, 5).right(),
    Column::new("agent", 12, 28, 6),
    Column::new("address", 20, 44, 8),
];

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect) {
    list_and_detail(ui, area, 36, draw_list, draw_detail);
}

fn draw_list(ui: &mut Ui<'_, '_>, area: Rect) {
    let peers = &ui.state.peers;
    let mut note = format!("{} connected", peers.connected());
    if peers.banned() > 0 {
        note.push_str(&format!(", {} banned", peers.banned()));
    }
    if peers.dropped > 0 {
        note.push_str(&format!(", {} not listed", peers.dropped));
    }
    let inner = panel(ui, area, "Peers", if peers.known { &note } else { "" });
    let inner = filter_line(ui, inner, &peers.filter);
    let rows = peers.visible();
    if rows.is_empty() {
        match (peers.known, peers.filter.is_active()) {
            (_, true) => empty(ui, inner, "No peer matches", &["Esc shows all again."]),
            (false, _) => empty(ui, inner, "Peers are not known yet", &["The node is starting."]),
            _ if !ui.state.is_ready() => empty(ui, inner, "No peers: the node is not up", &[]),
            _ => empty(
                ui,
                inner,
                "No peers yet",
                &[&format!("Press c to connect to an address. {}", ui.state.settings.nearby())],
            ),
        }
        return;
    }
    let sorted = PEER_COLUMNS.iter().position(|by| *by == Some(peers.sort)).map(|column| (column, peers.reversed));
    let spec = Table { columns: &COLUMNS, len: rows.len(), view: peers.view, sorted, marked: true };
    let (theme, now) = (ui.theme, ui.state.now);
    table(ui, inner, &spec, |row, column, cells| match rows.get(row) {
        Some(row) => cell(theme, row, column, cells, now),
        None => Line::default(),
    });
}

fn cell(theme: &crate::ui::Theme, row: &PeerRow, column: usize, cells: usize, now: age::Now) -> Line<'static> {
    let peer = &row.info;
    let symbols = &theme.symbols;
    let unknown = || Line::styled(symbols.unknown, theme.dim);
    match column {
        0 => {
            let (sign, style) = presence(theme, peer);
            let id = text::clean(&peer.peer_id);
            let id = if cells < 18 {
                format!("{}{}", symbols.ellipsis, text::tail(&id, 8))
            } else {
                text::middle(&id, cells - 2, symbols.ellipsis)
            };
            Line::from(vec![Span::styled(format!("{sign} "), style), Span::styled(id, theme.text)])
        }
        1 => reputation(theme, peer, cells.saturating_sub(5)),
        2 => peer.latency_ms.map_or_else(unknown, |ms| Line::styled(latency(ms), latency_style(theme, ms))),
        3 => {
            let trend: Vec<f64> = row.latencies.iter().copied().collect();
            Line::styled(spark(&trend, cells, symbols), theme.accent)
        }
        4 => {
            let style = if peer.banned { theme.bad } else { theme.accent };
            Line::styled(text::fit(&row.flags().join(" "), cells, symbols.ellipsis), style)
        }
        5 => Line::styled(bytes::size(peer.bytes_in), theme.dim),
        6 => Line::styled(bytes::size(peer.bytes_out), theme.dim),
        7 => peer.releases.map_or_else(unknown, |count| Line::styled(short_count(count), theme.text)),
        8 => match peer.direction {
            Some(Direction::Inbound) => Line::styled("in", theme.text),
            Some(Direction::Outbound) => Line::styled("out", theme.text),
            None => unknown(),
        },
        9 if peer.transport.is_empty() => unknown(),
        9 => Line::styled(text::clean(&peer.transport).into_owned(), theme.text),
        10 => row.connected_s(now).map_or_else(unknown, |s| Line::styled(age::label(s), theme.text)),
        11 if peer.agent.is_empty() => unknown(),
        11 => Line::styled(text::fit(&peer.agent, cells, symbols.ellipsis), theme.text),
        _ => peer.addrs.first().map_or_else(unknown, |addr| {
            Line::styled(text::fit(&short_address(addr), cells, symbols.ellipsis), theme.dim)
        }),
    }
}

/// `950`, `12k`, `3.4M`.
fn short_count(count: u64) -> String {
    match count {
        0..10_000 => count.to_string(),
        10_000..1_000_000 => format!("{}k", count / 1_000),
        _ => format!("{:.1}M", (count as f64 / 1e6).min(9_999.0)),
    }
}

/// An address without the peer id that the first column shows.
fn short_address(addr: &str) -> String {
    text::clean(addr.split("/p2p/").next().unwrap_or(addr)).into_owned()
}

fn presence(theme: &crate::ui::Theme, peer: &PeerInfo) -> (&'static str, Style) {
    let symbols = &theme.symbols;
    match (peer.banned, peer.connected) {
        (true, _) => (symbols.banned, theme.bad),
        (false, true) => (symbols.on, theme.good),
        (false, false) => (symbols.off, theme.dim),
    }
}

fn reputation(theme: &crate::ui::Theme, peer: &PeerInfo, cells: usize) -> Line<'static> {
    if peer.evidence == 0 {
        return Line::styled("unknown", theme.dim);
    }
    let style = match peer.reputation {
        r if r >= 0.7 => theme.good,
        r if r >= 0.4 => theme.warn,
        _ => theme.bad,
    };
    let number = format!("{:.2}", peer.reputation);
    if cells == 0 {
        return Line::styled(number, style);
    }
    let bar = meter(peer.reputation, cells, &theme.symbols);
    Line::from(vec![Span::styled(bar, style), Span::styled(format!(" {number}"), theme.text)])
}

fn latency(ms: f64) -> String {
    if ms < 9.95 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }
}

fn latency_style(theme: &crate::ui::Theme, ms: f64) -> Style {
    if ms >= 500.0 { theme.warn } else { theme.text }
}

fn draw_detail(ui: &mut Ui<'_, '_>, area: Rect) {
    let theme = ui.theme;
    let Some(row) = ui.state.peers.selected_row() else {
        panel(ui, area, "Detail", "");
        return;
    };
    let peer = &row.info;
    let inner = panel(ui, area, "Peer", "");
    let wide = !ui.state.shows_detail() && inner.width >= 66 && inner.height < 16;
    let mut facts = Facts::new(theme, if wide { inner.width / 2 - 2 } else { inner.width }, 10);
    facts.id("id", &peer.peer_id);
    let (sign, style) = presence(theme, peer);
    facts.put("state", &format!("{sign} {}", standing(peer, row, ui.state.now)), style);
    if peer.banned {
        facts.maybe("why", peer.ban_reason.as_deref());
    }
    // Without room for both, the numbers say more than the bar.
    let bar = if inner.width < 48 || wide { 0 } else { 8 };
    let mut line = reputation(theme, peer, bar).spans;
    line.push(Span::styled(format!("  {} good, {} bad", peer.successes, peer.failures), theme.dim));
    facts.line("reputation", line);
    if let Some(why) = &peer.distrust {
        facts.put("asked last", why, theme.warn);
    }
    if !row.flags().is_empty() {
        facts.put("flags", &row.flags().join(", "), if peer.banned { theme.bad } else { theme.accent });
    }
    facts.line("latency", latency_line(theme, row));
    if row.latencies.len() > 2 {
        let trend: Vec<f64> = row.latencies.iter().copied().collect();
        let bars = spark(&trend, usize::from(inner.width).saturating_sub(12).min(MAX_LATENCIES), &theme.symbols);
        facts.line("", vec![Span::styled(bars, theme.accent)]);
    }
    if let Some(bytes) = peer.throughput {
        facts.put("speed", &format!("{}/s", bytes::size(bytes)), theme.text);
    }
    if let Some(releases) = peer.releases {
        facts.put("has", &text::count(releases, "release"), theme.text);
    }
    facts.maybe("agent", Some(&peer.agent));
    facts.maybe("link", Some(&link(peer)));
    let traffic = format!("{} in, {} out", bytes::size(peer.bytes_in), bytes::size(peer.bytes_out));
    facts.put("traffic", &traffic, theme.text);
    for (index, addr) in peer.addrs.iter().take(4).enumerate() {
        facts.short(if index == 0 { "address" } else { "" }, addr.split("/p2p/").next().unwrap_or(addr), theme.text);
    }
    let width = if wide { inner.width - inner.width / 2 } else { inner.width };
    let mut history = Facts::new(theme, width, 11);
    history.text("What made its reputation, newest first", theme.title);
    if peer.history.is_empty() {
        history.text("nothing yet", theme.dim);
    }
    for PeerEvent { at, times, text } in &peer.history {
        let style = if text.starts_with('-') || text.starts_with("banned") { theme.bad } else { theme.text };
        let times = if *times > 1 { format!(", {times} times") } else { String::new() };
        history.text(&format!("{text} ({}{times})", ago(*at, ui.state.now)), style);
    }
    if wide {
        let left = Rect { width: inner.width / 2 - 2, ..inner };
        let right = Rect { x: inner.x + inner.width / 2, width: inner.width - inner.width / 2, ..inner };
        ui.lines(left, facts.take(inner.height));
        ui.lines(right, history.take(inner.height));
    } else {
        facts.gap();
        facts.append(history);
        ui.detail(inner, facts);
    }
}

/// The last round trip, and the average.
fn latency_line(theme: &crate::ui::Theme, row: &PeerRow) -> Vec<Span<'static>> {
    let Some(last) = row.info.latency_ms else { return vec![Span::styled(theme.symbols.unknown, theme.dim)] };
    let mut spans = vec![Span::styled(latency(last), latency_style(theme, last))];
    if let Some(average) = row.info.latency_avg_ms {
        spans.push(Span::styled(format!(", {} on average", latency(average)), theme.dim));
    }
    spans
}

/// How long ago a moment was, in Unix seconds.
fn ago(at: u64, now: age::Now) -> String {
    match now.since(at) {
        0..10 => "just now".into(),
        age_s => format!("{} ago", age::label(age_s)),
    }
}

/// Who dialled whom, and how the peer came to be known.
fn link(peer: &PeerInfo) -> String {
    let direction = match peer.direction {
        Some(Direction::Inbound) => Some("inbound"),
        Some(Direction::Outbound) => Some("outbound"),
        None => None,
    };
    let source = match peer.source.as_str() {
        "" | "inbound" => None,
        "manual" => Some("by hand"),
        "mdns" => Some("mDNS"),
        "dht" => Some("DHT"),
        other => Some(other),
    };
    let carried = Some(peer.transport.as_str()).filter(|transport| !transport.is_empty());
    let relayed = peer.relayed.then_some("through a relay");
    let parts = direction.into_iter().chain(carried).chain(relayed).chain(source);
    text::clean(&parts.collect::<Vec<_>>().join(", ")).into_owned()
}

fn standing(peer: &PeerInfo, row: &PeerRow, now: age::Now) -> String {
    if peer.banned {
        return match peer.banned_until {
            Some(until) => format!("banned, {} left", age::label(until.saturating_sub(now.secs()).max(10))),
            None => "banned until you lift it".into(),
        };
    }
    match row.connected_s(now) {
        Some(0..10) => "connected just now".into(),
        Some(age_s) => format!("connected for {}", age::label(age_s)),
        None if peer.connected => "connected".into(),
        None => match &peer.away {
            Some(away) => format!("not connected ({}, {})", away.text, ago(away.at, now)),
            None => "not connected".into(),
        },
    }
}
