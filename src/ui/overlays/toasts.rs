//! Short messages at the lower right, the newest lowest.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::app::state::{Toast, ToastKind};
use crate::ui::theme::Theme;
use crate::ui::{Ui, text};

/// Lines that one message takes at most.
const MAX_LINES: usize = 4;

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect) {
    let width = area.width.saturating_sub(2).min(60);
    let mut bottom = area.y + area.height.saturating_sub(1);
    let state = ui.state;
    for toast in state.toasts.iter().rev() {
        let lines = lines(ui, toast, usize::from(width).saturating_sub(4));
        let height = u16::try_from(lines.len()).unwrap_or(0);
        if bottom < area.y + 1 + height {
            return;
        }
        bottom -= height;
        let cells = lines.iter().map(Line::width).max().unwrap_or(0);
        let cells = u16::try_from(cells + 2).unwrap_or(width).min(width);
        let x = area.x + area.width.saturating_sub(cells + 1);
        let place = Rect { x, y: bottom, width: cells, height };
        ui.clear(place);
        let lines = lines.into_iter().map(|line| line.style(ui.theme.toast)).collect();
        ui.frame.render_widget(ratatui::widgets::Paragraph::new::<Vec<Line<'_>>>(lines).style(ui.theme.toast), place);
    }
}

/// The sign of a message, and its colour.
pub fn sign(theme: &Theme, kind: ToastKind) -> (&'static str, Style) {
    let symbols = &theme.symbols;
    match kind {
        ToastKind::Info => (symbols.info, theme.accent),
        ToastKind::Good => (symbols.good, theme.good),
        ToastKind::Warning => (symbols.warn, theme.warn),
        ToastKind::Error => (symbols.bad, theme.bad),
    }
}

fn lines(ui: &Ui<'_, '_>, toast: &Toast, cells: usize) -> Vec<Line<'static>> {
    let theme = ui.theme;
    let (sign, style) = sign(theme, toast.kind);
    let mut lines = Vec::new();
    for (index, part) in text::wrap(&text::clean(&toast.text), cells).into_iter().take(MAX_LINES).enumerate() {
        let lead = if index == 0 { format!(" {sign} ") } else { "   ".into() };
        lines.push(Line::from(vec![Span::styled(lead, style), Span::styled(part, theme.text)]));
    }
    let hint = toast.hint.as_deref().map(|hint| text::wrap(&text::clean(hint), cells)).unwrap_or_default();
    for part in hint.into_iter().take(2) {
        lines.push(Line::from(vec![Span::raw("   "), Span::styled(part, theme.dim)]));
    }
    lines
}
