//! What the results of the search can be narrowed to, with how many there are of each.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::window;
use crate::app::hit::Target;
use crate::app::state::{ListView, Narrowing};
use crate::ui::theme::Theme;
use crate::ui::widgets::empty;
use crate::ui::{Ui, text};

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect, view: ListView) {
    let all = ui.state.search.narrowings();
    let height = u16::try_from(all.len()).unwrap_or(u16::MAX).saturating_add(2);
    let inner = window(ui, area, 60, height.max(5), "Narrow the results", "");
    if all.is_empty() {
        empty(ui, inner, "Nothing to narrow by", &[]);
        return;
    }
    let rows = usize::from(inner.height);
    ui.hits.list_rows = inner.height;
    let first = view.first_visible(all.len(), rows);
    for (row, (index, one)) in all.iter().enumerate().skip(first).take(rows).enumerate() {
        let place = Rect { y: inner.y + u16::try_from(row).unwrap_or(0), height: 1, ..inner };
        let line = line(ui.theme, one, inner.width.into());
        let line = if index == view.selected { line.style(ui.theme.selected) } else { line };
        ui.lines(place, vec![line]);
        ui.hit(place, Target::Row(index));
    }
}

/// `✓ tag       rdf                 12`
pub fn line(theme: &Theme, one: &Narrowing, cells: usize) -> Line<'static> {
    let symbols = &theme.symbols;
    let count = one.count.to_string();
    let room = cells.saturating_sub(14 + text::width(&count));
    let value = if one.key == "publisher" {
        text::middle(&one.value, room, symbols.ellipsis)
    } else {
        text::fit(&one.value, room, symbols.ellipsis)
    };
    let (sign, style) = if one.on { (symbols.good, theme.good) } else { (" ", theme.text) };
    Line::from(vec![
        Span::styled(format!("{} ", text::pad(sign, 1)), style),
        Span::styled(text::pad(one.key, 10), theme.dim),
        Span::styled(text::pad(&value, room + 1), style),
        Span::styled(count, theme.dim),
    ])
}
