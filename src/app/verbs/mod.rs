//! The verbs: one command, one answer, one exit code.

mod central;
mod check;
mod config;
mod feed;
mod init;
mod install;
mod install_plan;
mod installed;
mod key;
mod peers;
mod plan;
mod progress;
mod project;
mod publish;
mod remove;
mod search;
mod session;
mod show;
mod status;
mod trust;
mod unsigned;
mod update;
mod verify;
mod why;
mod yank;

use crate::config::cli::{Cli, Verb};
use crate::config::{Home, Loaded, load};
use crate::net::NodeError;

use super::logging::{self, Mode};
use super::output::{Output, print};
use super::signal;

pub use config::config_file;
pub use session::Session;

/// What every verb is given.
pub struct Context {
    pub home: Home,
    pub loaded: Loaded,
    pub output: Output,
}

/// Runs a verb other than `start` and gives the exit code; what failed was said on standard error.
pub fn run(cli: &Cli, verb: &Verb, runtime: impl FnOnce() -> Result<tokio::runtime::Runtime, NodeError>) -> u8 {
    let output = Output::detect(cli.global.answer_format());
    match dispatch(cli, verb, output, runtime) {
        Ok(code) => code,
        Err(error) => {
            output.error(&error);
            error.kind.exit_code()
        }
    }
}

fn dispatch(
    cli: &Cli,
    verb: &Verb,
    output: Output,
    runtime: impl FnOnce() -> Result<tokio::runtime::Runtime, NodeError>,
) -> Result<u8, NodeError> {
    match verb {
        Verb::Completions { shell } => return completions(*shell).map(|()| 0),
        Verb::Config(verb) => return config::run(&cli.global, verb, output).map(|()| 0),
        Verb::Init(arguments) => return init::run(arguments, output).map(|()| 0),
        Verb::Publish(arguments) if arguments.check => {
            return check::run(&cli.global, arguments, output, runtime).map(|()| 0);
        }
        _ => {}
    }
    let home = Home::resolve(cli.global.home.as_deref())?;
    let loaded = load::load(&config_file(&cli.global, &home)?, &cli.global.overrides())?;
    let mut log = loaded.settings.log.clone();
    if cli.global.verbose == 0 && cli.global.log_level.is_none() {
        log.level = "error".to_owned();
    }
    let logging = logging::init(Mode::Verb, &home, &log);
    let context = Context { home, loaded, output };
    let runtime = runtime()?;
    let code = runtime.block_on(until_interrupted(&context, verb));
    // Lookups and hashing left behind by an interrupted verb must not hold the exit up.
    runtime.shutdown_background();
    drop(logging);
    code
}

/// Runs the verb; a signal ends it in good order, its own node included.
async fn until_interrupted(context: &Context, verb: &Verb) -> Result<u8, NodeError> {
    let mut session = Session::default();
    let mut signals = signal::Signals::new()?;
    let result = tokio::select! {
        result = answer(context, &mut session, verb) => result.map(|()| 0),
        signal = signals.next() => Ok(match verb {
            // To be interrupted is how following ends.
            Verb::Feed(arguments) if arguments.follow => 0,
            Verb::Publish(arguments) if arguments.wait > 0 => {
                context.output.note("interrupted: if it was published by then, it stays so; publish again to see");
                signal.exit_code()
            }
            _ => signal.exit_code(),
        }),
    };
    session.close().await;
    result
}

async fn answer(context: &Context, session: &mut Session, verb: &Verb) -> Result<(), NodeError> {
    match verb {
        Verb::Status => status::status(context, session).await,
        Verb::Central(verb) => central::central(context, session, *verb).await,
        Verb::Stop => status::stop(context, session).await,
        Verb::Search(arguments) => search::search(context, session, arguments).await,
        Verb::Publish(arguments) => publish::publish(context, session, arguments).await,
        Verb::Install(arguments) => install::install(context, session, arguments).await,
        Verb::Yank(arguments) => yank::yank(context, session, arguments).await,
        Verb::Key(verb) => key::run(context, session, verb).await,
        Verb::Outdated => update::outdated(context, session).await,
        Verb::Update(arguments) => update::update(context, session, arguments).await,
        Verb::List => installed::list(context, session).await,
        Verb::Show(arguments) => show::show(context, session, arguments).await,
        Verb::Trust(verb) => trust::run(context, session, verb).await,
        Verb::Verify { names } => verify::verify(context, names).await,
        Verb::Remove(arguments) => remove::remove(context, session, arguments).await,
        Verb::Peers(arguments) => peers::peers(context, session, arguments).await,
        Verb::PeerInfo { peer } => peers::peer_info(context, session, peer).await,
        Verb::Connect { addr } => peers::connect(context, session, addr).await,
        Verb::Disconnect { peer } => peers::disconnect(context, session, peer.as_deref()).await,
        Verb::Bootstrap { wait } => peers::bootstrap(context, session, *wait).await,
        Verb::Ban(arguments) => peers::ban(context, session, arguments).await,
        Verb::Unban { peer } => peers::unban(context, session, peer).await,
        Verb::Keep { peer } => peers::keep(context, session, peer).await,
        Verb::Unkeep { peer } => peers::unkeep(context, session, peer).await,
        Verb::Feed(arguments) => feed::feed(context, session, arguments).await,
        Verb::Start | Verb::Config(_) | Verb::Init(_) | Verb::Completions { .. } => {
            Err(super::failure::usage("this command is not answered by a node"))
        }
    }
}

fn completions(shell: clap_complete::Shell) -> Result<(), NodeError> {
    let mut command = <Cli as clap::CommandFactory>::command();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "ggen-p2p-tui", &mut script);
    print(&String::from_utf8_lossy(&script)).map(drop)
}
