//! What holds whatever happens.

use proptest::prelude::*;

use super::*;
use crate::app::sim::{BEGIN, Rehearsal, Script, Sim};

fn key() -> impl Strategy<Value = Key> {
    let named = [
        "enter",
        "esc",
        "tab",
        "shift-tab",
        "up",
        "down",
        "pgup",
        "pgdn",
        "home",
        "end",
        "backspace",
        "left",
        "right",
        "ctrl-c",
        "ctrl-p",
        "ctrl-r",
        "ctrl-u",
        "delete",
        "f1",
    ];
    prop_oneof![
        4 => proptest::char::range(' ', '~').prop_map(Key::char),
        3 => proptest::sample::select(named.to_vec()).prop_map(|name| name.parse().unwrap()),
        2 => proptest::char::range('0', '9').prop_map(Key::char),
    ]
}

fn node_event() -> impl Strategy<Value = NodeEvent> {
    let states = [TransferState::Finding, TransferState::Running, TransferState::Done, TransferState::Failed];
    prop_oneof![
        any::<u8>().prop_map(|n| NodeEvent::Feed(item(n))),
        (any::<u8>(), 0.0..1.0f64).prop_map(|(n, r)| NodeEvent::Peer(peer(n, r))),
        any::<u8>().prop_map(|n| NodeEvent::Peer(PeerInfo { banned: true, ..peer(n, 0.0) })),
        any::<u8>().prop_map(|n| NodeEvent::PeerGone { peer_id: format!("peer-{n}"), reason: SafeText::default() }),
        (0u64..400, proptest::sample::select(states.to_vec())).prop_map(|(n, s)| NodeEvent::Transfer(transfer(n, s))),
        (any::<u64>(), proptest::sample::select(vec!["ERROR", "INFO", "TRACE"]))
            .prop_map(|(n, level)| NodeEvent::Log(log(n, level))),
        (0usize..40).prop_map(|n| {
            let queries = (0..n as u64).map(|id| DhtQuery { id, ..DhtQuery::default() }).collect();
            NodeEvent::Dht(DhtInfo { queries, ..DhtInfo::default() })
        }),
        any::<u64>().prop_map(|dropped| NodeEvent::Lagged { dropped }),
        Just(NodeEvent::Notice { level: NoticeLevel::Error, text: SafeText::default() }),
    ]
}

/// Answers to what was asked for, and to what was not.
fn answers() -> impl Strategy<Value = Event> {
    let failed = || NodeError::new(ErrorKind::Network, "refused").hint("try again");
    let addr = || "/ip4/192.0.2.1/tcp/1".to_owned();
    prop_oneof![
        (0u64..4, any::<bool>(), 0usize..4)
            .prop_map(|(seq, fine, n)| (Tag::Inspect { seq }, Ok(NodeReply::Inspect(publish::plan(fine, n).into())))),
        (0u64..4).prop_map(move |seq| (Tag::Inspect { seq }, Err(failed()))),
        Just((Tag::Connect { addr: addr() }, Err(failed()))),
        Just((Tag::Install { what: "pack-1 1.0.1".into() }, Err(failed()))),
        (0u64..4).prop_map(|seq| (Tag::Detail { seq }, Ok(NodeReply::Detail(Vec::new())))),
        any::<u8>()
            .prop_map(|n| (Tag::Offer { what: format!("pack-{n} 1.0.0") }, Ok(NodeReply::Why(Default::default())))),
        proptest::collection::vec(any::<u8>(), 0..300).prop_map(|all| {
            let all = all.into_iter().map(|n| transfer(u64::from(n), TransferState::Running)).collect();
            (Tag::Transfers, Ok(NodeReply::Transfers(all)))
        }),
        proptest::collection::vec(any::<u64>(), 0..50)
            .prop_map(|all| { (Tag::Logs, Ok(NodeReply::Logs(all.into_iter().map(|n| log(n, "INFO")).collect()))) }),
        proptest::collection::vec(any::<u8>(), 0..30).prop_map(|mut all| {
            all.sort_unstable();
            all.dedup();
            (Tag::Installed, Ok(NodeReply::Installed(all.into_iter().map(InstalledInfo::sample).collect())))
        }),
        any::<u8>().prop_map(move |n| (Tag::Verify { name: InstalledInfo::sample(n).name }, Err(failed()))),
        Just((Tag::UpdatePlan { name: None }, Err(failed()))),
        (0u64..4).prop_map(move |seq| (Tag::InstalledFiles { seq }, Err(failed()))),
        any::<u8>().prop_map(|n| {
            let (name, version) = (InstalledInfo::sample(n).name, semver::Version::new(1, 2, u64::from(n)));
            let tag = Tag::Contents { name, version, publisher: PublisherKey([n; 32]) };
            (tag, Ok(NodeReply::Files(FileList::default())))
        }),
        Just((Tag::Settings, Ok(NodeReply::Settings(Box::default())))),
    ]
    .prop_map(|(tag, result)| Event::Reply { tag, result })
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => key().prop_map(Event::Key),
        6 => node_event().prop_map(Event::Node),
        1 => (0u16..300, 0u16..100).prop_map(|(width, height)| Event::Resized { width, height }),
        1 => (0u16..60, 0u16..9, 0u16..9)
            .prop_map(|(rows, detail_end, dialog_end)| Event::Viewport { rows, detail_end, dialog_end }),
        1 => ".{0,20}".prop_map(Event::Paste),
        1 => (0usize..600).prop_map(|n| Event::Mouse { action: MouseAction::Click, target: Some(Target::Row(n)) }),
        1 => Just(Event::Mouse { action: MouseAction::WheelDown, target: None }),
        1 => Just(Event::Tick),
        1 => proptest::collection::vec(0u8..60, 0..40).prop_map(|mut hits| {
            hits.dedup();
            Event::Reply { tag: Tag::Search { seq: 1, remote: false }, result: Ok(answer(&hits)) }
        }),
        1 => proptest::collection::vec(any::<u8>(), 0..600).prop_map(|all| {
            let items = all.into_iter().map(item).collect();
            Event::Reply { tag: Tag::Feed, result: Ok(NodeReply::Feed(items)) }
        }),
        1 => Just(Event::Reply { tag: Tag::Status, result: Ok(NodeReply::Done) }),
        2 => answers(),
        1 => proptest::collection::vec("[a-c]{1,3}", 0..4).prop_map(|names| {
            let entries = names.into_iter().map(|name| DirEntry { name, package: true }).collect();
            Event::Directory { path: "/home/ada/".into(), listing: Ok(Listing { entries, ..Listing::default() }) }
        }),
        1 => any::<bool>().prop_map(|fine| Event::Settings {
            wrote: (!fine).then(|| "ui.ascii".to_owned()),
            result: if fine { Ok(shelf::sheet("")) } else { Err(NodeError::new(ErrorKind::Usage, "no")) },
        }),
        1 => Just(Event::NodeGone),
        1 => any::<bool>().prop_map(|remote| Event::NodeReady { remote }),
    ]
}

fn check(state: &State) -> Result<(), TestCaseError> {
    let lists = [
        (state.peers.view, state.peers.visible().len(), MAX_PEERS),
        (state.feed.view, state.feed.visible().len(), MAX_FEED),
        (state.dht.view, state.dht.queries().len(), 32),
        (state.search.view, state.search.results.len(), MAX_RESULTS),
        (state.transfers.view, state.transfers.rows().len(), MAX_TRANSFERS),
        (state.installed.view, state.installed.visible().len(), usize::MAX),
        (state.settings.view, state.settings.visible().len(), 100),
        (state.publish.view, state.publish.lines(), usize::MAX),
        (state.logs.current(state.logs.visible().len()), state.logs.visible().len(), MAX_LOGS),
    ];
    for (view, len, bound) in lists {
        prop_assert!(view.selected < len.max(1), "{view:?} of {len} on {:?}", state.tab);
        prop_assert!(len <= bound);
    }
    prop_assert!(state.detail_scroll <= state.detail_end);
    prop_assert!(state.dialog_scroll <= state.dialog_end && (state.overlay.is_some() || state.dialog_scroll == 0));
    prop_assert!(state.messages.len() <= MAX_MESSAGES);
    prop_assert!(state.toasts.len() <= MAX_TOASTS);
    prop_assert!(state.feed.waiting() <= MAX_FEED);
    prop_assert!(state.pending.len() <= 16);
    prop_assert!(state.publish.input.value().chars().count() <= MAX_INPUT + 16);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_happens_the_state_stays_sound(events in proptest::collection::vec((event(), 0u64..400), 0..120)) {
        let mut desk = Desk::ready();
        for (event, wait) in events {
            desk.now = desk.now.plus(wait);
            desk.event(event);
            check(&desk.state)?;
            if let Some(at) = desk.state.next_wake(desk.now) {
                let due = desk.state.search.local_due.is_some() || desk.state.search.remote_due.is_some()
                    || desk.state.search.detail_due.is_some() || desk.state.installed.extras_due.is_some() || !desk.state.toasts.is_empty();
                prop_assert!(at > desk.now.unix_ms || due, "a tick that changes nothing would spin");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The same with a node that answers, as a simulation does: dialogs open, plans come, downloads end.
    #[test]
    fn whatever_is_pressed_on_a_simulated_node_the_state_stays_sound(
        keys in proptest::collection::vec((key(), 0u64..2_000), 0..60),
        script in proptest::sample::select(vec![Script::Quiet, Script::Busy, Script::Hostile]),
        seed in 0u64..100,
    ) {
        let nobody = &mut |_: Now, _: &Event| {};
        let mut rehearsal =
            Rehearsal::new(Sim::new(script, seed, BEGIN), DashboardOptions::default(), (100, 30), BEGIN);
        rehearsal.event(Event::Viewport { rows: 7, detail_end: 0, dialog_end: 0 }, nobody);
        for (key, wait) in keys {
            rehearsal.event(Event::Key(key), nobody);
            check(rehearsal.state())?;
            rehearsal.run_until(rehearsal.now().plus(wait), nobody);
            check(rehearsal.state())?;
        }
    }
}
