//! Bordered panels and what an empty one says.

use ratatui::layout::{Alignment, Rect};
use ratatui::symbols::border;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType};

use crate::ui::{Ui, text};

const ASCII: border::Set = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

/// Draws a border with a title on the left and a note on the right; gives the room inside, one cell from the sides.
pub fn panel(ui: &mut Ui<'_, '_>, area: Rect, title: &str, note: &str) -> Rect {
    let theme = ui.theme;
    let ellipsis = theme.symbols.ellipsis;
    let room = usize::from(area.width).saturating_sub(6);
    let title = text::fit(title, room, ellipsis);
    let left = room.saturating_sub(text::width(&title) + 3);
    let note = if left < 6 { String::new() } else { text::fit(note, left, ellipsis) };
    let mut block = Block::bordered().border_type(BorderType::Rounded).border_style(theme.border);
    if theme.symbols.ascii {
        block = block.border_set(ASCII);
    }
    if !title.is_empty() {
        block = block.title_top(Line::from(Span::styled(format!(" {title} "), theme.title)));
    }
    if !note.is_empty() {
        let line = Line::from(Span::styled(format!(" {note} "), theme.dim));
        block = block.title_top(line.alignment(Alignment::Right));
    }
    let inner = block.inner(area);
    ui.frame.render_widget(block, area);
    let margin = u16::from(inner.width > 4);
    Rect { x: inner.x + margin, width: inner.width - 2 * margin, ..inner }
}

/// A headline and what to do, in the middle of the room.
pub fn empty(ui: &mut Ui<'_, '_>, area: Rect, headline: &str, advice: &[&str]) {
    let cells = usize::from(area.width.min(60));
    let mut lines: Vec<Line<'_>> =
        text::wrap(headline, cells).into_iter().map(|line| Line::styled(line, ui.theme.strong)).collect();
    for paragraph in advice {
        let wrapped = text::wrap(paragraph, cells);
        lines.extend(wrapped.into_iter().map(|line| Line::styled(line, ui.theme.dim)));
    }
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(area.height);
    let y = area.y + (area.height - height) / 3;
    let lines = lines.into_iter().map(Line::centered).collect();
    ui.lines(Rect { y, height, ..area }, lines);
}
