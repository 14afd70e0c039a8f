//! Wiring: parse the command line, choose the mode, return the exit code.
//!
//! Not in `main.rs`, since a crate that polls the futures of another one compiles them again: all of them, twice.

use std::process::ExitCode;
use std::time::Duration;

use crate::app::launch::{self, Mode, Snapshot, Subject};
use crate::app::looks::Files;
use crate::app::record::{NewFile, Player, Recorder, Recording};
use crate::app::runtime::{self, NodeTask};
use crate::app::sim::{LiveSim, Script, Sim};
use crate::app::{demo, headless, logging, output, plain, verbs};
use crate::config::Home;
use crate::config::cli::{Cells, Cli, Form};
use crate::net::NodeError;
use crate::ui::{self, export};

/// The first line of a demo that is told.
const DEMO: &str = "DEMO: seven real nodes in this process, in temporary homes on loopback. Ctrl-C ends it.";

/// Does what the arguments of the process ask for.
pub fn main() -> ExitCode {
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
        Mode::Plain => plain(cli).map(|()| 0),
        Mode::Sim { script, seed, plain } => sim(cli, script, seed, plain).map(|()| 0),
        Mode::Replay(file) => {
            let player = Player::new(Recording::open(&file)?);
            launch::runtime()?.block_on(ui::replay(player)).map(|()| 0)
        }
        Mode::Snapshot(wanted) => snapshot(cli, wanted).map(|()| 0),
    }
}

fn headless(cli: &Cli) -> Result<(), NodeError> {
    let (home, settings) = launch::settings(cli)?;
    launch::runtime()?.block_on(headless::run(home, settings))
}

/// The file to record to, where that is asked for.
fn record(cli: &Cli) -> Result<Option<NewFile>, NodeError> {
    cli.screen.record.as_deref().map(Recorder::create).transpose()
}

fn dashboard(cli: &Cli) -> Result<(), NodeError> {
    let (home, settings) = launch::settings(cli)?;
    let record = record(cli)?;
    let logging = logging::init(logging::Mode::Dashboard, &home, &settings.log);
    let mut options = launch::dashboard_options(&settings);
    options.source = Some(launch::settings_source(cli, &home)?);
    launch::keep_files(&mut options, &home);
    let node = launch::attach_or_start(home, settings, logging.lines.clone());
    launch::runtime()?.block_on(async { ui::dashboard(NodeTask::start(node), options, record).await })
}

fn demo(cli: &Cli, plain: bool) -> Result<(), NodeError> {
    let settings = launch::demo_settings(cli)?;
    let record = record(cli)?;
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
        if plain {
            plain::run(NodeTask::start(node), DEMO).await
        } else {
            ui::dashboard(NodeTask::start(node), options, record).await
        }
    });
    // The cast ends with the runtime; only then may its homes go.
    runtime.shutdown_timeout(Duration::from_secs(2));
    drop(stage);
    shown
}

fn plain(cli: &Cli) -> Result<(), NodeError> {
    let (home, settings) = launch::settings(cli)?;
    let logging = logging::init(logging::Mode::Dashboard, &home, &settings.log);
    let node = launch::attach_or_start(home, settings, logging.lines.clone());
    let welcome = "ggen-p2p-tui, told line by line.";
    launch::runtime()?.block_on(async { plain::run(NodeTask::start(node), welcome).await })
}

fn sim(cli: &Cli, script: Script, seed: u64, plain: bool) -> Result<(), NodeError> {
    let settings = launch::demo_settings(cli)?;
    let record = record(cli)?;
    let mut options = launch::dashboard_options(&settings);
    options.sim = Some(script.name().to_owned());
    options.source = Some(launch::settings_source(cli, &Home::new("/simulated/home"))?);
    let sim = LiveSim::new(Sim::new(script, seed, runtime::now()));
    if plain {
        let welcome = "ggen-p2p-tui, told line by line. This is a simulation: nothing here is real.";
        return launch::runtime()?.block_on(plain::run(sim, welcome));
    }
    launch::runtime()?.block_on(ui::dashboard(sim, options, record))
}

fn snapshot(cli: &Cli, wanted: Snapshot) -> Result<(), NodeError> {
    let Cells { width, height } = wanted.size.unwrap_or_default();
    let (size, tab) = ((width, height), wanted.pane.unwrap_or_default());
    let state = match wanted.of {
        Subject::Node => {
            let (home, settings) = launch::settings(cli)?;
            let mut options = launch::dashboard_options(&settings);
            options.source = Some(launch::settings_source(cli, &home)?);
            options.looks = Files::of(&home).read();
            launch::runtime()?.block_on(async {
                let node = launch::running(&home).await?;
                runtime::of_node(node, options, tab, size).await
            })?
        }
        Subject::Sim(script, seed) => {
            let mut options = launch::picture_options(&launch::demo_settings(cli)?);
            options.sim = Some(script.name().to_owned());
            let after = wanted.after_ms.unwrap_or(runtime::SIM_MS);
            runtime::of_simulation(script, seed, after, options, tab, size)
        }
        Subject::Recording(file) => {
            let recording = Recording::open(&file)?;
            let size = wanted.size.map(|_| size);
            runtime::of_recording(recording, wanted.after_ms, wanted.pane, size)
        }
    };
    let format = match wanted.form {
        Form::Json => export::Format::Json,
        Form::Svg => export::Format::Svg,
        Form::Text | Form::Table | Form::Yaml => export::Format::Text,
    };
    output::print(&export::snapshot(state, format)).map(drop)
}
