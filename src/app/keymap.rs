//! Which key runs which command: the registry's defaults with the user's own on top.

use std::collections::BTreeMap;

use super::command::{COMMANDS, Command, Group, Id, tab_of};
use super::key::Key;
use super::state::{State, Tab, digit};

/// Keys of all commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keymap {
    keys: BTreeMap<Id, Vec<Key>>,
}

impl Default for Keymap {
    fn default() -> Self {
        let keys = COMMANDS
            .iter()
            .map(|command| (command.id, command.keys.iter().filter_map(|key| key.parse().ok()).collect()))
            .collect();
        Self { keys }
    }
}

impl Keymap {
    /// The defaults, with `overrides` (command name to key) in place of a command's own keys, and what is wrong with them,
    /// one line each. A wrong override changes nothing. The tabs have the digits in the order of `panes`; one that is not
    /// among them has no key.
    pub fn new(panes: &[Tab], overrides: &BTreeMap<String, String>) -> (Self, Vec<String>) {
        let mut map = Self::default();
        for command in COMMANDS {
            let Some(tab) = tab_of(command.id) else { continue };
            let place = panes.iter().position(|pane| *pane == tab);
            map.keys.insert(command.id, place.and_then(digit).map(Key::char).into_iter().collect());
        }
        let mut problems = Vec::new();
        for (name, text) in overrides {
            let Some(command) = COMMANDS.iter().find(|command| command.id.name() == name) else {
                problems.push(format!("keymap: there is no command `{name}` (`?` lists them)"));
                continue;
            };
            match text.parse::<Key>() {
                Ok(key) => map.rebind(command, key, &mut problems),
                Err(error) => problems.push(format!("keymap: {name}: {error}")),
            }
        }
        (map, problems)
    }

    fn rebind(&mut self, command: &Command, key: Key, problems: &mut Vec<String>) {
        if let Some(other) = self.rival(command, key) {
            problems.push(format!("keymap: `{key}` for `{}` is already `{}`", command.id.name(), other.id.name()));
            return;
        }
        self.keys.insert(command.id, vec![key]);
    }

    /// Another command that would take or lose `key`. Two that belong to one place each may share it: their conditions
    /// decide.
    fn rival(&self, command: &Command, key: Key) -> Option<&'static Command> {
        COMMANDS.iter().find(|other| {
            other.id != command.id
                && !(other.group == Group::Here && command.group == Group::Here)
                && self.keys_of(other.id).contains(&key)
        })
    }

    /// All keys of a command, the one to show first.
    pub fn keys_of(&self, id: Id) -> &[Key] {
        self.keys.get(&id).map_or(&[], Vec::as_slice)
    }

    /// The key to show for a command.
    pub fn key_of(&self, id: Id) -> Option<Key> {
        self.keys_of(id).first().copied()
    }

    /// The first command that has `key` and applies now.
    pub fn lookup(&self, key: Key, state: &State) -> Option<&'static Command> {
        COMMANDS.iter().find(|command| self.keys_of(command.id).contains(&key) && (command.applies)(state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overrides(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, key)| ((*name).to_owned(), (*key).to_owned())).collect()
    }

    #[test]
    fn an_override_takes_the_place_of_the_default() {
        let (map, problems) = Keymap::new(&Tab::ALL, &overrides(&[("quit", "f10")]));
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(map.key_of(Id::Quit), Some("f10".parse().unwrap()));
        let state = State::default();
        assert!(map.lookup(Key::char('q'), &state).is_none());
    }

    #[test]
    fn what_is_wrong_is_reported_and_changes_nothing() {
        let bad = overrides(&[("quit", "?"), ("fly", "x"), ("help", "banana")]);
        let (map, problems) = Keymap::new(&Tab::ALL, &bad);
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert_eq!(map, Keymap::default());
    }

    #[test]
    fn the_digits_follow_the_order_of_the_panes() {
        assert_eq!(Keymap::new(&Tab::ALL, &BTreeMap::new()).0, Keymap::default());
        let (map, _) = Keymap::new(&[Tab::Logs, Tab::Overview], &BTreeMap::new());
        assert_eq!(map.key_of(Id::Logs), Some(Key::char('1')));
        assert_eq!(map.key_of(Id::Overview), Some(Key::char('2')));
        assert_eq!(map.key_of(Id::Peers), None);
    }
}
