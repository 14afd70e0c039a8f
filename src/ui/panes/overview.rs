//! At a glance: am I online, how good are my peers, is my catalogue fresh, what moves, what is new, what is wrong.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::symbols::bar;
use ratatui::text::{Line, Span};
use ratatui::widgets::{RenderDirection, Sparkline};

use super::concerns;
use super::feed::ago;
use crate::app::age;
use crate::app::bytes;
use crate::app::command::Id;
use crate::app::state::{Phase, State};
use crate::net::api::Status;
use crate::ui::widgets::{Facts, meter, panel};
use crate::ui::{Ui, text};

/// Columns from which there are several panels beside each other.
const WIDE: u16 = 76;

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect) {
    if area.width < WIDE {
        if area.height >= 20 {
            let [top, bottom] = Layout::vertical([Constraint::Length(12), Constraint::Fill(1)]).areas(area);
            draw_node(ui, top);
            draw_new(ui, bottom);
        } else {
            draw_node(ui, area);
        }
        return;
    }
    if area.width >= 150 && area.height >= 30 {
        let parts = [Constraint::Percentage(38), Constraint::Percentage(27), Constraint::Fill(1)];
        let [left, middle, right] = Layout::horizontal(parts).areas(area);
        let [node, traffic] = Layout::vertical([Constraint::Length(15), Constraint::Fill(1)]).areas(left);
        let traffic = Rect { height: traffic.height.min(15), ..traffic };
        draw_node(ui, node);
        draw_traffic(ui, traffic);
        let [look, here] = split_concerns(ui, middle, 14);
        concerns::draw(ui, look);
        draw_installed(ui, here);
        draw_new(ui, right);
        return;
    }
    let left = (area.width * 11 / 20).min(84);
    let [left, right] = Layout::horizontal([Constraint::Length(left), Constraint::Fill(1)]).areas(area);
    let [look, new] = split_concerns(ui, right, if area.height >= 30 { 12 } else { 8 });
    if area.height >= 30 {
        let rows = [Constraint::Length(14), Constraint::Length(9), Constraint::Fill(1)];
        let [node, traffic, here] = Layout::vertical(rows).areas(left);
        draw_node(ui, node);
        draw_traffic(ui, traffic);
        draw_installed(ui, here);
    } else {
        let [node, traffic] = Layout::vertical([Constraint::Fill(1), Constraint::Length(6)]).areas(left);
        draw_node(ui, node);
        draw_traffic(ui, traffic);
    }
    if is_first_run(ui.state) {
        draw_first_run(ui, right);
        return;
    }
    concerns::draw(ui, look);
    draw_new(ui, new);
}

/// The room of what is to be looked at, as high as it needs to be, and the rest.
fn split_concerns(ui: &Ui<'_, '_>, area: Rect, most: u16) -> [Rect; 2] {
    let height = concerns::height(ui, area.width).min(most);
    Layout::vertical([Constraint::Length(height), Constraint::Fill(1)]).areas(area)
}

/// Nobody here and nothing known: three ways to begin.
fn is_first_run(state: &State) -> bool {
    let empty = state.status.as_ref().is_some_and(|status| status.catalog.releases == 0);
    empty && state.peers.known && state.peers.rows().is_empty() && state.feed.items().is_empty()
}

fn draw_node(ui: &mut Ui<'_, '_>, area: Rect) {
    let (theme, state) = (ui.theme, ui.state);
    let note = state
        .uptime_s(state.now)
        .map(|s| format!("up {}", age::label(s).replace("now", "a moment")))
        .unwrap_or_default();
    let inner = panel(ui, area, "This node", &note);
    let mut facts = Facts::new(theme, inner.width, 9);
    let (sign, word, style) = standing(ui);
    facts.line("state", vec![Span::styled(format!("{sign} {word}"), style)]);
    if state.size.0 < WIDE {
        // No room for a panel of their own.
        if let Some(concern) = state.concerns().first() {
            facts.short("look", &concerns::line(theme, concern), concerns::style(theme, concern.weight));
        }
    }
    if let Some(status) = &state.status {
        reach(&mut facts, status, ui);
    }
    facts.line("peers", peers(ui, usize::from(inner.width).saturating_sub(10)));
    match &state.status {
        Some(status) => status_facts(&mut facts, status, ui),
        None => {
            for label in ["catalogue", "synced", "DHT", "storage", "peer id", "address"] {
                facts.maybe(label, None);
            }
        }
    }
    ui.lines(inner, facts.take(inner.height));
}

fn standing(ui: &Ui<'_, '_>) -> (&'static str, String, Style) {
    let (theme, state) = (ui.theme, ui.state);
    let symbols = &theme.symbols;
    match &state.phase {
        Phase::Starting => (symbols.waiting, format!("starting{}", symbols.ellipsis), theme.accent),
        Phase::Failed(_) => (symbols.bad, "not started".into(), theme.bad),
        Phase::Gone { remote: true } => (symbols.bad, "stopped; waited for".into(), theme.bad),
        Phase::Gone { remote: false } => (symbols.bad, "stopped; shown as it was".into(), theme.bad),
        Phase::Ready { .. } if !state.peers.known => (symbols.on, "up".into(), theme.text),
        Phase::Ready { .. } if state.peers.connected() == 0 => {
            (symbols.off, "alone: c connects you".into(), theme.warn)
        }
        Phase::Ready { remote } => {
            let attached = if *remote { ", in another process" } else { "" };
            (symbols.on, format!("online{attached}"), theme.good)
        }
    }
}

fn peers(ui: &Ui<'_, '_>, cells: usize) -> Vec<Span<'static>> {
    let (theme, peers) = (ui.theme, &ui.state.peers);
    if !peers.known {
        return vec![Span::styled(theme.symbols.unknown, theme.dim)];
    }
    let mut spans = vec![Span::styled(format!("{} connected", peers.connected()), theme.strong)];
    if peers.banned() > 0 {
        spans.push(Span::styled(format!(", {} {} banned", theme.symbols.banned, peers.banned()), theme.bad));
    }
    let judged: Vec<f64> = peers
        .rows()
        .iter()
        .filter(|row| row.info.connected && row.info.evidence > 0)
        .map(|row| row.info.reputation)
        .collect();
    if !judged.is_empty() {
        let mean = judged.iter().sum::<f64>() / judged.len() as f64;
        let mean = format!(", reputation {mean:.2}");
        if spans.iter().map(Span::width).sum::<usize>() + text::width(&mean) <= cells {
            spans.push(Span::styled(mean, theme.text));
        }
    }
    spans
}

fn status_facts(facts: &mut Facts<'_>, status: &Status, ui: &Ui<'_, '_>) {
    let (theme, state) = (ui.theme, ui.state);
    let (packages, releases) = (status.catalog.packages, status.catalog.releases);
    let catalogue = format!("{}, {}", text::count(packages, "package"), text::count(releases, "release"));
    facts.put("catalogue", &catalogue, theme.text);
    if let Some(coverage) = status.catalog.coverage() {
        let style = if coverage < 0.95 { theme.warn } else { theme.good };
        let what = if state.size.0 < 110 { "here" } else { "of what peers have" };
        let percent = format!(" {} % {what}", (coverage * 100.0).floor());
        // Full only when nothing is missing.
        let filled = (coverage * 8.0).floor() / 8.0;
        facts.line(
            "coverage",
            vec![Span::styled(meter(filled, 8, &theme.symbols), style), Span::styled(percent, theme.text)],
        );
    }
    let (expected, received) = status.syncing.iter().fold((0, 0), |(expected, received), sync| {
        (sync.expected.saturating_add(expected), sync.received.saturating_add(received))
    });
    match status.last_sync_at {
        _ if expected > received => facts.put("synced", &format!("{received} of {expected} have come"), theme.accent),
        Some(at) => facts.put("synced", &ago(state.now.since(at)), theme.text),
        None => facts.put("synced", "not yet", theme.dim),
    }
    let dht = format!(
        "{}, {}, {}",
        text::clean(&status.dht.mode),
        text::count(status.dht.routing_table, "peer"),
        text::count(status.dht.providers.saturating_add(status.dht.records), "record")
    );
    facts.put("DHT", &dht, theme.text);
    let storage = format!("{} in {}", bytes::size(status.storage.bytes), text::count(status.storage.blobs, "blob"));
    facts.put("storage", &storage, theme.text);
    facts.id("peer id", &status.peer_id);
    match status.listen_addrs.as_slice() {
        [] => facts.put("address", "listening nowhere", theme.warn),
        addrs => {
            for (index, addr) in addrs.iter().take(3).enumerate() {
                facts.short(if index == 0 { "address" } else { "" }, addr, theme.text);
            }
        }
    }
    facts.short("home", &status.home, theme.dim);
}

/// Whether others can reach this node, and why not.
fn reach(facts: &mut Facts<'_>, status: &Status, ui: &Ui<'_, '_>) {
    let (theme, reach) = (ui.theme, &status.reachability);
    let symbols = &theme.symbols;
    let (sign, style) = match reach.state.as_str() {
        "" => return,
        "reachable" => (symbols.on, theme.good),
        "relayed" => (symbols.on, theme.warn),
        "unreachable" => (symbols.bad, theme.warn),
        _ => (symbols.off, theme.dim),
    };
    let shown = format!("{sign} {}, {}", text::clean(&reach.state), text::clean(&reach.reason));
    if ui.state.size.1 < 20 {
        facts.short("reach", &shown, style);
    } else {
        facts.put("reach", &shown, style);
    }
}

fn draw_traffic(ui: &mut Ui<'_, '_>, area: Rect) {
    let (theme, state) = (ui.theme, ui.state);
    let symbols = &theme.symbols;
    let rates = match state.rate() {
        Some((down, up)) => format!("{} {}/s  {} {}/s", symbols.down, bytes::size(down), symbols.up, bytes::size(up)),
        None => symbols.unknown.to_owned(),
    };
    let title = if area.width < 60 { "Traffic" } else { "Traffic, last minute" };
    let inner = panel(ui, area, title, &rates);
    if inner.height < 2 {
        return;
    }
    let gap = u16::from(inner.height % 2 == 1 && inner.height > 2);
    let rows = [Constraint::Fill(1), Constraint::Length(gap), Constraint::Fill(1)];
    let [down_area, _, up_area] = Layout::vertical(rows).areas(inner);
    let total = state.status.as_ref().map(|status| status.traffic);
    let totals = [total.map(|total| total.bytes_in), total.map(|total| total.bytes_out)];
    for (index, area) in [down_area, up_area].into_iter().enumerate() {
        let arrow = if index == 0 { symbols.down } else { symbols.up };
        let sum = totals.get(index).copied().flatten().map_or(symbols.unknown.to_owned(), bytes::size);
        let label = Rect { width: 13.min(area.width), ..area };
        let lines = vec![Line::from(vec![
            Span::styled(format!("{arrow} "), theme.accent),
            Span::styled(text::pad(&sum, 9), theme.dim),
        ])];
        let low = Rect { y: area.y + area.height.saturating_sub(1), height: area.height.min(1), ..label };
        ui.lines(low, lines);
        let room = Rect { x: area.x + label.width, width: area.width - label.width, ..area };
        draw_line(ui, room, index == 0);
    }
}

fn draw_line(ui: &mut Ui<'_, '_>, area: Rect, down: bool) {
    let (theme, state) = (ui.theme, ui.state);
    if state.status.is_none() {
        return;
    }
    let mut series = state.traffic.series(state.now, crate::app::state::WINDOW_S as usize);
    series.reverse();
    let values: Vec<u64> =
        series.iter().map(|(bytes_in, bytes_out)| if down { *bytes_in } else { *bytes_out }).collect();
    let most = values.iter().copied().max().unwrap_or(0);
    let quiet = values.iter().all(|value| *value == 0);
    if quiet || theme.symbols.ascii {
        let shown = if quiet { "quiet".to_owned() } else { ascii_series(&values) };
        let low = Rect { y: area.y + area.height.saturating_sub(1), height: area.height.min(1), ..area };
        ui.lines(low, vec![Line::styled(text::fit(&shown, area.width.into(), ""), theme.dim)]);
        return;
    }
    let widget = Sparkline::default()
        .max(most.saturating_add(most / 8))
        .data(values)
        .direction(RenderDirection::RightToLeft)
        .bar_set(bar::NINE_LEVELS)
        .style(if down { theme.accent } else { theme.good });
    ui.frame.render_widget(widget, area);
}

fn ascii_series(values: &[u64]) -> String {
    const LEVELS: [char; 5] = ['_', '.', '-', '=', '#'];
    let most = values.iter().copied().max().unwrap_or(0).max(1) as f64;
    let level = |value: &u64| ((*value as f64 / most) * 4.0).ceil() as usize;
    values.iter().rev().map(|value| LEVELS.get(level(value)).copied().unwrap_or('#')).collect()
}

fn draw_installed(ui: &mut Ui<'_, '_>, area: Rect) {
    let (theme, state) = (ui.theme, ui.state);
    let note = state.installed.list.as_ref().map(|list| list.len().to_string()).unwrap_or_default();
    let inner = panel(ui, area, "Installed", &note);
    let cells = usize::from(inner.width);
    let lines = match &state.installed.list {
        None => vec![Line::styled(theme.symbols.unknown, theme.dim)],
        Some(list) if list.is_empty() => vec![Line::styled("Nothing yet: press 5 to search.", theme.dim)],
        Some(list) => list
            .iter()
            .take(inner.height.into())
            .map(|one| {
                let name = text::pad(&text::fit(one.name.as_str(), cells / 2, theme.symbols.ellipsis), cells / 2);
                let rest = format!(" {}  {}", one.version, bytes::size(one.bytes));
                let spans = vec![Span::styled(name, theme.text), Span::styled(rest, theme.dim)];
                text::fit_line(Line::from(spans), cells, theme.symbols.ellipsis)
            })
            .collect(),
    };
    ui.lines(inner, lines);
}

fn draw_new(ui: &mut Ui<'_, '_>, area: Rect) {
    let (theme, state) = (ui.theme, ui.state);
    if is_first_run(state) {
        draw_first_run(ui, area);
        return;
    }
    let inner = panel(ui, area, "New", "");
    let cells = usize::from(inner.width);
    if state.feed.items().is_empty() {
        let text = match state.feed.known {
            true => match (shown(state, Id::Search), shown(state, Id::Publish)) {
                (Some(search), Some(publish)) => {
                    format!("Nothing announced yet. Press {search} to search, {publish} to publish.")
                }
                _ => "Nothing announced yet.".to_owned(),
            },
            false => theme.symbols.unknown.to_owned(),
        };
        let lines = text::wrap(&text, cells).into_iter().map(|line| Line::styled(line, theme.dim));
        ui.lines(inner, lines.collect());
        return;
    }
    let lines = state
        .feed
        .items()
        .iter()
        .take(usize::from(inner.height).min(24))
        .map(|item| {
            let age = format!("{:>4}  ", age::label(state.now.since(item.received_at)));
            let mut spans = vec![
                Span::styled(age, theme.dim),
                super::feed::name(theme, item),
                Span::styled(format!(" {}", item.version), theme.text),
            ];
            if item.yanked {
                spans.push(Span::styled("  withdrawn", theme.bad));
            } else if cells >= 44 {
                spans.push(Span::styled(format!("  {}", item.description), theme.dim));
            }
            text::fit_line(Line::from(spans), cells, theme.symbols.ellipsis)
        })
        .collect();
    ui.lines(inner, lines);
}

/// The key that a command has now.
fn shown(state: &State, id: Id) -> Option<String> {
    state.keymap.key_of(id).map(|key| key.to_string())
}

fn draw_first_run(ui: &mut Ui<'_, '_>, area: Rect) {
    let (theme, state) = (ui.theme, ui.state);
    let inner = panel(ui, area, "Three ways to begin", "");
    let cells = usize::from(inner.width).saturating_sub(4);
    let ways = [
        (
            Id::Connect,
            format!(
                "Join a peer: paste the address someone gave you{}. {}",
                shown(state, Id::Address).map(|key| format!(" ({key} shows yours)")).unwrap_or_default(),
                state.settings.nearby()
            ),
        ),
        (Id::Publish, "Publish a package: name a directory, see what would be shared, confirm.".to_owned()),
        (Id::Quit, "See it alive first: quit and start again with --demo.".to_owned()),
    ];
    let mut lines = Vec::new();
    for (id, what) in ways {
        // Its pane may not be among those that are shown.
        let Some(key) = shown(state, id) else { continue };
        for (index, part) in text::wrap(&what, cells).into_iter().enumerate() {
            let lead = if index == 0 { format!(" {key}  ") } else { " ".repeat(4) };
            lines.push(Line::from(vec![Span::styled(lead, theme.key), Span::styled(part, theme.text)]));
        }
        lines.push(Line::default());
    }
    ui.lines(inner, lines);
}

#[cfg(test)]
mod tests {
    use crate::app::keymap::Keymap;
    use crate::app::state::Tab;
    use crate::ui::export::{Format, snapshot};
    use crate::ui::fixture;

    #[test]
    fn the_ways_to_begin_name_the_keys_that_lead_there() {
        let screen = |panes: &[Tab]| {
            let mut state = fixture::alone(80, 24);
            state.keymap = Keymap::new(panes, &[("connect".to_owned(), "J".to_owned())].into()).0;
            snapshot(state, Format::Text)
        };
        let both = screen(&[Tab::Overview, Tab::Publish]);
        assert!(both.contains(" J  Join a peer") && both.contains(" 2  Publish a package"), "{both}");
        assert!(!screen(&[Tab::Overview]).contains("Publish a package"));
    }
}
