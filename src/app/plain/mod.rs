//! The dashboard for screen readers: what happens is told in lines, commands are typed. Nothing moves the cursor, nothing is
//! coloured, and no line is written over.

mod answers;
mod command;
mod input;
mod session;
mod teller;
#[cfg(test)]
mod tests;

use std::io::IsTerminal;

use super::event::Event;
use super::output::print;
use super::runtime::{Backend, Inbox};
use super::signal::Signals;
use crate::market::SafeText;
use crate::net::NodeError;
use session::{Said, Session};

/// Before a command is typed.
const PROMPT: &str = "> ";

/// Tells what happens and does what is typed, until `quit`, a signal, the node's end, or nobody reads any more. `welcome`
/// is the first line.
///
/// # Errors
/// Why the node did not start; standard output cannot be written.
pub async fn run<B: Backend>(mut backend: B, welcome: &str) -> Result<(), NodeError> {
    let outcome = converse(&mut backend, welcome).await;
    backend.finish().await;
    outcome
}

async fn converse<B: Backend>(backend: &mut B, welcome: &str) -> Result<(), NodeError> {
    let mut signals = Signals::new()?;
    let mut inbox = Inbox::default();
    let mut lines = input::lines();
    let mut page = Page { prompts: std::io::stdin().is_terminal() && std::io::stdout().is_terminal(), open: false };
    let mut session = Session::default();
    if !page.tell(&[welcome.to_owned(), "Type help and Enter for the commands.".to_owned()])? {
        return Ok(());
    }
    let mut given = false;
    loop {
        let said = tokio::select! {
            biased;
            _ = signals.next() => return Ok(()),
            // What is piped in builds on the answers before it: each line waits for them.
            line = lines.recv(), if page.prompts || session.is_free() => {
                page.open = false;
                match line {
                    Some(line) => {
                        given = true;
                        session.command(&line)
                    }
                    // Somebody who cannot type at all may still listen.
                    None if page.prompts || given => return Ok(()),
                    None => {
                        lines = input::silence();
                        continue;
                    }
                }
            }
            event = inbox.next() => session.event(event),
            event = backend.next() => match event {
                Event::StartFailed(error) => return Err(error),
                event => session.event(event),
            },
        };
        let Said { lines: told, ask, end, answered } = said;
        for (tag, command) in ask {
            backend.request(&inbox, tag, command);
        }
        let read = page.tell(&told)?;
        if end || !read {
            return Ok(());
        }
        if answered && !page.prompt()? {
            return Ok(());
        }
    }
}

/// What was printed last.
struct Page {
    /// Whether somebody types at a terminal.
    prompts: bool,
    /// The prompt stands at the end of the page.
    open: bool,
}

impl Page {
    /// Prints lines; false when nobody reads any more.
    fn tell(&mut self, lines: &[String]) -> Result<bool, NodeError> {
        if lines.is_empty() {
            return Ok(true);
        }
        let mut text = String::new();
        if std::mem::take(&mut self.open) {
            text.push('\n');
        }
        for line in lines {
            text.push_str(&SafeText::capped(line, 4_096));
            text.push('\n');
        }
        print(&text)
    }

    fn prompt(&mut self) -> Result<bool, NodeError> {
        if !self.prompts || std::mem::replace(&mut self.open, true) {
            return Ok(true);
        }
        print(PROMPT)
    }
}
