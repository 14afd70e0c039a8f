//! Colours and symbols. No state is shown by colour alone: every colour goes with a word or a symbol.

use ratatui::style::{Color, Modifier, Style};

use crate::app::looks::Depth;
use crate::app::state::DashboardOptions;
use crate::config::theme::{self, Colour, Role, Scheme};

/// Characters that have an ASCII stand-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbols {
    pub ascii: bool,
    pub ellipsis: &'static str,
    pub on: &'static str,
    pub off: &'static str,
    pub banned: &'static str,
    pub good: &'static str,
    pub warn: &'static str,
    pub bad: &'static str,
    pub info: &'static str,
    pub down: &'static str,
    pub up: &'static str,
    pub marker: &'static str,
    pub full: &'static str,
    pub empty: &'static str,
    pub unknown: &'static str,
    pub dot: &'static str,
    pub sorted_down: &'static str,
    pub sorted_up: &'static str,
    pub waiting: &'static str,
    pub arrow: &'static str,
}

const UNICODE: Symbols = Symbols {
    ascii: false,
    ellipsis: "…",
    on: "●",
    off: "○",
    banned: "✕",
    good: "✓",
    warn: "▲",
    bad: "✕",
    info: "•",
    down: "↓",
    up: "↑",
    marker: "▌",
    full: "█",
    empty: "░",
    unknown: "—",
    dot: "·",
    sorted_down: "▾",
    sorted_up: "▴",
    waiting: "⋯",
    arrow: "→",
};

const ASCII: Symbols = Symbols {
    ascii: true,
    ellipsis: "~",
    on: "*",
    off: "o",
    banned: "x",
    good: "+",
    warn: "!",
    bad: "x",
    info: "-",
    down: "v",
    up: "^",
    marker: ">",
    full: "#",
    empty: ".",
    unknown: "-",
    dot: "-",
    sorted_down: "v",
    sorted_up: "^",
    waiting: "...",
    arrow: "->",
};

/// How everything looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theme {
    pub symbols: Symbols,
    pub text: Style,
    pub strong: Style,
    pub dim: Style,
    pub border: Style,
    pub title: Style,
    pub accent: Style,
    pub key: Style,
    pub good: Style,
    pub warn: Style,
    pub bad: Style,
    pub selected: Style,
    pub tab: Style,
    pub tab_active: Style,
    pub banner: Style,
    pub matched: Style,
    pub toast: Style,
    pub button: Style,
    pub button_active: Style,
}

impl Theme {
    /// The theme that is shown now, in the colours that the terminal has.
    pub fn new(options: &DashboardOptions) -> Self {
        let symbols = if options.ascii { ASCII } else { UNICODE };
        if options.no_color {
            return Self::of(&Scheme::built_in("mono"), options.depth, symbols);
        }
        Self::of(&options.scheme, options.depth, symbols)
    }

    fn of(scheme: &Scheme, depth: Depth, symbols: Symbols) -> Self {
        let style = |role| style(scheme.style(role), depth);
        Self {
            symbols,
            text: style(Role::Text),
            strong: style(Role::Strong),
            dim: style(Role::Dim),
            border: style(Role::Border),
            title: style(Role::Title),
            accent: style(Role::Accent),
            key: style(Role::Key),
            good: style(Role::Good),
            warn: style(Role::Warn),
            bad: style(Role::Bad),
            selected: style(Role::Selected),
            tab: style(Role::Tab),
            tab_active: style(Role::TabActive),
            banner: style(Role::Banner),
            matched: style(Role::Matched),
            toast: style(Role::Toast),
            button: style(Role::Button),
            button_active: style(Role::ButtonActive),
        }
    }
}

fn style(wanted: theme::Style, depth: Depth) -> Style {
    let mut style = Style::new();
    if let Some(colour) = wanted.colour {
        style = style.fg(shown(colour, depth));
    }
    if let Some(colour) = wanted.behind {
        style = style.bg(shown(colour, depth));
    }
    let modifiers = [
        (wanted.bold, Modifier::BOLD),
        (wanted.faint, Modifier::DIM),
        (wanted.underlined, Modifier::UNDERLINED),
        (wanted.reversed, Modifier::REVERSED),
    ];
    modifiers.into_iter().filter(|(is, _)| *is).fold(style, |style, (_, modifier)| style.add_modifier(modifier))
}

/// A colour as a terminal of that depth has it.
fn shown(colour: Colour, depth: Depth) -> Color {
    match (colour.rgb, depth) {
        (Some([r, g, b]), Depth::Exact) => Color::Rgb(r, g, b),
        (Some(rgb), Depth::Indexed) => Color::Indexed(nearest(rgb)),
        _ => NAMED.get(usize::from(colour.named)).copied().unwrap_or(Color::Reset),
    }
}

/// The sixteen colours, in the order of [`Colour::named`].
const NAMED: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];

/// The nearest of the 240 colours that mean the same in every terminal of 256.
fn nearest(rgb: [u8; 3]) -> u8 {
    (16u8..=255).min_by_key(|index| theme::distance(rgb, fixed(*index))).unwrap_or(255)
}

/// A colour of the cube (16 to 231) or of the greys (232 to 255).
fn fixed(index: u8) -> [u8; 3] {
    if index >= 232 {
        return [8 + (index - 232) * 10; 3];
    }
    let place = index.saturating_sub(16);
    let level = |part: u8| if part == 0 { 0 } else { 55 + 40 * part };
    [level(place / 36), level(place / 6 % 6), level(place % 6)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accent(depth: Depth) -> Option<Color> {
        Theme::of(&Scheme::built_in("dark"), depth, UNICODE).accent.fg
    }

    #[test]
    fn colours_are_those_that_the_terminal_has() {
        assert_eq!(accent(Depth::Exact), Some(Color::Rgb(0x5f, 0xd7, 0xd7)));
        assert_eq!(accent(Depth::Indexed), Some(Color::Indexed(80)));
        assert_eq!(accent(Depth::Sixteen), Some(Color::Cyan));
    }

    #[test]
    fn each_fixed_colour_is_nearest_to_itself() {
        for index in 16..=255 {
            assert_eq!(fixed(nearest(fixed(index))), fixed(index), "{index}");
        }
    }

    #[test]
    fn no_colour_is_no_colour() {
        let options = DashboardOptions { no_color: true, ..DashboardOptions::default() };
        let theme = Theme::new(&options);
        assert_eq!(theme, Theme::of(&Scheme::built_in("mono"), Depth::Exact, UNICODE));
        assert!([theme.bad, theme.selected, theme.banner].iter().all(|style| style.fg.is_none() && style.bg.is_none()));
    }
}
