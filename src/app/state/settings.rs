//! The settings on screen.

use std::collections::{BTreeMap, VecDeque};

use super::{Filter, ListView};
use crate::app::settings::{From, Setting};
use crate::config::keys;
use crate::config::units::ByteSize;
use crate::net::NodeError;
use crate::net::api::RateLimits;

#[derive(Clone, Debug, Default)]
pub struct SettingsPane {
    /// In the order of the file; none: not read yet.
    pub rows: Option<Vec<Setting>>,
    /// Why the file could not be read the last time.
    pub fault: Option<NodeError>,
    /// What the node started with, by name; none: not known.
    pub running: Option<BTreeMap<String, String>>,
    /// Changes that wait for the one before them to be written.
    pub to_write: VecDeque<(String, String)>,
    pub view: ListView,
    pub filter: Filter,
}

impl SettingsPane {
    pub fn all(&self) -> &[Setting] {
        self.rows.as_deref().unwrap_or_default()
    }

    pub fn get(&self, name: &str) -> Option<&Setting> {
        self.all().iter().find(|setting| setting.name == name)
    }

    /// The limits of transfers that are set; none: the settings were not read yet.
    pub fn limits(&self) -> Option<RateLimits> {
        let limit = |name| Some(self.get(name)?.value.parse::<ByteSize>().ok()?.0);
        Some(RateLimits { upload: limit(keys::UPLOAD_LIMIT)?, download: limit(keys::DOWNLOAD_LIMIT)? })
    }

    /// Those that the filter shows: by name, value or what they are for.
    pub fn visible(&self) -> Vec<&Setting> {
        let about = |setting: &Setting| keys::find(&setting.name).map_or("", |key| key.about);
        let shows = |setting: &&Setting| {
            self.filter.matches([setting.name.as_str(), &setting.value, about(setting), self.note(setting)])
        };
        self.all().iter().filter(shows).collect()
    }

    pub fn selected(&self) -> Option<&Setting> {
        self.visible().get(self.view.selected).copied()
    }

    /// What becomes of peers on the local network, as far as it is known how the node was started.
    pub fn nearby(&self) -> &'static str {
        let running = self.running.as_ref().and_then(|settings| settings.get("network.mdns"));
        match running.map(String::as_str) {
            Some("true") => "Those on the local network come by themselves.",
            Some(_) => "mDNS is off: those on the local network do not come by themselves.",
            None => "With mDNS on, those on the local network come by themselves.",
        }
    }

    /// The value that the node goes by, where it is another than the one that is set now.
    pub fn pending<'a>(&'a self, setting: &Setting) -> Option<&'a str> {
        if keys::find(&setting.name).is_none_or(keys::Key::at_once) {
            return None;
        }
        let running = self.running.as_ref()?.get(&setting.name)?;
        (*running != setting.value).then_some(running.as_str())
    }

    /// A word or two beside the value: it holds only after a restart of the node, or not at all.
    pub fn note(&self, setting: &Setting) -> &'static str {
        match (keys::find(&setting.name), self.pending(setting)) {
            (_, Some(_)) => "restart",
            (Some(key), None) if !key.effective() => "no effect",
            _ => "",
        }
    }

    /// Settings that are not at their defaults.
    pub fn changed(&self) -> usize {
        self.all().iter().filter(|setting| setting.from != From::Default).count()
    }

    /// Settings that the node does not go by yet.
    pub fn waiting(&self) -> usize {
        self.all().iter().filter(|setting| self.pending(setting).is_some()).count()
    }

    pub fn set(&mut self, rows: Vec<Setting>, list_rows: usize) {
        let selected = self.selected().map(|setting| setting.name.clone());
        self.rows = Some(rows);
        self.fault = None;
        match selected {
            Some(name) => self.select(&name, list_rows),
            None => self.clamp(list_rows),
        }
    }

    /// Selects a setting; the filter is taken away where it hides it.
    pub fn select(&mut self, name: &str, list_rows: usize) {
        let place = |pane: &Self| pane.visible().iter().position(|setting| setting.name == name);
        if place(self).is_none() && self.get(name).is_some() {
            self.filter.clear();
        }
        match place(self) {
            Some(index) => {
                let len = self.visible().len();
                self.view.select(index, len, list_rows);
            }
            None => self.clamp(list_rows),
        }
    }

    fn clamp(&mut self, list_rows: usize) {
        let len = self.visible().len();
        self.view.select(self.view.selected, len, list_rows);
    }
}
