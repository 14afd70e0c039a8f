//! What toasts have said, the newest first.

use ratatui::layout::Rect;

use super::{scrolled, toasts, window};
use crate::app::age;
use crate::ui::Ui;
use crate::ui::widgets::{Facts, empty};

/// Cells of an age and the blank behind it.
const AGE: usize = 5;

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect) {
    let (theme, state) = (ui.theme, ui.state);
    let width = area.width.min(90);
    let mut facts = Facts::new(theme, width.saturating_sub(4), AGE - 1);
    for message in state.messages.iter() {
        let (sign, style) = toasts::sign(theme, message.kind);
        let times = if message.times > 1 { format!(" ({} times)", message.times) } else { String::new() };
        facts.put(&age::label(state.now.since(message.at.secs())), &format!("{sign} {}{times}", message.text), style);
        if let Some(hint) = &message.hint {
            facts.put("", &format!("  {hint}"), theme.dim);
        }
    }
    let note = match state.messages.dropped {
        0 => String::new(),
        n => format!("{n} older ones gone"),
    };
    let height = u16::try_from(facts.len()).unwrap_or(u16::MAX).saturating_add(2).max(6);
    let inner = window(ui, area, width, height, "Messages", &note);
    ui.hits.list_rows = inner.height;
    if state.messages.is_empty() {
        empty(ui, inner, "No message yet", &["What appears at the lower right for a while is kept here."]);
        return;
    }
    scrolled(ui, inner, facts.all());
}
