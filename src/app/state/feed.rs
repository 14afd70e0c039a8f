//! The live feed: newest first, pausable.

use std::collections::VecDeque;

use super::{Arrivals, Filter, ListView};
use crate::market::ReleaseId;
use crate::net::api::FeedItem;

/// Announcements kept; older ones fall off and are counted.
pub const MAX_FEED: usize = 512;

#[derive(Clone, Debug, Default)]
pub struct Feed {
    items: VecDeque<FeedItem>,
    /// What came while paused, oldest first.
    backlog: VecDeque<FeedItem>,
    pub paused: bool,
    pub view: ListView,
    pub filter: Filter,
    pub known: bool,
    /// Announcements that fell off the end.
    pub dropped: u64,
    pub arrivals: Arrivals,
}

impl Feed {
    pub fn items(&self) -> &VecDeque<FeedItem> {
        &self.items
    }

    /// How many wait for the pause to end.
    pub fn waiting(&self) -> usize {
        self.backlog.len()
    }

    /// Those the filter shows.
    pub fn visible(&self) -> Vec<&FeedItem> {
        self.items.iter().filter(|item| self.shows(item)).collect()
    }

    fn shows(&self, item: &FeedItem) -> bool {
        let publisher = if self.filter.is_active() { item.publisher.to_string() } else { String::new() };
        let fields = [item.name.as_str(), item.description.as_str(), item.category.as_str(), publisher.as_str()];
        self.filter.matches(fields)
    }

    pub fn selected(&self) -> Option<&FeedItem> {
        self.items.iter().filter(|item| self.shows(item)).nth(self.view.selected)
    }

    /// Takes the node's own list, newest first. A paused screen keeps still.
    pub fn set(&mut self, items: Vec<FeedItem>, rows: usize) {
        self.known = true;
        if self.paused {
            items.into_iter().rev().for_each(|item| self.hold(item));
            return;
        }
        let selected = self.selected().map(|item| item.release_id).filter(|_| self.view.selected > 0);
        self.items = items.into_iter().take(MAX_FEED).collect();
        let visible = self.visible();
        let len = visible.len();
        let index = selected.and_then(|id| visible.iter().position(|item| item.release_id == id)).unwrap_or(0);
        self.view.follow(index, len, rows);
    }

    /// A new announcement.
    pub fn push(&mut self, item: FeedItem, rows: usize) {
        if self.paused {
            self.hold(item);
        } else {
            self.show(item, rows);
        }
    }

    /// More peers have passed these on.
    pub fn heard(&mut self, counts: &[(ReleaseId, u32)]) {
        for (release, peers) in counts.iter().take(MAX_FEED) {
            let all = self.items.iter_mut().chain(&mut self.backlog);
            all.filter(|item| item.release_id == *release).for_each(|item| item.heard_from = *peers);
        }
    }

    fn hold(&mut self, item: FeedItem) {
        let same = |known: &FeedItem| known.release_id == item.release_id;
        if self.items.iter().any(same) || self.backlog.iter().any(same) {
            return;
        }
        if self.backlog.len() == MAX_FEED {
            self.backlog.pop_front();
            self.dropped += 1;
        }
        self.backlog.push_back(item);
    }

    fn show(&mut self, item: FeedItem, rows: usize) {
        if self.items.iter().any(|known| known.release_id == item.release_id) {
            return;
        }
        let shown = self.shows(&item);
        self.items.push_front(item);
        if self.items.len() > MAX_FEED {
            self.items.pop_back();
            self.dropped += 1;
        }
        let len = self.visible().len();
        // The top of the list follows what is new; a line that was chosen stays under the cursor.
        if shown && self.view.selected > 0 {
            self.view.follow(self.view.selected + 1, len, rows);
        } else {
            self.view.select(self.view.selected, len, rows);
        }
    }

    /// Stops the list, or lets in what waited.
    pub fn toggle_pause(&mut self, rows: usize) {
        self.paused = !self.paused;
        if !self.paused {
            for item in std::mem::take(&mut self.backlog) {
                self.show(item, rows);
            }
        }
    }
}
