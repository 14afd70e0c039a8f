//! What liars write. An event is put into JSON as it travels, its texts and numbers are replaced by what no terminal and no
//! arithmetic should trust, and it is read again by the decoder that real ones pass. What the decoder refuses stays as it
//! was: a real node would not have it either.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::random::Random;

/// Each would do something to a terminal that obeyed it: clear, colour, name the window, fill the clipboard, turn text around,
/// overflow a line, hide.
pub const TEXTS: [&str; 16] = [
    "\u{1b}[2J\u{1b}[6;31mowned",
    "\u{1b}]0;owned\u{7}",
    "\u{1b}]52;c;b3duZWQ=\u{7}",
    "\u{9b}5;31mowned\u{9d}0;owned\u{9c}",
    "\u{1b}[?5h\u{1b}[?1049l",
    "\u{202e}denwo\u{202c}\u{2066}",
    "o\u{200b}w\u{200d}n\u{feff}e\u{2060}d",
    "Z\u{300}\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}\u{308}\u{309}\u{30a}\u{30b}\u{30c}",
    "\u{1b}P1$r0m\u{1b}\\\u{1b}_owned\u{1b}\\",
    "one\r\ntwo\u{8}\u{8}\u{8}three\u{b}\u{c}",
    "漢字かな交じり文全角ＷＩＤＥ",
    "👩‍👩‍👧‍👦🏳️‍🌈👍🏿",
    "\0\u{1}\u{1a}\u{7f}",
    "\u{e0041}\u{e007f}\u{fff9}\u{115f}\u{3164}",
    "العربية עברית",
    "",
];

/// Keys whose text a node vouches for: it knows them, whoever is at the other end.
const VOUCHED: [&str; 6] = ["peer_id", "peer", "from", "event", "reply", "id"];
/// Numbers that only order things.
const COUNTED: [&str; 4] = ["id", "job", "pid", "seq"];

pub struct Poison {
    random: Random,
    /// Fields, by their path, that the decoder takes poison in.
    takes: BTreeMap<String, bool>,
}

impl Poison {
    pub fn new(seed: u64) -> Self {
        Self { random: Random::new(seed ^ 0x6576_696c), takes: BTreeMap::new() }
    }

    /// The same thing, as a liar would have written it.
    pub fn spoil<T: Serialize + DeserializeOwned>(&mut self, good: T) -> T {
        let Ok(mut value) = serde_json::to_value(&good) else { return good };
        let mut paths = Vec::new();
        leaves(&value, &mut String::new(), &mut paths);
        for path in paths {
            self.spoil_field::<T>(&mut value, &path);
        }
        serde_json::from_value(value).unwrap_or(good)
    }

    fn spoil_field<T: DeserializeOwned>(&mut self, value: &mut Value, path: &str) {
        let kind = format!("{}{}", std::any::type_name::<T>(), without_indices(path));
        if self.takes.get(&kind) == Some(&false) || self.random.one_in(3) {
            return;
        }
        let Some(field) = value.pointer_mut(path) else { return };
        let Some(evil) = self.evil(path, field) else { return };
        let before = std::mem::replace(field, evil);
        if self.takes.contains_key(&kind) {
            return;
        }
        // The first of its kind is tried: some fields are ids, versions or words of a fixed list.
        let fits = T::deserialize(&*value).is_ok();
        if !fits && let Some(field) = value.pointer_mut(path) {
            *field = before;
        }
        self.takes.insert(kind, fits);
    }

    fn evil(&mut self, path: &str, field: &Value) -> Option<Value> {
        let key = path.rsplit('/').find(|part| part.parse::<usize>().is_err()).unwrap_or_default();
        match field {
            Value::String(text) if !VOUCHED.contains(&key) => {
                let evil = self.random.pick(&TEXTS)?;
                let long = if self.random.one_in(20) { "owned ".repeat(800) } else { String::new() };
                Some(Value::String(format!("{evil}{text}{evil}{long}")))
            }
            Value::Number(number) if !COUNTED.contains(&key) && self.random.one_in(6) => {
                let huge = [u64::MAX, u64::from(u32::MAX), 1 << 53, 0];
                let huge = *self.random.pick(&huge)?;
                Some(if number.is_f64() { Value::from(huge as f64 * 1e200) } else { Value::from(huge) })
            }
            _ => None,
        }
    }
}

/// The JSON pointers of all texts and numbers.
fn leaves(value: &Value, path: &mut String, found: &mut Vec<String>) {
    let depth = path.len();
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push_str(&format!("/{index}"));
                leaves(item, path, found);
                path.truncate(depth);
            }
        }
        Value::Object(fields) => {
            for (key, item) in fields {
                path.push_str(&format!("/{}", key.replace('~', "~0").replace('/', "~1")));
                leaves(item, path, found);
                path.truncate(depth);
            }
        }
        Value::String(_) | Value::Number(_) => found.push(path.clone()),
        Value::Null | Value::Bool(_) => {}
    }
}

fn without_indices(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.parse::<usize>().is_ok() { "*" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::SafeText;
    use crate::net::NodeEvent;
    use crate::net::api::{NoticeLevel, PeerInfo};

    #[test]
    fn poison_passes_the_decoder_and_nothing_else_changes_kind() {
        let mut poison = Poison::new(1);
        let peer = PeerInfo { peer_id: "12D3KooWx".into(), agent: SafeText::new("agent"), ..PeerInfo::default() };
        let mut changed = 0;
        for _ in 0..64 {
            let NodeEvent::Peer(evil) = poison.spoil(NodeEvent::Peer(peer.clone())) else { panic!("another event") };
            assert_eq!(evil.peer_id, peer.peer_id);
            assert!(!evil.agent.contains(char::is_control));
            changed += u32::from(evil.agent != peer.agent);
        }
        assert!(changed > 16, "{changed}");
        let notice = NodeEvent::Notice { level: NoticeLevel::Info, text: SafeText::new("fine") };
        let NodeEvent::Notice { level, .. } = poison.spoil(notice) else { panic!("another event") };
        assert_eq!(level, NoticeLevel::Info);
    }
}
