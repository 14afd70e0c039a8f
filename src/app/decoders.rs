//! What the reader of recordings promises, whatever file it is given.

use crate::app::age::Now;
use crate::app::event::Event;
use crate::app::key::Key;
use crate::app::record::{Player, Recording, Writer};
use crate::decoders::{Decoder, shown};
use crate::net::NodeEvent;

/// The decoders of this layer.
pub const DECODERS: &[Decoder] = &[Decoder { name: "recording", check: recording, samples: recordings }];

/// A recording: it goes forward and back to its beginning, or the error names a line that is there.
fn recording(bytes: &[u8]) {
    match Recording::parse(bytes.to_vec()) {
        Ok(recording) => {
            let mut player = Player::new(recording);
            player.seek(u64::MAX);
            assert!(player.is_at_end());
            player.step_back();
            player.rewind();
            assert_eq!((player.at(), player.frame()), (0, 0));
        }
        Err(broken) => {
            let lines = bytes.split(|byte| *byte == b'\n').count();
            assert!(broken.line.is_none_or(|line| (1..=lines).contains(&line)), "line {:?} of {lines}", broken.line);
            shown(broken.why);
        }
    }
}

/// With the options that a dashboard has of itself: all of them are too long for a sample.
const HEADER: &[u8] = b"{\"format\":\"ggen-p2p-recording\",\"version\":1,\"program\":\"0.1.0\",\"began\":1767225600000,\"size\":[80,24],\"options\":{\"ascii\":true}}\n";

fn recordings() -> Vec<Vec<u8>> {
    let begin = Now { unix_ms: 1_767_225_600_000 };
    let written = |events: &[Event]| {
        let mut writer = Writer::go_on(HEADER.to_vec());
        for (n, event) in events.iter().enumerate() {
            writer.event(begin.plus(n as u64 * 100), event).expect("memory");
            writer.frame(begin.plus(n as u64 * 100)).expect("memory");
        }
        writer.into_inner()
    };
    let node = |json: &str| Event::Node(serde_json::from_str::<NodeEvent>(json).expect("an event"));
    let key = |name: &str| Event::Key(name.parse::<Key>().expect("a key"));
    vec![
        written(&[Event::NodeReady { remote: false }, key("5"), key("a"), Event::Tick, Event::NodeGone]),
        written(&[
            Event::Resized { width: 120, height: 40 },
            Event::Paste("/tmp".into()),
            node(r#"{"event":"lagged","data":{"dropped":3}}"#),
            node(r#"{"event":"notice","data":{"level":"error","text":"no"}}"#),
            node(r#"{"event":"peer_gone","data":{"peer_id":"x","reason":"y"}}"#),
            key("ctrl-p"),
            key("enter"),
        ]),
        [HEADER, b"{\"at\":1,\"lost\":2}\n{\"at\":0}\n"].concat(),
    ]
}
