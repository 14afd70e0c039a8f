//! A dashboard with a simulated node in virtual time: an hour passes in a moment, and always in the same way.

use super::Sim;
use crate::app::age::Now;
use crate::app::effect::Effect;
use crate::app::event::Event;
use crate::app::hit::HitMap;
use crate::app::state::{DashboardOptions, State};
use crate::app::update::update;

/// A simulation, a dashboard and their clock.
pub struct Rehearsal {
    sim: Sim,
    state: State,
    now: Now,
}

impl Rehearsal {
    /// Before anything happened.
    pub fn new(sim: Sim, options: DashboardOptions, size: (u16, u16), begin: Now) -> Self {
        let mut state = State::new(options, begin);
        state.size = size;
        Self { sim, state, now: begin }
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    pub fn now(&self) -> Now {
        self.now
    }

    /// Something happens now; `watch` sees it before it is taken.
    pub fn event(&mut self, event: Event, watch: &mut impl FnMut(Now, &Event)) {
        watch(self.now, &event);
        for effect in update(&mut self.state, event, self.now) {
            match effect {
                Effect::Request { tag, command } => self.sim.request(tag, command, self.now),
                Effect::ReadDir { path } => self.sim.read_dir(path, self.now),
                Effect::ReadSettings => self.sim.settings(None, self.now),
                Effect::WriteSetting { name, .. } => self.sim.settings(Some(name), self.now),
                // What concerns the terminal alone has no place here.
                _ => {}
            }
        }
    }

    /// Time passes, with all that happens in it.
    pub fn run_until(&mut self, until: Now, watch: &mut impl FnMut(Now, &Event)) {
        loop {
            let sim = self.sim.next_at().map(|at| at.max(self.now.unix_ms));
            // A wish for a tick that is due already comes true a moment later, as in the real loop.
            let tick = self.state.next_wake(self.now).map(|at| at.max(self.now.unix_ms + 1));
            let Some(at) = [sim, tick].into_iter().flatten().min().filter(|at| *at <= until.unix_ms) else { break };
            self.now = Now { unix_ms: at };
            let event =
                if sim == Some(at) { self.sim.pop(self.now).map(|(_, event)| event) } else { Some(Event::Tick) };
            if let Some(event) = event {
                self.event(event, watch);
            }
        }
        self.now = until;
    }

    /// A frame, as the event loop draws it: once more where the first tells of another number of rows.
    pub fn frame(&mut self, draw: &mut impl FnMut(&State) -> HitMap, watch: &mut impl FnMut(Now, &Event)) {
        self.state.now = self.now;
        for _ in 0..2 {
            let Some(event) = viewport(&self.state, &draw(&self.state)) else { break };
            self.event(event, watch);
        }
    }
}

/// What a frame changes, if anything: how many rows the list on screen has, and what found no room.
pub fn viewport(state: &State, hits: &HitMap) -> Option<Event> {
    // A frame without a list says nothing about the rows of the next one.
    let rows = if hits.list_rows == 0 { state.list_rows } else { hits.list_rows.into() };
    let HitMap { detail_end, dialog_end, .. } = *hits;
    let known = (state.list_rows, state.detail_end, state.dialog_end);
    let changed = (rows, usize::from(detail_end), usize::from(dialog_end)) != known;
    let rows = u16::try_from(rows).unwrap_or(u16::MAX);
    changed.then_some(Event::Viewport { rows, detail_end, dialog_end })
}
