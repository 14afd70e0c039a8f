//! The characters alone.

use ratatui::buffer::Buffer;

use super::runs::symbols;

/// A line for each row, without blanks at its end.
pub fn write(buffer: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let line: String = symbols(buffer, y).map(|(_, cell)| cell.symbol()).collect();
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}
