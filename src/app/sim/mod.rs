//! A simulated node: a script that brings the very events a node would, and answers what the dashboard asks. The same seed
//! and the same requests at the same times give the same events, so it serves as a test bed, a benchmark and a picture book.
//! It holds no keys, opens no connection and touches no file; the dashboard says all the time that it is a simulation.

mod acts;
mod answers;
mod hostile;
mod live;
mod lookup;
mod making;
mod packages;
mod peers;
mod publishing;
mod random;
mod rehearsal;
#[cfg(test)]
mod tests;
mod transfers;
mod trust;
mod world;

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

pub use live::LiveSim;
pub use rehearsal::{Rehearsal, viewport};

use super::age::Now;
use super::event::{DirEntry, Event, Listing, Tag};
use crate::app::settings::{Sheet, nothing_kept};
use crate::config::load;
use crate::net::{NodeCommand, NodeError, NodeEvent, NodeReply};
use acts::Act;
use hostile::Poison;
use world::World;

/// When simulations that are not shown live begin: 1 January 2026.
pub const BEGIN: Now = Now { unix_ms: 1_767_225_600_000 };

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// Nothing, once the node is up.
    Quiet,
    /// Peers come and go, packages are announced and fetched, liars are caught.
    Busy,
    /// Ten thousand events a second.
    Flood,
    /// As busy, and everybody writes what no terminal should obey.
    Hostile,
}

impl Script {
    pub const ALL: [Self; 4] = [Self::Quiet, Self::Busy, Self::Flood, Self::Hostile];

    pub fn name(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Busy => "busy",
            Self::Flood => "flood",
            Self::Hostile => "hostile",
        }
    }
}

impl FromStr for Script {
    type Err = NodeError;

    fn from_str(name: &str) -> Result<Self, NodeError> {
        let found = Self::ALL.into_iter().find(|script| script.name() == name);
        let names = Self::ALL.map(Self::name).join(", ");
        found.ok_or_else(|| super::failure::usage("there is no such simulation").hint(format!("there are {names}")))
    }
}

/// What is to happen at a time.
enum Due {
    Act(Act),
    Say(Box<Event>),
}

/// A simulated node and its clock, which is whatever it is told.
pub struct Sim {
    script: Script,
    world: World,
    poison: Option<Poison>,
    /// By time (Unix ms) and order.
    due: BTreeMap<(u64, u64), Due>,
    order: u64,
}

impl Sim {
    pub fn new(script: Script, seed: u64, begin: Now) -> Self {
        let world = World::new(script, seed, begin);
        let poison = (script == Script::Hostile).then(|| Poison::new(seed));
        let mut sim = Self { script, world, poison, due: BTreeMap::new(), order: 0 };
        sim.say(begin.plus(120), Event::NodeReady { remote: false });
        for (act, after) in acts::beginning(script) {
            sim.plan(begin.plus(after), act);
        }
        sim
    }

    pub fn script(&self) -> Script {
        self.script
    }

    /// When the next thing happens, Unix ms.
    pub fn next_at(&self) -> Option<u64> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next event that is due by `until`, and its time.
    pub fn pop(&mut self, until: Now) -> Option<(Now, Event)> {
        loop {
            let ((at, _), _) = self.due.first_key_value().filter(|((at, _), _)| *at <= until.unix_ms)?;
            let at = Now { unix_ms: *at };
            match self.due.pop_first()?.1 {
                Due::Say(event) => return Some((at, *event)),
                Due::Act(act) => acts::perform(self, act, at, until),
            }
        }
    }

    /// A request of the dashboard; the answer is one of the next events.
    pub fn request(&mut self, tag: Tag, command: NodeCommand, now: Now) {
        answers::answer(self, tag, command, now);
    }

    /// A listing of a directory that is simulated too.
    pub fn read_dir(&mut self, path: String, now: Now) {
        let entries = ["grid-shapes", "hello-templates", "notes"].map(|name| {
            let package = name != "notes";
            DirEntry { name: name.to_owned(), package }
        });
        let listing = Ok(Listing { entries: entries.to_vec(), ..Listing::default() });
        self.say(now.plus(3), Event::Directory { path, listing });
    }

    /// The settings are the defaults, whatever this machine says, and stay so.
    pub fn settings(&mut self, wrote: Option<String>, now: Now) {
        let result = match &wrote {
            None => {
                load::load_from(Path::new("p2p-config.toml"), None, [], &[]).map(Sheet::of).map_err(NodeError::from)
            }
            Some(_) => Err(nothing_kept()),
        };
        self.say(now.plus(2), Event::Settings { wrote, result });
    }

    fn plan(&mut self, at: Now, act: Act) {
        self.order += 1;
        self.due.insert((at.unix_ms, self.order), Due::Act(act));
    }

    fn say(&mut self, at: Now, event: Event) {
        self.order += 1;
        self.due.insert((at.unix_ms, self.order), Due::Say(Box::new(event)));
    }

    /// The node tells something.
    fn tell(&mut self, at: Now, event: NodeEvent) {
        let event = match &mut self.poison {
            Some(poison) => poison.spoil(event),
            None => event,
        };
        self.say(at, Event::Node(event));
    }

    /// The node answers.
    fn reply(&mut self, at: Now, tag: Tag, result: Result<NodeReply, NodeError>) {
        let result = match (&mut self.poison, result) {
            (Some(poison), Ok(reply)) => Ok(poison.spoil(reply)),
            (_, result) => result,
        };
        self.say(at, Event::Reply { tag, result });
    }
}
