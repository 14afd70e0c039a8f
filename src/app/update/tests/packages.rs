//! Search and install.

use super::*;
use crate::market::search::{Facet, Facets};
use crate::market::trust::{self, Assessment, Code, Fingerprint, KeyChange, Outcome};

#[test]
fn search_waits_for_the_keys_to_rest_then_asks_here_then_the_peers() {
    let mut desk = Desk::ready();
    desk.keys("5 k n");
    assert_eq!(desk.later(LOCAL_DELAY_MS - 1), []);
    desk.keys("o");
    assert_eq!(desk.later(LOCAL_DELAY_MS - 1), [], "each key starts the wait again");
    let here = SearchRequest { query: "kno".into(), limit: MAX_RESULTS, remote: false, facets: true };
    assert_eq!(commands(&desk.later(1)), [&NodeCommand::Search(here.clone())]);
    let peers = SearchRequest { remote: true, ..here };
    assert_eq!(commands(&desk.later(REMOTE_DELAY_MS)), [&NodeCommand::Search(peers)]);
    assert_eq!(desk.later(1_000), []);
}

#[test]
fn an_answer_to_an_older_query_is_thrown_away() {
    let mut desk = Desk::ready();
    desk.keys("5 k");
    let old = desk.state.search.seq;
    desk.keys("n");
    desk.reply(Tag::Search { seq: old, remote: false }, answer(&[1]));
    assert!(desk.state.search.results.is_empty());
}

#[test]
fn the_peers_answer_does_not_move_a_chosen_result() {
    let mut desk = Desk::ready();
    desk.keys("5 p");
    let seq = desk.state.search.seq;
    desk.reply(Tag::Search { seq, remote: false }, answer(&[1, 2]));
    desk.keys("enter down");
    desk.reply(Tag::Search { seq, remote: true }, answer(&[7, 1, 8, 2]));
    assert_eq!(desk.state.search.selected().unwrap().name, name("pack-2"));
    assert_eq!(desk.state.search.results.len(), 4);
    desk.reply(Tag::Search { seq, remote: false }, answer(&[1, 2]));
    assert_eq!(desk.state.search.results.len(), 4, "a late local answer takes nothing away");
}

#[test]
fn the_detail_is_asked_for_once_the_selection_rests() {
    let mut desk = Desk::ready();
    desk.keys("5 p");
    let seq = desk.state.search.seq;
    desk.reply(Tag::Search { seq, remote: false }, answer(&[1, 2, 3]));
    desk.keys("enter down down");
    (desk.state.search.local_due, desk.state.search.remote_due) = (None, None);
    let effects = desk.later(DETAIL_DELAY_MS);
    let why = NodeCommand::Why {
        name: name("pack-3"),
        version: semver::Version::new(1, 2, 3),
        publisher: PublisherKey([3; 32]),
    };
    assert_eq!(commands(&effects), [&NodeCommand::Detail { name: name("pack-3"), publisher: None }, &why]);
}

#[test]
fn installing_says_what_and_asks_for_exactly_that() {
    let mut desk = Desk::ready();
    desk.keys("5 p");
    let seq = desk.state.search.seq;
    desk.reply(Tag::Search { seq, remote: false }, answer(&[4]));
    desk.keys("i");
    assert!(desk.state.overlay.is_none(), "in the field an i is an i");
    let seq = desk.state.search.seq;
    desk.reply(Tag::Search { seq, remote: false }, answer(&[4]));
    desk.keys("enter i");
    let Some(Overlay::Confirm(confirm)) = &desk.state.overlay else { panic!("no question") };
    let all = confirm.facts.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(" ");
    for part in ["pack-4", "1.2.4", &PublisherKey([4; 32]).to_string(), "10 B"] {
        assert!(all.contains(part), "{part} is missing in {all}");
    }
    checked(&mut desk, "pack-4 1.2.4");
    let effects = desk.keys("enter");
    let [NodeCommand::Install(request)] = commands(&effects)[..] else { panic!("{effects:?}") };
    let [package] = request.packages.as_slice() else { panic!("{request:?}") };
    assert_eq!(package.requirement.as_ref().unwrap().to_string(), "=1.2.4");
    assert_eq!(package.publisher, Some(PublisherKey([4; 32])));
    let selected = desk.state.search.selected().unwrap();
    assert!(desk.state.is_installing(&selected.name, &selected.version));
    let effects = desk.keys("i enter");
    assert_eq!(effects, [], "the same install is not asked twice at once");
    assert!(desk.state.says("pack-4 1.2.4 is already being installed"));
}

/// The node has nothing against what is offered.
fn checked(desk: &mut Desk, what: &str) {
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

#[test]
fn a_look_inside_is_asked_for_once_shown_alone_and_tried_again_after_a_failure() {
    let mut desk = Desk::ready();
    desk.keys("5 p");
    let seq = desk.state.search.seq;
    desk.reply(Tag::Search { seq, remote: false }, answer(&[4, 5]));
    let effects = desk.keys("enter f");
    let [NodeCommand::Contents { name: asked, version, publisher }] = commands(&effects)[..] else {
        panic!("{effects:?}")
    };
    assert_eq!((asked, version.to_string(), *publisher), (&name("pack-4"), "1.2.4".into(), PublisherKey([4; 32])));
    let tag = Tag::Contents { name: asked.clone(), version: version.clone(), publisher: *publisher };
    let shown = |desk: &Desk| (desk.state.detail_open, desk.state.search.shown);
    assert_eq!(shown(&desk), (true, Shown::Files));
    assert!(!desk.state.can_look_inside() && desk.state.can_ask_why());
    desk.keys("esc");
    assert_eq!(desk.keys("f"), [], "it is on its way");
    let failed = NodeError::new(ErrorKind::Network, "nobody has it");
    desk.event(Event::Reply { tag: tag.clone(), result: Err(failed) });
    let files = |desk: &Desk| desk.state.search.selected_inside().unwrap().files.clone();
    assert!(matches!(files(&desk), Some(Err(_))));
    desk.keys("esc");
    assert!(matches!(commands(&desk.keys("f"))[..], [NodeCommand::Contents { .. }]), "what failed is tried again");
    desk.reply(tag.clone(), NodeReply::Files(FileList { unlisted: 7, ..FileList::default() }));
    assert_eq!(files(&desk).unwrap().unwrap().unlisted, 7);
    desk.keys("esc j");
    assert!(desk.state.search.selected_inside().is_none(), "another line");
    desk.keys("f");
    desk.reply(tag, NodeReply::Files(FileList::default()));
    assert_eq!(files(&desk), None, "an answer about the line before");
    assert_eq!(shown(&desk), (true, Shown::Files));
    desk.keys("esc enter");
    assert_eq!(shown(&desk), (true, Shown::All));
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

#[test]
fn an_empty_search_shows_what_is_known_with_the_installed_first() {
    let mut desk = Desk::ready();
    desk.keys("5");
    let effects = desk.later(0);
    let asked = commands(&effects);
    assert!(matches!(asked[..], [NodeCommand::Search(request)] if request.query.is_empty() && !request.remote));
    let mut mine = hit(2);
    mine.installed = Some(mine.version.clone());
    let results = vec![hit(1), mine];
    let seq = desk.state.search.seq;
    let answer = SearchAnswer { results, ..SearchAnswer::default() };
    desk.reply(Tag::Search { seq, remote: false }, NodeReply::Search(answer));
    assert_eq!(desk.state.search.results[0].name, name("pack-2"));
    desk.node(NodeEvent::Feed(item(3)));
    desk.node(NodeEvent::Feed(item(4)));
    let effects = desk.later(500);
    let searches = commands(&effects).into_iter().filter(|command| matches!(command, NodeCommand::Search(_)));
    assert_eq!(searches.count(), 1, "news are asked for once, not each");
}

#[test]
fn a_failed_install_is_told_once() {
    let mut desk = Desk::ready();
    let why = "pack-1 1.0.0: peer 12D3KooWMBiAWrVu4aoY7mp5MFmjZwvhe2BLRLGK8K3P7csgCJgL sent other bytes";
    let failed = || TransferInfo {
        name: SafeText::new("pack-1 1.0.0"),
        note: SafeText::new(why),
        ..transfer(1, TransferState::Failed)
    };
    let result = Err(NodeError::new(ErrorKind::Verification, why));
    desk.event(Event::Reply { tag: Tag::Install { what: "pack-1 1.0.0".into() }, result: result.clone() });
    desk.node(NodeEvent::Transfer(failed()));
    let told: Vec<_> = desk.state.toasts.iter().map(|toast| toast.text.as_str()).collect();
    assert_eq!(told, ["not installed: pack-1 1.0.0: peer 7csgCJgL sent other bytes"]);

    let mut other = Desk::ready();
    other.node(NodeEvent::Transfer(failed()));
    assert_eq!(other.state.toasts.len(), 1, "what nobody here asked for is told too");
    other.event(Event::Reply { tag: Tag::Install { what: "pack-1 1.0.0".into() }, result });
    assert_eq!(other.state.toasts.len(), 1);
}

#[test]
fn results_are_ordered_and_narrowed_through_the_query() {
    let mut desk = Desk::ready();
    desk.keys("5 a b enter");
    desk.later(500);
    let facet = |value: &str| Facet { value: SafeText::new(value), count: 2 };
    let facets = Facets { categories: vec![facet("web")], licences: vec![facet("MIT OR ISC")], ..Facets::default() };
    let seq = desk.state.search.seq;
    let found = SearchAnswer { results: vec![hit(1)], facets: Some(facets), ..SearchAnswer::default() };
    desk.reply(Tag::Search { seq, remote: false }, NodeReply::Search(found));
    desk.keys("n enter");
    assert_eq!(desk.state.search.query, "ab category:web");
    desk.keys("down enter");
    assert_eq!(desk.state.search.query, "ab category:web licence:\"MIT OR ISC\"");
    desk.keys("up enter");
    assert_eq!(desk.state.search.query, "ab licence:\"MIT OR ISC\"");
    desk.keys("esc s");
    let effects = desk.later(500);
    let asked = commands(&effects).into_iter().find_map(|command| match command {
        NodeCommand::Search(search) => Some(search.query.clone()),
        _ => None,
    });
    assert_eq!(asked.as_deref(), Some("ab licence:\"MIT OR ISC\" sort:newest"));
}

#[test]
fn what_was_asked_comes_back_in_an_empty_field() {
    let mut desk = Desk::ready();
    desk.keys("5 o n e enter / ctrl-u t w o enter / ctrl-u");
    desk.keys("up");
    assert_eq!(desk.state.search.query, "two");
    desk.keys("up up");
    assert_eq!(desk.state.search.query, "one");
    desk.keys("down down");
    assert_eq!((desk.state.search.query.as_str(), desk.state.search.recalled), ("", None));
    desk.keys("up x");
    assert_eq!((desk.state.search.query.as_str(), desk.state.search.recalled), ("twox", None));
}
