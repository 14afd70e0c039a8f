//! A node that did not start.

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::net::NodeError;
use crate::ui::widgets::panel;
use crate::ui::{Ui, text};

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect, error: &NodeError) {
    let theme = ui.theme;
    let inner = panel(ui, area, "The node did not start", "");
    let cells = usize::from(inner.width);
    let mut lines = vec![Line::default()];
    let message = format!("{} {}", theme.symbols.bad, text::clean(&error.message));
    lines.extend(text::wrap(&message, cells).into_iter().map(|line| Line::styled(line, theme.bad)));
    if let Some(hint) = &error.hint {
        lines.push(Line::default());
        lines.extend(text::wrap(&text::clean(hint), cells).into_iter().map(|line| Line::styled(line, theme.text)));
    }
    ui.lines(inner, lines);
}
