//! A pane as text, as JSON or as a picture.

mod colours;
mod json;
mod runs;
mod svg;
#[cfg(test)]
mod tests;
mod text;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use super::theme::Theme;
use crate::app::hit::HitMap;
use crate::app::sim::viewport;
use crate::app::state::State;
use crate::app::update::update;

/// What a snapshot is printed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The characters.
    Text,
    /// Characters with their styles, and the node's status behind them.
    Json,
    /// A picture that needs nothing else.
    Svg,
}

/// Draws `state` into a picture of its own size, and gives that in a form.
pub fn snapshot(mut state: State, format: Format) -> String {
    let (mut buffer, mut hits) = draw(&state);
    // A list is laid out once it is known how many rows it has, as on the real screen.
    if let Some(event) = viewport(&state, &hits) {
        let now = state.now;
        update(&mut state, event, now);
        (buffer, hits) = draw(&state);
    }
    match format {
        Format::Text => text::write(&buffer),
        Format::Json => json::write(&buffer, &state),
        Format::Svg => svg::write(&buffer, hits.cursor, colours::Look::of(&state.options)),
    }
}

/// One frame of the state, of its own size and look, on no terminal.
pub fn draw(state: &State) -> (Buffer, HitMap) {
    let (width, height) = state.size;
    let theme = Theme::new(&state.options);
    let mut hits = HitMap::default();
    let Ok(mut terminal) = Terminal::new(TestBackend::new(width, height));
    let Ok(drawn) = terminal.draw(|frame| hits = super::render(state, &theme, frame));
    (drawn.buffer.clone(), hits)
}
