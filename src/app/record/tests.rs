//! What is recorded reads back, what is no recording is refused, and going through one is the same in any way.

use super::read::Broken;
use super::*;
use crate::app::key::Key;
use crate::app::state::{State, Tab};
use crate::net::{ErrorKind, NodeError, NodeEvent};

const BEGAN: u64 = 1_767_225_600_000;

fn header() -> Header {
    Header::new(Now { unix_ms: BEGAN }, (80, 24), DashboardOptions::default())
}

/// A frame a second, and before each a key that goes to one of the first four panes.
fn sample(frames: u64) -> Vec<u8> {
    let mut writer = Writer::begin(Vec::new(), &header()).unwrap();
    for n in 0..frames {
        let at = Now { unix_ms: BEGAN + n * 1_000 };
        let tab = char::from_digit(u32::try_from(n % 4 + 1).unwrap(), 10).unwrap();
        writer.event(at, &Event::Key(Key::char(tab))).unwrap();
        writer.frame(at).unwrap();
    }
    writer.into_inner()
}

fn player(frames: u64) -> Player {
    Player::new(Recording::parse(sample(frames)).unwrap())
}

/// The pane on screen and the time there.
fn seen(player: &Player) -> (Tab, u64) {
    (player.state().tab, player.state().now.unix_ms - BEGAN)
}

#[test]
fn events_read_back_as_they_were_written() {
    let events = [
        Event::Tick,
        Event::Key(Key::ctrl('c')),
        Event::Paste("\u{1b}[2J".into()),
        Event::NodeReady { remote: true },
        Event::Node(NodeEvent::Lagged { dropped: u64::MAX }),
        Event::StartFailed(NodeError::new(ErrorKind::Disk, "full").hint("make room")),
    ];
    let mut writer = Writer::begin(Vec::new(), &header()).unwrap();
    for (n, event) in events.iter().enumerate() {
        writer.event(Now { unix_ms: n as u64 }, event).unwrap();
    }
    let recording = Recording::parse(writer.into_inner()).unwrap();
    let read: Vec<_> = (0..recording.len()).map(|index| recording.entry(index).unwrap()).collect();
    assert!(read.iter().enumerate().all(|(n, entry)| entry.at == n as u64));
    assert_eq!(read.into_iter().map(|entry| entry.event.unwrap()).collect::<Vec<_>>(), events);
}

#[test]
fn what_is_no_recording_is_refused_by_line() {
    let good = String::from_utf8(sample(2)).unwrap();
    let begun = good.lines().next().unwrap();
    let after = |line: &str| format!("{begun}\n{line}\n{{\"at\":5}}\n");
    let cases: Vec<(String, Option<usize>, &str)> = vec![
        (String::new(), None, "empty"),
        ("hello\n".into(), Some(1), "expected"),
        ("\u{1b}]0;evil\u{7}\n".into(), Some(1), "expected"),
        (begun.replace("\"version\":1", "\"version\":2"), Some(1), "version 2"),
        (begun.replace(FORMAT, "other"), Some(1), "no recording"),
        (begun.replace("\"size\":[80,24]", "\"size\":[65535,65535]"), Some(1), "larger than"),
        (after(""), Some(2), "EOF"),
        (after("{\"at\":-1}"), Some(2), "invalid"),
        (after("{\"at\":1,\"event\":{\"kind\":\"fly\"}}"), Some(2), "unknown variant"),
        (
            after("{\"at\":1,\"event\":{\"kind\":\"resized\",\"data\":{\"width\":9999,\"height\":1}}}"),
            Some(2),
            "9999x1",
        ),
        (after(&"[".repeat(10_000)), Some(2), ""),
    ];
    for (text, line, why) in cases {
        let Err(broken) = Recording::parse(text.clone().into_bytes()) else { panic!("{text:.80}") };
        assert_eq!(broken.line, line, "{text:.80}: {}", broken.why);
        assert!(broken.why.contains(why) && !broken.why.contains('\u{1b}'), "{text:.80}: {}", broken.why);
    }
    let long = format!("{begun}\n{{\"at\":1,\"x\":\"{}\"}}\n", "y".repeat(MAX_LINE));
    assert_eq!(
        Recording::parse(long.into_bytes()).err(),
        Some(Broken { line: Some(2), why: "it is longer than 8 MiB".into() })
    );
}

#[test]
fn what_a_crash_left_of_the_last_line_is_left_out() {
    let mut bytes = sample(3);
    bytes.truncate(bytes.len() - 4);
    let recording = Recording::parse(bytes).unwrap();
    assert_eq!((recording.len(), recording.frames().len()), (5, 2));
}

#[test]
fn time_passes_at_a_speed_stops_and_ends() {
    let mut player = player(10);
    assert_eq!(player.next_in(), Some(0));
    player.advance(0);
    assert_eq!((seen(&player), player.next_in()), ((Tab::Overview, 0), Some(1_000)));
    player.advance(2_500);
    assert_eq!((seen(&player), player.at(), player.frame()), ((Tab::Dht, 2_000), 2_500, 3));
    player.faster();
    assert_eq!((player.speed.to_string().as_str(), player.next_in()), ("2x", Some(250)));
    player.advance(250);
    assert_eq!(seen(&player), (Tab::Feed, 3_000));
    player.toggle();
    player.advance(60_000);
    assert_eq!((seen(&player), player.next_in()), ((Tab::Feed, 3_000), None));
    for _ in 0..20 {
        player.slower();
    }
    assert_eq!(player.speed.to_string(), "1/8x");
    player.toggle();
    player.advance(8_000);
    assert_eq!(seen(&player), (Tab::Overview, 4_000));
    player.advance(u64::MAX);
    assert!(player.is_at_end() && player.paused);
    assert_eq!((seen(&player), player.at()), ((Tab::Peers, 9_000), 9_000));
    player.toggle();
    player.advance(0);
    assert_eq!((seen(&player), player.paused), ((Tab::Overview, 0), false));
}

#[test]
fn steps_go_by_frames_both_ways() {
    let mut player = player(10);
    for second in 0..10 {
        player.step_forward();
        assert_eq!(player.state().now.unix_ms, BEGAN + second * 1_000);
    }
    player.step_forward();
    assert!(player.is_at_end());
    for second in (0..9).rev() {
        player.step_back();
        assert_eq!((player.state().now.unix_ms - BEGAN, player.at()), (second * 1_000, second * 1_000));
    }
    player.step_back();
    assert_eq!((player.frame(), seen(&player)), (0, (Tab::Overview, 0)));
}

/// Kept states are a short cut, not another way.
#[test]
fn going_back_in_a_long_recording_comes_to_the_same_state() {
    let mut jumping = player(3_000);
    jumping.seek(u64::MAX);
    let shown = |state: &State| format!("{state:?}");
    for second in [2_999, 1_200, 255, 256, 257, 0] {
        jumping.seek(second * 1_000 + 1);
        let mut forward = player(3_000);
        forward.seek(second * 1_000 + 1);
        assert_eq!(shown(forward.state()), shown(jumping.state()), "at {second}");
    }
}

#[test]
fn a_clock_that_jumps_costs_no_time() {
    let mut writer = Writer::begin(Vec::new(), &header()).unwrap();
    for at in [BEGAN + 10, BEGAN - 5_000, 0, BEGAN + 20] {
        writer.frame(Now { unix_ms: at }).unwrap();
    }
    let recording = Recording::parse(writer.into_inner()).unwrap();
    let times: Vec<_> = (0..4).map(|index| recording.time(index).unwrap()).collect();
    assert_eq!(times, [10, 10, 10, 20]);
}
