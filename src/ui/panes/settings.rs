//! Every setting: its value, where that came from, and what it is for.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{filter_line, list_and_detail};
use crate::app::bytes;
use crate::app::settings::{From, Setting, texts};
use crate::app::state::SettingsPane;
use crate::config::Settings;
use crate::config::keys::{self, Key};
use crate::ui::theme::Theme;
use crate::ui::widgets::{Column, Facts, Table, empty, panel, table};
use crate::ui::{Ui, text};

const COLUMNS: [Column; 5] = [
    Column::new("section", 11, 11, 2),
    Column::new("setting", 24, 26, 0),
    Column::new("value", 12, 60, 0),
    Column::new("from", 7, 7, 1),
    Column::new("note", 9, 9, 3),
];

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect) {
    list_and_detail(ui, area, 40, draw_list, draw_detail);
}

fn draw_list(ui: &mut Ui<'_, '_>, area: Rect) {
    let pane = &ui.state.settings;
    let inner = panel(ui, area, "Settings", &note(pane));
    let inner = filter_line(ui, inner, &pane.filter);
    let inner = fault_line(ui, inner);
    let rows = pane.visible();
    if rows.is_empty() {
        match (&pane.rows, &pane.fault) {
            (Some(_), _) => empty(ui, inner, "No setting matches", &["Esc shows all again."]),
            (None, Some(_)) => {
                empty(ui, inner, "The settings cannot be read", &["Mend the file; it is read again at once."])
            }
            (None, None) => empty(ui, inner, "The settings are being read", &[]),
        }
        return;
    }
    let first = pane.view.first_visible(rows.len(), usize::from(inner.height.saturating_sub(1)));
    let spec = Table { columns: &COLUMNS, len: rows.len(), view: pane.view, sorted: None, marked: true };
    let theme = ui.theme;
    // The section stands once, where it begins; without its column, each name has it.
    let sections = inner.width >= 62;
    table(ui, inner, &spec, |row, column, cells| {
        let Some(setting) = rows.get(row) else { return Line::default() };
        let begins = row == first
            || row.checked_sub(1).and_then(|above| rows.get(above)).map(|above| section(above))
                != Some(section(setting));
        match column {
            0 if begins => Line::styled(section(setting).to_owned(), theme.title),
            0 => Line::default(),
            1 => name(theme, setting, sections, cells),
            _ => cell(theme, pane, setting, column, cells),
        }
    });
}

fn note(pane: &SettingsPane) -> String {
    let mut parts = Vec::new();
    if pane.rows.is_some() {
        parts.push(format!("{} not default", pane.changed()));
    }
    if pane.waiting() > 0 {
        parts.push(format!("{} after a restart", pane.waiting()));
    }
    parts.join(", ")
}

/// What is wrong with the file, above what held before.
fn fault_line(ui: &mut Ui<'_, '_>, area: Rect) -> Rect {
    let (theme, Some(error)) = (ui.theme, &ui.state.settings.fault) else { return area };
    let lines = text::wrap(&text::clean(&error.message), usize::from(area.width).saturating_sub(2));
    let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(area.height / 2);
    let sign = theme.symbols.bad;
    let lines = lines.into_iter().take(rows.into()).enumerate();
    let line = |(index, line): (usize, String)| {
        Line::styled(format!("{} {line}", if index == 0 { sign } else { " " }), theme.bad)
    };
    ui.lines(Rect { height: rows, ..area }, lines.map(line).collect());
    Rect { y: area.y + rows, height: area.height - rows, ..area }
}

fn section(setting: &Setting) -> &str {
    setting.name.split_once('.').map_or("", |(section, _)| section)
}

fn name(theme: &Theme, setting: &Setting, sections: bool, cells: usize) -> Line<'static> {
    let leaf = setting.name.split_once('.').map_or(setting.name.as_str(), |(_, leaf)| leaf);
    let shown = if sections { leaf } else { setting.name.as_str() };
    // The end differs from setting to setting.
    let shown = if text::width(shown) > cells && !sections { leaf } else { shown };
    Line::styled(text::fit(shown, cells, theme.symbols.ellipsis), theme.text)
}

fn cell(theme: &Theme, pane: &SettingsPane, setting: &Setting, column: usize, cells: usize) -> Line<'static> {
    let fit = |text: &str| text::fit(&text::clean(text), cells, theme.symbols.ellipsis);
    match column {
        2 if setting.value.is_empty() => Line::styled(theme.symbols.unknown, theme.dim),
        2 if setting.from == From::Default => Line::styled(fit(&setting.value), theme.text),
        2 => Line::styled(fit(&setting.value), theme.strong),
        3 => Line::styled(word(setting.from), if setting.from == From::Default { theme.dim } else { theme.accent }),
        _ => match (pane.note(setting), pane.pending(setting).is_some()) {
            (note, true) => Line::from(vec![
                Span::styled(theme.symbols.warn, theme.warn),
                Span::styled(
                    format!(" {}", text::fit(note, cells.saturating_sub(2), theme.symbols.ellipsis)),
                    theme.warn,
                ),
            ]),
            (note, false) => Line::styled(fit(note), theme.dim),
        },
    }
}

fn word(from: From) -> &'static str {
    match from {
        From::Default => "default",
        From::File => "file",
        From::Environment => "env",
        From::Flag => "flag",
    }
}

fn draw_detail(ui: &mut Ui<'_, '_>, area: Rect) {
    let (theme, pane) = (ui.theme, &ui.state.settings);
    let inner = panel(ui, area, "Setting", "");
    let Some(setting) = pane.selected() else { return };
    let mut facts = Facts::new(theme, inner.width, 9);
    facts.put("setting", &setting.name, theme.strong);
    facts.maybe("value", Some(&setting.value));
    facts.put("from", &setting.origin, theme.text);
    if let Some(key) = keys::find(&setting.name) {
        about(ui, &mut facts, key, setting);
    }
    ui.detail(inner, facts);
}

fn about(ui: &Ui<'_, '_>, facts: &mut Facts<'_>, key: &Key, setting: &Setting) {
    let (theme, pane) = (ui.theme, &ui.state.settings);
    if let Some(running) = pane.pending(setting) {
        let running = if running.is_empty() { "nothing" } else { running };
        facts.put(
            "now",
            &format!("{} the node goes by {running} until it is restarted", theme.symbols.warn),
            theme.warn,
        );
    }
    if let Some(held) = ui.state.held_limit(setting) {
        let held = if held == 0 { "no limit".to_owned() } else { format!("{}/s", bytes::size(held)) };
        facts.put("now", &format!("{} {held}, changed in Transfers; S there keeps it", theme.symbols.warn), theme.warn);
    }
    facts.put("about", key.about, theme.text);
    facts.put("allowed", &key.kind.allowed(), theme.text);
    facts.maybe("default", texts(&Settings::default()).get(key.name).map(String::as_str));
    let holds = match (key.effective(), key.at_once()) {
        (false, _) => "not at all in this version",
        (true, true) => "at once",
        (true, false) => "after a restart of the node",
    };
    facts.put("holds", holds, theme.text);
    facts.put("variable", &key.variable(), theme.dim);
    if matches!(setting.from, From::Environment | From::Flag) {
        let text = "What the file says does not hold while this is so.";
        facts.put("", text, theme.dim);
    }
}
