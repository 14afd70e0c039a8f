//! How verbs answer: one value as a table, JSON or YAML on standard output, everything else on standard error.

pub mod human;
pub mod table;
pub mod wrap;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::config::cli::Format;
use crate::market::SafeText;
use crate::net::control::ErrorBody;
use crate::net::{ErrorKind, NodeError};

use table::cut;

/// Columns of what was typed that a message repeats.
pub const MAX_ECHO: usize = 100;
/// Bytes of a word that is repeated whole: an address with relays, the path of a file.
const LONGEST_WORD: usize = 400;

/// Where and how answers go.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    pub format: Format,
    pub style: Style,
}

/// What a table may use.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    pub colour: bool,
    /// Columns of the terminal; none when the answer does not go to one.
    pub width: Option<usize>,
}

impl Output {
    /// For this process's standard output.
    pub fn detect(format: Option<Format>) -> Self {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let size = terminal.then(|| rustix::termios::tcgetwinsize(&stdout).ok()).flatten();
        let width = size.map(|size| usize::from(size.ws_col)).filter(|width| *width > 0);
        Self { format: format.unwrap_or_default(), style: Style { colour, width } }
    }

    /// Prints the answer; `table` makes its form for people.
    ///
    /// # Errors
    /// Standard output cannot be written. A reader that has gone away is no error.
    pub fn answer<T: Serialize>(&self, value: &T, table: impl FnOnce(Style) -> String) -> Result<(), NodeError> {
        let text = match self.format {
            Format::Table => table(self.style),
            Format::Json => serde_json::to_string_pretty(value).map_err(|e| unwritable(&e))? + "\n",
            Format::Yaml => serde_norway::to_string(value).map_err(|e| unwritable(&e))?,
        };
        print(&text).map(drop)
    }

    /// Prints one of a stream of answers: a line, or in YAML a document. `false` when nobody reads any more.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn item<T: Serialize>(&self, value: &T, table: impl FnOnce(Style) -> String) -> Result<bool, NodeError> {
        let text = match self.format {
            Format::Table => table(self.style),
            Format::Json => serde_json::to_string(value).map_err(|e| unwritable(&e))? + "\n",
            Format::Yaml => format!("---\n{}", serde_norway::to_string(value).map_err(|e| unwritable(&e))?),
        };
        print(&text)
    }

    /// Whether answers are for people.
    pub fn for_people(&self) -> bool {
        self.format == Format::Table
    }

    /// Says something beside the answer, on standard error. Scripts find there nothing but errors.
    pub fn note(&self, text: &str) {
        if self.for_people() {
            complain(&format!("{}\n", clean(text)));
        }
    }

    /// Says something on standard error that scripts should log too; only after an answer was given.
    pub fn warn(&self, text: &str) {
        complain(&format!("{}\n", clean(text)));
    }

    /// Prints why there is no answer.
    pub fn error(&self, error: &NodeError) {
        complain(&error_text(self.format, error));
    }
}

/// An error as it is printed: two lines for people, an object for scripts.
pub fn error_text(format: Format, error: &NodeError) -> String {
    let hint = error.hint.as_deref().map(clean);
    let error = NodeError { kind: error.kind, message: clean(&error.message), hint };
    let written = match format {
        Format::Table => None,
        Format::Json => with_exit_code(&error).and_then(|body| serde_json::to_string(&body).ok()).map(|t| t + "\n"),
        Format::Yaml => with_exit_code(&error).and_then(|body| serde_norway::to_string(&body).ok()),
    };
    written.unwrap_or_else(|| {
        let hint = error.hint.map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
        format!("error: {}\n{hint}", error.message)
    })
}

fn with_exit_code(error: &NodeError) -> Option<serde_json::Value> {
    let mut body = serde_json::to_value(ErrorBody { error: error.clone() }).ok()?;
    body.get_mut("error")?.as_object_mut()?.insert("exit_code".to_owned(), error.kind.exit_code().into());
    Some(body)
}

/// Messages may quote what others sent, or what was typed. One line, nothing that moves a cursor, no endless word.
fn clean(text: &str) -> String {
    let line = text.split(['\n', '\r']).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
    let words: Vec<_> = line
        .split(' ')
        .map(|word| if word.len() > LONGEST_WORD { cut(word, MAX_ECHO) } else { word.to_owned() })
        .collect();
    SafeText::capped(&words.join(" "), 4096).to_string()
}

/// A text in which those of `arguments` that are very long are cut.
pub fn without_long(text: &str, arguments: &[OsString]) -> String {
    let long = arguments.iter().map(|argument| argument.to_string_lossy()).filter(|text| text.len() > LONGEST_WORD);
    long.fold(text.to_owned(), |text, argument| text.replace(&*argument, &cut(&argument, MAX_ECHO)))
}

/// Writes to standard output; `false` when nobody reads any more.
pub fn print(text: &str) -> Result<bool, NodeError> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(NodeError::new(ErrorKind::Disk, format!("cannot write the answer: {error}"))),
    }
}

/// Writes to standard error, which may be closed.
pub fn complain(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

fn unwritable(error: &dyn std::fmt::Display) -> NodeError {
    NodeError::new(ErrorKind::Failed, format!("the answer cannot be written in this form: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_two_lines_for_people_and_an_object_for_scripts() {
        let error = NodeError::new(ErrorKind::NotFound, "nobody has \"a\u{1b}[2J\"\nreally").hint("look again");
        let text = error_text(Format::Table, &error);
        assert!(text.starts_with("error: nobody has") && text.ends_with("; really\nhint: look again\n"), "{text:?}");
        assert!(!text.contains('\u{1b}'));
        let json: serde_json::Value = serde_json::from_str(&error_text(Format::Json, &error)).unwrap();
        assert_eq!(json["error"]["code"], "not_found");
        assert_eq!(json["error"]["exit_code"], 3);
        assert_eq!(json["error"]["hint"], "look again");
        let long = NodeError::new(ErrorKind::Usage, format!("{:?} is no multiaddr", "x".repeat(90_000)));
        let text = error_text(Format::Table, &long);
        assert!(text.len() < 200 && text.ends_with("… is no multiaddr\n"), "{text}");
        let yaml: serde_json::Value = serde_norway::from_str(&error_text(Format::Yaml, &error)).unwrap();
        assert_eq!(json, yaml);
    }
}
