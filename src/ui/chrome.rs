//! What frames every pane: header, tabs, footer, and the body that is the pane's.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{MIN_SIZE, Ui, panes, text};
use crate::app::bytes;
use crate::app::command::Id;
use crate::app::hit::Target;
use crate::app::state::{Phase, Tab, digit};

/// Says what size is needed.
pub fn too_small(ui: &mut Ui<'_, '_>, area: Rect) {
    let (width, height) = MIN_SIZE;
    let lines =
        ["too small".to_owned(), format!("needs {width}x{height}"), format!("has {}x{}", area.width, area.height)];
    let y = area.y + area.height.saturating_sub(3) / 2;
    let rows = area.height.min(3);
    let fit = |line: &String| Line::from(text::fit(line, area.width.into(), "")).centered();
    ui.lines(Rect { y, height: rows, ..area }, lines.iter().map(fit).collect());
}

/// One line: product, network, own id, peers, traffic; banners on the right.
pub fn header(ui: &mut Ui<'_, '_>, area: Rect) {
    let (theme, state) = (ui.theme, ui.state);
    let symbols = &theme.symbols;
    let cells = usize::from(area.width);
    let mut right: Vec<Span<'static>> = Vec::new();
    if state.lost > 0 {
        right.push(Span::styled(format!("{} {} events lost ", symbols.warn, state.lost), theme.warn));
    }
    if let Some(frozen) = state.frozen {
        right.push(Span::styled(format!(" FROZEN +{} ", frozen.events), theme.banner));
    }
    if state.is_remote() {
        right.push(Span::styled(" ATTACHED ", theme.tab_active));
    }
    if state.options.demo {
        right.push(Span::styled(" DEMO ", theme.banner));
    }
    if let Some(name) = &state.options.sim {
        let said =
            if cells >= 100 { format!(" SIMULATION {name}: nothing here is real ") } else { " SIMULATION ".into() };
        right.push(Span::styled(said, theme.banner));
    }
    let right_cells: usize = right.iter().map(Span::width).sum();
    let room = cells.saturating_sub(right_cells + 1);
    let mut left = vec![Span::styled(" ggen p2p", theme.title)];
    for part in header_parts(ui) {
        let used: usize = left.iter().map(Span::width).sum();
        let part_cells: usize = part.iter().map(Span::width).sum();
        if used + 3 + part_cells <= room {
            left.push(Span::styled(format!(" {} ", symbols.dot), theme.border));
            left.extend(part);
        }
    }
    let used: usize = left.iter().map(Span::width).sum();
    left.push(Span::raw(" ".repeat(cells.saturating_sub(used + right_cells))));
    left.extend(right);
    ui.lines(area, vec![Line::from(left)]);
}

/// The most wanted first: what finds no room is left out.
fn header_parts(ui: &Ui<'_, '_>) -> Vec<Vec<Span<'static>>> {
    let (theme, state) = (ui.theme, ui.state);
    let symbols = &theme.symbols;
    let peers = match &state.phase {
        Phase::Starting => Span::styled(format!("{} starting", symbols.waiting), theme.dim),
        Phase::Failed(_) => Span::styled(format!("{} not started", symbols.bad), theme.bad),
        Phase::Gone { .. } => Span::styled(format!("{} node stopped", symbols.bad), theme.bad),
        Phase::Ready { .. } if !state.peers.known => Span::styled(format!("peers {}", symbols.unknown), theme.dim),
        Phase::Ready { .. } => match state.peers.connected() {
            0 => Span::styled(format!("{} no peers", symbols.off), theme.warn),
            1 => Span::styled(format!("{} 1 peer", symbols.on), theme.good),
            n => Span::styled(format!("{} {n} peers", symbols.on), theme.good),
        },
    };
    let network = text::fit(&text::clean(state.network()), 24, symbols.ellipsis);
    let mut parts = vec![vec![peers], vec![Span::styled(network, theme.text)]];
    if let Some(status) = &state.status {
        let id = text::tail(&text::clean(&status.peer_id), 8);
        parts.push(vec![Span::styled(format!("id {}{id}", symbols.ellipsis), theme.text)]);
        if let Some((down, up)) = state.rate().filter(|(down, up)| *down > 0 || *up > 0) {
            let rates = format!("{} {}/s {} {}/s", symbols.down, bytes::size(down), symbols.up, bytes::size(up));
            parts.push(vec![Span::styled(rates, theme.dim)]);
        }
    }
    parts
}

/// The tabs: with their titles, with short ones, or with their numbers, as there is room; the open one has its title.
pub fn tabs(ui: &mut Ui<'_, '_>, area: Rect) {
    let tabs = ui.state.tabs();
    let fits = |label: &dyn Fn(usize, Tab) -> String| {
        let cells: usize = tabs.iter().enumerate().map(|(place, tab)| text::width(&label(place, *tab))).sum();
        cells <= usize::from(area.width)
    };
    let full = |place: usize, tab: Tab| format!(" {}{} ", number(place), tab.title());
    let short = |place: usize, tab: Tab| match tab == ui.state.tab {
        true => full(place, tab),
        false => format!(" {}{}", number(place), tab.short_title()),
    };
    let least = |place: usize, tab: Tab| match tab == ui.state.tab {
        true => full(place, tab),
        false => format!(" {}", number(place)),
    };
    let labels: &dyn Fn(usize, Tab) -> String = if fits(&full) {
        &full
    } else if fits(&short) {
        &short
    } else {
        &least
    };
    let mut x = area.x;
    for (place, tab) in tabs.iter().enumerate() {
        let label = labels(place, *tab);
        let width = u16::try_from(text::width(&label)).unwrap_or(0);
        if x + width > area.x + area.width {
            break;
        }
        let cells = Rect { x, width, ..area };
        let style = if *tab == ui.state.tab { ui.theme.tab_active } else { ui.theme.tab };
        ui.lines(cells, vec![Line::styled(label, style)]);
        ui.hit(cells, Target::Tab(*tab));
        x += width;
    }
}

/// The digit that leads to the tab at a place, and a blank.
fn number(place: usize) -> String {
    digit(place).map(|digit| format!("{digit} ")).unwrap_or_default()
}

/// The pane of the open tab, or why there is none.
pub fn body(ui: &mut Ui<'_, '_>, area: Rect) {
    if let Phase::Failed(error) = &ui.state.phase {
        panes::failed::draw(ui, area, error);
        return;
    }
    match ui.state.tab {
        Tab::Overview => panes::overview::draw(ui, area),
        Tab::Peers => panes::peers::draw(ui, area),
        Tab::Dht => panes::dht::draw(ui, area),
        Tab::Feed => panes::feed::draw(ui, area),
        Tab::Search => panes::search::draw(ui, area),
        Tab::Publish => panes::publish::draw(ui, area),
        Tab::Transfers => panes::transfers::draw(ui, area),
        Tab::Installed => panes::installed::draw(ui, area),
        Tab::Logs => panes::logs::draw(ui, area),
        Tab::Settings => panes::settings::draw(ui, area),
    }
}

/// Keys that do something here on the left; what is under way, help and quit on the right.
pub fn footer(ui: &mut Ui<'_, '_>, area: Rect) {
    let (theme, state) = (ui.theme, ui.state);
    if matches!(state.phase, Phase::Failed(_)) {
        ui.lines(area, vec![Line::styled(" any key leaves", theme.dim)]);
        return;
    }
    let end = area.x + area.width;
    let mut right = end;
    if !state.is_typing() && state.overlay.is_none() {
        for (id, label) in [(Id::Quit, "quit"), (Id::Help, "help")] {
            let Some(key) = state.keymap.key_of(id) else { continue };
            let width = hint_width(&key.to_string(), label);
            if right.saturating_sub(width) > area.x {
                right -= width;
                hint(ui, Rect { x: right, width, ..area }, &key.to_string(), label, Some(id));
            }
        }
    }
    let mut x = area.x;
    for one in state.hints() {
        let width = hint_width(&one.key, one.label);
        if x + width > right {
            break;
        }
        hint(ui, Rect { x, width, ..area }, &one.key, one.label, one.command);
        x += width;
    }
    pending(ui, Rect { x, width: right.saturating_sub(x), ..area });
}

fn hint_width(key: &str, label: &str) -> u16 {
    u16::try_from(text::width(key) + text::width(label) + 3).unwrap_or(u16::MAX)
}

fn hint(ui: &mut Ui<'_, '_>, area: Rect, key: &str, label: &str, command: Option<Id>) {
    let theme = ui.theme;
    let spans = vec![Span::styled(format!(" {key} "), theme.key), Span::styled(format!("{label} "), theme.dim)];
    ui.lines(area, vec![Line::from(spans)]);
    if let Some(id) = command {
        ui.hit(area, Target::Command(id));
    }
}

/// What was asked and has not been answered.
fn pending(ui: &mut Ui<'_, '_>, area: Rect) {
    let (theme, state) = (ui.theme, ui.state);
    let (Some(last), true) = (state.pending.last(), area.width >= 12) else { return };
    let more = match state.pending.len() {
        1 => String::new(),
        n => format!(" (+{})", n - 1),
    };
    let text = format!("{} {}{more}", theme.symbols.waiting, text::clean(&last.text));
    let text = text::fit(&text, usize::from(area.width) - 2, theme.symbols.ellipsis);
    ui.lines(area, vec![Line::styled(format!("{text} "), theme.accent).right_aligned()]);
}
