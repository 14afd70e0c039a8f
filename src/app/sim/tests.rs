//! What holds of every simulation: the same course for the same seed, and answers to all that is asked.

use super::*;
use crate::app::key::Key;
use crate::app::state::{DashboardOptions, Remote, ToastKind};
use crate::net::api::{Direction, TransferState, TransferWish};

type Course = Vec<(u64, String)>;

fn rehearsal(script: Script, seed: u64) -> Rehearsal {
    let options = DashboardOptions { sim: Some(script.name().into()), ..DashboardOptions::default() };
    let sim = Sim::new(script, seed, BEGIN);
    let mut rehearsal = Rehearsal::new(sim, options, (100, 30), BEGIN);
    rehearsal.event(Event::Viewport { rows: 12, detail_end: 0, dialog_end: 0 }, &mut |_, _| {});
    rehearsal
}

/// What happens in so many milliseconds.
fn course(script: Script, seed: u64, ms: u64) -> Course {
    let mut course = Vec::new();
    let mut watch = |at: Now, event: &Event| course.push((at.unix_ms, serde_json::to_string(event).unwrap()));
    rehearsal(script, seed).run_until(BEGIN.plus(ms), &mut watch);
    course
}

fn after(script: Script, ms: u64) -> Rehearsal {
    let mut rehearsal = rehearsal(script, 1);
    rehearsal.run_until(BEGIN.plus(ms), &mut |_, _| {});
    rehearsal
}

fn press(rehearsal: &mut Rehearsal, keys: &str) {
    for key in keys.split_whitespace() {
        rehearsal.event(Event::Key(key.parse::<Key>().unwrap()), &mut |_, _| {});
        wait(rehearsal, 400);
    }
}

fn wait(rehearsal: &mut Rehearsal, ms: u64) {
    rehearsal.run_until(rehearsal.now().plus(ms), &mut |_, _| {});
}

#[test]
fn one_seed_is_one_course() {
    for script in [Script::Quiet, Script::Busy, Script::Hostile] {
        let first = course(script, 7, 60_000);
        assert_eq!(first, course(script, 7, 60_000), "{script:?}");
        assert!(first.windows(2).all(|pair| pair[0].0 <= pair[1].0), "{script:?}: time went back");
    }
    assert_ne!(course(Script::Busy, 7, 20_000), course(Script::Busy, 8, 20_000));
}

#[test]
fn nothing_happens_on_a_quiet_node() {
    let mut rehearsal = after(Script::Quiet, 5_000);
    let mut events = Vec::new();
    rehearsal.run_until(BEGIN.plus(65_000), &mut |_, event| events.push(event.clone()));
    assert!(events.iter().all(|event| *event == Event::Tick), "{events:?}");
    assert!(events.len() <= 2, "{} ticks in a minute", events.len());
}

#[test]
fn a_busy_node_has_all_there_is_to_see() {
    let mut seen = std::collections::BTreeSet::new();
    let mut rehearsal = rehearsal(Script::Busy, 1);
    rehearsal.run_until(BEGIN.plus(180_000), &mut |_, event| {
        if let Event::Node(event) = event {
            let value = serde_json::to_value(event).unwrap();
            seen.insert(value["event"].as_str().unwrap().to_owned());
        }
    });
    for kind in ["status", "peer", "peer_gone", "dht", "feed", "transfer", "log"] {
        assert!(seen.contains(kind), "no {kind} in {seen:?}");
    }
    let state = rehearsal.state();
    assert!(state.peers.connected() > 3 && state.peers.banned() > 0);
    assert!(state.feed.items().len() > 50 && state.transfers.rows().len() > 5 && state.logs.lines().len() > 20);
    assert!(state.toasts.iter().all(|toast| !toast.text.contains("did not answer")), "{:?}", state.toasts);
}

#[test]
fn ten_thousand_events_a_second_are_a_flood() {
    let mut count = 0;
    let mut rehearsal = after(Script::Flood, 1_000);
    rehearsal.run_until(BEGIN.plus(2_000), &mut |_, event| count += u32::from(matches!(event, Event::Node(_))));
    assert!((9_990..=10_020).contains(&count), "{count}");
}

/// By the wall clock a flood can get ahead of who watches it: what is missed is counted, not hoarded.
#[test]
fn who_is_too_slow_for_a_flood_is_told_what_was_missed() {
    let mut sim = Sim::new(Script::Flood, 1, BEGIN);
    while sim.pop(BEGIN.plus(300)).is_some() {}
    let mut lost = 0;
    let mut events = 0;
    while let Some((_, event)) = sim.pop(BEGIN.plus(10_300)) {
        events += 1;
        if let Event::Node(NodeEvent::Lagged { dropped }) = event {
            lost += dropped;
        }
    }
    assert!(lost > 90_000 && events < 1_000, "{lost} lost, {events} came");
}

#[test]
fn a_search_is_answered_here_and_by_peers_and_what_is_found_is_installed() {
    let mut rehearsal = after(Script::Busy, 2_000);
    press(&mut rehearsal, "5 s h a p e s enter");
    wait(&mut rehearsal, 1_000);
    let state = rehearsal.state();
    assert!(matches!(state.search.remote, Remote::Answered { asked: 1.., .. }), "{:?}", state.search.remote);
    assert!(state.search.results.iter().all(|hit| hit.name.as_str().contains("shapes")));
    assert!(state.search.selected_detail().is_some() && state.search.selected_why().is_some());
    let wanted = state.search.selected().unwrap().name.clone();
    press(&mut rehearsal, "i");
    assert!(rehearsal.state().overlay.is_some(), "no plan was offered");
    press(&mut rehearsal, "y");
    wait(&mut rehearsal, 60_000);
    let installed = &rehearsal.state().installed;
    assert!(installed.get(&wanted).is_some(), "{wanted} is not in {:?}", installed.list);
    assert!(rehearsal.state().pending.is_empty());
}

#[test]
fn the_wizard_publishes() {
    let mut rehearsal = after(Script::Quiet, 2_000);
    press(&mut rehearsal, "6 ctrl-u");
    rehearsal.event(Event::Paste("/simulated/packages/grid-shapes".into()), &mut |_, _| {});
    press(&mut rehearsal, "enter enter enter y");
    wait(&mut rehearsal, 5_000);
    let answer = rehearsal.state().publish.answer.clone().unwrap();
    assert_eq!(answer.name.as_str(), "grid-shapes");
    assert!(rehearsal.state().feed.items().iter().any(|item| item.name == answer.name));
}

#[test]
fn peers_are_banned_let_in_and_connected_by_hand() {
    let mut rehearsal = after(Script::Quiet, 2_000);
    press(&mut rehearsal, "2 b enter");
    assert_eq!((rehearsal.state().peers.banned(), rehearsal.state().peers.connected()), (1, 2));
    press(&mut rehearsal, "G b y");
    assert_eq!(rehearsal.state().peers.banned(), 0);
    press(&mut rehearsal, "c");
    rehearsal.event(Event::Paste("/ip4/192.0.2.9/tcp/4001".into()), &mut |_, _| {});
    press(&mut rehearsal, "enter");
    wait(&mut rehearsal, 1_000);
    assert_eq!(rehearsal.state().peers.connected(), 3);
    assert!(rehearsal.state().pending.is_empty(), "{:?}", rehearsal.state().pending);
}

#[test]
fn peers_are_kept_names_looked_up_and_limits_held() {
    let mut rehearsal = after(Script::Busy, 2_000);
    press(&mut rehearsal, "2 K");
    assert!(rehearsal.state().peers.selected().unwrap().kept);
    let name = rehearsal.state().feed.items()[0].name.to_string();
    press(&mut rehearsal, "3 /");
    rehearsal.event(Event::Paste(name), &mut |_, _| {});
    press(&mut rehearsal, "enter");
    wait(&mut rehearsal, 1_000);
    let answer = rehearsal.state().dht.lookup.as_ref().and_then(|lookup| lookup.answer.clone()).unwrap().unwrap();
    assert!(!answer.peers.is_empty());
    press(&mut rehearsal, "7 - - -");
    let limit = rehearsal.state().status.as_ref().unwrap().rates.download;
    wait(&mut rehearsal, 1_500);
    assert_eq!(rehearsal.state().status.as_ref().unwrap().rates.download, limit);
    assert!(
        rehearsal.state().toasts.iter().all(|toast| toast.kind != ToastKind::Error),
        "{:?}",
        rehearsal.state().toasts
    );
}

#[test]
fn downloads_wait_and_go_on_and_uploads_end() {
    let mut sim = Sim::new(Script::Quiet, 1, BEGIN);
    let release = sim.world.releases.back().unwrap().clone();
    let download = transfers::begin(&mut sim, &release, Direction::Inbound, BEGIN).unwrap();
    let upload = transfers::begin(&mut sim, &release, Direction::Outbound, BEGIN).unwrap();
    for (id, wish, becomes) in [
        (download, TransferWish::Pause, TransferState::Paused),
        (download, TransferWish::Resume, TransferState::Running),
        (download, TransferWish::Cancel { keep: true }, TransferState::Failed),
        (download, TransferWish::Resume, TransferState::Failed),
        (upload, TransferWish::Pause, TransferState::Running),
        (upload, TransferWish::Cancel { keep: true }, TransferState::Failed),
    ] {
        sim.request(Tag::Transfer { id }, NodeCommand::Transfer { id, wish }, BEGIN);
        let state = sim.world.transfers.iter().find(|one| one.id == id).unwrap().state;
        assert_eq!(state, becomes, "{wish:?}");
    }
}

/// What liars wrote has become text before it is in the state, where it is `SafeText`.
#[test]
fn hostile_words_are_there_and_harmless() {
    let rehearsal = after(Script::Hostile, 90_000);
    let state = rehearsal.state();
    let texts = state.feed.items().iter().flat_map(|item| [item.description.clone(), item.category.clone()]);
    let agents = state.peers.rows().iter().map(|row| row.info.agent.clone());
    let logs = state.logs.lines().iter().map(|line| line.message.clone());
    let all: Vec<_> = texts.chain(agents).chain(logs).collect();
    assert!(all.iter().filter(|text| text.contains("owned")).count() > 10);
    assert!(all.iter().all(|text| !text.contains(char::is_control)));
}
