//! A buffer's rows as pieces of one style.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use crate::ui::text::width;

/// Neighbouring cells that look alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The first column.
    pub x: u16,
    /// Columns.
    pub cells: u16,
    pub text: String,
    pub look: CellLook,
}

/// How a cell looks, without its character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellLook {
    pub fg: Color,
    pub bg: Color,
    pub modifier: Modifier,
}

/// The cells of a row that hold a character; the second half of a wide one is left out.
pub fn symbols(buffer: &Buffer, y: u16) -> impl Iterator<Item = (u16, &Cell)> {
    let mut covered = 0;
    (0..buffer.area.width).filter_map(move |x| {
        if x < covered {
            return None;
        }
        let cell = buffer.cell((x, y))?;
        covered = x.saturating_add(cells_of(cell));
        Some((x, cell))
    })
}

/// Columns that a cell's character takes.
pub fn cells_of(cell: &Cell) -> u16 {
    u16::try_from(width(cell.symbol())).unwrap_or(1).max(1)
}

/// A row's pieces, from left to right.
pub fn runs(buffer: &Buffer, y: u16) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (x, cell) in symbols(buffer, y) {
        let look = CellLook { fg: cell.fg, bg: cell.bg, modifier: cell.modifier };
        let cells = cells_of(cell);
        match runs.last_mut().filter(|run| run.look == look) {
            Some(run) => {
                run.text.push_str(cell.symbol());
                run.cells = run.cells.saturating_add(cells);
            }
            None => runs.push(Run { x, cells, text: cell.symbol().to_owned(), look }),
        }
    }
    runs
}
