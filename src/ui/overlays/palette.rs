//! A command by its name.

use ratatui::layout::{Constraint, Layout, Rect};

use super::{help, window};
use crate::app::command;
use crate::app::hit::Target;
use crate::app::state::{Picker, matching};
use crate::ui::Ui;
use crate::ui::widgets::{empty, input};

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect, picker: &Picker) {
    let found = matching(picker.input.value());
    let inner = window(ui, area, 72, 16, "Command", "");
    let [line, list] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(inner);
    input(ui, line, ":", &picker.input, true, "type what you want to do");
    if found.is_empty() {
        empty(ui, list, "No command is called that", &[]);
        return;
    }
    let rows = usize::from(list.height);
    ui.hits.list_rows = list.height;
    let first = picker.view.first_visible(found.len(), rows);
    for (row, (index, id)) in found.iter().enumerate().skip(first).take(rows).enumerate() {
        let Some(command) = command::find(*id) else { continue };
        let place = Rect { y: list.y + u16::try_from(row).unwrap_or(0), height: 1, ..list };
        let line = help::line_of(ui, command, usize::from(list.width));
        let line = if index == picker.view.selected { line.style(ui.theme.selected) } else { line };
        ui.lines(place, vec![line]);
        ui.hit(place, Target::Command(*id));
    }
}
