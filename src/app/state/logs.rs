//! The node's log lines.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Filter, ListView};
use crate::net::api::LogLine;

/// Lines kept; older ones fall off and are counted.
pub const MAX_LOGS: usize = 2_000;

/// How far back a line that comes twice is looked for.
const RECENT: usize = 32;

/// How grave a line is, gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl Level {
    /// `ERROR` … `TRACE`; anything else counts as `INFO`.
    pub fn of(line: &LogLine) -> Self {
        match line.level.to_ascii_uppercase().as_str() {
            "ERROR" => Self::Error,
            "WARN" | "WARNING" => Self::Warn,
            "DEBUG" => Self::Debug,
            "TRACE" => Self::Trace,
            _ => Self::Info,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Warn => "WARN",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
            Self::Trace => "TRACE",
        }
    }

    fn next(self) -> Self {
        match self {
            Self::Error => Self::Warn,
            Self::Warn => Self::Info,
            Self::Info => Self::Debug,
            Self::Debug => Self::Trace,
            Self::Trace => Self::Error,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Logs {
    lines: VecDeque<LogLine>,
    /// The least grave level shown.
    pub level: Level,
    pub follow: bool,
    pub view: ListView,
    pub filter: Filter,
    pub known: bool,
    pub dropped: u64,
}

impl Default for Logs {
    fn default() -> Self {
        Self {
            lines: VecDeque::new(),
            level: Level::Info,
            follow: true,
            view: ListView::default(),
            filter: Filter::default(),
            known: false,
            dropped: 0,
        }
    }
}

impl Logs {
    pub fn lines(&self) -> &VecDeque<LogLine> {
        &self.lines
    }

    fn shows(&self, line: &LogLine) -> bool {
        Level::of(line) <= self.level && self.filter.matches([line.message.as_str(), line.target.as_str()])
    }

    /// How many lines of each level there are, the gravest first.
    pub fn counts(&self) -> [(Level, usize); 5] {
        let count = |level| self.lines.iter().filter(|line| Level::of(line) == level).count();
        [Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace].map(|level| (level, count(level)))
    }

    /// Those level and filter show, oldest first.
    pub fn visible(&self) -> Vec<&LogLine> {
        self.lines.iter().filter(|line| self.shows(line)).collect()
    }

    /// The selection: the last line while following.
    pub fn current(&self, len: usize) -> ListView {
        if self.follow { ListView { selected: len.saturating_sub(1), offset: len } } else { self.view }
    }

    pub fn selected(&self) -> Option<&LogLine> {
        let visible = self.visible();
        visible.get(self.current(visible.len()).selected).copied()
    }

    pub fn set(&mut self, lines: Vec<LogLine>) {
        self.known = true;
        let skip = lines.len().saturating_sub(MAX_LOGS);
        self.dropped += skip as u64;
        self.lines = lines.into_iter().skip(skip).collect();
        self.clamp(usize::MAX);
    }

    /// A new line. One logged while the list was asked for comes both ways: it is shown once.
    pub fn push(&mut self, line: LogLine, rows: usize) {
        if self.lines.iter().rev().take(RECENT).any(|known| *known == line) {
            return;
        }
        self.lines.push_back(line);
        if self.lines.len() > MAX_LOGS {
            let falls = self.lines.pop_front().is_some_and(|line| self.shows(&line));
            self.dropped += 1;
            if falls && !self.follow {
                let len = self.visible().len();
                self.view.follow(self.view.selected.saturating_sub(1), len, rows);
            }
        }
    }

    /// Moves; the end is followed again.
    pub fn step(&mut self, delta: isize, rows: usize) {
        let len = self.visible().len();
        self.view = self.current(len);
        self.view.offset = self.view.first_visible(len, rows);
        self.view.step(delta, len, rows);
        self.follow = self.view.selected + 1 >= len;
    }

    pub fn select(&mut self, index: usize, rows: usize) {
        let len = self.visible().len();
        self.view = self.current(len);
        self.view.offset = self.view.first_visible(len, rows);
        self.view.select(index, len, rows);
        self.follow = self.view.selected + 1 >= len;
    }

    pub fn next_level(&mut self, rows: usize) {
        self.level = self.level.next();
        self.clamp(rows);
    }

    /// Keeps the selection inside what is shown.
    pub fn clamp(&mut self, rows: usize) {
        let len = self.visible().len();
        self.view.select(self.view.selected, len, rows);
    }
}
