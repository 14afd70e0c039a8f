//! A recording of the real event loop, against what that loop drew.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;

use super::{Screen, now, run};
use crate::app::hit::HitMap;
use crate::app::record::{Player, Recorder, Recording};
use crate::app::sim::{LiveSim, Script, Sim};
use crate::app::state::{DashboardOptions, State};
use crate::ui::export::draw;

fn options() -> DashboardOptions {
    DashboardOptions { sim: Some("busy".into()), ..DashboardOptions::default() }
}

/// Whatever takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

fn count(frames: &Mutex<Vec<Buffer>>) -> usize {
    frames.lock().unwrap().len()
}

/// A screen that remembers what each frame looked like.
struct Remembering {
    frames: Arc<Mutex<Vec<Buffer>>>,
}

impl Screen for Remembering {
    fn draw(&mut self, state: &State) -> io::Result<HitMap> {
        let (buffer, hits) = draw(state);
        self.frames.lock().unwrap().push(buffer);
        Ok(hits)
    }
    fn size(&self) -> io::Result<(u16, u16)> {
        Ok((100, 30))
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
    fn leave(&mut self) {}
}

/// The real event loop, by the wall clock, recorded to a file as `--record` does it.
#[tokio::test]
async fn what_the_event_loop_records_replays_twice_to_its_screens() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("recording.jsonl");
    let frames = Arc::new(Mutex::new(Vec::new()));
    let screen = Remembering { frames: frames.clone() };
    let (keys, terminal) = futures::channel::mpsc::unbounded();
    let sim = LiveSim::new(Sim::new(Script::Busy, 1, now()));
    let record = Some(Recorder::create(&file).unwrap());
    let running = tokio::spawn(run(screen, terminal, sim, options(), record));
    for key in "2j4p5shapes".chars() {
        let drawn = count(&frames);
        keys.unbounded_send(Ok(Input::Key(KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE)))).unwrap();
        let answered = async {
            while count(&frames) <= drawn {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, answered).await.expect("a frame after the key");
    }
    drop(keys);
    running.await.unwrap().unwrap();
    let bytes = std::fs::read(&file).unwrap();
    let live = frames.lock().unwrap().clone();
    assert!(live.len() > 10, "{} frames", live.len());
    for _ in 0..2 {
        let mut player = Player::new(Recording::parse(bytes.clone()).unwrap());
        for frame in &live {
            player.step_forward();
            assert_eq!(draw(player.state()).0, *frame, "frame {}", player.frame());
        }
        assert_eq!(player.frame(), player.recording().frames().len());
    }
}
