//! What is announced, as it comes in.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{filter_line, list_and_detail};
use crate::app::age::{self, Now};
use crate::app::bytes;
use crate::app::state::{BARS, Mark, State};
use crate::net::api::{FeedItem, Via};
use crate::ui::theme::Theme;
use crate::ui::widgets::{Column, Facts, Table, empty, panel, spark, table};
use crate::ui::{Ui, text};

const COLUMNS: [Column; 8] = [
    Column::new("age", 4, 4, 0).right(),
    Column::new("package", 17, 32, 0),
    Column::new("version", 8, 14, 1),
    Column::new("marks", 11, 24, 2),
    Column::new("heard from", 10, 10, 3),
    Column::new("via", 6, 6, 5),
    Column::new("size", 8, 8, 4).right(),
    Column::new("description", 20, 120, 6),
];

/// Width from which the rate has a line of its own under the title.
const RATE_FROM: u16 = 30;

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect) {
    list_and_detail(ui, area, 34, draw_list, draw_detail);
}

fn draw_list(ui: &mut Ui<'_, '_>, area: Rect) {
    let feed = &ui.state.feed;
    let symbols = &ui.theme.symbols;
    let mut note = match (feed.paused, feed.known) {
        (true, _) => format!("paused, +{}", feed.waiting()),
        (false, true) if feed.view.selected == 0 => format!("live {} {}", symbols.dot, feed.items().len()),
        (false, true) => format!("live, f follows {} {}", symbols.dot, feed.items().len()),
        _ => String::new(),
    };
    if feed.dropped > 0 {
        note.push_str(&format!(", {} older ones gone", feed.dropped));
    }
    if ui.state.lost > 0 {
        note.push_str(&format!(", {} events lost", ui.state.lost));
    }
    let inner = panel(ui, area, "Feed", &note);
    let inner = rate_line(ui, inner);
    let inner = filter_line(ui, inner, &feed.filter);
    let items = feed.visible();
    if items.is_empty() {
        match (feed.filter.is_active(), feed.known) {
            (true, _) => empty(ui, inner, "No announcement matches", &["Esc shows all again."]),
            (false, false) => empty(ui, inner, "The feed is not known yet", &["The node is starting."]),
            _ => empty(
                ui,
                inner,
                "Nothing announced yet",
                &["What peers publish appears here as it happens. Press 6 to publish something yourself."],
            ),
        }
        return;
    }
    let spec = Table { columns: &COLUMNS, len: items.len(), view: feed.view, sorted: None, marked: true };
    let (theme, state) = (ui.theme, ui.state);
    table(ui, inner, &spec, |row, column, cells| match items.get(row) {
        Some(item) => cell(theme, state, item, column, cells),
        None => Line::default(),
    });
}

/// How many come, above the list, while any do; gives the rest.
fn rate_line(ui: &mut Ui<'_, '_>, area: Rect) -> Rect {
    let (theme, arrivals, now) = (ui.theme, &ui.state.feed.arrivals, ui.state.now);
    if arrivals.is_quiet() || area.width < RATE_FROM || area.height < 8 {
        return area;
    }
    let bars = spark(&arrivals.bars(now), BARS, &theme.symbols);
    let spans = vec![
        Span::styled(bars, theme.accent),
        Span::styled(format!("  {} in the last minute", arrivals.last_minute(now)), theme.dim),
    ];
    let line = text::fit_line(Line::from(spans), area.width.into(), theme.symbols.ellipsis);
    ui.lines(Rect { height: 1, ..area }, vec![line]);
    Rect { y: area.y + 1, height: area.height - 1, ..area }
}

fn cell(theme: &Theme, state: &State, item: &FeedItem, column: usize, cells: usize) -> Line<'static> {
    let symbols = &theme.symbols;
    match column {
        0 => Line::styled(age::label(state.now.since(item.received_at)), theme.dim),
        1 => Line::from(name(theme, item)),
        2 => Line::styled(text::fit(&item.version.to_string(), cells, symbols.ellipsis), theme.text),
        3 if state.is_installing(&item.name, &item.version) => {
            Line::styled(format!("{} installing", symbols.waiting), theme.accent)
        }
        3 => match state.marks(item).first() {
            Some(mark) => {
                let (text, style) = mark_text(theme, mark);
                Line::styled(text::fit(&text, cells, symbols.ellipsis), style)
            }
            None => Line::styled(format!("{} verified", symbols.good), theme.dim),
        },
        4 => match &item.from {
            Some(_) if item.heard_from > 1 => Line::styled(format!("{} peers", item.heard_from), theme.text),
            Some(peer) => Line::styled(format!("{}{}", symbols.ellipsis, text::tail(&text::clean(peer), 8)), theme.dim),
            None if item.via == Via::Own => Line::styled("this node", theme.accent),
            None => Line::styled(symbols.unknown, theme.dim),
        },
        5 => Line::styled(via(item.via), if item.via == Via::Own { theme.accent } else { theme.text }),
        6 => Line::styled(bytes::size(item.size), theme.text),
        _ if item.yanked => Line::styled("withdrawn by its publisher", theme.bad),
        _ => Line::styled(text::fit(&item.description, cells, symbols.ellipsis), theme.dim),
    }
}

/// A mark in words.
fn mark_text(theme: &Theme, mark: &Mark) -> (String, Style) {
    let symbols = &theme.symbols;
    match mark {
        Mark::Yanked => (format!("{} withdrawn", symbols.bad), theme.bad),
        Mark::OtherKey => (format!("{} other key", symbols.bad), theme.bad),
        Mark::LooksLike(name) => (format!("{} like {name}", symbols.warn), theme.warn),
        Mark::Pinned => (format!("{} pinned", symbols.good), theme.good),
        Mark::Installed => (format!("{} installed", symbols.good), theme.good),
    }
}

/// The package's name, marked when it is withdrawn.
pub fn name(theme: &Theme, item: &FeedItem) -> Span<'static> {
    if item.yanked {
        Span::styled(format!("{} {}", theme.symbols.bad, item.name), theme.bad)
    } else {
        Span::styled(item.name.to_string(), theme.strong)
    }
}

fn via(via: Via) -> &'static str {
    match via {
        Via::Gossip => "gossip",
        Via::Sync => "sync",
        Via::Search => "search",
        Via::Own => "own",
    }
}

fn draw_detail(ui: &mut Ui<'_, '_>, area: Rect) {
    let (theme, now) = (ui.theme, ui.state.now);
    let inner = panel(ui, area, "Announcement", "");
    let Some(item) = ui.state.feed.selected() else { return };
    let mut facts = Facts::new(theme, inner.width, 10);
    facts.line(
        "package",
        vec![
            Span::styled(item.name.to_string(), theme.strong),
            Span::styled(format!(" {}", item.version), theme.accent),
        ],
    );
    facts.put("checked", &format!("{} signature and content are the publisher's", theme.symbols.good), theme.good);
    for mark in ui.state.marks(item) {
        let (_, style) = mark_text(theme, &mark);
        facts.put("", &mark_sentence(theme, &mark), style);
    }
    facts.put("", &item.description, theme.text);
    facts.maybe("category", Some(&item.category));
    facts.put("size", &bytes::size(item.size), theme.text);
    facts.put("heard", &heard(item, now), theme.text);
    match &item.from {
        Some(peer) => facts.id(if item.heard_from > 1 { "first from" } else { "from" }, peer),
        None if item.via == Via::Own => facts.put("from", "this node", theme.accent),
        None => facts.put("from", "a peer, in an earlier run", theme.dim),
    }
    facts.put("published", &ago(now.since(item.published_at)), theme.text);
    facts.id("publisher", &item.publisher.to_string());
    facts.id("package id", &item.package_id.to_string());
    facts.id("release id", &item.release_id.to_string());
    ui.detail(inner, facts);
}

/// A mark with what it means.
fn mark_sentence(theme: &Theme, mark: &Mark) -> String {
    let (bad, warn, good) = (theme.symbols.bad, theme.symbols.warn, theme.symbols.good);
    match mark {
        Mark::Yanked => format!("{bad} withdrawn by its publisher"),
        Mark::OtherKey => format!("{bad} you have this name from another key"),
        Mark::LooksLike(name) => format!("{warn} it can be taken for {name}, which you have from another key"),
        Mark::Pinned => format!("{good} by the key that the name is pinned to"),
        Mark::Installed => format!("{good} installed, by the same key"),
    }
}

/// `from 3 peers by gossip, 12s ago`.
fn heard(item: &FeedItem, now: Now) -> String {
    let when = ago(now.since(item.received_at));
    match item.heard_from {
        0 => format!("{when}, {}", via(item.via)),
        peers => format!("from {}, {when}, by {}", text::count(peers, "peer"), via(item.via)),
    }
}

/// `just now`, `5m ago`.
pub fn ago(age_s: u64) -> String {
    match age_s {
        0..10 => "just now".into(),
        _ => format!("{} ago", age::label(age_s)),
    }
}
