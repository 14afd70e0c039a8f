//! Conversations with a simulated node.

use super::session::Session;
use crate::app::age::Now;
use crate::app::sim::{BEGIN, Script, Sim};

struct Talk {
    session: Session,
    sim: Sim,
    now: Now,
}

impl Talk {
    fn begin(script: Script) -> Self {
        let mut talk = Self { session: Session::default(), sim: Sim::new(script, 1, BEGIN), now: BEGIN };
        talk.hear(1_000);
        talk
    }

    /// What is said while time passes.
    fn hear(&mut self, ms: u64) -> String {
        let until = self.now.plus(ms);
        let mut told = Vec::new();
        while let Some((at, event)) = self.sim.pop(until) {
            let said = self.session.event(event);
            told.extend(said.lines);
            for (tag, command) in said.ask {
                self.sim.request(tag, command, at);
            }
        }
        self.now = until;
        told.join("\n")
    }

    /// What is said to a line, and for a second after it.
    fn say(&mut self, line: &str) -> String {
        let said = self.session.command(line);
        for (tag, command) in said.ask {
            self.sim.request(tag, command, self.now);
        }
        let later = self.hear(1_000);
        [said.lines.join("\n"), later].join("\n").trim().to_owned()
    }
}

#[test]
fn questions_are_answered_in_sentences() {
    let mut talk = Talk::begin(Script::Quiet);
    for (line, wanted) in [
        ("", ""),
        ("help", "search WORDS: find packages"),
        ("status", "in the network simulation."),
        ("peers", "ggen-p2p-tui/"),
        ("feed", "published "),
        ("transfers", "Nothing was fetched or given."),
        ("installed", " files."),
        ("search shapes", "1: "),
        ("show 1", "Good: signed by its publisher's key."),
        ("show 99", "There is no such result."),
        ("connect", "Say the address too"),
        ("connect /ip4/192.0.2.1/tcp/1", "Connected to …"),
        ("fly away", "There is no command fly."),
        ("install", "Say the number of a result"),
        ("yes", "Nothing was asked."),
    ] {
        let said = talk.say(line);
        assert!(said.contains(wanted), "{line}: {said}");
    }
}

#[test]
fn an_install_is_planned_confirmed_and_told() {
    let mut talk = Talk::begin(Script::Quiet);
    talk.say("search shapes");
    let said = talk.say("install 2");
    assert!(said.contains("The plan: ") && said.ends_with("Install it? Type yes or no."), "{said}");
    assert!(talk.say("no").contains("is not installed."));
    assert_eq!(talk.say("yes"), "Nothing was asked.");
    talk.say("install 2");
    let said = talk.say("yes") + &talk.hear(60_000);
    assert!(said.contains("Installing ") && said.contains("Installed "), "{said}");
}

#[test]
fn what_happens_is_told_unless_it_is_to_be_quiet() {
    let mut talk = Talk::begin(Script::Busy);
    let told = talk.hear(60_000);
    for wanted in ["published ", "connected to …", "fetched ", "banned …"] {
        assert!(told.contains(wanted), "{wanted}: {told}");
    }
    talk.say("quiet");
    assert_eq!(talk.hear(30_000), "");
    assert!(talk.say("status").contains("Connected to "));
    talk.say("talk");
    assert!(talk.hear(30_000).contains("published "));
}

#[test]
fn what_is_typed_before_the_node_is_up_is_done_once_it_is_one_after_the_other() {
    let mut session = Session::default();
    assert_eq!(session.command("search shapes").lines, ["The node is not up yet. This is done once it is."]);
    session.command("show 1");
    assert!(!session.is_free());
    let mut talk = Talk { session, sim: Sim::new(Script::Quiet, 1, BEGIN), now: BEGIN };
    let said = talk.hear(5_000);
    assert!(said.contains("Good: signed by its publisher's key."), "{said}");
    assert!(talk.session.is_free());
    assert!(Session::default().command("quit").end, "this needs no node");
}
