//! Peers and feed.

use super::shelf::sheet;
use super::*;
use crate::app::settings::Source;

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
    assert_eq!(desk.keys("2 b l i e s"), []);
    let effects = desk.keys("enter");
    assert!(matches!(
        commands(&effects)[..],
        [NodeCommand::Ban { peer, reason, duration_s: None }] if peer == "peer-1" && reason == "lies"
    ));
    desk.node(NodeEvent::Peer(PeerInfo { banned: true, ..peer(1, 0.2) }));
    desk.node(NodeEvent::PeerGone { peer_id: "peer-1".into(), reason: SafeText::default() });
    assert!(desk.state.peers.selected().unwrap().banned);
    desk.reply(Tag::Ban { peer: "peer-1".into() }, NodeReply::Done);
    let effects = desk.keys("b y");
    assert!(matches!(commands(&effects)[..], [NodeCommand::Unban { .. }]));
}

#[test]
fn connecting_checks_the_address_and_brings_it_back_when_it_failed() {
    let mut desk = Desk::ready();
    desk.keys("2 c x enter");
    assert!(matches!(&desk.state.overlay, Some(Overlay::Prompt(prompt)) if prompt.error.is_some()));
    desk.keys("backspace");
    desk.event(Event::Paste(" /ip4/192.0.2.1/tcp/1\n".into()));
    let effects = desk.keys("enter");
    let addr = "/ip4/192.0.2.1/tcp/1".to_owned();
    assert_eq!(commands(&effects), [&NodeCommand::Connect { addr: addr.clone() }]);
    assert_eq!(desk.state.pending.len(), 1);
    let result = Err(NodeError::new(ErrorKind::Network, "refused"));
    desk.event(Event::Reply { tag: Tag::Connect { addr: addr.clone() }, result });
    assert!(desk.state.pending.is_empty());
    assert!(matches!(&desk.state.overlay, Some(Overlay::Prompt(prompt)) if prompt.input.value() == addr));
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

#[test]
fn keeping_is_asked_for_and_a_kept_peer_stays_in_sight() {
    let mut desk = Desk::ready();
    desk.reply(Tag::Peers, NodeReply::Peers(vec![peer(1, 0.2)]));
    let effects = desk.keys("2 K");
    assert_eq!(commands(&effects), [&NodeCommand::Keep { peer: "peer-1".into() }]);
    desk.node(NodeEvent::Peer(PeerInfo { kept: true, ..peer(1, 0.2) }));
    desk.node(NodeEvent::PeerGone { peer_id: "peer-1".into(), reason: SafeText::default() });
    let row = desk.state.peers.selected_row().unwrap();
    assert_eq!((row.info.connected, row.flags()), (false, vec!["kept"]));
    let effects = desk.keys("K");
    assert_eq!(commands(&effects), [&NodeCommand::Unkeep { peer: "peer-1".into() }]);
}

#[test]
fn every_order_of_the_peers_holds_them_all_and_a_title_sorts_by_its_column() {
    let mut desk = Desk::ready();
    let one = PeerInfo { bytes_in: 5, transport: "quic".into(), releases: Some(3), ..peer(1, 0.2) };
    let two = PeerInfo { bytes_in: 9, transport: "tcp".into(), kept: true, ..peer(2, 0.9) };
    desk.reply(Tag::Peers, NodeReply::Peers(vec![one, two]));
    desk.keys("2");
    for _ in SortBy::ALL {
        desk.keys("s");
        assert_eq!(desk.state.peers.visible().len(), 2);
    }
    assert_eq!(desk.state.peers.sort, SortBy::Reputation);
    let first = |desk: &Desk| desk.state.peers.visible()[0].info.peer_id.clone();
    let column = PEER_COLUMNS.iter().position(|by| *by == Some(SortBy::In)).unwrap();
    let click = Event::Mouse { action: MouseAction::Click, target: Some(Target::Column(column)) };
    desk.event(click.clone());
    assert_eq!((desk.state.peers.sort, desk.state.peers.reversed, first(&desk)), (SortBy::In, false, "peer-2".into()));
    desk.event(click);
    assert_eq!((desk.state.peers.reversed, first(&desk)), (true, "peer-1".into()));
}

#[test]
fn round_trips_are_remembered_and_bounded() {
    let mut desk = Desk::ready();
    for n in 0..100 {
        desk.node(NodeEvent::Peer(PeerInfo { latency_ms: Some(f64::from(n)), ..peer(1, 0.2) }));
    }
    // As it was: nothing new.
    desk.node(NodeEvent::Peer(PeerInfo { latency_ms: Some(99.0), ..peer(1, 0.2) }));
    desk.reply(Tag::Peers, NodeReply::Peers(vec![PeerInfo { latency_ms: Some(7.0), ..peer(1, 0.2) }]));
    let row = &desk.state.peers.rows()[0];
    assert_eq!((row.latencies.len(), row.latencies.back().copied()), (MAX_LATENCIES, Some(7.0)));
    assert_eq!(row.latencies.iter().rev().nth(1).copied(), Some(99.0));
}

#[test]
fn an_address_pasted_where_one_can_connect_is_offered() {
    let mut desk = Desk::ready();
    desk.event(Event::Paste("hello".into()));
    assert!(desk.state.overlay.is_none());
    desk.event(Event::Paste("/ip4/192.0.2.1/tcp/1".into()));
    let effects = desk.keys("enter");
    assert_eq!(commands(&effects), [&NodeCommand::Connect { addr: "/ip4/192.0.2.1/tcp/1".into() }]);
}

#[test]
fn the_own_address_is_shown_and_copied() {
    let mut desk = Desk::ready();
    let listen_addrs = vec!["/ip4/127.0.0.1/tcp/1".into(), "/ip4/192.0.2.7/tcp/1".into()];
    desk.reply(Tag::Status, NodeReply::Status(Status { listen_addrs, peer_id: "me".into(), ..Status::default() }));
    assert_eq!(desk.keys("a"), []);
    assert_eq!(desk.keys("y"), [Effect::Copy("/ip4/192.0.2.7/tcp/1/p2p/me".into())]);
    assert_eq!(desk.keys("down y"), [Effect::Copy("/ip4/127.0.0.1/tcp/1/p2p/me".into())]);
    desk.keys("esc");
    assert!(desk.state.overlay.is_none());
}

#[test]
fn a_lookup_by_hand_is_asked_and_shown_until_it_is_closed() {
    let mut desk = Desk::ready();
    desk.keys("3 / enter");
    assert!(matches!(&desk.state.overlay, Some(Overlay::Prompt(prompt)) if prompt.error.is_some()));
    let effects = desk.keys("r d f enter");
    assert_eq!(commands(&effects), [&NodeCommand::Lookup { what: "rdf".into() }]);
    let answer = LookupAnswer { kind: LookupKind::Name, peers: vec![LookupPeer::default()], elapsed_ms: 3 };
    desk.reply(Tag::Lookup { what: "other".into() }, NodeReply::Lookup(answer.clone()));
    assert_eq!(desk.state.dht.lookup.as_ref().unwrap().answer, None, "an answer to something else");
    desk.reply(Tag::Lookup { what: "rdf".into() }, NodeReply::Lookup(answer));
    assert!(matches!(&desk.state.dht.lookup.as_ref().unwrap().answer, Some(Ok(answer)) if answer.peers.len() == 1));
    desk.keys("esc");
    assert!(desk.state.dht.lookup.is_none());
}

#[test]
fn further_forwarders_count_also_while_paused() {
    let mut desk = Desk::ready();
    desk.keys("4");
    desk.node(NodeEvent::Feed(item(1)));
    desk.keys("p");
    desk.node(NodeEvent::Feed(item(2)));
    desk.node(NodeEvent::Heard(vec![(item(1).release_id, 3), (item(2).release_id, 5), (item(9).release_id, 7)]));
    assert_eq!(desk.state.feed.items()[0].heard_from, 3);
    desk.keys("f");
    assert!(!desk.state.feed.paused);
    assert_eq!(desk.state.feed.items()[0].heard_from, 5);
    assert_eq!(desk.state.feed.arrivals.last_minute(desk.now), 2);
}

#[test]
fn marks_say_whose_a_name_is_and_what_it_looks_like() {
    let mut desk = Desk::ready();
    let pin = |text: &str, key: u8| Pin {
        name: name(text),
        publisher: PublisherKey([key; 32]),
        since: 0,
        origin: PinOrigin::Installed,
    };
    desk.reply(Tag::Pins, NodeReply::Pins(vec![pin("rust-lsp", 1), pin("other", 2)]));
    let marks = |text: &str, yanked| desk.state.marks(&FeedItem { name: name(text), yanked, ..item(1) });
    assert_eq!(marks("rust-lsp", false), [Mark::Pinned]);
    assert_eq!(marks("other", true), [Mark::Yanked, Mark::OtherKey]);
    assert_eq!(marks("rust-1sp", false), [], "the same key");
    assert_eq!(marks("0ther", false), [Mark::LooksLike(name("other"))]);
    assert_eq!(marks("nothing-like-it", false), []);
}

#[test]
fn a_line_of_the_feed_leads_to_its_publisher_and_its_sender() {
    let mut desk = Desk::ready();
    desk.keys("4");
    desk.node(NodeEvent::Feed(FeedItem { from: Some("peer-7".into()), ..item(1) }));
    desk.keys("b x enter");
    assert!(desk.state.pending.iter().any(|pending| pending.tag == Tag::Ban { peer: "peer-7".into() }));
    desk.keys("o");
    assert_eq!(desk.state.tab, Tab::Search);
    assert_eq!(desk.state.search.query, format!("publisher:{}", PublisherKey([1; 32])));
}

#[test]
fn downloads_are_paused_and_ended_as_it_is_chosen() {
    let mut desk = Desk::ready();
    desk.keys("7");
    desk.node(NodeEvent::Transfer(transfer(4, TransferState::Running)));
    let asked = |wish| NodeCommand::Transfer { id: 4, wish };
    assert_eq!(commands(&desk.keys("p")), [&asked(TransferWish::Pause)]);
    desk.reply(Tag::Transfer { id: 4 }, NodeReply::Changed(true));
    desk.node(NodeEvent::Transfer(transfer(4, TransferState::Paused)));
    assert_eq!(commands(&desk.keys("p")), [&asked(TransferWish::Resume)]);
    desk.reply(Tag::Transfer { id: 4 }, NodeReply::Changed(true));
    assert_eq!(desk.keys("c esc"), []);
    assert_eq!(desk.keys("c down down enter"), [], "let it go on");
    assert_eq!(commands(&desk.keys("c enter")), [&asked(TransferWish::Cancel { keep: true })]);
    desk.reply(Tag::Transfer { id: 4 }, NodeReply::Changed(true));
    assert_eq!(commands(&desk.keys("c down enter")), [&asked(TransferWish::Cancel { keep: false })]);
    desk.node(NodeEvent::Transfer(transfer(4, TransferState::Failed)));
    desk.reply(Tag::Transfer { id: 4 }, NodeReply::Changed(true));
    assert_eq!(desk.keys("c"), []);
    assert!(desk.state.overlay.is_none());
}

#[test]
fn an_address_of_a_connected_peer_is_not_said_to_be_connected_to() {
    let mut desk = Desk::ready();
    desk.node(NodeEvent::Peer(peer(7, 0.5)));
    desk.keys("2 c");
    desk.event(Event::Paste("/ip4/192.0.2.9/tcp/1/p2p/peer-7".into()));
    assert_eq!(desk.keys("enter"), []);
    assert!(desk.state.says("already connected to peer-7; this address was not tried"));
    desk.keys("c");
    desk.event(Event::Paste("/ip4/192.0.2.9/tcp/1/p2p/peer-8".into()));
    assert!(matches!(commands(&desk.keys("enter"))[..], [NodeCommand::Connect { .. }]));
}

#[test]
fn only_themes_are_among_the_themes() {
    let mut desk = Desk::ready();
    desk.keys("T");
    let Some(Overlay::Palette(picker)) = &desk.state.overlay else { panic!("no list") };
    let entries = desk.state.entries(picker.input.value());
    assert!(entries.len() > 3 && entries.iter().all(|entry| matches!(entry, Entry::Theme(_))), "{entries:?}");
}

#[test]
fn what_a_person_ended_is_no_failure() {
    let mut desk = Desk::ready();
    let note = SafeText::new("pack-1 1.0.0: cancelled; what has come is kept");
    let ended = |id| TransferInfo {
        name: SafeText::new("pack-1 1.0.0"),
        note: note.clone(),
        ..transfer(id, TransferState::Failed)
    };
    desk.node(NodeEvent::Transfer(ended(1)));
    assert_eq!(desk.state.toasts.back().unwrap().kind, ToastKind::Info);
    desk.state.toasts.clear();
    let result = Err(NodeError::new(ErrorKind::Failed, note.to_string()));
    desk.event(Event::Reply { tag: Tag::Install { what: "pack-9 1.0.0".into() }, result });
    assert_eq!(desk.state.toasts.back().unwrap().kind, ToastKind::Info);
    let upload = |done, note: &str| TransferInfo {
        direction: Direction::Outbound,
        bytes_done: done,
        note: SafeText::new(note),
        ..transfer(2, TransferState::Done)
    };
    let by_hand = TransferInfo { state: TransferState::Failed, ..upload(2, "ended by hand") };
    let all = [
        ended(1),
        by_hand,
        upload(2, "the other side broke it off"),
        upload(100, ""),
        transfer(3, TransferState::Failed),
        transfer(4, TransferState::Running),
    ];
    let outcomes = all.map(|info| Outcome::of(&info));
    let wanted = [Outcome::Cancelled, Outcome::Cancelled, Outcome::Partly, Outcome::Whole, Outcome::Failed];
    assert_eq!(outcomes.map(|one| one), [wanted.map(Some).as_slice(), &[None]].concat()[..]);
}

#[test]
fn what_an_earlier_attempt_left_is_no_speed() {
    let mut desk = Desk::ready();
    let mib = 1 << 20;
    let info = |done: u64, ms| TransferInfo {
        bytes_done: done,
        bytes_total: 10 * mib,
        leaves_resumed: 16,
        elapsed_ms: ms,
        ..transfer(1, TransferState::Running)
    };
    let rate = |desk: &Desk| desk.state.transfers.rows()[0].rate;
    desk.node(NodeEvent::Transfer(info(4 * mib, 1_000)));
    assert_eq!(rate(&desk), None, "all of it was here before");
    desk.node(NodeEvent::Transfer(info(5 * mib, 2_000)));
    assert_eq!(rate(&desk), Some(mib as f64));
    desk.node(NodeEvent::Transfer(TransferInfo { state: TransferState::Failed, ..info(6 * mib, 4_000) }));
    assert_eq!(rate(&desk), Some(mib as f64 / 2.0), "nor is it after the end");
}

#[test]
fn the_transfers_open_on_the_newest_that_runs() {
    let mut desk = Desk::ready();
    desk.node(NodeEvent::Transfer(transfer(1, TransferState::Running)));
    desk.keys("7");
    desk.node(NodeEvent::Transfer(transfer(1, TransferState::Done)));
    desk.node(NodeEvent::Transfer(transfer(2, TransferState::Running)));
    assert_eq!(desk.state.transfers.selected().unwrap().info.id, 1, "what is selected stays so");
    desk.keys("1 7");
    assert_eq!(desk.state.transfers.selected().unwrap().info.id, 2);
}

#[test]
fn limits_change_by_steps_and_are_told_the_node() {
    let mut desk = Desk::ready();
    desk.reply(Tag::Status, NodeReply::Status(Status::default()));
    desk.keys("7");
    assert_eq!(desk.keys("+"), [], "there is none already");
    let highest = 64 << 20;
    let told = |upload, download| NodeCommand::SetLimits { upload: Some(upload), download: Some(download) };
    assert_eq!(commands(&desk.keys("-")), [&told(0, highest)]);
    assert_eq!(commands(&desk.keys("<")), [&told(highest, highest)]);
    assert_eq!(commands(&desk.keys("+")), [&told(highest, 0)]);
    assert_eq!(desk.state.toasts.len(), 1);
}

#[test]
fn limits_are_kept_one_after_the_other_and_set_ones_hold_at_once() {
    let told = |upload, download| NodeCommand::SetLimits { upload: Some(upload), download: Some(download) };
    let write = |name: &str, value: &str| Effect::WriteSetting { name: name.into(), value: Some(value.into()) };
    let wrote = |name: &str, text| Event::Settings { wrote: Some(name.into()), result: Ok(sheet(text)) };
    let mut desk = Desk::ready();
    let file = std::path::PathBuf::from("/p2p-config.toml");
    desk.state.options.source = Some(Source { file, flags: Vec::new(), stored: true });
    desk.reply(Tag::Status, NodeReply::Status(Status::default()));
    assert!(desk.keys("7 - <").contains(&Effect::ReadSettings), "what is set is not known yet");
    assert_eq!(desk.keys("S"), [], "nor is what would be changed");
    desk.event(Event::Settings { wrote: None, result: Ok(sheet("")) });
    assert_eq!(desk.keys("S"), [write("performance.download_limit", "64 MiB")]);
    let text = "[performance]\ndownload_limit = \"64 MiB\"\n";
    let effects = desk.event(wrote("performance.download_limit", text));
    assert_eq!(effects, [write("performance.upload_limit", "64 MiB")], "the node goes by the first already");
    let text = "[performance]\ndownload_limit = \"64 MiB\"\nupload_limit = \"64 MiB\"\n";
    assert_eq!(desk.event(wrote("performance.upload_limit", text)), []);
    assert_eq!(desk.keys("S"), [], "all is as it is set");
    let text = "[performance]\ndownload_limit = \"64 MiB\"\nupload_limit = \"1 MiB\"\n";
    let effects = desk.event(wrote("performance.upload_limit", text));
    assert_eq!(commands(&effects), [&told(1 << 20, 64 << 20)]);
    assert!(desk.state.toasts.iter().all(|toast| toast.hint.as_deref() != Some("the node goes by it after a restart")));
}

#[test]
fn an_upload_is_ended_after_a_question_and_cannot_be_paused() {
    let mut desk = Desk::ready();
    let upload =
        TransferInfo { direction: Direction::Outbound, can_wait: false, ..transfer(4, TransferState::Running) };
    desk.reply(Tag::Transfers, NodeReply::Transfers(vec![upload]));
    assert_eq!(desk.keys("7 p"), []);
    assert_eq!(desk.keys("c n"), []);
    let command = NodeCommand::Transfer { id: 4, wish: TransferWish::Cancel { keep: true } };
    assert_eq!(commands(&desk.keys("c y")), [&command]);
}
