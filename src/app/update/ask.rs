//! Requests to the node.

use crate::app::effect::Effect;
use crate::app::event::Tag;
use crate::app::state::{MAX_FEED, Pending, State};
use crate::net::NodeCommand;

/// Log lines asked for at the start.
const LOG_LINES: usize = 512;
/// Waiting requests that are shown at most.
const MAX_PENDING: usize = 16;

/// All that the panes show, as it is now.
pub fn everything() -> Vec<Effect> {
    [
        (Tag::Status, NodeCommand::Status),
        (Tag::Peers, NodeCommand::Peers),
        (Tag::Dht, NodeCommand::Dht),
        (Tag::Feed, NodeCommand::Feed { limit: MAX_FEED }),
        (Tag::Transfers, NodeCommand::Transfers),
        (Tag::Logs, NodeCommand::Logs { limit: LOG_LINES }),
        (Tag::Installed, NodeCommand::Installed),
        (Tag::Outdated, NodeCommand::Outdated),
        (Tag::Pins, NodeCommand::Pins),
    ]
    .into_iter()
    .map(|(tag, command)| Effect::Request { tag, command })
    .collect()
}

/// Asks, and shows `text` until the answer is here. The same thing is not asked twice at once.
pub fn visibly(state: &mut State, tag: Tag, text: String, command: NodeCommand) -> Vec<Effect> {
    if !state.is_ready() || state.pending.iter().any(|pending| pending.tag == tag) {
        return Vec::new();
    }
    if state.pending.len() < MAX_PENDING {
        state.pending.push(Pending { tag: tag.clone(), text });
    }
    vec![Effect::Request { tag, command }]
}
