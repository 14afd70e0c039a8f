//! A selection in a list, and which part of the list is in view.

/// Which line is selected, and the first one in view. Bounds are the caller's: every change takes the length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListView {
    pub selected: usize,
    pub offset: usize,
}

impl ListView {
    /// Selects `index`, or the last line, and scrolls as little as needed to show it in `rows` rows.
    pub fn select(&mut self, index: usize, len: usize, rows: usize) {
        self.selected = index.min(len.saturating_sub(1));
        self.offset = self.first_visible(len, rows);
    }

    /// Moves by `delta` lines, without wrapping around.
    pub fn step(&mut self, delta: isize, len: usize, rows: usize) {
        self.select(self.selected.saturating_add_signed(delta), len, rows);
    }

    /// Follows a line that moved from the selected place to `index`, keeping its place on the screen.
    pub fn follow(&mut self, index: usize, len: usize, rows: usize) {
        let above = self.selected.saturating_sub(self.offset);
        self.selected = index.min(len.saturating_sub(1));
        self.offset = self.selected.saturating_sub(above);
        self.offset = self.first_visible(len, rows);
    }

    /// The first line to show in `rows` rows so that the selected one is among them.
    pub fn first_visible(&self, len: usize, rows: usize) -> usize {
        let rows = rows.max(1);
        let lowest = self.selected.saturating_add(1).saturating_sub(rows);
        self.offset.clamp(lowest, self.selected.max(lowest)).min(len.saturating_sub(rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn scrolls_only_when_it_must() {
        let mut view = ListView::default();
        view.step(4, 20, 5);
        assert_eq!((view.selected, view.offset), (4, 0));
        view.step(1, 20, 5);
        assert_eq!((view.selected, view.offset), (5, 1));
        view.step(-1, 20, 5);
        assert_eq!((view.selected, view.offset), (4, 1));
    }

    #[test]
    fn a_line_that_moves_keeps_its_place() {
        let mut view = ListView { selected: 5, offset: 3 };
        view.follow(6, 21, 5);
        assert_eq!((view.selected, view.offset), (6, 4));
    }

    proptest! {
        #[test]
        fn the_selection_is_in_bounds_and_in_view(
            start in 0usize..50, offset in 0usize..50, delta in -60isize..60, len in 0usize..50, rows in 0usize..30,
        ) {
            let mut view = ListView { selected: start, offset };
            view.step(delta, len, rows);
            prop_assert!(view.selected < len.max(1));
            prop_assert!(view.offset <= view.selected);
            prop_assert!(view.selected < view.offset + rows.max(1));
        }
    }
}
