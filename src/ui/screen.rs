//! The real terminal: one write a frame, none when nothing changed.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use crossterm::{execute, queue};
use ratatui::Terminal;
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::layout::Rect;

use super::guard::TerminalGuard;
use super::theme::Theme;
use crate::app::hit::HitMap;
use crate::app::looks::Depth;
use crate::app::record::Player;
use crate::app::runtime::{ReplayScreen, Screen};
use crate::app::state::{DashboardOptions, State};
use crate::config::theme::Scheme;

/// Where the backend writes: a frame is gathered here and then written in one go, or not at all.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Output {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// All that a theme depends on.
#[derive(Clone, PartialEq)]
struct Look {
    scheme: Scheme,
    depth: Depth,
    no_color: bool,
    ascii: bool,
}

impl Look {
    fn of(options: &DashboardOptions) -> Self {
        let DashboardOptions { scheme, depth, no_color, ascii, .. } = options;
        Self { scheme: scheme.clone(), depth: *depth, no_color: *no_color, ascii: *ascii }
    }
}

/// Draws on this process's terminal; gives it back when dropped.
pub struct TerminalScreen {
    /// None once the terminal was given back.
    guard: Option<TerminalGuard>,
    terminal: Terminal<CrosstermBackend<Output>>,
    output: Output,
    theme: Theme,
    /// What the theme was made of.
    look: Look,
    /// What the backend writes for a frame without a change.
    nothing: Vec<u8>,
    cursor: Option<(u16, u16)>,
}

impl TerminalScreen {
    /// Takes the terminal.
    pub fn open(options: &DashboardOptions) -> io::Result<Self> {
        let guard = TerminalGuard::take(options.mouse)?;
        let output = Output::default();
        let mut backend = CrosstermBackend::new(output.clone());
        backend.draw(std::iter::empty())?;
        let nothing = output.take();
        let (width, height) = size()?;
        let viewport = ratatui::Viewport::Fixed(Rect::new(0, 0, width, height));
        let terminal = Terminal::with_options(backend, ratatui::TerminalOptions { viewport })?;
        Ok(Self {
            guard: Some(guard),
            terminal,
            output,
            theme: Theme::new(options),
            look: Look::of(options),
            nothing,
            cursor: None,
        })
    }

    /// Follows the terminal's size; the next frame is drawn whole.
    fn follow_size(&mut self, (width, height): (u16, u16)) -> io::Result<()> {
        let area = Rect::new(0, 0, width, height);
        if self.terminal.get_frame().area() != area {
            self.terminal.resize(area)?;
        }
        Ok(())
    }

    /// Writes what changed in one go; nothing when nothing did.
    fn write_out(&mut self, cursor: Option<(u16, u16)>) -> io::Result<()> {
        self.terminal.flush()?;
        self.terminal.swap_buffers();
        let changes = self.output.take();
        if changes == self.nothing && cursor == self.cursor {
            return Ok(());
        }
        let mut frame = Vec::with_capacity(changes.len() + 64);
        queue!(frame, BeginSynchronizedUpdate, Hide)?;
        frame.extend_from_slice(&changes);
        if let Some((column, row)) = cursor {
            queue!(frame, MoveTo(column, row), Show)?;
        }
        queue!(frame, EndSynchronizedUpdate)?;
        self.cursor = cursor;
        let mut out = io::stdout().lock();
        out.write_all(&frame)?;
        out.flush()
    }
}

/// The terminal's size; 80x24 for one that does not know its own (some serial lines and pipes say 0x0).
fn size() -> io::Result<(u16, u16)> {
    let (width, height) = crossterm::terminal::size()?;
    Ok(if width == 0 || height == 0 { (80, 24) } else { (width, height) })
}

impl Screen for TerminalScreen {
    fn draw(&mut self, state: &State) -> io::Result<HitMap> {
        self.follow_size(state.size)?;
        let look = Look::of(&state.options);
        if look != self.look {
            self.theme = Theme::new(&state.options);
            self.look = look;
        }
        let hits = super::render(state, &self.theme, &mut self.terminal.get_frame());
        self.write_out(hits.cursor)?;
        Ok(hits)
    }

    fn size(&self) -> io::Result<(u16, u16)> {
        size()
    }

    fn set_mouse(&mut self, on: bool) -> io::Result<()> {
        self.guard.as_mut().map_or(Ok(()), |guard| guard.set_mouse(on))
    }

    fn copy(&mut self, text: &str) -> io::Result<()> {
        execute!(io::stdout(), CopyToClipboard::to_clipboard_from(text))
    }

    fn ask(&mut self, question: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(question)?;
        out.flush()
    }

    fn suspend(&mut self) -> io::Result<()> {
        if let Some(guard) = &self.guard {
            guard.suspend()?;
        }
        // The whole screen is drawn again; not `clear`, which asks the terminal for its cursor and waits for the answer.
        let area = self.terminal.get_frame().area();
        self.terminal.resize(area)
    }

    fn leave(&mut self) {
        self.guard = None;
    }
}

impl ReplayScreen for TerminalScreen {
    fn draw_replay(&mut self, player: &Player, size: (u16, u16)) -> io::Result<()> {
        self.follow_size(size)?;
        super::replay::render(player, &mut self.terminal.get_frame());
        self.write_out(None)
    }

    fn size(&self) -> io::Result<(u16, u16)> {
        size()
    }

    fn suspend(&mut self) -> io::Result<()> {
        Screen::suspend(self)
    }

    fn leave(&mut self) {
        Screen::leave(self);
    }
}
