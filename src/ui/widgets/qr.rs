//! QR codes of half blocks, two modules in a cell; in ASCII, a module in two cells.

use qrcode::{Color, EcLevel, QrCode};
use ratatui::layout::Rect;
use ratatui::style::{Color as Ink, Style};
use ratatui::text::Line;

use crate::ui::Ui;

/// Light modules around the code: scanners want some.
const MARGIN: usize = 1;

/// A code ready to be drawn.
pub struct Code {
    modules: Vec<bool>,
    side: usize,
    ascii: bool,
    /// Cells.
    pub width: u16,
    pub height: u16,
}

impl Code {
    /// None: too long for a code.
    pub fn of(text: &str, ascii: bool) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
        let side = code.width();
        let modules = code.to_colors().into_iter().map(|color| color == Color::Dark).collect();
        let whole = side + 2 * MARGIN;
        let (width, height) = if ascii { (2 * whole, whole) } else { (whole, whole.div_ceil(2)) };
        Some(Self { modules, side, ascii, width: u16::try_from(width).ok()?, height: u16::try_from(height).ok()? })
    }

    /// Whether the module is dark; what lies around the code is light.
    fn is_dark(&self, x: usize, y: usize) -> bool {
        let (Some(x), Some(y)) = (x.checked_sub(MARGIN), y.checked_sub(MARGIN)) else { return false };
        x < self.side && y < self.side && self.modules.get(y * self.side + x).copied().unwrap_or(false)
    }

    /// The rows as text. Light is what is drawn, so that the code is dark on light where the terminal is dark and nothing has a
    /// colour.
    fn rows(&self) -> Vec<String> {
        let whole = self.side + 2 * MARGIN;
        let row = |y: usize| -> String {
            (0..whole)
                .map(|x| match (self.ascii, self.is_dark(x, y), y + 1 >= whole || self.is_dark(x, y + 1)) {
                    (true, true, _) => "  ",
                    (true, false, _) => "##",
                    (false, true, true) => " ",
                    (false, false, false) => "█",
                    (false, false, true) => "▀",
                    (false, true, false) => "▄",
                })
                .collect()
        };
        if self.ascii { (0..whole).map(row).collect() } else { (0..whole).step_by(2).map(row).collect() }
    }

    /// Draws it at the top left of `area`: black on white, where there are colours at all.
    pub fn draw(&self, ui: &mut Ui<'_, '_>, area: Rect) {
        let has_colours = ui.theme.accent.fg.is_some();
        let style = if has_colours { Style::new().fg(Ink::Indexed(231)).bg(Ink::Indexed(16)) } else { Style::new() };
        let place = Rect { width: self.width.min(area.width), height: self.height.min(area.height), ..area };
        ui.lines(place, self.rows().into_iter().map(|row| Line::styled(row, style)).collect());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_is_drawn() {
        let code = Code::of("/ip4/192.0.2.7/tcp/4001", false).unwrap();
        let rows = code.rows();
        assert_eq!((rows.len(), rows[0].chars().count()), (code.height.into(), code.width.into()));
        // Back from the half blocks.
        for y in 0..code.side {
            for x in 0..code.side {
                let cell = rows[(y + MARGIN) / 2].chars().nth(x + MARGIN).unwrap();
                let light = if (y + MARGIN).is_multiple_of(2) { "█▀" } else { "█▄" }.contains(cell);
                assert_eq!(light, !code.modules[y * code.side + x], "{x} {y}");
            }
        }
        assert!(Code::of(&"x".repeat(4000), false).is_none());
    }
}
