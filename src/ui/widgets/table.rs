//! A list with columns that come and go with the width.

use ratatui::layout::{Constraint, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Row, Table as Widget};

use crate::app::hit::Target;
use crate::app::state::ListView;
use crate::ui::{Ui, text};

/// One column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub title: &'static str,
    /// Cells it needs.
    pub min: u16,
    /// Cells it can use.
    pub max: u16,
    pub right: bool,
    /// Those with the highest rank go first when there is no room; 0 always stays.
    pub rank: u8,
}

impl Column {
    pub const fn new(title: &'static str, min: u16, max: u16, rank: u8) -> Self {
        Self { title, min, max, right: false, rank }
    }

    pub const fn right(mut self) -> Self {
        self.right = true;
        self
    }
}

/// What a table shows.
pub struct Table<'a> {
    pub columns: &'a [Column],
    pub len: usize,
    pub view: ListView,
    /// The column that orders the list, and whether it is the other way round.
    pub sorted: Option<(usize, bool)>,
    /// Whether a line is marked as selected.
    pub marked: bool,
}

const GAP: u16 = 2;

/// Draws the rows in view; `cell` gives what stands in (row, column) of the given width. Rows are clickable.
pub fn table<F>(ui: &mut Ui<'_, '_>, area: Rect, table: &Table<'_>, mut cell: F)
where
    F: FnMut(usize, usize, usize) -> Line<'static>,
{
    if area.height < 2 || area.width < 4 {
        return;
    }
    let theme = ui.theme;
    let shown = layout(table.columns, area.width);
    let rows = usize::from(area.height - 1);
    ui.hits.list_rows = area.height - 1;
    let first = table.view.first_visible(table.len, rows);
    let body: Vec<Row<'static>> = (first..table.len.min(first + rows))
        .map(|index| {
            let selected = table.marked && index == table.view.selected;
            let cells = shown.iter().map(|(column, cells)| {
                let line =
                    text::fit_line(cell(index, *column, usize::from(*cells)), (*cells).into(), theme.symbols.ellipsis);
                if is_right(table.columns, *column) { line.right_aligned() } else { line }
            });
            let row = Row::new(cells.collect::<Vec<_>>());
            if selected { row.style(theme.selected) } else { row }
        })
        .collect();
    let header = shown.iter().map(|(index, cells)| header(ui, table, *index, *cells));
    let header = Row::new(header.collect::<Vec<_>>()).style(theme.dim);
    let widths = shown.iter().map(|(_, cells)| Constraint::Length(*cells));
    let widget = Widget::new(body, widths).header(header).column_spacing(GAP);
    ui.frame.render_widget(widget, area);
    if table.sorted.is_some() {
        let mut x = area.x;
        for (index, cells) in &shown {
            let width = (*cells).min((area.x + area.width).saturating_sub(x));
            ui.hit(Rect { x, y: area.y, width, height: 1 }, Target::Column(*index));
            x = x.saturating_add(cells + GAP);
        }
    }
    for (line, index) in (first..table.len.min(first + rows)).enumerate() {
        let y = area.y + 1 + u16::try_from(line).unwrap_or(0);
        let row = Rect { y, height: 1, ..area };
        ui.hit(row, Target::Row(index));
        if table.marked && index == table.view.selected {
            mark(ui, row);
        }
    }
}

/// The sign of the selected line, in the panel's margin.
fn mark(ui: &mut Ui<'_, '_>, row: Rect) {
    let margin = Rect { x: row.x.saturating_sub(1), width: 1, ..row };
    let style = ui.theme.selected.patch(ui.theme.accent);
    ui.lines(margin, vec![Line::styled(ui.theme.symbols.marker, style)]);
}

fn is_right(columns: &[Column], index: usize) -> bool {
    columns.get(index).is_some_and(|column| column.right)
}

fn header(ui: &Ui<'_, '_>, table: &Table<'_>, index: usize, cells: u16) -> Line<'static> {
    let title = table.columns.get(index).map_or("", |column| column.title);
    let symbols = &ui.theme.symbols;
    let line = match table.sorted.filter(|(sorted, _)| *sorted == index) {
        Some((_, reversed)) => {
            let sign = if reversed { symbols.sorted_up } else { symbols.sorted_down };
            Line::from(Span::styled(format!("{title}{sign}"), ui.theme.accent))
        }
        None => Line::from(title),
    };
    let line = text::fit_line(line, cells.into(), symbols.ellipsis);
    if is_right(table.columns, index) { line.right_aligned() } else { line }
}

fn min(columns: &[Column], index: usize) -> u32 {
    columns.get(index).map_or(0, |column| column.min.into())
}

/// Which columns are shown, and how wide.
fn layout(columns: &[Column], cells: u16) -> Vec<(usize, u16)> {
    let mut shown: Vec<(usize, u16)> = columns.iter().enumerate().map(|(index, column)| (index, column.min)).collect();
    let used = |shown: &[(usize, u16)]| -> u16 {
        let gaps = u16::try_from(shown.len().saturating_sub(1)).unwrap_or(0) * GAP;
        shown.iter().map(|(_, cells)| *cells).sum::<u16>() + gaps
    };
    let rank = |index: usize| columns.get(index).map_or(0, |column| column.rank);
    while used(&shown) > cells {
        let Some(worst) = shown.iter().map(|(index, _)| rank(*index)).max().filter(|rank| *rank > 0) else { break };
        shown.retain(|(index, _)| rank(*index) != worst);
    }
    let left = u32::from(cells.saturating_sub(used(&shown)));
    let room = |index: usize| columns.get(index).map_or(0, |column| u32::from(column.max.saturating_sub(column.min)));
    let rooms: u32 = shown.iter().map(|(index, _)| room(*index)).sum();
    // What is left goes to those that can use it, by how much they can use; rounding is made up from the right.
    let mut given = 0;
    for (index, cells) in &mut shown {
        let share = if left >= rooms { room(*index) } else { left * room(*index) / rooms.max(1) };
        *cells += u16::try_from(share).unwrap_or(0);
        given += share;
    }
    for (index, cells) in shown.iter_mut().rev() {
        let more =
            left.saturating_sub(given).min(room(*index).saturating_sub(u32::from(*cells) - min(columns, *index)));
        *cells += u16::try_from(more).unwrap_or(0);
        given += more;
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [Column::new("a", 5, 5, 0), Column::new("b", 10, 40, 2), Column::new("c", 4, 8, 1)];

    #[test]
    fn columns_go_by_rank_and_grow_to_their_limit() {
        assert_eq!(layout(&COLUMNS, 12), [(0, 5), (2, 5)]);
        assert_eq!(layout(&COLUMNS, 6), [(0, 5)]);
        assert_eq!(layout(&COLUMNS, 100), [(0, 5), (1, 40), (2, 8)]);
    }
}
