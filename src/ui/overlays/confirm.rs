//! A question.

use ratatui::layout::Rect;
use ratatui::text::Line;
use tui_input::Input;

use super::{scrolled, window};
use crate::app::hit::Target;
use crate::app::state::{Confirm, Typed};
use crate::ui::widgets::{Facts, input};
use crate::ui::{Ui, text};

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect, confirm: &Confirm) {
    let theme = ui.theme;
    let width = area.width.min(76);
    let label = confirm.facts.iter().map(|(label, _)| text::width(label)).max().unwrap_or(0).min(12);
    let mut facts = Facts::new(theme, width.saturating_sub(4), label);
    for (label, value) in &confirm.facts {
        facts.put(label, value, theme.text);
    }
    // A small screen has no room for blank lines: what there is to know comes first.
    let tight = area.height < 16;
    if !confirm.facts.is_empty() && !confirm.warnings.is_empty() && !tight {
        facts.gap();
    }
    for warning in &confirm.warnings {
        // What the node says in several lines stays in lines.
        for (index, line) in warning.lines().enumerate() {
            facts.item(if index == 0 { theme.symbols.warn } else { "" }, theme.warn, line.trim(), theme.warn);
        }
    }
    if confirm.checking.is_under_way() {
        facts.text(&format!("checking it{}", theme.symbols.ellipsis), theme.dim);
    }
    let below = (if tight { 1 } else { 2 }) + u16::from(confirm.typed.is_some());
    let height = u16::try_from(facts.len()).unwrap_or(u16::MAX).saturating_add(below + 2);
    let inner = window(ui, area, width, height, &confirm.title, "");
    let rows = inner.height.saturating_sub(below);
    scrolled(ui, Rect { height: rows, ..inner }, facts.all());
    if let Some(typed) = &confirm.typed {
        type_line(
            ui,
            Rect { y: inner.y + inner.height.saturating_sub(2), height: 1.min(inner.height), ..inner },
            typed,
        );
    }
    buttons(ui, inner, confirm);
}

/// What must be typed, and what is.
fn type_line(ui: &mut Ui<'_, '_>, area: Rect, typed: &Typed) {
    let label = format!("type {}:", text::fit(&typed.word, usize::from(area.width) / 2, ui.theme.symbols.ellipsis));
    input(ui, area, &label, &Input::new(typed.text.clone()), true, "");
}

fn buttons(ui: &mut Ui<'_, '_>, inner: Rect, confirm: &Confirm) {
    let theme = ui.theme;
    let y = inner.y + inner.height.saturating_sub(1);
    // While a word is typed, letters are no answers.
    let (yes, no) = if confirm.typed.is_some() { ("", "") } else { ("y ", "n ") };
    let labels = |pad: &str| {
        let answers = [(format!("{pad}{yes}{}{pad}", confirm.yes), true), (format!("{pad}{no}cancel{pad}"), false)];
        answers.into_iter().filter(|(_, yes)| !(*yes && confirm.impossible))
    };
    let choice = if confirm.typed.is_some() { confirm.can_say_yes() } else { confirm.choice };
    let can = confirm.can_say_yes() || confirm.typed.is_some();
    // While it is checked, Enter does nothing.
    let is_default = |yes: bool| yes == choice && (can || !yes);
    let total = |gap: u16| {
        let cells: usize = labels(&" ".repeat(gap.into())).map(|(label, _)| text::width(&label)).sum();
        u16::try_from(cells).unwrap_or(u16::MAX).saturating_add(gap)
    };
    let gap = if total(2) <= inner.width { 2 } else { 1 };
    let mut x = inner.x + inner.width.saturating_sub(total(gap)) / 2;
    for (label, yes) in labels(&" ".repeat(gap.into())) {
        let width = u16::try_from(text::width(&label)).unwrap_or(0).min((inner.x + inner.width).saturating_sub(x));
        let place = Rect { x, y, width, height: 1.min(inner.height) };
        let style = match (is_default(yes), yes && confirm.dangerous) {
            (true, true) => theme.banner,
            (true, false) => theme.button_active,
            (false, _) if yes && !can => theme.dim,
            (false, _) => theme.button,
        };
        // What Enter does shows without colours too.
        let label = if is_default(yes) { label.replacen(' ', "[", 1) } else { label };
        let label = if is_default(yes) { close(&label) } else { label };
        ui.lines(place, vec![Line::styled(label, style)]);
        ui.hit(place, Target::Answer(yes));
        x += width + gap;
    }
}

fn close(label: &str) -> String {
    format!("{}]", label.strip_suffix(' ').unwrap_or(label))
}
