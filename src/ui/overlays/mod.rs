//! What lies over the panes.

mod confirm;
mod connect;
mod edit;
mod help;
mod palette;
pub mod toasts;

use ratatui::layout::Rect;
use ratatui::widgets::Clear;

use super::Ui;
use super::widgets::panel;
use crate::app::hit::Target;
use crate::app::state::Overlay;

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect) {
    match &ui.state.overlay {
        None => {}
        Some(Overlay::Help(picker)) => help::draw(ui, area, picker),
        Some(Overlay::Palette(picker)) => palette::draw(ui, area, picker),
        Some(Overlay::Confirm(confirm)) => confirm::draw(ui, area, confirm),
        Some(Overlay::Connect(prompt)) => connect::draw(ui, area, prompt),
        Some(Overlay::Edit(edit)) => edit::draw(ui, area, edit),
    }
}

/// An empty panel in the middle of the screen, at most `width` by `height`; gives the room inside.
fn window(ui: &mut Ui<'_, '_>, area: Rect, width: u16, height: u16, title: &str, note: &str) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height.saturating_sub(2)));
    let x = area.x + (area.width - width) / 2;
    let y = area.y + 1 + (area.height.saturating_sub(2) - height) / 2;
    let place = Rect { x, y, width, height };
    ui.frame.render_widget(Clear, place);
    // What lies below is out of reach: clicks and the cursor belong to the window.
    ui.hit(area, Target::Nothing);
    ui.hits.cursor = None;
    panel(ui, place, title, note)
}
