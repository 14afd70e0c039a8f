//! Snapshots of every tab and overlay, and what holds at every size.

mod overlays;
mod panes;
mod themes;
mod wording;

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use super::fixture::{self, NOW};
use super::{Theme, render};
use crate::app::event::{Event, Tag};
use crate::app::hit::{HitMap, Target};
use crate::app::state::{DashboardOptions, State, Step, Tab, ToastKind};
use crate::app::update::update;
use crate::net::api::{Inspection, LookupAnswer, LookupKind, LookupPeer, PeerInfo, SearchAnswer};
use crate::net::{ErrorKind, NodeError, NodeReply};

const SIZES: [(u16, u16); 4] = [(40, 12), (80, 24), (120, 40), (200, 60)];

fn draw_with(state: &State, theme: &Theme) -> (Buffer, HitMap) {
    let (width, height) = state.size;
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let mut hits = HitMap::default();
    terminal.draw(|frame| hits = render(state, theme, frame)).unwrap();
    (terminal.backend().buffer().clone(), hits)
}

fn draw(state: &State) -> (String, HitMap) {
    let (buffer, hits) = draw_with(state, &Theme::new(&state.options));
    (text(&buffer), hits)
}

/// The characters of a buffer, without blanks at the ends of lines.
fn text(buffer: &Buffer) -> String {
    let mut lines = Vec::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut skip = 0;
        for x in 0..buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            if skip == 0 {
                line.push_str(symbol);
                skip = super::text::width(symbol).saturating_sub(1);
            } else {
                skip -= 1;
            }
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

fn snapshot(name: &str, make: impl Fn(u16, u16) -> State) {
    for (width, height) in SIZES {
        let (screen, _) = draw(&make(width, height));
        kept(&format!("{name}@{width}x{height}"), &screen);
        looks(&format!("{name}@{width}x{height}"), make(width, height));
    }
}

/// It is what it was.
fn kept(name: &str, text: &str) {
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, text);
    });
}

/// The same in its other looks: in ASCII, and where there are which colours and emphasis, with colours and without.
fn looks(name: &str, mut state: State) {
    if state.options.ascii || state.options.no_color {
        return;
    }
    let styles_of = |state: &State| styles(&draw_with(state, &Theme::new(&state.options)).0);
    let colour = styles_of(&state);
    state.options.no_color = true;
    let mono = styles_of(&state);
    state.options.ascii = true;
    let (ascii, _) = draw(&state);
    insta::with_settings!({
        omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "snapshots/looks"
    }, {
        insta::assert_snapshot!(name, format!("ASCII\n{ascii}\n\ncolours\n{colour}\n\nno colours\n{mono}"));
    });
}

/// Row by row: from which column how many cells have which style, where it is not the plain one.
fn styles(buffer: &Buffer) -> String {
    let mut rows = Vec::new();
    for y in 0..buffer.area.height {
        let mut runs: Vec<(u16, u16, String)> = Vec::new();
        for x in 0..buffer.area.width {
            let cell = &buffer[(x, y)];
            let style = style_of(cell);
            match runs.last_mut() {
                Some((start, cells, last)) if *last == style && *start + *cells == x => *cells += 1,
                _ if style.is_empty() => {}
                _ => runs.push((x, 1, style)),
            }
        }
        let runs = runs.into_iter().map(|(x, cells, style)| format!("{x}+{cells} {style}"));
        rows.push(format!("{y}: {}", runs.collect::<Vec<_>>().join(", ")).trim_end().to_owned());
    }
    rows.join("\n")
}

/// `80 on 236 bold`
fn style_of(cell: &ratatui::buffer::Cell) -> String {
    use ratatui::style::Color;
    let colour = |colour| match colour {
        Color::Indexed(index) => index.to_string(),
        other => other.to_string(),
    };
    let mut parts = Vec::new();
    if cell.fg != Color::Reset {
        parts.push(colour(cell.fg));
    }
    if cell.bg != Color::Reset {
        parts.push(format!("on {}", colour(cell.bg)));
    }
    parts.extend(cell.modifier.iter_names().map(|(name, _)| name.to_lowercase()));
    parts.join(" ")
}

#[test]
fn what_is_clicked_is_what_is_seen() {
    let state = fixture::on(Tab::Peers, 80, 24);
    let (screen, hits) = draw(&state);
    assert_eq!(hits.at(1, 1), Some(Target::Tab(Tab::Overview)));
    let line = screen.lines().position(|line| line.contains("relayed")).unwrap();
    let Some(Target::Row(row)) = hits.at(10, line as u16) else { panic!("no row there") };
    assert!(state.peers.visible()[row].info.agent.starts_with("js-libp2p"));
}

fn states() -> impl Strategy<Value = (usize, bool, bool)> {
    (0usize..30, any::<bool>(), any::<bool>())
}

fn state_of(which: usize, width: u16, height: u16) -> State {
    match which {
        0..10 => fixture::on(Tab::ALL[which], width, height),
        10 => fixture::searched(width, height),
        11 => fixture::publishing(Step::Findings, width, height),
        12 => fixture::publishing(Step::Review, width, height),
        13 => fixture::publishing(Step::Done, width, height),
        14 => fixture::alone(width, height),
        15 => fixture::starting(width, height),
        16 => fixture::compared(width, height),
        n => {
            let mut state = fixture::rich(width, height);
            let keys =
                ["?", ": a", "2 c", "q", "0 e x", "m", "T", "z", "8 down down x", "a", "2 b", "3 / x enter", "7 c"];
            fixture::press(&mut state, keys[(n - 17) % keys.len()]);
            state
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    #[test]
    fn every_size_renders(width in 0u16..=300, height in 0u16..=100, (which, ascii, open) in states()) {
        let mut state = state_of(which, width, height);
        state.options.ascii = ascii;
        state.detail_open = open;
        let theme = Theme::new(&DashboardOptions { ascii, ..DashboardOptions::default() });
        let (_, hits) = draw_with(&state, &theme);
        for (area, _) in &hits.regions {
            prop_assert!(area.x + area.width <= width && area.y + area.height <= height, "{area:?} outside {width}x{height}");
        }
        if let Some((x, y)) = hits.cursor {
            prop_assert!(x < width && y < height);
        }
    }
}
