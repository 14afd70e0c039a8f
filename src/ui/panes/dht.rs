//! The distributed hash table: our part in it, its buckets, what it holds, what it is doing.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::{lookup, ring};
use crate::app::state::State;
use crate::net::api::{DhtInfo, DhtQuery};
use crate::ui::theme::Theme;
use crate::ui::widgets::{Column, Facts, Table, empty, panel, table};
use crate::ui::{Ui, text};

const COLUMNS: [Column; 7] = [
    Column::new("query", 13, 13, 0),
    Column::new("about", 10, 64, 0),
    Column::new("asked", 5, 5, 2).right(),
    Column::new("answers", 7, 7, 3).right(),
    Column::new("hops", 4, 4, 5).right(),
    Column::new("time", 7, 7, 1).right(),
    Column::new("outcome", 8, 40, 4),
];

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect) {
    let state = ui.state;
    let Some(info) = &state.dht.info else {
        let inner = panel(ui, area, "DHT", "");
        empty(ui, inner, "The DHT is not known yet", &["The node is starting."]);
        return;
    };
    if area.width >= 110 {
        let top = (area.height * 2 / 5).clamp(16, 26).min(area.height);
        let [top, bottom] = Layout::vertical([Constraint::Length(top), Constraint::Fill(1)]).areas(area);
        let [left, right] = Layout::horizontal([Constraint::Length(68), Constraint::Fill(1)]).areas(top);
        let [facts, buckets] = Layout::vertical([Constraint::Fill(1), Constraint::Length(7)]).areas(left);
        draw_facts(ui, facts, info);
        draw_buckets(ui, buckets, info);
        ring::draw(ui, right, info);
        let queries = draw_lookup(ui, bottom);
        draw_queries(ui, queries, state);
    } else if area.height >= 18 {
        let side = area.width >= 76;
        let facts = if side { ring::LEAST.1 } else { 7 };
        let rows = [Constraint::Length(facts), Constraint::Length(buckets_height(area.width)), Constraint::Fill(1)];
        let [facts, buckets, queries] = Layout::vertical(rows).areas(area);
        if side {
            let [facts, key_space] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(28)]).areas(facts);
            draw_facts(ui, facts, info);
            ring::draw(ui, key_space, info);
        } else {
            draw_facts(ui, facts, info);
        }
        if state.dht.lookup.is_some() {
            // What was asked for matters more than the picture.
            let rest = Rect { y: buckets.y, height: buckets.height + queries.height, ..buckets };
            let queries = draw_lookup(ui, rest);
            draw_queries(ui, queries, state);
        } else {
            draw_buckets(ui, buckets, info);
            draw_queries(ui, queries, state);
        }
    } else {
        let [facts, rest] = Layout::vertical([Constraint::Length(4), Constraint::Fill(1)]).areas(area);
        draw_short(ui, facts, info);
        if state.dht.lookup.is_some() {
            lookup::draw(ui, rest);
        } else {
            draw_queries(ui, rest, state);
        }
    }
}

/// What was looked up above the queries, while there is something; gives their room.
fn draw_lookup(ui: &mut Ui<'_, '_>, area: Rect) -> Rect {
    if ui.state.dht.lookup.is_none() {
        return area;
    }
    let height = lookup::height(ui, area.width).min(area.height * 2 / 3);
    let [top, rest] = Layout::vertical([Constraint::Length(height), Constraint::Fill(1)]).areas(area);
    lookup::draw(ui, top);
    rest
}

fn draw_facts(ui: &mut Ui<'_, '_>, area: Rect, info: &DhtInfo) {
    let theme = ui.theme;
    let inner = panel(ui, area, "DHT", "");
    let mut facts = Facts::new(theme, inner.width, 9);
    facts.line("mode", vec![Span::styled(text::clean(&info.mode).into_owned(), theme.strong)]);
    facts.maybe("why", Some(&info.mode_reason));
    facts.put("table", &table_text(info), theme.text);
    facts.put("keeps", &kept(info), theme.text);
    facts.put("provides", &text::count(info.provided, "key"), theme.text);
    ui.lines(inner, facts.take(inner.height));
}

fn table_text(info: &DhtInfo) -> String {
    let peers = info.buckets.iter().fold(0usize, |sum, bucket| sum.saturating_add(bucket.peers));
    format!("{} in {}", text::count(peers, "peer"), text::count(info.buckets.len(), "bucket"))
}

fn kept(info: &DhtInfo) -> String {
    format!("{}, {}", text::count(info.records, "record"), text::count(info.providers, "provider record"))
}

/// Two lines for small screens.
fn draw_short(ui: &mut Ui<'_, '_>, area: Rect, info: &DhtInfo) {
    let theme = ui.theme;
    let inner = panel(ui, area, "DHT", &text::clean(&info.mode));
    let cells = usize::from(inner.width);
    let lines = [
        table_text(info),
        format!(
            "keeps {}, provides {}",
            text::count(info.providers.saturating_add(info.records), "record"),
            text::count(info.provided, "key")
        ),
    ];
    let lines = lines.iter().map(|line| Line::styled(text::fit(line, cells, theme.symbols.ellipsis), theme.text));
    ui.lines(inner, lines.collect());
}

/// Buckets beside each other: all 256 fill whole rows.
fn across(cells: u16) -> usize {
    [256, 128, 64, 32].into_iter().find(|across| *across <= usize::from(cells)).unwrap_or(16)
}

/// Rows that the buckets take with their border and legend, at this width.
fn buckets_height(width: u16) -> u16 {
    u16::try_from(256 / across(width.saturating_sub(4))).unwrap_or(16) + 3
}

/// All 256 buckets, the farthest first, each as bright as it is full.
fn draw_buckets(ui: &mut Ui<'_, '_>, area: Rect, info: &DhtInfo) {
    let theme = ui.theme;
    let inner = panel(ui, area, "Buckets", "far to near, 20 peers at most in each");
    let across = across(inner.width);
    if inner.height < 2 {
        return;
    }
    let mut counts = [0usize; 256];
    for bucket in &info.buckets {
        if let Some(count) = counts.get_mut(255 - bucket.index.min(255) as usize) {
            *count = bucket.peers;
        }
    }
    let strip = |counts: &[usize]| Line::from(counts.iter().map(|count| heat(theme, *count)).collect::<Vec<_>>());
    let mut lines: Vec<Line<'static>> = counts.chunks(across).map(strip).collect();
    lines.truncate(usize::from(inner.height) - 1);
    let mut legend = Vec::new();
    for (count, what) in [(0, "none"), (1, "1"), (5, "5"), (10, "10"), (16, "16 and more")] {
        legend.push(heat(theme, count));
        legend.push(Span::styled(format!(" {what}   "), theme.dim));
    }
    lines.push(text::fit_line(Line::from(legend), inner.width.into(), theme.symbols.ellipsis));
    ui.lines(inner, lines);
}

/// How full a bucket is.
fn heat(theme: &Theme, peers: usize) -> Span<'static> {
    let (sign, ascii, style) = match peers {
        0 => ("·", ".", theme.border),
        1..5 => ("░", ":", theme.accent),
        5..10 => ("▒", "+", theme.accent),
        10..16 => ("▓", "*", theme.accent),
        _ => ("█", "#", theme.accent),
    };
    Span::styled(if theme.symbols.ascii { ascii } else { sign }, style)
}

fn draw_queries(ui: &mut Ui<'_, '_>, area: Rect, state: &State) {
    let theme = ui.theme;
    let queries = state.dht.queries();
    let running = queries.iter().filter(|query| query.outcome.is_none()).count();
    let inner = panel(ui, area, "Queries", &format!("{running} running"));
    if queries.is_empty() {
        empty(ui, inner, "No queries yet", &["Press B to refresh the routing table, / to look something up."]);
        return;
    }
    let spec = Table { columns: &COLUMNS, len: queries.len(), view: state.dht.view, sorted: None, marked: true };
    table(ui, inner, &spec, |row, column, cells| match queries.get(row) {
        Some(query) => cell(theme, query, column, cells),
        None => Line::default(),
    });
}

fn cell(theme: &Theme, query: &DhtQuery, column: usize, cells: usize) -> Line<'static> {
    let ellipsis = theme.symbols.ellipsis;
    match column {
        0 => Line::styled(text::clean(&query.kind).into_owned(), theme.strong),
        1 if query.key.is_empty() => Line::styled(theme.symbols.unknown, theme.dim),
        1 => Line::styled(text::fit(&query.key, cells, ellipsis), theme.text),
        2 => Line::styled(query.requests.to_string(), theme.text),
        3 => {
            Line::styled(format!("{}/{}", query.successes, query.successes.saturating_add(query.failures)), theme.text)
        }
        4 if query.hops == 0 => Line::styled(theme.symbols.unknown, theme.dim),
        4 => Line::styled(query.hops.to_string(), theme.text),
        5 => Line::styled(duration(query.elapsed_ms), theme.dim),
        _ => match &query.outcome {
            Some(outcome) => Line::styled(text::fit(outcome, cells, ellipsis), theme.dim),
            None => Line::styled("running", theme.accent),
        },
    }
}

fn duration(ms: u64) -> String {
    if ms < 1_000 { format!("{ms} ms") } else { format!("{:.1} s", (ms as f64 / 1000.0).min(9_999.0)) }
}
