//! Colours of a terminal as those of a picture.

use ratatui::style::Color;

use crate::app::looks::Background;
use crate::app::state::{AUTO, DashboardOptions};

/// What a terminal with this theme would have of its own.
pub struct Look {
    pub background: &'static str,
    pub text: &'static str,
}

const DARK: Look = Look { background: "#181b20", text: "#d8dce2" };
const LIGHT: Look = Look { background: "#ffffff", text: "#24292f" };

impl Look {
    pub fn of(options: &DashboardOptions) -> &'static Self {
        let follows = options.theme == AUTO && options.background == Some(Background::Light);
        if follows || options.theme.contains("light") { &LIGHT } else { &DARK }
    }
}

/// The sixteen that have names, as most terminals show them now.
const NAMED: [&str; 16] = [
    "#000000", "#cd3131", "#0dbc79", "#e5e510", "#2472c8", "#bc3fbc", "#11a8cd", "#e5e5e5", "#666666", "#f14c4c",
    "#23d18b", "#f5f543", "#3b8eea", "#d670d6", "#29b8db", "#ffffff",
];

/// `#rrggbb`; none for the terminal's own.
pub fn hex(colour: Color) -> Option<String> {
    let named = |index: usize| NAMED.get(index).map(|hex| (*hex).to_owned());
    match colour {
        Color::Reset => None,
        Color::Black => named(0),
        Color::Red => named(1),
        Color::Green => named(2),
        Color::Yellow => named(3),
        Color::Blue => named(4),
        Color::Magenta => named(5),
        Color::Cyan => named(6),
        Color::Gray => named(7),
        Color::DarkGray => named(8),
        Color::LightRed => named(9),
        Color::LightGreen => named(10),
        Color::LightYellow => named(11),
        Color::LightBlue => named(12),
        Color::LightMagenta => named(13),
        Color::LightCyan => named(14),
        Color::White => named(15),
        Color::Rgb(r, g, b) => Some(format!("#{r:02x}{g:02x}{b:02x}")),
        Color::Indexed(n) => indexed(n),
    }
}

/// The 256 colours of xterm: sixteen, a cube of 6x6x6, and greys.
fn indexed(n: u8) -> Option<String> {
    match n {
        0..16 => NAMED.get(usize::from(n)).map(|hex| (*hex).to_owned()),
        16..232 => {
            let level = |step: u8| if step == 0 { 0 } else { 55 + step * 40 };
            let n = n - 16;
            Some(format!("#{:02x}{:02x}{:02x}", level(n / 36), level(n / 6 % 6), level(n % 6)))
        }
        232.. => {
            let grey = 8 + (n - 232) * 10;
            Some(format!("#{grey:02x}{grey:02x}{grey:02x}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_palette_is_that_of_xterm() {
        for (n, colour) in
            [(16, "#000000"), (80, "#5fd7d7"), (203, "#ff5f5f"), (231, "#ffffff"), (232, "#080808"), (255, "#eeeeee")]
        {
            assert_eq!(hex(Color::Indexed(n)).as_deref(), Some(colour));
        }
        assert_eq!(hex(Color::Rgb(1, 2, 255)).as_deref(), Some("#0102ff"));
        assert_eq!(hex(Color::Reset), None);
    }
}
