//! Showing a recording: its own loop with its own keys. Nothing that the recorded dashboard wanted done is done.

use std::io;
use std::time::Duration;

use crossterm::event::Event as Input;
use futures::{Stream, StreamExt};
use tokio::time::Instant;

use super::signals::Signals;
use super::{sleep, term};
use crate::app::event::{Event, Signal};
use crate::app::hit::HitMap;
use crate::app::key::{Code, Key};
use crate::app::record::Player;
use crate::net::NodeError;

/// Between two frames at least.
const FRAME: Duration = Duration::from_millis(33);
/// A jump, milliseconds of the recording.
const JUMP_MS: u64 = 10_000;

/// The terminal, as a replay needs it.
pub trait ReplayScreen {
    /// Draws the state that the player has come to, and where that is. An error means that the terminal is gone.
    fn draw_replay(&mut self, player: &Player, size: (u16, u16)) -> io::Result<()>;
    /// Cells: width, height.
    fn size(&self) -> io::Result<(u16, u16)>;
    /// Gives the terminal back, stops the process until it is continued, takes the terminal again.
    fn suspend(&mut self) -> io::Result<()>;
    /// Gives the terminal back for good.
    fn leave(&mut self);
}

/// What a key does.
enum Wish {
    Nothing,
    Suspend,
    Quit,
}

/// Shows a recording until the user leaves.
///
/// # Errors
/// Signals cannot be listened for. A terminal that goes away is no error.
pub async fn replay<S, T>(mut screen: S, mut terminal: T, mut player: Player) -> Result<(), NodeError>
where
    S: ReplayScreen,
    T: Stream<Item = io::Result<Input>> + Unpin,
{
    let mut signals = Signals::new()?;
    let mut size = screen.size().unwrap_or((80, 24));
    let mut last = Instant::now();
    loop {
        let passed = last.elapsed();
        last += passed;
        player.advance(u64::try_from(passed.as_millis()).unwrap_or(u64::MAX));
        // Parts of a millisecond are not lost.
        last -= Duration::from_nanos(u64::from(passed.subsec_nanos()) % 1_000_000);
        if screen.draw_replay(&player, size).is_err() {
            break;
        }
        let wait = player.next_in().map(|ms| Duration::from_millis(ms).max(FRAME).min(until_next_second(&player)));
        let event = tokio::select! {
            biased;
            signal = signals.next() => Some(Event::Signal(signal)),
            input = terminal.next() => term::event(input, &HitMap::default()),
            () = sleep(wait) => None,
        };
        let wish = match event {
            Some(Event::Signal(Signal::Terminate | Signal::HangUp)) => Wish::Quit,
            Some(Event::Resized { width, height }) => {
                size = (width, height);
                Wish::Nothing
            }
            Some(Event::Key(key)) => press(&mut player, key),
            _ => Wish::Nothing,
        };
        let done = match wish {
            Wish::Nothing => Ok(()),
            Wish::Quit => break,
            Wish::Suspend => screen.suspend(),
        };
        if done.is_err() {
            break;
        }
    }
    screen.leave();
    Ok(())
}

/// The time on screen changes each second, whatever happens in the recording.
fn until_next_second(player: &Player) -> Duration {
    Duration::from_millis(1_000 - player.at() % 1_000).max(FRAME)
}

fn press(player: &mut Player, key: Key) -> Wish {
    match (key.code, key.ctrl) {
        (Code::Char('c'), true) | (Code::Char('q') | Code::Esc, false) => return Wish::Quit,
        (Code::Char('z'), true) => return Wish::Suspend,
        (Code::Char(' '), _) => player.toggle(),
        (Code::Right | Code::Char('l'), _) => player.step_forward(),
        (Code::Left | Code::Char('h'), _) => player.step_back(),
        (Code::Char('+' | '=') | Code::Up, _) => player.faster(),
        (Code::Char('-') | Code::Down, _) => player.slower(),
        (Code::PageDown, _) => player.seek(player.at().saturating_add(JUMP_MS)),
        (Code::PageUp, _) => player.seek(player.at().saturating_sub(JUMP_MS)),
        (Code::Home | Code::Char('g'), _) => player.rewind(),
        (Code::End | Code::Char('G'), _) => player.seek(u64::MAX),
        _ => {}
    }
    Wish::Nothing
}
