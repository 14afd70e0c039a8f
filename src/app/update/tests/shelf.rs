//! What is installed, and the settings.

use std::path::Path;

use super::*;
use crate::app::settings::Sheet;
use crate::config::load;
use crate::market::install::{Basis, Problem, ProblemKind, Verification};

pub fn sheet(text: &str) -> Sheet {
    Sheet::of(load::load_from(Path::new("/p2p-config.toml"), Some(text), [], &[]).unwrap())
}

/// On the pane, with some installed.
fn desk(numbers: &[u8]) -> Desk {
    let mut desk = Desk::ready();
    desk.reply(Tag::Installed, NodeReply::Installed(numbers.iter().map(|n| InstalledInfo::sample(*n)).collect()));
    desk.keys("8");
    desk
}

fn found(n: u8, problem: Option<ProblemKind>) -> NodeReply {
    let problem = problem.map(|kind| Problem { path: SafeText::new("a.txt"), kind });
    NodeReply::Verified(Verification {
        name: InstalledInfo::sample(n).name,
        version: semver::Version::new(1, 0, 0),
        files_checked: 3,
        problems: problem.into_iter().collect(),
        unlisted: 0,
        basis: Basis::Inventory,
    })
}

fn verify(desk: &mut Desk, n: u8, problem: Option<ProblemKind>) -> Vec<Effect> {
    desk.reply(Tag::Verify { name: InstalledInfo::sample(n).name }, found(n, problem))
}

fn standing(desk: &Desk, n: u8) -> Standing {
    let one = desk.state.installed.get(&InstalledInfo::sample(n).name).unwrap();
    desk.state.installed.standing(one)
}

#[test]
fn all_are_compared_one_after_the_other() {
    let mut desk = desk(&[1, 2, 3]);
    let effects = desk.keys("V V v");
    assert!(
        matches!(commands(&effects)[..], [NodeCommand::Verify { name }] if name.as_str() == "pack-1"),
        "{effects:?}"
    );
    assert_eq!(desk.state.installed.round.total(), 3, "asked again, none is compared twice");
    let effects = verify(&mut desk, 1, None);
    assert!(matches!(commands(&effects)[..], [NodeCommand::Verify { name }] if name.as_str() == "pack-2"));
    verify(&mut desk, 2, Some(ProblemKind::Changed));
    assert!(desk.state.toasts.is_empty(), "it is told at the end");
    let error = NodeError::new(ErrorKind::Disk, "cannot read");
    desk.event(Event::Reply { tag: Tag::Verify { name: InstalledInfo::sample(3).name }, result: Err(error) });
    assert!(!desk.state.installed.round.is_running());
    assert_eq!([1, 2, 3].map(|n| standing(&desk, n)), [Standing::Verified, Standing::Changed, Standing::Unverified]);
    assert!(desk.state.says("2 of 3 packages not as installed"), "{:?}", desk.state.toasts);
}

#[test]
fn files_that_were_added_do_no_harm() {
    let mut desk = desk(&[1]);
    desk.keys("v");
    verify(&mut desk, 1, Some(ProblemKind::Added));
    assert_eq!(standing(&desk, 1), Standing::Verified);
    assert!(desk.state.says("every file is as installed"));
}

#[test]
fn what_was_said_of_one_version_is_not_said_of_another() {
    let mut desk = desk(&[1]);
    desk.keys("v");
    verify(&mut desk, 1, Some(ProblemKind::Changed));
    let newer = InstalledInfo { version: semver::Version::new(1, 1, 0), ..InstalledInfo::sample(1) };
    desk.reply(Tag::Installed, NodeReply::Installed(vec![newer]));
    assert_eq!(standing(&desk, 1), Standing::Plain);
}

#[test]
fn what_is_put_in_place_anew_does_not_stand_as_damaged_any_more() {
    let mut desk = desk(&[1, 2]);
    desk.keys("V");
    verify(&mut desk, 1, Some(ProblemKind::Changed));
    verify(&mut desk, 2, Some(ProblemKind::Changed));
    let again = InstalledInfo { installed_at: InstalledInfo::sample(1).installed_at + 9, ..InstalledInfo::sample(1) };
    desk.reply(Tag::Installed, NodeReply::Installed(vec![again, InstalledInfo::sample(2)]));
    assert_eq!([1, 2].map(|n| standing(&desk, n)), [Standing::Plain, Standing::Changed]);
    let one = InstalledInfo::sample(2);
    let placed = InstalledPackage {
        action: PlanAction::Reinstall,
        name: one.name.clone(),
        version: one.version.clone(),
        from: None,
        publisher: one.publisher,
        package_id: None,
        index: None,
        assurance: None,
        path: one.path.clone(),
        bytes: 0,
        providers: Vec::new(),
        asked: true,
        needed_by: Vec::new(),
        dependencies: Vec::new(),
    };
    let answer = InstallAnswer { installed: vec![placed], ..InstallAnswer::default() };
    desk.reply(Tag::Install { what: "pack-2 1.0.0".into() }, NodeReply::Install(answer));
    assert_eq!(standing(&desk, 2), Standing::Plain, "also within the same second");
}

#[test]
fn what_is_announced_of_an_installed_package_is_asked_about() {
    let mut desk = desk(&[1]);
    let withdrawn = FeedItem { yanked: true, ..item(1) };
    let effects = desk.node(NodeEvent::Feed(withdrawn));
    assert_eq!(commands(&effects), [&NodeCommand::Installed, &NodeCommand::Outdated]);
    assert_eq!(desk.node(NodeEvent::Feed(item(2))), [], "this one is not installed");
}

#[test]
fn a_node_that_goes_leaves_no_comparison_running() {
    let mut desk = desk(&[1, 2]);
    desk.keys("V");
    desk.event(Event::NodeGone);
    assert!(!desk.state.installed.round.is_running());
}

fn newer(n: u8, wanted: u64, latest: u64) -> OutdatedPackage {
    OutdatedPackage {
        name: InstalledInfo::sample(n).name,
        installed: semver::Version::new(1, 0, 0),
        publisher: None,
        requirement: (wanted != latest).then(|| "~1.0".parse().unwrap()),
        wanted: semver::Version::new(1, wanted, 0),
        latest: semver::Version::new(1, latest, 0),
        yanked: None,
    }
}

#[test]
fn an_update_is_planned_shown_and_carried_out_as_shown() {
    let mut desk = desk(&[1, 2]);
    desk.reply(Tag::Outdated, NodeReply::Outdated(vec![newer(1, 2, 2)]));
    assert_eq!([1, 2].map(|n| standing(&desk, n)), [Standing::Outdated, Standing::Plain]);
    let effects = desk.keys("u");
    let [NodeCommand::Plan(request)] = commands(&effects)[..] else { panic!("{effects:?}") };
    assert!(request.update && request.packages.len() == 1);
    let step = PlanStep {
        action: PlanAction::Update,
        from: Some(semver::Version::new(1, 0, 0)),
        here: true,
        ..PlanStep::blank(InstalledInfo::sample(1).name, semver::Version::new(1, 2, 0))
    };
    let plan = InstallPlan { steps: vec![step], ..InstallPlan::default() };
    desk.reply(Tag::UpdatePlan { name: Some(InstalledInfo::sample(1).name) }, NodeReply::Plan(plan.clone()));
    let Some(Overlay::Confirm(confirm)) = &desk.state.overlay else { panic!("no question") };
    assert_eq!(confirm.facts, [("update".to_owned(), "pack-1 1.0.0 to 1.2.0".to_owned())]);
    let effects = desk.keys("y");
    let [NodeCommand::Install(request)] = commands(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!((request.update, request.expected.clone()), (true, plan.expected()));
}

#[test]
fn where_there_is_nothing_newer_it_says_why() {
    let mut desk = desk(&[1, 2]);
    desk.reply(Tag::Outdated, NodeReply::Outdated(vec![newer(1, 0, 3)]));
    desk.keys("u");
    desk.reply(Tag::UpdatePlan { name: Some(InstalledInfo::sample(1).name) }, NodeReply::Plan(InstallPlan::default()));
    assert!(desk.state.says("pack-1 stays at 1.0.0: there is 1.3.0, but it was asked for with ~1.0"));
    desk.keys("U");
    desk.reply(Tag::UpdatePlan { name: None }, NodeReply::Plan(InstallPlan::default()));
    assert!(desk.state.says("everything is up to date") && desk.state.overlay.is_none());
}

#[test]
fn files_and_trust_are_asked_for_once_the_selection_rests() {
    let mut desk = desk(&[1, 2, 3]);
    desk.keys("down");
    assert_eq!(desk.later(0), []);
    desk.keys("down");
    let effects = desk.later(FILES_DELAY_MS);
    let [NodeCommand::InstalledFiles { name }, NodeCommand::Why { .. }] = commands(&effects)[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(name.as_str(), "pack-3");
    let seq = desk.state.installed.extras_seq;
    desk.keys("up");
    desk.reply(Tag::InstalledFiles { seq }, NodeReply::Files(FileList::default()));
    assert!(desk.state.installed.selected_extras().is_none(), "they are of another package");
    desk.keys("down");
    assert!(desk.state.installed.selected_extras().is_some_and(|extras| extras.files.is_some()));
}

#[test]
fn what_is_installed_is_put_in_place_anew() {
    let mut desk = desk(&[1]);
    desk.keys("i");
    let what = "pack-1 1.0.0".to_owned();
    desk.reply(Tag::Offer { what: what.clone() }, NodeReply::Why(Default::default()));
    desk.reply(Tag::Plan { what }, NodeReply::Plan(InstallPlan::default()));
    let effects = desk.keys("y");
    let install = commands(&effects).into_iter().find_map(|command| match command {
        NodeCommand::Install(request) => Some(request),
        _ => None,
    });
    assert!(install.is_some_and(|request| request.reinstall && request.chosen), "{effects:?}");
}

#[test]
fn a_filter_finds_by_name_and_by_standing() {
    let mut desk = desk(&[1, 2, 3]);
    desk.reply(Tag::Outdated, NodeReply::Outdated(vec![newer(2, 2, 2)]));
    desk.keys("/ o u t d a t e d enter");
    let shown: Vec<_> = desk.state.installed.visible().iter().map(|one| one.name.to_string()).collect();
    assert_eq!(shown, ["pack-2"]);
}

fn settings(text: &str) -> Desk {
    let mut desk = Desk::ready();
    assert!(desk.keys("0").contains(&Effect::ReadSettings));
    desk.event(Event::Settings { wrote: None, result: Ok(sheet(text)) });
    desk
}

#[test]
fn a_reset_to_what_the_node_goes_by_needs_no_restart() {
    let mut desk = settings("[performance]\nmax_peers = 80\n");
    desk.reply(Tag::Settings, NodeReply::Settings(Box::default()));
    desk.event(Event::Settings { wrote: Some("performance.max_peers".into()), result: Ok(sheet("")) });
    assert_eq!(desk.state.toasts.back().unwrap().hint, None);
    let other = "[performance]\nmax_peers = 70\n";
    desk.event(Event::Settings { wrote: Some("performance.max_peers".into()), result: Ok(sheet(other)) });
    assert!(desk.state.toasts.back().unwrap().hint.is_some());
}

#[test]
fn what_this_node_published_is_not_from_peers() {
    let mut desk = desk(&[1]);
    let one = InstalledInfo::sample(1);
    assert_eq!(desk.state.source_of(&one), "peers");
    desk.node(NodeEvent::Feed(FeedItem { via: Via::Own, version: one.version.clone(), ..item(1) }));
    assert!(desk.state.source_of(&one).starts_with("this node"));
}

#[test]
fn the_pane_of_the_last_time_has_what_it_shows() {
    let mut desk = Desk::new();
    desk.state.tab = Tab::Settings;
    assert!(super::super::first_questions(&mut desk.state).contains(&Effect::ReadSettings));
    assert!(desk.event(Event::NodeReady { remote: false }).contains(&Effect::ReadSettings));
    desk.event(Event::Settings { wrote: None, result: Ok(sheet("")) });
    assert!(!desk.event(Event::NodeReady { remote: false }).contains(&Effect::ReadSettings), "it is known");
    let mut desk = Desk::new();
    desk.state.tab = Tab::Publish;
    let effects = super::super::first_questions(&mut desk.state);
    assert!(effects.contains(&Effect::ReadDir { path: "/home/ada/".into() }), "{effects:?}");
}

/// The effects that change a setting.
fn writes(effects: Vec<Effect>) -> Vec<(String, Option<String>)> {
    let change = |effect| match effect {
        Effect::WriteSetting { name, value } => Some((name, value)),
        _ => None,
    };
    effects.into_iter().filter_map(change).collect()
}

#[test]
fn a_setting_is_checked_while_it_is_typed_and_written_when_it_is_right() {
    let mut desk = settings("");
    desk.keys("/ m a x _ p e e r s enter e x");
    let Some(Overlay::Edit(edit)) = &desk.state.overlay else { panic!("no field") };
    assert!(
        edit.error.as_ref().is_some_and(|error| error.contains("a whole number from 1 to 1000")),
        "{:?}",
        edit.error
    );
    assert_eq!(writes(desk.keys("enter")), [], "what is wrong is not written");
    let effects = desk.keys("backspace 1 enter");
    assert_eq!(writes(effects), [("performance.max_peers".to_owned(), Some("501".to_owned()))]);
    assert!(desk.state.overlay.is_none());
    let text = "[performance]\nmax_peers = 501\n";
    desk.event(Event::Settings { wrote: Some("performance.max_peers".into()), result: Ok(sheet(text)) });
    assert!(desk.state.says("performance.max_peers is 501"));
}

#[test]
fn choices_are_walked_through() {
    let mut desk = settings("");
    desk.keys("/ m i r r o r enter e tab");
    let Some(Overlay::Edit(edit)) = &desk.state.overlay else { panic!("no field") };
    assert_eq!(edit.input.value(), "all");
    assert_eq!(writes(desk.keys("shift-tab enter")), [], "what it was is no change");
    assert_eq!(writes(desk.keys("e up enter")), [("storage.mirror".to_owned(), Some("none".to_owned()))]);
}

#[test]
fn what_the_node_does_not_go_by_yet_is_marked() {
    let mut desk = settings("[performance]\nmax_peers = 80\n[ui]\nascii = true\n");
    desk.reply(Tag::Settings, NodeReply::Settings(Box::default()));
    let pane = &desk.state.settings;
    assert_eq!(pane.waiting(), 1, "what concerns the dashboard alone holds at once");
    assert_eq!(pane.pending(pane.get("performance.max_peers").unwrap()), Some("50"));
    assert_eq!(pane.changed(), 2);
}

#[test]
fn a_reset_is_asked_about_and_offered_only_for_what_the_file_sets() {
    let mut desk = settings("[performance]\nmax_peers = 80\n");
    desk.keys("/ m a x _ p e e r s enter r");
    assert!(matches!(&desk.state.overlay, Some(Overlay::Confirm(_))));
    assert_eq!(writes(desk.keys("y")), [("performance.max_peers".to_owned(), None)]);
    desk.keys("esc / m d n s enter r");
    assert!(desk.state.overlay.is_none());
}

#[test]
fn a_broken_file_leaves_what_was_known_and_says_what_is_wrong() {
    let mut desk = settings("");
    let error = NodeError::new(ErrorKind::Usage, "p2p-config.toml:3:1: unknown key");
    desk.event(Event::Settings { wrote: None, result: Err(error.clone()) });
    assert!(desk.state.settings.fault.is_some() && !desk.state.settings.all().is_empty());
    desk.event(Event::Settings { wrote: Some("ui.ascii".into()), result: Err(error) });
    assert!(desk.state.says("ui.ascii was not changed: p2p-config.toml:3:1: unknown key"));
    desk.event(Event::Settings { wrote: None, result: Ok(sheet("")) });
    assert!(desk.state.settings.fault.is_none());
}
