//! Pictures are whole, and recordings replay to the very screens that were.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use ratatui::buffer::Buffer;

use super::{Format, draw, snapshot};
use crate::app::age::Now;
use crate::app::event::Event;
use crate::app::key::Key;
use crate::app::record::{Header, Player, Recording, Writer};
use crate::app::runtime::of_simulation;
use crate::app::sim::{BEGIN, Rehearsal, Script, Sim};
use crate::app::state::{DashboardOptions, State, Tab};

const SIZE: (u16, u16) = (100, 30);

fn options(script: Script) -> DashboardOptions {
    DashboardOptions { sim: Some(script.name().into()), ..DashboardOptions::default() }
}

fn hash(buffer: &Buffer) -> u64 {
    let mut hasher = DefaultHasher::new();
    buffer.hash(&mut hasher);
    hasher.finish()
}

fn screen(state: &State) -> u64 {
    hash(&draw(state).0)
}

/// A recording of a simulation with somebody at the keys, and what each frame looked like.
fn record(script: Script, minutes: u64, every_ms: u64) -> (Vec<u8>, Vec<u64>) {
    let header = Header::new(BEGIN, SIZE, options(script));
    let mut writer = Writer::begin(Vec::new(), &header).unwrap();
    let mut screens = Vec::new();
    let mut rehearsal = Rehearsal::new(Sim::new(script, 5, BEGIN), options(script), SIZE, BEGIN);
    let keys = "2 s down down 4 p j j p 5 s h a p e s enter down i n 7 down 8 v k 1 ? esc 3 j".split_whitespace();
    let mut keys = keys.cycle();
    for frame in 1..=minutes * 60_000 / every_ms {
        let mut watch = |at: Now, event: &Event| writer.event(at, event).unwrap();
        rehearsal.run_until(BEGIN.plus(frame * every_ms), &mut watch);
        let key: Key = keys.next().unwrap().parse().unwrap();
        rehearsal.event(Event::Key(key), &mut watch);
        let mut show = |state: &State| draw(state).1;
        rehearsal.frame(&mut show, &mut watch);
        screens.push(screen(rehearsal.state()));
        writer.frame(rehearsal.now()).unwrap();
    }
    (writer.into_inner(), screens)
}

/// What each frame looks like when it is replayed.
fn replay(bytes: Vec<u8>) -> Vec<u64> {
    let mut player = Player::new(Recording::parse(bytes).unwrap());
    let mut screens = Vec::new();
    while player.frame() < player.recording().frames().len() {
        player.step_forward();
        screens.push(screen(player.state()));
    }
    screens
}

#[test]
fn an_hour_of_a_busy_node_replays_twice_to_the_same_screens() {
    let (bytes, screens) = record(Script::Busy, 60, 10_000);
    assert_eq!(screens.len(), 360);
    assert!(screens.windows(2).filter(|pair| pair[0] != pair[1]).count() > 300, "the screens stand still");
    assert_eq!(replay(bytes.clone()), screens);
    assert_eq!(replay(bytes), screens);
}

#[test]
fn hostile_words_replay_to_the_same_screens() {
    let (bytes, screens) = record(Script::Hostile, 3, 1_000);
    assert_eq!(replay(bytes), screens);
}

#[test]
fn going_back_shows_what_was_shown() {
    let (bytes, screens) = record(Script::Busy, 3, 1_000);
    let mut player = Player::new(Recording::parse(bytes).unwrap());
    player.seek(u64::MAX);
    for wanted in screens.iter().rev() {
        assert_eq!(screen(player.state()), *wanted);
        player.step_back();
    }
}

/// Whatever was written by whomever, a cell holds one character that stays where it is.
#[test]
fn no_cell_holds_what_a_terminal_would_obey() {
    let obeyed = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    for tab in Tab::ALL {
        for size in [(40, 12), (80, 24), (200, 60)] {
            let mut state = of_simulation(Script::Hostile, 2, 90_000, options(Script::Hostile), tab, size);
            for keys in ["", "down enter", "esc ? "] {
                for key in keys.split_whitespace() {
                    let now = state.now;
                    crate::app::update::update(&mut state, Event::Key(key.parse().unwrap()), now);
                }
                let (buffer, _) = draw(&state);
                let bad = buffer.content.iter().find(|cell| cell.symbol().contains(obeyed));
                assert!(bad.is_none(), "{tab:?} {size:?}: {bad:?}");
            }
        }
    }
}

fn picture(script: Script, tab: Tab, format: Format) -> String {
    snapshot(of_simulation(script, 1, 60_000, options(script), tab, SIZE), format)
}

#[test]
fn text_is_the_cells() {
    let text = picture(Script::Busy, Tab::Peers, Format::Text);
    assert_eq!(text.lines().count(), usize::from(SIZE.1));
    assert!(text.contains("SIMULATION") && text.contains("reputation") && text.contains("ggen-p2p-tui/"), "{text}");
    assert!(text.lines().all(|line| crate::ui::text::width(line) <= usize::from(SIZE.0)));
}

#[test]
fn json_has_every_cell_and_the_status() {
    let json: serde_json::Value = serde_json::from_str(&picture(Script::Busy, Tab::Overview, Format::Json)).unwrap();
    assert_eq!((json["pane"].as_str(), json["simulation"].as_str()), (Some("Overview"), Some("busy")));
    assert_eq!(json["status"]["network"], "simulation");
    let rows = json["rows"].as_array().unwrap();
    assert_eq!(rows.len(), usize::from(SIZE.1));
    for row in rows {
        let text: String = row.as_array().unwrap().iter().map(|piece| piece["text"].as_str().unwrap()).collect();
        assert_eq!(crate::ui::text::width(&text), usize::from(SIZE.0), "{text:?}");
    }
    assert!(rows[1].as_array().unwrap().iter().any(|piece| piece["bg"] == "80"));
}

/// A picture of hostile words is still nothing but a picture.
#[test]
fn a_picture_is_whole_and_holds_only_text() {
    for (script, tab) in [(Script::Busy, Tab::Overview), (Script::Hostile, Tab::Feed), (Script::Hostile, Tab::Logs)] {
        let svg = picture(script, tab, Format::Svg);
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        for (open, close) in [("<text ", "</text>"), ("<tspan ", "</tspan>"), ("<g ", "</g>")] {
            assert_eq!(svg.matches(open).count(), svg.matches(close).count(), "{open}");
        }
        assert!(!svg.contains("<script") && !svg.contains(|c: char| c.is_control() && c != '\n'));
        let entities = ["&amp;", "&lt;", "&gt;"];
        let bare = svg.match_indices('&').find(|(at, _)| !entities.iter().any(|name| svg[*at..].starts_with(name)));
        assert!(bare.is_none(), "{bare:?}");
        assert!(svg.len() < 200 * 1024, "{} bytes", svg.len());
    }
}

#[test]
fn wide_characters_stand_in_their_cells() {
    let mut buffer = Buffer::empty(ratatui::layout::Rect::new(0, 0, 12, 1));
    buffer.set_string(0, 0, "a日b <&>  c", ratatui::style::Style::new());
    let look = super::colours::Look::of(&DashboardOptions::default());
    let svg = super::svg::write(&buffer, Some((3, 0)), look);
    let pieces: Vec<_> = svg.lines().find(|line| line.starts_with("<text")).unwrap().split("<tspan ").skip(1).collect();
    let wanted = [
        "x=\"0\" textLength=\"9\">a</tspan>",
        "x=\"9\" textLength=\"18\">日</tspan>",
        "x=\"27\" textLength=\"45\">b &lt;&amp;&gt;</tspan>",
        "x=\"90\" textLength=\"9\">c</tspan></text>",
    ];
    assert_eq!(pieces, wanted);
}
