//! Colours and symbols. No state is shown by colour alone: every colour goes with a word or a symbol.

use ratatui::style::{Color, Modifier, Style};

use crate::app::state::DashboardOptions;

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

struct Palette {
    accent: Color,
    good: Color,
    warn: Color,
    bad: Color,
    dim: Color,
    border: Color,
    selected: Color,
    surface: Color,
    on_accent: Color,
}

const DARK: Palette = Palette {
    accent: Color::Indexed(80),
    good: Color::Indexed(114),
    warn: Color::Indexed(179),
    bad: Color::Indexed(203),
    dim: Color::Indexed(246),
    border: Color::Indexed(240),
    selected: Color::Indexed(237),
    surface: Color::Indexed(236),
    on_accent: Color::Indexed(233),
};

const LIGHT: Palette = Palette {
    accent: Color::Indexed(25),
    good: Color::Indexed(28),
    warn: Color::Indexed(130),
    bad: Color::Indexed(160),
    dim: Color::Indexed(242),
    border: Color::Indexed(250),
    selected: Color::Indexed(254),
    surface: Color::Indexed(255),
    on_accent: Color::Indexed(231),
};

impl Theme {
    /// The theme that the options ask for. `auto` is dark.
    pub fn new(options: &DashboardOptions) -> Self {
        let symbols = if options.ascii { ASCII } else { UNICODE };
        match options.theme.as_str() {
            _ if options.no_color => Self::mono(symbols),
            "mono" => Self::mono(symbols),
            "light" => Self::coloured(&LIGHT, symbols),
            _ => Self::coloured(&DARK, symbols),
        }
    }

    fn coloured(palette: &Palette, symbols: Symbols) -> Self {
        let fg = |color| Style::new().fg(color);
        let on_accent = Style::new().fg(palette.on_accent);
        Self {
            symbols,
            text: Style::new(),
            strong: Style::new().add_modifier(Modifier::BOLD),
            dim: fg(palette.dim),
            border: fg(palette.border),
            title: fg(palette.accent).add_modifier(Modifier::BOLD),
            accent: fg(palette.accent),
            key: fg(palette.accent).add_modifier(Modifier::BOLD),
            good: fg(palette.good),
            warn: fg(palette.warn),
            bad: fg(palette.bad),
            selected: Style::new().bg(palette.selected).add_modifier(Modifier::BOLD),
            tab: fg(palette.dim),
            tab_active: on_accent.bg(palette.accent).add_modifier(Modifier::BOLD),
            banner: on_accent.bg(palette.warn).add_modifier(Modifier::BOLD),
            matched: fg(palette.accent).add_modifier(Modifier::UNDERLINED),
            toast: Style::new().bg(palette.surface),
            button: Style::new().bg(palette.surface),
            button_active: on_accent.bg(palette.accent).add_modifier(Modifier::BOLD),
        }
    }

    fn mono(symbols: Symbols) -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        let reversed = plain.add_modifier(Modifier::REVERSED);
        Self {
            symbols,
            text: plain,
            strong: bold,
            dim: plain.add_modifier(Modifier::DIM),
            border: plain.add_modifier(Modifier::DIM),
            title: bold,
            accent: bold,
            key: bold,
            good: plain,
            warn: bold,
            bad: bold,
            selected: reversed,
            tab: plain,
            tab_active: reversed.add_modifier(Modifier::BOLD),
            banner: reversed.add_modifier(Modifier::BOLD),
            matched: plain.add_modifier(Modifier::UNDERLINED),
            toast: reversed,
            button: plain,
            button_active: reversed.add_modifier(Modifier::BOLD),
        }
    }
}
