//! One state to draw: of the node that runs, of a simulation, of a recording.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::{Backend, Inbox, NodeTask, exec, now, update};
use crate::app::age::Now;
use crate::app::effect::Effect;
use crate::app::event::{Event, MouseAction};
use crate::app::hit::Target;
use crate::app::record::{Player, Recording};
use crate::app::sim::{BEGIN, Rehearsal, Script, Sim};
use crate::app::state::{DashboardOptions, State, Tab};
use crate::net::{ErrorKind, NodeError, NodeHandle};

/// How long the node may take to answer all that a pane shows.
const PATIENCE: Duration = Duration::from_secs(10);

/// How far a simulation has come where nothing else is asked for, milliseconds.
pub const SIM_MS: u64 = 120_000;

/// Opens a pane, as a click on its tab does.
fn open(tab: Tab) -> Event {
    Event::Mouse { action: MouseAction::Click, target: Some(Target::Tab(tab)) }
}

/// The state of a dashboard on `node` once everything it asks first is answered.
///
/// # Errors
/// The node does not answer.
pub async fn of_node(
    node: NodeHandle,
    options: DashboardOptions,
    tab: Tab,
    size: (u16, u16),
) -> Result<State, NodeError> {
    let mut backend = NodeTask::start(async { Ok(node) });
    let settled = settle(&mut backend, options, tab, size).await;
    backend.finish().await;
    settled
}

async fn settle(
    backend: &mut NodeTask,
    options: DashboardOptions,
    tab: Tab,
    size: (u16, u16),
) -> Result<State, NodeError> {
    let mut inbox = Inbox::default();
    let mut state = State::new(options, now());
    let deadline = Instant::now() + PATIENCE;
    let mut waiting = 0usize;
    let (width, height) = size;
    let mut events = vec![Event::Resized { width, height }, open(tab)];
    // Answers that the node still owes; before it is ready, one: that it is.
    let mut ready = false;
    loop {
        for event in events.drain(..) {
            let answer = matches!(event, Event::Reply { .. } | Event::Directory { .. } | Event::Settings { .. });
            waiting = waiting.saturating_sub(usize::from(answer));
            ready |= matches!(event, Event::NodeReady { .. });
            if let Event::StartFailed(error) = event {
                return Err(error);
            }
            for effect in update(&mut state, event, now()) {
                match effect {
                    Effect::Request { tag, command } => backend.request(&inbox, tag, command),
                    Effect::ReadDir { path } => backend.read_dir(&inbox, path),
                    Effect::ReadSettings => exec::settings(inbox.sender(), state.options.source.clone(), None),
                    _ => continue,
                }
                waiting += 1;
            }
        }
        let present = now();
        let due =
            [state.search.local_due, state.search.detail_due, state.installed.extras_due].into_iter().flatten().min();
        if ready && waiting == 0 && due.is_none() {
            return Ok(state);
        }
        let wake = due.map(|at| Duration::from_millis(at.saturating_sub(present.unix_ms)));
        let next = async {
            tokio::select! {
                event = inbox.next() => event,
                event = backend.next() => event,
                () = super::sleep(wake) => Event::Tick,
            }
        };
        let event = timeout_at(deadline, next).await.map_err(|_| {
            NodeError::new(ErrorKind::Network, format!("the node did not answer within {} s", PATIENCE.as_secs()))
                .hint("see how it does with `ggen-p2p-tui status`")
        })?;
        events.push(event);
    }
}

/// The state of a dashboard on a simulation after so many milliseconds.
pub fn of_simulation(
    script: Script,
    seed: u64,
    after_ms: u64,
    options: DashboardOptions,
    tab: Tab,
    size: (u16, u16),
) -> State {
    let nobody = &mut |_: Now, _: &Event| {};
    let mut rehearsal = Rehearsal::new(Sim::new(script, seed, BEGIN), options, size, BEGIN);
    rehearsal.event(open(tab), nobody);
    rehearsal.run_until(BEGIN.plus(after_ms), nobody);
    let mut state = rehearsal.state().clone();
    state.now = rehearsal.now();
    state
}

/// The state that a recording came to after so many milliseconds (none: at its end), on a pane or on what was open.
pub fn of_recording(recording: Recording, after_ms: Option<u64>, tab: Option<Tab>, size: Option<(u16, u16)>) -> State {
    let mut player = Player::new(recording);
    player.seek(after_ms.unwrap_or(u64::MAX));
    let mut state = player.state().clone();
    if let Some(tab) = tab {
        (state.overlay, state.detail_open) = (None, false);
        let at = state.now;
        update(&mut state, open(tab), at);
    }
    state.size = size.unwrap_or(state.size);
    state
}
