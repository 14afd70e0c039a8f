//! Every command with its keys: what does something here first, the rest dimmed.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::window;
use crate::app::command::{self, Command};
use crate::app::state::{HelpLine, Picker, help_lines};
use crate::ui::widgets::{empty, input};
use crate::ui::{Ui, text};

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect, picker: &Picker) {
    let found = help_lines(ui.state, picker.input.value());
    let searching = picker.typing || !picker.input.value().is_empty();
    let height = u16::try_from(found.len()).unwrap_or(u16::MAX).saturating_add(2 + u16::from(searching));
    let note = if area.width < 60 { "" } else { "/ searches" };
    let inner = window(ui, area, 76, height.max(8), "Help", note);
    let [line, list] = Layout::vertical([Constraint::Length(u16::from(searching)), Constraint::Fill(1)]).areas(inner);
    if searching {
        input(ui, line, "/", &picker.input, picker.typing, "type to search");
    }
    if found.is_empty() {
        empty(ui, list, "No command is called that", &[]);
        return;
    }
    let rows = usize::from(list.height);
    ui.hits.list_rows = list.height;
    // The help scrolls as a page: the first line in view follows the selection only when it must.
    let first = picker.view.first_visible(found.len(), rows);
    let lines = found.iter().enumerate().skip(first).take(rows).map(|(index, line)| {
        let line = match line {
            HelpLine::Heading(text) => Line::styled(text.clone(), ui.theme.title),
            HelpLine::Command(id) => {
                command::find(*id).map(|command| line_of(ui, command, usize::from(list.width))).unwrap_or_default()
            }
        };
        if index == picker.view.selected { line.style(ui.theme.selected) } else { line }
    });
    let lines = lines.collect();
    ui.lines(list, lines);
}

/// Keys and title in `cells`; dimmed where it does nothing.
pub fn line_of(ui: &Ui<'_, '_>, command: &Command, cells: usize) -> Line<'static> {
    let (theme, state) = (ui.theme, ui.state);
    let applies = (command.applies)(state);
    let keys: Vec<_> = state.keymap.keys_of(command.id).iter().take(2).map(ToString::to_string).collect();
    let key_cells = if cells < 50 { 11 } else { 18 };
    let keys = text::fit(&keys.join(", "), key_cells - 1, theme.symbols.ellipsis);
    let (key_style, style) = if applies { (theme.key, theme.text) } else { (theme.dim, theme.dim) };
    let mut spans = vec![Span::styled(text::pad(&keys, key_cells), key_style), Span::styled(command.title, style)];
    if command.dangerous {
        spans.push(Span::styled(" (asks)", theme.dim));
    }
    text::fit_line(Line::from(spans), cells, theme.symbols.ellipsis)
}
