//! What is wrong or could be better, on the overview.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::app::state::{Concern, Weight, digit};
use crate::ui::theme::Theme;
use crate::ui::widgets::{Facts, panel};
use crate::ui::{Ui, text};

/// Lines that one of them takes at most.
const LINES: u16 = 3;

/// Rows that the panel wants at this width.
pub fn height(ui: &Ui<'_, '_>, width: u16) -> u16 {
    let lines = lines(ui, width.saturating_sub(4)).len();
    u16::try_from(lines.max(1)).unwrap_or(u16::MAX).saturating_add(2)
}

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect) {
    let theme = ui.theme;
    let count = ui.state.concerns().len();
    let note = if count > 0 { count.to_string() } else { String::new() };
    let inner = panel(ui, area, "To look at", &note);
    let mut lines = lines(ui, inner.width);
    if lines.is_empty() {
        let (text, style) = match ui.state.status {
            Some(_) => (format!("{} nothing is wrong", theme.symbols.good), theme.good),
            None => (theme.symbols.unknown.to_owned(), theme.dim),
        };
        lines.push(Line::styled(text, style));
    }
    let rows = usize::from(inner.height);
    if lines.len() > rows && rows > 0 {
        lines.truncate(rows - 1);
        // One sign that there is more, not two.
        lines.pop_if(|line| line.to_string() == theme.symbols.ellipsis);
        lines.push(Line::styled(theme.symbols.ellipsis, theme.dim));
    }
    ui.lines(inner, lines);
}

fn lines(ui: &Ui<'_, '_>, cells: u16) -> Vec<Line<'static>> {
    let theme = ui.theme;
    let mut all = Vec::new();
    for concern in ui.state.concerns() {
        let style = style(theme, concern.weight);
        let mut facts = Facts::new(theme, cells, 0);
        let place = concern.see.and_then(|tab| ui.state.tabs().iter().position(|one| *one == tab));
        let shown = match place.and_then(digit) {
            Some(key) => format!("{} ({key})", concern.text),
            None => concern.text,
        };
        facts.item(sign(theme, concern.weight), style, &shown, theme.text);
        all.extend(facts.take(LINES));
    }
    all
}

/// One of them on one line.
pub fn line(theme: &Theme, concern: &Concern) -> String {
    format!("{} {}", sign(theme, concern.weight), text::clean(&concern.text))
}

fn sign(theme: &Theme, weight: Weight) -> &'static str {
    match weight {
        Weight::Bad => theme.symbols.bad,
        Weight::Warning => theme.symbols.warn,
        Weight::Note => theme.symbols.info,
    }
}

pub fn style(theme: &Theme, weight: Weight) -> Style {
    match weight {
        Weight::Bad => theme.bad,
        Weight::Warning => theme.warn,
        Weight::Note => theme.dim,
    }
}
