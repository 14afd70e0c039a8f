//! The publish wizard's frame and its first step; the others are in `publish_steps`.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::publish_steps as steps;
use crate::app::state::Step;
use crate::ui::widgets::{empty, input, panel};
use crate::ui::{Ui, text};

const STEPS: [&str; 4] = ["Path", "Findings", "Review", "Publish"];

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect) {
    let inner = panel(ui, area, "Publish", "");
    let gap = u16::from(inner.height > 12);
    let rows = [Constraint::Length(1), Constraint::Length(gap), Constraint::Fill(1)];
    let [top, _, rest] = Layout::vertical(rows).areas(inner);
    draw_steps(ui, top);
    match ui.state.publish.step {
        Step::Path => draw_path(ui, rest),
        Step::Checking => empty(ui, rest, "Reading the package", &[]),
        Step::Findings => steps::findings(ui, rest),
        Step::Review => steps::review(ui, rest),
        Step::Working => steps::working(ui, rest),
        Step::Done => steps::done(ui, rest),
        Step::Failed => steps::failed(ui, rest),
    }
}

fn draw_steps(ui: &mut Ui<'_, '_>, area: Rect) {
    let theme = ui.theme;
    let symbols = &theme.symbols;
    let at = match ui.state.publish.step {
        Step::Path | Step::Checking => 0,
        Step::Findings => 1,
        Step::Review => 2,
        Step::Working | Step::Failed => 3,
        Step::Done => 4,
    };
    // Where there is no room for arrows, the signs alone show the way.
    let between = if area.width < 48 { " ".to_owned() } else { format!(" {} ", symbols.arrow) };
    let mut spans = Vec::new();
    for (index, name) in STEPS.into_iter().enumerate() {
        if index > 0 {
            spans.push(Span::styled(between.clone(), theme.border));
        }
        spans.push(match index.cmp(&at) {
            std::cmp::Ordering::Less => Span::styled(format!("{} {name}", symbols.good), theme.good),
            std::cmp::Ordering::Equal => Span::styled(format!("{} {name}", symbols.on), theme.key),
            std::cmp::Ordering::Greater => Span::styled(name, theme.dim),
        });
    }
    let line = text::fit_line(Line::from(spans), area.width.into(), symbols.ellipsis);
    ui.lines(area, vec![line]);
}

fn draw_path(ui: &mut Ui<'_, '_>, area: Rect) {
    let theme = ui.theme;
    let publish = &ui.state.publish;
    let [line, rest] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    input(ui, line, "directory", &publish.input, publish.focused, "the package's directory");
    let cells = usize::from(rest.width);
    let mut lines: Vec<Line<'static>> = Vec::new();
    if let Some(error) = &publish.error {
        let message = format!("{} {}", theme.symbols.bad, text::clean(&error.message));
        lines.extend(text::wrap(&message, cells).into_iter().map(|line| Line::styled(line, theme.bad)));
        if let Some(hint) = &error.hint {
            lines.extend(text::wrap(&text::clean(hint), cells).into_iter().map(|line| Line::styled(line, theme.text)));
        }
        lines.push(Line::default());
    }
    let room = usize::from(rest.height).saturating_sub(lines.len());
    lines.extend(candidates(ui, cells, room));
    ui.lines(rest, lines);
}

/// Directories that what is typed could become, those with a manifest marked.
fn candidates(ui: &Ui<'_, '_>, cells: usize, room: usize) -> Vec<Line<'static>> {
    let (theme, publish) = (ui.theme, &ui.state.publish);
    let symbols = &theme.symbols;
    let listing = match &publish.listing {
        None => return Vec::new(),
        Some(Err(error)) => {
            let error = text::fit(&text::clean(error), cells, symbols.ellipsis);
            return vec![Line::styled(error, theme.warn)];
        }
        Some(Ok(listing)) => listing,
    };
    let mut lines = Vec::new();
    if listing.package && publish.split().1.is_empty() {
        let enter = if publish.candidate.is_none() { ": Enter checks it" } else { "" };
        let text = format!("{} this directory is a package{enter}", symbols.good);
        lines.push(Line::styled(text::fit(&text, cells, symbols.ellipsis), theme.good));
    }
    let found = publish.candidates();
    let room = room.saturating_sub(lines.len());
    // The last line tells of those that found no room.
    let counts = found.len() > room && room > 2;
    let room = room - usize::from(counts);
    let at = publish.candidate.unwrap_or(0);
    let first = (at + 1).saturating_sub(room);
    for (index, entry) in found.iter().enumerate().skip(first).take(room) {
        let chosen = publish.candidate == Some(index);
        let marker = if chosen { symbols.marker } else { " " };
        let note = if entry.package { "  package" } else { "" };
        let name = text::fit(&text::clean(&entry.name), cells.saturating_sub(3 + note.len()), symbols.ellipsis);
        let line = Line::from(vec![
            Span::styled(format!("{marker} "), theme.accent),
            Span::styled(format!("{name}/"), if entry.package { theme.strong } else { theme.text }),
            Span::styled(note, theme.good),
        ]);
        lines.push(if chosen { line.style(theme.selected) } else { line });
    }
    let below = found.len().saturating_sub(first + room);
    if counts && below > 0 {
        lines.push(Line::styled(format!("{} {below} more below", symbols.ellipsis), theme.dim));
    }
    if found.is_empty() && !listing.package {
        lines.push(Line::styled("no directory here begins like that", theme.dim));
    } else if listing.omitted > 0 && found.len() < room {
        lines.push(Line::styled(format!("{} more are not listed", listing.omitted), theme.dim));
    }
    lines
}
