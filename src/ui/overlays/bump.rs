//! Which version the package is to have.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::window;
use crate::app::hit::Target;
use crate::app::state::ListView;
use crate::market::archive::Bump;
use crate::ui::{Ui, text};

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect, view: ListView) {
    let theme = ui.theme;
    let symbols = &theme.symbols;
    let proposals = ui.state.publish.proposals();
    let Some(plan) = &ui.state.publish.plan else { return };
    let height = u16::try_from(proposals.len()).unwrap_or(u16::MAX).saturating_add(4);
    let inner = window(ui, area, 60, height, "Which version?", "");
    let cells = usize::from(inner.width);
    let now = match &plan.previous {
        Some(previous) => format!("the manifest says {}, the last one out is {previous}", plan.version),
        None => format!("the manifest says {}", plan.version),
    };
    ui.lines(inner, vec![Line::styled(text::fit(&now, cells, symbols.ellipsis), theme.dim)]);
    for (index, (bump, version, asked)) in proposals.into_iter().enumerate() {
        let y = inner.y + 2 + u16::try_from(index).unwrap_or(0);
        if y >= inner.y + inner.height {
            break;
        }
        let place = Rect { y, height: 1, ..inner };
        let chosen = index == view.selected;
        let sign = if chosen { symbols.marker } else { " " };
        let (name, what) = match bump {
            Bump::Patch => ("patch", "what is there was changed"),
            Bump::Minor => ("minor", "something was added"),
            Bump::Major => ("major", "something was taken away"),
        };
        let asked = if asked { symbols.good } else { " " };
        let line = Line::from(vec![
            Span::styled(format!("{sign} "), theme.accent),
            Span::styled(format!("{} ", text::pad(asked, 1)), theme.good),
            Span::styled(text::pad(&version.to_string(), 12), theme.strong),
            Span::styled(format!("{name}: {what}"), theme.dim),
        ]);
        let line = text::fit_line(line, cells, symbols.ellipsis);
        ui.lines(place, vec![if chosen { line.style(theme.selected) } else { line }]);
        ui.hit(place, Target::Row(index));
    }
}
