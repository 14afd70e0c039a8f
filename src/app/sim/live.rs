//! A simulation at the pace of the wall clock, in the place of a node.

use std::time::Duration;

use super::Sim;
use crate::app::event::{Event, Tag};
use crate::app::runtime::{Backend, Inbox, now};
use crate::net::NodeCommand;

/// The dashboard's other side.
pub struct LiveSim {
    sim: Sim,
}

impl LiveSim {
    pub fn new(sim: Sim) -> Self {
        Self { sim }
    }
}

impl Backend for LiveSim {
    async fn next(&mut self) -> Event {
        loop {
            let present = now();
            if let Some((_, event)) = self.sim.pop(present) {
                return event;
            }
            match self.sim.next_at() {
                Some(at) => {
                    tokio::time::sleep(Duration::from_millis(at.saturating_sub(present.unix_ms).max(1))).await;
                }
                None => std::future::pending().await,
            }
        }
    }

    fn request(&mut self, _inbox: &Inbox, tag: Tag, command: NodeCommand) {
        self.sim.request(tag, command, now());
    }

    fn read_dir(&mut self, _inbox: &Inbox, path: String) {
        self.sim.read_dir(path, now());
    }

    async fn finish(self) {}
}
