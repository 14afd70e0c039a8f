//! A setting that is being changed.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::window;
use crate::app::state::Edit;
use crate::config::keys;
use crate::ui::widgets::{Facts, input};
use crate::ui::{Ui, text};

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect, edit: &Edit) {
    let theme = ui.theme;
    let width = area.width.min(90);
    let mut facts = Facts::new(theme, width.saturating_sub(4), 0);
    match &edit.error {
        Some(error) => facts.item(theme.symbols.bad, theme.bad, error, theme.bad),
        None => facts.text(&about(edit), theme.dim),
    }
    let choices = u16::from(!edit.choices.is_empty());
    let height = u16::try_from(facts.len()).unwrap_or(u16::MAX).saturating_add(3 + choices);
    let inner = window(ui, area, width, height, &edit.name, "");
    input(ui, Rect { height: 1.min(inner.height), ..inner }, "value", &edit.input, true, "nothing");
    let mut lines = Vec::new();
    if choices == 1 {
        lines.push(choice_line(ui, edit, inner.width.into()));
    }
    let rest = Rect { y: inner.y + 1.min(inner.height), height: inner.height.saturating_sub(1), ..inner };
    lines.extend(facts.take(rest.height.saturating_sub(choices)));
    ui.lines(rest, lines);
}

/// What the setting is for, and what it may be.
fn about(edit: &Edit) -> String {
    let Some(key) = keys::find(&edit.name) else { return String::new() };
    if edit.choices.is_empty() {
        format!("{} Allowed: {}.", key.about, key.kind.allowed())
    } else {
        key.about.to_owned()
    }
}

/// All that is allowed; what is in the field stands out.
fn choice_line(ui: &Ui<'_, '_>, edit: &Edit, cells: usize) -> Line<'static> {
    let theme = ui.theme;
    let choice = |text: &String| match text == edit.input.value() {
        true => [Span::styled(format!("[{text}]"), theme.button_active), Span::raw(" ")],
        false => [Span::styled(format!(" {text} "), theme.button), Span::raw(" ")],
    };
    let spans: Vec<_> = edit.choices.iter().flat_map(choice).collect();
    text::fit_line(Line::from(spans), cells, theme.symbols.ellipsis)
}
