//! Search and install.

use super::offers::checked;
use super::*;
use crate::market::search::{Facet, Facets};

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
