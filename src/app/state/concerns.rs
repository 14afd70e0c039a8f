//! What is not as it should be, or could be better: for the overview.

use super::{Phase, State, Tab};
use crate::app::bytes;
use crate::net::api::Status;

/// A limit that was not hit for so long is no concern any more, seconds.
const RECENT: u64 = 3_600;

/// A catalogue may be behind for so long after the start, seconds.
const WARM_UP: u64 = 90;

/// How grave a concern is, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    Bad,
    Warning,
    Note,
}

/// One thing to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concern {
    pub weight: Weight,
    pub text: String,
    /// Where there is more about it.
    pub see: Option<Tab>,
}

impl State {
    /// What is wrong or could be better, the gravest first.
    pub fn concerns(&self) -> Vec<Concern> {
        let mut list = List(Vec::new());
        match self.phase {
            Phase::Gone { remote: true } => {
                let text = "the node has stopped: start it again, and this goes on; what you see is its last word";
                list.add(Weight::Bad, text, Some(Tab::Logs));
            }
            Phase::Gone { remote: false } => {
                list.add(Weight::Bad, "the node has stopped: what you see is its last word", Some(Tab::Logs));
            }
            _ => {}
        }
        if let Some(status) = &self.status {
            self.of_status(&mut list, status);
        }
        self.of_installed(&mut list);
        self.of_peers(&mut list);
        if self.lost > 0 {
            list.add(Weight::Warning, &format!("{} events were lost: this program was too slow", self.lost), None);
        }
        list.0.sort_by_key(|concern| concern.weight);
        list.0
    }

    fn of_status(&self, list: &mut List, status: &Status) {
        status.notices.iter().for_each(|notice| list.add(Weight::Warning, notice, None));
        let reach = &status.reachability;
        if reach.state == "unreachable" {
            list.add(Weight::Warning, &format!("others cannot reach this node: {}", reach.reason), Some(Tab::Settings));
        }
        let grown_up = self.uptime_s(self.now).is_some_and(|seconds| seconds > WARM_UP);
        if let Some(stale) = status.stale.as_ref().filter(|_| grown_up) {
            list.add(Weight::Warning, &format!("the catalogue may be behind: {stale}"), Some(Tab::Peers));
        }
        if status.catalog.full_since.is_some() {
            let text = "the catalogue is full: the oldest releases go (performance.catalog_limit)";
            list.add(Weight::Note, text, None);
        }
        let (used, quota) = (status.storage.bytes, status.storage.quota);
        if quota > 0 && used >= quota / 10 * 9 {
            let text = format!("the cache holds {} of {}", bytes::size(used), bytes::size(quota));
            let what = if status.storage.bound > quota { "; what is installed takes all" } else { "" };
            list.add(Weight::Warning, &format!("{text}{what} (storage.max_cache_size)"), None);
        }
        for limit in status.limits.iter().filter(|limit| self.now.since(limit.last_at) < RECENT) {
            let times = if limit.hits == 1 { "once".to_owned() } else { format!("{} times", limit.hits) };
            // The setting is in the status and the guide.
            let what = limit.what.split(" (").next().unwrap_or(&limit.what);
            list.add(Weight::Note, &format!("a limit was hit {times}: {what}"), None);
        }
        for index in &status.central {
            if let Some(error) = &index.error {
                list.add(Weight::Warning, &format!("central index {}: {error}", index.location), Some(Tab::Search));
            }
        }
    }

    fn of_installed(&self, list: &mut List) {
        for one in self.installed.all() {
            if let Some(why) = &one.revoked {
                let text = format!("the key of {} {}, which is installed, was revoked: {why}", one.name, one.version);
                list.add(Weight::Bad, &text, Some(Tab::Installed));
            } else if let Some(why) = &one.yanked {
                let text = format!("{} {}, which is installed, was withdrawn: {why}", one.name, one.version);
                list.add(Weight::Bad, &text, Some(Tab::Installed));
            }
        }
        let newer: Vec<_> = self
            .installed
            .newer
            .iter()
            .flatten()
            .map(|(_, one)| one)
            .filter(|one| one.latest > one.installed)
            .collect();
        match newer.as_slice() {
            [] => {}
            [one] => {
                let text = format!("{} {} is out; {} is installed", one.name, one.latest, one.installed);
                list.add(Weight::Note, &text, Some(Tab::Installed));
            }
            [first, ..] => {
                let text = format!("{} installed packages have newer versions: {}, …", newer.len(), first.name);
                list.add(Weight::Note, &text, Some(Tab::Installed));
            }
        }
    }

    fn of_peers(&self, list: &mut List) {
        let mut banned = self.peers.rows().iter().filter(|row| row.info.banned);
        if let Some(first) = banned.next() {
            let why = first.info.ban_reason.as_deref().unwrap_or("no reason given");
            let text = match banned.count() {
                0 => format!("1 peer is banned: {why}"),
                more => format!("{} peers are banned, one because: {why}", more + 1),
            };
            list.add(Weight::Note, &text, Some(Tab::Peers));
        }
        let away = self.peers.rows().iter().filter(|row| row.info.kept && !row.info.connected && !row.info.banned);
        match away.count() {
            0 => {}
            1 => list.add(Weight::Warning, "a kept peer is away and dialled again", Some(Tab::Peers)),
            n => list.add(Weight::Warning, &format!("{n} kept peers are away and dialled again"), Some(Tab::Peers)),
        }
    }
}

struct List(Vec<Concern>);

impl List {
    fn add(&mut self, weight: Weight, text: &str, see: Option<Tab>) {
        self.0.push(Concern { weight, text: text.to_owned(), see });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::age::Now;
    use crate::net::api::{LimitHit, PeerInfo, ReachInfo, StorageStatus};

    fn texts(state: &State) -> Vec<String> {
        state.concerns().into_iter().map(|concern| concern.text).collect()
    }

    #[test]
    fn nothing_is_known_and_nothing_is_wrong() {
        assert_eq!(texts(&State::default()), [""; 0]);
        let state = State { status: Some(Status::default()), ..State::default() };
        assert_eq!(texts(&state), [""; 0]);
    }

    #[test]
    fn what_is_wrong_is_told_the_gravest_first() {
        let now = Now { unix_ms: 10_000_000 };
        let limit = |last_at| LimitHit { what: "searches".into(), hits: 3, last_at, ..LimitHit::default() };
        let status = Status {
            limits: vec![limit(9_999), limit(1)],
            reachability: ReachInfo { state: "unreachable".into(), reason: "no port is open".into(), since: 0 },
            storage: StorageStatus { bytes: 95, quota: 100, ..StorageStatus::default() },
            stale: Some("no peer is connected".into()),
            ..Status::default()
        };
        let status_at = now.secs();
        let mut state =
            State { status: Some(status), status_at, now, phase: Phase::Ready { remote: false }, ..State::default() };
        assert_eq!(
            texts(&state),
            [
                "others cannot reach this node: no port is open",
                "the cache holds 95 B of 100 B (storage.max_cache_size)",
                "a limit was hit 3 times: searches",
            ]
        );
        if let Some(status) = &mut state.status {
            status.uptime_s = 100;
        }
        assert!(texts(&state).iter().any(|text| text.starts_with("the catalogue may be behind: no peer")));
        let banned = PeerInfo { banned: true, ban_reason: Some("it lied".into()), ..PeerInfo::default() };
        let kept = PeerInfo { peer_id: "kept".into(), kept: true, ..PeerInfo::default() };
        state.peers.set(vec![banned, kept], now, 5);
        assert!(texts(&state).contains(&"1 peer is banned: it lied".to_owned()));
        assert!(texts(&state).contains(&"a kept peer is away and dialled again".to_owned()));
        state.phase = Phase::Gone { remote: false };
        assert_eq!(state.concerns()[0].weight, Weight::Bad);
    }
}
