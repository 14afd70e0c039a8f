//! The demo without a screen: what happens, a line each, on standard output.

use crate::app::output::{human, print};
use crate::app::signal::Signals;
use crate::net::api::{Direction, FeedItem, NodeEvent, PeerInfo, TransferInfo, TransferState, Via};
use crate::net::{NodeError, NodeHandle};

/// Tells what the user's node of a demo sees until a signal comes, the node ends, or nobody reads any more.
///
/// # Errors
/// The node cannot be listened to, or standard output cannot be written.
pub async fn run(node: NodeHandle) -> Result<(), NodeError> {
    let mut signals = Signals::new()?;
    let mut events = node.subscribe().await?;
    let mut teller = Teller::default();
    let begin = "DEMO: seven real nodes in this process, in temporary homes on loopback. Ctrl-C ends it.\n";
    let mut read = print(begin)?;
    while read {
        let event = tokio::select! {
            event = events.next() => event,
            _ = signals.next() => None,
        };
        let Some(event) = event else { break };
        if let Some(line) = teller.line(&event) {
            read = print(&(line + "\n"))?;
        }
    }
    node.shutdown().await
}

/// Remembers what was told, so that nothing is told twice.
#[derive(Default)]
struct Teller {
    /// Peer ids; as many as the demo has nodes.
    met: Vec<String>,
    banned: Vec<String>,
}

impl Teller {
    fn line(&mut self, event: &NodeEvent) -> Option<String> {
        match event {
            NodeEvent::Peer(peer) => self.peer(peer),
            NodeEvent::Feed(item) => Some(heard(item)),
            NodeEvent::Transfer(transfer) => ended(transfer),
            NodeEvent::Lagged { dropped } => Some(format!("missed     {dropped} events")),
            _ => None,
        }
    }

    fn peer(&mut self, peer: &PeerInfo) -> Option<String> {
        let id = human::short(&peer.peer_id);
        if peer.banned && !self.banned.contains(&peer.peer_id) {
            self.banned.push(peer.peer_id.clone());
            let reason = peer.ban_reason.as_deref().unwrap_or("no reason given");
            return Some(format!("banned     {id}, reputation now {:.2}: {reason}", peer.reputation));
        }
        if peer.connected && !self.met.contains(&peer.peer_id) {
            self.met.push(peer.peer_id.clone());
            return Some(format!("connected  {id}"));
        }
        None
    }
}

fn heard(item: &FeedItem) -> String {
    let via = match item.via {
        Via::Gossip => "gossip",
        Via::Sync => "sync",
        Via::Search => "search",
        Via::Own => "this node",
    };
    let publisher = human::short(&item.publisher.to_string());
    format!("published  {} {} by {publisher}, heard by {via}: {}", item.name, item.version, item.description)
}

fn ended(transfer: &TransferInfo) -> Option<String> {
    let (name, from) = (&transfer.name, transfer.peer.as_deref().map(human::short).unwrap_or_default());
    match (transfer.direction, transfer.state) {
        (Direction::Inbound, TransferState::Done) => {
            Some(format!("fetched    {name} from {from}, {}, every leaf verified", human::bytes(transfer.bytes_total)))
        }
        (Direction::Inbound, TransferState::Failed) => {
            let why = transfer.note.strip_prefix(name.as_str()).unwrap_or(&transfer.note);
            Some(format!("refused    {name}: {}", why.trim_start_matches([':', ' '])))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_told_of_once_when_it_comes_and_once_when_it_is_banned() {
        let mut teller = Teller::default();
        let come = PeerInfo { peer_id: "12D3KooWabcdefgh".into(), connected: true, ..Default::default() };
        assert_eq!(teller.peer(&come).as_deref(), Some("connected  …abcdefgh"));
        assert_eq!(teller.peer(&come), None);
        let lied = PeerInfo { banned: true, connected: false, ban_reason: Some("lied".into()), ..come };
        assert_eq!(teller.peer(&lied).as_deref(), Some("banned     …abcdefgh, reputation now 0.00: lied"));
        assert_eq!(teller.peer(&lied), None);
    }
}
