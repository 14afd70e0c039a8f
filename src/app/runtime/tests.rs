//! The loop with a screen and a terminal made here.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use tokio::time::timeout;

use super::{NodeTask, Screen};
use crate::app::hit::HitMap;
use crate::app::state::{DashboardOptions, Phase, State, Tab};
use crate::net::{ErrorKind, NodeError, NodeHandle};

const DEADLINE: Duration = Duration::from_secs(10);

/// What the screen was told to show.
#[derive(Clone, Debug, PartialEq)]
struct Frame {
    tab: Tab,
    phase: Phase,
}

#[derive(Clone, Default)]
struct Seen(Arc<Mutex<(Vec<Frame>, bool)>>);

struct FakeScreen {
    seen: Seen,
    broken: bool,
}

impl Screen for FakeScreen {
    fn draw(&mut self, state: &State) -> io::Result<HitMap> {
        if self.broken {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.seen.0.lock().unwrap().0.push(Frame { tab: state.tab, phase: state.phase.clone() });
        Ok(HitMap::default())
    }
    fn size(&self) -> io::Result<(u16, u16)> {
        Ok((80, 24))
    }
    fn set_mouse(&mut self, _on: bool) -> io::Result<()> {
        Ok(())
    }
    fn copy(&mut self, _text: &str) -> io::Result<()> {
        Ok(())
    }
    fn ask(&mut self, _question: &[u8]) -> io::Result<()> {
        Ok(())
    }
    fn suspend(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn leave(&mut self) {
        self.seen.0.lock().unwrap().1 = true;
    }
}

impl Seen {
    fn frames(&self) -> Vec<Frame> {
        self.0.lock().unwrap().0.clone()
    }

    fn left(&self) -> bool {
        self.0.lock().unwrap().1
    }

    async fn until(&self, what: impl Fn(&[Frame]) -> bool) {
        let wait = async {
            while !what(&self.frames()) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(DEADLINE, wait).await.unwrap();
    }
}

/// The loop with a node that is being started.
async fn run<T, F>(screen: FakeScreen, terminal: T, node: F, options: DashboardOptions) -> Result<(), NodeError>
where
    T: futures::Stream<Item = io::Result<Input>> + Unpin,
    F: Future<Output = Result<NodeHandle, NodeError>> + Send + 'static,
{
    super::run(screen, terminal, NodeTask::start(node), options, None).await
}

type Keys = UnboundedSender<io::Result<Input>>;

fn terminal() -> (Keys, UnboundedReceiver<io::Result<Input>>) {
    unbounded()
}

fn press(keys: &Keys, c: char) {
    keys.unbounded_send(Ok(Input::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)))).unwrap();
}

async fn never() -> Result<NodeHandle, NodeError> {
    std::future::pending().await
}

#[tokio::test]
async fn the_first_frame_does_not_wait_for_the_node() {
    let (seen, (keys, input)) = (Seen::default(), terminal());
    let screen = FakeScreen { seen: seen.clone(), broken: false };
    let running = tokio::spawn(run(screen, input, never(), DashboardOptions::default()));
    seen.until(|frames| frames.first().is_some_and(|frame| frame.phase == Phase::Starting)).await;
    press(&keys, '2');
    seen.until(|frames| frames.last().is_some_and(|frame| frame.tab == Tab::Peers)).await;
    press(&keys, 'q');
    timeout(DEADLINE, running).await.unwrap().unwrap().unwrap();
    assert!(seen.left());
}

#[tokio::test]
async fn a_failed_start_is_shown_and_returned() {
    let (seen, (keys, input)) = (Seen::default(), terminal());
    let screen = FakeScreen { seen: seen.clone(), broken: false };
    let error = NodeError::new(ErrorKind::Permission, "the key can be read by others");
    let node = std::future::ready(Err(error.clone()));
    let running = tokio::spawn(run(screen, input, node, DashboardOptions::default()));
    seen.until(|frames| frames.iter().any(|frame| frame.phase == Phase::Failed(error.clone()))).await;
    press(&keys, ' ');
    assert_eq!(timeout(DEADLINE, running).await.unwrap().unwrap(), Err(error));
    assert!(seen.left());
}

#[tokio::test]
async fn a_node_that_panics_while_starting_is_an_error() {
    let (seen, (keys, input)) = (Seen::default(), terminal());
    let screen = FakeScreen { seen: seen.clone(), broken: false };
    let node = async { panic!("on purpose") };
    let running = tokio::spawn(run(screen, input, node, DashboardOptions::default()));
    seen.until(|frames| frames.iter().any(|frame| matches!(frame.phase, Phase::Failed(_)))).await;
    press(&keys, ' ');
    assert!(timeout(DEADLINE, running).await.unwrap().unwrap().is_err());
}

#[tokio::test]
async fn a_terminal_that_goes_away_ends_it_quietly() {
    for broken in [true, false] {
        let (seen, (keys, input)) = (Seen::default(), terminal());
        drop(keys);
        let screen = FakeScreen { seen: seen.clone(), broken };
        let running = run(screen, input, never(), DashboardOptions::default());
        timeout(DEADLINE, running).await.unwrap().unwrap();
        assert!(seen.left());
    }
}

#[tokio::test]
async fn a_flood_of_keys_costs_few_frames() {
    let (seen, (keys, input)) = (Seen::default(), terminal());
    for _ in 0..20_000 {
        press(&keys, '2');
        press(&keys, '3');
    }
    press(&keys, '9');
    let screen = FakeScreen { seen: seen.clone(), broken: false };
    let started = std::time::Instant::now();
    let running = tokio::spawn(run(screen, input, never(), DashboardOptions::default()));
    seen.until(|frames| frames.last().is_some_and(|frame| frame.tab == Tab::Logs)).await;
    let frames = seen.frames().len() as u128;
    let allowed = started.elapsed().as_millis() * 30 / 1000 + 3;
    assert!(frames <= allowed, "{frames} frames, {allowed} allowed");
    press(&keys, 'q');
    timeout(DEADLINE, running).await.unwrap().unwrap().unwrap();
}

/// While nothing happens, nothing is drawn. The clock is the test's own: an hour passes at once.
#[tokio::test(start_paused = true)]
async fn a_quiet_dashboard_draws_nothing() {
    let (seen, (keys, input)) = (Seen::default(), terminal());
    let screen = FakeScreen { seen: seen.clone(), broken: false };
    let running = tokio::spawn(run(screen, input, never(), DashboardOptions::default()));
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert_eq!(seen.frames().len(), 1);
    press(&keys, 'q');
    running.await.unwrap().unwrap();
}

/// A source that wakes only who asked it first, as the terminal library's does.
#[derive(Clone, Default)]
struct Stubborn(Arc<Mutex<(Vec<char>, Option<std::task::Waker>)>>);

impl Stubborn {
    fn press(&self, c: char) {
        let mut inner = self.0.lock().unwrap();
        inner.0.push(c);
        if let Some(waker) = inner.1.take() {
            waker.wake();
        }
    }
}

impl futures::Stream for Stubborn {
    type Item = io::Result<Input>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        let mut inner = self.0.lock().unwrap();
        if let Some(c) = inner.0.pop() {
            let event = Input::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
            return std::task::Poll::Ready(Some(Ok(event)));
        }
        inner.1.get_or_insert_with(|| context.waker().clone());
        std::task::Poll::Pending
    }
}

#[tokio::test]
async fn keys_are_heard_after_a_pause_too() {
    let (seen, keys) = (Seen::default(), Stubborn::default());
    let screen = FakeScreen { seen: seen.clone(), broken: false };
    let running = tokio::spawn(run(screen, keys.clone(), never(), DashboardOptions::default()));
    for (key, tab) in [('2', Tab::Peers), ('3', Tab::Dht), ('9', Tab::Logs)] {
        keys.press(key);
        seen.until(|frames| frames.last().is_some_and(|frame| frame.tab == tab)).await;
    }
    keys.press('q');
    timeout(DEADLINE, running).await.unwrap().unwrap().unwrap();
}
