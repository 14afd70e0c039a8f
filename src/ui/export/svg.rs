//! A picture of a terminal: every piece of text has its place and its width, so that it looks the same with any font of fixed
//! width, and wide characters stand where they should.

use std::fmt::Write;

use ratatui::buffer::Buffer;
use ratatui::style::Modifier;

use super::colours::{Look, hex};
use super::runs::{CellLook, Run, runs};
use crate::ui::text::width;

/// Pixels of a cell, of the letters in it, and around all.
const CELL: (u32, u32) = (9, 18);
const FONT: u32 = 15;
const MARGIN: u32 = 12;
/// From the top of a cell to the line that letters stand on.
const BASE: u32 = 14;

/// Colours of a piece as they are drawn.
struct Paint {
    text: String,
    background: Option<String>,
}

pub fn write(buffer: &Buffer, cursor: Option<(u16, u16)>, look: &Look) -> String {
    let (width, height) = (u32::from(buffer.area.width) * CELL.0, u32::from(buffer.area.height) * CELL.1);
    let (outer_width, outer_height) = (width + 2 * MARGIN, height + 2 * MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{outer_width}\" height=\"{outer_height}\" \
         viewBox=\"0 0 {outer_width} {outer_height}\">\n\
         <style>text{{font:{FONT}px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:{};white-space:pre}}\
         .b{{font-weight:bold}}.d{{opacity:.6}}.i{{font-style:italic}}.u{{text-decoration:underline}}\
         .x{{text-decoration:line-through}}</style>\n\
         <rect width=\"{outer_width}\" height=\"{outer_height}\" rx=\"8\" fill=\"{}\"/>\n\
         <g transform=\"translate({MARGIN} {MARGIN})\">\n",
        look.text, look.background
    );
    for y in 0..buffer.area.height {
        row(&mut out, buffer, y, look);
    }
    if let Some((x, y)) = cursor {
        let (x, y) = (u32::from(x) * CELL.0, u32::from(y) * CELL.1);
        let _ = writeln!(out, "<rect x=\"{x}\" y=\"{y}\" width=\"2\" height=\"{}\" fill=\"{}\"/>", CELL.1, look.text);
    }
    out.push_str("</g>\n</svg>\n");
    out
}

fn row(out: &mut String, buffer: &Buffer, y: u16, look: &Look) {
    let top = u32::from(y) * CELL.1;
    let runs = runs(buffer, y);
    for run in &runs {
        if let Some(background) = paint(run.look, look).background {
            let (x, wide) = (u32::from(run.x) * CELL.0, u32::from(run.cells) * CELL.0);
            let _ = writeln!(
                out,
                "<rect x=\"{x}\" y=\"{top}\" width=\"{wide}\" height=\"{}\" fill=\"{background}\"/>",
                CELL.1
            );
        }
    }
    let pieces: Vec<_> = runs.iter().flat_map(pieces).collect();
    if pieces.is_empty() {
        return;
    }
    let _ = write!(out, "<text y=\"{}\">", top + BASE);
    for (x, text, cell) in pieces {
        let paint = paint(cell, look);
        let wide = u32::try_from(width(&text)).unwrap_or(1) * CELL.0;
        let _ = write!(out, "<tspan x=\"{}\" textLength=\"{wide}\"", x * CELL.0);
        if paint.text != look.text {
            let _ = write!(out, " fill=\"{}\"", paint.text);
        }
        let classes = classes(cell.modifier);
        if !classes.is_empty() {
            let _ = write!(out, " class=\"{classes}\"");
        }
        let _ = write!(out, ">{}</tspan>", escaped(&text));
    }
    out.push_str("</text>\n");
}

fn paint(cell: CellLook, look: &Look) -> Paint {
    let (text, background) = (hex(cell.fg), hex(cell.bg));
    if cell.modifier.contains(Modifier::REVERSED) {
        return Paint {
            text: background.unwrap_or_else(|| look.background.to_owned()),
            background: Some(text.unwrap_or_else(|| look.text.to_owned())),
        };
    }
    Paint { text: text.unwrap_or_else(|| look.text.to_owned()), background }
}

fn classes(modifier: Modifier) -> String {
    let all = [
        (Modifier::BOLD, "b"),
        (Modifier::DIM, "d"),
        (Modifier::ITALIC, "i"),
        (Modifier::UNDERLINED, "u"),
        (Modifier::CROSSED_OUT, "x"),
    ];
    let chosen: Vec<_> = all.iter().filter(|(one, _)| modifier.contains(*one)).map(|(_, class)| *class).collect();
    chosen.join(" ")
}

/// The words of a run with their columns: gaps of blanks are left out, and each wide character stands by itself.
fn pieces(run: &Run) -> Vec<(u32, String, CellLook)> {
    use unicode_segmentation::UnicodeSegmentation;
    let mut found: Vec<(u32, String, CellLook)> = Vec::new();
    let (mut x, mut blanks, mut open) = (u32::from(run.x), 0, false);
    for symbol in run.text.graphemes(true) {
        let cells = u32::try_from(width(symbol)).unwrap_or(1).max(1);
        if symbol == " " {
            blanks += 1;
        } else {
            match found.last_mut().filter(|_| open && blanks < 2 && cells == 1) {
                Some((_, text, _)) => {
                    text.push_str(if blanks == 1 { " " } else { "" });
                    text.push_str(symbol);
                }
                None => found.push((x, symbol.to_owned(), run.look)),
            }
            (blanks, open) = (0, cells == 1);
        }
        x += cells;
    }
    found
}

/// Text as XML has it. What XML has no place for is not on the screen either.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}
