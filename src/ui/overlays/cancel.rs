//! How a download is to be ended.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::window;
use crate::app::bytes;
use crate::app::hit::Target;
use crate::app::state::Cancel;
use crate::ui::widgets::Facts;
use crate::ui::{Ui, text};

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect, cancel: &Cancel) {
    let theme = ui.theme;
    let symbols = &theme.symbols;
    let width = area.width.min(60);
    let mut facts = Facts::new(theme, width.saturating_sub(4), 8);
    facts.put("download", &cancel.name, theme.text);
    facts.put("so far", &bytes::size(cancel.come), theme.text);
    let above = u16::try_from(facts.len()).unwrap_or(u16::MAX);
    let choices = Cancel::CHOICES.len() as u16;
    let inner = window(ui, area, width, above.saturating_add(choices + 3), "End this download?", "");
    let above = above.min(inner.height.saturating_sub(choices));
    ui.lines(Rect { height: above, ..inner }, facts.take(above));
    let top = inner.y + inner.height.saturating_sub(choices);
    for (index, (what, keep)) in Cancel::CHOICES.into_iter().enumerate() {
        let y = top + u16::try_from(index).unwrap_or(0);
        if y >= inner.y + inner.height {
            break;
        }
        let place = Rect { y, height: 1, ..inner };
        let chosen = index == cancel.choice;
        let sign = if chosen { symbols.marker } else { " " };
        let style = if keep == Some(false) { theme.warn } else { theme.text };
        let what = text::fit(what, usize::from(inner.width).saturating_sub(2), symbols.ellipsis);
        let line = Line::from(vec![Span::styled(format!("{sign} "), theme.accent), Span::styled(what, style)]);
        ui.lines(place, vec![if chosen { line.style(theme.selected) } else { line }]);
        ui.hit(place, Target::Row(index));
    }
}
