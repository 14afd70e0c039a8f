//! Labels and values under each other.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::ui::text;
use crate::ui::theme::Theme;

/// Lines of a detail panel.
pub struct Facts<'a> {
    theme: &'a Theme,
    cells: usize,
    label: usize,
    lines: Vec<Line<'static>>,
}

impl<'a> Facts<'a> {
    /// For a panel of `cells`, labels `label` cells wide.
    pub fn new(theme: &'a Theme, cells: u16, label: usize) -> Self {
        Self { theme, cells: usize::from(cells), label, lines: Vec::new() }
    }

    /// A value on as many lines as it takes.
    pub fn put(&mut self, label: &str, value: &str, style: Style) {
        let room = self.cells.saturating_sub(self.label + 1);
        for (index, part) in text::wrap(&text::clean(value), room).into_iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            self.line(label, vec![Span::styled(part, style)]);
        }
    }

    /// A value, or the sign for what is not known.
    pub fn maybe(&mut self, label: &str, value: Option<&str>) {
        match value.filter(|value| !value.trim().is_empty()) {
            Some(value) => self.put(label, value, self.theme.text),
            None => self.put(label, self.theme.symbols.unknown, self.theme.dim),
        }
    }

    /// A value cut to one line.
    pub fn short(&mut self, label: &str, value: &str, style: Style) {
        let room = self.cells.saturating_sub(self.label + 1);
        let value = text::fit(&text::clean(value), room, self.theme.symbols.ellipsis);
        self.line(label, vec![Span::styled(value, style)]);
    }

    /// An id cut in the middle.
    pub fn id(&mut self, label: &str, value: &str) {
        let room = self.cells.saturating_sub(self.label + 1);
        let value = text::middle(&text::clean(value), room, self.theme.symbols.ellipsis);
        self.line(label, vec![Span::styled(value, self.theme.text)]);
    }

    /// A value of several styles, cut to one line.
    pub fn line(&mut self, label: &str, value: Vec<Span<'static>>) {
        let label = text::pad(&text::fit(label, self.label, self.theme.symbols.ellipsis), self.label + 1);
        let mut spans = vec![Span::styled(label, self.theme.dim)];
        spans.extend(value);
        self.lines.push(text::fit_line(Line::from(spans), self.cells, self.theme.symbols.ellipsis));
    }

    /// A value of several styles in parts, on as many lines as they take; no part is broken.
    pub fn flow(&mut self, label: &str, parts: Vec<Vec<Span<'static>>>) {
        let room = self.cells.saturating_sub(self.label + 1);
        let mut label = label;
        let mut line: Vec<Span<'static>> = Vec::new();
        for part in parts {
            let width: usize = line.iter().chain(&part).map(Span::width).sum();
            if width > room && !line.is_empty() {
                self.line(std::mem::take(&mut label), std::mem::take(&mut line));
            }
            line.extend(part);
        }
        self.line(label, line);
    }

    /// Text over the whole width.
    pub fn text(&mut self, value: &str, style: Style) {
        let lines = text::wrap(&text::clean(value), self.cells);
        self.lines.extend(lines.into_iter().map(|line| Line::styled(line, style)));
    }

    /// A sign, and text beside it on as many lines as it takes.
    pub fn item(&mut self, sign: &str, sign_style: Style, value: &str, style: Style) {
        let indent = text::width(sign) + 1;
        for (index, part) in text::wrap(&text::clean(value), self.cells.saturating_sub(indent)).into_iter().enumerate()
        {
            let sign = if index == 0 { text::pad(sign, indent) } else { " ".repeat(indent) };
            self.lines.push(Line::from(vec![Span::styled(sign, sign_style), Span::styled(part, style)]));
        }
    }

    pub fn gap(&mut self) {
        if !self.lines.is_empty() {
            self.lines.push(Line::default());
        }
    }

    /// The lines of another under these.
    pub fn append(&mut self, other: Self) {
        self.lines.extend(other.lines);
    }

    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// All lines.
    pub fn all(self) -> Vec<Line<'static>> {
        self.lines
    }

    /// The lines, cut to `rows` with a sign that more would follow.
    pub fn take(mut self, rows: u16) -> Vec<Line<'static>> {
        let rows = usize::from(rows);
        if self.lines.len() > rows && rows > 0 {
            self.lines.truncate(rows - 1);
            while self.lines.last().is_some_and(|line| line.width() == 0) {
                self.lines.pop();
            }
            self.lines.push(Line::styled(self.theme.symbols.ellipsis, self.theme.dim));
        }
        self.lines
    }
}
