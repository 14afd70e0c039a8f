//! A one-line text field.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use tui_input::Input;

use crate::app::hit::Target;
use crate::ui::{Ui, text};

/// Draws `label` and what is typed; the cursor is shown while `focused`. `hint` stands in an empty field.
pub fn input(ui: &mut Ui<'_, '_>, area: Rect, label: &str, input: &Input, focused: bool, hint: &str) {
    let theme = ui.theme;
    let label_cells = text::width(label) + 1;
    let room = usize::from(area.width).saturating_sub(label_cells);
    let before: String = input.value().chars().take(input.cursor()).collect();
    let after: String = input.value().chars().skip(input.cursor()).collect();
    let ellipsis = text::width(theme.symbols.ellipsis);
    // One cell stays free for the cursor behind the last character.
    let before = text::clean(&before);
    let mut left = text::tail(&before, room.saturating_sub(1));
    if left.len() < before.len() {
        left = format!("{}{}", theme.symbols.ellipsis, text::tail(&before, room.saturating_sub(1 + ellipsis)));
    }
    let cursor = text::width(&left);
    let after = text::clean(&after).into_owned();
    let right = text::fit(&after, room.saturating_sub(cursor), theme.symbols.ellipsis);
    let mut spans = vec![Span::styled(format!("{label} "), if focused { theme.key } else { theme.dim })];
    if input.value().is_empty() {
        spans.push(Span::styled(text::fit(hint, room, theme.symbols.ellipsis), theme.dim));
    } else {
        spans.push(Span::styled(left + &right, theme.text));
    }
    ui.lines(area, vec![Line::from(spans)]);
    ui.hit(area, Target::Input);
    if focused && area.width > 0 && area.height > 0 {
        let column = area.x + u16::try_from(label_cells + cursor).unwrap_or(u16::MAX).min(area.width - 1);
        ui.hits.cursor = Some((column, area.y));
    }
}
