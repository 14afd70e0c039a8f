//! When the screen would change by itself: the next moment worth a tick.

use super::{Phase, STEP_S, State, Tab, TransferRow};
use crate::app::age::{Now, next_change};

/// Feed lines that the overview shows at most.
pub const OVERVIEW_FEED: usize = 24;

impl State {
    /// The next time, in Unix ms, at which something is due or a visible text would read otherwise; none while
    /// everything stands still.
    pub fn next_wake(&self, now: Now) -> Option<u64> {
        let due = [
            self.search.local_due,
            self.search.remote_due,
            self.search.detail_due,
            self.installed.extras_due,
            self.leave_at,
        ];
        let toasts = self.toasts.iter().map(|toast| toast.until);
        // A screen that stands still has ages that do, too.
        let still = self.frozen.is_some();
        let ages = self.visible_ages(now).into_iter().map(|age| next_change(age).saturating_mul(1000));
        let next_age = ages.min().filter(|_| !still).map(|wait| (now.secs() * 1000).saturating_add(wait));
        let traffic = self.traffic_moves_in(now).filter(|_| !still).map(|wait| (now.secs() + wait) * 1000);
        let stalls = self.transfers.rows().iter().filter_map(TransferRow::stalls_at).map(|at| at.unix_ms);
        let stalls = stalls.filter(|at| !still && self.tab == Tab::Transfers && *at > now.unix_ms);
        due.into_iter()
            .flatten()
            .chain(toasts)
            .chain(next_age)
            .chain(traffic)
            .chain(stalls)
            .chain(self.rate_moves().filter(|_| !still))
            .min()
    }

    /// When the bars of the feed glide on, while there is one.
    fn rate_moves(&self) -> Option<u64> {
        let shown = self.tab == Tab::Feed && !self.feed.arrivals.is_quiet();
        shown.then(|| (self.now.secs() / STEP_S + 1) * STEP_S * 1000)
    }

    /// Seconds until the traffic on screen is another. The header's rates are on every tab; the last minute is only on
    /// the overview, where it glides in steps of five seconds once nothing moves.
    fn traffic_moves_in(&self, now: Now) -> Option<u64> {
        match self.rate() {
            Some((down, up)) if down > 0 || up > 0 => Some(1),
            _ => (self.tab == Tab::Overview && !self.traffic.is_quiet()).then(|| 5 - now.secs() % 5),
        }
    }

    /// Ages in seconds that the tab on screen shows.
    fn visible_ages(&self, now: Now) -> Vec<u64> {
        if matches!(self.phase, Phase::Failed(_)) {
            return Vec::new();
        }
        match self.tab {
            Tab::Overview => {
                let status = self.status.as_ref();
                let sync = status.and_then(|status| status.last_sync_at).map(|at| now.since(at));
                let uptime = self.uptime_s(now);
                let feed = self.feed.items().iter().take(OVERVIEW_FEED).map(|item| now.since(item.received_at));
                sync.into_iter().chain(uptime).chain(feed).collect()
            }
            Tab::Peers => self.peers.rows().iter().filter_map(|row| row.connected_s(now)).collect(),
            Tab::Feed => self.feed.items().iter().map(|item| now.since(item.received_at)).collect(),
            Tab::Search => {
                let published = self.search.selected().and_then(|hit| hit.published_at);
                published.map(|at| now.since(at)).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }
}
