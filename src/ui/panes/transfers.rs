//! Downloads and uploads with their bars.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::list_and_detail;
use crate::app::age::Now;
use crate::app::bytes;
use crate::app::state::{Outcome, State, TransferRow};
use crate::net::api::{Direction, LaneInfo, LaneState, TransferInfo, TransferState};
use crate::ui::theme::Theme;
use crate::ui::widgets::{Column, Facts, Table, bar, empty, meter, panel, table};
use crate::ui::{Ui, text};

const COLUMNS: [Column; 7] = [
    Column::new("package", 14, 30, 0),
    Column::new("progress", 12, 48, 0),
    Column::new("state", 9, 9, 1),
    Column::new("speed", 10, 10, 2).right(),
    Column::new("left", 5, 5, 3).right(),
    Column::new("peer", 9, 9, 4),
    Column::new("note", 14, 60, 5),
];

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect) {
    list_and_detail(ui, area, 40, draw_list, draw_detail);
}

fn draw_detail(ui: &mut Ui<'_, '_>, area: Rect) {
    let theme = ui.theme;
    let inner = panel(ui, area, "Transfer", "");
    let Some(row) = ui.state.transfers.selected() else {
        ui.lines(inner, vec![Line::styled("Select a transfer to see where it comes from and how it went.", theme.dim)]);
        return;
    };
    let info = &row.info;
    let mut facts = Facts::new(theme, inner.width, 10);
    let way = if info.direction == Direction::Inbound { "download" } else { "upload" };
    facts.put(way, &ui.state.name_of(info), theme.strong);
    let (word, style) = state(theme, row, ui.state.now);
    let (ran, done) =
        (duration(info.elapsed_ms), format!("{} of {}", bytes::size(info.bytes_done), total(theme, info)));
    facts.put("state", &format!("{word}, {done}, {} of {} pieces, {ran}", info.leaves_done, info.leaves_total), style);
    if !info.map.is_empty() {
        let parts = info.map.iter().map(|eighths| part(theme, *eighths)).collect();
        facts.line("pieces", parts);
    }
    if let Some(left_s) = row.left_s().filter(|_| !row.is_stalled(ui.state.now)) {
        let rate = row.rate.map(|rate| format!(" at {}/s", bytes::size(rate as u64))).unwrap_or_default();
        facts.put("left", &format!("{}{rate}", left(left_s)), theme.text);
    }
    if !info.note.is_empty() {
        let note = info.note.strip_prefix(&*info.name).and_then(|note| note.strip_prefix(": ")).unwrap_or(&info.note);
        facts.put(if info.state == TransferState::Failed { "why" } else { "note" }, note, theme.text);
    }
    match &info.peer {
        _ if !info.lanes.is_empty() => {
            for (index, one) in info.lanes.iter().enumerate() {
                facts.line(if index == 0 { "from" } else { "" }, lane(theme, one, info.leaves_total));
                if !one.why.is_empty() {
                    facts.put("", &one.why, theme.dim);
                }
            }
        }
        Some(peer) => facts.id("peer", peer),
        None => facts.maybe("peer", None),
    }
    facts.id("package id", &info.package_id.to_string());
    ui.detail(inner, facts);
}

/// How much of a part is here.
fn part(theme: &Theme, eighths: u8) -> Span<'static> {
    const HEIGHTS: [&str; 9] = ["·", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    let sign = match (theme.symbols.ascii, eighths) {
        (true, 0) => ".",
        (true, 1..8) => "+",
        (true, _) => "#",
        (false, n) => HEIGHTS.get(usize::from(n)).copied().unwrap_or("█"),
    };
    Span::styled(sign, if eighths == 0 { theme.border } else { theme.accent })
}

/// `…q7Xe2Ab1 ███░░░ 12 pieces, 1.2 MiB/s`: one provider, and its share of the whole.
fn lane(theme: &Theme, lane: &LaneInfo, leaves: u64) -> Vec<Span<'static>> {
    let symbols = &theme.symbols;
    let peer = text::tail(&text::clean(&lane.peer), 8);
    let (word, style) = match lane.state {
        LaneState::Opening => (", opening", theme.dim),
        LaneState::Failed => (", failed", theme.bad),
        LaneState::Dismissed => (", left", theme.dim),
        LaneState::Running => ("", theme.accent),
        LaneState::Done => (", done", theme.good),
    };
    let share = lane.leaves as f64 / leaves.max(1) as f64;
    let rate = lane.rate.map(|rate| format!(", {}/s", bytes::size(rate))).unwrap_or_default();
    vec![
        Span::styled(format!("{}{peer} ", symbols.ellipsis), theme.text),
        Span::styled(meter(share, 8, symbols), style),
        Span::styled(format!(" {}{rate}", text::count(lane.leaves, "piece")), theme.text),
        Span::styled(word, style),
    ]
}

fn total(theme: &Theme, info: &TransferInfo) -> String {
    if info.bytes_total == 0 { theme.symbols.unknown.to_owned() } else { bytes::size(info.bytes_total) }
}

fn duration(ms: u64) -> String {
    if ms < 1_000 { format!("{ms} ms") } else { format!("{:.1} s", (ms as f64 / 1000.0).min(999_999.0)) }
}

fn draw_list(ui: &mut Ui<'_, '_>, area: Rect) {
    let (theme, app, transfers) = (ui.theme, ui.state, &ui.state.transfers);
    let (down, up) = (transfers.running(Direction::Inbound), transfers.running(Direction::Outbound));
    let rates = ui.state.status.as_ref().map(|status| status.rates).unwrap_or_default();
    let limit = |rate: u64| if rate == 0 { String::new() } else { format!(" of {}/s at most", bytes::size(rate)) };
    let (limit_down, limit_up) = (limit(rates.download), limit(rates.upload));
    let (arrow_down, arrow_up) = (theme.symbols.down, theme.symbols.up);
    let mut note = format!("{arrow_down} {down} down{limit_down}, {arrow_up} {up} up{limit_up}");
    if transfers.dropped > 0 {
        note.push_str(&format!(", {} older ones gone", transfers.dropped));
    }
    let inner = panel(ui, area, "Transfers", if transfers.known { &note } else { "" });
    let rows = transfers.rows();
    if rows.is_empty() {
        match transfers.known {
            false => empty(ui, inner, "Transfers are not known yet", &["The node is starting."]),
            true => empty(
                ui,
                inner,
                "Nothing moves",
                &["Press 5 to search and i to install: its download shows here. What others fetch from you does too."],
            ),
        }
        return;
    }
    let spec = Table { columns: &COLUMNS, len: rows.len(), view: transfers.view, sorted: None, marked: true };
    table(ui, inner, &spec, |row, column, cells| match rows.get(row) {
        Some(row) => cell(theme, app, row, column, cells),
        None => Line::default(),
    });
}

fn cell(theme: &Theme, app: &State, row: &TransferRow, column: usize, cells: usize) -> Line<'static> {
    let (symbols, info, now) = (&theme.symbols, &row.info, app.now);
    let unknown = || Line::styled(symbols.unknown, theme.dim);
    match column {
        0 => {
            let arrow = if info.direction == Direction::Inbound { symbols.down } else { symbols.up };
            let name = text::fit(&app.name_of(info), cells.saturating_sub(2), symbols.ellipsis);
            Line::from(vec![Span::styled(format!("{arrow} "), theme.accent), Span::styled(name, theme.strong)])
        }
        1 => progress(theme, row, cells),
        2 => {
            let (word, style) = state(theme, row, now);
            Line::styled(word, style)
        }
        3 | 4 if row.is_stalled(now) => unknown(),
        3 => row.rate.map_or_else(unknown, |rate| Line::styled(format!("{}/s", bytes::size(rate as u64)), theme.text)),
        4 if row.is_over() => Line::default(),
        4 => row.left_s().map_or_else(unknown, |s| Line::styled(left(s), theme.text)),
        5 => info.peer.as_ref().map_or_else(unknown, |peer| {
            Line::styled(format!("{}{}", symbols.ellipsis, text::tail(&text::clean(peer), 8)), theme.dim)
        }),
        _ => Line::styled(text::fit(&note(info), cells, symbols.ellipsis), theme.dim),
    }
}

/// The node's note; of an upload that ended early, how much was given, too.
fn note(info: &TransferInfo) -> String {
    match Outcome::of(info) {
        Some(Outcome::Partly) => {
            let given = format!("gave {} of {}", bytes::size(info.bytes_done), bytes::size(info.bytes_total));
            [given.as_str(), &info.note].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
        }
        _ => info.note.to_string(),
    }
}

fn progress(theme: &Theme, row: &TransferRow, cells: usize) -> Line<'static> {
    let Some(fraction) = row.fraction() else { return Line::styled(theme.symbols.unknown, theme.dim) };
    let style = match Outcome::of(&row.info) {
        Some(Outcome::Whole) => theme.good,
        Some(Outcome::Failed) => theme.bad,
        Some(Outcome::Partly | Outcome::Cancelled) => theme.dim,
        None => theme.accent,
    };
    let percent = format!("{:>4}", format!("{:.0}%", (fraction * 100.0).floor()));
    let amount = format!("  {} of {}", bytes::size(row.info.bytes_done), bytes::size(row.info.bytes_total));
    // Amounts are shown where a bar of some length remains.
    let amount = if cells >= 40 { text::pad(&amount, 23) } else { String::new() };
    let bar = bar(fraction, cells.saturating_sub(5 + text::width(&amount)), &theme.symbols);
    let track = if theme.symbols.ascii { style } else { style.patch(theme.button) };
    let spans =
        [Span::styled(bar, track), Span::styled(format!(" {percent}"), theme.text), Span::styled(amount, theme.dim)];
    Line::from(spans.to_vec())
}

fn state(theme: &Theme, row: &TransferRow, now: Now) -> (&'static str, ratatui::style::Style) {
    match row.info.state {
        TransferState::Running if row.is_stalled(now) => ("stalled", theme.warn),
        TransferState::Finding => ("searching", theme.dim),
        TransferState::Paused => ("paused", theme.warn),
        TransferState::Running => ("running", theme.accent),
        TransferState::Verifying => ("verifying", theme.accent),
        TransferState::Done | TransferState::Failed => match Outcome::of(&row.info) {
            Some(Outcome::Cancelled) => ("cancelled", theme.dim),
            Some(Outcome::Partly) => ("ended", theme.dim),
            Some(Outcome::Failed) => ("failed", theme.bad),
            Some(Outcome::Whole) | None => ("done", theme.good),
        },
    }
}

/// `5s`, `2m`, `3h`.
fn left(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds.div_ceil(60)),
        _ => format!("{}h", (seconds / 3_600).min(999)),
    }
}
