//! The node's log.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::filter_line;
use crate::app::state::Level;
use crate::net::api::LogLine;
use crate::ui::theme::Theme;
use crate::ui::widgets::{Column, Facts, Table, empty, panel, table};
use crate::ui::{Ui, text};

const COLUMNS: [Column; 4] = [
    Column::new("UTC", 8, 8, 1),
    Column::new("level", 5, 5, 0),
    Column::new("from", 14, 26, 2),
    Column::new("message", 20, 400, 0),
];

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect) {
    if ui.state.shows_detail() {
        draw_detail(ui, area);
        return;
    }
    let logs = &ui.state.logs;
    let follow = if logs.follow { ", following" } else { "" };
    let dropped = match logs.dropped {
        0 => String::new(),
        n => format!(", {n} older ones gone"),
    };
    let note = format!("{} and up{follow}{dropped}{}", logs.level.name().to_lowercase(), counts(ui));
    let inner = panel(ui, area, "Logs", if logs.known { &note } else { "" });
    let inner = filter_line(ui, inner, &logs.filter);
    let lines = logs.visible();
    if lines.is_empty() {
        match (logs.known, logs.lines().is_empty()) {
            (false, _) => empty(ui, inner, "The log is not known yet", &["The node is starting."]),
            (true, true) => empty(ui, inner, "Nothing logged yet", &[]),
            (true, false) if logs.filter.is_active() => {
                empty(ui, inner, "No line matches", &["Esc shows all of this level, v shows more levels."])
            }
            (true, false) => empty(ui, inner, "No line of this level", &["Press v for more levels."]),
        }
        return;
    }
    let view = logs.current(lines.len());
    let spec = Table { columns: &COLUMNS, len: lines.len(), view, sorted: None, marked: !logs.follow };
    let theme = ui.theme;
    table(ui, inner, &spec, |row, column, cells| match lines.get(row) {
        Some(line) => cell(theme, line, column, cells),
        None => Line::default(),
    });
}

/// ` · 1 error, 2 warn`: how many lines of each level there are, also of those that are not shown.
fn counts(ui: &Ui<'_, '_>) -> String {
    let counts: Vec<_> = ui.state.logs.counts().into_iter().filter(|(_, count)| *count > 0).collect();
    if counts.is_empty() {
        return String::new();
    }
    let counts = counts.into_iter().map(|(level, count)| format!("{count} {}", level.name().to_lowercase()));
    format!(" {} {}", ui.theme.symbols.dot, counts.collect::<Vec<_>>().join(", "))
}

fn cell(theme: &Theme, line: &LogLine, column: usize, cells: usize) -> Line<'static> {
    let ellipsis = theme.symbols.ellipsis;
    match column {
        0 => Line::styled(clock(line.at_ms), theme.dim),
        1 => {
            let level = Level::of(line);
            Line::styled(level.name(), style(theme, level))
        }
        2 => Line::styled(text::fit(short_target(&line.target), cells, ellipsis), theme.dim),
        _ => Line::styled(text::fit(&line.message, cells, ellipsis), theme.text),
    }
}

fn style(theme: &Theme, level: Level) -> Style {
    match level {
        Level::Error => theme.bad,
        Level::Warn => theme.warn,
        Level::Info => theme.good,
        Level::Debug | Level::Trace => theme.dim,
    }
}

fn short_target(target: &str) -> &str {
    target.strip_prefix("ggen_p2p_tui::").unwrap_or(target)
}

/// Time of day in UTC.
fn clock(at_ms: u64) -> String {
    let second = at_ms / 1000 % 86_400;
    format!("{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)
}

fn draw_detail(ui: &mut Ui<'_, '_>, area: Rect) {
    let theme = ui.theme;
    let inner = panel(ui, area, "Log line", "");
    let Some(line) = ui.state.logs.selected() else { return };
    let level = Level::of(line);
    let mut facts = Facts::new(theme, inner.width, 7);
    let time = format!("{}.{:03} UTC", clock(line.at_ms), line.at_ms % 1000);
    facts.put("time", &time, theme.text);
    facts.line("level", vec![Span::styled(level.name(), style(theme, level))]);
    facts.maybe("from", Some(&line.target));
    facts.gap();
    facts.text(&line.message, theme.text);
    ui.detail(inner, facts);
}
