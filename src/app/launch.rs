//! From the command line to the way the program runs.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, FromArgMatches};

use crate::config::cli::{Cells, Cli, Form, Format, Verb};
use crate::config::{Home, Settings, load};
use crate::net::api::LogLine;
use crate::net::control::client::ControlClient;
use crate::net::{self, ErrorKind, NodeError, NodeHandle, NodeOptions};

use super::failure::{busy, usage};
use super::looks::{Background, Depth, Files, can_be_asked};
use super::output::{self, Output};
use super::session;
use super::settings::Source;
use super::sim::Script;
use super::state::{DashboardOptions, Tab};
use super::verbs::config_file;

/// The ways the program runs.
#[derive(Clone, Debug)]
pub enum Mode {
    Dashboard,
    /// The dashboard's node, told line by line.
    Plain,
    Headless,
    /// `plain`: told line by line instead of shown.
    Demo {
        plain: bool,
    },
    /// A simulated node in the place of a real one, with its course.
    Sim {
        script: Script,
        seed: u64,
        plain: bool,
    },
    /// A recording is shown.
    Replay(PathBuf),
    /// A pane is printed.
    Snapshot(Snapshot),
    Verb(Verb),
}

/// A pane to print.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// None: what a recording showed.
    pub pane: Option<Tab>,
    pub of: Subject,
    /// None: the usual size, or that of the recording.
    pub size: Option<Cells>,
    pub form: Form,
    /// Milliseconds from the beginning of a simulation or recording.
    pub after_ms: Option<u64>,
}

/// Whose pane is printed.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    /// That of the node that runs on the home.
    Node,
    Sim(Script, u64),
    Recording(PathBuf),
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
            print_plain(&error, &arguments);
        }
        u8::try_from(error.exit_code()).unwrap_or(2)
    })
}

fn print_plain(error: &clap::Error, arguments: &[OsString]) {
    if error.exit_code() == 0 || arguments.iter().all(|argument| argument.len() <= 400) {
        // Its own printing takes a closed pipe as an error, and there is nobody left to tell.
        let _ = error.print();
    } else {
        output::complain(&output::without_long(&error.to_string(), arguments));
    }
}

/// The form that errors are wanted in, from a command line that could not be read as a whole.
fn format_asked(arguments: &[OsString]) -> Format {
    let words: Vec<_> =
        arguments.iter().filter_map(|argument| argument.to_str()).take_while(|word| *word != "--").collect();
    let after_flag = words.windows(2).filter(|pair| pair.first() == Some(&"--format")).filter_map(|pair| pair.last());
    let joined = words.iter().filter_map(|word| word.strip_prefix("--format="));
    let short = words.iter().find(|word| **word == "--json").map(|_| "json");
    match after_flag.copied().chain(joined).last().or(short) {
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
    let screen = &cli.screen;
    if screen.snapshot.is_none()
        && let Some(form @ (Form::Text | Form::Svg)) = cli.global.form()
    {
        return Err(usage(format!("--format {} is a form of --snapshot", form.name()))
            .hint("answers come as table, json or yaml"));
    }
    match &cli.verb {
        Some(_) if cli.global.demo => Err(takes_no_command("--demo")),
        Some(Verb::Start) => without_screen(cli, Mode::Headless),
        Some(verb) => without_screen(cli, Mode::Verb(verb.clone())),
        None if cli.global.demo => Ok(Mode::Demo { plain: screen.plain || cli.global.no_ui || !on_terminal() }),
        None if cli.global.no_ui => Ok(Mode::Headless),
        None => match (&screen.snapshot, &screen.replay, simulation(cli)?) {
            (Some(pane), ..) => snapshot(cli, pane).map(Mode::Snapshot),
            (None, None, Some((script, seed))) if screen.plain => Ok(Mode::Sim { script, seed, plain: true }),
            (None, None, None) if screen.plain => Ok(Mode::Plain),
            _ if !on_terminal() => Err(usage("the dashboard needs a terminal")
                .hint("run the node without it: --no-ui; be told line by line: --plain; see --help for commands")),
            (None, Some(file), _) => Ok(Mode::Replay(file.clone())),
            (None, None, Some((script, seed))) => Ok(Mode::Sim { script, seed, plain: false }),
            (None, None, None) => Ok(Mode::Dashboard),
        },
    }
}

fn takes_no_command(flag: &str) -> NodeError {
    usage(format!("{flag} takes no command")).hint("leave one of the two away")
}

fn without_screen(cli: &Cli, mode: Mode) -> Result<Mode, NodeError> {
    cli.screen.given().map_or(Ok(mode), |flag| Err(takes_no_command(flag)))
}

fn simulation(cli: &Cli) -> Result<Option<(Script, u64)>, NodeError> {
    let script = cli.screen.sim.as_deref().map(str::parse::<Script>).transpose()?;
    Ok(script.map(|script| (script, cli.screen.seed.unwrap_or(1))))
}

fn snapshot(cli: &Cli, pane: &str) -> Result<Snapshot, NodeError> {
    let screen = &cli.screen;
    let of = match (&screen.replay, simulation(cli)?) {
        (Some(file), _) => Subject::Recording(file.clone()),
        (None, Some((script, seed))) => Subject::Sim(script, seed),
        (None, None) => Subject::Node,
    };
    let found = Tab::ALL.into_iter().find(|tab| tab.title().eq_ignore_ascii_case(pane));
    if found.is_none() && !(pane == "screen" && matches!(of, Subject::Recording(_))) {
        let panes: Vec<_> = Tab::ALL.iter().map(|tab| tab.title().to_lowercase()).collect();
        let hint = format!("there are {}; with --replay also `screen`, what was shown", panes.join(", "));
        return Err(usage("there is no such pane to take a snapshot of").hint(hint));
    }
    let form = match cli.global.form().unwrap_or(Form::Text) {
        form @ (Form::Text | Form::Json | Form::Svg) => form,
        form @ (Form::Table | Form::Yaml) => {
            return Err(usage(format!("a snapshot has no form {}", form.name())).hint("it is text, json or svg"));
        }
    };
    if screen.at.is_some() && of == Subject::Node {
        return Err(usage("--at needs --sim or --replay: a running node shows what is now"));
    }
    let after_ms = screen.at.map(|at| at.0.saturating_mul(1_000));
    Ok(Snapshot { pane: found, of, size: screen.size, form, after_ms })
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

/// The node that runs on the home.
///
/// # Errors
/// None runs, or it cannot be reached.
pub async fn running(home: &Home) -> Result<NodeHandle, NodeError> {
    ControlClient::connect(home).await?.map(NodeHandle::Remote).ok_or_else(|| {
        NodeError::new(ErrorKind::NoNode, format!("no node runs on {}", home.root().display()))
            .hint("start one with `ggen-p2p-tui start`, name its home with --home, or show --sim NAME or --replay FILE")
    })
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
    let stored = !cli.global.demo && cli.screen.sim.is_none();
    let file = if stored { config_file(&cli.global, home)? } else { home.config_file() };
    Ok(Source { file, flags: cli.global.overrides(), stored })
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

/// How a picture of a simulation looks: as settings and flags say, and the same on every machine.
pub fn picture_options(settings: &Settings) -> DashboardOptions {
    DashboardOptions {
        user_home: Some("/simulated/home".into()),
        current_dir: "/simulated/packages".into(),
        mouse: false,
        ..DashboardOptions::from_settings(&settings.ui, "simulation")
    }
}

fn is_utf8(locale: &str) -> bool {
    let lower = locale.to_ascii_lowercase();
    lower.contains("utf-8") || lower.contains("utf8")
}

/// Says what failed, in the form that was asked for, and gives the exit code.
pub fn fail(cli: &Cli, error: &NodeError) -> u8 {
    Output::detect(cli.global.answer_format()).error(error);
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
        for wrong in [
            "--demo list",
            "--sim busy status",
            "--record x list",
            "list --format svg",
            "--snapshot peers --format yaml",
            "--snapshot nothing",
            "--snapshot screen",
            "--snapshot peers --at 3s",
        ] {
            assert_eq!(mode_of(wrong).unwrap_err().kind, ErrorKind::Usage, "{wrong}");
        }
    }

    #[test]
    fn a_snapshot_is_of_a_node_a_simulation_or_a_recording() {
        let taken = |line: &str| match mode(&parse(words(&format!("ggen-p2p-tui {line}"))).unwrap()) {
            Ok(Mode::Snapshot(snapshot)) => snapshot,
            other => panic!("{line}: {other:?}"),
        };
        assert_eq!(taken("--snapshot DHT").of, Subject::Node);
        let sim = taken("--sim busy --seed 7 --snapshot search --size 80x24 --at 1m --format svg");
        assert_eq!((sim.pane, sim.of, sim.after_ms), (Some(Tab::Search), Subject::Sim(Script::Busy, 7), Some(60_000)));
        assert_eq!((sim.form, sim.size), (Form::Svg, Some(Cells { width: 80, height: 24 })));
        assert_eq!(taken("--replay a --snapshot screen").pane, None);
        for wrong in ["--snapshot peers --size 1x1", "--seed 3", "--replay a --sim busy", "--record a --replay b"] {
            assert_eq!(parse(words(&format!("ggen-p2p-tui {wrong}"))).unwrap_err(), 2, "{wrong}");
        }
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
        assert_eq!(asked("x peers --sort foo --json"), Format::Json);
        assert_eq!(asked("x --json install"), Format::Json);
        assert_eq!(asked("x show a -- --json"), Format::Table);
    }

    #[test]
    fn a_usage_error_is_one_line() {
        let error = Cli::command().try_get_matches_from(["x", "install"]).unwrap_err();
        let line = first_line(&error);
        assert!(!line.contains('\n') && line.contains("NAME[@REQ]"), "{line}");
    }
}
