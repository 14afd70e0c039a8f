//! The one registry of commands: key handling, footer hints, help and palette all read it.

use serde::{Deserialize, Serialize};

use super::settings::From;
use super::state::{State, Step, Tab, TransferRow};
use crate::net::api::Direction;

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
    Open = "open", Back = "back", Find = "find", Copy = "copy", Address = "address", CopyAddress = "copy-address", Keep = "keep", Connect = "connect",
    Disconnect = "disconnect", Ban = "ban", Sort = "sort", Narrow = "narrow", Reverse = "reverse", Bootstrap = "bootstrap", Lookup = "lookup",
    Pause = "pause", Others = "publishers-others", BanSender = "ban-sender", Install = "install", Remove = "remove", Why = "why", Inside = "look-inside", Next = "wizard-next", Allow = "wizard-allow", Restart = "wizard-restart", Changes = "wizard-changes", Bump = "wizard-version",
    ClearDone = "clear-done", CancelTransfer = "cancel-transfer", Faster = "download-limit-up", Slower = "download-limit-down", UploadFaster = "upload-limit-up", UploadSlower = "upload-limit-down", SaveLimits = "save-limits", Level = "log-level", Follow = "follow", Mouse = "mouse", Refresh = "refresh",
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
    here(
        Id::Inside,
        &["f"],
        "files",
        "Look inside the selected package: fetch it and list its files, install nothing",
        State::can_look_inside,
    ),
    here(Id::Next, &["enter"], "next", "Go on to the next step", can_go_on),
    here(Id::Allow, &["a"], "no secret", "Publish the file all the same: it is no secret", can_allow),
    here(Id::Changes, &["v"], "changes", "All files, or what is another than in the version before", has_changes),
    here(Id::Bump, &["u"], "version", "Write another version into the manifest", can_bump),
    here(Id::Restart, &["n"], "new", "Publish another package", can_restart),
    here(Id::Find, &["/"], "find", "Type what to look for", State::can_find),
    here(Id::Connect, &["c"], "connect", "Connect to a peer by its address", can_connect),
    dangerous(here(Id::Ban, &["b"], "ban/unban", "Ban the selected peer, or lift its ban", on_peer)),
    dangerous(here(Id::Disconnect, &["d"], "disconnect", "Disconnect the selected peer", on_connected_peer)),
    here(Id::Keep, &["K"], "keep", "Stay connected with the selected peer, or let go of it", on_peer),
    here(Id::Sort, &["s"], "sort", "Sort by the next column, or in the next order", can_sort),
    here(Id::Narrow, &["n"], "narrow", "Narrow the results by category, tag, licence or publisher", can_narrow),
    here(Id::Reverse, &["S"], "", "Turn the order around", on_peers),
    here(Id::Pause, &["p", "space"], "pause", "Pause or go on", can_pause),
    here(Id::Others, &["o"], "by the same", "All packages of the same publisher", has_publisher),
    dangerous(here(Id::BanSender, &["b"], "", "Ban the peer that this was heard from", has_sender)),
    here(Id::Level, &["v"], "level", "Show fewer or more levels", on_logs),
    here(Id::Follow, &["f"], "follow", "Follow the newest line", can_follow),
    here(Id::Bootstrap, &["B"], "bootstrap", "Refresh the DHT's routing table now", on_dht),
    here(Id::Lookup, &["/", "L"], "look up", "Look a name, a package id or a peer id up in the DHT", on_dht),
    dangerous(here(Id::CancelTransfer, &["c"], "cancel", "End the selected transfer", can_end)),
    here(Id::Faster, &["+", "="], "", "A higher limit for downloads, until the node ends", sets_limits),
    here(Id::Slower, &["-"], "limit", "A lower limit for downloads, until the node ends", sets_limits),
    here(Id::UploadFaster, &[">"], "", "A higher limit for uploads, until the node ends", sets_limits),
    here(Id::UploadSlower, &["<"], "", "A lower limit for uploads, until the node ends", sets_limits),
    here(Id::SaveLimits, &["S"], "save limits", "Keep the limits that hold now in the settings", has_other_limits),
    here(Id::ClearDone, &["x"], "clear", "Take ended transfers off the list", on_transfers),
    dangerous(here(Id::Remove, &["x"], "remove", "Remove the installed package", can_remove)),
    dangerous(here(Id::RemoveUnused, &["X"], "", "Remove what nothing needs any more", has_unused)),
    here(Id::Copy, &["y"], "copy", "Copy the id of the selected line", State::can_copy),
    here(Id::Address, &["a"], "address", "This node's own address, as text and QR code", has_address),
    here(Id::CopyAddress, &["A"], "", "Copy the address of the selected peer", has_peer_address),
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

fn can_sort(state: &State) -> bool {
    (on_peers(state) || state.tab == Tab::Search) && !state.shows_detail()
}

fn can_narrow(state: &State) -> bool {
    state.tab == Tab::Search && !state.shows_detail() && !state.search.narrowings().is_empty()
}

fn has_address(state: &State) -> bool {
    matches!(state.tab, Tab::Overview | Tab::Peers) && !state.own_addresses().is_empty()
}

fn has_peer_address(state: &State) -> bool {
    state.peer_address().is_some()
}

fn on_feed(state: &State) -> bool {
    state.tab == Tab::Feed
}

fn can_pause(state: &State) -> bool {
    on_feed(state) || can_wait(state)
}

/// On a download that can be paused and ended.
fn can_wait(state: &State) -> bool {
    state.tab == Tab::Transfers
        && state.is_ready()
        && state.transfers.selected().is_some_and(|row| row.info.can_wait && !row.is_over())
}

fn can_end(state: &State) -> bool {
    let upload = |row: &TransferRow| row.info.direction == Direction::Outbound && !row.is_over();
    can_wait(state)
        || (state.tab == Tab::Transfers && state.is_ready() && state.transfers.selected().is_some_and(upload))
}

fn sets_limits(state: &State) -> bool {
    state.tab == Tab::Transfers && state.is_ready() && state.status.is_some()
}

/// The limits that hold are not those of the settings.
fn has_other_limits(state: &State) -> bool {
    let held = state.status.as_ref().map(|status| status.rates);
    let kept = state.options.source.as_ref().is_some_and(|source| source.stored);
    kept && sets_limits(state) && state.settings.limits().is_some_and(|set| held != Some(set))
}

fn can_follow(state: &State) -> bool {
    match state.tab {
        Tab::Logs => true,
        // At the top it follows already.
        Tab::Feed => state.feed.view.selected > 0 || state.feed.paused,
        _ => false,
    }
}

fn has_publisher(state: &State) -> bool {
    state.publisher_of_line().is_some()
}

fn has_sender(state: &State) -> bool {
    on_feed(state) && state.is_ready() && state.feed.selected().is_some_and(|item| item.from.is_some())
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

fn has_changes(state: &State) -> bool {
    let publish = &state.publish;
    let known = publish.plan.as_ref().is_some_and(|plan| plan.changes.is_some());
    state.tab == Tab::Publish && publish.step == Step::Review && known
}

fn can_bump(state: &State) -> bool {
    let publish = &state.publish;
    // A publish that failed may have failed for its version.
    let checked = matches!(publish.step, Step::Findings | Step::Review | Step::Failed);
    state.tab == Tab::Publish && checked && state.is_ready() && !publish.proposals().is_empty()
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
