//! What is offered for installation: judged, planned, and answered.

use super::*;
use crate::market::trust::{self, Assessment, Code, Fingerprint, KeyChange, Outcome};

/// The node has nothing against what is offered.
pub fn checked(desk: &mut Desk, what: &str) {
    desk.reply(Tag::Offer { what: what.into() }, NodeReply::Why(Assessment::default()));
    desk.reply(Tag::Plan { what: what.into() }, NodeReply::Plan(InstallPlan::default()));
}

fn question(desk: &Desk) -> &Confirm {
    match &desk.state.overlay {
        Some(Overlay::Confirm(confirm)) => confirm,
        other => panic!("no question: {other:?}"),
    }
}

#[test]
fn yes_is_no_answer_before_the_offer_is_judged_and_planned() {
    let what = || "pack-4 1.0.4".to_owned();
    for plan_first in [true, false] {
        let mut desk = Desk::ready();
        desk.node(NodeEvent::Feed(item(4)));
        desk.keys("4 i");
        let plan = (Tag::Plan { what: what() }, NodeReply::Plan(InstallPlan::default()));
        let judgement = step(Code::LookAlike, Outcome::Warn, "looks like 'pack-a'");
        let trust = (Tag::Offer { what: what() }, NodeReply::Why(judgement));
        let answers = if plan_first { [plan, trust] } else { [trust, plan] };
        for (tag, reply) in answers {
            assert!(!question(&desk).can_say_yes());
            assert_eq!(desk.keys("y"), []);
            assert_eq!(desk.event(Event::Mouse { action: MouseAction::Click, target: Some(Target::Answer(true)) }), []);
            assert!(desk.state.says("still being checked"));
            desk.reply(tag, reply);
        }
        assert!(question(&desk).can_say_yes() && !question(&desk).choice, "no is what Enter says then");
        assert!(matches!(commands(&desk.keys("y"))[..], [NodeCommand::Install(_)]));
    }
    let mut desk = Desk::ready();
    desk.node(NodeEvent::Feed(item(4)));
    desk.keys("4 i enter");
    assert!(!question(&desk).can_say_yes(), "Enter does nothing, and the question stays");
    checked(&mut desk, &what());
    assert!(question(&desk).can_say_yes() && question(&desk).choice);
}

fn step(code: Code, outcome: Outcome, text: &str) -> Assessment {
    Assessment { steps: vec![trust::Step::new(code, outcome, text)], key_change: None }
}

#[test]
fn an_answer_about_another_publishers_package_of_the_name_is_not_taken() {
    let mut desk = Desk::ready();
    desk.node(NodeEvent::Feed(item(4)));
    let other = FeedItem { publisher: PublisherKey([9; 32]), release_id: ReleaseId([9; 32]), ..item(4) };
    desk.node(NodeEvent::Feed(other));
    let first = desk.keys("4 i");
    let second = desk.keys("esc down i");
    let tags = |effects: &[Effect]| -> Vec<Tag> {
        effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Request { tag, .. } => Some(tag.clone()),
                _ => None,
            })
            .collect()
    };
    let answer_to = |desk: &mut Desk, tag: Tag| match tag {
        Tag::Plan { .. } => desk.reply(tag, NodeReply::Plan(InstallPlan::default())),
        _ => desk.reply(tag, NodeReply::Why(Assessment::default())),
    };
    for tag in tags(&first) {
        answer_to(&mut desk, tag);
    }
    assert!(!question(&desk).can_say_yes());
    for tag in tags(&second) {
        answer_to(&mut desk, tag);
    }
    assert!(question(&desk).can_say_yes());
}

#[test]
fn an_offer_is_judged_and_what_speaks_against_it_makes_enter_mean_no() {
    let mut desk = Desk::ready();
    desk.node(NodeEvent::Feed(item(4)));
    let effects = desk.keys("4 i");
    let [NodeCommand::Why { name, version, publisher }, NodeCommand::Plan(_)] = commands(&effects)[..] else {
        panic!("{effects:?}")
    };
    assert_eq!((name.as_str(), version.to_string(), *publisher), ("pack-4", "1.0.4".into(), item(4).publisher));
    let confirm = |desk: &Desk| match &desk.state.overlay {
        Some(Overlay::Confirm(confirm)) => (confirm.warnings.clone(), confirm.choice),
        _ => panic!("no question"),
    };
    let tag = |what: &str| Tag::Offer { what: what.into() };
    let plan = Tag::Plan { what: "pack-4 1.0.4".into() };
    desk.reply(plan, NodeReply::Plan(InstallPlan::default()));
    desk.reply(tag("pack-5 1.0.0"), NodeReply::Why(step(Code::LookAlike, Outcome::Block, "of something else")));
    assert_eq!(confirm(&desk), (vec![], true), "an answer to another question");
    desk.reply(tag("pack-4 1.0.4"), NodeReply::Why(step(Code::LookAlike, Outcome::Warn, "looks like 'pack-a'")));
    assert_eq!(confirm(&desk), (vec!["looks like 'pack-a'".to_owned()], false));
    assert_eq!(desk.keys("enter"), [], "enter then means no");
    desk.keys("i");
    desk.reply(tag("pack-4 1.0.4"), NodeReply::Why(step(Code::Publisher, Outcome::Note, "new")));
    assert_eq!(confirm(&desk), (vec![], true), "a note is no warning");
}

fn planned(name: &str, version: &str, asked: bool) -> PlanStep {
    let (name, version) = (PackageName::new(name).unwrap(), version.parse().unwrap());
    PlanStep {
        action: PlanAction::Install,
        publisher: Some(PublisherKey([4; 32])),
        package_id: Some(PackageId([1; 32])),
        size: 2048,
        asked,
        ..PlanStep::blank(name, version)
    }
}

#[test]
fn an_offer_says_what_comes_with_it_and_that_plan_is_the_one_that_is_done() {
    let mut desk = Desk::ready();
    desk.node(NodeEvent::Feed(item(4)));
    desk.keys("4 i");
    let absent = AbsentPackage { name: name("gone"), requirement: "^1".parse().unwrap(), needed_by: name("pack-4") };
    let steps = vec![planned("base", "1.1.0", false), planned("pack-4", "1.0.4", true)];
    let plan = InstallPlan { steps, absent: vec![absent], download: 4096, ..InstallPlan::default() };
    desk.reply(Tag::Plan { what: "pack-5 1.0.0".into() }, NodeReply::Plan(InstallPlan::default()));
    desk.reply(Tag::Plan { what: "pack-4 1.0.4".into() }, NodeReply::Plan(plan.clone()));
    desk.reply(Tag::Offer { what: "pack-4 1.0.4".into() }, NodeReply::Why(Assessment::default()));
    let Some(Overlay::Confirm(confirm)) = &desk.state.overlay else { panic!("no question") };
    assert_eq!(confirm.facts.last(), Some(&("with it".to_owned(), "base 1.1.0 (2.0 KiB)".to_owned())));
    assert_eq!(confirm.warnings, ["nobody knows gone ^1, which pack-4 needs"]);
    let effects = desk.keys("y");
    let [NodeCommand::Install(request)] = commands(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!(request.expected, plan.expected());
}

#[test]
fn an_offer_that_cannot_be_installed_says_why() {
    let mut desk = Desk::ready();
    desk.node(NodeEvent::Feed(item(4)));
    desk.keys("4 i");
    let error = NodeError::new(ErrorKind::Failed, "no versions fit together:\n…").hint("leave one out");
    desk.event(Event::Reply { tag: Tag::Plan { what: "pack-4 1.0.4".into() }, result: Err(error) });
    desk.reply(Tag::Offer { what: "pack-4 1.0.4".into() }, NodeReply::Why(Assessment::default()));
    let confirm = question(&desk);
    assert_eq!(
        (confirm.warnings.as_slice(), confirm.choice),
        (["no versions fit together:\n…".to_owned()].as_slice(), false)
    );
    assert_eq!(confirm.facts.last(), Some(&("what to do".to_owned(), "leave one out".to_owned())));
    assert!(confirm.impossible && !confirm.can_say_yes());
    assert_eq!(desk.keys("y left y"), [], "yes is not offered");
    assert_eq!(desk.keys("enter"), []);
    assert!(desk.state.overlay.is_none(), "no is what is left");
}

#[test]
fn a_changed_key_is_another_question_with_both_fingerprints() {
    let mut desk = Desk::ready();
    desk.node(NodeEvent::Feed(item(4)));
    desk.keys("4 i");
    let pin = Pin {
        name: name("pack-4"),
        publisher: PublisherKey([99; 32]),
        since: 1_700_000_000,
        origin: PinOrigin::Installed,
    };
    let key_change = Some(KeyChange { pinned: pin, key: item(4).publisher, first_seen: None });
    let assessment = Assessment { key_change, ..step(Code::Publisher, Outcome::Block, "the key changed: …") };
    let refused = NodeError::new(ErrorKind::Verification, "pack-4 is pinned to another key");
    desk.event(Event::Reply { tag: Tag::Plan { what: "pack-4 1.0.4".into() }, result: Err(refused) });
    desk.reply(Tag::Offer { what: "pack-4 1.0.4".into() }, NodeReply::Why(assessment));
    let Some(Overlay::Confirm(confirm)) = desk.state.overlay.clone() else { panic!("no question") };
    assert!(confirm.dangerous && !confirm.choice && confirm.title.starts_with("Key changed"), "{confirm:?}");
    let facts = confirm.facts.iter().map(|(label, value)| format!("{label} {value}")).collect::<Vec<_>>();
    assert_eq!(
        facts,
        [
            "package pack-4 1.0.4".to_owned(),
            format!("pinned key {}", Fingerprint::of(&PublisherKey([99; 32]))),
            " since 2023-11-14".to_owned(),
            format!("new key {}", Fingerprint::of(&item(4).publisher)),
            " never seen before".to_owned(),
        ]
    );
    assert!(confirm.warnings.iter().all(|warning| !warning.contains("is pinned to another key")), "{confirm:?}");
    assert_eq!(desk.keys("enter"), [], "enter means no");
    desk.state.overlay = Some(Overlay::Confirm(confirm));
    assert_eq!(desk.keys("y enter"), [], "a key is not enough");
    let effects = desk.keys("ctrl-u a c c e p t enter");
    let [NodeCommand::Install(request)] = commands(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!((request.packages[0].publisher, request.accept_key), (Some(item(4).publisher), Some(item(4).publisher)));
}

#[test]
fn another_key_than_the_installed_ones_is_warned_about() {
    let mut desk = Desk::ready();
    let installed = InstalledInfo { publisher: Some(PublisherKey([99; 32])), ..InstalledInfo::sample(4) };
    desk.reply(Tag::Installed, NodeReply::Installed(vec![installed]));
    desk.keys("5 p");
    let seq = desk.state.search.seq;
    desk.reply(Tag::Search { seq, remote: false }, answer(&[4]));
    desk.keys("enter i");
    let Some(Overlay::Confirm(confirm)) = &desk.state.overlay else { panic!("no question") };
    assert!(confirm.warnings.iter().any(|warning| warning.contains("another key")));
    assert_eq!(desk.keys("enter"), [], "enter says no to that");
}
