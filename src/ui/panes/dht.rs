//! The distributed hash table: our part in it, its buckets, what it holds, what it is doing.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::app::state::State;
use crate::net::api::{DhtInfo, DhtQuery};
use crate::ui::theme::Theme;
use crate::ui::widgets::{Column, Facts, Table, empty, panel, table};
use crate::ui::{Ui, text};

const COLUMNS: [Column; 6] = [
    Column::new("query", 13, 13, 0),
    Column::new("about", 10, 64, 0),
    Column::new("asked", 5, 5, 2).right(),
    Column::new("answers", 7, 7, 3).right(),
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
        let [left, right] = Layout::horizontal([Constraint::Length(50), Constraint::Fill(1)]).areas(area);
        let [facts, buckets] = Layout::vertical([Constraint::Length(9), Constraint::Fill(1)]).areas(left);
        draw_facts(ui, facts, info);
        draw_buckets(ui, buckets, info);
        draw_queries(ui, right, state);
    } else if area.height >= 18 {
        let rows = [Constraint::Length(7), Constraint::Length(4), Constraint::Fill(1)];
        let [facts, buckets, queries] = Layout::vertical(rows).areas(area);
        draw_facts(ui, facts, info);
        draw_buckets(ui, buckets, info);
        draw_queries(ui, queries, state);
    } else {
        let [facts, queries] = Layout::vertical([Constraint::Length(4), Constraint::Fill(1)]).areas(area);
        draw_short(ui, facts, info);
        draw_queries(ui, queries, state);
    }
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

/// The key space from near to far, each cell as high as its buckets are full.
fn draw_buckets(ui: &mut Ui<'_, '_>, area: Rect, info: &DhtInfo) {
    let theme = ui.theme;
    let inner = panel(ui, area, "Buckets", "peers by distance");
    if inner.height < 2 || inner.width < 10 {
        return;
    }
    let cells = usize::from(inner.width);
    let counts = columns(info, cells);
    let rows = usize::from(inner.height - 1).min(6);
    // One peer is never higher than one row: a table of a few peers must not look full.
    let most = counts.iter().copied().max().unwrap_or(0).max(rows);
    let mut lines: Vec<Line<'static>> =
        (0..rows).map(|row| strip(theme, &counts, most, rows, rows - 1 - row)).collect();
    let (near, far) = ("near", "far");
    let gap = " ".repeat(cells.saturating_sub(near.len() + far.len()));
    lines.push(Line::styled(format!("{near}{gap}{far}"), theme.dim));
    ui.lines(inner, lines);
}

/// Peers of the 256 buckets gathered into `cells` columns.
fn columns(info: &DhtInfo, cells: usize) -> Vec<usize> {
    let mut counts = vec![0usize; cells];
    for bucket in &info.buckets {
        let at = bucket.index.min(255) as usize * cells / 256;
        if let Some(count) = counts.get_mut(at) {
            *count = count.saturating_add(bucket.peers);
        }
    }
    counts
}

/// One row of the strip; `level` 0 is the lowest.
fn strip(theme: &Theme, counts: &[usize], most: usize, rows: usize, level: usize) -> Line<'static> {
    const BLOCKS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    let mut spans = Vec::with_capacity(counts.len());
    for count in counts {
        // Height in eighths of a cell over all rows.
        let height = count.saturating_mul(rows * 8).div_ceil(most.max(1));
        let here = height.saturating_sub(level * 8).min(8);
        spans.push(match (here, theme.symbols.ascii) {
            (0, _) if level == 0 => Span::styled(theme.symbols.dot, theme.border),
            (0, _) => Span::raw(" "),
            (_, true) => Span::styled("#", theme.accent),
            (eighths, false) => Span::styled(BLOCKS.get(eighths).copied().unwrap_or("█"), theme.accent),
        });
    }
    Line::from(spans)
}

fn draw_queries(ui: &mut Ui<'_, '_>, area: Rect, state: &State) {
    let theme = ui.theme;
    let queries = state.dht.queries();
    let running = queries.iter().filter(|query| query.outcome.is_none()).count();
    let inner = panel(ui, area, "Queries", &format!("{running} running"));
    if queries.is_empty() {
        empty(ui, inner, "No queries yet", &["Press B to refresh the routing table."]);
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
        4 => Line::styled(duration(query.elapsed_ms), theme.dim),
        _ => match &query.outcome {
            Some(outcome) => Line::styled(text::fit(outcome, cells, ellipsis), theme.dim),
            None => Line::styled("running", theme.accent),
        },
    }
}

fn duration(ms: u64) -> String {
    if ms < 1_000 { format!("{ms} ms") } else { format!("{:.1} s", (ms as f64 / 1000.0).min(9_999.0)) }
}
