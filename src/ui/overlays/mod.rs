//! What lies over the panes.

mod address;
mod bump;
mod cancel;
mod confirm;
mod edit;
mod help;
mod messages;
pub mod narrow;
mod palette;
mod prompt;
pub mod toasts;

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::widgets::panel;
use super::{Ui, text};
use crate::app::hit::Target;
use crate::app::state::Overlay;

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect) {
    match &ui.state.overlay {
        None => {}
        Some(Overlay::Help(picker)) => help::draw(ui, area, picker),
        Some(Overlay::Palette(picker)) => palette::draw(ui, area, picker),
        Some(Overlay::Confirm(confirm)) => confirm::draw(ui, area, confirm),
        Some(Overlay::Prompt(prompt)) => prompt::draw(ui, area, prompt),
        Some(Overlay::Bump(view)) => bump::draw(ui, area, *view),
        Some(Overlay::Cancel(cancel)) => cancel::draw(ui, area, cancel),
        Some(Overlay::Narrow(view)) => narrow::draw(ui, area, *view),
        Some(Overlay::Address(view)) => address::draw(ui, area, *view),
        Some(Overlay::Edit(edit)) => edit::draw(ui, area, edit),
        Some(Overlay::Messages) => messages::draw(ui, area),
    }
}

/// An empty panel in the middle of the screen, at most `width` by `height`; gives the room inside.
fn window(ui: &mut Ui<'_, '_>, area: Rect, width: u16, height: u16, title: &str, note: &str) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height.saturating_sub(2)));
    let x = area.x + (area.width - width) / 2;
    let y = area.y + 1 + (area.height.saturating_sub(2) - height) / 2;
    let place = Rect { x, y, width, height };
    ui.clear(place);
    // What lies below is out of reach: clicks and the cursor belong to the window.
    ui.hit(area, Target::Nothing);
    ui.hits.cursor = None;
    panel(ui, place, title, note)
}

/// Writes lines that can be scrolled where they do not fit; their last row then says how many are out of sight.
fn scrolled(ui: &mut Ui<'_, '_>, area: Rect, lines: Vec<Line<'static>>) {
    let rows = usize::from(area.height);
    if lines.len() <= rows || rows < 2 {
        ui.lines(area, lines);
        return;
    }
    let len = lines.len();
    let end = len - (rows - 1);
    ui.hits.dialog_end = u16::try_from(end).unwrap_or(u16::MAX);
    let first = ui.state.dialog_scroll.min(end);
    let mut shown: Vec<_> = lines.into_iter().skip(first).take(rows - 1).collect();
    let place = format!("lines {} to {} of {len}", first + 1, first + shown.len());
    let style = if first < end { ui.theme.warn } else { ui.theme.dim };
    let place = text::fit(&place, area.width.into(), ui.theme.symbols.ellipsis);
    shown.push(Line::styled(place, style).right_aligned());
    ui.lines(area, shown);
}
