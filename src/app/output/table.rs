//! Tables aligned by display width.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::Style;

const GAP: usize = 2;
/// A column that gives way is not made narrower than this.
const LEAST: usize = 8;

/// A table of texts that are safe to show.
#[derive(Debug, Default)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

#[derive(Debug)]
struct Column {
    title: &'static str,
    right: bool,
    gives_way: bool,
}

impl Table {
    /// Columns by title: `>` before it aligns right, `~` before it lets the column give way where the terminal is narrow.
    pub fn new(titles: &[&'static str]) -> Self {
        let column = |title: &&'static str| Column {
            title: title.trim_start_matches(['>', '~']),
            right: title.starts_with('>'),
            gives_way: title.starts_with('~'),
        };
        Self { columns: titles.iter().map(column).collect(), rows: Vec::new() }
    }

    /// Adds a row: one cell for each column.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// One line for the titles and one for each row, each ending in a line break.
    pub fn render(&self, style: Style) -> String {
        let widths = self.widths(style.width);
        let titles: Vec<String> = self.columns.iter().map(|column| column.title.to_owned()).collect();
        let head = self.line(&titles, &widths);
        let head = if style.colour { format!("\x1b[1m{head}\x1b[0m") } else { head };
        std::iter::once(head)
            .chain(self.rows.iter().map(|row| self.line(row, &widths)))
            .map(|line| line + "\n")
            .collect()
    }

    fn widths(&self, available: Option<usize>) -> Vec<usize> {
        let cell_width = |at: usize| self.rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.width()).max();
        let mut widths: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| column.title.width().max(cell_width(at).unwrap_or_default()))
            .collect();
        let total: usize = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        let mut excess = available.map_or(0, |available| total.saturating_sub(available));
        for (width, _) in widths.iter_mut().zip(&self.columns).filter(|(_, column)| column.gives_way) {
            let given = excess.min(width.saturating_sub(LEAST));
            *width -= given;
            excess -= given;
        }
        widths
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for ((column, width), cell) in self.columns.iter().zip(widths).zip(cells) {
            let cell = cut(cell, *width);
            let padding = " ".repeat(width.saturating_sub(cell.width()));
            let (before, after) = if column.right { (padding.as_str(), "") } else { ("", padding.as_str()) };
            line.push_str(&format!("{before}{cell}{after}{}", " ".repeat(GAP)));
        }
        line.truncate(line.trim_end().len());
        line
    }
}

/// `text` in at most `width` columns, with an ellipsis where something was cut.
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    for cluster in text.graphemes(true) {
        if kept.width() + cluster.width() + 1 > width {
            break;
        }
        kept.push_str(cluster);
    }
    kept.push('…');
    kept
}

/// Labelled values below each other; a label is printed once for all lines of its value.
pub fn fields(entries: &[(&str, String)], style: Style) -> String {
    let widest = entries.iter().map(|(label, _)| label.width()).max().unwrap_or_default();
    let mut out = String::new();
    for (label, value) in entries {
        for (at, line) in value.lines().chain(value.is_empty().then_some("-")).enumerate() {
            let label = if at == 0 { *label } else { "" };
            let padding = " ".repeat(widest - label.width() + GAP);
            let label = if style.colour { format!("\x1b[1m{label}\x1b[0m") } else { label.to_owned() };
            out.push_str(&format!("{label}{padding}{line}\n"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Table {
        let mut table = Table::new(&["NAME", ">SIZE", "~ABOUT"]);
        table.row(["a".into(), "1.0 KiB".into(), "first thing of all".into()]);
        table.row(["日本語".into(), "12 B".into(), "second".into()]);
        table
    }

    #[test]
    fn columns_are_aligned_by_display_width() {
        let text = sample().render(Style::default());
        assert_eq!(text, "NAME       SIZE  ABOUT\na       1.0 KiB  first thing of all\n日本語     12 B  second\n");
    }

    #[test]
    fn a_narrow_terminal_shortens_only_what_may_give_way() {
        let text = sample().render(Style { colour: false, width: Some(28) });
        assert_eq!(text, "NAME       SIZE  ABOUT\na       1.0 KiB  first thin…\n日本語     12 B  second\n");
        assert!(sample().render(Style { colour: false, width: Some(5) }).contains("日本語"));
    }

    #[test]
    fn colour_is_used_only_when_allowed() {
        assert!(!sample().render(Style::default()).contains('\x1b'));
        assert!(sample().render(Style { colour: true, width: None }).starts_with("\x1b[1mNAME"));
    }

    #[test]
    fn cutting_never_splits_a_cluster_and_never_overflows() {
        for width in 1..8 {
            let cut = cut("e\u{301}日本語", width);
            assert!(cut.width() <= width, "{cut:?} at {width}");
        }
        assert_eq!(cut("日本語", 4), "日…");
    }

    #[test]
    fn fields_repeat_no_label() {
        let text = fields(&[("one", "a\nb".into()), ("longer", String::new())], Style::default());
        assert_eq!(text, "one     a\n        b\nlonger  -\n");
    }
}
