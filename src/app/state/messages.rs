//! What toasts have said, for whoever missed it.

use std::collections::VecDeque;

use super::ToastKind;
use crate::app::age::Now;

/// Messages kept; the oldest fall off and are counted.
pub const MAX_MESSAGES: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub at: Now,
    pub kind: ToastKind,
    pub text: String,
    pub hint: Option<String>,
    /// How often it was said in a row.
    pub times: u32,
}

/// The newest first.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    list: VecDeque<Message>,
    pub dropped: u64,
}

impl Messages {
    pub fn iter(&self) -> impl Iterator<Item = &Message> {
        self.list.iter()
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn push(&mut self, message: Message) {
        if let Some(last) =
            self.list.front_mut().filter(|last| (last.kind, &last.text) == (message.kind, &message.text))
        {
            *last = Message { times: last.times.saturating_add(1), ..message };
            return;
        }
        self.list.push_front(message);
        if self.list.len() > MAX_MESSAGES {
            self.list.pop_back();
            self.dropped += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_is_first_repeats_are_counted_and_old_ones_fall_off() {
        let mut messages = Messages::default();
        let say =
            |text: &str| Message { at: Now::default(), kind: ToastKind::Info, text: text.into(), hint: None, times: 1 };
        messages.push(say("a"));
        messages.push(say("b"));
        messages.push(say("b"));
        let all: Vec<_> = messages.iter().map(|one| (one.text.as_str(), one.times)).collect();
        assert_eq!(all, [("b", 2), ("a", 1)]);
        for n in 0..MAX_MESSAGES {
            messages.push(say(&n.to_string()));
        }
        assert_eq!((messages.len(), messages.dropped), (MAX_MESSAGES, 2));
    }
}
