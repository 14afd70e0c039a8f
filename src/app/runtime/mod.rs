//! The dashboard's event loop: one `select!` over terminal, node, answers, signals and the next wanted tick. It drains
//! what is waiting, then draws at most once a frame, and not at all while nothing changes.

mod backend;
mod exec;
mod inbox;
mod node;
mod panics;
#[cfg(test)]
mod record_tests;
mod replay;
mod report;
mod signals;
mod snapshot;
mod term;
#[cfg(test)]
mod tests;
mod watch;

use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures::{Stream, StreamExt, poll};
use tokio::time::Instant;

use super::age::Now;
use super::effect::Effect;
use super::event::Event;
use super::hit::HitMap;
use super::record::{Header, NewFile, Recorder};
use super::session;
use super::sim::viewport;
use super::state::{DashboardOptions, Phase, State};
use super::update::{first_questions, update};
use crate::net::NodeError;
pub use backend::Backend;
pub use inbox::Inbox;
pub use node::NodeTask;
pub use panics::tell_of_panic;
pub use replay::{ReplayScreen, replay};
use report::Reports;
use signals::Signals;
pub use snapshot::{SIM_MS, of_node, of_recording, of_simulation};

/// Events taken in one go before a frame gets its turn.
const BATCH: usize = 1024;

/// The terminal, as the event loop needs it. Made by the layer above.
pub trait Screen {
    /// Draws the state; nothing is written when nothing changed. An error means that the terminal is gone.
    fn draw(&mut self, state: &State) -> io::Result<HitMap>;
    /// Cells: width, height.
    fn size(&self) -> io::Result<(u16, u16)>;
    /// Turns mouse reporting on or off.
    fn set_mouse(&mut self, on: bool) -> io::Result<()>;
    /// Puts text on the clipboard through the terminal.
    fn copy(&mut self, text: &str) -> io::Result<()>;
    /// Writes a question to the terminal; what it answers comes among the keys.
    fn ask(&mut self, question: &[u8]) -> io::Result<()>;
    /// Gives the terminal back, stops the process until it is continued, takes the terminal again.
    fn suspend(&mut self) -> io::Result<()>;
    /// Gives the terminal back for good.
    fn leave(&mut self);
}

/// Shows the dashboard until the user leaves, and writes what happens to `record`, if anywhere.
///
/// The first frame does not wait for anything of `backend`. A node in this process is asked to stop in the end, after the
/// terminal was given back; one in another process goes on.
///
/// # Errors
/// Why the node did not start, or why the terminal cannot be used. A terminal that goes away is no error.
pub async fn run<S, T, B>(
    screen: S,
    terminal: T,
    mut backend: B,
    options: DashboardOptions,
    record: Option<NewFile>,
) -> Result<(), NodeError>
where
    S: Screen,
    T: Stream<Item = io::Result<crossterm::event::Event>> + Unpin,
    B: Backend,
{
    let mut dashboard = Dashboard::new(screen, options, record);
    let outcome = dashboard.run(terminal, &mut backend).await;
    dashboard.screen.leave();
    dashboard.keep_session();
    backend.finish().await;
    outcome
}

struct Dashboard<S> {
    screen: S,
    state: State,
    inbox: Inbox,
    recorder: Option<Recorder>,
    hits: HitMap,
    reports: Reports,
    last_frame: Option<Instant>,
    dirty: bool,
    quit: bool,
}

impl<S: Screen> Dashboard<S> {
    fn new(screen: S, options: DashboardOptions, record: Option<NewFile>) -> Self {
        let (begin, size) = (now(), screen.size().unwrap_or((80, 24)));
        let inbox = Inbox::default();
        panics::told_to(inbox.sender());
        let header = record.is_some().then(|| Header::new(begin, size, options.clone()));
        let recorder = record.zip(header).map(|(file, header)| Recorder::begin(file, &header, inbox.sender()));
        Self {
            screen,
            state: State { size, ..State::new(options, begin) },
            inbox,
            recorder,
            hits: HitMap::default(),
            reports: Reports::default(),
            last_frame: None,
            dirty: true,
            quit: false,
        }
    }

    async fn run<T, B>(&mut self, mut terminal: T, backend: &mut B) -> Result<(), NodeError>
    where
        T: Stream<Item = io::Result<crossterm::event::Event>> + Unpin,
        B: Backend,
    {
        let mut signals = Signals::new()?;
        self.draw(true);
        // After the first frame: it must not wait for what the terminal says.
        for effect in first_questions(&mut self.state) {
            self.carry_out(effect, backend);
        }
        let _watch = watch::Watch::start(&self.state.options, self.inbox.sender());
        while !self.quit {
            let wake = self.wake_in();
            let frame = self.frame_at();
            let first = tokio::select! {
                biased;
                signal = signals.next() => Some(Event::Signal(signal)),
                input = terminal.next() => term::event(input, &self.hits),
                event = self.inbox.next() => Some(event),
                event = backend.next() => Some(event),
                () = sleep(wake) => Some(Event::Tick),
                () = sleep_until(frame) => None,
            };
            if let Some(event) = first {
                self.hear(event, backend);
            }
            self.drain(&mut terminal, backend).await;
            self.draw(false);
        }
        match &self.state.phase {
            Phase::Failed(error) => Err(error.clone()),
            _ => Ok(()),
        }
    }

    /// Takes all that is waiting, so that a flood costs one frame. Waits for nothing, but polls as this task: a source
    /// may wake only the one who asked it last.
    async fn drain<T, B>(&mut self, terminal: &mut T, backend: &mut B)
    where
        T: Stream<Item = io::Result<crossterm::event::Event>> + Unpin,
        B: Backend,
    {
        for _ in 0..BATCH {
            if self.quit {
                return;
            }
            // Keys first: they must not wait behind a flood.
            let event = if let Poll::Ready(input) = poll!(terminal.next()) {
                match term::event(input, &self.hits) {
                    Some(event) => event,
                    None => continue,
                }
            } else if let Poll::Ready(event) = poll!(pin!(self.inbox.next())) {
                event
            } else if let Poll::Ready(event) = poll!(pin!(backend.next())) {
                event
            } else {
                return;
            };
            self.hear(event, backend);
        }
    }

    /// Takes an event, unless it is part of what the terminal answers.
    fn hear(&mut self, event: Event, backend: &mut impl Backend) {
        for event in self.reports.take(event) {
            self.take(event, backend);
        }
    }

    fn take(&mut self, event: Event, backend: &mut impl Backend) {
        self.dirty = true;
        panics::on_purpose(&event);
        for effect in self.update(event) {
            self.carry_out(effect, backend);
        }
    }

    /// Takes and records an event, at one time for both.
    fn update(&mut self, event: Event) -> Vec<Effect> {
        let now = now();
        if let Some(recorder) = &mut self.recorder {
            recorder.event(now, &event);
        }
        update(&mut self.state, event, now)
    }

    fn carry_out(&mut self, effect: Effect, backend: &mut impl Backend) {
        let mut done = Ok(());
        match effect {
            Effect::Quit => self.quit = true,
            Effect::Copy(text) => done = self.screen.copy(&text),
            Effect::Mouse(on) => done = self.screen.set_mouse(on),
            Effect::Suspend => done = self.screen.suspend(),
            Effect::AskBackground => {
                self.reports.expect();
                done = self.screen.ask(report::QUESTION);
            }
            Effect::Request { tag, command } => backend.request(&self.inbox, tag, command),
            Effect::ReadSettings => exec::settings(self.inbox.sender(), self.state.options.source.clone(), None),
            Effect::WriteSetting { name, value } => {
                exec::settings(self.inbox.sender(), self.state.options.source.clone(), Some((name, value)));
            }
            Effect::ReadDir { path } => backend.read_dir(&self.inbox, path),
        }
        // A terminal that cannot be written to is gone.
        self.quit |= done.is_err();
    }

    /// The least time between two frames.
    fn frame(&self) -> Duration {
        Duration::from_secs(1) / self.state.options.frame_rate.clamp(1, 30)
    }

    /// Writes down what was shown, for the next time. What keeps it from being written is no reason to complain to
    /// somebody who leaves.
    fn keep_session(&self) {
        let started = !matches!(self.state.phase, Phase::Failed(_));
        if let Some(files) = self.state.options.files.as_ref().filter(|_| started)
            && let Err(error) = session::save(&files.session, &session::Session::of(&self.state))
        {
            tracing::debug!(%error, "what was shown is not kept");
        }
    }

    /// How long until the state wants a tick.
    fn wake_in(&self) -> Option<Duration> {
        let now = now();
        self.state.next_wake(now).map(|at| Duration::from_millis(at.saturating_sub(now.unix_ms)))
    }

    /// When the next frame may be drawn; none while there is nothing to draw.
    fn frame_at(&self) -> Option<Instant> {
        self.dirty.then(|| self.last_frame.map_or_else(Instant::now, |last| last + self.frame()))
    }

    fn draw(&mut self, at_once: bool) {
        let due = at_once || self.frame_at().is_some_and(|at| at <= Instant::now());
        if !due || self.quit {
            return;
        }
        self.state.now = now();
        // The second round is for lists: a frame tells how many rows they have, and the selection must be among them.
        for _ in 0..2 {
            match self.screen.draw(&self.state) {
                Ok(hits) => self.hits = hits,
                Err(_) => {
                    self.quit = true;
                    return;
                }
            }
            if let Some(recorder) = &mut self.recorder {
                recorder.frame(self.state.now);
            }
            let Some(event) = viewport(&self.state, &self.hits) else { break };
            self.update(event);
        }
        self.last_frame = Some(Instant::now());
        self.dirty = false;
    }
}

/// The one place where the dashboard reads the clock.
pub fn now() -> Now {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Now { unix_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX) }
}

async fn sleep(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
