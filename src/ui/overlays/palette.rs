//! A command, a theme or a setting by its name.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::{help, window};
use crate::app::command;
use crate::app::hit::Target;
use crate::app::state::{Entry, Picker};
use crate::ui::widgets::{empty, input};
use crate::ui::{Ui, text};

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect, picker: &Picker) {
    let found = ui.state.entries(picker.input.value());
    let inner = window(ui, area, 76, 16, "Command", &note(&found, area.width));
    let [line, list] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(inner);
    input(ui, line, ":", &picker.input, true, "type what you want to do");
    if found.is_empty() {
        empty(ui, list, "Nothing is called that", &[]);
        return;
    }
    let rows = usize::from(list.height);
    ui.hits.list_rows = list.height;
    let first = picker.view.first_visible(found.len(), rows);
    for (row, (index, entry)) in found.iter().enumerate().skip(first).take(rows).enumerate() {
        let place = Rect { y: list.y + u16::try_from(row).unwrap_or(0), height: 1, ..list };
        let line = line_of(ui, entry, usize::from(list.width));
        let line = if index == picker.view.selected { line.style(ui.theme.selected) } else { line };
        ui.lines(place, vec![line]);
        ui.hit(place, Target::Row(index));
    }
}

fn note(found: &[Entry], width: u16) -> String {
    if width < 60 { String::new() } else { format!("{} found", found.len()) }
}

fn line_of(ui: &Ui<'_, '_>, entry: &Entry, cells: usize) -> Line<'static> {
    let (theme, state) = (ui.theme, ui.state);
    if let Entry::Command(id) = entry
        && let Some(command) = command::find(*id)
    {
        return help::line_of(ui, command, cells);
    }
    let key_cells = if cells < 50 { 11 } else { 18 };
    let mut spans = vec![Span::raw(" ".repeat(key_cells)), Span::styled(entry.title(), theme.text)];
    let now = match entry {
        Entry::Theme(name) if *name == state.options.theme => "now".to_owned(),
        Entry::Setting(name) => state.settings.get(name).map(|setting| setting.value.clone()).unwrap_or_default(),
        _ => String::new(),
    };
    if !now.is_empty() {
        spans.push(Span::styled(format!("  {}", text::clean(&now)), theme.dim));
    }
    text::fit_line(Line::from(spans), cells, theme.symbols.ellipsis)
}
