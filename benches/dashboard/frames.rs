//! How long a frame takes: from the state to the bytes for the terminal, in virtual time.

use std::time::Instant;

use ggen_p2p_tui::app::event::{Event, MouseAction};
use ggen_p2p_tui::app::hit::Target;
use ggen_p2p_tui::app::sim::{BEGIN, Rehearsal, Script, Sim};
use ggen_p2p_tui::app::state::{DashboardOptions, State, Tab};
use ggen_p2p_tui::ui::{Theme, render};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};

use super::{ms, row};

/// Columns and rows.
const SIZE: (u16, u16) = (200, 60);
/// Lists are full after so many milliseconds.
const WARM_MS: u64 = 5_000;
/// Frames of each pane.
const FRAMES: u64 = 300;

pub fn report() {
    println!("{:<44} {:>9} {:>9} {:>9}", "a frame at 200x60, ms", "p50", "p99", "max");
    for script in [Script::Busy, Script::Flood] {
        for tab in Tab::ALL {
            row(&format!("{}, {}", script.name(), tab.title()), frames(script, tab));
        }
    }
}

fn frames(script: Script, tab: Tab) -> Vec<f64> {
    let theme = Theme::new(&DashboardOptions::default());
    let viewport = Viewport::Fixed(Rect::new(0, 0, SIZE.0, SIZE.1));
    let backend = CrosstermBackend::new(std::io::sink());
    let mut terminal = Terminal::with_options(backend, TerminalOptions { viewport }).expect("memory");
    let mut rehearsal = Rehearsal::new(Sim::new(script, 1, BEGIN), DashboardOptions::default(), SIZE, BEGIN);
    let nobody = &mut |_, _: &Event| {};
    rehearsal.event(Event::Mouse { action: MouseAction::Click, target: Some(Target::Tab(tab)) }, nobody);
    rehearsal.run_until(BEGIN.plus(WARM_MS), nobody);
    let mut taken = Vec::new();
    for frame in 0..FRAMES {
        rehearsal.run_until(BEGIN.plus(WARM_MS + frame * 33), nobody);
        let begun = Instant::now();
        let mut draw = |state: &State| {
            let hits = render(state, &theme, &mut terminal.get_frame());
            terminal.flush().expect("nobody reads it");
            terminal.swap_buffers();
            hits
        };
        rehearsal.frame(&mut draw, nobody);
        taken.push(ms(begun.elapsed()));
    }
    taken
}
