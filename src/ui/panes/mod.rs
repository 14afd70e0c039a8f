//! One pane each.

mod concerns;
pub mod dht;
pub mod failed;
pub mod feed;
mod file_list;
pub mod installed;
pub mod logs;
mod lookup;
pub mod overview;
pub mod peers;
pub mod publish;
mod publish_steps;
mod result;
mod ring;
pub mod search;
pub mod settings;
pub mod transfers;
mod why;

use ratatui::layout::{Constraint, Layout, Rect};

use super::Ui;
use super::widgets::input;
use crate::app::state::{DetailPlace, Filter, Tab};

/// Draws a list and the detail of its selected line, which gets `share` percent, where each has its place.
fn list_and_detail(ui: &mut Ui<'_, '_>, area: Rect, share: u16, list: fn(&mut Ui, Rect), detail: fn(&mut Ui, Rect)) {
    let (list_area, detail_area) = split(ui, area, share);
    if let Some(area) = list_area {
        list(ui, area);
    }
    if let Some(area) = detail_area {
        detail(ui, area);
    }
}

/// Where list and detail go; either can be missing.
fn split(ui: &Ui<'_, '_>, area: Rect, share: u16) -> (Option<Rect>, Option<Rect>) {
    if ui.state.shows_detail() {
        return (None, Some(area));
    }
    // Beside an empty list there is nothing to tell; results come and go while one types.
    if !ui.state.has_detail() && ui.state.tab != Tab::Search {
        return (Some(area), None);
    }
    match ui.state.detail_place() {
        DetailPlace::Side => {
            let parts = [Constraint::Fill(1), Constraint::Length(beside(area.width, share))];
            let [list, detail] = Layout::horizontal(parts).areas(area);
            (Some(list), Some(detail))
        }
        DetailPlace::Below => {
            let rows = (area.height / 2).clamp(8, 15);
            let [list, detail] = Layout::vertical([Constraint::Fill(1), Constraint::Length(rows)]).areas(area);
            (Some(list), Some(detail))
        }
        DetailPlace::Over => (Some(area), None),
    }
}

/// Cells of a detail beside its list: the list keeps the columns that it has on a screen of 80 cells, and gets half of what
/// is more, until both have their share.
fn beside(width: u16, share: u16) -> u16 {
    (width / 2).saturating_sub(20).clamp(34, 120).min(width.saturating_mul(share) / 100)
}

/// The filter's line above a list, while there is one; gives the rest.
fn filter_line(ui: &mut Ui<'_, '_>, area: Rect, filter: &Filter) -> Rect {
    if !filter.focused && !filter.is_active() {
        return area;
    }
    let [line, rest] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    input(ui, line, "/", &filter.input, filter.focused, "type to filter");
    rest
}
