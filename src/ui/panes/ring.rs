//! The key space as a ring: where this node is, its peers, and what it provides.

use std::f64::consts::TAU;

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::canvas::{Canvas, Circle};

use crate::net::api::DhtInfo;
use crate::ui::theme::Theme;
use crate::ui::widgets::panel;
use crate::ui::{Ui, text};

/// Cells of a terminal are about twice as high as wide.
const ASPECT: f64 = 2.0;

/// Points that draw the ring where there is no braille.
const DOTS: u32 = 120;

/// The least room that shows a ring: columns, rows.
pub const LEAST: (u16, u16) = (20, 9);

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect, info: &DhtInfo) {
    let inner = panel(ui, area, "Key space", "");
    if inner.width < LEAST.0 - 4 || inner.height < LEAST.1 - 2 {
        return;
    }
    let theme = ui.theme;
    let legend = Rect { y: inner.y + inner.height - 1, height: 1, ..inner };
    let space = Rect { height: inner.height - 1, ..inner };
    if theme.symbols.ascii {
        for step in 0..DOTS {
            put(ui, space, step * (u32::MAX / DOTS), ".", theme.border);
        }
    } else {
        outline(ui, space, theme.border);
    }
    // Peers over keys, this node over all.
    let marks = marks(theme);
    for (wanted, (sign, style)) in [(true, marks.key), (false, marks.peer)] {
        for point in info.points.iter().filter(|point| point.key == wanted) {
            put(ui, space, point.at, sign, style);
        }
    }
    put(ui, space, info.position, marks.own.0, marks.own.1);
    let count = |key: bool| info.points.iter().filter(|point| point.key == key).count();
    // Where there is little room, the words stand closer together.
    let texts = [text::count(count(false), "peer"), text::count(count(true), "key")];
    let wide = 12 + texts.iter().map(|text| text::width(text)).sum::<usize>() <= usize::from(legend.width);
    let [sign_gap, gap] = if wide { [" ", "  "] } else { ["", " "] };
    let mut spans = Vec::new();
    for ((sign, style), what) in
        [(marks.own, "us".to_owned()), (marks.peer, texts[0].clone()), (marks.key, texts[1].clone())]
    {
        if !spans.is_empty() {
            spans.push(Span::raw(gap));
        }
        spans.push(Span::styled(format!("{sign}{sign_gap}"), style));
        spans.push(Span::styled(what, theme.dim));
    }
    ui.lines(legend, vec![text::fit_line(Line::from(spans), legend.width.into(), theme.symbols.ellipsis).centered()]);
}

struct Marks {
    own: (&'static str, Style),
    peer: (&'static str, Style),
    key: (&'static str, Style),
}

fn marks(theme: &Theme) -> Marks {
    let (own, peer, key) = if theme.symbols.ascii { ("@", "o", "+") } else { ("◉", "●", "◆") };
    Marks { own: (own, theme.key), peer: (peer, theme.good), key: (key, theme.warn) }
}

/// Half of the ring's width and height in cells, so that it looks round and everything is inside.
fn radii(space: Rect) -> (f64, f64) {
    let (half_width, half_height) = (f64::from(space.width - 1) / 2.0, f64::from(space.height - 1) / 2.0);
    let height = half_height.min(half_width / ASPECT);
    (height * ASPECT, height)
}

/// The cell of a place in the key space: 0 is at the top, and then clockwise.
fn cell(space: Rect, at: u32) -> (u16, u16) {
    let angle = f64::from(at) / 2f64.powi(32) * TAU;
    let (width, height) = radii(space);
    let (x, y) = (
        f64::from(space.width - 1) / 2.0 + width * angle.sin(),
        f64::from(space.height - 1) / 2.0 - height * angle.cos(),
    );
    let within = |value: f64, cells: u16| (value.round().max(0.0) as u16).min(cells - 1);
    (space.x + within(x, space.width), space.y + within(y, space.height))
}

fn put(ui: &mut Ui<'_, '_>, space: Rect, at: u32, sign: &str, style: Style) {
    let (x, y) = cell(space, at);
    ui.lines(Rect { x, y, width: 1, height: 1 }, vec![Line::styled(sign.to_owned(), style)]);
}

fn outline(ui: &mut Ui<'_, '_>, space: Rect, style: Style) {
    let (width, height) = radii(space);
    // In half cells across and quarters down, a circle is one.
    let canvas = Canvas::default()
        .marker(Marker::Braille)
        .x_bounds([-f64::from(space.width) / 2.0, f64::from(space.width) / 2.0])
        .y_bounds([-f64::from(space.height) / 2.0 * ASPECT, f64::from(space.height) / 2.0 * ASPECT])
        .paint(|context| {
            let color = style.fg.unwrap_or_default();
            context.draw(&Circle { x: 0.0, y: 0.0, radius: width.min(height * ASPECT), color });
        });
    ui.frame.render_widget(canvas, space);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_go_around_clockwise_and_stay_inside() {
        let space = Rect { x: 10, y: 5, width: 41, height: 11 };
        let quarter = 1 << 30;
        let [top, right, bottom, left] = [0, quarter, 2 * quarter, 3 * quarter].map(|at| cell(space, at));
        assert_eq!((top, bottom), ((30, 5), (30, 15)));
        assert_eq!((right, left), ((40, 10), (20, 10)));
        for at in (0..100).map(|n| n * (u32::MAX / 100)) {
            let (x, y) = cell(Rect { x: 0, y: 0, width: 3, height: 2 }, at);
            assert!(x < 3 && y < 2);
        }
    }
}
