//! Going through a recording: forward as time goes, back and forth by frames. No IO and no clock: what time has passed is
//! an argument.

use std::collections::VecDeque;

use super::Recording;
use crate::app::age::Now;
use crate::app::state::State;
use crate::app::update::update;

/// States kept to go back to, evenly spread; going back replays from the nearest.
const CHECKPOINTS: usize = 32;

/// How fast time goes, in powers of two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Speed(i8);

impl Speed {
    const SLOWEST: i8 = -3;
    const FASTEST: i8 = 8;

    fn changed(self, by: i8) -> Self {
        Self(self.0.saturating_add(by).clamp(Self::SLOWEST, Self::FASTEST))
    }

    /// Milliseconds of the recording in `ms` milliseconds.
    fn of(self, ms: u64) -> u64 {
        if self.0 >= 0 { ms.saturating_mul(1 << self.0) } else { ms >> -self.0 }
    }

    /// Milliseconds in which `ms` milliseconds of the recording pass, rounded up.
    fn takes(self, ms: u64) -> u64 {
        if self.0 >= 0 { ms.div_ceil(1 << self.0) } else { ms.saturating_mul(1 << -self.0) }
    }
}

impl std::fmt::Display for Speed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 >= 0 { write!(f, "{}x", 1u32 << self.0) } else { write!(f, "1/{}x", 1u32 << -self.0) }
    }
}

/// A state and the entries it has taken.
#[derive(Clone)]
struct Place {
    state: State,
    next: usize,
}

/// A recording and a place in it.
pub struct Player {
    recording: Recording,
    place: Place,
    /// Milliseconds from the beginning.
    at: u64,
    pub paused: bool,
    pub speed: Speed,
    /// By `next`, ascending.
    kept: VecDeque<Place>,
    /// Entries from one kept state to the next.
    spread: usize,
}

impl Player {
    /// At the beginning, running.
    pub fn new(recording: Recording) -> Self {
        let place = Place { state: first_state(&recording), next: 0 };
        let spread = (recording.len() / CHECKPOINTS).max(256);
        Self { recording, place, at: 0, paused: false, speed: Speed::default(), kept: VecDeque::new(), spread }
    }

    pub fn recording(&self) -> &Recording {
        &self.recording
    }

    /// The state to draw.
    pub fn state(&self) -> &State {
        &self.place.state
    }

    /// Milliseconds from the beginning.
    pub fn at(&self) -> u64 {
        self.at
    }

    pub fn is_at_end(&self) -> bool {
        self.place.next >= self.recording.len()
    }

    /// The number of the frame on screen, from 1; 0 before the first.
    pub fn frame(&self) -> usize {
        self.recording.frames().partition_point(|entry| *entry < self.place.next)
    }

    /// Time passes.
    pub fn advance(&mut self, ms: u64) {
        if self.paused {
            return;
        }
        self.at = self.at.saturating_add(self.speed.of(ms)).min(self.recording.length());
        while self.recording.time(self.place.next).is_some_and(|time| time <= self.at) {
            self.take_entry();
        }
        self.paused = self.is_at_end();
    }

    /// Milliseconds until something happens; none while nothing will.
    pub fn next_in(&self) -> Option<u64> {
        let time = self.recording.time(self.place.next).filter(|_| !self.paused)?;
        Some(self.speed.takes(time.saturating_sub(self.at)))
    }

    /// Stops, or goes on; at the end, from the beginning.
    pub fn toggle(&mut self) {
        if self.is_at_end() {
            self.rewind();
            self.paused = false;
        } else {
            self.paused = !self.paused;
        }
    }

    /// To the next frame, and stays there.
    pub fn step_forward(&mut self) {
        self.paused = true;
        let next = self.recording.frames().get(self.frame()).copied();
        self.go_to(next.map_or(self.recording.len(), |entry| entry + 1));
    }

    /// To the frame before, and stays there.
    pub fn step_back(&mut self) {
        self.paused = true;
        let before = self.frame().checked_sub(2).and_then(|index| self.recording.frames().get(index));
        self.go_to(before.map_or(0, |entry| entry + 1));
    }

    pub fn faster(&mut self) {
        self.speed = self.speed.changed(1);
    }

    pub fn slower(&mut self) {
        self.speed = self.speed.changed(-1);
    }

    /// To a time, in milliseconds from the beginning, with all that happened until then; what was running goes on from there.
    pub fn seek(&mut self, at: u64) {
        let at = at.min(self.recording.length());
        self.go_to(self.recording.entries_until(at));
        self.at = at;
    }

    /// To the beginning, before anything happened.
    pub fn rewind(&mut self) {
        self.go_to(0);
    }

    /// Has taken exactly the entries before `next`.
    fn go_to(&mut self, next: usize) {
        if next < self.place.next {
            let kept = self.kept.partition_point(|place| place.next <= next).checked_sub(1);
            self.place = match kept.and_then(|index| self.kept.get(index)) {
                Some(place) => place.clone(),
                None => Place { state: first_state(&self.recording), next: 0 },
            };
        }
        while self.place.next < next.min(self.recording.len()) {
            self.take_entry();
        }
        self.at = self.place.next.checked_sub(1).and_then(|last| self.recording.time(last)).unwrap_or(0);
    }

    fn take_entry(&mut self) {
        let place = &mut self.place;
        if let Some(entry) = self.recording.entry(place.next) {
            let now = Now { unix_ms: entry.at };
            match entry.event {
                // What is to be done was done when it was recorded.
                Some(event) => drop(update(&mut place.state, event, now)),
                None => place.state.now = now,
            }
        }
        place.next += 1;
        if place.next.is_multiple_of(self.spread) && self.kept.back().is_none_or(|last| last.next < place.next) {
            self.kept.push_back(place.clone());
        }
    }
}

fn first_state(recording: &Recording) -> State {
    let header = recording.header();
    let began = Now { unix_ms: header.began };
    State { size: header.size, ..State::new(header.options.clone(), began) }
}
