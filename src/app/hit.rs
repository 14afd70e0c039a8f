//! What a frame put where: the mouse's way back from a cell to its meaning.

use serde::{Deserialize, Serialize};

use super::command::Id;
use super::state::Tab;

/// A rectangle of cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Area {
    pub x: u16,
    pub y: u16,
    pub width: u16,
    pub height: u16,
}

impl Area {
    fn contains(self, column: u16, row: u16) -> bool {
        column >= self.x
            && row >= self.y
            && u32::from(column) < u32::from(self.x) + u32::from(self.width)
            && u32::from(row) < u32::from(self.y) + u32::from(self.height)
    }
}

/// What can be clicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    Tab(Tab),
    /// An item of the list on screen, or of the palette, counted from 0 in the whole list.
    Row(usize),
    /// The title of a column, counted from 0 among all of the list on screen.
    Column(usize),
    /// A text field.
    Input,
    /// Yes or no in a dialog.
    Answer(bool),
    /// A hint in the footer.
    Command(Id),
    /// Something that swallows the click, e.g. a dialog's body.
    Nothing,
}

/// Made by rendering one frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HitMap {
    /// Later ones lie on top of earlier ones.
    pub regions: Vec<(Area, Target)>,
    /// How many rows the list on screen shows; 0 when there is none.
    pub list_rows: u16,
    /// Lines of the open detail that do not fit.
    pub detail_end: u16,
    /// Lines of the open dialog that do not fit.
    pub dialog_end: u16,
    /// Where the terminal's cursor belongs, if anywhere: column, row.
    pub cursor: Option<(u16, u16)>,
}

impl HitMap {
    /// What is at a cell.
    pub fn at(&self, column: u16, row: u16) -> Option<Target> {
        self.regions.iter().rev().find(|(area, _)| area.contains(column, row)).map(|(_, target)| *target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topmost_region_answers() {
        let below = Area { x: 0, y: 0, width: 10, height: 4 };
        let above = Area { x: 2, y: 1, width: 3, height: 1 };
        let regions = vec![(below, Target::Row(0)), (above, Target::Answer(true))];
        let map = HitMap { regions, ..HitMap::default() };
        assert_eq!(map.at(2, 1), Some(Target::Answer(true)));
        assert_eq!(map.at(5, 1), Some(Target::Row(0)));
        assert_eq!(map.at(10, 0), None);
    }
}
