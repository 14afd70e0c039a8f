//! Where log lines go: standard error, a rotated file, the Logs pane.

mod layer;
mod rotate;

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::broadcast;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Home, schema};
use crate::net::api::LogLine;

use layer::{LineLayer, Sinks};
use rotate::RotatingFile;

/// Lines that wait for a slow subscriber, or for a slow disk, at most; more are dropped.
const WAITING: usize = 512;

/// What the process is, which decides where its log goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Standard error and file.
    Headless,
    /// File only: the screen is the dashboard's.
    Dashboard,
    /// Nothing but the Logs pane: a demo leaves nothing behind.
    Demo,
    /// Standard error only, and only errors unless a flag asks for more.
    Verb,
}

/// Keeps the log going; what waits is written when it is dropped.
pub struct Logging {
    /// For [`NodeOptions`](crate::net::NodeOptions): every line from now on.
    pub lines: broadcast::Sender<LogLine>,
    _writer: Option<WorkerGuard>,
}

/// Starts logging for this process. A second call changes nothing but the returned channel.
///
/// `RUST_LOG` comes before `settings.level`, which speaks for this program's own modules; libraries log warnings. Nothing
/// is created on disk before the first line.
pub fn init(mode: Mode, home: &Home, settings: &schema::Log) -> Logging {
    let (lines, _) = broadcast::channel(WAITING);
    let (file, writer) = match mode {
        Mode::Demo | Mode::Verb => (None, None),
        Mode::Headless | Mode::Dashboard => {
            let rotating = RotatingFile::new(&home.logs_dir(), settings.max_files, settings.max_size.0);
            let builder = NonBlockingBuilder::default().buffered_lines_limit(WAITING).thread_name("log");
            let (file, writer) = builder.finish(rotating);
            (Some(file), Some(writer))
        }
    };
    let sinks = Sinks { stderr: matches!(mode, Mode::Headless | Mode::Verb), file, lines: lines.clone() };
    let filter = std::env::var("RUST_LOG").ok().filter(|text| !text.is_empty());
    let filter =
        filter.and_then(|text| EnvFilter::try_new(text).ok()).unwrap_or_else(|| default_filter(mode, settings));
    let _ = tracing_subscriber::registry().with(filter).with(LineLayer::new(sinks)).try_init();
    Logging { lines, _writer: writer }
}

fn default_filter(mode: Mode, settings: &schema::Log) -> EnvFilter {
    let others = if mode == Mode::Verb || settings.level == "error" { "error" } else { "warn" };
    // Kademlia warns on every start of a node that knows nobody yet, which is no fault.
    EnvFilter::new(format!("{others},libp2p_kad::behaviour=error,{}={}", own_target(), settings.level))
}

/// The crate that this module is in: what the targets of this program's own lines begin with.
fn own_target() -> &'static str {
    module_path!().split("::").next().unwrap_or_default()
}

/// Unix milliseconds.
fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
