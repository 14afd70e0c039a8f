//! This node's own address, to give away: as text, and as a QR code where there is room for one.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use super::window;
use crate::app::state::ListView;
use crate::ui::widgets::qr::Code;
use crate::ui::{Ui, text};

/// Cells that the text beside a code takes at least.
const BESIDE: u16 = 30;

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect, view: ListView) {
    let addrs = ui.state.own_addresses();
    let Some(addr) = addrs.get(view.selected).or(addrs.first()) else { return };
    let code = Code::of(addr, ui.theme.symbols.ascii);
    let note = format!("{} of {}", view.selected.min(addrs.len() - 1) + 1, addrs.len());
    let room = (area.width.saturating_sub(4), area.height.saturating_sub(4));
    let fits = code.as_ref().filter(|code| code.height <= room.1 && code.width <= room.0);
    match fits {
        Some(code) if code.width + 2 + BESIDE <= room.0 => {
            let inner = window(ui, area, code.width + 2 + BESIDE + 16, code.height + 2, "This node's address", &note);
            let parts = [Constraint::Length(code.width), Constraint::Length(2), Constraint::Fill(1)];
            let [left, _, right] = Layout::horizontal(parts).areas(inner);
            code.draw(ui, left);
            draw_text(ui, right, addr, "");
        }
        Some(code) if code.height + 5 <= room.1 => {
            let inner = window(ui, area, code.width.max(40) + 4, code.height + 7, "This node's address", &note);
            let [top, bottom] = Layout::vertical([Constraint::Length(code.height), Constraint::Fill(1)]).areas(inner);
            code.draw(ui, top);
            draw_text(ui, bottom, addr, "");
        }
        _ => {
            let inner = window(ui, area, 76, 10, "This node's address", &note);
            draw_text(ui, inner, addr, "This screen has no room for its QR code.");
        }
    }
}

fn draw_text(ui: &mut Ui<'_, '_>, area: Rect, addr: &str, note: &str) {
    let theme = ui.theme;
    let cells = usize::from(area.width);
    let styled = |text: &str, style| text::wrap(text, cells).into_iter().map(move |line| Line::styled(line, style));
    let mut lines: Vec<Line<'static>> = styled(&text::clean(addr), theme.key).collect();
    lines.push(Line::default());
    let local = addr.starts_with("/ip4/127.") || addr.starts_with("/ip6/::1/");
    let who = if local {
        "Only programs of this machine reach it here."
    } else {
        "Give it to who wants to join: they press c and paste it."
    };
    lines.extend(styled(who, if local { theme.warn } else { theme.text }));
    if ui.state.own_addresses().len() > 1 {
        lines.extend(styled("The arrow keys show the other addresses.", theme.dim));
    }
    if !note.is_empty() {
        lines.extend(styled(note, theme.dim));
    }
    ui.lines(area, lines);
}
