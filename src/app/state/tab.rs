//! The panes and their tabs.

use serde::{Deserialize, Serialize};

use super::State;

/// The panes, in the order they have unless the settings say otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tab {
    #[default]
    Overview,
    Peers,
    Dht,
    Feed,
    Search,
    Publish,
    Transfers,
    Installed,
    Logs,
    Settings,
}

impl Tab {
    pub const ALL: [Self; 10] = [
        Self::Overview,
        Self::Peers,
        Self::Dht,
        Self::Feed,
        Self::Search,
        Self::Publish,
        Self::Transfers,
        Self::Installed,
        Self::Logs,
        Self::Settings,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Peers => "Peers",
            Self::Dht => "DHT",
            Self::Feed => "Feed",
            Self::Search => "Search",
            Self::Publish => "Publish",
            Self::Transfers => "Transfers",
            Self::Installed => "Installed",
            Self::Logs => "Logs",
            Self::Settings => "Settings",
        }
    }

    /// What stands in a tab bar that has no room for the titles.
    pub fn short_title(self) -> &'static str {
        match self {
            Self::Overview => "Over",
            Self::Publish => "Publ",
            Self::Transfers => "Trans",
            Self::Installed => "Inst",
            Self::Settings => "Sett",
            _ => self.title(),
        }
    }

    /// The pane that `ui.panes` calls so.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tab| tab.title().to_lowercase() == name)
    }
}

/// The key of the tab at a place, counted from 0: `1` to `9`, then `0`.
pub fn digit(place: usize) -> Option<char> {
    "1234567890".chars().nth(place)
}

impl State {
    /// The tabs there are, in their order.
    pub fn tabs(&self) -> &[Tab] {
        &self.options.panes
    }

    /// The tab `steps` to the right of the open one, around the end.
    pub fn tab_at(&self, steps: usize) -> Tab {
        let tabs = self.tabs();
        let here = tabs.iter().position(|tab| *tab == self.tab).unwrap_or(0);
        tabs.get((here + steps) % tabs.len().max(1)).copied().unwrap_or(self.tab)
    }

    /// The tab to the left of the open one.
    pub fn previous_tab(&self) -> Tab {
        self.tab_at(self.tabs().len().saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_call_the_panes_as_they_are_called_here() {
        let names = crate::config::Settings::default().ui.panes;
        let tabs: Vec<_> = names.iter().filter_map(|name| Tab::of(name)).collect();
        assert_eq!(tabs, Tab::ALL);
    }
}
