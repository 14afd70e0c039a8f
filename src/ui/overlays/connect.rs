//! An address to connect to.

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::window;
use crate::app::state::Prompt;
use crate::ui::widgets::input;
use crate::ui::{Ui, text};

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect, prompt: &Prompt) {
    let theme = ui.theme;
    let width = area.width.min(90);
    let cells = usize::from(width.saturating_sub(4));
    let below: Vec<Line<'static>> = match &prompt.error {
        Some(error) => text::wrap(&format!("{} {}", theme.symbols.bad, text::clean(error)), cells)
            .into_iter()
            .map(|line| Line::styled(line, theme.bad))
            .collect(),
        None => text::wrap("paste what the other side's overview shows as address", cells)
            .into_iter()
            .map(|line| Line::styled(line, theme.dim))
            .collect(),
    };
    let height = u16::try_from(below.len()).unwrap_or(u16::MAX).saturating_add(3);
    let inner = window(ui, area, width, height, "Connect to a peer", "");
    input(ui, Rect { height: 1.min(inner.height), ..inner }, "address", &prompt.input, true, "/ip4/192.0.2.7/tcp/4001");
    let rest = Rect { y: inner.y + 1.min(inner.height), height: inner.height.saturating_sub(1), ..inner };
    ui.lines(rest, below);
}
