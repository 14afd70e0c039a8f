//! The terminal guard: takes the terminal and gives it back, whatever happens.

use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ThreadId};
use std::time::Duration;

use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture};
use crossterm::terminal::{
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};

/// Whether the terminal is ours now. Kept outside the guard for the panic hook.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// What panicking background threads said; shown when the terminal is given back.
static REPORTS: Mutex<Vec<String>> = Mutex::new(Vec::new());
const MAX_REPORTS: usize = 16;
/// Longer than a signal to one's own process takes to arrive.
const STOP_TIME: Duration = Duration::from_millis(50);

/// Holds the terminal in raw mode on the alternate screen until it is dropped.
#[derive(Debug)]
pub struct TerminalGuard {
    mouse: bool,
}

impl TerminalGuard {
    /// Takes the terminal. Call it on the thread that draws: a panic there gives the terminal back before its message
    /// is printed, one of another thread is kept for later.
    pub fn take(mouse: bool) -> io::Result<Self> {
        install_hook(thread::current().id());
        let guard = Self { mouse };
        // From here on dropping the guard undoes whatever was done.
        TAKEN.store(true, Ordering::SeqCst);
        guard.enter()?;
        Ok(guard)
    }

    fn enter(&self) -> io::Result<()> {
        TAKEN.store(true, Ordering::SeqCst);
        enable_raw_mode()?;
        let mut out = io::stdout();
        queue!(out, EnterAlternateScreen, EnableBracketedPaste, Hide)?;
        if self.mouse {
            queue!(out, EnableMouseCapture)?;
        }
        out.flush()
    }

    /// Turns mouse reporting on or off.
    pub fn set_mouse(&mut self, on: bool) -> io::Result<()> {
        self.mouse = on;
        let mut out = io::stdout();
        if on { execute!(out, EnableMouseCapture) } else { execute!(out, DisableMouseCapture) }
    }

    /// Gives the terminal back, stops the process group as Ctrl-Z does, and takes the terminal again when continued.
    pub fn suspend(&self) -> io::Result<()> {
        restore();
        // The group, not only this process: under a wrapper such as `cargo run` the shell waits for that one.
        rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)?;
        // The stop may reach this thread a moment after the call; the terminal must not be taken again before it.
        thread::sleep(STOP_TIME);
        self.enter()
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        restore();
        let reports = REPORTS.lock().map(|mut reports| std::mem::take(&mut *reports)).unwrap_or_default();
        for report in reports {
            // Not `eprintln!`: that panics when the terminal is gone.
            let _ = writeln!(io::stderr(), "{report}");
        }
    }
}

/// Gives the terminal back, once. Errors are of no use here: the terminal may be gone.
fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ =
        execute!(out, EndSynchronizedUpdate, DisableMouseCapture, DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}

fn install_hook(drawing: ThreadId) {
    static INSTALLED: AtomicBool = AtomicBool::new(false);
    if INSTALLED.swap(true, Ordering::SeqCst) {
        return;
    }
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !TAKEN.load(Ordering::SeqCst) || thread::current().id() == drawing {
            restore();
            before(info);
            return;
        }
        // A background thread: the screen goes on and says so; the whole message waits.
        tracing::error!("{info}");
        crate::app::runtime::tell_of_panic(&info.to_string());
        if let Ok(mut reports) = REPORTS.lock()
            && reports.len() < MAX_REPORTS
        {
            reports.push(info.to_string());
        }
    }));
}
