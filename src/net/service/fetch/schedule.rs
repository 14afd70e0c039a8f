//! Which leaf is asked of whom: a state machine without IO, told of what happens and when.
//!
//! A *lane* is a provider that a download draws from. Each has a window, the leaves asked of it and not yet here, as wide as
//! its speed and its delay call for. Near the end, when every leaf left is asked of somebody, a lane without work asks for
//! the ones that would come later from where they were asked first.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use crate::market::merkle::LEAF_SIZE;

/// Leaves asked of one lane at a time.
const WINDOW: std::ops::RangeInclusive<usize> = 2..=32;
/// The window before anything is known of a lane, and of one that is fast whatever its delay.
const USUAL_WINDOW: usize = 4;
/// Of twice what is under way at full speed, so that a lane whose window holds it back is asked for more.
const HEADROOM: f64 = 2.0;
/// Between two measurements of a lane's speed.
const SAMPLE: Duration = Duration::from_millis(100);
/// Lanes that may be asked for the same leaf.
const MAX_ASKED: u8 = 2;
/// A lane of which nothing has come for so long is taken for one that never delivers.
const UNPROVEN: Duration = Duration::from_secs(1);
/// How long a lane may show what it can before it can be told to make room.
const TRIAL: Duration = Duration::from_secs(3);
/// Bytes a second below which a lane makes room for others who wait.
const SLOW: f64 = 16.0 * 1024.0;
/// So does one that has this part of the fastest lane's speed.
const TOO_SLOW: f64 = 0.1;

/// Names a lane for as long as the download runs.
pub type LaneId = u64;

/// The state of one download.
#[derive(Debug)]
pub struct Schedule {
    leaves: Vec<Leaf>,
    /// Leaves that are not here.
    left: usize,
    lanes: BTreeMap<LaneId, Lane>,
    next_lane: LaneId,
    /// Makes downloads that share what they have ask for different leaves first.
    seed: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Leaf {
    here: bool,
    /// Lanes that are asked for it.
    asked: u8,
}

#[derive(Debug)]
struct Lane {
    /// None: every leaf.
    holds: Option<Vec<bool>>,
    asked: VecDeque<Asked>,
    since: Instant,
    /// The last measurement, and the bytes that had come by then.
    measured: (Instant, u64),
    /// Bytes a second, smoothed.
    rate: Option<f64>,
    /// The shortest time from asking for a leaf to having it.
    quickest: Option<Duration>,
    delivered: u64,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    leaf: u32,
    at: Instant,
}

/// What is known of a lane.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Standing {
    /// Verified leaves that came from it first.
    pub delivered: u64,
    /// Leaves asked of it and not yet here.
    pub asked: usize,
    /// Bytes a second; none while not known.
    pub rate: Option<f64>,
}

impl Schedule {
    /// Of a download of so many leaves, none of them here.
    pub fn new(leaves: usize, seed: u64) -> Self {
        Self { leaves: vec![Leaf::default(); leaves], left: leaves, lanes: BTreeMap::new(), next_lane: 0, seed }
    }

    /// A new lane. `holds`: which leaves it has; none is all of them.
    pub fn join(&mut self, holds: Option<Vec<bool>>, now: Instant) -> LaneId {
        self.next_lane += 1;
        let lane = Lane {
            holds,
            asked: VecDeque::new(),
            since: now,
            measured: (now, 0),
            rate: None,
            quickest: None,
            delivered: 0,
        };
        self.lanes.insert(self.next_lane, lane);
        self.next_lane
    }

    /// The lane is gone; others take over what was asked of it.
    pub fn leave(&mut self, lane: LaneId) {
        let Some(gone) = self.lanes.remove(&lane) else { return };
        gone.asked.iter().for_each(|asked| self.unask(asked.leaf));
    }

    /// The leaves to ask `lane` for now, in this order; to be asked for at once.
    pub fn next(&mut self, lane: LaneId, now: Instant) -> Vec<u32> {
        let Some((asked, window)) = self.lanes.get(&lane).map(|lane| (lane.asked.len(), lane.window())) else {
            return Vec::new();
        };
        // Several in one request, rather than one request for each leaf that comes.
        if asked > window / 2 {
            return Vec::new();
        }
        let mut picked = self.missing(lane, window - asked);
        if picked.is_empty() && asked == 0 {
            picked.extend(self.steal(lane, now));
        }
        for leaf in &picked {
            if let Some(leaf) = self.leaves.get_mut(*leaf as usize) {
                leaf.asked += 1;
            }
        }
        if let Some(lane) = self.lanes.get_mut(&lane) {
            if lane.asked.is_empty() {
                // Time without work says nothing of its speed.
                lane.measured.0 = now;
            }
            lane.asked.extend(picked.iter().map(|leaf| Asked { leaf: *leaf, at: now }));
        }
        picked
    }

    /// Leaves that nobody is asked for, those first that the fewest lanes have.
    fn missing(&self, lane: LaneId, most: usize) -> Vec<u32> {
        let Some(own) = self.lanes.get(&lane) else { return Vec::new() };
        let free = (0u32..).zip(&self.leaves).filter(|(index, leaf)| !leaf.here && leaf.asked == 0 && own.has(*index));
        if self.lanes.values().all(|lane| lane.holds.is_none()) {
            return free.map(|(index, _)| index).take(most).collect();
        }
        let mut free: Vec<(usize, u64, u32)> =
            free.map(|(index, _)| (self.holders(index), mixed(self.seed, index), index)).collect();
        free.sort_unstable();
        free.into_iter().map(|(.., index)| index).take(most).collect()
    }

    fn holders(&self, leaf: u32) -> usize {
        self.lanes.values().filter(|lane| lane.has(leaf)).count()
    }

    /// The leaf that `lane` would bring the longest time before the one who is asked for it.
    fn steal(&self, lane: LaneId, now: Instant) -> Option<u32> {
        let own = self.lanes.get(&lane)?;
        // Too fast, or too new, to have been measured: a guess that is soon put right.
        let mine = own.rate.map_or(UNPROVEN.as_secs_f64(), |rate| LEAF_SIZE as f64 / rate.max(1.0));
        let others = self.lanes.iter().filter(|(id, _)| **id != lane).flat_map(|(_, other)| {
            other.asked.iter().enumerate().map(move |(place, asked)| (asked.leaf, other.due(place, *asked, now)))
        });
        let worth = others.filter(|(leaf, due)| {
            let open = self.leaves.get(*leaf as usize).is_some_and(|leaf| !leaf.here && leaf.asked < MAX_ASKED);
            // Twice as fast, or it would as often be for nothing.
            open && own.has(*leaf) && 2.0 * mine < *due
        });
        worth.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(leaf, _)| leaf)
    }

    /// A leaf that `lane` was asked for is here, verified. `false`: it was before.
    pub fn arrived(&mut self, lane: LaneId, leaf: u32, now: Instant) -> bool {
        self.answered(lane, leaf, now);
        let new = self.here(leaf);
        if let Some(lane) = self.lanes.get_mut(&lane).filter(|_| new) {
            lane.delivered += 1;
        }
        new
    }

    /// A leaf is here, wherever it came from. `false`: it was before.
    pub fn here(&mut self, leaf: u32) -> bool {
        let Some(leaf) = self.leaves.get_mut(leaf as usize).filter(|leaf| !leaf.here) else { return false };
        leaf.here = true;
        self.left = self.left.saturating_sub(1);
        true
    }

    /// `lane` does not have a leaf that it was asked for.
    pub fn lacks(&mut self, lane: LaneId, leaf: u32) {
        let count = self.leaves.len();
        let Some(own) = self.lanes.get_mut(&lane) else { return };
        let holds = own.holds.get_or_insert_with(|| vec![true; count]);
        if let Some(held) = holds.get_mut(leaf as usize) {
            *held = false;
        }
        self.withdraw(lane, leaf);
    }

    /// `lane` will not answer for a leaf that it was asked for.
    pub fn withdraw(&mut self, lane: LaneId, leaf: u32) {
        let Some(own) = self.lanes.get_mut(&lane) else { return };
        let before = own.asked.len();
        own.asked.retain(|asked| asked.leaf != leaf);
        if own.asked.len() < before {
            self.unask(leaf);
        }
    }

    /// `lane` says what it has.
    pub fn holds(&mut self, lane: LaneId, holds: Vec<bool>) {
        if let Some(lane) = self.lanes.get_mut(&lane) {
            lane.holds = Some(holds);
        }
    }

    fn answered(&mut self, lane: LaneId, leaf: u32, now: Instant) {
        let Some(own) = self.lanes.get_mut(&lane) else { return };
        let Some(place) = own.asked.iter().position(|asked| asked.leaf == leaf) else { return };
        if let Some(asked) = own.asked.remove(place) {
            let took = now.saturating_duration_since(asked.at);
            own.quickest = Some(own.quickest.map_or(took, |before| before.min(took)));
            self.unask(leaf);
        }
    }

    fn unask(&mut self, leaf: u32) {
        if let Some(leaf) = self.leaves.get_mut(leaf as usize) {
            leaf.asked = leaf.asked.saturating_sub(1);
        }
    }

    /// So many bytes have come from `lane` in all, verified or not.
    pub fn measure(&mut self, lane: LaneId, bytes: u64, now: Instant) {
        let Some(lane) = self.lanes.get_mut(&lane) else { return };
        let span = now.saturating_duration_since(lane.measured.0);
        if span < SAMPLE || lane.asked.is_empty() {
            return;
        }
        let latest = bytes.saturating_sub(lane.measured.1) as f64 / span.as_secs_f64();
        lane.rate = Some(lane.rate.map_or(latest, |before| (before + latest) / 2.0));
        lane.measured = (now, bytes);
    }

    /// The lane that is to make room for somebody who waits: the slowest, when it has had its trial and is far behind.
    pub fn hindrance(&self, now: Instant) -> Option<LaneId> {
        let best = self.lanes.values().filter_map(|lane| lane.rate).fold(0.0, f64::max);
        let tried = self.lanes.iter().filter(|(_, lane)| now.saturating_duration_since(lane.since) >= TRIAL);
        // One that has nothing to do has nothing that is wanted.
        let speed = |lane: &Lane| if lane.asked.is_empty() { 0.0 } else { lane.rate.unwrap_or(0.0) };
        let (id, slowest) = tried.map(|(id, lane)| (*id, speed(lane))).min_by(|a, b| a.1.total_cmp(&b.1))?;
        (slowest < SLOW.max(best * TOO_SLOW)).then_some(id)
    }

    /// What is known of `lane`.
    pub fn standing(&self, lane: LaneId) -> Standing {
        self.lanes.get(&lane).map_or_else(Standing::default, |lane| Standing {
            delivered: lane.delivered,
            asked: lane.asked.len(),
            rate: lane.rate,
        })
    }

    pub fn is_here(&self, leaf: u32) -> bool {
        self.leaves.get(leaf as usize).is_some_and(|leaf| leaf.here)
    }

    /// For each leaf whether it is here.
    pub fn bitmap(&self) -> impl Iterator<Item = bool> + '_ {
        self.leaves.iter().map(|leaf| leaf.here)
    }

    /// Leaves of the download.
    pub fn all(&self) -> usize {
        self.leaves.len()
    }

    /// Leaves that are not here.
    pub fn left(&self) -> usize {
        self.left
    }
}

impl Lane {
    fn has(&self, leaf: u32) -> bool {
        self.holds.as_ref().is_none_or(|holds| holds.get(leaf as usize).copied().unwrap_or(false))
    }

    /// Leaves to be under way: what the line holds, with headroom; to a fast one never so few that it waits for a question.
    fn window(&self) -> usize {
        let (Some(rate), Some(quickest)) = (self.rate, self.quickest) else { return USUAL_WINDOW };
        let leaves = |seconds: f64| (rate * seconds / LEAF_SIZE as f64).ceil() as usize;
        let at_least = leaves(0.25).min(USUAL_WINDOW);
        leaves(HEADROOM * quickest.as_secs_f64()).max(at_least).clamp(*WINDOW.start(), *WINDOW.end())
    }

    /// Seconds until the leaf asked for at `place` can be expected.
    fn due(&self, place: usize, asked: Asked, now: Instant) -> f64 {
        match self.rate {
            Some(rate) => (place + 1) as f64 * LEAF_SIZE as f64 / rate.max(f64::MIN_POSITIVE),
            None if now.saturating_duration_since(asked.at) >= UNPROVEN => f64::INFINITY,
            None => 0.0,
        }
    }
}

/// An order of the leaves that looks like chance, and is another for another seed.
fn mixed(seed: u64, leaf: u32) -> u64 {
    let mut mixed = seed ^ u64::from(leaf).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 27)
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
