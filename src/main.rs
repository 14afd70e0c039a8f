//! Wiring: parse the command line, choose the mode, return the exit code.

use std::process::ExitCode;
use std::time::Duration;

use ggen_p2p_tui::app::launch::{self, Mode};
use ggen_p2p_tui::app::{demo, headless, logging, verbs};
use ggen_p2p_tui::config::Home;
use ggen_p2p_tui::config::cli::Cli;
use ggen_p2p_tui::net::NodeError;
use ggen_p2p_tui::ui;

fn main() -> ExitCode {
    let code = match launch::parse(std::env::args_os()) {
        Ok(cli) => run(&cli).unwrap_or_else(|error| launch::fail(&cli, &error)),
        Err(code) => code,
    };
    ExitCode::from(code)
}

fn run(cli: &Cli) -> Result<u8, NodeError> {
    match launch::mode(cli)? {
        Mode::Verb(verb) => Ok(verbs::run(cli, &verb, launch::runtime)),
        Mode::Headless => headless(cli).map(|()| 0),
        Mode::Dashboard => dashboard(cli).map(|()| 0),
        Mode::Demo { plain } => demo(cli, plain).map(|()| 0),
    }
}

fn headless(cli: &Cli) -> Result<(), NodeError> {
    let (home, settings) = launch::settings(cli)?;
    launch::runtime()?.block_on(headless::run(home, settings))
}

fn dashboard(cli: &Cli) -> Result<(), NodeError> {
    let (home, settings) = launch::settings(cli)?;
    let logging = logging::init(logging::Mode::Dashboard, &home, &settings.log);
    let mut options = launch::dashboard_options(&settings);
    options.source = Some(launch::settings_source(cli, &home)?);
    launch::keep_files(&mut options, &home);
    let node = launch::attach_or_start(home, settings, logging.lines.clone());
    launch::runtime()?.block_on(ui::dashboard(node, options))
}

fn demo(cli: &Cli, plain: bool) -> Result<(), NodeError> {
    let settings = launch::demo_settings(cli)?;
    let stage = demo::Stage::prepare()?;
    let logging = logging::init(logging::Mode::Demo, &Home::new(stage.packages()), &settings.log);
    let mut options = launch::dashboard_options(&settings);
    options.network = demo::NETWORK.into();
    options.demo = true;
    options.source = Some(launch::settings_source(cli, &Home::new(stage.packages()))?);
    options.current_dir = stage.packages().to_string_lossy().into_owned();
    let runtime = launch::runtime()?;
    let node = stage.start(&settings, logging.lines.clone());
    let shown = runtime.block_on(async {
        if plain { demo::plain::run(node.await?).await } else { ui::dashboard(node, options).await }
    });
    // The cast ends with the runtime; only then may its homes go.
    runtime.shutdown_timeout(Duration::from_secs(2));
    drop(stage);
    shown
}
