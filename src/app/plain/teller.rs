//! What happens, as sentences.

use std::collections::BTreeSet;

use crate::app::output::human;
use crate::app::state::is_by_hand;
use crate::net::NodeEvent;
use crate::net::api::{Direction, FeedItem, NoticeLevel, PeerInfo, TransferInfo, TransferState, Via};

/// Peers remembered as told of.
const MAX_TOLD: usize = 1_024;

/// Remembers what was told, so that nothing is told twice.
#[derive(Default)]
pub struct Teller {
    met: BTreeSet<String>,
    banned: BTreeSet<String>,
}

impl Teller {
    /// None for what is not worth a sentence.
    pub fn line(&mut self, event: &NodeEvent) -> Option<String> {
        match event {
            NodeEvent::Peer(peer) => self.peer(peer),
            NodeEvent::PeerGone { peer_id, reason } => {
                let known = self.met.remove(peer_id) && !self.banned.contains(peer_id);
                let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
                known.then(|| format!("disconnected from {}{why}", human::short(peer_id)))
            }
            NodeEvent::Feed(item) => Some(heard(item)),
            NodeEvent::Transfer(transfer) => ended(transfer),
            NodeEvent::Notice { level, text } => Some(match level {
                NoticeLevel::Info => text.to_string(),
                NoticeLevel::Warning => format!("warning: {text}"),
                NoticeLevel::Error => format!("error: {text}"),
            }),
            NodeEvent::Lagged { dropped } => Some(format!("missed {dropped} events: they came too fast")),
            NodeEvent::Stopping => Some("the node is shutting down".to_owned()),
            _ => None,
        }
    }

    fn peer(&mut self, peer: &PeerInfo) -> Option<String> {
        let id = human::short(&peer.peer_id);
        if !peer.banned {
            self.banned.remove(&peer.peer_id);
        } else if remember(&mut self.banned, &peer.peer_id) {
            let reason = peer.ban_reason.as_deref().unwrap_or("no reason given");
            return Some(format!("banned {id}, reputation now {:.2}: {reason}", peer.reputation));
        }
        (peer.connected && remember(&mut self.met, &peer.peer_id)).then(|| format!("connected to {id}"))
    }
}

/// Whether it is new. Once there are very many, all are forgotten: to be told of twice is better than not at all.
fn remember(told: &mut BTreeSet<String>, id: &str) -> bool {
    if told.len() >= MAX_TOLD {
        told.clear();
    }
    told.insert(id.to_owned())
}

/// The sentence about an announcement.
pub fn heard(item: &FeedItem) -> String {
    let via = match item.via {
        Via::Gossip => "gossip",
        Via::Sync => "sync",
        Via::Search => "search",
        Via::Own => "this node",
    };
    let publisher = human::short(&item.publisher.to_string());
    let yanked = if item.yanked { ", withdrawn" } else { "" };
    let about = &item.description;
    format!("published {} {} by {publisher}, heard by {via}{yanked}: {about}", item.name, item.version)
}

fn ended(transfer: &TransferInfo) -> Option<String> {
    let (name, from) = (&transfer.name, transfer.peer.as_deref().map(human::short).unwrap_or_default());
    match (transfer.direction, transfer.state) {
        (Direction::Inbound, TransferState::Done) => {
            Some(format!("fetched {name} from {from}, {}, every leaf verified", human::bytes(transfer.bytes_total)))
        }
        (Direction::Inbound, TransferState::Failed) => {
            let why = transfer.note.strip_prefix(name.as_str()).unwrap_or(&transfer.note);
            let why = why.trim_start_matches([':', ' ']);
            let word = if is_by_hand(name, &transfer.note) { "" } else { "refused " };
            Some(format!("{word}{name}: {why}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_told_of_when_it_comes_is_banned_and_goes() {
        let mut teller = Teller::default();
        let come = PeerInfo { peer_id: "12D3KooWabcdefgh".into(), connected: true, ..Default::default() };
        assert_eq!(teller.peer(&come).as_deref(), Some("connected to …abcdefgh"));
        assert_eq!(teller.peer(&come), None);
        let gone = NodeEvent::PeerGone { peer_id: come.peer_id.clone(), reason: "timed out".into() };
        assert_eq!(teller.line(&gone).as_deref(), Some("disconnected from …abcdefgh: timed out"));
        assert_eq!(teller.line(&gone), None);
        let lied = PeerInfo { banned: true, connected: false, ban_reason: Some("lied".into()), ..come };
        assert_eq!(teller.peer(&lied).as_deref(), Some("banned …abcdefgh, reputation now 0.00: lied"));
        assert_eq!(teller.peer(&lied), None);
    }
}
