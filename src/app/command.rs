//! The one registry of commands: key handling, footer hints, help and palette all read it.

use serde::{Deserialize, Serialize};

use super::settings::From;
use super::state::{State, Step, Tab};

macro_rules! ids {
    ($($variant:ident = $name:literal),* $(,)?) => {
        /// A command's identity; its name is what `[ui.keymap]` uses.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Id { $(#[serde(rename = $name)] $variant),* }

        impl Id {
            /// The stable name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }
    };
}

ids! {
    Quit = "quit", Help = "help", Palette = "palette", NextTab = "next-tab", PreviousTab = "previous-tab",
    Overview = "tab-overview", Peers = "tab-peers", Dht = "tab-dht", Feed = "tab-feed", Search = "tab-search",
    Publish = "tab-publish", Transfers = "tab-transfers", Installed = "tab-installed", Logs = "tab-logs", Settings = "tab-settings",
    Up = "up", Down = "down", PageUp = "page-up", PageDown = "page-down", First = "first", Last = "last",
    Open = "open", Back = "back", Find = "find", Copy = "copy", CopyAddress = "copy-address", Connect = "connect",
    Disconnect = "disconnect", Ban = "ban", Sort = "sort", Reverse = "reverse", Bootstrap = "bootstrap",
    Pause = "pause", Install = "install", Remove = "remove", Why = "why", Next = "wizard-next", Allow = "wizard-allow", Restart = "wizard-restart",
    ClearDone = "clear-done", Level = "log-level", Follow = "follow", Mouse = "mouse", Refresh = "refresh",
    Suspend = "suspend",
    Update = "update", UpdateAll = "update-all", Verify = "verify", VerifyAll = "verify-all", RemoveUnused = "remove-unused",
    Edit = "edit-setting", Reset = "reset-setting",
    Freeze = "freeze", Messages = "messages", Themes = "themes",
}

/// What belongs together in the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Here,
    Move,
    Everywhere,
}

/// One command.
pub struct Command {
    pub id: Id,
    /// What it does, for help and palette.
    pub title: &'static str,
    /// One word for the footer; empty: not shown there.
    pub hint: &'static str,
    /// Default keys, the first one is shown.
    pub keys: &'static [&'static str],
    /// Whether it makes sense now.
    pub applies: fn(&State) -> bool,
    pub group: Group,
    /// Asks before it acts.
    pub dangerous: bool,
}

const fn here(
    id: Id,
    keys: &'static [&'static str],
    hint: &'static str,
    title: &'static str,
    applies: fn(&State) -> bool,
) -> Command {
    Command { id, title, hint, keys, applies, group: Group::Here, dangerous: false }
}

const fn dangerous(command: Command) -> Command {
    Command { dangerous: true, ..command }
}

const fn moves(id: Id, keys: &'static [&'static str], title: &'static str) -> Command {
    Command { id, title, hint: "", keys, applies: State::has_list, group: Group::Move, dangerous: false }
}

const fn global(id: Id, keys: &'static [&'static str], title: &'static str) -> Command {
    Command { id, title, hint: "", keys, applies: always, group: Group::Everywhere, dangerous: false }
}

const fn tab(id: Id, keys: &'static [&'static str], title: &'static str, applies: fn(&State) -> bool) -> Command {
    Command { id, title, hint: "", keys, applies, group: Group::Everywhere, dangerous: false }
}

/// Every command. The order is the order of the footer hints; of two with one key, the first that applies wins.
pub static COMMANDS: &[Command] = &[
    dangerous(here(Id::Update, &["u"], "update", "Update the selected package", on_installed_package)),
    dangerous(here(Id::UpdateAll, &["U"], "", "Update everything that is installed", on_installed_ready)),
    here(
        Id::Verify,
        &["v"],
        "verify",
        "Compare the selected package's files with what was installed",
        on_installed_package,
    ),
    here(Id::VerifyAll, &["V"], "verify all", "Compare the files of everything that is installed", on_installed_ready),
    here(Id::Edit, &["enter", "e"], "edit", "Change the selected setting", on_setting),
    dangerous(here(Id::Reset, &["r"], "default", "Give the selected setting its default again", on_set_setting)),
    dangerous(here(Id::Install, &["i"], "install", "Install the selected package", State::can_install)),
    here(Id::Open, &["enter", "l", "right"], "detail", "Open the detail of the selected line", State::can_open),
    here(Id::Why, &["w"], "why", "Why the selected package is trusted, or not", State::can_ask_why),
    here(Id::Next, &["enter"], "next", "Go on to the next step", can_go_on),
    here(Id::Allow, &["a"], "no secret", "Publish the file all the same: it is no secret", can_allow),
    here(Id::Restart, &["n"], "new", "Publish another package", can_restart),
    here(Id::Find, &["/"], "find", "Type what to look for", State::can_find),
    here(Id::Connect, &["c"], "connect", "Connect to a peer by its address", can_connect),
    dangerous(here(Id::Ban, &["b"], "ban/unban", "Ban the selected peer, or lift its ban", on_peer)),
    dangerous(here(Id::Disconnect, &["d"], "disconnect", "Disconnect the selected peer", on_connected_peer)),
    here(Id::Sort, &["s"], "sort", "Sort by the next column", on_peers),
    here(Id::Reverse, &["S"], "", "Turn the order around", on_peers),
    here(Id::Pause, &["p", "space"], "pause", "Pause or go on", on_feed),
    here(Id::Level, &["v"], "level", "Show fewer or more levels", on_logs),
    here(Id::Follow, &["f"], "follow", "Follow the newest line", on_logs),
    here(Id::Bootstrap, &["B"], "bootstrap", "Refresh the DHT's routing table now", on_dht),
    here(Id::ClearDone, &["x"], "clear", "Take ended transfers off the list", on_transfers),
    dangerous(here(Id::Remove, &["x"], "remove", "Remove the installed package", can_remove)),
    dangerous(here(Id::RemoveUnused, &["X"], "", "Remove what nothing needs any more", has_unused)),
    here(Id::Copy, &["y"], "copy", "Copy the id of the selected line", State::can_copy),
    here(Id::CopyAddress, &["a"], "copy address", "Copy this node's own address", on_overview_ready),
    here(Id::Back, &["esc", "h", "left"], "back", "Go back one step", State::can_go_back),
    moves(Id::Up, &["up", "k"], "One line up"),
    moves(Id::Down, &["down", "j"], "One line down"),
    moves(Id::PageUp, &["pgup", "ctrl-u"], "One page up"),
    moves(Id::PageDown, &["pgdn", "ctrl-d"], "One page down"),
    moves(Id::First, &["home", "g"], "To the first line"),
    moves(Id::Last, &["end", "G"], "To the last line"),
    tab(Id::Overview, &["1"], "Overview", |state| shows(state, Tab::Overview)),
    tab(Id::Peers, &["2"], "Peers", |state| shows(state, Tab::Peers)),
    tab(Id::Dht, &["3"], "DHT", |state| shows(state, Tab::Dht)),
    tab(Id::Feed, &["4"], "Feed", |state| shows(state, Tab::Feed)),
    tab(Id::Search, &["5"], "Search", |state| shows(state, Tab::Search)),
    tab(Id::Publish, &["6"], "Publish", |state| shows(state, Tab::Publish)),
    tab(Id::Transfers, &["7"], "Transfers", |state| shows(state, Tab::Transfers)),
    tab(Id::Installed, &["8"], "Installed", |state| shows(state, Tab::Installed)),
    tab(Id::Logs, &["9"], "Logs", |state| shows(state, Tab::Logs)),
    tab(Id::Settings, &["0"], "Settings", |state| shows(state, Tab::Settings)),
    global(Id::NextTab, &["tab"], "Next tab"),
    global(Id::PreviousTab, &["shift-tab"], "Previous tab"),
    global(Id::Help, &["?", "f1"], "This help"),
    global(Id::Palette, &[":", "ctrl-p"], "Find a command, a theme or a setting by name"),
    global(Id::Messages, &["m"], "What messages have said"),
    global(Id::Freeze, &["z", "ctrl-s"], "Freeze the screen, or let it go on"),
    global(Id::Themes, &["T"], "Choose a theme"),
    global(Id::Refresh, &["ctrl-r"], "Ask the node for everything again"),
    global(Id::Mouse, &["M"], "Mouse on or off (off: select text with the terminal)"),
    global(Id::Suspend, &["ctrl-z"], "Back to the shell; `fg` returns"),
    global(Id::Quit, &["q", "ctrl-c"], "Quit"),
];

/// The entry of `id`.
pub fn find(id: Id) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.id == id)
}

/// The command of a tab.
pub fn tab_of(id: Id) -> Option<Tab> {
    let tab = match id {
        Id::Overview => Tab::Overview,
        Id::Peers => Tab::Peers,
        Id::Dht => Tab::Dht,
        Id::Feed => Tab::Feed,
        Id::Search => Tab::Search,
        Id::Publish => Tab::Publish,
        Id::Transfers => Tab::Transfers,
        Id::Installed => Tab::Installed,
        Id::Logs => Tab::Logs,
        Id::Settings => Tab::Settings,
        _ => return None,
    };
    Some(tab)
}

fn always(_: &State) -> bool {
    true
}

fn shows(state: &State, tab: Tab) -> bool {
    state.tabs().contains(&tab)
}

fn on_peers(state: &State) -> bool {
    state.tab == Tab::Peers
}

fn on_peer(state: &State) -> bool {
    on_peers(state) && state.is_ready() && state.peers.selected().is_some()
}

fn on_connected_peer(state: &State) -> bool {
    on_peer(state) && state.peers.selected().is_some_and(|peer| peer.connected)
}

fn can_connect(state: &State) -> bool {
    state.is_ready() && matches!(state.tab, Tab::Overview | Tab::Peers | Tab::Dht)
}

fn on_overview_ready(state: &State) -> bool {
    state.tab == Tab::Overview && state.own_address().is_some()
}

fn on_feed(state: &State) -> bool {
    state.tab == Tab::Feed
}

fn on_logs(state: &State) -> bool {
    state.tab == Tab::Logs
}

fn on_dht(state: &State) -> bool {
    state.tab == Tab::Dht && state.is_ready()
}

fn on_transfers(state: &State) -> bool {
    state.tab == Tab::Transfers && state.transfers.rows().iter().any(|row| row.is_over())
}

fn can_remove(state: &State) -> bool {
    state.is_ready()
        && match state.tab {
            Tab::Search => state.search.selected().is_some_and(|hit| hit.installed.is_some()),
            Tab::Installed => state.installed.selected().is_some(),
            _ => false,
        }
}

fn on_installed_ready(state: &State) -> bool {
    state.tab == Tab::Installed && state.is_ready() && state.installed.all().next().is_some()
}

fn on_installed_package(state: &State) -> bool {
    state.tab == Tab::Installed && state.is_ready() && state.installed.selected().is_some()
}

fn has_unused(state: &State) -> bool {
    on_installed_ready(state) && state.installed.unused().next().is_some()
}

fn on_setting(state: &State) -> bool {
    state.tab == Tab::Settings && state.settings.selected().is_some()
}

fn on_set_setting(state: &State) -> bool {
    on_setting(state) && state.settings.selected().is_some_and(|setting| setting.from == From::File)
}

fn can_go_on(state: &State) -> bool {
    state.tab == Tab::Publish
        && match state.publish.step {
            Step::Path => true,
            // What cannot be published is checked again once it is mended.
            Step::Findings => state.publish.publishable() || state.is_ready(),
            Step::Review => state.is_ready(),
            _ => false,
        }
}

fn can_allow(state: &State) -> bool {
    state.tab == Tab::Publish && state.is_ready() && state.publish.refused_secret().is_some()
}

fn can_restart(state: &State) -> bool {
    state.tab == Tab::Publish && matches!(state.publish.step, Step::Done | Step::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_keys_readable() {
        let mut names = BTreeSet::new();
        for command in COMMANDS {
            assert!(names.insert(command.id.name()), "{} twice", command.id.name());
            assert!(!command.keys.is_empty() && !command.title.is_empty());
            for key in command.keys {
                key.parse::<crate::app::key::Key>().unwrap();
            }
        }
    }

    #[test]
    fn no_key_does_two_things_everywhere() {
        let mut keys = BTreeSet::new();
        for command in COMMANDS.iter().filter(|command| command.group != Group::Here) {
            for key in command.keys {
                assert!(keys.insert(*key), "{key} is bound twice");
            }
        }
    }
}
