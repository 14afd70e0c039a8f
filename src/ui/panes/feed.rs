//! What is announced, as it comes in.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{filter_line, list_and_detail};
use crate::app::age::{self, Now};
use crate::app::bytes;
use crate::net::api::{FeedItem, Via};
use crate::ui::theme::Theme;
use crate::ui::widgets::{Column, Facts, Table, empty, panel, table};
use crate::ui::{Ui, text};

const COLUMNS: [Column; 7] = [
    Column::new("age", 4, 4, 0).right(),
    Column::new("package", 18, 32, 0),
    Column::new("version", 8, 14, 1),
    Column::new("via", 6, 6, 2),
    Column::new("from", 9, 9, 3),
    Column::new("size", 8, 8, 4).right(),
    Column::new("description", 20, 120, 5),
];

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect) {
    list_and_detail(ui, area, 34, draw_list, draw_detail);
}

fn draw_list(ui: &mut Ui<'_, '_>, area: Rect) {
    let feed = &ui.state.feed;
    let mut note = match (feed.paused, feed.known) {
        (true, _) => format!("paused, +{}", feed.waiting()),
        (false, true) => format!("live {} {}", ui.theme.symbols.dot, feed.items().len()),
        _ => String::new(),
    };
    if feed.dropped > 0 {
        note.push_str(&format!(", {} older ones gone", feed.dropped));
    }
    let inner = panel(ui, area, "Feed", &note);
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
    let (theme, now) = (ui.theme, ui.state.now);
    table(ui, inner, &spec, |row, column, cells| match items.get(row) {
        Some(item) => cell(theme, item, column, cells, now),
        None => Line::default(),
    });
}

fn cell(theme: &Theme, item: &FeedItem, column: usize, cells: usize, now: Now) -> Line<'static> {
    let symbols = &theme.symbols;
    match column {
        0 => Line::styled(age::label(now.since(item.received_at)), theme.dim),
        1 => Line::from(name(theme, item)),
        2 => Line::styled(text::fit(&item.version.to_string(), cells, symbols.ellipsis), theme.text),
        3 => Line::styled(via(item.via), if item.via == Via::Own { theme.accent } else { theme.text }),
        4 => match &item.from {
            Some(peer) => Line::styled(format!("{}{}", symbols.ellipsis, text::tail(&text::clean(peer), 8)), theme.dim),
            None => Line::styled("this node", theme.accent),
        },
        5 => Line::styled(bytes::size(item.size), theme.text),
        _ if item.yanked => Line::styled("withdrawn by its publisher", theme.bad),
        _ => Line::styled(text::fit(&item.description, cells, symbols.ellipsis), theme.dim),
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
    if item.yanked {
        facts.put("state", "withdrawn by its publisher", theme.bad);
    }
    facts.put("", &item.description, theme.text);
    facts.maybe("category", Some(&item.category));
    facts.put("size", &bytes::size(item.size), theme.text);
    let heard = format!("{} by {}", ago(now.since(item.received_at)), via(item.via));
    facts.put("heard", &heard, theme.text);
    match &item.from {
        Some(peer) => facts.id("from", peer),
        None => facts.put("from", "this node", theme.accent),
    }
    facts.put("published", &ago(now.since(item.published_at)), theme.text);
    facts.id("publisher", &item.publisher.to_string());
    facts.id("package id", &item.package_id.to_string());
    facts.id("release id", &item.release_id.to_string());
    ui.detail(inner, facts);
}

/// `just now`, `5m ago`.
pub fn ago(age_s: u64) -> String {
    match age_s {
        0..10 => "just now".into(),
        _ => format!("{} ago", age::label(age_s)),
    }
}
