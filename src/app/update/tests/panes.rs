//! Peers and feed.

use super::*;

#[test]
fn peers_are_sorted_and_the_selection_stays_with_its_peer() {
    let mut desk = Desk::ready();
    desk.reply(Tag::Peers, NodeReply::Peers(vec![peer(1, 0.2), peer(2, 0.9), peer(3, 0.5)]));
    desk.keys("2 down");
    assert_eq!(desk.state.peers.selected().unwrap().peer_id, "peer-3");
    desk.node(NodeEvent::Peer(peer(3, 1.0)));
    assert_eq!(desk.state.peers.view.selected, 0);
    assert_eq!(desk.state.peers.selected().unwrap().peer_id, "peer-3");
    desk.keys("S");
    assert_eq!(desk.state.peers.selected().unwrap().peer_id, "peer-3");
    assert_eq!(desk.state.peers.view.selected, 2);
    desk.node(NodeEvent::PeerGone { peer_id: "peer-3".into(), reason: SafeText::default() });
    assert_eq!(desk.state.peers.rows().len(), 2);
    assert!(desk.state.peers.selected().is_some());
}

#[test]
fn banning_asks_first_and_a_ban_stays_in_sight() {
    let mut desk = Desk::ready();
    desk.reply(Tag::Peers, NodeReply::Peers(vec![peer(1, 0.2)]));
    assert_eq!(desk.keys("2 b"), []);
    let effects = desk.keys("y");
    assert!(matches!(commands(&effects)[..], [NodeCommand::Ban { peer, duration_s: None, .. }] if peer == "peer-1"));
    desk.node(NodeEvent::Peer(PeerInfo { banned: true, ..peer(1, 0.2) }));
    desk.node(NodeEvent::PeerGone { peer_id: "peer-1".into(), reason: SafeText::default() });
    assert!(desk.state.peers.selected().unwrap().banned);
    let effects = desk.keys("b y");
    assert!(matches!(commands(&effects)[..], [NodeCommand::Unban { .. }]));
}

#[test]
fn connecting_checks_the_address_and_brings_it_back_when_it_failed() {
    let mut desk = Desk::ready();
    desk.keys("2 c x enter");
    assert!(matches!(&desk.state.overlay, Some(Overlay::Connect(prompt)) if prompt.error.is_some()));
    desk.keys("backspace");
    desk.event(Event::Paste(" /ip4/192.0.2.1/tcp/1\n".into()));
    let effects = desk.keys("enter");
    let addr = "/ip4/192.0.2.1/tcp/1".to_owned();
    assert_eq!(commands(&effects), [&NodeCommand::Connect { addr: addr.clone() }]);
    assert_eq!(desk.state.pending.len(), 1);
    let result = Err(NodeError::new(ErrorKind::Network, "refused"));
    desk.event(Event::Reply { tag: Tag::Connect { addr: addr.clone() }, result });
    assert!(desk.state.pending.is_empty());
    assert!(matches!(&desk.state.overlay, Some(Overlay::Connect(prompt)) if prompt.input.value() == addr));
}

#[test]
fn the_feed_follows_its_top_and_keeps_a_chosen_line() {
    let mut desk = Desk::ready();
    desk.keys("4");
    for n in 0..3 {
        desk.node(NodeEvent::Feed(item(n)));
    }
    assert_eq!(desk.state.feed.selected().unwrap().release_id, item(2).release_id);
    desk.keys("down");
    desk.node(NodeEvent::Feed(item(9)));
    assert_eq!(desk.state.feed.selected().unwrap().release_id, item(1).release_id);
}

#[test]
fn a_paused_feed_keeps_still_and_counts() {
    let mut desk = Desk::ready();
    desk.keys("4");
    desk.node(NodeEvent::Feed(item(1)));
    desk.keys("p");
    for n in [2, 3, 3, 1] {
        desk.node(NodeEvent::Feed(item(n)));
    }
    assert_eq!((desk.state.feed.items().len(), desk.state.feed.waiting()), (1, 2));
    desk.reply(Tag::Feed, NodeReply::Feed(vec![item(4), item(3), item(2), item(1)]));
    assert_eq!((desk.state.feed.items().len(), desk.state.feed.waiting()), (1, 3));
    desk.keys("p");
    assert_eq!((desk.state.feed.items().len(), desk.state.feed.waiting()), (4, 0));
    assert_eq!(desk.state.feed.items().front().unwrap().release_id, item(4).release_id);
}
