//! Pure rendering: layout, theme, panes, overlays, widgets, terminal guard.

mod chrome;
pub mod export;
mod guard;
mod overlays;
mod panes;
mod replay;
mod screen;
mod text;
mod theme;
mod widgets;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

use std::io::IsTerminal;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

pub use screen::TerminalScreen;
pub use theme::Theme;

use crate::app::hit::{Area, HitMap, Target};
use crate::app::record::{NewFile, Player};
use crate::app::runtime::{self, Backend};
use crate::app::state::{DashboardOptions, State};
use crate::net::{ErrorKind, NodeError};

/// The least size that holds every pane: columns, rows.
pub const MIN_SIZE: (u16, u16) = (40, 12);

/// Opens the dashboard on this process's terminal and shows it until the user leaves. See [`runtime::run`] for how
/// `backend` ends.
///
/// # Errors
/// No terminal, or the node did not start. The terminal is as it was before when this returns.
pub async fn dashboard<B: Backend>(
    backend: B,
    options: DashboardOptions,
    record: Option<NewFile>,
) -> Result<(), NodeError> {
    let screen = take_terminal(&options)?;
    runtime::run(screen, crossterm::event::EventStream::new(), backend, options, record).await
}

/// Shows a recording on this process's terminal until the user leaves.
///
/// # Errors
/// No terminal.
pub async fn replay(player: Player) -> Result<(), NodeError> {
    let options = DashboardOptions { mouse: false, ..player.recording().header().options.clone() };
    let screen = take_terminal(&options)?;
    runtime::replay(screen, crossterm::event::EventStream::new(), player).await
}

fn take_terminal(options: &DashboardOptions) -> Result<TerminalScreen, NodeError> {
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return Err(NodeError::new(ErrorKind::Usage, "the dashboard needs a terminal, and this is none")
            .hint("use `--no-ui` for a node without a screen, or a verb such as `status`"));
    }
    TerminalScreen::open(options).map_err(|error| {
        NodeError::new(ErrorKind::Failed, format!("cannot take the terminal: {error}"))
            .hint("use `--no-ui` for a node without a screen")
    })
}

/// What a pane draws with.
pub(crate) struct Ui<'a, 'f> {
    pub frame: &'a mut Frame<'f>,
    pub theme: &'a Theme,
    pub state: &'a State,
    pub hits: HitMap,
}

impl Ui<'_, '_> {
    /// Makes cells clickable.
    pub fn hit(&mut self, area: Rect, target: Target) {
        let Rect { x, y, width, height } = area;
        self.hits.regions.push((Area { x, y, width, height }, target));
    }

    /// Takes away what is in `area`.
    pub fn clear(&mut self, area: Rect) {
        self.frame.render_widget(ratatui::widgets::Clear, area);
        self.frame.buffer_mut().set_style(area, self.theme.text);
    }

    /// Writes lines from the top of `area`; what does not fit is left out.
    pub fn lines(&mut self, area: Rect, lines: Vec<Line<'_>>) {
        self.frame.render_widget(ratatui::widgets::Paragraph::new(lines), area);
    }

    /// Writes a detail: one that is alone on screen scrolls, one beside its list says how to see all of it.
    pub fn detail(&mut self, area: Rect, facts: widgets::Facts<'_>) {
        let (theme, state) = (self.theme, self.state);
        let rows = usize::from(area.height);
        let len = facts.len();
        if !state.shows_detail() || len <= rows || rows < 2 {
            self.lines(area, facts.take(area.height));
            return;
        }
        let end = len - (rows - 1);
        self.hits.detail_end = u16::try_from(end).unwrap_or(u16::MAX);
        let first = state.detail_scroll.min(end);
        let mut lines: Vec<_> = facts.all().into_iter().skip(first).take(rows - 1).collect();
        let place = format!("lines {} to {} of {len}", first + 1, first + lines.len());
        lines.push(
            Line::styled(text::fit(&place, area.width.into(), theme.symbols.ellipsis), theme.dim).right_aligned(),
        );
        self.lines(area, lines);
    }
}

/// Draws the state. Changes nothing; what lies where comes back for the mouse.
pub fn render(state: &State, theme: &Theme, frame: &mut Frame<'_>) -> HitMap {
    let area = frame.area();
    // A screen that stands still shows the time at which it was stopped.
    let still = state.frozen.map(|frozen| State { now: frozen.at, ..state.clone() });
    let state = still.as_ref().unwrap_or(state);
    frame.buffer_mut().set_style(area, theme.text);
    let mut ui = Ui { frame, theme, state, hits: HitMap::default() };
    if area.width < MIN_SIZE.0 || area.height < MIN_SIZE.1 {
        chrome::too_small(&mut ui, area);
        return ui.hits;
    }
    let rows = [Constraint::Length(1), Constraint::Length(1), Constraint::Fill(1), Constraint::Length(1)];
    let [header, tabs, body, footer] = Layout::vertical(rows).areas(area);
    chrome::header(&mut ui, header);
    chrome::tabs(&mut ui, tabs);
    chrome::body(&mut ui, body);
    chrome::footer(&mut ui, footer);
    overlays::toasts::draw(&mut ui, body);
    overlays::draw(&mut ui, area);
    ui.hits
}
