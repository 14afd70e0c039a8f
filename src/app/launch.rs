//! From the command line to the way the program runs.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::Path;

use clap::{CommandFactory, FromArgMatches};

use crate::config::cli::{Cli, Format, Verb};
use crate::config::{Home, Settings, load};
use crate::net::api::LogLine;
use crate::net::control::client::ControlClient;
use crate::net::{self, ErrorKind, NodeError, NodeHandle, NodeOptions};

use super::failure::{busy, usage};
use super::looks::{Background, Depth, Files, can_be_asked};
use super::output::{self, Output};
use super::session;
use super::settings::Source;
use super::state::DashboardOptions;
use super::verbs::config_file;

/// The ways the program runs.
#[derive(Clone, Debug)]
pub enum Mode {
    Dashboard,
    Headless,
    /// `plain`: told line by line instead of shown.
    Demo {
        plain: bool,
    },
    Verb(Verb),
}

/// Reads the command line. `Err` is the exit code where that is all there is to do: help, version, wrong usage.
pub fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Cli, u8> {
    let arguments: Vec<OsString> = arguments.collect();
    let parsed = Cli::command().try_get_matches_from(&arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    parsed.map_err(|error| {
        let format = format_asked(&arguments);
        if error.exit_code() != 0 && format != Format::Table {
            let wrong = usage(first_line(&error)).hint("see `ggen-p2p-tui --help`");
            output::complain(&output::error_text(format, &wrong));
        } else {
            // Its own printing takes a closed pipe as an error, and there is nobody left to tell.
            let _ = error.print();
        }
        u8::try_from(error.exit_code()).unwrap_or(2)
    })
}

/// The form that errors are wanted in, from a command line that could not be read as a whole.
fn format_asked(arguments: &[OsString]) -> Format {
    let words: Vec<_> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
    let after_flag = words.windows(2).filter(|pair| pair.first() == Some(&"--format")).filter_map(|pair| pair.last());
    let joined = words.iter().filter_map(|word| word.strip_prefix("--format="));
    match after_flag.copied().chain(joined).last() {
        Some("json") => Format::Json,
        Some("yaml") => Format::Yaml,
        _ => Format::Table,
    }
}

fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    // What is missing stands on indented lines below the first.
    let mut lines = text.lines().map(str::trim).take_while(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    lines.fold(first, |text, line| text + " " + line)
}

/// # Errors
/// Flags and command contradict each other, or the dashboard has no terminal.
pub fn mode(cli: &Cli) -> Result<Mode, NodeError> {
    match &cli.verb {
        Some(_) if cli.global.demo => Err(usage("--demo takes no command").hint("leave one of the two away")),
        None if cli.global.demo => Ok(Mode::Demo { plain: cli.global.no_ui || !on_terminal() }),
        Some(Verb::Start) => Ok(Mode::Headless),
        Some(verb) => Ok(Mode::Verb(verb.clone())),
        None if cli.global.no_ui => Ok(Mode::Headless),
        None if !on_terminal() => {
            Err(usage("the dashboard needs a terminal")
                .hint("run the node without it: --no-ui; see --help for commands"))
        }
        None => Ok(Mode::Dashboard),
    }
}

fn on_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// The home directory and the settings that hold for it.
pub fn settings(cli: &Cli) -> Result<(Home, Settings), NodeError> {
    let home = Home::resolve(cli.global.home.as_deref())?;
    let loaded = load::load(&config_file(&cli.global, &home)?, &cli.global.overrides())?;
    Ok((home, loaded.settings))
}

/// The settings of a demo: those of flags and environment. No file is read: a demo leaves the home alone.
pub fn demo_settings(cli: &Cli) -> Result<Settings, NodeError> {
    let file = Path::new("p2p-config.toml");
    Ok(load::load_from(file, None, std::env::vars_os(), &cli.global.overrides())?.settings)
}

/// Two workers: one for the swarm, one for the screen and the control socket. Hashing and packing have threads of their own.
pub fn runtime() -> Result<tokio::runtime::Runtime, NodeError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(16)
        .enable_all()
        .build()
        .map_err(|e| NodeError::new(ErrorKind::Failed, format!("cannot start the runtime: {e}")))
}

/// The node for a dashboard: the one that runs on the home, else one in this process.
///
/// # Errors
/// As [`net::start`].
pub async fn attach_or_start(
    home: Home,
    settings: Settings,
    logs: tokio::sync::broadcast::Sender<LogLine>,
) -> Result<NodeHandle, NodeError> {
    if let Some(running) = ControlClient::connect(&home).await? {
        return Ok(NodeHandle::Remote(running));
    }
    let options = NodeOptions { home: home.clone(), settings, logs: Some(logs), ephemeral: false };
    match net::start(options).await {
        Ok(node) => Ok(node),
        // One may have been started at the same moment.
        Err(error) => ControlClient::connect(&home).await?.map(NodeHandle::Remote).ok_or_else(|| busy(error)),
    }
}

/// Has a dashboard begin as the files of the home say, and go by them.
pub fn keep_files(options: &mut DashboardOptions, home: &Home) {
    let files = Files::of(home);
    options.looks = files.read();
    options.session = session::load(&files.session);
    options.files = Some(files);
}

/// Where a dashboard reads and writes its settings.
///
/// # Errors
/// As [`config_file`].
pub fn settings_source(cli: &Cli, home: &Home) -> Result<Source, NodeError> {
    let file = if cli.global.demo { home.config_file() } else { config_file(&cli.global, home)? };
    Ok(Source { file, flags: cli.global.overrides(), stored: !cli.global.demo })
}

/// How the dashboard looks and behaves: the settings, and what the environment says of colours, characters and folders.
pub fn dashboard_options(settings: &Settings) -> DashboardOptions {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default();
    let mut options = DashboardOptions::from_settings(&settings.ui, &settings.network.name);
    options.no_color |= set("NO_COLOR").is_some();
    options.only_ascii = !is_utf8(&locale);
    options.ascii |= options.only_ascii;
    let term = set("TERM").unwrap_or_default();
    options.depth = Depth::detect(&set("COLORTERM").unwrap_or_default(), &term);
    options.can_be_asked = can_be_asked(&term, set("TMUX").is_some());
    options.background = set("COLORFGBG").and_then(|text| Background::from_variable(&text));
    options.user_home = set("HOME");
    if let Ok(dir) = std::env::current_dir() {
        options.current_dir = dir.to_string_lossy().into_owned();
    }
    options
}

fn is_utf8(locale: &str) -> bool {
    let lower = locale.to_ascii_lowercase();
    lower.contains("utf-8") || lower.contains("utf8")
}

/// Says what failed, in the form that was asked for, and gives the exit code.
pub fn fail(cli: &Cli, error: &NodeError) -> u8 {
    Output::detect(cli.global.format).error(error);
    error.kind.exit_code()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> impl Iterator<Item = OsString> {
        line.split_whitespace().map(OsString::from).collect::<Vec<_>>().into_iter()
    }

    #[test]
    fn the_mode_follows_from_verb_and_flags() {
        let mode_of = |line: &str| mode(&parse(words(&format!("ggen-p2p-tui {line}"))).unwrap());
        assert!(matches!(mode_of("start"), Ok(Mode::Headless)));
        assert!(matches!(mode_of("--no-ui"), Ok(Mode::Headless)));
        assert!(matches!(mode_of("list"), Ok(Mode::Verb(Verb::List))));
        assert_eq!(mode_of("--demo list").unwrap_err().kind, ErrorKind::Usage);
    }

    #[test]
    fn wrong_usage_is_code_2_and_help_is_0() {
        assert_eq!(parse(words("ggen-p2p-tui serach")).unwrap_err(), 2);
        assert_eq!(parse(words("ggen-p2p-tui --help")).unwrap_err(), 0);
    }

    #[test]
    fn the_form_of_errors_is_found_in_a_wrong_command_line() {
        let asked = |line: &str| format_asked(&words(line).collect::<Vec<_>>());
        assert_eq!(asked("x serach --format json"), Format::Json);
        assert_eq!(asked("x --format=yaml serach"), Format::Yaml);
        assert_eq!(asked("x serach --format"), Format::Table);
    }

    #[test]
    fn a_usage_error_is_one_line() {
        let error = Cli::command().try_get_matches_from(["x", "install"]).unwrap_err();
        let line = first_line(&error);
        assert!(!line.contains('\n') && line.contains("NAME[@REQ]"), "{line}");
    }
}
