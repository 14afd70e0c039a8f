//! What the DHT pane shows.

use super::ListView;
use crate::net::NodeError;
use crate::net::api::{DhtInfo, DhtQuery, LookupAnswer};

/// Queries shown at most; the node sends as many at most.
pub const MAX_QUERIES: usize = 32;

/// Something that is looked up by hand.
#[derive(Clone, Debug, PartialEq)]
pub struct Lookup {
    pub what: String,
    /// None while it is under way.
    pub answer: Option<Result<LookupAnswer, NodeError>>,
}

#[derive(Clone, Debug, Default)]
pub struct Dht {
    pub lookup: Option<Lookup>,
    pub info: Option<DhtInfo>,
    pub view: ListView,
}

impl Dht {
    pub fn queries(&self) -> &[DhtQuery] {
        self.info.as_ref().map_or(&[], |info| info.queries.as_slice())
    }

    pub fn set(&mut self, mut info: DhtInfo, rows: usize) {
        let selected = self.queries().get(self.view.selected).map(|query| query.id);
        info.queries.truncate(MAX_QUERIES);
        info.buckets.truncate(256);
        info.points.truncate(256);
        let len = info.queries.len();
        let at = selected.and_then(|id| info.queries.iter().position(|query| query.id == id));
        self.info = Some(info);
        // The first line stays first: there is what has just begun.
        match at.filter(|_| self.view.selected > 0) {
            Some(index) => self.view.follow(index, len, rows),
            None => self.view.select(self.view.selected, len, rows),
        }
    }
}
