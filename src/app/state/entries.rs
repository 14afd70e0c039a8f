//! What the palette finds and the help lists.

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::State;
use crate::app::command::{COMMANDS, Command, Group, Id, find};
use crate::config::keys::KEYS;

/// Something that the palette leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    Command(Id),
    /// Shows the theme of that name.
    Theme(String),
    /// Goes to a setting, by its name.
    Setting(&'static str),
}

impl Entry {
    /// As it is shown.
    pub fn title(&self) -> String {
        match self {
            Self::Command(id) => find(*id).map_or(id.name(), |command| command.title).to_owned(),
            Self::Theme(name) => format!("Theme: {name}"),
            Self::Setting(name) => format!("Setting: {name}"),
        }
    }

    /// What it is found by.
    fn haystack(&self) -> String {
        match self {
            Self::Command(id) => format!("{} {}", self.title(), id.name()),
            _ => self.title(),
        }
    }
}

impl State {
    /// The entries that `wanted` may mean, the best first. Without a word, all: what does something here before the rest.
    pub fn entries(&self, wanted: &str) -> Vec<Entry> {
        let mut commands: Vec<_> = COMMANDS.iter().filter(|command| command.id != Id::Palette).collect();
        commands.sort_by_key(|command| !(command.applies)(self));
        let commands = commands.into_iter().map(|command| Entry::Command(command.id));
        let themes = self.theme_names().into_iter().map(Entry::Theme);
        let settings = KEYS.iter().map(|key| Entry::Setting(key.name));
        // Whoever looks for a theme wants no command that has the same letters somewhere.
        let only_themes = wanted.trim_start().starts_with("theme:");
        let all = commands.chain(themes).chain(settings);
        let all = all.filter(|entry| !only_themes || matches!(entry, Entry::Theme(_)));
        if wanted.trim().is_empty() {
            return all.collect();
        }
        let pattern = Pattern::new(wanted, CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut buffer = Vec::new();
        let mut score = |entry: &Entry| pattern.score(Utf32Str::new(&entry.haystack(), &mut buffer), &mut matcher);
        let mut found: Vec<_> = all.filter_map(|entry| Some((score(&entry)?, entry))).collect();
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        // Letters that are strewn over a long title are not what was meant where something fits well.
        let best = found.first().map_or(0, |(score, _)| *score);
        found.retain(|(score, _)| score * 5 >= best * 3);
        found.into_iter().map(|(_, entry)| entry).collect()
    }
}

/// A line of the help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HelpLine {
    Heading(String),
    Command(Id),
}

/// The commands whose keys, title or name contain every word of `wanted`: those that do something here, those of every
/// place, and the rest, each under its heading.
pub fn help_lines(state: &State, wanted: &str) -> Vec<HelpLine> {
    let words: Vec<_> = wanted.split_whitespace().map(str::to_lowercase).collect();
    let fits = |command: &&Command| {
        let keys = state.keymap.keys_of(command.id).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let text = format!("{} {}", command.title, command.id.name()).to_lowercase();
        words.iter().all(|word| text.contains(word) || keys.split(' ').any(|key| key.to_lowercase() == *word))
    };
    let headings = [
        format!("{}, here and now", state.tab.title()),
        "Moving about".into(),
        "Everywhere".into(),
        "In other places".into(),
    ];
    let mut lines = Vec::new();
    for (section, heading) in headings.into_iter().enumerate() {
        let belongs = |command: &&Command| section_of(state, command) == section;
        let mut commands = COMMANDS.iter().filter(belongs).filter(fits).peekable();
        if commands.peek().is_some() {
            lines.push(HelpLine::Heading(heading));
            lines.extend(commands.map(|command| HelpLine::Command(command.id)));
        }
    }
    lines
}

/// The place of the heading that a command stands under.
fn section_of(state: &State, command: &Command) -> usize {
    match command.group {
        Group::Here if (command.applies)(state) => 0,
        Group::Move => 1,
        Group::Everywhere => 2,
        Group::Here => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(wanted: &str) -> Entry {
        State::default().entries(wanted).first().cloned().unwrap()
    }

    #[test]
    fn a_few_letters_find_what_is_meant() {
        assert_eq!(first("transf"), Entry::Command(Id::Transfers));
        assert_eq!(first("theme light"), Entry::Theme("light".into()));
        assert_eq!(first("upload_limit"), Entry::Setting("performance.upload_limit"));
        assert_eq!(first("ban peer"), Entry::Command(Id::Ban));
        assert_eq!(first("QUIT"), Entry::Command(Id::Quit));
        assert!(State::default().entries("zzqqxx").is_empty());
    }

    #[test]
    fn without_a_word_all_is_there_and_what_applies_comes_first() {
        let state = State::default();
        let entries = state.entries(" ");
        assert_eq!(entries.len(), COMMANDS.len() - 1 + state.theme_names().len() + KEYS.len());
        let applies = |entry: &Entry| match entry {
            Entry::Command(id) => find(*id).is_some_and(|command| (command.applies)(&state)),
            _ => false,
        };
        let count = entries.iter().filter(|entry| applies(entry)).count();
        assert!(entries.iter().take(count).all(applies));
    }

    #[test]
    fn the_help_has_every_command_once_and_what_is_here_first() {
        let lines = help_lines(&State::default(), "");
        let commands = lines.iter().filter(|line| matches!(line, HelpLine::Command(_))).count();
        assert_eq!(commands, COMMANDS.len());
        assert_eq!(help_lines(&State::default(), "ctrl-z").len(), 2, "a key finds its command");
        assert!(help_lines(&State::default(), "no such thing").is_empty());
    }
}
