//! The conversation: what was typed and what came, to what is said and asked. No IO.

use std::collections::VecDeque;

use super::answers;
use super::command::{self, Command, HELP};
use super::teller::Teller;
use crate::app::event::{Event, Tag};
use crate::market::PackageName;
use crate::net::api::{InstallRequest, SearchAnswer, SearchHit, SearchRequest};
use crate::net::{NodeCommand, NodeError, NodeReply};

/// Results read out.
const RESULTS: usize = 20;
/// Lines that wait for the node.
const MAX_EARLY: usize = 64;
/// Announcements read out.
const FEED: usize = 10;

/// What one line or event comes to.
#[derive(Debug, Default)]
pub struct Said {
    pub lines: Vec<String>,
    pub ask: Vec<(Tag, NodeCommand)>,
    /// Nothing more is to be said.
    pub end: bool,
    /// Something else can be typed now.
    pub answered: bool,
}

impl Said {
    fn lines(lines: Vec<String>) -> Self {
        Self { lines, answered: true, ..Self::default() }
    }

    fn line(line: impl Into<String>) -> Self {
        Self::lines(vec![line.into()])
    }

    fn ask(tag: Tag, command: NodeCommand) -> Self {
        Self { ask: vec![(tag, command)], ..Self::default() }
    }
}

/// A package that is to be installed after a yes.
#[derive(Clone, Debug)]
struct Offer {
    what: String,
    request: InstallRequest,
}

#[derive(Default)]
pub struct Session {
    teller: Teller,
    /// Of the last search.
    results: Vec<SearchHit>,
    /// Whose plan was asked for.
    wanted: Option<Offer>,
    /// Whose plan was read out.
    offer: Option<Offer>,
    quiet: bool,
    ready: bool,
    /// What was typed before the node was up.
    early: VecDeque<String>,
    /// Questions that are not answered.
    open: usize,
    /// Counts questions up; answers to older ones are not read out.
    seq: u64,
}

impl Session {
    /// Whether nothing is under way: what comes next may build on what was said.
    pub fn is_free(&self) -> bool {
        self.ready && self.open == 0 && self.early.is_empty()
    }

    fn counted(&mut self, said: Said) -> Said {
        self.open = self.open.saturating_add(said.ask.len());
        said
    }

    /// A line was typed.
    pub fn command(&mut self, line: &str) -> Said {
        let said = self.typed(line);
        self.counted(said)
    }

    fn typed(&mut self, line: &str) -> Said {
        let command = command::parse(line);
        let needs_node = !matches!(
            command,
            Command::Nothing | Command::Help | Command::Quit | Command::Quiet | Command::Talk | Command::Unknown(_)
        );
        if needs_node && !self.ready {
            if self.early.len() == MAX_EARLY {
                return Said::line("The node is not up yet, and too much waits for it already. Try again in a moment.");
            }
            self.early.push_back(line.to_owned());
            return Said::line("The node is not up yet. This is done once it is.");
        }
        match command {
            Command::Nothing => Said::lines(Vec::new()),
            Command::Help => Said::lines(HELP.iter().map(|(name, does)| format!("{name}: {does}.")).collect()),
            Command::Quit => Said { end: true, ..Said::default() },
            Command::Quiet => self.set_quiet(true, "Only answers from now on."),
            Command::Talk => self.set_quiet(false, "What happens is told from now on."),
            Command::Status => Said::ask(Tag::Status, NodeCommand::Status),
            Command::Peers => Said::ask(Tag::Peers, NodeCommand::Peers),
            Command::Feed => Said::ask(Tag::Feed, NodeCommand::Feed { limit: FEED }),
            Command::Transfers => Said::ask(Tag::Transfers, NodeCommand::Transfers),
            Command::Installed => Said::ask(Tag::Installed, NodeCommand::Installed),
            Command::Search(query) => self.search(query),
            Command::Show(which) => self.show(&which),
            Command::Install(which) => self.plan(&which),
            Command::Yes => self.yes(),
            Command::No => match self.offer.take() {
                Some(offer) => Said::line(format!("{} is not installed.", offer.what)),
                None => Said::line("Nothing was asked."),
            },
            Command::Connect(addr) if addr.is_empty() => {
                Said::line("Say the address too, for example connect /ip4/192.0.2.7/tcp/4001/p2p/12D3KooW…")
            }
            Command::Connect(addr) => Said::ask(Tag::Connect { addr: addr.clone() }, NodeCommand::Connect { addr }),
            Command::Unknown(word) => Said::line(format!("There is no command {word}. Type help for those there are.")),
        }
    }

    fn set_quiet(&mut self, quiet: bool, said: &str) -> Said {
        self.quiet = quiet;
        Said::line(said)
    }

    fn search(&mut self, query: String) -> Said {
        self.seq += 1;
        let request = SearchRequest { query, limit: RESULTS, remote: true, facets: false };
        Said::ask(Tag::Search { seq: self.seq, remote: true }, NodeCommand::Search(request))
    }

    /// The result that a number or a name means.
    fn result(&self, which: &str) -> Option<&SearchHit> {
        match which.parse::<usize>() {
            Ok(number) => self.results.get(number.checked_sub(1)?),
            Err(_) => self.results.iter().find(|hit| hit.name.as_str() == which),
        }
    }

    fn show(&mut self, which: &str) -> Said {
        let Some(hit) = self.result(which) else {
            return Said::line("There is no such result. Search first, then say its number.");
        };
        let mut said = Said::lines(answers::about(hit));
        if let Some(publisher) = hit.publisher {
            let (name, version) = (hit.name.clone(), hit.version.clone());
            said.answered = false;
            self.seq += 1;
            said.ask.push((Tag::Why { seq: self.seq }, NodeCommand::Why { name, version, publisher }));
        }
        said
    }

    fn plan(&mut self, which: &str) -> Said {
        let request = match self.result(which) {
            Some(hit) => {
                let exact = semver::VersionReq::parse(&format!("={}", hit.version)).ok();
                let request = InstallRequest::of(hit.name.clone(), exact, hit.publisher);
                InstallRequest { from_central: hit.publisher.is_none(), ..request }
            }
            None => match PackageName::new(which) {
                Ok(name) if which.parse::<usize>().is_err() => InstallRequest::of(name, None, None),
                _ => return Said::line("Say the number of a result, or the name of a package."),
            },
        };
        let what = request.packages.first().map_or_else(String::new, |one| one.name.to_string());
        self.offer = None;
        self.wanted = Some(Offer { what: what.clone(), request: request.clone() });
        Said::ask(Tag::Plan { what }, NodeCommand::Plan(request))
    }

    fn yes(&mut self) -> Said {
        let Some(Offer { what, request }) = self.offer.take() else { return Said::line("Nothing was asked.") };
        let mut said = Said::ask(Tag::Install { what: what.clone() }, NodeCommand::Install(request));
        said.lines.push(format!("Installing {what}."));
        said
    }

    /// Something happened.
    pub fn event(&mut self, event: Event) -> Said {
        if matches!(event, Event::Reply { .. }) {
            self.open = self.open.saturating_sub(1);
        }
        let said = self.heard(event);
        let mut said = self.counted(said);
        // One after the other: the next may build on the answer.
        while self.ready && self.open == 0 && !said.end {
            let Some(line) = self.early.pop_front() else { break };
            let next = self.command(&line);
            said.lines.extend(next.lines);
            said.ask.extend(next.ask);
            (said.end, said.answered) = (next.end, next.answered);
        }
        said
    }

    fn heard(&mut self, event: Event) -> Said {
        match event {
            Event::NodeReady { remote } => {
                self.ready = true;
                let which = if remote { "A node runs already; this is told of it." } else { "The node is up." };
                let mut said = Said::ask(Tag::Status, NodeCommand::Status);
                said.lines.push(which.to_owned());
                said
            }
            Event::NodeGone => Said { lines: vec!["The node has stopped.".to_owned()], end: true, ..Said::default() },
            Event::Node(event) => {
                let line = self.teller.line(&event).filter(|_| !self.quiet);
                Said { lines: line.into_iter().collect(), ..Said::default() }
            }
            Event::Reply { tag, result } => self.answer(&tag, result),
            Event::Notice { text, .. } => Said { lines: vec![text], ..Said::default() },
            _ => Said::default(),
        }
    }

    fn answer(&mut self, tag: &Tag, result: Result<NodeReply, NodeError>) -> Said {
        let reply = match result {
            Ok(reply) => reply,
            Err(error) => return Said::lines(answers::failure(&error)),
        };
        match (tag, reply) {
            (Tag::Search { seq, .. } | Tag::Why { seq }, _) if *seq != self.seq => Said::default(),
            (_, NodeReply::Search(answer)) => self.found(answer),
            (Tag::Plan { what }, NodeReply::Plan(plan)) => {
                let wanted = self.wanted.take().filter(|offer| offer.what == *what);
                let mut lines = answers::plan(&plan);
                if let Some(mut offer) = wanted.filter(|_| plan.changes().next().is_some()) {
                    offer.request.expected = plan.expected();
                    lines.push("Install it? Type yes or no.".to_owned());
                    self.offer = Some(offer);
                }
                Said::lines(lines)
            }
            (_, reply) => Said::lines(answers::answer(&reply)),
        }
    }

    fn found(&mut self, answer: SearchAnswer) -> Said {
        let lines = answers::results(&answer);
        self.results = answer.results;
        self.results.truncate(RESULTS);
        Said::lines(lines)
    }
}
