//! Start, end, tabs, time.

use super::*;

#[test]
fn a_node_that_is_up_is_asked_for_everything() {
    let effects = Desk::new().event(Event::NodeReady { remote: false });
    let asked = commands(&effects);
    for wanted in [
        NodeCommand::Status,
        NodeCommand::Peers,
        NodeCommand::Dht,
        NodeCommand::Feed { limit: 512 },
        NodeCommand::Transfers,
        NodeCommand::Logs { limit: 512 },
        NodeCommand::Installed,
    ] {
        assert!(asked.contains(&&wanted), "{wanted:?} is missing");
    }
}

#[test]
fn lost_events_are_counted_and_made_up_for() {
    let mut desk = Desk::ready();
    let effects = desk.node(NodeEvent::Lagged { dropped: 12 });
    assert_eq!(desk.state.lost, 12);
    assert!(commands(&effects).contains(&&NodeCommand::Peers));
}

#[test]
fn a_failed_start_is_shown_and_any_key_leaves() {
    let mut desk = Desk::new();
    desk.event(Event::StartFailed(NodeError::new(ErrorKind::Disk, "the disk is full")));
    assert!(matches!(desk.state.phase, Phase::Failed(_)));
    assert_eq!(desk.keys("x"), [Effect::Quit]);
    assert!(desk.state.next_wake(desk.now).is_some(), "it leaves by itself too");
    assert_eq!(desk.later(10_000), [Effect::Quit]);
}

#[test]
fn signals_leave_at_once() {
    let mut desk = Desk::ready();
    desk.node(NodeEvent::Transfer(transfer(1, TransferState::Running)));
    assert_eq!(desk.event(Event::Signal(Signal::Terminate)), [Effect::Quit]);
    assert_eq!(desk.event(Event::Signal(Signal::HangUp)), [Effect::Quit]);
}

#[test]
fn quitting_asks_only_when_something_would_break_off() {
    assert_eq!(Desk::ready().keys("q"), [Effect::Quit]);
    let mut desk = Desk::ready();
    desk.node(NodeEvent::Transfer(transfer(1, TransferState::Running)));
    assert_eq!(desk.keys("q"), []);
    assert_eq!(desk.keys("enter"), [], "enter keeps on");
    assert!(desk.state.overlay.is_none());
    assert_eq!(desk.keys("q y"), [Effect::Quit]);
    assert_eq!(desk.keys("ctrl-c ctrl-c"), [Effect::Quit], "twice always leaves");
    desk.state.overlay = None;
    desk.state.phase = Phase::Ready { remote: true };
    assert_eq!(desk.keys("q"), [Effect::Quit], "a node elsewhere goes on");
}

#[test]
fn tabs_by_number_and_around() {
    let mut desk = Desk::ready();
    for (place, tab) in Tab::ALL.into_iter().enumerate() {
        desk.state.search.focused = false;
        desk.state.publish.focused = false;
        desk.keys(&digit(place).unwrap().to_string());
        assert_eq!(desk.state.tab, tab);
    }
    desk.keys("tab");
    assert_eq!(desk.state.tab, Tab::Overview);
    desk.keys("shift-tab");
    assert_eq!(desk.state.tab, Tab::Settings);
    desk.event(Event::Mouse { action: MouseAction::Click, target: Some(Target::Tab(Tab::Feed)) });
    assert_eq!(desk.state.tab, Tab::Feed);
}

#[test]
fn panes_are_those_of_the_settings_in_their_order() {
    let options = DashboardOptions { panes: vec![Tab::Logs, Tab::Search, Tab::Peers], ..DashboardOptions::default() };
    let mut desk = Desk { state: State::new(options, START), now: START };
    assert_eq!(desk.state.tab, Tab::Logs, "the first is open at the start");
    desk.keys("3");
    assert_eq!(desk.state.tab, Tab::Peers);
    desk.keys("4 tab");
    assert_eq!(desk.state.tab, Tab::Logs, "there is no fourth, and the third is the last");
    desk.keys("shift-tab");
    assert_eq!(desk.state.tab, Tab::Peers);
}

#[test]
fn an_empty_search_does_not_hold_on_to_the_numbers_of_tabs() {
    let mut desk = Desk::ready();
    desk.keys("5 6");
    assert_eq!(desk.state.tab, Tab::Publish);
    desk.keys("esc 5 5 d 6");
    assert_eq!((desk.state.tab, desk.state.search.input.value()), (Tab::Search, "5d6"));
}

#[test]
fn logs_follow_until_someone_looks_back() {
    let mut desk = Desk::ready();
    desk.keys("9");
    for n in 0..20 {
        desk.node(NodeEvent::Log(log(n, "INFO")));
    }
    assert_eq!(&*desk.state.logs.selected().unwrap().message, "line 19");
    desk.keys("up");
    desk.node(NodeEvent::Log(log(20, "INFO")));
    assert_eq!(&*desk.state.logs.selected().unwrap().message, "line 18");
    desk.keys("G");
    desk.node(NodeEvent::Log(log(21, "INFO")));
    assert_eq!(&*desk.state.logs.selected().unwrap().message, "line 21");
    desk.node(NodeEvent::Log(log(22, "DEBUG")));
    assert_eq!(desk.state.logs.visible().len(), 22);
    desk.keys("v");
    assert_eq!(desk.state.logs.visible().len(), 23);
}

#[test]
fn toasts_go_by_themselves_and_then_nothing_ticks() {
    let mut desk = Desk::ready();
    desk.keys("7");
    desk.node(NodeEvent::Notice { level: NoticeLevel::Info, text: SafeText::new("hello") });
    let at = desk.state.next_wake(desk.now).unwrap();
    desk.later(at - desk.now.unix_ms);
    assert!(desk.state.toasts.is_empty());
    assert_eq!(desk.state.next_wake(desk.now), None);
}

#[test]
fn ages_wake_the_screen_only_when_their_text_changes() {
    let mut desk = Desk::ready();
    desk.keys("4");
    assert_eq!(desk.state.next_wake(desk.now), None);
    desk.node(NodeEvent::Feed(item(1)));
    assert_eq!(desk.state.next_wake(desk.now), Some(START.unix_ms + 5_000), "the bars of what came glide");
    desk.keys("1");
    assert_eq!(desk.state.next_wake(desk.now), Some(START.unix_ms + 10_000), "no bars there");
    desk.keys("4");
    desk.later(3_600_000);
    assert_eq!(desk.state.next_wake(desk.now), Some(desk.now.unix_ms + 3_600_000));
}

#[test]
fn traffic_is_told_only_while_it_flows() {
    let mut desk = Desk::ready();
    desk.keys("7");
    let status = |bytes_in| {
        let traffic = Traffic { bytes_in, bytes_out: 0 };
        NodeEvent::Status(Status { traffic, ..Status::default() })
    };
    desk.node(status(0));
    desk.node(status(9_000));
    assert_eq!(desk.state.rate(), Some((3_000, 0)));
    assert_eq!(desk.state.next_wake(desk.now), Some(desk.now.unix_ms + 1_000), "on every tab");
    for _ in 0..3 {
        desk.later(1_000);
    }
    assert_eq!(desk.state.rate(), Some((0, 0)));
    assert_eq!(desk.state.next_wake(desk.now), None);
    desk.event(Event::NodeGone);
    assert_eq!((desk.state.rate(), desk.state.uptime_s(desk.now)), (None, None), "nobody is there to say so");
}

#[test]
fn a_log_line_that_comes_twice_is_shown_once() {
    let mut desk = Desk::ready();
    desk.reply(Tag::Logs, NodeReply::Logs(vec![log(1, "INFO"), log(2, "INFO")]));
    desk.node(NodeEvent::Log(log(2, "INFO")));
    desk.node(NodeEvent::Log(log(3, "INFO")));
    assert_eq!(desk.state.logs.lines().len(), 3);
}

#[test]
fn a_detail_that_does_not_fit_scrolls() {
    let mut desk = Desk::ready();
    for n in 0..3 {
        desk.node(NodeEvent::Feed(item(n)));
    }
    desk.keys("4 enter");
    assert!(desk.state.shows_detail());
    desk.event(Event::Viewport { rows: 5, detail_end: 4, dialog_end: 0 });
    desk.keys("down down");
    assert_eq!((desk.state.detail_scroll, desk.state.feed.view.selected), (2, 0));
    desk.keys("G");
    assert_eq!(desk.state.detail_scroll, 4);
    desk.event(Event::Viewport { rows: 5, detail_end: 0, dialog_end: 0 });
    desk.keys("down");
    assert_eq!(
        (desk.state.detail_scroll, desk.state.feed.view.selected),
        (0, 1),
        "one that fits gives way to the next"
    );
    desk.keys("esc enter");
    assert_eq!(desk.state.detail_scroll, 0);
}

#[test]
fn the_palette_runs_what_it_finds() {
    let mut desk = Desk::ready();
    desk.keys(": t r a n s enter");
    assert_eq!(desk.state.tab, Tab::Transfers);
    desk.keys(": b a n space p e e r enter");
    assert!(desk.state.overlay.is_none());
    assert_eq!(desk.state.toasts.len(), 1, "it says that there is nobody to ban here");
}

#[test]
fn a_transfer_gets_a_speed_and_ended_ones_are_cleared() {
    let mut desk = Desk::ready();
    let running =
        |bytes_done, elapsed_ms| TransferInfo { bytes_done, elapsed_ms, ..transfer(1, TransferState::Running) };
    desk.node(NodeEvent::Transfer(running(0, 0)));
    assert_eq!(desk.state.transfers.rows()[0].rate, None);
    desk.node(NodeEvent::Transfer(running(50, 1_000)));
    assert_eq!(desk.state.transfers.rows()[0].rate, Some(50.0));
    assert_eq!(desk.state.transfers.rows()[0].left_s(), Some(1));
    desk.node(NodeEvent::Transfer(transfer(2, TransferState::Done)));
    desk.keys("7 x");
    assert_eq!(desk.state.transfers.rows().len(), 1);
}

#[test]
fn a_transfer_that_falls_silent_has_no_speed() {
    let mut desk = Desk::ready();
    desk.keys("7");
    desk.node(NodeEvent::Transfer(transfer(1, TransferState::Running)));
    assert!(!desk.state.transfers.rows()[0].is_stalled(desk.now));
    assert_eq!(desk.state.next_wake(desk.now), Some(desk.now.unix_ms + 10_000));
    desk.later(10_000);
    assert!(desk.state.transfers.rows()[0].is_stalled(desk.now));
    assert_eq!(desk.state.next_wake(desk.now), None);
    desk.node(NodeEvent::Transfer(transfer(1, TransferState::Done)));
    assert!(!desk.state.transfers.rows()[0].is_stalled(desk.now));
}

#[test]
fn a_node_that_goes_away_is_not_asked_any_more() {
    let mut desk = Desk::ready();
    desk.event(Event::NodeGone);
    assert_eq!(desk.state.phase, Phase::Gone { remote: false });
    assert_eq!(commands(&desk.keys("ctrl-r 3 B")), Vec::<&NodeCommand>::new());
    assert_eq!(desk.keys("q"), [Effect::Quit]);
}

#[test]
fn a_node_elsewhere_that_comes_back_is_asked_again_and_nothing_was_wiped() {
    let mut desk = Desk::new();
    desk.event(Event::NodeReady { remote: true });
    desk.keys("5 p");
    let seq = desk.state.search.seq;
    desk.reply(Tag::Search { seq, remote: false }, answer(&[1, 2]));
    desk.event(Event::NodeGone);
    assert_eq!(desk.state.phase, Phase::Gone { remote: true });
    let lost = NodeError::new(ErrorKind::NoNode, "no node is running");
    desk.event(Event::Reply { tag: Tag::Search { seq, remote: false }, result: Err(lost) });
    assert_eq!(desk.state.search.results.len(), 2, "what was found stays");
    let effects = desk.event(Event::NodeReady { remote: true });
    assert!(commands(&effects).contains(&&NodeCommand::Peers) && desk.state.is_remote());
    assert!(desk.state.says("the node is back"));
    assert!(commands(&desk.later(500)).iter().any(|command| matches!(command, NodeCommand::Search(_))));
}
