//! What can be typed.

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    Nothing,
    Help,
    Status,
    Peers,
    Feed,
    Search(String),
    /// The number of a result, or a name.
    Show(String),
    Install(String),
    Yes,
    No,
    Transfers,
    Installed,
    Connect(String),
    Quiet,
    Talk,
    Quit,
    Unknown(String),
}

/// Each with what it does.
pub const HELP: [(&str, &str); 14] = [
    ("status", "how the node is doing"),
    ("peers", "who is connected or banned"),
    ("feed", "the newest announcements"),
    ("search WORDS", "find packages; each result has a number"),
    ("show N", "all about result N, and why it is trusted or not"),
    ("install N", "the plan for result N, or for a package by its name; then yes or no"),
    ("yes, no", "answer what was asked"),
    ("transfers", "what is being fetched and given"),
    ("installed", "the packages that are installed"),
    ("connect ADDRESS", "connect to a peer"),
    ("quiet", "tell only answers"),
    ("talk", "tell what happens, too"),
    ("help", "this list"),
    ("quit", "end"),
];

/// Reads a line; the beginning of a word is enough where it is clear.
pub fn parse(line: &str) -> Command {
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim().to_owned();
    match word.to_lowercase().as_str() {
        "" => Command::Nothing,
        "help" | "h" | "?" => Command::Help,
        "status" | "st" => Command::Status,
        "peers" | "p" => Command::Peers,
        "feed" | "f" => Command::Feed,
        "search" | "s" | "/" => Command::Search(rest),
        "show" | "why" => Command::Show(rest),
        "install" | "i" => Command::Install(rest),
        "yes" | "y" => Command::Yes,
        "no" | "n" => Command::No,
        "transfers" | "t" => Command::Transfers,
        "installed" | "list" => Command::Installed,
        "connect" | "c" => Command::Connect(rest),
        "quiet" => Command::Quiet,
        "talk" => Command::Talk,
        "quit" | "q" | "exit" => Command::Quit,
        _ => Command::Unknown(word.to_owned()),
    }
}
