//! Cells with their styles, and what stands behind them.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};
use serde::Serialize;

use super::runs::{CellLook, runs};
use crate::app::state::State;
use crate::net::api::Status;

/// What the first field says the object is.
const FORMAT: &str = "ggen-p2p-snapshot";

#[derive(Serialize)]
struct Snapshot<'a> {
    format: &'static str,
    version: u32,
    pane: &'static str,
    width: u16,
    height: u16,
    /// Unix milliseconds.
    at: u64,
    /// What is shown is simulated.
    simulation: Option<&'a str>,
    rows: Vec<Vec<Piece>>,
    status: Option<&'a Status>,
}

/// Neighbouring cells of one style. A colour is a number of the terminal's palette, a name, or `#rrggbb`.
#[derive(Serialize)]
struct Piece {
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bg: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    style: Vec<&'static str>,
}

pub fn write(buffer: &Buffer, state: &State) -> String {
    let rows = (0..buffer.area.height).map(|y| {
        let pieces = runs(buffer, y).into_iter().map(|run| piece(run.text, run.look));
        pieces.collect()
    });
    let snapshot = Snapshot {
        format: FORMAT,
        version: 1,
        pane: state.tab.title(),
        width: buffer.area.width,
        height: buffer.area.height,
        at: state.now.unix_ms,
        simulation: state.options.sim.as_deref(),
        rows: rows.collect(),
        status: state.status.as_ref(),
    };
    // Nothing in it can fail: the keys are texts and the numbers finite.
    serde_json::to_string(&snapshot).unwrap_or_default() + "\n"
}

fn piece(text: String, look: CellLook) -> Piece {
    let name = |colour: Color| (colour != Color::Reset).then(|| colour.to_string());
    let names = [
        (Modifier::BOLD, "bold"),
        (Modifier::DIM, "dim"),
        (Modifier::ITALIC, "italic"),
        (Modifier::UNDERLINED, "underlined"),
        (Modifier::REVERSED, "reversed"),
        (Modifier::CROSSED_OUT, "crossed-out"),
    ];
    let style = names.into_iter().filter(|(modifier, _)| look.modifier.contains(*modifier)).map(|(_, name)| name);
    Piece { text, fg: name(look.fg), bg: name(look.bg), style: style.collect() }
}
