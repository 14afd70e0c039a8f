//! What the footer offers: the keys that do something now.

use super::{Overlay, Purpose, State, Step, Tab};
use crate::app::command::{COMMANDS, Id};
use crate::app::key::{Code, Key};
use crate::net::api::TransferState;

/// A key and what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    pub key: String,
    pub label: &'static str,
    /// Clicking runs it.
    pub command: Option<Id>,
}

fn fixed(key: Key, label: &'static str) -> Hint {
    Hint { key: key.to_string(), label, command: None }
}

/// What a typed line does.
fn does(purpose: &Purpose) -> &'static str {
    match purpose {
        Purpose::Connect => "connect",
        Purpose::Lookup => "look up",
        Purpose::Ban { .. } => "ban",
    }
}

const ENTER: Key = Key::plain(Code::Enter);
const ESC: Key = Key::plain(Code::Esc);
const TAB: Key = Key::plain(Code::Tab);
const DOWN: Key = Key::plain(Code::Down);
const LEFT: Key = Key::plain(Code::Left);

impl State {
    /// The hints for what is on screen, the most wanted first.
    pub fn hints(&self) -> Vec<Hint> {
        match &self.overlay {
            Some(Overlay::Confirm(confirm)) if confirm.typed.is_some() => {
                let hints = [fixed(ENTER, "once typed"), fixed(ESC, "cancel")];
                return hints.into_iter().chain(self.scroll_hint()).collect();
            }
            Some(Overlay::Confirm(confirm)) => {
                let yes = confirm.can_say_yes().then(|| fixed(Key::char('y'), "yes"));
                return yes.into_iter().chain([fixed(Key::char('n'), "no")]).chain(self.scroll_hint()).collect();
            }
            Some(Overlay::Edit(edit)) if edit.choices.is_empty() => {
                return vec![fixed(ENTER, "set"), fixed(ESC, "cancel")];
            }
            Some(Overlay::Edit(_)) => {
                return vec![fixed(ENTER, "set"), fixed(TAB, "next choice"), fixed(ESC, "cancel")];
            }
            Some(Overlay::Messages) => return vec![fixed(ESC, "close")],
            Some(Overlay::Prompt(prompt)) => return vec![fixed(ENTER, does(&prompt.purpose)), fixed(ESC, "cancel")],
            Some(Overlay::Address(_)) => return vec![fixed(Key::char('y'), "copy"), fixed(ESC, "close")],
            Some(Overlay::Bump(_)) => return vec![fixed(ENTER, "write it"), fixed(ESC, "close")],
            Some(Overlay::Cancel(_)) => return vec![fixed(ENTER, "choose"), fixed(ESC, "close")],
            Some(Overlay::Narrow(_)) => return vec![fixed(ENTER, "narrow or widen"), fixed(ESC, "close")],
            Some(Overlay::Palette(_)) => return vec![fixed(ENTER, "run"), fixed(ESC, "close")],
            Some(Overlay::Help(picker)) if picker.typing => return vec![fixed(ENTER, "done"), fixed(ESC, "close")],
            Some(Overlay::Help(_)) => return vec![fixed(Key::char('/'), "search"), fixed(ESC, "close")],
            None => {}
        }
        if self.is_typing() {
            return self.typing_hints();
        }
        let shown = |command: &&crate::app::command::Command| !command.hint.is_empty() && (command.applies)(self);
        let mut hints: Vec<_> = COMMANDS
            .iter()
            .filter(shown)
            .filter_map(|command| {
                // The first of its keys that does not mean something else here.
                let means_it = |key: &&Key| self.keymap.lookup(**key, self).is_some_and(|found| found.id == command.id);
                let key = self.keymap.keys_of(command.id).iter().find(means_it)?;
                Some(Hint {
                    key: key.to_string(),
                    label: self.label(command.id, command.hint),
                    command: Some(command.id),
                })
            })
            .collect();
        // On a small screen the way out must not be what finds no room.
        if self.shows_detail() || (self.tab == Tab::Publish && self.publish.step != Step::Done) {
            hints.sort_by_key(|hint| hint.command != Some(Id::Back) && hint.command != Some(Id::Next));
        }
        hints
    }

    /// Where a dialog does not fit.
    fn scroll_hint(&self) -> Option<Hint> {
        (self.dialog_end > 0).then(|| fixed(Key::plain(Code::Down), "scroll"))
    }

    fn label(&self, id: Id, hint: &'static str) -> &'static str {
        match id {
            Id::Pause if self.tab == Tab::Transfers => match self.transfers.selected() {
                Some(row) if row.info.state == TransferState::Paused => "go on",
                _ => hint,
            },
            Id::Pause if self.feed.paused => "go on",
            Id::Ban if self.peers.selected().is_some_and(|peer| peer.banned) => "unban",
            Id::Ban => "ban",
            Id::Keep if self.peers.selected().is_some_and(|peer| peer.kept) => "let go",
            Id::Next => match self.publish.step {
                Step::Path => "check",
                Step::Findings if !self.publish.publishable() => "check again",
                Step::Review => "publish",
                _ => hint,
            },
            Id::Install if self.is_selected_here() => "again",
            Id::Copy => self.copy_label(),
            Id::Changes if self.publish.only_changes => "all files",
            Id::Back if self.dismisses() => "dismiss",
            Id::Follow if self.logs.follow => "stop following",
            Id::Find => match self.tab {
                Tab::Search => "search",
                Tab::Publish => "type a path",
                _ => "filter",
            },
            _ => hint,
        }
    }

    /// What would be copied.
    fn copy_label(&self) -> &'static str {
        match self.tab {
            Tab::Publish => "copy share",
            Tab::Logs | Tab::Settings => "copy",
            _ => "copy id",
        }
    }

    fn typing_hints(&self) -> Vec<Hint> {
        match self.tab {
            Tab::Publish => {
                let pointed = self.publish.candidate.is_some();
                let tab = if self.publish.touched { "complete" } else { "next tab" };
                let hints = [fixed(ENTER, if pointed { "into it" } else { "check" }), fixed(TAB, tab)];
                let choose = (!self.publish.candidates().is_empty()).then(|| fixed(DOWN, "choose"));
                let out = pointed.then(|| fixed(LEFT, "parent"));
                let tabs = Hint { key: "0-9".into(), label: "other tab", command: None };
                let tabs = (!self.publish.touched).then_some(tabs);
                hints.into_iter().chain(choose).chain(out).chain([fixed(ESC, "leave field")]).chain(tabs).collect()
            }
            Tab::Search if self.search.input.value().is_empty() => {
                let tabs = Hint { key: "0-9".into(), label: "other tab", command: None };
                vec![fixed(ENTER, "to results"), fixed(ESC, "leave field"), tabs]
            }
            Tab::Search => vec![fixed(ENTER, "to results"), fixed(ESC, "leave field"), fixed(TAB, "next tab")],
            _ => vec![fixed(ENTER, "done"), fixed(ESC, "clear")],
        }
    }
}
