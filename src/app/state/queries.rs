//! What can be asked of the state.

use super::{Phase, Shown, State, Step, Tab};
use crate::app::age::Now;
use crate::app::event::Tag;
use crate::app::settings::Setting;
use crate::config::keys;
use crate::market::store::InstallSource;
use crate::market::{PackageId, PackageName, PublisherKey};
use crate::net::api::{Direction, FeedItem, InstalledInfo, TransferInfo, Via};

/// Where the detail of a selected line goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DetailPlace {
    /// Right of the list.
    Side,
    /// Under the list.
    Below,
    /// Nowhere, until it is opened in place of the list.
    Over,
}

impl State {
    pub fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Ready { .. })
    }

    pub fn is_remote(&self) -> bool {
        self.phase == Phase::Ready { remote: true }
    }

    /// Seconds the node has been up; none where none is up.
    pub fn uptime_s(&self, now: Now) -> Option<u64> {
        let status = self.status.as_ref().filter(|_| self.is_ready())?;
        Some(status.uptime_s.saturating_add(now.since(self.status_at)))
    }

    /// Bytes a second in and out now; none while there is no node to say so.
    pub fn rate(&self) -> Option<(u64, u64)> {
        self.status.as_ref().filter(|_| self.is_ready()).map(|_| self.traffic.rate(self.now))
    }

    /// The network's name, as the node says, else as it was asked for.
    pub fn network(&self) -> &str {
        self.status
            .as_ref()
            .map(|status| status.network.as_str())
            .filter(|name| !name.is_empty())
            .unwrap_or(&self.options.network)
    }

    /// Addresses that others can connect to; those that are reachable from this machine only come last.
    pub fn own_addresses(&self) -> Vec<String> {
        let local = |addr: &String| addr.starts_with("/ip4/127.") || addr.starts_with("/ip6/::1/");
        let mut addrs: Vec<String> = self.status.iter().flat_map(|status| status.dialable_addrs()).take(16).collect();
        addrs.sort_by_key(local);
        addrs
    }

    /// Who published what is selected.
    pub fn publisher_of_line(&self) -> Option<PublisherKey> {
        match self.tab {
            Tab::Feed => self.feed.selected().map(|item| item.publisher),
            Tab::Search => self.search.selected().and_then(|hit| hit.publisher),
            _ => None,
        }
    }

    /// The address of the selected peer, as others dial it.
    pub fn peer_address(&self) -> Option<String> {
        let peer = self.peers.selected().filter(|_| self.tab == Tab::Peers)?;
        let addr = peer.addrs.first()?;
        let id = format!("/p2p/{}", peer.peer_id);
        Some(if addr.ends_with(&id) { addr.clone() } else { format!("{addr}{id}") })
    }

    pub fn detail_place(&self) -> DetailPlace {
        let (width, height) = self.size;
        match self.tab {
            Tab::Peers | Tab::Search | Tab::Feed | Tab::Installed | Tab::Settings if width >= 120 => DetailPlace::Side,
            Tab::Peers | Tab::Search | Tab::Transfers | Tab::Installed | Tab::Settings
                if height >= 22 && width >= 60 =>
            {
                DetailPlace::Below
            }
            _ => DetailPlace::Over,
        }
    }

    /// Whether a line with a detail is selected.
    pub fn has_detail(&self) -> bool {
        match self.tab {
            Tab::Peers => self.peers.selected().is_some(),
            Tab::Feed => self.feed.selected().is_some(),
            Tab::Search => self.search.selected().is_some(),
            Tab::Transfers => self.transfers.selected().is_some(),
            Tab::Installed => self.installed.selected().is_some(),
            Tab::Logs => self.logs.selected().is_some(),
            Tab::Settings => self.settings.selected().is_some(),
            _ => false,
        }
    }

    /// Whether the detail is all that is on screen.
    pub fn shows_detail(&self) -> bool {
        self.detail_open && self.has_detail()
    }

    pub fn can_open(&self) -> bool {
        !self.detail_open && self.has_detail()
    }

    /// Whether going back takes the messages off the screen.
    pub fn dismisses(&self) -> bool {
        !self.shows_detail() && !self.toasts.is_empty()
    }

    pub fn can_go_back(&self) -> bool {
        self.shows_detail()
            || self.dismisses()
            || self.filter().is_some_and(|filter| filter.is_active())
            || (self.tab == Tab::Dht && self.dht.lookup.is_some())
            || (self.tab == Tab::Publish && !matches!(self.publish.step, Step::Path | Step::Working))
    }

    pub fn can_install(&self) -> bool {
        self.is_ready()
            && match self.tab {
                Tab::Search => self.search.selected().is_some(),
                Tab::Feed => self.feed.selected().is_some_and(|item| !item.yanked),
                Tab::Installed => self.installed.selected().is_some(),
                _ => false,
            }
    }

    /// The limit of transfers that holds, where the setting for it says another.
    pub fn held_limit(&self, setting: &Setting) -> Option<u64> {
        let (rates, set) = (self.status.as_ref()?.rates, self.settings.limits()?);
        let (held, set) = match setting.name.as_str() {
            keys::DOWNLOAD_LIMIT => (rates.download, set.download),
            keys::UPLOAD_LIMIT => (rates.upload, set.upload),
            _ => return None,
        };
        (held != set).then_some(held)
    }

    /// Whether this version is being installed, as it was asked for here.
    pub fn is_installing(&self, name: &PackageName, version: &semver::Version) -> bool {
        let is_it = |what: &str| what.split_once(' ') == Some((name.as_str(), version.to_string().as_str()));
        self.pending.iter().any(|pending| matches!(&pending.tag, Tag::Install { what } if is_it(what)))
    }

    /// Where an installed package came from. One that this node published was not fetched from anybody.
    pub fn source_of(&self, one: &InstalledInfo) -> String {
        let release = (&one.name, &one.version, one.publisher);
        let own =
            |item: &&FeedItem| item.via == Via::Own && (&item.name, &item.version, Some(item.publisher)) == release;
        match self.feed.items().iter().find(own) {
            Some(_) if one.source == InstallSource::Peers => "this node, which published it".into(),
            _ => super::source(one),
        }
    }

    /// What a transfer is of. Uploads are known by the id of the package alone: its name is looked for among what is known here.
    pub fn name_of(&self, transfer: &TransferInfo) -> String {
        if transfer.direction == Direction::Inbound {
            return transfer.name.to_string();
        }
        let is_it = |id: &PackageId| *id == transfer.package_id;
        let announced = self.feed.items().iter().find(|item| is_it(&item.package_id));
        let installed = || self.installed.list.iter().flatten().find(|one| is_it(&one.package_id));
        announced
            .map(|item| format!("{} {}", item.name, item.version))
            .or_else(|| installed().map(|one| format!("{} {}", one.name, one.version)))
            .unwrap_or_else(|| transfer.name.to_string())
    }

    /// Whether installing the selected line would put in place what is there already.
    pub fn is_selected_here(&self) -> bool {
        match self.tab {
            Tab::Installed => true,
            Tab::Search => self.search.selected().is_some_and(|hit| hit.installed.as_ref() == Some(&hit.version)),
            _ => false,
        }
    }

    pub fn can_ask_why(&self) -> bool {
        match self.tab {
            Tab::Search => self.search.selected().is_some() && !self.shows_of_result(Shown::Why),
            Tab::Installed => {
                self.installed.selected().is_some_and(|one| one.publisher.is_some())
                    && !(self.shows_detail() && self.installed.why_only)
            }
            _ => false,
        }
    }

    /// Whether there is a signed package to look into.
    pub fn can_look_inside(&self) -> bool {
        let signed = self.search.selected().is_some_and(|hit| hit.publisher.is_some());
        self.is_ready() && self.tab == Tab::Search && signed && !self.shows_of_result(Shown::Files)
    }

    /// Whether this is all that is on screen.
    fn shows_of_result(&self, part: Shown) -> bool {
        self.shows_detail() && self.search.shown == part
    }

    pub fn can_find(&self) -> bool {
        match self.tab {
            Tab::Peers | Tab::Feed | Tab::Search | Tab::Installed | Tab::Logs | Tab::Settings => !self.shows_detail(),
            Tab::Publish => self.publish.step == Step::Path,
            _ => false,
        }
    }

    pub fn can_copy(&self) -> bool {
        self.copy_text().is_some()
    }

    /// What `copy` copies.
    pub fn copy_text(&self) -> Option<String> {
        match self.tab {
            Tab::Overview => self.status.as_ref().map(|status| status.peer_id.clone()),
            Tab::Peers => self.peers.selected().map(|peer| peer.peer_id.clone()),
            Tab::Feed => self.feed.selected().map(|item| item.package_id.to_string()),
            Tab::Search => self.search.selected().and_then(|hit| hit.package_id).map(|id| id.to_string()),
            Tab::Publish => self.publish.answer.as_ref().map(|answer| answer.share.clone()),
            Tab::Logs => self.logs.selected().map(|line| line.message.to_string()),
            Tab::Installed => self.installed.selected().map(|one| one.package_id.to_string()),
            Tab::Settings => self.settings.selected().map(|setting| setting.name.clone()),
            Tab::Transfers => self.transfers.selected().map(|row| row.info.package_id.to_string()),
            Tab::Dht => None,
        }
        .filter(|text| !text.is_empty())
    }

    pub fn has_list(&self) -> bool {
        match self.tab {
            Tab::Overview => false,
            Tab::Publish => matches!(self.publish.step, Step::Findings | Step::Review),
            _ => true,
        }
    }

    /// The filter of the tab on screen.
    pub fn filter(&self) -> Option<&super::Filter> {
        match self.tab {
            Tab::Peers => Some(&self.peers.filter),
            Tab::Feed => Some(&self.feed.filter),
            Tab::Installed => Some(&self.installed.filter),
            Tab::Logs => Some(&self.logs.filter),
            Tab::Settings => Some(&self.settings.filter),
            _ => None,
        }
    }

    pub fn filter_mut(&mut self) -> Option<&mut super::Filter> {
        match self.tab {
            Tab::Peers => Some(&mut self.peers.filter),
            Tab::Feed => Some(&mut self.feed.filter),
            Tab::Installed => Some(&mut self.installed.filter),
            Tab::Logs => Some(&mut self.logs.filter),
            Tab::Settings => Some(&mut self.settings.filter),
            _ => None,
        }
    }

    /// Whether keys go into a text field of the pane.
    pub fn is_typing(&self) -> bool {
        match self.tab {
            Tab::Search => self.search.focused,
            Tab::Publish => self.publish.focused && self.publish.step == Step::Path,
            _ => self.filter().is_some_and(|filter| filter.focused),
        }
    }

    /// What leaving now would break off: only work of a node in this process.
    pub fn work_in_progress(&self) -> Vec<String> {
        let mut work = Vec::new();
        if self.is_remote() {
            return work;
        }
        if self.publish.step == Step::Working {
            work.push("a publish is running".to_owned());
        }
        for (direction, what) in [(Direction::Outbound, "upload"), (Direction::Inbound, "download")] {
            match self.transfers.running(direction) {
                0 => {}
                1 if direction == Direction::Inbound => {
                    work.push("1 download is running: installed again, it goes on where it was".to_owned());
                }
                n if direction == Direction::Inbound => {
                    work.push(format!("{n} downloads are running: installed again, they go on where they were"));
                }
                1 => work.push(format!("1 {what} is running")),
                n => work.push(format!("{n} {what}s are running")),
            }
        }
        work
    }
}
